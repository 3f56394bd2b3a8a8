//! Carries operations out: a page at a time, under a lease, so that another run goes on where one broke off.

use std::{sync::Arc, time::Duration};

use posthouse_core::{
    Id,
    actor::Actor,
    life::{
        intervention::LeftAlone,
        reroute::RerouteTarget,
        resubmission::{self, Resubmit},
    },
    message::StoredMessage,
    operation::{BulkOperation, OperationState, OperationVerb, PAGE},
    provisioning::Snapshot,
    store::{Lease, OperationPage, Owner, Store, StoreError},
    time::{Clock, after},
};
use tokio::{task::JoinSet, time::sleep};
use tokio_util::sync::CancellationToken;

use super::{
    super::VerbError,
    plan::{how, page},
};
use crate::{bell::Bell, ids::MessageIds, snapshot::SnapshotCell};

/// How often it is looked whether one was started.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long a page may take before another node may go on.
const LEASE: Duration = Duration::from_secs(60);
/// How often a page is looked for that takes too long to find, before the operation is given up.
const WIDE_TRIES: u32 = 5;
/// How long is waited after the first time; each time twice as long, and in all less than a lease.
const WIDE_PAUSE: Duration = Duration::from_secs(1);
/// Why it is given up.
const TOO_WIDE: &str =
    "its messages take too long to find: plan it for a shorter time, an account or a carrier";

/// How many messages are sent again at a time, each with its media in memory.
const AT_A_TIME: usize = 16;

/// Carries operations out.
pub struct OperationRunner {
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// This run of this node.
    pub owner: Owner,
    /// Makes MessageIDs.
    pub ids: Arc<MessageIds>,
    /// Provisioning.
    pub snapshot: Arc<SnapshotCell>,
    /// Rung for what became due.
    pub bell: Arc<Bell>,
}

impl OperationRunner {
    /// Does so till `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let runner = Arc::new(self);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep(LOOK_EVERY) => {}
            }
            match runner.store.lease_operation(runner.lease(), runner.clock.now()).await {
                Ok(None) => {}
                Ok(Some(operation)) => Arc::clone(&runner).carry_out(operation, &stop).await,
                Err(error) => tracing::error!(%error, "it cannot be told whether an operation was started"),
            }
        }
    }

    fn lease(&self) -> Lease {
        Lease { owner: self.owner, until: after(self.clock.now(), LEASE) }
    }

    async fn carry_out(self: Arc<Self>, mut operation: BulkOperation, stop: &CancellationToken) {
        let Some(id) = operation.id() else { return };
        tracing::info!(operation = %id, verb = %operation.spec.verb, count = operation.count, by = operation.by, "an operation goes on");
        let mut wide = 0;
        while operation.state == OperationState::Running {
            if stop.is_cancelled() {
                // Its lease would end by itself.
                let _ = self.store.release_operation(id, self.owner).await;
                return;
            }
            match Arc::clone(&self).one_page(id, &operation).await {
                Ok(next) => (operation, wide) = (next, 0),
                Err(VerbError::Store(StoreError::TooWide)) if wide + 1 < WIDE_TRIES => {
                    tracing::warn!(operation = %id, "a page of an operation took too long to find");
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = sleep(WIDE_PAUSE.saturating_mul(1 << wide)) => {}
                    }
                    wide += 1;
                }
                Err(VerbError::Store(StoreError::TooWide)) => return self.give_up(id).await,
                Err(VerbError::Store(StoreError::LostLease)) => {
                    tracing::info!(operation = %id, "an operation was cancelled, or is in another node's hand");
                    return;
                }
                Err(error) => {
                    tracing::error!(%error, operation = %id, "an operation cannot go on for now");
                    let _ = self.store.release_operation(id, self.owner).await;
                    return;
                }
            }
            self.bell.ring();
        }
        let (looked_at, done) = (operation.looked_at, operation.done);
        tracing::info!(operation = %id, looked_at, done, "an operation is done");
    }

    /// Cancels an operation that would be tried for ever; the audit says why.
    async fn give_up(&self, id: Id) {
        let by = Actor::gateway().because(TOO_WIDE);
        match self.store.cancel_operation(id, &by, self.clock.now()).await {
            Ok(_) => tracing::error!(operation = %id, reason = TOO_WIDE, "an operation was cancelled"),
            Err(error) => {
                tracing::error!(%error, operation = %id, reason = TOO_WIDE, "an operation cannot be cancelled");
                let _ = self.store.release_operation(id, self.owner).await;
            }
        }
    }

    async fn one_page(
        self: Arc<Self>,
        id: Id,
        operation: &BulkOperation,
    ) -> Result<BulkOperation, VerbError> {
        let found = page(&*self.store, operation, operation.cursor).await?;
        let next = found.last().filter(|_| found.len() == PAGE).map(|(id, _)| *id);
        let ids: Vec<Id> = found.iter().map(|(id, _)| *id).collect();
        let refused = match operation.spec.reroute() {
            Some(to) => refused(&to, &self.snapshot.get(), &found),
            None => Vec::new(),
        };
        let outcomes = match operation.spec.intervention() {
            Some(_) => Vec::new(),
            None if operation.spec.verb == OperationVerb::ResendReports => Vec::new(),
            None => Arc::clone(&self).resubmit_all(id, operation, found).await?,
        };
        let page = OperationPage { ids, refused, outcomes, next };
        Ok(self.store.run_operation(id, self.lease(), &page, self.clock.now()).await?)
    }

    /// Sends the messages of a page again, a few at a time. What breaks off is done once more with the page: for each there is one new
    /// message, ever.
    async fn resubmit_all(
        self: Arc<Self>,
        operation: Id,
        spec: &BulkOperation,
        found: Vec<(Id, Option<StoredMessage>)>,
    ) -> Result<Vec<Result<Id, LeftAlone>>, VerbError> {
        let how = Arc::new((how(spec), spec.actor()));
        let mut outcomes: Vec<Result<Id, LeftAlone>> = vec![Err(LeftAlone::Unknown); found.len()];
        let mut waiting = found.into_iter().enumerate();
        let mut running = JoinSet::new();
        loop {
            while running.len() < AT_A_TIME {
                let Some((index, (_, message))) = waiting.next() else { break };
                let Some(message) = message else { continue };
                let (runner, how) = (Arc::clone(&self), Arc::clone(&how));
                running.spawn(async move {
                    let (resubmit, by) = &*how;
                    (index, runner.resubmit(Some(operation), &message, resubmit, by).await)
                });
            }
            let Some(ended) = running.join_next().await else { return Ok(outcomes) };
            let (index, outcome) =
                ended.map_err(|error| StoreError::failed(format!("a resubmission broke off: {error}")))?;
            if let Some(place) = outcomes.get_mut(index) {
                *place = outcome?;
            }
        }
    }

    async fn resubmit(
        &self,
        operation: Option<Id>,
        message: &StoredMessage,
        how: &Resubmit,
        by: &Actor,
    ) -> Result<Result<Id, LeftAlone>, StoreError> {
        let now = self.clock.now();
        let snapshot = self.snapshot.get();
        let id = self.ids.next(now)?;
        resubmit(&*self.store, &snapshot, (operation, id), message, (how, by), now).await
    }
}

