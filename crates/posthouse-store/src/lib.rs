//! Where messages are kept: SQLite rows, segment files for bodies.
//!
//! [`SqliteStore`] is the embedded backend of [`posthouse_core::store::Store`], whose documentation is the contract.
//! The conformance suite (`suite`, behind the feature of that name) tests it on every backend.

mod fault;
mod media;
pub mod sqlite;
#[cfg(feature = "suite")]
#[expect(clippy::unwrap_used, clippy::panic, reason = "the suite is test code that backends share")]
pub mod suite;

pub use sqlite::{Access, Counters, OpenError, SqliteOptions, SqliteStore};
