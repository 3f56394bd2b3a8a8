//! What is owed to VASPs: reports, read replies, and messages from handsets.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use mm7::MmStatus;

use super::{Lease, Owner, StoreResult};
use crate::{
    Id,
    account::AccountName,
    carrier::CarrierId,
    life::{callback_outcome::CallbackOutcome, read_reply::ReadStatus},
    message::{Mo, Reason, Submission},
};

/// What a callback carries.
#[derive(Clone, Debug, PartialEq)]
pub enum CallbackBody {
    /// A DeliveryReportReq.
    Report {
        /// What happened.
        status: MmStatus,
        /// Why it was refused, if it was.
        reason: Option<Reason>,
        /// What the carrier said about that.
        details: Option<String>,
        /// The message it is about.
        submission: Submission,
    },
    /// A DeliverReq. [`SearchStore::media`](super::SearchStore::media) has its media.
    Mo(Mo),
    /// A ReadReplyReq.
    ReadReply {
        /// What the recipient did.
        status: ReadStatus,
        /// When it did, as the carrier says.
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
    /// The account that it is owed to.
    pub account: AccountName,
    /// The carrier that it comes from.
    pub carrier: CarrierId,
    /// What it says.
    pub body: CallbackBody,
    /// When it became owed (UTC, milliseconds): the Date of a report.
    pub at: Timestamp,
    /// How many tries failed before.
    pub attempts: u32,
    /// The right to deliver it.
    pub lease: Lease,
}

/// What delivers callbacks as they become owed, from memory: an operation by which some become due asks it, within the operation's
/// transaction, and leases to it what it takes. So none of these costs a transaction, and a look for it, of its own.
///
/// A [`Lease`] takes all, under itself.
pub trait TakeCallbacks: Send + Sync + 'static {
    /// The lease under which it takes one more callback of this account; `None`: it has no room, and the callback stays in the store, where
    /// it is due at once. Called within a transaction: it does not wait. A transaction that is done again asks again, so that what it keeps
    /// room for is free once the operation has answered.
    fn lease(&self, account: &AccountName) -> Option<Lease>;
}

impl TakeCallbacks for Lease {
    fn lease(&self, _: &AccountName) -> Option<Lease> {
        Some(*self)
    }
}

/// Who takes the callbacks that become due by an operation; `None`: nobody does, and they stay in the store.
pub type Take = Option<Arc<dyn TakeCallbacks>>;

/// What an operation answers, and the callbacks that it leased to the [one that takes them](TakeCallbacks).
#[derive(Clone, Debug, PartialEq)]
pub struct HandedOn<T> {
    /// The answer.
    pub answer: T,
    /// What was taken, in the order in which it became owed: for the rest as if [leased](CallbackStore::lease_callbacks). One that is lost
    /// from memory is due again when its lease ends.
    pub callbacks: Vec<Callback>,
    /// Whether a callback became due that was not taken: callbacks may be looked for at once.
    pub left_due: bool,
}

impl<T> HandedOn<T> {
    /// An answer of an operation by which no callback became due.
    pub const fn nothing(answer: T) -> Self {
        Self { answer, callbacks: Vec::new(), left_due: false }
    }

    /// The same callbacks with another answer.
    pub fn map<U>(self, answer: impl FnOnce(T) -> U) -> HandedOn<U> {
        HandedOn { answer: answer(self.answer), callbacks: self.callbacks, left_due: self.left_due }
    }
}

/// Hands out callbacks under leases, and takes back what came of them. See the [module](super) for what every operation keeps,
/// and for the errors that each may have.
#[async_trait]
pub trait CallbackStore: Send + Sync + 'static {
    /// Leases callbacks of an account that are due, in the order in which they became owed. None while the account is
    /// [paused](super::EndpointStore::pause).
    ///
    /// Those of one message follow each other: a later one is not due before the earlier ones are settled for good. When a
    /// terminal one becomes owed, Forwarded and Deferred ones are withdrawn; one that is leased just then may still be
    /// delivered, and is withdrawn instead of being repeated.
    ///
    /// # Errors
    /// Those of every operation that writes. After [`Failed`](super::StoreError::Failed) callbacks may be leased that nobody
    /// knows of: they are due again when the lease ends.
    async fn lease_callbacks(
        &self,
        account: &AccountName,
        lease: Lease,
        now: Timestamp,
        limit: usize,
    ) -> StoreResult<Vec<Callback>>;

    /// Ends a try to deliver a callback. The newest tries of a callback that is not delivered at once are
    /// [kept](super::EndpointStore::callback_attempts), and since when its account's endpoint fails. Another callback of the same message, which waited for this one, becomes due by it, and is
    /// [taken](TakeCallbacks) or left.
    ///
    /// # Errors
    /// [`LostLease`](super::StoreError::LostLease) when another owner holds it, or it is settled: after an earlier try that
    /// [failed](super::StoreError::Failed) that one was stored.
    /// What [may pass](super::StoreError::may_pass) is worth asking again: without it the callback is tried once more.
    async fn settle_callback(
        &self,
        id: Id,
        owner: Owner,
        outcome: CallbackOutcome,
        now: Timestamp,
        take: Take,
    ) -> StoreResult<HandedOn<()>>;

    /// Gives back callbacks whose delivery was not begun: they are due at once, for anyone.
    /// What is not this owner's any more is left alone.
    ///
    /// # Errors
    /// Those of every operation that writes. Nothing has to be done about them: the leases end by themselves.
    async fn release_callbacks(&self, ids: &[Id], owner: Owner, now: Timestamp) -> StoreResult<()>;
}
