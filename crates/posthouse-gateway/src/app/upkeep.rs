//! What a gateway does all the time besides serving: it keeps a lane open for each carrier, and throws away what is too old.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use posthouse_core::{
    idempotency::forgotten_since,
    slots::Slot,
    store::{Store, Swept},
    time::Clock,
};
use tokio::{sync::watch, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::{
    config::settings::RetentionSection, node::ClusterNode, queue::SubmitQueue, snapshot::SnapshotCell,
};

/// How often retention throws away what is too old.
const SWEEP_EVERY: Duration = Duration::from_secs(60);
/// How much of each kind it throws away at a time, so that accepting goes on beside it.
const SWEEP_AT_A_TIME: usize = 1000;
/// How long it lets others work before it goes on, while there is more.
const SWEEP_AGAIN: Duration = Duration::from_millis(100);

/// Opens a lane for each carrier as soon as it is provisioned, so that fresh messages go to it from memory.
pub(super) async fn keep_lanes_open(
    queue: Arc<SubmitQueue>,
    snapshot: Arc<SnapshotCell>,
    stop: CancellationToken,
) {
    let mut changes = snapshot.changes();
    loop {
        open_lanes(&queue, &snapshot);
        tokio::select! {
            () = stop.cancelled() => return,
            changed = changes.changed() => if changed.is_err() { return },
        }
    }
}

pub(super) fn open_lanes(queue: &SubmitQueue, snapshot: &SnapshotCell) {
    let snapshot = snapshot.get();
    queue.context().metrics.provisioned(&snapshot);
    snapshot.carriers().for_each(|carrier| queue.wake(&carrier.id));
}

/// Throws away what ended longer ago than retention says, a little at a time, and the next bit at once while there is more.
pub(super) async fn sweep(
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    retention: watch::Receiver<RetentionSection>,
    node: Arc<ClusterNode>,
    stop: CancellationToken,
) {
    let mut wait = SWEEP_EVERY;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep(wait) => {}
        }
        wait = SWEEP_EVERY;
        // One of several nodes does it.
        if !node.slots().contains(Slot(0)) {
            continue;
        }
        let retention = retention.borrow().clone();
        let before = |age| clock.now().checked_sub(age).unwrap_or(Timestamp::MIN);
        match store.sweep(before(retention.media), before(retention.messages), SWEEP_AT_A_TIME).await {
            Ok(swept) if swept == Swept::default() => {}
            Ok(swept) => {
                let Swept { media, messages, unmatched_reports, unreadable, refusals } = swept;
                tracing::info!(media, messages, unmatched_reports, unreadable, refusals, "retention");
                if [media, messages, unmatched_reports, unreadable, refusals]
                    .iter()
                    .any(|some| *some >= SWEEP_AT_A_TIME as u64)
                {
                    wait = SWEEP_AGAIN;
                }
            }
            Err(error) => tracing::error!(%error, "retention could not throw anything away"),
        }
        match store.sweep_audit(before(retention.audit), SWEEP_AT_A_TIME).await {
            Ok(0) => {}
            Ok(audit) => tracing::info!(audit, "retention"),
            Err(error) => tracing::error!(%error, "retention could not throw anything away"),
        }
        if let Err(error) = store.forget_keys(forgotten_since(clock.now()), SWEEP_AT_A_TIME).await {
            tracing::error!(%error, "retention could not throw anything away");
        }
    }
}
