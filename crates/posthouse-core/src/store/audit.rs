//! Who changed what.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreResult;
use crate::audit::{AuditEntry, AuditFilter, AuditRecord};

/// Keeps what operators did. The row of a change is written by the operation that makes the change, in its transaction: it takes an
/// [`Actor`](crate::actor::Actor) for that. A [visitor](super#who-may-do-what) may do all of it but throw away. See the
/// [module](super) for what every operation keeps, and for the errors that each may have.
#[async_trait]
pub trait AuditStore: Send + Sync + 'static {
    /// Rows that match, the newest first, at most `limit`.
    ///
    /// # Errors
    /// [`TooWide`](super::StoreError::TooWide) when it takes longer than [`SEARCH_TIME`](super::SEARCH_TIME), and those of every
    /// operation that reads.
    async fn audit(&self, filter: &AuditFilter, limit: usize) -> StoreResult<Vec<AuditRecord>>;

    /// Writes a row for what changes nothing in the store: something was shown that only some may see.
    ///
    /// # Errors
    /// Those of every operation that writes.
    async fn record_audit(&self, entry: &AuditEntry) -> StoreResult<()>;

    /// Throws away rows from before this time, and the oldest of more than [`MOST`](crate::audit::MOST); at most `limit`. How many.
    ///
    /// # Errors
    /// Those of every operation that writes.
    async fn sweep_audit(&self, before: Timestamp, limit: usize) -> StoreResult<u64>;
}
