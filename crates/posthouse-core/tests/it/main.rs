//! Tests of the core as the gateway sees it.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what cannot be made, or is not there, fails the test"
)]

mod codes;
mod corpus;
mod fuzz_targets;
mod lint;
