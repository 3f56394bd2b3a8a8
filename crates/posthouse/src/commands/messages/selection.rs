//! Which messages an operator means: by id, or by filter, and never all of them by accident.

use anyhow::bail;
use jiff::Timestamp;
use posthouse_api::{InterveneRequest, MAX_BATCH, MessageQuery};
use posthouse_core::Id;

use super::filter::Filter;

/// Messages by id or by filter.
#[derive(clap::Args)]
pub(super) struct Selection {
    /// These messages, by MessageID
    #[arg(value_name = "MESSAGEID", conflicts_with_all = Filter::FLAGS)]
    ids: Vec<Id>,
    #[command(flatten)]
    filter: Filter,
    /// Every message there is
    #[arg(long, conflicts_with = "ids", conflicts_with_all = Filter::FLAGS)]
    all: bool,
}

impl Selection {
    /// These messages, or those that match.
    pub(super) const fn of(ids: Vec<Id>, filter: Filter, all: bool) -> Self {
        Self { ids, filter, all }
    }

    /// Whether the messages are named one by one.
    pub(super) const fn is_by_id(&self) -> bool {
        !self.ids.is_empty()
    }

    /// All that is asked for, at once: by ids, by a filter, or every message.
    ///
    /// # Errors
    /// Nothing says which messages are meant.
    pub(super) fn whole(&self, now: Timestamp) -> anyhow::Result<(Vec<String>, Option<MessageQuery>, bool)> {
        let Batches { request, ids, .. } = self.begin(now)?;
        let ids = ids.unwrap_or_default().iter().map(ToString::to_string).collect();
        Ok((ids, request.filter, request.all))
    }

    /// The batches that are asked for, one after the other.
    ///
    /// # Errors
    /// Nothing says which messages are meant.
    pub(super) fn begin(&self, now: Timestamp) -> anyhow::Result<Batches> {
        let filter = self.filter.query(now)?;
        let says_nothing = MessageQuery { unprovisioned: false, ..filter.clone() } == MessageQuery::default();
        if says_nothing && !self.is_by_id() && !self.all {
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
}

/// The messages that are meant, a batch at a time, the newest first. What is accepted meanwhile is not among them. A batch is a
/// request, and some transactions.
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
