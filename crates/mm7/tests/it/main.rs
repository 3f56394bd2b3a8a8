//! Tests of the codec as its users see it.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what cannot be made, or is not there, fails the test"
)]

mod clients;
mod corpus;
mod forgiving;
mod messages;
mod mime;
mod requests;
mod round_trip;
mod schema;
mod strict;
mod vectors;
mod written;
