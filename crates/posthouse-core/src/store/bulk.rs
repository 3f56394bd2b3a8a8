//! Operations in bulk, and messages that are sent again as new ones.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Lease, NewMessage, Owner, StoreResult};
use crate::{
    Id,
    actor::Actor,
    life::intervention::{LeftAlone, Ruling},
    operation::{BulkOperation, NotStarted},
};

/// A page of an operation that is carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationPage {
    /// Its messages; what an [intervention](crate::operation::OperationSpec::intervention) is done to.
    pub ids: Vec<Id>,
    /// Those of them that are left alone whatever their state, by what is provisioned.
    pub refused: Vec<(Id, LeftAlone)>,
    /// What was done to them before, in their order, by an operation that is no intervention: the new message, or why not.
    pub outcomes: Vec<Result<Id, LeftAlone>>,
    /// Where the next page begins: below this id; `None`: there is none.
    pub next: Option<Id>,
}

impl OperationPage {
    /// What comes of its messages, in their order, where these are the rulings on those that were not refused.
    pub fn rulings(&self, rulings: Vec<Ruling>) -> Vec<Ruling> {
        let mut rulings = rulings.into_iter();
        let refused: BTreeMap<Id, LeftAlone> = self.refused.iter().copied().collect();
        let ruling = |id: &Id| match refused.get(id) {
            Some(why) => Err(*why),
            None => rulings.next().unwrap_or(Err(LeftAlone::Unknown)),
        };
        self.ids.iter().map(ruling).collect()
    }

    /// Its messages that were not refused.
    pub fn not_refused(&self) -> Vec<Id> {
        let is_refused = |id: &Id| self.refused.iter().any(|(refused, _)| refused == id);
        self.ids.iter().copied().filter(|id| !is_refused(id)).collect()
    }
}

/// What came of one message of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationItem {
    /// The message.
    pub message: Id,
    /// `done`, or the word for why it was left alone.
    pub outcome: String,
    /// The new message, where one was made.
    pub new: Option<Id>,
}

/// Keeps operations, and carries them out. A [visitor](super#who-may-do-what) may plan, start and cancel them; a gateway carries them out.
/// See the [module](super) for what every operation of a store keeps, and for the errors that each may have.
#[async_trait]
pub trait BulkStore: Send + Sync + 'static {
    /// Keeps a planned operation.
    ///
    /// # Errors
    /// Those of every operation that writes.
    async fn plan_operation(&self, operation: &BulkOperation) -> StoreResult<()>;

    /// The one of this id.
    ///
    /// # Errors
    /// Those of every operation that reads.
    async fn operation(&self, id: Id) -> StoreResult<Option<BulkOperation>>;

    /// Those with ids below this one, newest first, at most `limit`.
    ///
    /// # Errors
    /// Those of every operation that reads.
    async fn operations(&self, below: Option<Id>, limit: usize) -> StoreResult<Vec<BulkOperation>>;

    /// [Starts](BulkOperation::started) a planned one.
    ///
    /// # Errors
    /// Those of every operation that writes.
    async fn start_operation(
        &self,
        id: Id,
        expect_count: u64,
        by: &Actor,
        now: Timestamp,
    ) -> StoreResult<Result<BulkOperation, NotStarted>>;

    /// [Cancels](BulkOperation::cancelled) one. What was done stays done; nothing is done any more once this has returned.
    ///
    /// # Errors
    /// Those of every operation that writes.
    async fn cancel_operation(
        &self,
        id: Id,
        by: &Actor,
        now: Timestamp,
    ) -> StoreResult<Result<BulkOperation, NotStarted>>;

    /// Leases one that is running and in nobody's hand, the oldest first.
    ///
    /// # Errors
    /// Those of every operation that writes.
    async fn lease_operation(&self, lease: Lease, now: Timestamp) -> StoreResult<Option<BulkOperation>>;

    /// Carries out a page: what the operation does to each of its messages, what came of it, and how far it has come, in one transaction;
    /// the lease goes on to `lease`. So a page is done once, whatever breaks.
    ///
    /// # Errors
    /// [`LostLease`](super::StoreError::LostLease) when it is in another's hand by now, or does not run any more.
    async fn run_operation(
        &self,
        id: Id,
        lease: Lease,
        page: &OperationPage,
        now: Timestamp,
    ) -> StoreResult<BulkOperation>;

    /// Gives back an operation that its owner does not go on with.
    ///
    /// # Errors
    /// Those of every operation that writes. Nothing has to be done about them: the lease ends by itself.
    async fn release_operation(&self, id: Id, owner: Owner) -> StoreResult<()>;

    /// Accepts a new message for one that has ended, which its submission [names](crate::message::Resubmission), in one transaction with a
    /// line on the timeline of that. For each message there is one such, ever: asked for again on behalf of the same `operation`, it says
    /// the first one again; otherwise it is [left alone](LeftAlone::Resubmitted).
    ///
    /// # Errors
    /// Those of [`accept`](super::IntakeStore::accept).
    async fn resubmit(
        &self,
        operation: Option<Id>,
        message: &NewMessage,
        by: &Actor,
        now: Timestamp,
    ) -> StoreResult<Result<Id, LeftAlone>>;

    /// What came of an operation's messages with ids below this one, newest first, at most `limit`.
    ///
    /// # Errors
    /// Those of every operation that reads.
    async fn operation_items(
        &self,
        id: Id,
        below: Option<Id>,
        limit: usize,
    ) -> StoreResult<Vec<OperationItem>>;
}
