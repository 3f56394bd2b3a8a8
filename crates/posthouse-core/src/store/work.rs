//! Work on messages: attempts, waits, and the leases under which they are done.

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;

use super::{HandedOn, StoreResult, Take};
use crate::{
    Id,
    account::AccountName,
    carrier::CarrierId,
    lease::{Lease, Owner},
    life::settlement::{EndedAttempt, Settled, Settlement},
    message::Submission,
    slots::Slots,
};

/// A message to be sent, under a lease.
#[derive(Clone, Debug, PartialEq)]
pub struct ToSend {
    /// The message.
    pub id: Id,
    /// The account that sent it.
    pub account: AccountName,
    /// The carrier that it goes to.
    pub carrier: CarrierId,
    /// What was asked for.
    pub submission: Submission,
    /// How many attempts were begun before.
    pub attempts: u32,
    /// Whether the last attempt found no connection.
    pub unreached: bool,
    /// The bytes of each of `submission.parts`, in order, where they were at hand. [`SearchStore::media`](super::SearchStore::media)
    /// has them in any case.
    pub media: Option<Vec<Bytes>>,
    /// The right to send it.
    pub lease: Lease,
}

/// A timer that went off, under a lease.
#[derive(Clone, Debug, PartialEq)]
pub enum Timer {
    /// An attempt was begun and its node went silent: the attempt's outcome is unknown. Whether it did is for
    /// [`is_interrupted`](crate::cluster::is_interrupted) to say.
    Interrupted(Box<ToSend>),
    /// No terminal report came in time.
    ReportDue {
        /// The message.
        id: Id,
        /// The right to settle it.
        lease: Lease,
    },
}

impl Timer {
    /// The message it is about.
    pub const fn id(&self) -> Id {
        match self {
            Self::Interrupted(send) => send.id,
            Self::ReportDue { id, .. } => *id,
        }
    }
}

/// Which carriers, accounts and timers have something due.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// Carriers with messages to be sent.
    pub carriers: Vec<CarrierId>,
    /// Accounts with callbacks to be delivered.
    pub accounts: Vec<AccountName>,
    /// Whether a [`Timer`] went off.
    pub timers: bool,
    /// When the first of what is not due yet becomes due (UTC, milliseconds), whether other things are due or not.
    pub next: Option<Timestamp>,
}

/// Hands out work under leases, and takes back what came of it. See the [module](super) for what every operation keeps, and
/// for the errors that each may have.
#[async_trait]
pub trait WorkStore: Send + Sync + 'static {
    /// Marks that an attempt begins, before its first byte goes out: after it, a crash means that the outcome is unknown.
    ///
    /// The lease becomes one of the attempt's: when it ends without [`settle`](Self::settle), the attempt is
    /// [`Timer::Interrupted`]. The owner of an attempt may begin again before it settles: on the next connection.
    ///
    /// # Errors
    /// [`LostLease`](super::StoreError::LostLease) when another owner holds the work, or it is finished. After any error no
    /// byte may go out; after [`Failed`](super::StoreError::Failed) the attempt may count as begun.
    async fn begin(
        &self,
        id: Id,
        owner: Owner,
        connection: &str,
        attempt_until: Timestamp,
        now: Timestamp,
    ) -> StoreResult<()>;

    /// Ends an attempt or a wait.
    ///
    /// A message that a report has ended meanwhile stays as it is; a carrier's MessageID and failed attempts are kept all the same.
    /// Callbacks that become due by it are [taken](super::TakeCallbacks) or left.
    ///
    /// # Errors
    /// [`LostLease`](super::StoreError::LostLease) when another owner holds the work, or it is finished: after an earlier try that
    /// [failed](super::StoreError::Failed) that one was stored.
    /// What [may pass](super::StoreError::may_pass) is worth asking again: without it the outcome is unknown once the lease ends.
    async fn settle_attempt(
        &self,
        id: Id,
        owner: Owner,
        ended: EndedAttempt<'_>,
        now: Timestamp,
        take: Take,
    ) -> StoreResult<HandedOn<Settled>>;

    /// [`settle_attempt`](Self::settle_attempt) where no connection is to be named that failed: the end of a wait, or of an attempt
    /// that was taken at once.
    ///
    /// # Errors
    /// Those of [`settle_attempt`](Self::settle_attempt).
    async fn settle(
        &self,
        id: Id,
        owner: Owner,
        settlement: Settlement,
        said: &str,
        now: Timestamp,
        take: Take,
    ) -> StoreResult<HandedOn<Settled>> {
        let ended = EndedAttempt { settlement, said, failed: &[] };
        self.settle_attempt(id, owner, ended, now, take).await
    }

    /// Gives back leased work that was not begun: it is due at once, for anyone.
    /// Work that is not this owner's any more is left alone.
    ///
    /// # Errors
    /// Those of every operation that writes. Nothing has to be done about them: the leases end by themselves.
    async fn release(&self, ids: &[Id], owner: Owner, now: Timestamp) -> StoreResult<()>;

    /// Leases messages of a carrier in these slots that are due, oldest due first. With `waiting_since_before`, also those whose next
    /// attempt lies ahead, if they began to wait before that time: what waited for a connection that came back.
    ///
    /// Media that are read with the message at no further cost come with it; long ones never do, so that no list holds many of them.
    ///
    /// # Errors
    /// Those of every operation that writes. After [`Failed`](super::StoreError::Failed) messages may be leased that nobody
    /// knows of: they are due again when the lease ends. A message that cannot be read is passed over, and logged.
    async fn lease_sends(
        &self,
        carrier: &CarrierId,
        lease: Lease,
        now: Timestamp,
        waiting_since_before: Option<Timestamp>,
        slots: Slots,
        limit: usize,
    ) -> StoreResult<Vec<ToSend>>;

    /// Postpones a carrier's due, unleased messages in these slots while none of its connections serves: till `until`, or till their
    /// ExpiryDate if that comes first. What has expired stays due. With `nobody_there` they count as
    /// [`unreached`](ToSend::unreached); a carrier that is there and busy leaves that as it was. They count as having waited since
    /// when they began to. At most `limit`, oldest due first; returns how many.
    ///
    /// # Errors
    /// Those of every operation that writes.
    async fn put_off(
        &self,
        carrier: &CarrierId,
        until: Timestamp,
        nobody_there: bool,
        now: Timestamp,
        slots: Slots,
        limit: usize,
    ) -> StoreResult<usize>;

    /// Leases timers in these slots that went off, of all carriers.
    ///
    /// An attempt past its end is [interrupted](crate::cluster::is_interrupted) only where its owner is dead, or is whoever asks, or
    /// it is long past: while the store was away, its outcome is in its owner's hand.
    ///
    /// # Errors
    /// Those of [`lease_sends`](Self::lease_sends).
    async fn lease_timers(
        &self,
        lease: Lease,
        now: Timestamp,
        slots: Slots,
        limit: usize,
    ) -> StoreResult<Vec<Timer>>;

    /// Which carriers, accounts and timers in these slots have something due. Cheap with any backlog.
    ///
    /// # Errors
    /// Those of every operation that reads.
    async fn due(&self, now: Timestamp, slots: Slots) -> StoreResult<Due>;

    /// Since when the oldest of all that is due at `now` has been due: messages to be sent, timers and callbacks; `None` when
    /// nothing is, in whatever slot. Cheap with any backlog; for metrics.
    ///
    /// # Errors
    /// Those of every operation that reads.
    async fn oldest_due(&self, now: Timestamp) -> StoreResult<Option<Timestamp>>;
}
