//! How the rooms are put together.

use std::{path::Path, sync::Arc};

use http::HeaderName;
use ipnet::IpNet;
use posthouse_core::{
    provisioning::tree::ValueSource,
    store::{Owner, Store},
    time::Clock,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{components::Components, error::StartError};
use crate::{
    admin::{AdminState, idempotency::ToldOnceAnswers, operations::run::OperationRunner},
    auth::{Verifier, key_uses::KeyUses},
    bell::Bell,
    callbacks::{CallbackContext, CallbackQueue, CallbackWindows},
    carrier::{board::LinkBoard, mm7::door::CarrierDoor, overrides::OverrideFollower, sandbox::SandboxDesk},
    cdr::{CdrFolder, CdrWriter},
    clock::StoreClock,
    config::Settings,
    divided::LimitKeeper,
    doors::mm7::Mm7Door,
    drain::DrainState,
    due::Watcher,
    fetch::{Fetcher, SystemNetwork, Trust},
    handoff::{Handoff, callbacks::CallbackHandoff},
    http::{limits::DoorLimits, memory::Memory, proxies::Proxies},
    intake::{Intake, admission::Admissions},
    lookup::{Directory, ported::Follower},
    node::ClusterNode,
    queue::{SubmitContext, SubmitQueue, UnderWay},
    random::bytes,
    refusals::RefusalBook,
    secrets::Secret,
    snapshot::SnapshotCell,
    telemetry::{Metrics, series::SeriesRing},
};
#[cfg(feature = "otlp")]
use crate::{otlp, spawn::spawn, telemetry::traces::Traces};

/// How many bytes of VASPs' bodies may be in memory at a time.
const BODY_MEMORY: usize = 256 << 20;
/// How many of carriers': what VASPs send takes nothing of it.
const CARRIERS_BODY_MEMORY: usize = 64 << 20;
/// Of either, one body is at most one part in this many.
const BODIES_IN_MEMORY: u64 = 4;

/// What the rooms share, and how each is made from it.
pub(super) struct Wiring {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    components: Components,
    owner: Owner,
    pub(super) node: Arc<ClusterNode>,
    admissions: Arc<Admissions>,
    pub(super) snapshot: Arc<SnapshotCell>,
    pub(super) handoff: Arc<Handoff>,
    pub(super) drain: Arc<DrainState>,
    callbacks: Arc<CallbackHandoff>,
    pub(super) board: Arc<LinkBoard>,
    pub(super) overrides: Arc<OverrideFollower>,
    bell: Arc<Bell>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) series: Arc<SeriesRing>,
    pub(super) refusals: Arc<RefusalBook>,
    pub(super) directory: Arc<Directory>,
    pub(super) sandbox: Arc<SandboxDesk>,
    verifier: Arc<Verifier>,
    pub(super) key_uses: Arc<KeyUses>,
    /// The token of this run for the admin API, where none is configured.
    pub(super) api_token: Option<Secret>,
    carrier_id_header: HeaderName,
    /// The memory of VASPs' bodies, and of carriers'.
    memory: [Memory; 2],
}

impl Wiring {
    pub(super) async fn new(
        store: Arc<dyn Store>,
        settings: &Settings,
        components: Components,
        admin: &str,
        (owner, stop): (Owner, &CancellationToken),
    ) -> Result<Self, StartError> {
        let name = &settings.mm7.carrier_id_header;
        let metrics: Arc<Metrics> = Arc::default();
        let of_store = Arc::new(StoreClock::new(Arc::clone(&components.clock)));
        let node = ClusterNode::join(store.clone(), owner, admin, Arc::clone(&of_store)).await?;
        if let Some(fault) = node.clock_fault() {
            return Err(StartError::Clock(fault));
        }
        let (clock, bell): (Arc<dyn Clock>, _) = (of_store, Arc::<Bell>::default());
        let callbacks = Arc::new(CallbackHandoff::new(Arc::clone(&clock), owner, Arc::clone(&bell)));
        let board = Arc::<LinkBoard>::default();
        let followed = (Arc::clone(&board), Arc::clone(&callbacks));
        let overrides = Arc::new(OverrideFollower::new(store.clone(), followed, Arc::clone(&clock)));
        overrides.look().await?;
        let reporting = (Arc::clone(&clock), Arc::clone(&callbacks), stop.clone());
        let sandbox = Arc::new(SandboxDesk::new(store.clone(), reporting.0, reporting.1, reporting.2));
        Ok(Self {
            callbacks,
            sandbox,
            clock,
            owner,
            admissions: Arc::new(if node.is_only() { Admissions::default() } else { Admissions::divided() }),
            node: Arc::new(node),
            snapshot: Arc::new(SnapshotCell::load(&*store).await?),
            handoff: Arc::default(),
            drain: Arc::default(),
            board,
            overrides,
            bell,
            directory: Arc::new(Directory::new(Arc::clone(&metrics))),
            metrics,
            series: Arc::default(),
            refusals: Arc::default(),
            key_uses: Arc::default(),
            verifier: Arc::new(Verifier::new(bytes().map_err(StartError::Random)?)),
            api_token: match settings.admin.token {
                Some(_) => None,
                None => Some(random_token()?),
            },
            carrier_id_header: name.parse().map_err(|_| StartError::HeaderName(name.clone()))?,
            memory: [BODY_MEMORY, CARRIERS_BODY_MEMORY].map(|bytes| memory(settings, bytes)),
            store,
            components,
        })
    }

