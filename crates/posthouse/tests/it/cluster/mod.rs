//! Several gateways on one PostgreSQL database, and media in S3: processes that are killed, stopped, cut off and started again, under load.
//!
//! What was promised is compared with what came of it (`judge.rs`). Without PostgreSQL, or SeaweedFS where S3 is meant, a test says in a
//! line that it did not run. Longer runs are asked for by variables: CONTRIBUTING.md names them.
#![expect(clippy::print_stdout, reason = "what was seen, where a run is long")]

mod balancer;
mod cuts;
mod database;
mod judge;
mod limits;
mod load;
mod media;
mod moved;
mod network;
mod nodes;
mod refused;
mod restored;
mod seeds;
mod soak;
mod town;
mod upgrade;

/// What a variable says, or what is enough for every day.
fn number(variable: &str, usual: u64) -> u64 {
    std::env::var(variable).map_or(usual, |text| text.parse().unwrap())
}
