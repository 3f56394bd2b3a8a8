//! Tests of the program as people run it: processes, their files, and what they print.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what cannot be made, or is not there, fails the test"
)]

mod api;
#[cfg(target_os = "linux")]
mod backup;
mod bench;
#[cfg(unix)]
mod browser;
mod callbacks;
#[cfg(target_os = "linux")]
mod captures;
#[cfg(target_os = "linux")]
mod cdr;
#[cfg(target_os = "linux")]
mod cluster;
mod codes;
mod commands;
mod connections;
mod crash;
mod demo;
mod doctor;
mod edits;
mod interventions;
mod keys;
mod lint;
mod live_pages;
#[cfg(target_os = "linux")]
mod memory;
mod messages;
mod metrics;
mod mistakes;
mod mo;
mod numbers;
mod oidc;
mod operations;
#[cfg(target_os = "linux")]
mod outage;
mod overrides;
mod pages;
mod portal;
mod process;
mod provisioning;
mod queues;
mod rights;
mod sandbox;
mod schemathesis;
mod serve;
mod shown;
mod signals;
mod sim_commands;
mod starvation;
mod stream;
mod submissions;
mod tls;
#[cfg(target_os = "linux")]
mod traces;
mod turns;
mod users;
#[cfg(target_os = "linux")]
mod volume;
