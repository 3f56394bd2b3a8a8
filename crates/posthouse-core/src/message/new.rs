//! Messages that are to be accepted.

use bytes::Bytes;
use jiff::Timestamp;

use super::{Digest, Mo, Submission};
use crate::{
    Id, bounds,
    lease::Lease,
    names::{AccountName, CarrierId},
};

/// A message to be accepted, with everything that success (1000) promises its VASP.
#[derive(Clone, Debug)]
pub struct NewMessage {
    /// Its MessageID, made by the caller.
    pub id: Id,
    /// The account that sent it.
    pub account: AccountName,
    /// The carrier that it goes to.
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
    /// When it is accepted (UTC, milliseconds).
    pub accepted_at: Timestamp,
    /// When it is attempted first, and by whom.
    pub first_attempt: FirstAttempt,
}

/// When a message is attempted first, and by whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstAttempt {
    /// At once, by any node.
    Due,
    /// By who accepts it, from memory.
    Leased(Lease),
    /// Not before this time, or its ExpiryDate if that comes first: none of its carrier's connections serves. Who finds that one does
    /// again need not wait for that.
    PutOff {
        /// The time (UTC).
        until: Timestamp,
        /// Whether nobody is there at any of them. Then it counts as [unreached](crate::store::ToSend::unreached).
        nobody_there: bool,
    },
}

/// A message from a handset to be accepted, with everything that success (1000) promises its carrier.
#[derive(Clone, Debug)]
pub struct NewMo {
    /// Its LinkedID, made by the caller.
    pub id: Id,
    /// The account that it is for.
    pub account: AccountName,
    /// The carrier that it comes from.
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
    /// When it was received (UTC, milliseconds).
    pub received_at: Timestamp,
}

impl NewMo {
    /// What of it is kept.
    #[must_use]
    pub fn within_bounds(mut self) -> Self {
        bounds::shorten_id(&mut self.mo.transaction_id);
        if let Some(id) = &mut self.linked_id {
            bounds::shorten_id(id);
        }
        if let Some(subject) = &mut self.mo.subject {
            bounds::shorten(subject, bounds::SUBJECT);
        }
        self.mo.sender.shorten();
        self.mo.recipients.iter_mut().for_each(|recipient| recipient.address.shorten());
        self
    }
}
