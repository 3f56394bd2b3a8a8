//! Tests of the whole: a gateway with its peers, in this process or as the program that people run.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what cannot be made, or is not there, fails the test"
)]

mod adaptation;
mod bench;
mod codes;
mod connections;
mod content;
mod contract;
mod crash;
mod doctor;
mod fetch;
mod interventions;
mod lint;
mod lookup;
#[cfg(target_os = "linux")]
mod memory;
mod messages;
mod mo;
#[cfg(target_os = "linux")]
mod outage;
mod process;
mod provisioning;
mod serve;
mod shown;
mod sim_commands;
mod simulation;
mod starvation;
mod support;
mod tls;
