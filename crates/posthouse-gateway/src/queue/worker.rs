//! What is particular to a carrier's lane: it takes fresh messages from memory and due ones from the store, as many at a time as the
//! windows of the carrier's connections allow, and attempts nothing while none of these works.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use posthouse_core::{
    Id,
    carrier::{CarrierId, Connection},
    pace::PacePart,
    store::Lease,
    time::after,
};
use tokio::{
    sync::{Notify, mpsc},
    task::{JoinError, JoinSet},
    time::{Instant, Interval, MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::{
    SubmitContext,
    attempt::{AttemptEnd, attempt, give_back},
};
use crate::{
    carrier::{
        connector::AnyConnector,
        links::{Link, Links},
        sandbox::SandboxConnector,
    },
    handoff::{Dispatch, LEASE, LaneState, PUT_OFF},
    lanes::Worker,
};

/// How many messages a carrier without connections is worked on at a time: they only expire.
const WITHOUT_CONNECTIONS: usize = 16;
/// How often we check whether a connection that is not used would work again.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How many messages are put off at a time.
const PUT_OFF_AT_A_TIME: usize = 1000;

/// Submits one carrier's messages.
pub struct SubmitWorker {
    context: Arc<SubmitContext>,
    carrier: CarrierId,
    fresh: mpsc::Receiver<Dispatch>,
    bell: Arc<Notify>,
    stop: CancellationToken,
    links: Arc<Links>,
    /// Rung when there is room on a connection.
    room: Arc<Notify>,
    revision: Option<u64>,
    /// What is done with messages that are accepted.
    state: LaneState,
    /// None of the connections is used: nothing is attempted but a message now and then, to see whether one works again.
    is_down: bool,
    ticks: Interval,
    looks: JoinSet<()>,
    /// When a connection came back: what began to wait before goes at once.
    came_back: Option<Timestamp>,
    /// How often this node had got slots of the carrier when the lane last looked.
    gains: u64,
}

impl Worker for SubmitWorker {
    type Context = SubmitContext;
    type Name = CarrierId;
    type Job = Dispatch;
    type End = AttemptEnd;

    fn open(
        context: &Arc<SubmitContext>,
        carrier: &CarrierId,
        bell: &Arc<Notify>,
        stop: &CancellationToken,
    ) -> Self {
        let room = Arc::default();
        let mut ticks = interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            carrier: carrier.clone(),
            fresh: context.handoff.open(carrier.clone(), bell),
            bell: Arc::clone(bell),
            stop: stop.clone(),
            links: Arc::new(Links::new(&[], &[], AnyConnector::new, Arc::clone(&room))),
            room,
            revision: None,
            state: LaneState::Open,
            is_down: false,
            ticks,
            looks: JoinSet::new(),
            // What an earlier run put off need not wait: whether the carrier is there will be seen.
            came_back: Some(context.clock.now()),
            gains: context.node.gains_of(carrier),
            context: Arc::clone(context),
        }
    }

    fn id(job: &Dispatch) -> Id {
        job.send.id
    }

    fn attempts(job: &Dispatch) -> u32 {
        job.send.attempts
    }

    /// Whether it still holds the lease is asked before anything is sent.
    fn is_next_try(_: &Dispatch, _: u32) -> bool {
        true
    }

    fn refresh(&mut self) {
        self.follow_provisioning();
        self.see_whether_down();
    }

    fn capacity(&self) -> usize {
        match self.links.places() {
            0 => WITHOUT_CONNECTIONS,
            places => places,
        }
    }

    async fn next(&mut self, free: usize) -> Option<Dispatch> {
        // A connection that is slower than ever may give up places, which rings no bell.
        let has_to_look = self.links.is_any_down() || free == 0;
        tokio::select! {
            biased;
            Some(_) = self.looks.join_next() => self.try_if_due(),
            _ = self.ticks.tick(), if has_to_look => self.look(),
            Some(fresh) = self.fresh.recv(), if free > 0 => return self.still_leased(fresh),
            else => std::future::pending().await,
        }
        None
    }

    async fn lease(&mut self, free: usize) -> Vec<Dispatch> {
        let (now, slots) = (self.context.clock.now(), self.context.node.slots_of(&self.carrier));
        let gains = self.context.node.gains_of(&self.carrier);
        if gains != self.gains {
            // Whoever had them before may have put off what waits in them, since it could not reach the carrier.
            (self.came_back, self.gains) = (Some(now), gains);
        }
        if self.context.handoff.take_put_off_late(&self.carrier) {
            // In the same millisecond, perhaps.
            self.came_back = Some(after(now, Duration::from_millis(1)));
        }
        if slots.is_empty() {
            return Vec::new();
        }
        let lease = Lease { owner: self.context.owner, until: after(now, LEASE) };
        let mut jobs = Vec::new();
        if self.is_down {
            self.try_one(lease, now, &mut jobs).await;
            if !self.put_off(now).await {
                return jobs;
            }
        }
        let free = free.saturating_sub(jobs.len());
        let came_back = self.came_back.filter(|_| !self.is_down);
        match self.context.store.lease_sends(&self.carrier, lease, now, came_back, slots, free).await {
            Ok(sends) => {
                if may_be_more(sends.len(), free, came_back.is_some()) {
                    // Look again as soon as there is room.
                    self.bell.notify_one();
                } else if came_back.is_some() {
                    self.came_back = None;
                }
                jobs.extend(sends.into_iter().map(Dispatch::stored));
            }
            Err(error) => tracing::error!(%error, carrier = %self.carrier, "no work could be leased"),
        }
        jobs
    }

    fn work(&self, job: Dispatch) -> impl Future<Output = AttemptEnd> + Send + 'static {
        let (context, links) = (Arc::clone(&self.context), Arc::clone(&self.links));
        let stop = self.stop.clone();
        let span = tracing::debug_span!("attempt", id = %job.send.id, carrier = %job.send.carrier);
        async move { attempt(&context, &links, job, &stop).await }.instrument(span)
    }

    fn ended(&mut self, end: AttemptEnd) {
        if end.connection_came_back {
            self.came_back();
        }
    }

    fn broke_off(&self, error: &JoinError) {
        tracing::error!(%error, carrier = %self.carrier, "an attempt broke off");
    }

    async fn stop(&mut self) {
        self.fresh.close();
        let mut unbegun = Vec::new();
        while let Some(fresh) = self.fresh.recv().await {
            unbegun.push(fresh);
        }
        self.give_back(unbegun).await;
    }

    async fn give_back(&mut self, jobs: Vec<Dispatch>) {
        let jobs = jobs.into_iter().map(|Dispatch { send, answer, .. }| (send, answer));
        give_back(&self.context, jobs.collect()).await;
    }
}