    /// What writes records of what ended, where they are asked for. The store notes them from now on.
    pub(super) fn records(&self, settings: &Settings) -> Result<Option<CdrWriter>, StartError> {
        let Some(path) = &settings.cdr.folder else { return Ok(None) };
        let folder =
            CdrFolder::open(path).map_err(|source| StartError::Cdr { path: path.clone(), source })?;
        self.store.keep_records(true);
        Ok(Some(CdrWriter {
            store: self.store.clone(),
            clock: Arc::clone(&self.clock),
            node: Arc::clone(&self.node),
            folder: Arc::new(folder),
            numbers: settings.cdr.numbers,
            state: Arc::clone(self.metrics.cdr()),
        }))
    }

    /// What sends traces, where that is asked for.
    #[cfg(feature = "otlp")]
    pub(super) fn exporter(&self, settings: &Settings, stop: &CancellationToken) -> Option<JoinHandle<()>> {
        let collector = settings.telemetry.traces()?;
        let (traces, taken) = Traces::new(settings.telemetry.ratio);
        let traces = Arc::new(traces);
        self.metrics.trace_into(Arc::clone(&traces));
        Some(spawn(otlp::export(traces, taken, collector, stop.clone())))
    }

    /// Nothing sends traces: settings that ask for it were refused.
    #[cfg(not(feature = "otlp"))]
    pub(super) fn exporter(&self, _: &Settings, _: &CancellationToken) -> Option<JoinHandle<()>> {
        None
    }

    /// Reads the file of ported numbers before the doors open: no lookup then has to fail for want of it.
    pub(super) async fn ported(&self) -> Follower {
        let mut follower = Follower::default();
        let snapshot = self.snapshot.get();
        follower.look(self.directory.ported(), snapshot.lookup().ported.as_deref()).await;
        follower
    }

    /// The lanes of the carriers.
    pub(super) fn queue(&self, stop: &CancellationToken) -> SubmitQueue {
        let context = SubmitContext {
            store: self.store.clone(),
            clock: Arc::clone(&self.clock),
            owner: self.owner,
            snapshot: Arc::clone(&self.snapshot),
            directory: Arc::clone(&self.directory),
            board: Arc::clone(&self.board),
            handoff: Arc::clone(&self.handoff),
            bell: Arc::clone(&self.bell),
            backoff: self.components.backoff,
            metrics: Arc::clone(&self.metrics),
            sandbox: Arc::clone(&self.sandbox),
            under_way: UnderWay::default(),
            node: Arc::clone(&self.node),
            callbacks: Arc::clone(&self.callbacks),
            stop: stop.clone(),
        };
        SubmitQueue::new(context, stop.clone())
    }

    /// The lanes of the accounts.
    pub(super) fn callbacks(&self, stop: &CancellationToken) -> CallbackQueue {
        let context = CallbackContext {
            store: self.store.clone(),
            clock: Arc::clone(&self.clock),
            owner: self.owner,
            snapshot: Arc::clone(&self.snapshot),
            handoff: Arc::clone(&self.callbacks),
            windows: Arc::new(CallbackWindows::new(!self.node.is_only())),
            stop: stop.clone(),
            bell: Arc::clone(&self.bell),
            carrier_id_header: self.carrier_id_header.clone(),
            metrics: Arc::clone(&self.metrics),
        };
        CallbackQueue::new(context, stop.clone())
    }

    /// What wakes the lanes of either.
    pub(super) fn watcher(&self, queue: &Arc<SubmitQueue>, callbacks: &Arc<CallbackQueue>) -> Watcher {
        Watcher {
            store: self.store.clone(),
            clock: Arc::clone(&self.clock),
            node: Arc::clone(&self.node),
            bell: Arc::clone(&self.bell),
            queue: Arc::clone(queue),
            callbacks: Arc::clone(callbacks),
        }
    }

    /// What keeps this node within its part of limits.
    pub(super) fn limits(&self, queue: &Arc<SubmitQueue>, callbacks: &Arc<CallbackQueue>) -> LimitKeeper {
        LimitKeeper {
            store: self.store.clone(),
            node: Arc::clone(&self.node),
            board: Arc::clone(&self.board),
            admissions: Arc::clone(&self.admissions),
            queue: Arc::clone(queue),
            callbacks: Arc::clone(callbacks),
        }
    }

    /// Who carries operations out.
    pub(super) fn operations(&self) -> OperationRunner {
        OperationRunner {
            store: self.store.clone(),
            clock: Arc::clone(&self.clock),
            owner: self.owner,
            ids: Arc::clone(self.node.ids()),
            snapshot: Arc::clone(&self.snapshot),
            bell: Arc::clone(&self.bell),
        }
    }

