//! What is owed to VASPs: reports, read replies, and messages from handsets.

use async_trait::async_trait;
use jiff::Timestamp;
use mm7::MmStatus;

use super::{Lease, Owner, StoreResult};
use crate::{
    Id,
    account::AccountName,
    carrier::CarrierId,
    life::read_reply::ReadStatus,
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

/// How a try to deliver a callback ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallbackOutcome {
    /// The VASP acknowledged it.
    Delivered,
    /// It did not; another try is due at that time.
    Again {
        /// When the next try is due (UTC, milliseconds).
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

/// Hands out callbacks under leases, and takes back what came of them. See the [module](super) for what every operation keeps,
/// and for the errors that each may have.
#[async_trait]
pub trait CallbackStore: Send + Sync + 'static {
    /// Leases callbacks of an account that are due, in the order in which they became owed.
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

    /// Ends a try to deliver a callback.
    /// Says whether another callback of the same message, which waited for this one, became due.
    ///
    /// # Errors
    /// [`LostLease`](super::StoreError::LostLease) when another owner holds it, or it is settled.
    /// What [may pass](super::StoreError::may_pass) is worth asking again: without it the callback is tried once more.
    async fn settle_callback(
        &self,
        id: Id,
        owner: Owner,
        outcome: CallbackOutcome,
        now: Timestamp,
    ) -> StoreResult<bool>;
}
