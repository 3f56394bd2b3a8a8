//! What a store must do. Its operations are verbs with a contract; atomicity is below this trait.
//!
//! # The contract that every operation keeps
//!
//! * **Durable**: when a writing operation returns `Ok`, its effect survives kill -9 and a power cut.
//! * **Atomic**: all of an operation's effect, or none of it.
//! * **States** change only through [`State::after`](crate::life::state::State::after), inside the operation's transaction.
//! * **Leases**: work is done by the [`Owner`] that leased it, till the lease ends. An operation on work whose lease
//!   another owner holds by now, or that is finished, changes nothing and says [`StoreError::LostLease`].
//! * **Bounded**: lists are limited by the caller; nothing reads a whole backlog into memory. What others send is kept
//!   [within bounds](crate::bounds), however often and long they send it.
//! * **Short of space**: below the low-water mark only what lets work drain is taken; the rest is refused with
//!   [`StoreError::Full`], and can be sent again.
//!
//! One conformance suite tests all of it on every backend.

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use mm7::{MmStatus, StatusCode};

use crate::{
    Id,
    account::AccountName,
    carrier::CarrierId,
    life::intervention::{FailedCallback, FailedFilter, Intervention, Ruling},
    life::read_reply::{CarrierReadReply, ReadStatus},
    life::state::{State, Terminal},
    message::{CarrierReport, Digest, Mo, Reason, StoredMessage, Submission, TimelineEvent},
    provisioning::{Change, Provisioning},
    steady::{GAP, JUMP},
    time::after,
    unreadable::{KeptUnreadable, Unreadable},
};

/// Why an operation was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Free disk space is below the low-water mark: nothing was written. Shed load (3510).
    #[error("the store is short of disk space")]
    Full,
    /// The writer has as much to do as it may hold. Shed load (3510).
    #[error("the store is overloaded")]
    Overloaded,
    /// Another owner holds the work by now, or it is finished.
    #[error("the lease was lost")]
    LostLease,
    /// There is no such thing.
    #[error("there is no {0}")]
    NotFound(&'static str),
    /// What is stored cannot be read: names the table, the column and the row.
    #[error("{place} cannot be read: {what}")]
    Corrupt {
        /// Table, column and row.
        place: String,
        /// What is wrong with it.
        what: String,
    },
    /// The backend failed. Whether the operation was carried out is unknown.
    #[error("the store failed: {0}")]
    Failed(String),
}

/// The result of a store's operation.
pub type StoreResult<T, E = StoreError> = Result<T, E>;

/// One run of one node: drawn at random at start, so that a node never mistakes an earlier run's leases for its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Owner(pub i64);

/// The right to work on something till a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Whose.
    pub owner: Owner,
    /// Till when; then others may take it.
    pub until: Timestamp,
}

/// A message to be accepted, with everything that 1000 promises.
#[derive(Clone, Debug)]
pub struct NewMessage {
    /// Its MessageID, made by the caller.
    pub id: Id,
    /// Whose it is.
    pub account: AccountName,
    /// Where it goes.
    pub carrier: CarrierId,
    /// What was asked for.
    pub submission: Submission,
    /// The bytes of each of `submission.parts`, in order.
    pub media: Vec<Bytes>,
    /// Identifies the content of the request.
    pub digest: Digest,
    /// Messages of this account with the same TransactionID and digest, accepted at or after this time, make this one a
    /// repetition. `None`: nothing is a repetition.
    pub repeats_since: Option<Timestamp>,
    /// When it is accepted.
    pub accepted_at: Timestamp,
    /// The first attempt's lease, when the accepting node will make it from memory.
    pub lease: Option<Lease>,
}

/// A message from a handset to be accepted, with everything that 1000 promises its carrier.
#[derive(Clone, Debug)]
pub struct NewMo {
    /// Its LinkedID, made by the caller.
    pub id: Id,
    /// Whose it is.
    pub account: AccountName,
    /// Where it comes from.
    pub carrier: CarrierId,
    /// What it says.
    pub mo: Mo,
    /// The bytes of each of `mo.parts`, in order.
    pub media: Vec<Bytes>,
    /// Identifies the content of the DeliverReq.
    pub digest: Digest,
    /// The carrier's own LinkedID, if it gave one.
    pub linked_id: Option<String>,
    /// Identifies what the handset sent, however the carrier wrote it down.
    pub content: Digest,
    /// Messages of this carrier with the same TransactionID and digest, or with the same LinkedID and content, received at or
    /// after this time, make this one a repetition.
    pub repeats_since: Timestamp,
    /// When it came.
    pub received_at: Timestamp,
}

