//! What has to hold for any bytes that a peer may send. One module for each target, each with one function `check` that panics
//! where something does not hold.
//!
//! The targets in `fuzz_targets/` hand them what libFuzzer thinks of; `crates/posthouse-core/tests/it/fuzz_targets.rs` includes this
//! file and hands them every vector and mutations of it, as an ordinary test on a stable compiler. `heads.rs` stands beside them: it
//! needs the gateway, in whose `tests/it/fuzz_targets.rs` it is run.

pub mod envelope;
pub mod input;
pub mod lint;
pub mod multipart;
pub mod request;
pub mod round_trip;