/// Which messages do not go where a reroute leads, by what is provisioned.
fn refused(
    to: &RerouteTarget,
    snapshot: &Snapshot,
    found: &[(Id, Option<StoredMessage>)],
) -> Vec<(Id, LeftAlone)> {
    let judged = |message: &StoredMessage| Some((message.id, to.judge(message, snapshot).err()?));
    found.iter().filter_map(|(_, message)| judged(message.as_ref()?)).collect()
}

/// Sends a message that has ended again, as a new one under this id; or says why not.
///
/// # Errors
/// What the store says.
pub(in super::super) async fn resubmit(
    store: &dyn Store,
    snapshot: &Snapshot,
    (operation, id): (Option<Id>, Id),
    message: &StoredMessage,
    (how, by): (&Resubmit, &Actor),
    now: jiff::Timestamp,
) -> Result<Result<Id, LeftAlone>, StoreError> {
    let mut new = match resubmission::plan(message, how, snapshot, (id, &by.name), now) {
        Ok(new) => new,
        Err(why) => return Ok(Err(why)),
    };
    new.media = match store.media(message.id).await {
        Ok(media) => media,
        Err(StoreError::NotFound(_)) => return Ok(Err(LeftAlone::MediaGone)),
        Err(error) => return Err(error),
    };
    store.resubmit(operation, &new, by, now).await
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use jiff::{SignedDuration, Timestamp};
    use posthouse_api::{MessageQuery, OperationRequest};
    use posthouse_core::{audit::AuditFilter, id::IdSource};
    use posthouse_store::{Access, StoreUrl, open};
    use posthouse_testing::wide::WideStore;

    use super::*;
    use crate::{admin::operations::plan::plan, clock::SystemClock};

    /// After some tries, which are ever further apart; the audit log says why, and what was done stays done.
    #[tokio::test]
    async fn an_operation_whose_messages_cannot_be_found_is_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let url = StoreUrl::sqlite(folder.path().join("a.db"));
        let place = folder.path().join("media").into();
        let store = open(&url, &place, Access::serve()).await.unwrap();
        let asked = Arc::new(AtomicU32::new(0));
        let snapshot = Arc::new(SnapshotCell::load(&*store).await.unwrap());
        let now = Timestamp::now();
        let by = Actor::gateway();
        let request = OperationRequest {
            verb: "expire".to_owned(),
            filter: Some(MessageQuery { failed: true, ..MessageQuery::default() }),
            ..OperationRequest::default()
        };
        let planned = plan(&*store, &snapshot.get(), &request, &by, now).await.unwrap();
        let id: Id = planned.operation_id.parse().unwrap();
        store.start_operation(id, 0, &by, now).await.unwrap().unwrap();
        let runner = OperationRunner {
            store: Arc::new(WideStore::new(Arc::clone(&store), Arc::clone(&asked))),
            clock: Arc::new(SystemClock::default()),
            owner: Owner(7),
            ids: Arc::new(MessageIds::new(IdSource::new(0, None), now + SignedDuration::from_hours(1))),
            snapshot,
            bell: Arc::default(),
        };
        let leased = store.lease_operation(runner.lease(), Timestamp::now()).await.unwrap().unwrap();
        // From here on nothing but the pauses between the tries is waited for that has a time.
        tokio::time::pause();
        Arc::new(runner).carry_out(leased, &CancellationToken::new()).await;
        tokio::time::resume();
        assert_eq!(asked.load(Ordering::Relaxed), 5);
        let ended = store.operation(id).await.unwrap().unwrap();
        assert_eq!((ended.state, ended.done), (OperationState::Cancelled, 0));
        let audit = store.audit(&AuditFilter::default(), 1).await.unwrap().remove(0);
        let reason = audit.entry.reason.unwrap();
        assert!(reason.contains("take too long to find: plan it for a shorter time"), "{reason}");
        store.close().await.unwrap();
    }
}
