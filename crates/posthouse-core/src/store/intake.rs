//! Taking messages: from VASPs, and from handsets by way of carriers.

use async_trait::async_trait;
use jiff::Timestamp;

use super::{HandedOn, StoreResult, Take};
use crate::{
    Id,
    account::AccountName,
    message::{Digest, NewMessage, NewMo},
};

/// What became of a message to be accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// It is stored: message, media and work.
    Fresh,
    /// Nothing was stored: it repeats this message, which is as [durable](super#the-contract-that-every-operation-keeps) as if it had been
    /// stored just now. Where what a read sees may still be lost, the answer waits behind a commit of its own.
    Repeats(Id),
}

/// Takes new messages. See the [module](super) for what every operation keeps, and for the errors that each may have.
#[async_trait]
pub trait IntakeStore: Send + Sync + 'static {
    /// Stores a message, its media and its work: after it, and not before, success (1000) may be answered.
    ///
    /// The work begins as `message.first_attempt` says.
    /// Idempotency: by account, TransactionID and digest since `repeats_since`; also between calls in flight. A message that was
    /// [declined](super::Settlement::Declined) is never repeated: refusals are not remembered.
    /// A message that is found under its own id, with the same account, TransactionID and digest, was stored by an earlier try: it is
    /// [`Fresh`](Acceptance::Fresh), and nothing is changed.
    ///
    /// # Errors
    /// [`Full`](super::StoreError::Full) below the low-water mark, and [`Overloaded`](super::StoreError::Overloaded) at
    /// once when the backend has no room: new work is shed, not queued. [`NotDone`](super::StoreError::NotDone) where its
    /// media cannot be written, or its id is another message's. After [`Failed`](super::StoreError::Failed) the VASP's repetition
    /// finds out whether it was stored.
    async fn accept(&self, message: &NewMessage) -> StoreResult<Acceptance>;

    /// The message that one of this account, TransactionID and digest would [repeat](Acceptance::Repeats), without storing anything:
    /// for work that is better not done twice. Only [`accept`](Self::accept) also knows calls in flight. What it finds is durable as there:
    /// success (1000) may be answered on the strength of it.
    ///
    /// # Errors
    /// Those of every operation that reads.
    async fn repeated(
        &self,
        account: &AccountName,
        transaction_id: &str,
        digest: Digest,
        since: Timestamp,
    ) -> StoreResult<Option<Id>>;

    /// Stores a message from a handset, its media, and the callback that it owes: after it, and not before, success (1000)
    /// may be answered.
    ///
    /// The callback is [taken](super::TakeCallbacks) or left.
    ///
    /// Idempotency since `repeats_since`: by carrier, TransactionID and digest, for the answer was lost; or by carrier, LinkedID
    /// and content, for some carriers try again under a new TransactionID. Also between calls in flight. One that is found under its own
    /// id is [`Fresh`](Acceptance::Fresh), as in [`accept`](Self::accept).
    ///
    /// # Errors
    /// Those of [`accept`](Self::accept); after [`Failed`](super::StoreError::Failed) the carrier's repetition finds out.
    async fn accept_mo(&self, mo: NewMo, take: Take) -> StoreResult<HandedOn<Acceptance>>;
}