/// What became of a message to be accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// It is stored: message, media and work.
    Fresh,
    /// Nothing was stored: it repeats this message.
    Repeats(Id),
}

/// A message to be sent, under a lease.
#[derive(Clone, Debug, PartialEq)]
pub struct ToSend {
    /// The message.
    pub id: Id,
    /// Whose it is.
    pub account: AccountName,
    /// Where it goes.
    pub carrier: CarrierId,
    /// What was asked for.
    pub submission: Submission,
    /// How many attempts were begun before.
    pub attempts: u32,
    /// Whether the last attempt found no connection.
    pub unreached: bool,
    /// The bytes of each of `submission.parts`, in order, where they were at hand. [`Store::media`] has them in any case.
    pub media: Option<Vec<Bytes>>,
    /// The right to send it.
    pub lease: Lease,
}

/// A timer that went off, under a lease.
#[derive(Clone, Debug, PartialEq)]
pub enum Timer {
    /// An attempt was begun and its node went silent: the attempt's outcome is unknown.
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

/// How an attempt (or a wait) ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// The carrier took it. Reports that came before are applied now.
    Taken {
        /// The carrier's MessageID, if it gave one.
        carrier_message_id: Option<String>,
        /// When a terminal report is overdue.
        report_until: Timestamp,
    },
    /// Refused for good.
    Refused {
        /// Rejected or NotSupported.
        terminal: Terminal,
        /// Why.
        reason: StatusCode,
        /// What the carrier said about it in Details, as one short line: it goes on with the reason.
        details: Option<String>,
    },
    /// Provably not delivered: another attempt is due then.
    Again {
        /// When.
        due: Timestamp,
        /// Whether no connection was found.
        unreached: bool,
        /// Why.
        reason: StatusCode,
    },
    /// It may have been delivered, and is sent again all the same: another attempt is due then, unless a report on this one
    /// comes first. Reports that came before and match are applied now.
    Resend {
        /// When.
        due: Timestamp,
        /// Why.
        reason: StatusCode,
        /// When a terminal report is overdue, once one says that it did arrive.
        report_until: Timestamp,
    },
    /// It may have been delivered, and is not sent again: parked. Reports that came before and match are applied now.
    Unknown {
        /// When a terminal report is overdue.
        report_until: Timestamp,
    },
    /// ExpiryDate passed before the carrier took it.
    Expired {
        /// Whether the last attempts found no connection.
        unreached: bool,
    },
    /// No terminal report came in time.
    ReportTimeout,
    /// Relay mode: the answer told the VASP, nothing is owed.
    Declined {
        /// What it was told.
        reason: StatusCode,
    },
}

/// What is to be done about a message next, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextStep {
    /// Another attempt is due then; ExpiryDate, when there is none before.
    Attempt(Timestamp),
    /// A gateway is about to send it. If it falls silent, anybody may from then on.
    InHand(Timestamp),
    /// An attempt is under way. Without an outcome by then it counts as [interrupted](Timer::Interrupted).
    UnderWay(Timestamp),
    /// Reports are awaited till then; without a terminal one it ends as Indeterminate.
    Reports(Timestamp),
}

/// What an operation on a message left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The state now.
    pub state: State,
    /// Whether a report became owed to the VASP: the relay may look at once.
    pub owes_report: bool,
}

/// What became of a carrier's report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It changed this message.
    Applied(Id, Settled),
    /// It is on this message's timeline and changes nothing.
    Late(Id),
    /// No message of this carrier is known by it yet: kept, and applied when one is.
    Unmatched,
}

/// What a callback carries.
#[derive(Clone, Debug, PartialEq)]
pub enum CallbackBody {
    /// A DeliveryReportReq.
    Report {
        /// What happened.
        status: MmStatus,
        /// Why, when it was refused.
        reason: Option<Reason>,
        /// What the carrier said about that.
        details: Option<String>,
        /// The message it is about.
        submission: Submission,
    },
    /// A DeliverReq. Its media are to be had from [`Store::media`].
    Mo(Mo),
    /// A ReadReplyReq.
    ReadReply {
        /// What the recipient did.
        status: ReadStatus,
        /// When.
        time_stamp: Timestamp,
        /// The message it is about.
        submission: Submission,
    },
}

