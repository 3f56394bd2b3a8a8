//! The way to the carriers: one lane for each carrier, so that a carrier that is down holds nobody else up.

mod attempt;
mod lane;
mod timers;

use std::sync::Arc;

use posthouse_core::{
    carrier::CarrierId,
    retry::Backoff,
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
}

/// The lanes.
pub struct Queue {
    shared: Arc<Shared>,
    lanes: Lanes<CarrierId>,
    stop: CancellationToken,
}

impl Queue {
    /// A queue without lanes: they open as carriers are named to [`Queue::wake`].
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
