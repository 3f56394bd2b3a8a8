//! Provisioning in memory: readers take the snapshot of the moment, and changes swap it within a second.

use std::{sync::Arc, time::Duration};

use posthouse_core::{
    lock::RwLock,
    provisioning::{Provisioning, Snapshot, revision::Revised},
    store::{ErrorCause, ProvisioningStore, Store, StoreError, StoreResult},
};
use tokio::{
    sync::watch,
    task::spawn_blocking,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

use crate::failure_log::{FailureLog, FailuresOver};

/// How often the store is asked whether provisioning changed: another process may have changed it.
const POLL: Duration = Duration::from_millis(250);
/// How often, and how many times, is looked whether a request still works with the snapshot before.
const LOOK_EVERY: Duration = Duration::from_millis(5);
const LOOKS: usize = 20;
/// How many revisions that changed numbers alone are made up for, and how many numbers; of more, provisioning is read anew.
const MOST_BEHIND: usize = 200;
const MOST_NUMBERS: u64 = 100_000;

/// The snapshot of the moment.
#[derive(Debug)]
pub struct SnapshotCell {
    current: RwLock<Arc<Snapshot>>,
    changed: watch::Sender<u64>,
}

impl SnapshotCell {
    /// Reads provisioning for the first time.
    ///
    /// # Errors
    /// What the store says.
    pub async fn load(store: &dyn ProvisioningStore) -> StoreResult<Self> {
        let snapshot = index(store.provisioning().await?).await?;
        let (changed, _) = watch::channel(snapshot.revision());
        Ok(Self { current: RwLock::new(Arc::new(snapshot)), changed })
    }

    /// The snapshot of the moment.
    pub fn get(&self) -> Arc<Snapshot> {
        Arc::clone(&self.current.read())
    }

    /// Tells of each new revision.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Follows the store till `stop`. A store that does not answer leaves the last snapshot in force.
    pub async fn follow(self: Arc<Self>, store: Arc<dyn Store>, stop: CancellationToken) {
        let mut failures = FailureLog::default();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep(POLL) => {}
            }
            match self.refresh(&*store).await {
                Err(error) => {
                    if let Some(times) = failures.failed(Instant::now()) {
                        tracing::error!(%error, times, "provisioning cannot be read; the last one stays in force");
                    }
                }
                Ok(()) => {
                    if let Some(FailuresOver { times, lasted }) = failures.passed(Instant::now()) {
                        tracing::info!(times, ?lasted, "provisioning can be read again");
                    }
                }
            }
        }
    }

    async fn refresh(&self, store: &dyn Store) -> StoreResult<()> {
        let (current, present) = (self.get(), store.revision().await?);
        if present == current.revision() {
            return Ok(());
        }
        let snapshot = match numbers_since(store, &current, present).await? {
            Some(snapshot) => snapshot,
            None => index(store.provisioning().await?).await?,
        };
        let snapshot = Arc::new(snapshot);
        drop(current);
        let revision = snapshot.revision();
        let before = {
            let mut current = self.current.write();
            std::mem::replace(&mut *current, snapshot)
        };
        self.changed.send_replace(revision);
        tracing::info!(revision, "provisioning changed");
        throw_away(before).await;
        Ok(())
    }
}

/// The snapshot at a later revision, where only a few numbers changed since this one: of a million others none is looked at. `None` where
/// that is not so, or not known.
async fn numbers_since(
    store: &dyn Store,
    current: &Arc<Snapshot>,
    present: u64,
) -> StoreResult<Option<Snapshot>> {
    let behind = present.checked_sub(current.revision()).and_then(|behind| usize::try_from(behind).ok());
    let Some(behind) = behind.filter(|behind| *behind <= MOST_BEHIND) else { return Ok(None) };
    let kept = store.revisions(Some(present.saturating_add(1)), behind).await?;
    let things = kept.iter().map(|revision| revision.things).sum::<u64>();
    if kept.len() != behind || things > MOST_NUMBERS {
        return Ok(None);
    }
    let mut changes = Vec::new();
    for number in current.revision() + 1..=present {
        let Some(revised) = store.revised(number).await? else { return Ok(None) };
        changes.extend(revised.iter().filter_map(Revised::change));
    }
    let current = Arc::clone(current);
    let made = spawn_blocking(move || current.with_numbers(present, &changes)).await;
    made.map_err(|error| StoreError::NotDone(ErrorCause::within("provisioning cannot be indexed", error)))
}

/// Makes a snapshot, away from the threads that serve requests: a million ranges take a second.
async fn index(provisioning: Provisioning) -> StoreResult<Snapshot> {
    let made = spawn_blocking(move || Snapshot::new(provisioning)).await;
    made.map_err(|error| StoreError::NotDone(ErrorCause::within("provisioning cannot be indexed", error)))
}

/// Throws a snapshot away where that stalls no request, which is once nobody else holds it.
async fn throw_away(snapshot: Arc<Snapshot>) {
    for _ in 0..LOOKS {
        if Arc::strong_count(&snapshot) == 1 {
            break;
        }
        sleep(LOOK_EVERY).await;
    }
    drop(spawn_blocking(move || drop(snapshot)).await);
}