/// Something owed to a VASP, under a lease.
#[derive(Clone, Debug, PartialEq)]
pub struct Callback {
    /// Its own id.
    pub id: Id,
    /// The message it is about; of a message from a handset, its LinkedID.
    pub message: Id,
    /// To whom.
    pub account: AccountName,
    /// The carrier it comes from.
    pub carrier: CarrierId,
    /// What it says.
    pub body: CallbackBody,
    /// When it became owed: the Date of a report.
    pub at: Timestamp,
    /// How many tries failed before.
    pub attempts: u32,
    /// The right to deliver it.
    pub lease: Lease,
}

/// How a try to deliver a callback ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallbackOutcome {
    /// The VASP acknowledged it.
    Delivered,
    /// It did not; another try is due then.
    Again {
        /// When.
        due: Timestamp,
        /// What it said instead, for the timeline.
        said: String,
    },
    /// It did not, and no try is left: kept as failed.
    Failed {
        /// What it said instead, for the timeline.
        said: String,
    },
    /// It is not to be delivered at all: the account has nowhere to send it, or its dialect does not know the status.
    Withdrawn {
        /// Why, for the timeline.
        said: String,
    },
}

/// Who has something due.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// Carriers with messages to be sent.
    pub carriers: Vec<CarrierId>,
    /// Accounts with callbacks to be delivered.
    pub accounts: Vec<AccountName>,
    /// Whether a [`Timer`] went off.
    pub timers: bool,
    /// When something of all these becomes due that is not yet, whether other things are due or not.
    pub next: Option<Timestamp>,
}

/// Which messages a search is about. It walks backwards from the newest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageFilter {
    /// Accepted at or after.
    pub since: Option<Timestamp>,
    /// Accepted before.
    pub before: Option<Timestamp>,
    /// Only ids below: the key of the next page.
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

/// What is known of the time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClockMarks {
    /// When a gateway last noted it.
    pub seen: Option<Timestamp>,
    /// What somebody last confirmed.
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
}

