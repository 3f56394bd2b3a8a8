//! Tokens of principals.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreResult;
use crate::{actor::Actor, token::TokenRecord};

/// Keeps the tokens of principals. A [visitor](super#who-may-do-what) may do all of it. See the [module](super) for what every
/// operation keeps, and for the errors that each may have.
#[async_trait]
pub trait TokenStore: Send + Sync + 'static {
    /// Adds a token, with a row of [audit](crate::audit). `false`: there are [`MOST_TOKENS`](crate::token::MOST_TOKENS) already, or
    /// one of this id or hash; nothing was changed then.
    ///
    /// # Errors
    /// Those of every operation that writes.
    async fn add_token(&self, token: &TokenRecord, by: &Actor, now: Timestamp) -> StoreResult<bool>;

    /// Ends a token at once, with a row of [audit](crate::audit). `false`: there is none of this id.
    ///
    /// # Errors
    /// Those of every operation that writes.
    async fn revoke_token(&self, id: &str, by: &Actor, now: Timestamp) -> StoreResult<bool>;

    /// Tokens by id, those behind `after`, at most `limit`; also those that have expired.
    ///
    /// # Errors
    /// Those of every operation that reads.
    async fn tokens(&self, after: Option<&str>, limit: usize) -> StoreResult<Vec<TokenRecord>>;

    /// The token of this hash, also if it has expired.
    ///
    /// # Errors
    /// Those of every operation that reads.
    async fn token(&self, hash: &str) -> StoreResult<Option<TokenRecord>>;

    /// Notes that a token was used. One that is gone by now is no error.
    ///
    /// # Errors
    /// Those of every operation that writes.
    async fn note_token_used(&self, id: &str, now: Timestamp) -> StoreResult<()>;
}
