//! Certificates that have ended, or will soon, are told of in the log: soon after the start, and once a day.

use std::{sync::Arc, time::Duration};

use posthouse_core::time::Clock;
use tokio::time::{Instant, interval_at};
use tokio_util::sync::CancellationToken;

use crate::{snapshot::SnapshotCell, telemetry::Metrics, tls::ends};

/// By then the doors have told what they show.
const FIRST: Duration = Duration::from_secs(2);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Tells of them till `stop`.
pub(super) async fn watch(
    snapshot: Arc<SnapshotCell>,
    metrics: Arc<Metrics>,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
) {
    let mut ticks = interval_at(Instant::now() + FIRST, DAY);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        let now = clock.now();
        for said in ends::all(&metrics, &snapshot.get()).iter().filter_map(|end| end.says(now)) {
            tracing::warn!("{said}");
        }
    }
}
