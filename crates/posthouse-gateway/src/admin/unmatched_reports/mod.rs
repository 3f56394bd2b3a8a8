//! Reports and read replies of carriers whose message is not known.

pub mod get;
pub mod list;
pub(super) mod views;
