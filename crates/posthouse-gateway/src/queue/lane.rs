//! One carrier's lane: takes fresh messages from memory and due ones from the store, as many at a time as the carrier's windows
//! allow.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use posthouse_core::{Id, carrier::CarrierId, store::Lease, time::after};
use tokio::{
    sync::{Notify, mpsc},
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::{
    Shared,
    attempt::{AttemptEnd, give_back, run_job},
};
use crate::{
    carrier::links::{Link, Links},
    handoff::{Dispatch, LEASE},
};

/// How many messages a carrier without connections is worked on at a time: they only expire.
const WITHOUT_CONNECTIONS: usize = 16;
/// Of its room a lane has at least so great a part free before it asks the store for more: a commit for each message would be
/// dear.
const PULL_FROM: usize = 4;
/// How often it is looked whether a connection that is not used would serve again.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long messages are put off while their carrier is down, when it does not come back before.
const PUT_OFF: Duration = Duration::from_secs(600);
/// How many messages are put off at a time.
const PUT_OFF_AT_A_TIME: usize = 1000;

pub(super) struct Lane {
    shared: Arc<Shared>,
    carrier: CarrierId,
    fresh: mpsc::Receiver<Dispatch>,
    bell: Arc<Notify>,
    stop: CancellationToken,
    links: Arc<Links>,
    /// Rung when there is room on a connection.
    room: Arc<Notify>,
    revision: Option<u64>,
    /// What this lane works on: never the same message twice at a time, even if its lease ran out meanwhile.
    in_hand: HashSet<Id>,
    /// What was leased while it was in hand: given back a moment ago by an attempt whose end is not seen here yet. It comes next; left
    /// alone, it would wait for the end of its lease.
    again: HashMap<Id, Dispatch>,
    attempts: JoinSet<(Id, AttemptEnd)>,
    /// None of the connections is used: nothing is attempted but a message now and then, to see whether one serves again.
    is_down: bool,
    looks: JoinSet<()>,
    /// When a connection came back: what began to wait before goes at once.
    came_back: Option<Timestamp>,
}

impl Lane {
    pub(super) fn new(
        shared: Arc<Shared>,
        carrier: CarrierId,
        fresh: mpsc::Receiver<Dispatch>,
        bell: Arc<Notify>,
        stop: CancellationToken,
    ) -> Self {
        let now = shared.clock.now();
        let room = Arc::default();
        Self {
            shared,
            carrier,
            fresh,
            bell,
            stop,
            links: Arc::new(Links::new(&[], &[], Arc::clone(&room))),
            room,
            revision: None,
            in_hand: HashSet::new(),
            again: HashMap::new(),
            attempts: JoinSet::new(),
            is_down: false,
            looks: JoinSet::new(),
            // What an earlier run put off need not wait: whether the carrier is there will be seen.
            came_back: Some(now),
        }
    }

    pub(super) async fn run(mut self) {
        let (bell, stop) = (Arc::clone(&self.bell), self.stop.clone());
        let mut ticks = interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.refresh();
            self.see_whether_down();
            let room = self.capacity().saturating_sub(self.in_hand.len());
            // What is slower than ever may give up its room, which rings nothing.
            let has_to_look = self.links.is_any_down() || room == 0;
            let (has_room, has_much_room) = (room > 0, room * PULL_FROM >= self.capacity());
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(ended) = self.attempts.join_next() => self.ended(ended),
                Some(_) = self.looks.join_next() => self.try_if_due(),
                _ = ticks.tick(), if has_to_look => self.look(),
                Some(fresh) = self.fresh.recv(), if has_room => self.start_fresh(fresh),
                () = bell.notified(), if has_much_room => self.pull().await,
            }
        }
        self.finish().await;
    }

    /// Follows provisioning.
    fn refresh(&mut self) {
        let snapshot = self.shared.snapshot.get();
        if self.revision == Some(snapshot.revision()) {
            return;
        }
        let connections = snapshot.carrier(&self.carrier).map_or(&[][..], |carrier| &carrier.connections);
        let before = self.links.all();
        let links = Links::new(connections, before, Arc::clone(&self.room));
        for gone in before.iter().filter(|link| !links.all().iter().any(|kept| kept.is_named_as(link))) {
            self.shared.metrics.connection_gone(&self.carrier, gone);
        }
        for link in links.all() {
            self.shared.metrics.connection(&self.carrier, link);
        }
        let is_new = |link: &&Arc<Link>| !before.iter().any(|kept| Arc::ptr_eq(kept, link));
        let changed: Vec<_> = links.all().iter().filter(is_new).collect();
        for link in &changed {
            // What it was refused with may have been mended.
            self.shared.directory.note(&self.carrier, &link.connection().name, false);
        }
        let is_changed = !changed.is_empty();
        self.links = Arc::new(links);
        if is_changed {
            // What waited for the connection as it was goes at once over the one that it is.
            self.came_back();
        }
        self.revision = Some(snapshot.revision());
    }

    /// While no connection is used, no attempt is made: each would cost two commits and come to nothing.
    fn see_whether_down(&mut self) {
        let is_down = self.links.are_down();
        if is_down == self.is_down {
            return;
        }
        self.is_down = is_down;
        self.shared.handoff.note(&self.carrier, is_down);
        if is_down {
            tracing::warn!(carrier = %self.carrier, "no connection serves; messages wait");
        } else {
            tracing::info!(carrier = %self.carrier, "a connection serves again; what waits goes");
            self.came_back();
        }
    }

    /// Looks whether somebody is there again.
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
        self.came_back = Some(self.shared.clock.now());
        self.bell.notify_one();
    }

    fn capacity(&self) -> usize {
        match self.links.places() {
            0 => WITHOUT_CONNECTIONS,
            places => places,
        }
    }

    fn start_fresh(&mut self, fresh: Dispatch) {
        // The lease ran out while it waited here: the store gives it to whoever asks next. In relay mode it stays here, to
        // be declined: the VASP was told, or is told at once, that it was not sent.
        if fresh.send.lease.until <= self.shared.clock.now() && fresh.answer.is_none() {
            return;
        }
        self.start(fresh);
    }

    fn start(&mut self, job: Dispatch) {
        let id = job.send.id;
        if !self.in_hand.insert(id) {
            self.again.insert(id, job);
            return;
        }
        let (shared, links) = (Arc::clone(&self.shared), Arc::clone(&self.links));
        let stop = self.stop.clone();
        let span = tracing::debug_span!("attempt", %id, carrier = %job.send.carrier);
        let attempt = async move { (id, run_job(&shared, &links, job, &stop).await) };
        self.attempts.spawn(attempt.instrument(span));
    }

    fn ended(&mut self, ended: Result<(Id, AttemptEnd), tokio::task::JoinError>) {
        match ended {
            Ok((id, ended)) => {
                self.in_hand.remove(&id);
                if ended.connection_came_back {
                    self.came_back();
                }
                // Whether it still holds the lease is asked before anything is sent.
                if let Some(job) = self.again.remove(&id) {
                    self.start(job);
                }
            }
            Err(error) => {
                // Which message it was is not known any more. Those still at work are; the rest the store hands out again.
                tracing::error!(%error, carrier = %self.carrier, "an attempt broke off");
                self.in_hand.clear();
                self.again.clear();
            }
        }
    }

    /// Leases what is due, as much as there is room for.
    async fn pull(&mut self) {
        let now = self.shared.clock.now();
        let lease = Lease { owner: self.shared.owner, until: after(now, LEASE) };
        if self.is_down {
            self.try_one(lease, now).await;
            if !self.put_off(now).await {
                return;
            }
        }
        let room = self.capacity().saturating_sub(self.in_hand.len());
        let came_back = self.came_back.filter(|_| !self.is_down);
        match self.shared.store.lease_sends(&self.carrier, lease, now, came_back, room).await {
            Ok(sends) => {
                if sends.len() < room {
                    self.came_back = None;
                } else {
                    // There may be more: look again as soon as there is room.
                    self.bell.notify_one();
                }
                for send in sends {
                    self.start(Dispatch::stored(send));
                }
            }
            Err(error) => tracing::error!(%error, carrier = %self.carrier, "no work could be leased"),
        }
    }

    /// While no connection is used: one message, whether it is due or not, to see whether one serves again.
    async fn try_one(&mut self, lease: Lease, now: Timestamp) {
        if !self.links.is_try_due() {
            return;
        }
        match self.shared.store.lease_sends(&self.carrier, lease, now, Some(now), 1).await {
            Ok(sends) => sends.into_iter().for_each(|send| self.start(Dispatch::stored(send))),
            Err(error) => tracing::error!(%error, carrier = %self.carrier, "no work could be leased"),
        }
    }

    /// Puts off what is due, while the carrier is down. What is due then has expired.
    async fn put_off(&self, now: Timestamp) -> bool {
        let until = after(now, PUT_OFF);
        match self
            .shared
            .store
            .put_off(&self.carrier, until, self.links.is_nobody_there(), now, PUT_OFF_AT_A_TIME)
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

    /// Finishes the attempts under way and gives back what was not begun.
    async fn finish(mut self) {
        self.fresh.close();
        let mut unbegun = Vec::new();
        while let Some(Dispatch { send, answer, .. }) = self.fresh.recv().await {
            unbegun.push((send, answer));
        }
        give_back(&self.shared, unbegun).await;
        while self.attempts.join_next().await.is_some() {}
        let again = self.again.into_values().map(|Dispatch { send, answer, .. }| (send, answer));
        give_back(&self.shared, again.collect()).await;
    }
}
