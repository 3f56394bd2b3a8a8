//! Tests of the store on real files.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what cannot be made, or is not there, fails the test"
)]

mod crash;
mod disk;
mod files;
mod model;
mod pg_place;
mod place;
mod postgres;
mod postgres_plans;
mod postgres_restored;
mod postgres_retention;
mod postgres_versions;
mod sqlite;
mod suite_on_postgres;
mod suite_on_sqlite;
mod transfer;
