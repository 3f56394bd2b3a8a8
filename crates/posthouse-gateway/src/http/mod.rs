//! HTTP as the gateway needs it: an accept loop with deadlines and caps, bounded bodies, and a client that knows whether
//! anything was written.

pub mod answer_body;
pub mod basic;
pub mod body;
pub mod client;
mod connect;
mod handshake;
mod heads;
pub mod limits;
pub mod liveness;
pub mod memory;
pub mod mended;
mod patience;
pub mod peer;
mod pool;
pub mod proxies;
pub mod requests;
pub mod retry_after;
pub mod seats;
pub mod server;
