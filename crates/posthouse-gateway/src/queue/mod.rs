//! The way to the carriers: one lane for each carrier, so that a carrier that is down holds nobody else up.

mod attempt;
mod timers;
mod worker;

use std::{collections::HashSet, sync::Arc};

use posthouse_core::{
    Id,
    life::retry::Backoff,
    lock::Mutex,
    store::{Owner, Store},
    time::Clock,
};
use tokio_util::sync::CancellationToken;

pub use self::{timers::settle_timers, worker::SubmitWorker};
use crate::{
    bell::Bell,
    carrier::{board::LinkBoard, sandbox::SandboxDesk},
    handoff::{Handoff, callbacks::CallbackHandoff},
    lanes::Lanes,
    lookup::Directory,
    node::ClusterNode,
    snapshot::SnapshotCell,
    telemetry::Metrics,
};

/// What the carriers' lanes have in common.
pub struct SubmitContext {
    /// Where messages are kept.
    pub store: Arc<dyn Store>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// This run of this node.
    pub owner: Owner,
    /// Which slots are this node's, and whether the store hears it.
    pub node: Arc<ClusterNode>,
    /// Provisioning.
    pub snapshot: Arc<SnapshotCell>,
    /// Told when a carrier refuses our credentials.
    pub directory: Arc<Directory>,
    /// Where the connections in use are seen from outside.
    pub board: Arc<LinkBoard>,
    /// Where fresh messages come from.
    pub handoff: Arc<Handoff>,
    /// Where callbacks go that become due.
    pub callbacks: Arc<CallbackHandoff>,
    /// The gateway stops.
    pub stop: CancellationToken,
    /// Rung when something became due at once.
    pub bell: Arc<Bell>,
    /// How long a message waits for its next attempt.
    pub backoff: Backoff,
    /// Counts attempts, and shows how connections are.
    pub metrics: Arc<Metrics>,
    /// The carrier inside of the gateway.
    pub sandbox: Arc<SandboxDesk>,
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

/// The lanes of the carriers.
pub type SubmitQueue = Lanes<SubmitWorker>;
