//! One carrier's lane: takes fresh messages from memory and due ones from the store, as many at a time as the carrier's windows
//! allow.

use std::{collections::HashSet, sync::Arc, time::Duration};

use jiff::Timestamp;
use posthouse_core::{
    Id,
    carrier::{CarrierId, Connection},
    store::Lease,
    time::after,
};
use tokio::{
    sync::{Notify, mpsc},
    task::JoinSet,
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use super::{
    Shared,
    attempt::{Ended, Job, give_back, run_job},
};
use crate::{
    carrier::connector::{Connector, connectors},
    handoff::{Fresh, LEASE},
};

/// How many messages a carrier without connections is worked on at a time: they only expire.
const WITHOUT_CONNECTIONS: usize = 16;
/// Of its room a lane has at least so great a part free before it asks the store for more: a commit for each message would be
/// dear.
const PULL_FROM: usize = 4;
/// How long a message waits in hand at most for its turn by a connection's rate.
const RATE_AHEAD_SECONDS: u32 = 10;
/// How often it is looked whether a carrier that is down is there again.
const PROBE_EVERY: Duration = Duration::from_secs(1);
/// How long messages are put off while their carrier is down, when it does not come back before.
const PUT_OFF: Duration = Duration::from_secs(600);
/// How many messages are put off at a time.
const PUT_OFF_AT_A_TIME: usize = 1000;

pub(super) struct Lane {
    shared: Arc<Shared>,
    carrier: CarrierId,
    fresh: mpsc::Receiver<Fresh>,
    bell: Arc<Notify>,
    stop: CancellationToken,
    connectors: Vec<Arc<Connector>>,
    revision: Option<u64>,
    /// What this lane works on: never the same message twice at a time, even if its lease ran out meanwhile.
    in_hand: HashSet<Id>,
    attempts: JoinSet<(Id, Ended)>,
    /// None of the connections can be reached: nothing is attempted till a probe finds one.
    is_down: bool,
    probes: JoinSet<bool>,
    /// When a connection came back: what began to wait before goes at once.
    came_back: Option<Timestamp>,
}

impl Lane {
    pub(super) fn new(
        shared: Arc<Shared>,
        carrier: CarrierId,
        fresh: mpsc::Receiver<Fresh>,
        bell: Arc<Notify>,
        stop: CancellationToken,
    ) -> Self {
        let now = shared.clock.now();
        Self {
            shared,
            carrier,
            fresh,
            bell,
            stop,
            connectors: Vec::new(),
            revision: None,
            in_hand: HashSet::new(),
            attempts: JoinSet::new(),
            is_down: false,
            probes: JoinSet::new(),
            // What an earlier run put off need not wait: whether the carrier is there will be seen.
            came_back: Some(now),
        }
    }

    pub(super) async fn run(mut self) {
        let (bell, stop) = (Arc::clone(&self.bell), self.stop.clone());
        loop {
            self.refresh();
            let room = self.capacity().saturating_sub(self.in_hand.len());
            let (has_room, has_much_room) = (room > 0, room * PULL_FROM >= self.capacity());
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(ended) = self.attempts.join_next() => self.ended(ended),
                Some(found) = self.probes.join_next() => self.probed(found.unwrap_or(false)),
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
        self.connectors = connectors(connections, &self.connectors);
        self.revision = Some(snapshot.revision());
        if self.is_down && !self.all_down() {
            self.up();
        }
    }

    fn all_down(&self) -> bool {
        !self.connectors.is_empty() && self.connectors.iter().all(|connector| connector.is_down())
    }

    /// Stops attempting: each would cost two commits and find nobody.
    fn down(&mut self) {
        tracing::warn!(carrier = %self.carrier, "no connection can be reached; messages wait");
        self.is_down = true;
        self.shared.handoff.note(&self.carrier, true);
        self.probe();
    }

    fn probe(&mut self) {
        let connectors = self.connectors.clone();
        self.probes.spawn(async move {
            sleep(PROBE_EVERY).await;
            for connector in connectors {
                if connector.probe().await {
                    return true;
                }
            }
            false
        });
    }

    fn probed(&mut self, found: bool) {
        if found {
            self.up();
        } else if self.is_down {
            self.probe();
        }
    }

    /// Attempts again, what waits first.
    fn up(&mut self) {
        if std::mem::take(&mut self.is_down) {
            tracing::info!(carrier = %self.carrier, "a connection can be reached again");
            self.shared.handoff.note(&self.carrier, false);
        }
        self.came_back = Some(self.shared.clock.now());
        self.bell.notify_one();
    }

    fn capacity(&self) -> usize {
        let places = self.connectors.iter().map(|connector| places(connector.connection()));
        let sum = usize::try_from(places.fold(0, u32::saturating_add)).unwrap_or(usize::MAX);
        if sum == 0 { WITHOUT_CONNECTIONS } else { sum }
    }

    fn start_fresh(&mut self, fresh: Fresh) {
        let Fresh { send, media, answer } = fresh;
        // The lease ran out while it waited here: the store gives it to whoever asks next. In relay mode it stays here, to
        // be declined: the VASP was told, or is told at once, that it was not sent.
        if send.lease.until <= self.shared.clock.now() && answer.is_none() {
            return;
        }
        self.start(Job { send, media: Some(media), answer });
    }

    fn start(&mut self, job: Job) {
        let id = job.send.id;
        if !self.in_hand.insert(id) {
            return;
        }
        let (shared, connectors) = (Arc::clone(&self.shared), self.connectors.clone());
        let stop = self.stop.clone();
        self.attempts.spawn(async move { (id, run_job(&shared, &connectors, job, &stop).await) });
    }

    fn ended(&mut self, ended: Result<(Id, Ended), tokio::task::JoinError>) {
        match ended {
            Ok((id, ended)) => {
                self.in_hand.remove(&id);
                if ended == (Ended { connection_came_back: true }) {
                    self.up();
                } else if !self.is_down && self.all_down() {
                    self.down();
                }
            }
            Err(error) => {
                // Which message it was is not known any more. Those still at work are; the rest the store hands out again.
                tracing::error!(%error, carrier = %self.carrier, "an attempt broke off");
                self.in_hand.clear();
            }
        }
    }

    /// Leases what is due, as much as there is room for.
    async fn pull(&mut self) {
        let now = self.shared.clock.now();
        if self.is_down && !self.put_off(now).await {
            return;
        }
        let lease = Lease { owner: self.shared.owner, until: after(now, LEASE) };
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
                    self.start(Job { send, media: None, answer: None });
                }
            }
            Err(error) => tracing::error!(%error, carrier = %self.carrier, "no work could be leased"),
        }
    }

    /// Puts off what is due, while the carrier is down. What is due then has expired.
    async fn put_off(&self, now: Timestamp) -> bool {
        let until = after(now, PUT_OFF);
        match self.shared.store.put_off(&self.carrier, until, now, PUT_OFF_AT_A_TIME).await {
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
        while let Some(Fresh { send, answer, .. }) = self.fresh.recv().await {
            unbegun.push((send, answer));
        }
        give_back(&self.shared, unbegun).await;
        while self.attempts.join_next().await.is_some() {}
    }
}

/// How many messages a connection is worked on at a time: while some are under way, others are begun and settled.
fn places(connection: &Connection) -> u32 {
    let places = connection.window.saturating_mul(2);
    match connection.per_second {
        Some(rate) => places.min(rate.saturating_mul(RATE_AHEAD_SECONDS)).max(1),
        None => places,
    }
}
