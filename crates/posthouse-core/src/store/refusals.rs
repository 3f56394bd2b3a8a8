//! Requests of VASPs that were refused.

use async_trait::async_trait;
use jiff::Timestamp;
use mm7::StatusCode;

use super::StoreResult;
use crate::{
    account::AccountName,
    refusal::{KeptRefusal, RefusedRequest},
};

/// Which refusals are looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RefusalFilter {
    /// Only those that came last at or after this time.
    pub since: Option<Timestamp>,
    /// Only those that came last before this time.
    pub before: Option<Timestamp>,
    /// Only [numbers](KeptRefusal::number) below this one: the key of the next page.
    pub below: Option<i64>,
    /// Only this account's.
    pub account: Option<AccountName>,
    /// Only with this code.
    pub code: Option<StatusCode>,
    /// Only from this address.
    pub peer: Option<String>,
    /// Only under this TransactionID.
    pub transaction_id: Option<String>,
    /// Only to the recipient with this [hash](RefusedRequest::recipient_hash).
    pub recipient_hash: Option<String>,
}

/// A refusal, and how often it came since the last time that refusals were kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRefusal {
    /// The first of them.
    pub refusal: RefusedRequest,
    /// How often.
    pub times: u64,
    /// Whether it only counts as one more, where the same came within [`COUNTED_FOR`](crate::refusal::COUNTED_FOR).
    pub counted: bool,
}

/// Keeps requests of VASPs that were refused. See the [module](super) for what every operation keeps, and for the errors that each may
/// have.
#[async_trait]
pub trait RefusalStore: Send + Sync + 'static {
    /// Keeps refusals, in order. Of an account, and of those without one, the newest
    /// [`MOST_OF_ACCOUNT`](crate::refusal::MOST_OF_ACCOUNT) stay; of all the newest [`MOST`](crate::refusal::MOST).
    ///
    /// # Errors
    /// [`Full`](super::StoreError::Full) below the low-water mark, [`Overloaded`](super::StoreError::Overloaded) at once where there is no
    /// room, and those of every operation that writes.
    async fn keep_refusals(&self, refusals: &[NewRefusal]) -> StoreResult<()>;

    /// Refusals that match, the newest first, at most `limit`.
    ///
    /// # Errors
    /// [`TooWide`](super::StoreError::TooWide) when it takes longer than [`SEARCH_TIME`](super::SEARCH_TIME), and those of every
    /// operation that reads.
    async fn refusals(&self, filter: &RefusalFilter, limit: usize) -> StoreResult<Vec<KeptRefusal>>;
}
