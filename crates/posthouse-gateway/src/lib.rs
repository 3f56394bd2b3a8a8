//! The Posthouse gateway as a library: [`app::App`] is the whole of it, running.
//!
//! `intake` takes SubmitReq from VASPs, `queue` submits to carriers, `carrier` is the wire to and from them, `callbacks` brings
//! reports to VASPs, `admin` serves operators. They do not know each other: they meet in the core's types, in the store, and
//! in `handoff`, where a fresh message goes from memory to its lane. `due` wakes the lanes for what the store holds.

pub mod admin;
pub mod app;
pub mod auth;
mod breaker;
pub mod callbacks;
pub mod carrier;
pub mod clock;
pub mod config;
mod due;
pub mod fetch;
pub mod handoff;
pub mod http;
pub mod ids;
pub mod intake;
mod lanes;
pub mod lookup;
mod mm7_http;
mod patience;
pub mod queue;
mod random;
mod resolver;
pub mod secrets;
pub mod shares;
pub mod snapshot;
mod store_retry;
pub mod telemetry;
pub mod tls;
