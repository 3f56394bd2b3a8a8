//! What keeps a store going: retention, the clock, readiness, metrics, and the end.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreResult;
use crate::{
    Id,
    actor::Actor,
    distribution::Distribution,
    steady::{GAP, JUMP},
    time::after,
};

/// What is known of the time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClockMarks {
    /// The time at which a gateway last noted it.
    pub seen: Option<Timestamp>,
    /// The time that somebody last confirmed.
    pub confirmed: Option<Timestamp>,
}

impl ClockMarks {
    /// Whether a clock that says this [is doubted](crate::steady) at a start, unless that is confirmed.
    pub fn is_far_from(&self, now: Timestamp) -> bool {
        let is_confirmed = self.confirmed.is_some_and(|confirmed| now <= after(confirmed, JUMP));
        self.seen.is_some_and(|seen| now > after(seen, GAP)) && !is_confirmed
    }
}

/// What a sweep threw away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Messages whose media went.
    pub media: u64,
    /// Messages that went whole.
    pub messages: u64,
    /// Reports that never found their message.
    pub unmatched_reports: u64,
    /// Requests of carriers that nobody could read.
    pub unreadable: u64,
    /// Requests of VASPs that were refused.
    pub refusals: u64,
}

/// What a store has measured of itself since it was opened. Nothing is read from disk for it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StoreStatistics {
    /// How long commits took, in seconds.
    pub commit_time: Distribution,
    /// How many operations were committed together.
    pub group_size: Distribution,
    /// What became of writing operations, by the name of each. A name that was never asked for is there, too.
    pub transactions: Vec<TransactionCount>,
    /// How many writing operations wait, or are being done, at this moment.
    pub queued: u64,
    /// Free bytes where the database and the media lie, whichever has less, as of about a second ago. `None` where that cannot be told.
    pub free_bytes: Option<u64>,
}

/// How often one kind of transaction was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TransactionCount {
    /// Its name, such as `settle`.
    pub name: &'static str,
    /// How many were committed.
    pub done: u64,
    /// How many were not: refused for a reason, undone, or with an unknown outcome.
    pub failed: u64,
    /// The longest time that one of them kept everything else that is written waiting, without the commit that it shared; `None` where
    /// others do not wait for it.
    pub longest: Option<Duration>,
}

/// Keeps a store going. See the [module](super) for what every operation keeps, and for the errors that each may have.
#[async_trait]
pub trait UpkeepStore: Send + Sync + 'static {
    /// The newest MessageID that was ever stored, for [`IdSource::new`](crate::id::IdSource::new).
    ///
    /// # Errors
    /// Those of every operation that reads.
    async fn newest_id(&self) -> StoreResult<Option<Id>>;

    /// Throws away media of messages that ended before `media_before`, messages that ended before `messages_before`, and unmatched
    /// reports received before `messages_before`; only of messages that owe nothing. At most `limit` of each.
    ///
    /// A message ends when it reaches its terminal state; one from a handset when its callback was delivered, withdrawn, or kept as
    /// failed. What is thrown away cannot be read from the store's files any more within some minutes.
    ///
    /// # Errors
    /// Those of every operation that writes. [`Failed`](super::StoreError::Failed) also where rows are gone already, and media
    /// are still to be erased: the next sweep goes on there.
    async fn sweep(
        &self,
        media_before: Timestamp,
        messages_before: Timestamp,
        limit: usize,
    ) -> StoreResult<Swept>;

    /// What is known of the time.
    ///
    /// # Errors
    /// Those of every operation that reads.
    async fn clock(&self) -> StoreResult<ClockMarks>;

    /// Notes what time a gateway takes it to be: the next start goes on from there.
    ///
    /// # Errors
    /// Those of every operation that writes.
    async fn note_seen(&self, now: Timestamp) -> StoreResult<()>;

    /// Somebody says that this is the time, which is a row of [audit](crate::audit). A [visitor](super#who-may-do-what) may say it, beside a running gateway.
    ///
    /// # Errors
    /// Those of every operation that writes.
    async fn confirm_clock(&self, by: &Actor, now: Timestamp) -> StoreResult<()>;

    /// Whether the store can be written to, for readiness: a durable write that changes nothing else.
    ///
    /// # Errors
    /// [`Full`](super::StoreError::Full) below the low-water mark, and those of every operation that writes.
    async fn check(&self) -> StoreResult<()>;

    /// What the store has measured of itself, for metrics. Cheap: it reads counters in memory.
    fn statistics(&self) -> StoreStatistics;

    /// Finishes what was handed in, writes a checkpoint and closes. Later operations fail with
    /// [`Closed`](super::StoreError::Closed).
    ///
    /// # Errors
    /// What the last writes failed with.
    async fn close(&self) -> StoreResult<()>;
}
