//! How it was in the last hours.

pub(crate) mod sampler;
pub(super) mod series;
pub(super) mod store;
