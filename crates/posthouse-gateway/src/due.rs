//! Watches the store for what is due, and wakes the lanes that it is due for.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use posthouse_core::{store::WorkStore, time::Clock};
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::{
    bell::{Bell, LOOK_AT_LEAST_EVERY},
    callbacks::CallbackQueue,
    failure_log::{FailureLog, FailuresOver},
    node::ClusterNode,
    queue::{SubmitQueue, settle_timers},
};

/// How long it waits at least between two looks, so that a busy bell does not become a busy loop.
const LOOK_AT_MOST_EVERY: Duration = Duration::from_millis(5);

/// The watcher of due work.
pub struct Watcher {
    /// Asked for what is due.
    pub store: Arc<dyn WorkStore>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Which slots are this node's.
    pub node: Arc<ClusterNode>,
    /// Rung for what becomes due before the watcher would look.
    pub bell: Arc<Bell>,
    /// The lanes of carriers.
    pub queue: Arc<SubmitQueue>,
    /// The lanes of accounts.
    pub callbacks: Arc<CallbackQueue>,
}

impl Watcher {
    /// Watches till `stop`.
    pub async fn watch(self, stop: CancellationToken) {
        let mut failures = FailureLog::default();
        loop {
            let wait = self.look(&mut failures).await;
            let look_again = Instant::now() + wait.min(LOOK_AT_LEAST_EVERY);
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep(LOOK_AT_MOST_EVERY) => {}
            }
            tokio::select! {
                () = stop.cancelled() => return,
                // Whether the bell rang or the time passed, it looks again.
                _ = timeout_at(look_again, self.bell.rung()) => {}
            }
        }
    }

    /// Wakes the lanes that have something due, and returns how long nothing else becomes due.
    async fn look(&self, failures: &mut FailureLog) -> Duration {
        if self.node.slots().is_empty() {
            return LOOK_AT_LEAST_EVERY;
        }
        let due = match self.store.due(self.clock.now(), self.node.slots()).await {
            Ok(due) => due,
            Err(error) => {
                if let Some(times) = failures.failed(Instant::now()) {
                    tracing::error!(%error, times, "the store does not say what is due");
                }
                return LOOK_AT_LEAST_EVERY;
            }
        };
        if let Some(FailuresOver { times, lasted }) = failures.passed(Instant::now()) {
            tracing::info!(times, ?lasted, "the store says again what is due");
        }
        due.carriers.iter().for_each(|carrier| self.queue.wake(carrier));
        // What waits for these may lie in slots that were not asked for.
        self.node.held().iter().for_each(|carrier| self.queue.wake(carrier));
        due.accounts.iter().for_each(|account| self.callbacks.wake(account));
        if due.timers {
            settle_timers(&self.queue).await;
        }
        due.next.map_or(LOOK_AT_LEAST_EVERY, |next| until(next, self.clock.now()))
    }
}

fn until(next: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(next.duration_since(now)).unwrap_or(Duration::ZERO)
}
