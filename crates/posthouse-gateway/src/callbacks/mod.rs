//! Delivers callbacks to VASPs: one lane for each account, so that a VASP that is down holds no other up.

mod deliver;
mod encode;
mod health;
pub mod trial;
mod windows;
mod worker;

use std::sync::Arc;

use posthouse_core::{
    store::{Owner, Store},
    time::Clock,
};
use tokio_util::sync::CancellationToken;

pub(crate) use self::windows::WindowPart;
pub use self::{windows::CallbackWindows, worker::CallbackWorker};
use crate::{
    bell::Bell, handoff::callbacks::CallbackHandoff, lanes::Lanes, snapshot::SnapshotCell, telemetry::Metrics,
};

/// What the accounts' lanes have in common.
pub struct CallbackContext {
    /// Where callbacks are kept.
    pub store: Arc<dyn Store>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// This run of this node.
    pub owner: Owner,
    /// Provisioning.
    pub snapshot: Arc<SnapshotCell>,
    /// Where callbacks come from as they become due.
    pub handoff: Arc<CallbackHandoff>,
    /// How many may be under way.
    pub windows: Arc<CallbackWindows>,
    /// The gateway stops.
    pub stop: CancellationToken,
    /// Rung when a callback became due again soon.
    pub bell: Arc<Bell>,
    /// The header of a callback that names the carrier.
    pub carrier_id_header: http::HeaderName,
    /// Counts tries.
    pub metrics: Arc<Metrics>,
}

/// The lanes of the accounts.
pub type CallbackQueue = Lanes<CallbackWorker>;
