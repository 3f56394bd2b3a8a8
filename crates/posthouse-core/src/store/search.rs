//! What is read of messages.

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use mm7::StatusCode;

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
    /// Only those accepted at or after this time; with a [code](Self::code), that failed so at or after it.
    pub since: Option<Timestamp>,
    /// Only those accepted before this time; with a [code](Self::code), that failed so before it.
    pub before: Option<Timestamp>,
    /// Only ids below this one: the key of the next page.
    pub below: Option<Id>,
    /// Only ids above this one: what came since, of whoever has seen it.
    pub above: Option<Id>,
    /// Only this account's.
    pub account: Option<AccountName>,
    /// Only this carrier's; with a [code](Self::code), that failed so at this one.
    pub carrier: Option<CarrierId>,
    /// Only to this recipient (digits).
    pub recipient: Option<String>,
    /// Only under this TransactionID.
    pub transaction_id: Option<String>,
    /// Only under this MessageID of the carrier's.
    pub carrier_message_id: Option<String>,
    /// Only in one of these states; empty: in any.
    pub states: Vec<State>,
    /// Only those of which an attempt failed with this code, whatever became of them: see
    /// [`FailedAttempt`](super::FailedAttempt).
    pub code: Option<StatusCode>,
    /// Only those that were attempted over this connection; with a [code](Self::code), that failed so over it.
    pub connection: Option<String>,
}

impl MessageFilter {
    /// Whether it is about what has not ended alone: that has work, and nothing else has.
    pub fn is_unended(&self) -> bool {
        !self.states.is_empty() && !self.states.iter().any(|state| state.is_terminal())
    }
}

/// What messages are told apart by when they are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CountBy {
    /// Where they stand.
    State,
    /// The carrier they go to.
    Carrier,
    /// The reason of their refusal.
    Code,
    /// Whose they are.
    Account,
}

impl CountBy {
    /// Everything that there is.
    pub const ALL: &'static [Self] = &[Self::State, Self::Carrier, Self::Code, Self::Account];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Carrier => "carrier",
            Self::Code => "code",
            Self::Account => "account",
        }
    }
}

/// How many messages are alike in what they are told apart by; nothing else of them is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageCount {
    /// Where they stand.
    pub state: Option<State>,
    /// The carrier they go to.
    pub carrier: Option<CarrierId>,
    /// The reason of their refusal; `None` also of those that were not refused.
    pub code: Option<StatusCode>,
    /// Whose they are.
    pub account: Option<AccountName>,
    /// How many.
    pub messages: u64,
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
    /// [`TooWide`](super::StoreError::TooWide) when it takes longer than [`SEARCH_TIME`](super::SEARCH_TIME), and those of every operation that reads.
    async fn messages(&self, filter: &MessageFilter, limit: usize) -> StoreResult<Vec<StoredMessage>>;

    /// The id from which on there are so many messages, whoever's they are; `None` where there are fewer, and of none.
    ///
    /// # Errors
    /// [`TooWide`](super::StoreError::TooWide) when it takes longer than [`SEARCH_TIME`](super::SEARCH_TIME), and those of every operation that reads.
    async fn nth_newest(&self, messages: u32) -> StoreResult<Option<Id>>;

    /// How many messages match: a row for each of what they are told apart by, the most first, at most `limit`; one row where they are
    /// not told apart, and none where nothing matches.
    ///
    /// # Errors
    /// [`TooWide`](super::StoreError::TooWide) when it takes longer than [`SEARCH_TIME`](super::SEARCH_TIME), and those of every operation that reads.
    async fn count(
        &self,
        filter: &MessageFilter,
        by: &[CountBy],
        limit: usize,
    ) -> StoreResult<Vec<MessageCount>>;

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
