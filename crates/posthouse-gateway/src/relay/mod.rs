//! The way back to the VASPs: one lane for each account, so that a VASP that is down holds nobody else up.

mod deliver;
mod lane;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use posthouse_core::{
    account::AccountName,
    store::{Owner, Store},
    time::Clock,
};
use tokio::{sync::Notify, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{snapshot::SnapshotCell, telemetry::Metrics};

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
    /// The header that tells the carrier.
    pub carrier_id_header: http::HeaderName,
    /// Counts.
    pub metrics: Arc<Metrics>,
}

/// The lanes.
pub struct Relay {
    shared: Arc<Shared>,
    lanes: Mutex<Lanes>,
    stop: CancellationToken,
}

#[derive(Default)]
struct Lanes {
    bells: HashMap<AccountName, Arc<Notify>>,
    running: JoinSet<()>,
}

impl Relay {
    /// A relay without lanes: they open as accounts are named to [`Relay::wake`].
    pub fn new(shared: Shared, stop: CancellationToken) -> Self {
        Self { shared: Arc::new(shared), lanes: Mutex::default(), stop }
    }

    /// Tells an account's lane that something is owed to it; opens the lane if there is none.
    pub fn wake(&self, account: &AccountName) {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bell) = lanes.bells.get(account) {
            bell.notify_one();
            return;
        }
        let bell = Arc::new(Notify::new());
        bell.notify_one();
        let lane = lane::Lane::new(Arc::clone(&self.shared), account.clone(), Arc::clone(&bell));
        lanes.bells.insert(account.clone(), bell);
        lanes.running.spawn(lane.run(self.stop.clone()));
    }

    /// Waits for the tries under way. To be called once `stop` came.
    pub async fn finished(&self) {
        let mut running = {
            let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
            lanes.bells.clear();
            std::mem::take(&mut lanes.running)
        };
        while running.join_next().await.is_some() {}
    }
}
