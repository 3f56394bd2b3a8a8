//! Tests of the gateway as a library, with its peers in this process, over real HTTP.
#![expect(clippy::disallowed_methods, reason = "the peers of tests are tasks and threads of their own")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what cannot be made, or is not there, fails the test"
)]

mod adaptation;
mod content;
mod contract;
mod door;
mod fetch;
mod fuzz_targets;
mod lookup;
mod mo;
mod nodes;
mod put_off;
mod simulation;
mod store_away;
