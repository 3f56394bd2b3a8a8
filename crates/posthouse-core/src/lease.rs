//! The right of one node to work on something for a while.

use jiff::Timestamp;

/// One run of one node: drawn at random at start, so that a node never mistakes an earlier run's leases for its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Owner(pub i64);

/// The right to work on something till a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Who holds it.
    pub owner: Owner,
    /// When it ends (UTC, milliseconds); then others may take the work.
    pub until: Timestamp,
}
