//! Tests of the simulators over real HTTP.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what cannot be made, or is not there, fails the test"
)]

mod carrier;
mod http;
mod submit;
mod vasp;