/// Whether more waits than what was leased. A store may give less than there is: what another operation is about to change is left out. Of
/// what is due it says itself that it is left; of what was put off it does not, so that it is asked for till nothing comes.
const fn may_be_more(leased: usize, free: usize, came_back: bool) -> bool {
    leased == free || (came_back && leased > 0)
}

impl SubmitWorker {
    /// Takes over what is provisioned of the carrier, where that changed.
    fn follow_provisioning(&mut self) {
        let snapshot = self.context.snapshot.get();
        if self.revision == Some(snapshot.revision()) {
            return;
        }
        let connections = snapshot.carrier(&self.carrier).map_or(&[][..], |carrier| &carrier.connections);
        let before = self.links.all();
        let links = Links::new(connections, before, |one| self.connector(one), Arc::clone(&self.room));
        for gone in before.iter().filter(|link| !links.all().iter().any(|kept| kept.is_named_as(link))) {
            self.context.metrics.connection_gone(&self.carrier, gone.state());
        }
        for link in links.all() {
            self.context.metrics.connection(&self.carrier, link.state());
        }
        let is_new = |link: &&Arc<Link>| !before.iter().any(|kept| Arc::ptr_eq(kept, link));
        let changed: Vec<_> = links.all().iter().filter(is_new).collect();
        for link in &changed {
            if !self.context.node.is_only() {
                // It has nothing before it is told what.
                link.give(PacePart::nothing(Instant::now().into_std()));
            }
            // What it was refused with may have been mended.
            self.context.directory.note(&self.carrier, &link.connection().name, false);
        }
        let is_changed = !changed.is_empty();
        self.links = Arc::new(links);
        self.context.board.put(&self.carrier, &self.links);
        if is_changed {
            // What waited for the connection as it was goes at once over the one that it is.
            self.came_back();
        }
        self.revision = Some(snapshot.revision());
    }

