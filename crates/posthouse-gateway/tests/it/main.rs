//! Tests of the gateway as a library.
#![expect(clippy::unwrap_used, reason = "what cannot be made, or is not there, fails the test")]

mod door;
mod fuzz_targets;
