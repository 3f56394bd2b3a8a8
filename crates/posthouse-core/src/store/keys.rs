//! When keys were last used.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreResult;

/// Keeps when keys of accounts were last used: a visitor reads it, the gateway that serves writes it. See the [module](super) for what every
/// operation keeps, and for the errors that each may have.
#[async_trait]
pub trait KeyStore: Send + Sync + 'static {
    /// Keys, by their ids, were used then, or later for all that is known. Nothing where there are none.
    ///
    /// # Errors
    /// Those of every operation that writes.
    async fn note_keys_used(&self, used: &[(String, Timestamp)]) -> StoreResult<()>;

    /// When these keys were last used, each that ever was.
    ///
    /// # Errors
    /// Those of every operation that reads.
    async fn keys_used(&self, ids: &[String]) -> StoreResult<Vec<(String, Timestamp)>>;
}
