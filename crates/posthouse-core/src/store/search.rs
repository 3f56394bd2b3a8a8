//! What is read of messages.

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;

use super::{NextStep, StoreResult};
use crate::{
    Id,
    account::AccountName,
    carrier::CarrierId,
    life::state::State,
    message::{StoredMessage, TimelineEvent},
    unreadable::KeptUnreadable,
};

/// Which messages a search is about. It walks backwards from the newest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageFilter {
    /// Only those accepted at or after this time.
    pub since: Option<Timestamp>,
    /// Only those accepted before this time.
    pub before: Option<Timestamp>,
    /// Only ids below this one: the key of the next page.
    pub below: Option<Id>,
    /// Only this account's.
    pub account: Option<AccountName>,
    /// Only this carrier's.
    pub carrier: Option<CarrierId>,
    /// Only to this recipient (digits).
    pub recipient: Option<String>,
    /// Only under this TransactionID.
    pub transaction_id: Option<String>,
    /// Only in one of these states; empty: in any.
    pub states: Vec<State>,
}

/// Reads messages and what belongs to them. Nothing is changed, and a [visitor](super#who-may-do-what) may do all of it. See the
/// [module](super) for what every operation keeps, and for the errors that each may have.
#[async_trait]
pub trait SearchStore: Send + Sync + 'static {
    /// A message, if it is known.
    ///
    /// # Errors
    /// Those of every operation that reads.
    async fn message(&self, id: Id) -> StoreResult<Option<StoredMessage>>;

    /// A message's timeline, oldest first, beginning with [`EventKind::Accepted`](crate::message::EventKind::Accepted)
    /// and what was noted then.
    ///
    /// # Errors
    /// Those of every operation that reads.
    async fn timeline(&self, id: Id) -> StoreResult<Option<Vec<TimelineEvent>>>;

    /// What is to be done about a message next. `None` when it has ended, or there is none.
    ///
    /// # Errors
    /// Those of every operation that reads.
    async fn next(&self, id: Id, now: Timestamp) -> StoreResult<Option<NextStep>>;

    /// Messages that match, newest first, at most `limit`.
    ///
    /// # Errors
    /// Those of every operation that reads.
    async fn messages(&self, filter: &MessageFilter, limit: usize) -> StoreResult<Vec<StoredMessage>>;

    /// The media of a message, one `Bytes` for each of its parts.
    ///
    /// # Errors
    /// [`NotFound`](super::StoreError::NotFound) once retention took them;
    /// [`Corrupt`](super::StoreError::Corrupt) when a checksum does not match.
    async fn media(&self, id: Id) -> StoreResult<Vec<Bytes>>;

    /// The requests that nobody could read, of a carrier or of all, with [numbers](KeptUnreadable::number) below one, newest first,
    /// at most `limit`.
    ///
    /// # Errors
    /// Those of every operation that reads.
    async fn unreadable(
        &self,
        carrier: Option<&CarrierId>,
        below: Option<i64>,
        limit: usize,
    ) -> StoreResult<Vec<KeptUnreadable>>;
}
