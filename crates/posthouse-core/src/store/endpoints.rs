//! The accounts' endpoints: what is owed to each, how its tries went, and whether it is paused.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreResult;
use crate::{
    Id,
    account::AccountName,
    actor::Actor,
    life::{
        callback::{CallbackAttempt, KeptCallback, NotRetried},
        intervention::FailedFilter,
    },
};

/// Selects callbacks that are owed, or were kept as failed. The search goes backwards from the newest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeptFilter {
    /// About what, and whose.
    pub which: FailedFilter,
    /// Only those that failed for good, or only those that did not.
    pub failed: Option<bool>,
}

/// Why an account gets no callbacks for now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointPause {
    /// Since when.
    pub at: Timestamp,
    /// Who wanted it.
    pub by: String,
    /// Why, in the words of the operator who wanted it; empty: not said.
    pub reason: String,
}

/// The last try at an endpoint that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastFailure {
    /// When.
    pub at: Timestamp,
    /// The HTTP status; `None` where there was no answer.
    pub http_status: Option<u16>,
    /// What was said, in words.
    pub words: String,
}

/// Where an account's callbacks go, and how that is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Whose it is.
    pub account: AccountName,
    /// How many callbacks are owed to it and not held back by an earlier one; at most [`COUNTED`](super::COUNTED).
    pub owed: u64,
    /// Since when the oldest of these has been owed: of the thousand that are due first.
    pub oldest: Option<Timestamp>,
    /// How many were kept as failed; at most [`COUNTED`](super::COUNTED).
    pub failed: u64,
    /// Since when it fails; `None` when the last that was tried was delivered.
    pub failing_since: Option<Timestamp>,
    /// The last try that failed, if one ever did.
    pub last_failure: Option<LastFailure>,
    /// Whether it is paused, and why.
    pub paused: Option<EndpointPause>,
}

impl Endpoint {
    /// That of an account that owes nothing and has never failed.
    pub const fn idle(account: AccountName) -> Self {
        Self {
            account,
            owed: 0,
            oldest: None,
            failed: 0,
            failing_since: None,
            last_failure: None,
            paused: None,
        }
    }
}

/// Looks at what is owed to VASPs, and holds it back. A [visitor](super#who-may-do-what) may do all of it. See the
/// [module](super) for what every operation keeps, and for the errors that each may have.
#[async_trait]
pub trait EndpointStore: Send + Sync + 'static {
    /// Callbacks that are owed or were kept as failed, and match; newest first, at most `limit`.
    ///
    /// # Errors
    /// [`TooWide`](super::StoreError::TooWide) when it takes longer than [`SEARCH_TIME`](super::SEARCH_TIME), and those of every
    /// operation that reads.
    async fn kept_callbacks(&self, filter: &KeptFilter, limit: usize) -> StoreResult<Vec<KeptCallback>>;

    /// The one of this id, if it is owed or was kept as failed.
    ///
    /// # Errors
    /// Those of every operation that reads.
    async fn kept_callback(&self, id: Id) -> StoreResult<Option<KeptCallback>>;

    /// How the newest [`TRIES`](crate::bounds::TRIES) tries to deliver a callback ended, oldest first. None of one that was
    /// delivered at once; those of one that was delivered later stay as long as its message.
    ///
    /// # Errors
    /// Those of every operation that reads.
    async fn callback_attempts(&self, callback: Id) -> StoreResult<Vec<CallbackAttempt>>;

    /// Makes callbacks due at once, with all their tries anew, where [`retry`](crate::life::callback::retry) lets it: those that
    /// failed for good, and those that wait for their next try. In one transaction; in the order of `ids`, whether it was done.
    ///
    /// # Errors
    /// Those of every operation that writes. It may be asked for again after any of them.
    async fn retry_callbacks(
        &self,
        ids: &[Id],
        by: &Actor,
        now: Timestamp,
    ) -> StoreResult<Vec<Result<(), NotRetried>>>;

    /// The endpoints of all accounts that are owed something, have failed, or are paused; by name.
    ///
    /// # Errors
    /// Those of every operation that reads.
    async fn endpoints(&self) -> StoreResult<Vec<Endpoint>>;

    /// The accounts that are paused, by name. Cheap enough to ask several times a second.
    ///
    /// # Errors
    /// Those of every operation that reads.
    async fn paused_endpoints(&self) -> StoreResult<Vec<AccountName>>;

    /// From now on nothing is [leased](super::CallbackStore::lease_callbacks) that is owed to an account, and
    /// [`due`](super::WorkStore::due) does not name it. What is leased already is left to its owner. What is owed stays owed.
    /// Says whether that is new; who asked first stays.
    ///
    /// # Errors
    /// Those of every operation that writes.
    async fn pause(&self, account: &AccountName, by: &Actor, now: Timestamp) -> StoreResult<bool>;

    /// Ends a pause: what is owed is due as it was. Says whether there was one.
    ///
    /// # Errors
    /// Those of every operation that writes.
    async fn resume(&self, account: &AccountName, by: &Actor, now: Timestamp) -> StoreResult<bool>;

    /// A callback was delivered to an account whose endpoint failed before, as far as anybody knows: it does not fail any more.
    ///
    /// # Errors
    /// Those of every operation that writes.
    async fn note_recovered(&self, account: &AccountName) -> StoreResult<()>;
}
