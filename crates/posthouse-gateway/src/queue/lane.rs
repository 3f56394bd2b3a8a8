//! One carrier's lane: takes fresh messages from memory and due ones from the store, as many at a time as the carrier's windows
//! allow.

use std::{collections::HashSet, sync::Arc};

use jiff::Timestamp;
use posthouse_core::{Id, carrier::CarrierId, store::Lease, time::after};
use tokio::{
    sync::{Notify, mpsc},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use super::{
    Shared,
    attempt::{Ended, Job, decline, run_job},
};
use crate::{
    carrier::connector::{Connector, connectors},
    handoff::{Fresh, LEASE},
};

/// How many messages a carrier without connections is worked on at a time: they only expire.
const WITHOUT_CONNECTIONS: usize = 16;

pub(super) struct Lane {
    shared: Arc<Shared>,
    carrier: CarrierId,
    fresh: mpsc::Receiver<Fresh>,
    bell: Arc<Notify>,
    connectors: Vec<Arc<Connector>>,
    revision: Option<u64>,
    /// What this lane works on: never the same message twice at a time, even if its lease ran out meanwhile.
    in_hand: HashSet<Id>,
    attempts: JoinSet<(Id, Ended)>,
    /// When a connection came back: what began to wait before goes at once.
    came_back: Option<Timestamp>,
}

impl Lane {
    pub(super) fn new(
        shared: Arc<Shared>,
        carrier: CarrierId,
        fresh: mpsc::Receiver<Fresh>,
        bell: Arc<Notify>,
    ) -> Self {
        Self {
            shared,
            carrier,
            fresh,
            bell,
            connectors: Vec::new(),
            revision: None,
            in_hand: HashSet::new(),
            attempts: JoinSet::new(),
            came_back: None,
        }
    }

    pub(super) async fn run(mut self, stop: CancellationToken) {
        let bell = Arc::clone(&self.bell);
        loop {
            self.refresh();
            let has_room = self.in_hand.len() < self.capacity();
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(ended) = self.attempts.join_next() => self.ended(ended),
                Some(fresh) = self.fresh.recv(), if has_room => self.start_fresh(fresh),
                () = bell.notified(), if has_room => self.pull().await,
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
    }

    fn capacity(&self) -> usize {
        let windows = self.connectors.iter().map(|connector| connector.connection().window);
        let sum = usize::try_from(windows.sum::<u32>()).unwrap_or(usize::MAX);
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
        self.attempts.spawn(async move { (id, run_job(&shared, &connectors, job).await) });
    }

    fn ended(&mut self, ended: Result<(Id, Ended), tokio::task::JoinError>) {
        match ended {
            Ok((id, ended)) => {
                self.in_hand.remove(&id);
                if ended == (Ended { connection_came_back: true }) {
                    self.came_back = Some(self.shared.clock.now());
                    self.bell.notify_one();
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
        let lease = Lease { owner: self.shared.owner, until: after(now, LEASE) };
        let room = self.capacity().saturating_sub(self.in_hand.len());
        let leased = self.shared.store.lease_sends(&self.carrier, lease, now, self.came_back, room).await;
        match leased {
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

    /// Finishes the attempts under way and gives back what was not begun.
    async fn finish(mut self) {
        self.fresh.close();
        let mut unbegun = Vec::new();
        while let Some(Fresh { send, answer, .. }) = self.fresh.recv().await {
            match answer {
                // What is given back would be sent by the next start, after its VASP was told 3500.
                Some(_answer) => {
                    decline(&self.shared, &send, "the gateway was stopped before it was sent").await
                }
                None => unbegun.push(send.id),
            }
        }
        let now = self.shared.clock.now();
        if let Err(error) = self.shared.store.release(&unbegun, self.shared.owner, now).await {
            tracing::error!(%error, carrier = %self.carrier, "leases could not be given back; they run out by themselves");
        }
        while self.attempts.join_next().await.is_some() {}
    }
}
