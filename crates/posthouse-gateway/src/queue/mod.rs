//! The way to the carriers: one lane for each carrier, so that a carrier that is down holds nobody else up.

mod attempt;
mod lane;
mod timers;

use std::{collections::HashSet, sync::Arc};

use posthouse_core::{
    Id,
    carrier::CarrierId,
    life::retry::Backoff,
    lock::Mutex,
    store::{Owner, Store},
    time::Clock,
};
use tokio_util::sync::CancellationToken;

use crate::{handoff::Handoff, lanes::Lanes, lookup::Directory, snapshot::SnapshotCell, telemetry::Metrics};

/// What the lanes share.
pub struct Shared {
    /// Where messages are kept.
    pub store: Arc<dyn Store>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// This run of this node.
    pub owner: Owner,
    /// Provisioning.
    pub snapshot: Arc<SnapshotCell>,
    /// Told when a carrier refuses our credentials.
    pub directory: Arc<Directory>,
    /// Where fresh messages come from.
    pub handoff: Arc<Handoff>,
    /// How long a message waits for its next attempt.
    pub backoff: Backoff,
    /// Counts.
    pub metrics: Arc<Metrics>,
    /// What this node is working on.
    pub under_way: UnderWay,
}

/// The messages that a node is working on, whatever became of their leases: a clock that was set, or a process that was stopped, ends
/// leases, and not the work.
#[derive(Debug, Default)]
pub struct UnderWay(Mutex<HashSet<Id>>);

/// A message is worked on as long as this is there.
#[derive(Debug)]
struct Working<'a> {
    all: &'a UnderWay,
    id: Id,
}

impl UnderWay {
    fn begin(&self, id: Id) -> Working<'_> {
        self.0.lock().insert(id);
        Working { all: self, id }
    }

    fn has(&self, id: Id) -> bool {
        self.0.lock().contains(&id)
    }
}

impl Drop for Working<'_> {
    fn drop(&mut self) {
        self.all.0.lock().remove(&self.id);
    }
}

/// The lanes.
pub struct SubmitQueue {
    shared: Arc<Shared>,
    lanes: Lanes<CarrierId>,
    stop: CancellationToken,
}

impl SubmitQueue {
    /// A queue without lanes: they open as carriers are named to [`SubmitQueue::wake`].
    pub fn new(shared: Shared, stop: CancellationToken) -> Self {
        Self { shared: Arc::new(shared), lanes: Lanes::default(), stop }
    }

    /// Tells a carrier's lane that the store may have work for it; opens the lane if there is none.
    pub fn wake(&self, carrier: &CarrierId) {
        self.lanes.wake(carrier, |bell| {
            let fresh = self.shared.handoff.open(carrier.clone());
            let (shared, stop) = (Arc::clone(&self.shared), self.stop.clone());
            lane::Lane::new(shared, carrier.clone(), fresh, bell, stop).run()
        });
    }

    /// Settles the timers that went off.
    pub async fn timers(&self) {
        timers::settle_all(&self.shared).await;
    }

    /// Waits for the lanes to finish their attempts and give back the rest. To be called once `stop` came.
    pub async fn finished(&self) {
        self.lanes.finished().await;
    }
}
