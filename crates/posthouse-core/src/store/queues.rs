//! How much waits where, and since when: what operators look at first when something is slow.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreResult;
use crate::{
    account::AccountName,
    carrier::CarrierId,
    life::counts::{Ends, QueueDepth},
};

/// Up to here rows are counted one by one, in any list; a count that says so many means "or more".
pub const COUNTED: u64 = 10_000;

/// How old a carrier's queue is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueAge {
    /// The carrier.
    pub carrier: CarrierId,
    /// Since when the one that waits the longest has been waiting for its next attempt.
    pub oldest: Option<Timestamp>,
    /// How many are due and in nobody's hand; at most [`COUNTED`].
    pub due: u64,
    /// For how many the wait for a report is over, and nobody has ended it yet; at most [`COUNTED`].
    pub overdue: u64,
    /// How many of its reports and read replies wait for their message.
    pub unmatched: u64,
}

/// What is owed to an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallbackDepth {
    /// The account.
    pub account: AccountName,
    /// How many callbacks are owed and not held back by an earlier one; at most [`COUNTED`].
    pub owed: u64,
    /// How many failed for good and are kept; at most [`COUNTED`].
    pub failed: u64,
    /// Since when the oldest of those owed has been: of the thousand that are due first.
    pub oldest: Option<Timestamp>,
}

/// How it is with all queues. Who has nothing in one may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Queues {
    /// By carrier and account.
    pub depths: Vec<QueueDepth>,
    /// By carrier.
    pub ages: Vec<QueueAge>,
    /// By account.
    pub callbacks: Vec<CallbackDepth>,
}

/// Says how much waits where. Nothing is changed, and a [visitor](super#who-may-do-what) may ask. See the [module](super) for what
/// every operation keeps, and for the errors that each may have.
#[async_trait]
pub trait QueueStore: Send + Sync + 'static {
    /// How it is with all queues. While a gateway serves the store it costs a few index seeks for each carrier and account, however long
    /// they are; a visitor counts what has not ended.
    ///
    /// # Errors
    /// Those of every operation that reads.
    async fn queues(&self, now: Timestamp) -> StoreResult<Queues>;

    /// How messages ended, for metrics. Cheap: it reads counters in memory.
    fn ends(&self) -> Ends;
}