    /// The door for VASPs.
    pub(super) async fn mm7_door(&self, settings: &Settings) -> Result<Mm7Door, StartError> {
        Ok(Mm7Door {
            path: settings.mm7.path.clone(),
            carrier_id_header: self.carrier_id_header.clone(),
            limits: limits(settings, &self.memory[0], &settings.mm7.trusted_proxies),
            snapshot: Arc::clone(&self.snapshot),
            key: self.store.key().await?,
            verifier: Arc::clone(&self.verifier),
            key_uses: Arc::clone(&self.key_uses),
            intake: Arc::new(self.intake(settings)),
            refusals: Arc::clone(&self.refusals),
        })
    }

    fn intake(&self, settings: &Settings) -> Intake {
        let network = Box::new(SystemNetwork::default());
        Intake {
            store: self.store.clone(),
            clock: Arc::clone(&self.clock),
            ids: Arc::clone(self.node.ids()),
            node: Arc::clone(&self.node),
            owner: self.owner,
            admissions: Arc::clone(&self.admissions),
            drain: Arc::clone(&self.drain),
            directory: Arc::clone(&self.directory),
            fetcher: Arc::new(Fetcher::new(settings.fetch.clone(), network, Trust::default())),
            adapter: self.components.adapter.clone(),
            handoff: Arc::clone(&self.handoff),
            bell: Arc::clone(&self.bell),
            metrics: Arc::clone(&self.metrics),
        }
    }

    /// The door for carriers.
    pub(super) fn carrier_door(&self, settings: &Settings) -> CarrierDoor {
        // Settings have checked that `{carrier}` is in the path.
        let (before, after) =
            settings.carriers.path.split_once("{carrier}").unwrap_or((&settings.carriers.path, ""));
        CarrierDoor {
            path_before: before.to_owned(),
            path_after: after.to_owned(),
            limits: limits(settings, &self.memory[1], &settings.carriers.trusted_proxies),
            store: self.store.clone(),
            clock: Arc::clone(&self.clock),
            snapshot: Arc::clone(&self.snapshot),
            verifier: Arc::clone(&self.verifier),
            ids: Arc::clone(self.node.ids()),
            callbacks: Arc::clone(&self.callbacks),
            metrics: Arc::clone(&self.metrics),
        }
    }

    /// The door for operators.
    pub(super) fn admin(&self, settings: &Settings, mm7: Arc<Mm7Door>, mm7_url: String) -> AdminState {
        AdminState {
            mm7,
            mm7_url,
            token: settings.admin.token.clone(),
            has_pages: settings.admin.ui,
            oidc: settings.admin.oidc.clone(),
            api_token: settings.admin.token.clone().or_else(|| self.api_token.clone()),
            verifier: Arc::clone(&self.verifier),
            asks_for_certificates: settings.admin.tls.as_ref().is_some_and(|tls| tls.client_ca.is_some()),
            store: self.store.clone(),
            callbacks: Arc::clone(&self.callbacks),
            ids: Arc::clone(self.node.ids()),
            snapshot: Arc::clone(&self.snapshot),
            directory: Arc::clone(&self.directory),
            bell: Arc::clone(&self.bell),
            board: Arc::clone(&self.board),
            overrides: Arc::clone(&self.overrides),
            key_uses: Arc::clone(&self.key_uses),
            drain: Arc::clone(&self.drain),
            series: Arc::clone(&self.series),
            told_once: ToldOnceAnswers::default(),
            log_levels: self.components.log_levels.clone(),
            metrics: Arc::clone(&self.metrics),
            node: Arc::clone(&self.node),
            clock: Arc::clone(&self.clock),
            max_request_bytes: settings.mm7.max_request_bytes,
            carrier_id_header: settings.mm7.carrier_id_header.clone(),
            messages_kept: settings.retention.messages,
            carriers_listen: settings.carriers.listen,
            memory: vec![("mm7", self.memory[0].clone()), ("carriers", self.memory[1].clone())],
            cdr: settings.cdr.folder.clone(),
            database: settings.store.path.clone(),
            media: settings.media.place.folder().map(Path::to_owned),
        }
    }
}

/// The memory of a door's bodies. There is at least enough that an address's half of it holds more than one body.
fn memory(settings: &Settings, bytes: usize) -> Memory {
    let longest = settings.mm7.max_request_bytes.saturating_mul(BODIES_IN_MEMORY);
    Memory::new(bytes.max(usize::try_from(longest).unwrap_or(usize::MAX)))
}

/// The limits of a door's requests.
fn limits(settings: &Settings, memory: &Memory, proxies: &[IpNet]) -> DoorLimits {
    DoorLimits {
        max_request_bytes: settings.mm7.max_request_bytes,
        read_timeout: settings.mm7.read_timeout,
        proxies: Proxies(proxies.to_vec()),
        memory: memory.clone(),
    }
}

fn random_token() -> Result<Secret, StartError> {
    let bytes: [u8; 32] = bytes().map_err(StartError::Random)?;
    Ok(Secret::new(bytes.iter().map(|byte| format!("{byte:02x}")).collect(), ValueSource::Inline))
}