    /// What speaks with this carrier over a connection.
    fn connector(&self, connection: &Connection) -> AnyConnector {
        match self.carrier.is_sandbox() {
            true => AnyConnector::Sandbox(SandboxConnector::new(connection, &self.context.sandbox)),
            false => AnyConnector::new(connection),
        }
    }

    /// While no connection is used, no attempt is made: each would cost two commits and come to nothing.
    fn see_whether_down(&mut self) {
        let is_down = self.links.are_down();
        let state = match is_down {
            true => LaneState::Down { nobody_there: self.links.is_nobody_there() },
            false if self.links.are_others() => LaneState::Closed,
            false => LaneState::Open,
        };
        if state != self.state {
            self.state = state;
            self.context.handoff.note(&self.carrier, state);
        }
        if is_down == self.is_down {
            return;
        }
        self.is_down = is_down;
        if is_down {
            tracing::warn!(carrier = %self.carrier, "no connection serves; messages wait");
        } else {
            tracing::info!(carrier = %self.carrier, "a connection serves again; what waits goes");
            self.came_back();
        }
    }

    /// Checks whether a connection that could not be reached can be reached again.
    fn look(&mut self) {
        if self.looks.is_empty() {
            let links = Arc::clone(&self.links);
            self.looks.spawn(async move { links.look().await });
        }
        self.try_if_due();
    }

    fn try_if_due(&self) {
        if self.is_down && self.links.is_try_due() {
            self.bell.notify_one();
        }
    }

    /// What began to wait before goes at once.
    fn came_back(&mut self) {
        self.came_back = Some(self.context.clock.now());
        self.bell.notify_one();
    }

    /// While no connection is used: one message, whether it is due or not, to see whether it works again.
    async fn try_one(&self, lease: Lease, now: Timestamp, jobs: &mut Vec<Dispatch>) {
        if !self.links.is_try_due() {
            return;
        }
        match self
            .context
            .store
            .lease_sends(&self.carrier, lease, now, Some(now), self.context.node.slots_of(&self.carrier), 1)
            .await
        {
            Ok(sends) => jobs.extend(sends.into_iter().map(Dispatch::stored)),
            Err(error) => tracing::error!(%error, carrier = %self.carrier, "no work could be leased"),
        }
    }

    /// Puts off what is due, while the carrier is down. What is due then has expired.
    async fn put_off(&self, now: Timestamp) -> bool {
        let until = after(now, PUT_OFF);
        match self
            .context
            .store
            .put_off(
                &self.carrier,
                until,
                self.links.is_nobody_there(),
                now,
                self.context.node.slots_of(&self.carrier),
                PUT_OFF_AT_A_TIME,
            )
            .await
        {
            Ok(put_off) if put_off < PUT_OFF_AT_A_TIME => true,
            Ok(_) => {
                self.bell.notify_one();
                false
            }
            Err(error) => {
                tracing::error!(%error, carrier = %self.carrier, "messages could not be put off");
                false
            }
        }
    }

    /// `None` where the lease ran out while the message waited here: the store gives it to whoever asks next. In relay mode it stays
    /// here, to be declined: the VASP was told, or is told at once, that it was not sent.
    fn still_leased(&self, fresh: Dispatch) -> Option<Dispatch> {
        let is_over = fresh.send.lease.until <= self.context.clock.now();
        (!is_over || fresh.answer.is_some()).then_some(fresh)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_off_is_asked_for_till_nothing_comes() {
        for (leased, free, came_back, expected) in [
            (2, 2, false, true),
            (1, 2, false, false),
            (0, 2, false, false),
            (2, 2, true, true),
            (1, 2, true, true),
            (0, 2, true, false),
        ] {
            assert_eq!(may_be_more(leased, free, came_back), expected, "{leased} of {free}, {came_back}");
        }
    }
}
