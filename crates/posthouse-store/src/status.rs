//! What is said about a store as a whole.

use jiff::Timestamp;
use posthouse_core::Id;

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

/// What was done after a database was restored to an earlier time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoredReport {
    /// How many leases ended.
    pub leases: u64,
    /// The newest message that the database knew: those behind it may be missing. `None` where it knew none.
    pub missing_from: Option<Id>,
    /// No id from here on was given yet.
    pub missing_to: Id,
    /// Messages that were put back, a hundred at most.
    pub put_back: Vec<Id>,
    /// Messages that objects have, and that could not be: messages from handsets, and what cannot be read; a hundred at most.
    pub not_put_back: Vec<Id>,
    /// So many more of both.
    pub more: u64,
}
