//! What is said about a store as a whole.

use jiff::Timestamp;

/// What version a store is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreStatus {
    /// The version of the store; 0 where nothing was ever stored.
    pub version: i64,
    /// The newest version that this program knows.
    pub newest: i64,
    /// Whether a gateway runs on it.
    pub is_served: bool,
}

/// What was copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackupReport {
    /// When: what was acknowledged before is in it.
    pub at: Timestamp,
    /// The store's version.
    pub version: i64,
    /// How long the database is.
    pub database_bytes: u64,
    /// How long the segments of media are together.
    pub media_bytes: u64,
}
