//! What the gateway tells about itself: [`metrics`], and logs through `tracing` and [`lines`].

pub mod lines;
pub mod metrics;
pub(crate) mod store;

pub(crate) use self::metrics::ConnectionState;
pub use self::metrics::Metrics;
