//! What the gateway tells about itself: [`metrics`], and logs through `tracing` and [`lines`].

pub(crate) mod captures;
pub(crate) mod exposition;
pub mod levels;
pub mod lines;
pub mod metrics;
mod process;
pub(crate) mod sample;
pub(crate) mod series;
pub(crate) mod store;
pub(crate) mod traces;

pub use self::metrics::Metrics;
pub(crate) use self::metrics::{CdrState, ConnectionState, Shed};
