//! The Posthouse gateway as a library: [`app::App`] is the whole of it, running.
//!
//! `doors` takes submissions from VASPs, `intake` decides about them, `queue` hands them to carriers over `carrier`, whose own door takes
//! what carriers post; `callbacks` delivers to VASPs, `admin` serves operators. These meet in the core's types, in the store, in
//! `handoff`, where a fresh message goes from memory to its lane, and in `bell`. `due` wakes the lanes for what the store holds. Which
//! room may use which is a table in `xtask/src/tidy/rooms.rs`.
#![cfg_attr(test, expect(clippy::disallowed_methods, reason = "tests make tasks and threads of their own"))]

pub mod admin;
pub mod app;
pub mod auth;
pub mod bell;
mod breaker;
pub mod callbacks;
pub mod carrier;
mod cdr;
pub mod clock;
pub mod config;
pub mod divided;
pub mod doors;
pub mod drain;
mod due;
mod failure_log;
pub mod fetch;
pub mod handoff;
pub mod http;
pub mod ids;
pub mod intake;
mod lanes;
pub mod lookup;
mod mm7_http;
pub mod node;
#[cfg(feature = "otlp")]
mod otlp;
mod patience;
pub mod queue;
mod random;
mod refusals;
mod resolver;
pub mod secrets;
pub mod shares;
pub mod snapshot;
mod spawn;
mod store_retry;
pub mod telemetry;
pub mod tls;
