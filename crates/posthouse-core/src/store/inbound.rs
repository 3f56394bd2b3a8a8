//! What came from carriers, as operators look it up: messages from handsets, those that were for nobody, and reports whose message is not
//! known.

use async_trait::async_trait;
use jiff::Timestamp;
use mm7::MmStatus;

use super::StoreResult;
use crate::{
    Id,
    account::AccountName,
    actor::Actor,
    bounds,
    carrier::CarrierId,
    life::{callback::NotRetried, read_reply::ReadStatus},
    message::Mo,
};

/// The most messages from handsets of one carrier that are kept though they are for nobody; the oldest go first.
pub const MOST_FOR_NOBODY: usize = 1000;

/// Which messages from handsets a search is about. It walks backwards from the newest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MoFilter {
    /// Only this account's.
    pub account: Option<AccountName>,
    /// Only from this carrier.
    pub carrier: Option<CarrierId>,
    /// Only from this sender (digits, or an address as it is kept).
    pub sender: Option<String>,
    /// Only under this TransactionID of the carrier's.
    pub transaction_id: Option<String>,
    /// Only under this LinkedID of the carrier's own.
    pub linked_id: Option<String>,
    /// Only those that came at or after this time.
    pub since: Option<Timestamp>,
    /// Only those that came before this time.
    pub before: Option<Timestamp>,
    /// Only ids below this one: the key of the next page.
    pub below: Option<Id>,
}

/// What became of the callback that carries a message from a handset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoOutcome {
    /// It is owed: the callback of this id.
    Owed(Id),
    /// It failed for good: the callback of this id.
    Failed(Id),
    /// It was delivered, or withdrawn.
    Settled,
}

/// A message from a handset, as searches show it.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredMo {
    /// Its LinkedID.
    pub id: Id,
    /// The account that it is for.
    pub account: AccountName,
    /// The carrier that it came from.
    pub carrier: CarrierId,
    /// What it says.
    pub mo: Mo,
    /// The carrier's own LinkedID.
    pub linked_id: Option<String>,
    /// When it came.
    pub received_at: Timestamp,
    /// When it was settled.
    pub ended_at: Option<Timestamp>,
    /// What became of it.
    pub outcome: MoOutcome,
}

/// A message from a handset that was for nobody: it was refused, and is not kept itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForNobody {
    /// The carrier that it came from.
    pub carrier: CarrierId,
    /// When.
    pub received_at: Timestamp,
    /// The TransactionID of the carrier's DeliverReq; empty where it had none.
    pub transaction_id: String,
    /// Who sent it, where that could be read.
    pub sender: Option<String>,
    /// To whom: short codes and numbers, parted by blanks.
    pub recipients: String,
}

impl ForNobody {
    /// What of it is kept.
    #[must_use]
    pub fn within_bounds(mut self) -> Self {
        self.transaction_id = bounds::id(&self.transaction_id).into_owned();
        self.sender = self.sender.map(|sender| bounds::cut(&sender, bounds::ADDRESS).to_owned());
        self.recipients = bounds::cut(&self.recipients, bounds::ADDRESS).to_owned();
        self
    }
}

/// What a report says that waits for its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnmatchedSays {
    /// What became of it.
    Report(MmStatus),
    /// What its recipient did with it.
    ReadReply(ReadStatus),
}

/// A report, or a read reply, whose message is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnmatchedReport {
    /// Its number: later ones are higher.
    pub number: i64,
    /// The carrier that it came from.
    pub carrier: CarrierId,
    /// When.
    pub received_at: Timestamp,
    /// The MessageID that it names.
    pub carrier_message_id: String,
    /// What it says.
    pub says: UnmatchedSays,
    /// The same, in the carrier's words.
    pub said: String,
    /// Recipient, as digits, where it could be read.
    pub recipient: Option<String>,
    /// Sender, where it could be read.
    pub sender: Option<String>,
    /// What was odd about its form; empty: nothing.
    pub odd: String,
}

/// Which of them a search is about. It walks backwards from the newest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnmatchedFilter {
    /// Only of this carrier.
    pub carrier: Option<CarrierId>,
    /// Only under this MessageID of the carrier's.
    pub carrier_message_id: Option<String>,
    /// Only about this recipient (digits).
    pub recipient: Option<String>,
    /// Only those that came at or after this time.
    pub since: Option<Timestamp>,
    /// Only those that came before this time.
    pub before: Option<Timestamp>,
    /// Only numbers below this one: the key of the next page.
    pub below: Option<i64>,
}

/// Looks up what came from carriers. A [visitor](super#who-may-do-what) may do all of it but [`keep_for_nobody`](Self::keep_for_nobody).
/// See the [module](super) for what every operation keeps, and for the errors that each may have.
#[async_trait]
pub trait InboundStore: Send + Sync + 'static {
    /// Messages from handsets that match, newest first, at most `limit`.
    ///
    /// # Errors
    /// [`TooWide`](super::StoreError::TooWide) when it takes longer than [`SEARCH_TIME`](super::SEARCH_TIME), and those of every
    /// operation that reads.
    async fn mos(&self, filter: &MoFilter, limit: usize) -> StoreResult<Vec<StoredMo>>;

    /// The one of this LinkedID, if it is known.
    ///
    /// # Errors
    /// Those of every operation that reads.
    async fn mo(&self, id: Id) -> StoreResult<Option<StoredMo>>;

    /// Makes messages from handsets owed once more, whatever became of them: where a callback carries one still, as
    /// [`retry_callbacks`](super::EndpointStore::retry_callbacks); where it was delivered, by a new one. In the order of `ids`, whether
    /// it was done.
    ///
    /// # Errors
    /// Those of every operation that writes.
    async fn resend_mos(
        &self,
        ids: &[Id],
        by: &Actor,
        now: Timestamp,
    ) -> StoreResult<Vec<Result<(), NotRetried>>>;

    /// Keeps a message from a handset that is for nobody: of each carrier the newest [`MOST_FOR_NOBODY`]. Its number.
    ///
    /// # Errors
    /// [`Full`](super::StoreError::Full) below the low-water mark, for it is no work that could drain.
    async fn keep_for_nobody(&self, mo: ForNobody) -> StoreResult<i64>;

    /// Those of a carrier, or of all, with numbers below this; the newest first, each with its number.
    ///
    /// # Errors
    /// Those of every operation that reads.
    async fn for_nobody(
        &self,
        carrier: Option<&CarrierId>,
        below: Option<i64>,
        limit: usize,
    ) -> StoreResult<Vec<(i64, ForNobody)>>;

    /// Reports and read replies whose message is not known, and which match; newest first, at most `limit`.
    ///
    /// # Errors
    /// [`TooWide`](super::StoreError::TooWide) when it takes longer than [`SEARCH_TIME`](super::SEARCH_TIME), and those of every
    /// operation that reads.
    async fn unmatched(&self, filter: &UnmatchedFilter, limit: usize) -> StoreResult<Vec<UnmatchedReport>>;
}
