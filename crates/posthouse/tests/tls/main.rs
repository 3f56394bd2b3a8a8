//! TLS over loopback, with certificates that are made here.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what is not there fails the test"
)]

mod certs;
mod clients;
mod doors;
mod listeners;
mod outgoing;
#[path = "../process/mod.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod process;
mod programs;
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod support;