/// Where messages, work, callbacks and provisioning are kept. See the [module](self) for what every operation keeps.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Stores a message, its media and its work: after it, and not before, 1000 may be answered.
    ///
    /// The work is leased to `message.lease`, or due at once when there is none.
    /// Idempotency: by account, TransactionID and digest since `repeats_since`; also between calls in flight. A message that was
    /// [declined](Settlement::Declined) is never repeated: refusals are not remembered.
    async fn accept(&self, message: &NewMessage) -> StoreResult<Acceptance>;

    /// The message that one of this account, TransactionID and digest would [repeat](Acceptance::Repeats), without storing anything:
    /// for work that is better not done twice. Only [`Store::accept`] also knows calls in flight.
    async fn repeated(
        &self,
        account: &AccountName,
        transaction_id: &str,
        digest: Digest,
        since: Timestamp,
    ) -> StoreResult<Option<Id>>;

    /// Marks that an attempt begins, before its first byte goes out: after it, a crash means that the outcome is unknown.
    ///
    /// The lease becomes one of the attempt's: when it ends without [`Store::settle`], the attempt is
    /// [`Timer::Interrupted`]. The owner of an attempt may begin again before it settles: on the next connection.
    async fn begin(
        &self,
        id: Id,
        owner: Owner,
        connection: &str,
        attempt_until: Timestamp,
        now: Timestamp,
    ) -> StoreResult<()>;

    /// Ends an attempt or a wait. `said` is what the carrier said, for the timeline; empty adds nothing.
    ///
    /// A message that a report has ended meanwhile stays as it is; a carrier's MessageID is kept all the same.
    async fn settle(
        &self,
        id: Id,
        owner: Owner,
        settlement: Settlement,
        said: &str,
        now: Timestamp,
    ) -> StoreResult<Settled>;

    /// Gives back leased work that was not begun: it is due at once, for anyone.
    /// Work that is not this owner's any more is left alone.
    async fn release(&self, ids: &[Id], owner: Owner, now: Timestamp) -> StoreResult<()>;

    /// Leases messages of a carrier that are due, oldest due first. With `waiting_since_before`, also those whose next
    /// attempt lies ahead, if they began to wait before that time: what waited for a connection that came back.
    ///
    /// Media that are read with the message at no further cost come with it; long ones never do, so that no list holds many of them.
    async fn lease_sends(
        &self,
        carrier: &CarrierId,
        lease: Lease,
        now: Timestamp,
        waiting_since_before: Option<Timestamp>,
        limit: usize,
    ) -> StoreResult<Vec<ToSend>>;

    /// Puts off messages of a carrier that are due and not leased, for none of its connections serves: till `until`, or till their
    /// ExpiryDate if that comes first. What has expired stays due. When nobody is there they count as
    /// [`unreached`](ToSend::unreached); a carrier that is there and busy leaves that as it was. They count as having waited since
    /// when they began to. At most `limit`, oldest due first; how many it were.
    async fn put_off(
        &self,
        carrier: &CarrierId,
        until: Timestamp,
        nobody_there: bool,
        now: Timestamp,
        limit: usize,
    ) -> StoreResult<usize>;

    /// Leases timers that went off, of all carriers.
    async fn lease_timers(&self, lease: Lease, now: Timestamp, limit: usize) -> StoreResult<Vec<Timer>>;

    /// The media of a message, one `Bytes` for each of its parts. [`StoreError::NotFound`] once retention took them;
    /// [`StoreError::Corrupt`] when a checksum does not match.
    async fn media(&self, id: Id) -> StoreResult<Vec<Bytes>>;

    /// Records a carrier's report on the message it is about: by carrier and MessageID; otherwise on the only message of that
    /// carrier between this sender and recipient whose MessageID was never learned (parked, taken with an answer that had
    /// none, or waiting to be sent again after an attempt [without an answer](Settlement::Resend)), which learns it from the
    /// report. While one between the two is being sent nobody can tell which is meant. Otherwise the report is kept, and
    /// applied as soon as a message becomes known by its id, is parked, waits to be sent again after an attempt without an
    /// answer, or is out of the way of one that does. Doubled reports are recorded once each and change nothing the second time;
    /// of those that wait, and of late ones, [a few](crate::bounds) are kept. Below the
    /// low-water mark only one that ends its message is recorded.
    ///
    /// A message that waits to be sent is not sent any more after a report on it: a terminal one ends it, and after another it
    /// waits for the terminal one till its `report_until` or ExpiryDate, whichever comes last.
    async fn record_report(&self, report: CarrierReport) -> StoreResult<Recorded>;

    /// Records a carrier's read reply on the message it is about, by carrier and MessageID, in whatever state that is: it becomes
    /// owed to the VASP. Otherwise it is kept, and applied as soon as a message becomes known by its id. A status that was
    /// told before is [late](Recorded::Late), and not owed again.
    async fn record_read_reply(&self, reply: CarrierReadReply) -> StoreResult<Recorded>;

    /// Keeps a request of a carrier that nobody can read, [within bounds](crate::unreadable), or counts it where the same came before.
    /// [`StoreError::Full`] below the low-water mark: it is no work that could drain.
    async fn keep_unreadable(&self, request: Unreadable) -> StoreResult<()>;

    /// The requests that nobody could read, of a carrier or of all, with [numbers](KeptUnreadable::number) below one, newest first,
    /// at most `limit`.
    async fn unreadable(
        &self,
        carrier: Option<&CarrierId>,
        below: Option<i64>,
        limit: usize,
    ) -> StoreResult<Vec<KeptUnreadable>>;

    /// Stores a message from a handset, its media, and the callback that it owes: after it, and not before, 1000 may be
    /// answered.
    ///
    /// Idempotency since `repeats_since`: by carrier, TransactionID and digest, for the answer was lost; or by carrier, LinkedID
    /// and content, for some carriers try again under a new TransactionID. Also between calls in flight.
    async fn accept_mo(&self, mo: NewMo) -> StoreResult<Acceptance>;

    /// Leases callbacks of an account that are due, in the order in which they became owed.
    ///
    /// Those of one message follow each other: a later one is not due before the earlier ones are settled for good. When a
    /// terminal one becomes owed, Forwarded and Deferred ones are withdrawn; one that is leased just then may still be
    /// delivered, and is withdrawn instead of being repeated.
    async fn lease_callbacks(
        &self,
        account: &AccountName,
        lease: Lease,
        now: Timestamp,
        limit: usize,
    ) -> StoreResult<Vec<Callback>>;

    /// Ends a try to deliver a callback.
    /// Says whether another callback of the same message, which waited for this one, became due.
    async fn settle_callback(
        &self,
        id: Id,
        owner: Owner,
        outcome: CallbackOutcome,
        now: Timestamp,
    ) -> StoreResult<bool>;

    /// Who has something due. Cheap with any backlog.
    async fn due(&self, now: Timestamp) -> StoreResult<Due>;

    /// A message, if it is known.
    async fn message(&self, id: Id) -> StoreResult<Option<StoredMessage>>;

    /// A message's timeline, oldest first, beginning with [`EventKind::Accepted`](crate::message::EventKind::Accepted)
    /// and what was noted then.
    async fn timeline(&self, id: Id) -> StoreResult<Option<Vec<TimelineEvent>>>;

    /// What is to be done about a message next. `None` when it has ended, or there is none.
    async fn next(&self, id: Id, now: Timestamp) -> StoreResult<Option<NextStep>>;

    /// Messages that match, newest first, at most `limit`.
    async fn messages(&self, filter: &MessageFilter, limit: usize) -> StoreResult<Vec<StoredMessage>>;

    /// What [`Store::intervene`] would do to these messages, in their order. Nothing is changed.
    async fn judge(&self, ids: &[Id], intervention: Intervention, now: Timestamp)
    -> StoreResult<Vec<Ruling>>;

    /// Does to messages what an operator asks for, to each that it may be done to ([`Intervention::judge`]), all in one
    /// transaction, with a line on the timeline of each. In the order of `ids`: whether it was done, or why not.
    ///
    /// May be called beside a running gateway: what that holds a lease on is left alone.
    async fn intervene(
        &self,
        ids: &[Id],
        intervention: Intervention,
        now: Timestamp,
    ) -> StoreResult<Vec<Ruling>>;

    /// Callbacks that were kept as failed and match, newest first, at most `limit`.
    async fn failed_callbacks(&self, filter: &FailedFilter, limit: usize)
    -> StoreResult<Vec<FailedCallback>>;

    /// Makes callbacks that were kept as failed due again, with all their tries, in one transaction; which. Left alone are
    /// those that have not failed, and those that are [superseded](FailedCallback::superseded). One whose message owes another
    /// report already comes after that. May be called beside a running gateway.
    async fn resend(&self, callbacks: &[Id], now: Timestamp) -> StoreResult<Vec<Id>>;

    /// The newest MessageID that was ever stored, for [`IdSource::new`](crate::id::IdSource::new).
    async fn newest_id(&self) -> StoreResult<Option<Id>>;

    /// The revision of provisioning; cheap enough to ask several times a second.
    async fn revision(&self) -> StoreResult<u64>;

    /// All of provisioning, at one revision.
    async fn provisioning(&self) -> StoreResult<Provisioning>;

    /// Makes changes, all or none, and returns the new revision. With `expected`, only when the revision is still that one;
    /// otherwise [`StoreError::LostLease`].
    async fn change(&self, changes: &[Change], expected: Option<u64>) -> StoreResult<u64>;

    /// The store's own secret key, made at random when the store is created: VASPIDs are hashed under it.
    async fn key(&self) -> StoreResult<[u8; 32]>;

    /// Throws away media of messages that ended before `media_before`, messages that ended before `messages_before`, and unmatched
    /// reports received before `messages_before`; only of messages that owe nothing. At most `limit` of each.
    ///
    /// A message ends when it reaches its terminal state; one from a handset when its callback was delivered, withdrawn, or kept as
    /// failed. What is thrown away cannot be read from the store's files any more within some minutes.
    async fn sweep(
        &self,
        media_before: Timestamp,
        messages_before: Timestamp,
        limit: usize,
    ) -> StoreResult<Swept>;

    /// What is known of the time.
    async fn clock(&self) -> StoreResult<ClockMarks>;

    /// Notes what time a gateway takes it to be: the next start goes on from there.
    async fn note_seen(&self, now: Timestamp) -> StoreResult<()>;

    /// Somebody says that this is the time. May be called beside a running gateway.
    async fn confirm_clock(&self, now: Timestamp) -> StoreResult<()>;

    /// Whether the store can be written to, for readiness: a durable write that changes nothing else.
    async fn check(&self) -> StoreResult<()>;

    /// Finishes what was handed in, writes a checkpoint and closes. Later operations fail.
    async fn close(&self) -> StoreResult<()>;
}
