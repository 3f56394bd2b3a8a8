//! Tests of adaptation. What measures its own process has a binary of its own: `memory.rs`.
#![expect(clippy::unwrap_used, reason = "what cannot be made, or is not there, fails the test")]

mod pictures;
