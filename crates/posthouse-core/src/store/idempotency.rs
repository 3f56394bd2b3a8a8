//! Requests that may be sent again.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreResult;
use crate::idempotency::{KeptAnswer, KeyClaim, KeyedRequest};

/// Keeps what was answered to requests under a key. See the [module](super) for what every operation keeps, and for the errors that
/// each may have.
#[async_trait]
pub trait IdempotencyStore: Send + Sync + 'static {
    /// What is to be done with a request ([`judge`](crate::idempotency::judge)); one that is the first is kept from then on. Beyond
    /// [`MOST_OWN_KEYS`](crate::idempotency::MOST_OWN_KEYS) of the principal, and [`MOST_KEYS`](crate::idempotency::MOST_KEYS) in all, the oldest go.
    ///
    /// # Errors
    /// Those of every operation that writes.
    async fn claim_key(&self, request: &KeyedRequest) -> StoreResult<KeyClaim>;

    /// Keeps what was answered to the request of this hash. One that is not kept any more is no error.
    ///
    /// # Errors
    /// Those of every operation that writes.
    async fn keep_answer(&self, hash: &str, answer: &KeptAnswer) -> StoreResult<()>;

    /// Forgets the request of this hash: nothing was done, and it may be sent again.
    ///
    /// # Errors
    /// Those of every operation that writes.
    async fn release_key(&self, hash: &str) -> StoreResult<()>;

    /// Forgets requests that came then or before, `limit` at most, the oldest first: how many.
    ///
    /// # Errors
    /// Those of every operation that writes.
    async fn forget_keys(&self, until: Timestamp, limit: usize) -> StoreResult<u64>;
}
