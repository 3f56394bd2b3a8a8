//! Watches the store for what is due, and wakes the lanes that it is due for.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use posthouse_core::{
    store::WorkStore,
    time::{Clock, after},
};
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::{callbacks::CallbackQueue, handoff::Handoff, queue::SubmitQueue};

/// How long it waits at most before it looks again: another node, or a clock that was set, may have made something due.
const LOOK_AT_LEAST_EVERY: Duration = Duration::from_secs(1);
/// How long it waits at least between two looks, so that a busy bell does not become a busy loop.
const LOOK_AT_MOST_EVERY: Duration = Duration::from_millis(5);

/// Looks till `stop`.
pub async fn watch(
    store: Arc<dyn WorkStore>,
    clock: Arc<dyn Clock>,
    handoff: Arc<Handoff>,
    queue: Arc<SubmitQueue>,
    relay: Arc<CallbackQueue>,
    stop: CancellationToken,
) {
    loop {
        let now = clock.now();
        let wait = match store.due(now).await {
            Ok(due) => {
                due.carriers.iter().for_each(|carrier| queue.wake(carrier));
                due.accounts.iter().for_each(|account| relay.wake(account));
                if due.timers {
                    queue.timers().await;
                }
                due.next.map_or(LOOK_AT_LEAST_EVERY, |next| until(next, clock.now()))
            }
            Err(error) => {
                tracing::error!(%error, "the store does not say what is due");
                LOOK_AT_LEAST_EVERY
            }
        };
        let look_again = Instant::now() + wait.min(LOOK_AT_LEAST_EVERY);
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep(LOOK_AT_MOST_EVERY) => {}
        }
        tokio::select! {
            () = stop.cancelled() => return,
            // Whether it was rung or the time passed, it looks again.
            _ = timeout_at(look_again, handoff.rung()) => {}
        }
    }
}

/// Whether the bell has to be rung for what becomes due then: the scout sleeps till what was next when it looked.
pub(crate) fn has_to_be_told(due: Timestamp, now: Timestamp) -> bool {
    due < after(now, LOOK_AT_LEAST_EVERY)
}

fn until(next: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(next.duration_since(now)).unwrap_or(Duration::ZERO)
}
