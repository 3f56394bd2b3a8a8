//! Which messages an operator means: by id, or by filter, and never all of them by accident.

use std::time::Duration;

use anyhow::bail;
use jiff::Timestamp;
use posthouse_api::{InterveneRequest, MAX_BATCH, MessageQuery};
use posthouse_core::{Id, life::state::State};

use super::{state, time};

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

    /// The batches that are asked for, one after the other.
    ///
    /// # Errors
    /// Nothing says which messages are meant.
    pub(super) fn begin(&self, now: Timestamp) -> anyhow::Result<Batches> {
        let filter = self.filter(now);
        if filter == nothing() && !self.is_by_id() && !self.all {
            bail!(
                "nothing says which messages: add MessageIDs, a filter such as --carrier 31003 --since 2h, or --all"
            );
        }
        let mut ids = self.ids.clone();
        ids.sort_unstable();
        ids.dedup();
        let request = InterveneRequest {
            all: self.all,
            filter: (!self.is_by_id() && !self.all).then_some(filter),
            reveal: true,
            ..InterveneRequest::default()
        };
        Ok(Batches { request, ids: self.is_by_id().then_some(ids), is_over: false })
    }

    fn filter(&self, now: Timestamp) -> MessageQuery {
        MessageQuery {
            since: self.since.map(|age| ago(now, age)),
            until: self.before.map(|age| ago(now, age)),
            account: self.account.clone(),
            carrier: self.carrier.clone(),
            to: self.to.clone(),
            transaction_id: self.transaction_id.clone(),
            state: self.state.iter().map(|state| state.as_str().to_owned()).collect(),
            ..nothing()
        }
    }
}

/// A filter that says nothing. What was provisioned once may be named.
fn nothing() -> MessageQuery {
    MessageQuery { unprovisioned: true, ..MessageQuery::default() }
}

/// The time so long before.
pub(super) fn ago(now: Timestamp, age: Duration) -> Timestamp {
    now.checked_sub(age).unwrap_or(Timestamp::MIN)
}

/// The messages that are meant, a batch at a time, the newest first. What is accepted meanwhile is not among them. A batch is one
/// transaction, and a gateway that writes waits that long.
pub(super) struct Batches {
    request: InterveneRequest,
    ids: Option<Vec<Id>>,
    is_over: bool,
}

impl Batches {
    /// The next batch; `None` at the end.
    pub(super) fn next(&mut self) -> Option<InterveneRequest> {
        let Some(ids) = &mut self.ids else { return (!self.is_over).then(|| self.request.clone()) };
        let batch = ids.split_off(ids.len().saturating_sub(MAX_BATCH));
        if batch.is_empty() {
            return None;
        }
        let ids = batch.iter().map(ToString::to_string).collect();
        Some(InterveneRequest { ids, ..self.request.clone() })
    }

    /// Where the batch after this one begins, by what came of this one.
    pub(super) fn go_on(&mut self, next: Option<String>) {
        self.is_over = next.is_none();
        self.request.cursor = next;
    }
}
