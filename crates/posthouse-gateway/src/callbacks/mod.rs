//! The way back to the VASPs: one lane for each account, so that a VASP that is down holds nobody else up.

mod deliver;
mod lane;

use std::sync::Arc;

use posthouse_core::{
    account::AccountName,
    store::{Owner, Store},
    time::Clock,
};
use tokio_util::sync::CancellationToken;

use crate::{handoff::Handoff, lanes::Lanes, snapshot::SnapshotCell, telemetry::Metrics};

/// What the lanes share.
pub struct Shared {
    /// Where callbacks are kept.
    pub store: Arc<dyn Store>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// This run of this node.
    pub owner: Owner,
    /// Provisioning.
    pub snapshot: Arc<SnapshotCell>,
    /// The bell that says that the store has work.
    pub handoff: Arc<Handoff>,
    /// The header that tells the carrier.
    pub carrier_id_header: http::HeaderName,
    /// Counts.
    pub metrics: Arc<Metrics>,
}

/// The lanes.
pub struct CallbackQueue {
    shared: Arc<Shared>,
    lanes: Lanes<AccountName>,
    stop: CancellationToken,
}

impl CallbackQueue {
    /// A relay without lanes: they open as accounts are named to [`CallbackQueue::wake`].
    pub fn new(shared: Shared, stop: CancellationToken) -> Self {
        Self { shared: Arc::new(shared), lanes: Lanes::default(), stop }
    }

    /// Tells an account's lane that something is owed to it; opens the lane if there is none.
    pub fn wake(&self, account: &AccountName) {
        self.lanes.wake(account, |bell| {
            let lane = lane::Lane::new(Arc::clone(&self.shared), account.clone(), bell, self.stop.clone());
            lane.run()
        });
    }

    /// Waits for the tries under way. To be called once `stop` came.
    pub async fn finished(&self) {
        self.lanes.finished().await;
    }
}
