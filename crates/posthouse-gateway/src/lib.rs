//! The Posthouse gateway as a library: [`app::App`] is the whole of it, running.
//!
//! `ingress` takes SubmitReq from VASPs, `queue` submits to carriers, `carrier` is the wire to and from them, `relay` brings
//! reports to VASPs, `admin` serves operators. They do not know each other: they meet in the core's types, in the store, and
//! in `handoff`, where a fresh message goes from memory to its lane. `scout` wakes the lanes for what the store holds.

pub mod adapt;
pub mod admin;
pub mod admission;
pub mod app;
pub mod auth;
mod breaker;
pub mod carrier;
pub mod clock;
pub mod config;
mod envelope;
pub mod fetch;
pub mod handoff;
pub mod http;
pub mod ids;
pub mod ingress;
mod lanes;
pub mod lookup;
mod names;
mod patience;
mod peer_words;
pub mod queue;
mod random;
pub mod relay;
mod scout;
pub mod shares;
pub mod snapshot;
pub mod telemetry;
pub mod tls;
