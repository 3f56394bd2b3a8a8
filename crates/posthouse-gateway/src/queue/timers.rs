//! Timers that went off: attempts whose node went silent, and reports that never came.

use mm7::StatusCode;
use posthouse_core::{
    store::{Lease, Settlement, Timer},
    time::after,
};

use super::{
    SubmitContext, SubmitQueue,
    attempt::{report_timeout, resend, resends, settle},
};
use crate::handoff::LEASE;

/// How many timers are leased at a time.
const BATCH: usize = 256;

/// Settles every timer that went off.
pub async fn settle_timers(queue: &SubmitQueue) {
    let context = queue.context();
    loop {
        let now = context.clock.now();
        let lease = Lease { owner: context.owner, until: after(now, LEASE) };
        let timers = match context.store.lease_timers(lease, now, context.node.slots(), BATCH).await {
            Ok(timers) => timers,
            Err(error) => {
                tracing::error!(%error, "no timers could be leased");
                return;
            }
        };
        let last = timers.len() < BATCH;
        for timer in timers {
            settle_one(context, timer).await;
        }
        if last {
            return;
        }
    }
}

async fn settle_one(context: &SubmitContext, timer: Timer) {
    let now = context.clock.now();
    match timer {
        // Its lease ended while its attempt did not: its outcome will be settled, under the lease that it has now.
        Timer::Interrupted(send) if context.under_way.has(send.id) => {
            tracing::debug!(id = %send.id, "an attempt takes longer than its lease");
        }
        Timer::Interrupted(send) => {
            let carrier = context.snapshot.get().carrier(&send.carrier).cloned();
            let report_until = after(now, report_timeout(carrier.as_deref()));
            let settlement = if resends(carrier.as_deref()) {
                resend(context, &send, StatusCode::Timeout, report_until, now)
            } else {
                Settlement::Unknown { report_until }
            };
            settle(context, &send, settlement, "the attempt was interrupted", &[]).await;
        }
        Timer::ReportDue { id, .. } => {
            let (taking, timed_out) = (context.callbacks.taking(), Settlement::ReportTimeout);
            let take = Some(taking.clone() as _);
            match context.store.settle(id, context.owner, timed_out, "", now, take).await {
                Ok(handed) => {
                    let state = taking.hand_on(handed).state;
                    tracing::info!(%id, %state, "no terminal report came in time");
                }
                Err(error) => tracing::error!(%error, %id, "a report time-out could not be settled"),
            }
        }
    }
}
