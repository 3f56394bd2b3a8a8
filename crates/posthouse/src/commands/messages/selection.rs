//! Which messages an operator means: by id, or by filter, and never all of them by accident.

use std::time::Duration;

use anyhow::bail;
use jiff::Timestamp;
use posthouse_core::store::{SearchStore, StoreError};
use posthouse_core::{
    Id, account::AccountName, address::typed, carrier::CarrierId, life::state::State, message::StoredMessage,
    store::MessageFilter,
};

use super::{state, time};

/// So many messages are looked at, and changed in one transaction, at a time: a gateway that writes waits that long.
const BATCH: usize = 250;

/// How often a store is asked again that is busy. Each time it is waited for by itself.
const PATIENCE: usize = 5;

/// Messages by id or by filter.
#[derive(clap::Args)]
pub(super) struct Selection {
    /// These messages, by MessageID
    #[arg(value_name = "MESSAGEID")]
    ids: Vec<Id>,
    /// Only this account's
    #[arg(long, conflicts_with = "ids")]
    account: Option<String>,
    /// Only this carrier's, by its id
    #[arg(long, conflicts_with = "ids")]
    carrier: Option<String>,
    /// Only to this recipient, in any spelling of the number
    #[arg(long, value_name = "NUMBER", conflicts_with = "ids")]
    to: Option<String>,
    /// Only under this TransactionID of the VASP
    #[arg(long, value_name = "ID", conflicts_with = "ids")]
    transaction_id: Option<String>,
    /// Only in this state (Accepted, Parked …); may be given several times
    #[arg(long, value_name = "STATE", value_parser = state, conflicts_with = "ids")]
    state: Vec<State>,
    /// Only accepted within this time, such as 30m or 2d
    #[arg(long, value_name = "TIME", value_parser = time, conflicts_with = "ids")]
    since: Option<Duration>,
    /// Only accepted before this time ago, such as 30m or 2d
    #[arg(long, value_name = "TIME", value_parser = time, conflicts_with = "ids")]
    before: Option<Duration>,
    /// Every message there is
    #[arg(long, conflicts_with_all = ["ids", "account", "carrier", "to", "transaction_id", "state", "since", "before"])]
    all: bool,
}

impl Selection {
    /// Whether the messages are named one by one.
    pub(super) const fn is_by_id(&self) -> bool {
        !self.ids.is_empty()
    }

    /// Where to begin.
    ///
    /// # Errors
    /// Nothing says which messages are meant.
    pub(super) fn begin(&self, now: Timestamp) -> anyhow::Result<Pages> {
        let filter = self.filter(now);
        if filter == MessageFilter::default() && !self.is_by_id() && !self.all {
            bail!(
                "nothing says which messages: add MessageIDs, a filter such as --carrier 31003 --since 2h, or --all"
            );
        }
        let mut ids = self.ids.clone();
        ids.sort_unstable();
        ids.dedup();
        Ok(Pages { filter, ids: self.is_by_id().then_some(ids) })
    }

    fn filter(&self, now: Timestamp) -> MessageFilter {
        MessageFilter {
            since: self.since.map(|age| ago(now, age)),
            before: self.before.map(|age| ago(now, age)),
            below: None,
            account: self.account.clone().map(AccountName),
            carrier: self.carrier.clone().map(CarrierId),
            recipient: self.to.as_deref().map(typed),
            transaction_id: self.transaction_id.clone(),
            states: self.state.clone(),
        }
    }
}

/// The time so long before.
pub(super) fn ago(now: Timestamp, age: Duration) -> Timestamp {
    now.checked_sub(age).unwrap_or(Timestamp::MIN)
}

/// The messages that are meant, a page at a time, the newest first. What is accepted meanwhile is not among them.
pub(super) struct Pages {
    filter: MessageFilter,
    ids: Option<Vec<Id>>,
}

impl Pages {
    /// The next page; empty at the end.
    ///
    /// # Errors
    /// What the store says, or that there is no such message.
    pub(super) async fn next(&mut self, store: &dyn SearchStore) -> anyhow::Result<Vec<StoredMessage>> {
        let Some(ids) = &mut self.ids else {
            let page = store.messages(&self.filter, BATCH).await?;
            self.filter.below = page.last().map(|message| message.id).or(self.filter.below);
            return Ok(page);
        };
        let mut page = Vec::new();
        for id in ids.split_off(ids.len().saturating_sub(BATCH)).into_iter().rev() {
            match store.message(id).await? {
                Some(message) => page.push(message),
                None => bail!("there is no message {id}; `posthouse messages list` shows those there are"),
            }
        }
        Ok(page)
    }
}

/// Does it once more while the store is busy with the gateway's writing.
pub(super) async fn patiently<T>(work: impl AsyncFn() -> Result<T, StoreError>) -> Result<T, StoreError> {
    for _ in 1..PATIENCE {
        match work().await {
            Err(StoreError::Overloaded) => {}
            done => return done,
        }
    }
    work().await
}

/// So many at a time also where there are no messages to be paged.
pub(super) const fn batch() -> usize {
    BATCH
}
