//! Timers that went off: attempts whose node went silent, and reports that never came.

use mm7::StatusCode;
use posthouse_core::{
    store::{Lease, Settlement, Timer},
    time::after,
};

use super::{
    Shared,
    attempt::{report_timeout, resend, resends, settle},
};
use crate::handoff::LEASE;

/// How many timers are leased at a time.
const BATCH: usize = 256;

/// Settles every timer that went off.
pub(super) async fn settle_all(shared: &Shared) {
    loop {
        let now = shared.clock.now();
        let lease = Lease { owner: shared.owner, until: after(now, LEASE) };
        let timers = match shared.store.lease_timers(lease, now, BATCH).await {
            Ok(timers) => timers,
            Err(error) => {
                tracing::error!(%error, "no timers could be leased");
                return;
            }
        };
        let last = timers.len() < BATCH;
        for timer in timers {
            settle_one(shared, timer).await;
        }
        if last {
            return;
        }
    }
}

async fn settle_one(shared: &Shared, timer: Timer) {
    let now = shared.clock.now();
    match timer {
        // Its lease ended while its attempt did not: its outcome will be settled, under the lease that it has now.
        Timer::Interrupted(send) if shared.under_way.has(send.id) => {
            tracing::debug!(id = %send.id, "an attempt takes longer than its lease");
        }
        Timer::Interrupted(send) => {
            let carrier = shared.snapshot.get().carrier(&send.carrier).cloned();
            let report_until = after(now, report_timeout(carrier.as_deref()));
            let settlement = if resends(carrier.as_deref()) {
                resend(shared, &send, StatusCode::Timeout, report_until, now)
            } else {
                Settlement::Unknown { report_until }
            };
            settle(shared, &send, settlement, "the attempt was interrupted").await;
        }
        Timer::ReportDue { id, .. } => {
            let settled = shared.store.settle(id, shared.owner, Settlement::ReportTimeout, "", now).await;
            match settled {
                Ok(settled) => {
                    tracing::info!(%id, state = %settled.state, "no terminal report came in time");
                    if settled.owes_report {
                        shared.handoff.ring();
                    }
                }
                Err(error) => tracing::error!(%error, %id, "a report time-out could not be settled"),
            }
        }
    }
}
