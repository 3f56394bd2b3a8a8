//! Where everything is put together: the one place that knows the real clock and the real sockets.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use http::HeaderName;
use jiff::Timestamp;
use posthouse_core::{
    id::IdSource,
    life::retry::Backoff,
    provisioning::tree::ValueSource,
    store::{Owner, Store, StoreError, Swept},
    time::Clock,
};
use posthouse_store::{Access, OpenError, StoreUrl, open as open_store};
use serde::Serialize;
use tokio::{
    task::{JoinError, JoinHandle},
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use crate::{
    admin::{AdminDoor, AdminState, run_token},
    auth::Verifier,
    callbacks::{self, CallbackQueue},
    carrier::{
        mm7::door::{self, CarrierDoor},
        open,
    },
    clock::{self, SystemClock},
    config::{Settings, settings::RetentionSection},
    due,
    fetch::{Fetcher, SystemNetwork, Trust},
    handoff::Handoff,
    http::{
        memory::Memory,
        proxies::Proxies,
        server::{ConnectionLimits, Door},
    },
    ids::MessageIds,
    intake::{self, Ingress, adapt::Adapter, admission::Admissions},
    lookup::{Directory, ported::Follower},
    queue::{self, SubmitQueue},
    secrets::Secret,
    snapshot::SnapshotCell,
    telemetry::{Metrics, lines},
    tls::{
        door::DoorTls,
        files::{Tls, TlsError},
    },
};

/// How many connections each door serves at a time, where the process may open enough files.
const CONNECTIONS: usize = 10_000;
/// Of the files that the process may open, one in so many may be a connection of this door: half of them of the one where all VASPs
/// submit, a quarter of the carriers', few of operators'. The way to the carriers and the store have the rest.
const FILES_PER_MM7: u64 = 2;
const FILES_PER_CARRIERS: u64 = 4;
const FILES_PER_ADMIN: u64 = 16;
/// How many of a door's connections may be in their TLS handshake at a time: one in so many.
const HANDSHAKES: usize = 4;
/// How long a TLS handshake may take.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
/// How long a request's head may take.
const HEAD_TIME: Duration = Duration::from_secs(15);
/// How long a peer may take nothing of an answer.
const STALLED_TIME: Duration = Duration::from_secs(15);
/// How long a stop waits for requests under way.
const STOP_TIME: Duration = Duration::from_secs(15);
/// How many bytes of VASPs' bodies may be in memory at a time.
const BODY_MEMORY: usize = 256 << 20;
/// How many of carriers': what VASPs send takes nothing of it.
const CARRIERS_BODY_MEMORY: usize = 64 << 20;
/// Of either, one body is at most one part in so many.
const BODIES_IN_MEMORY: u64 = 4;
/// How often retention throws away what is too old.
const SWEEP_EVERY: Duration = Duration::from_secs(60);
/// How much of each kind it throws away at a time, so that accepting goes on beside it.
const SWEEP_AT_A_TIME: usize = 1000;
/// How long it lets others work before it goes on, while there is more.
const SWEEP_AGAIN: Duration = Duration::from_millis(100);

/// What a gateway is made of besides its configuration.
#[derive(Clone)]
pub struct Components {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// How long messages wait between attempts.
    pub backoff: Backoff,
    /// Which of several nodes on one store this is.
    pub node: u8,
    /// Makes pictures fit carriers.
    pub adapter: Adapter,
}

impl Default for Components {
    /// The real clock, the backoff of contract 4.4, and the limits of docs/adaptation.md.
    fn default() -> Self {
        let clock = Arc::new(SystemClock::default());
        Self { clock, backoff: Backoff::CARRIER, node: 0, adapter: Adapter::default() }
    }
}

/// Why a gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store cannot be opened.
    #[error("the store cannot be opened")]
    Open(#[from] OpenError),
    /// The store does not work.
    #[error("the store does not work")]
    Store(#[from] StoreError),
    /// An address cannot be listened at.
    #[error(
        "cannot listen at {address}; stop what listens there, or put another address into [{section}] listen"
    )]
    Listen {
        /// The section of the configuration.
        section: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// The TLS files of a door cannot be used.
    #[error("the files of [{section}] tls cannot be used")]
    Tls {
        /// The section of the configuration.
        section: &'static str,
        /// Which file, and why; the remedy with it.
        source: TlsError,
    },
    /// A header name in the configuration is none.
    #[error("{0:?} is no name of an HTTP header; put another into [mm7] carrier_id_header")]
    HeaderName(String),
    /// The system has no randomness.
    #[error("the system gives no random numbers: {0}")]
    Random(getrandom::Error),
}

/// Where a running gateway is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ready {
    /// Where VASPs submit.
    pub mm7: String,
    /// Where carriers post; `{carrier}` stands for a carrier's id.
    pub carriers: String,
    /// Where operators look.
    pub admin: String,
}

impl Ready {
    /// The line that `posthouse serve` prints first (contract section 2), without its line end.
    pub fn line(&self) -> String {
        self.write(None)
    }

    /// The same with the process that it is about, for the run file.
    fn line_with_pid(&self) -> String {
        self.write(Some(std::process::id()))
    }

    fn write(&self, pid: Option<u32>) -> String {
        let line =
            ReadyLine { event: "ready", mm7: &self.mm7, carriers: &self.carriers, admin: &self.admin, pid };
        // Strings and a number always can be written.
        serde_json::to_string(&line).unwrap_or_default()
    }
}

#[derive(Serialize)]
struct ReadyLine<'a> {
    event: &'static str,
    mm7: &'a str,
    carriers: &'a str,
    admin: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<u32>,
}

/// A running gateway.
pub struct App {
    ready: Ready,
    store: Arc<dyn Store>,
    snapshot: Arc<SnapshotCell>,
    stop: CancellationToken,
    doors: Vec<JoinHandle<()>>,
    background: Vec<JoinHandle<()>>,
    handoff: Arc<Handoff>,
    queue: Arc<SubmitQueue>,
    relay: Arc<CallbackQueue>,
    /// What tells other commands where this gateway is, and lets them in.
    run_files: [PathBuf; 2],
}

impl App {
    /// Opens the store, binds the doors, and starts. When it returns, everything is open.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(settings: &Settings, parts: Components) -> Result<Self, StartError> {
        let url = StoreUrl::sqlite(&settings.store.path);
        let store = open_store(&url, &settings.media.path, serving()).await?;
        Self::start_on(store, settings, parts).await
    }

    /// The same on a store that is open already; where `settings` say that it is does not count. The store is the gateway's
    /// from now on: [`App::stop`] closes it.
    ///
    /// # Errors
    /// [`StartError`], never for the opening of the store.
    pub async fn start_on(
        store: Arc<dyn Store>,
        settings: &Settings,
        parts: Components,
    ) -> Result<Self, StartError> {
        let stop = CancellationToken::new();
        clock::start(&*parts.clock, &*store).await?;
        let wiring = Wiring::new(store, settings, parts, stop.clone()).await?;
        let doors = Doors::bind(settings).await?;
        let ready = doors.ready(settings)?;
        let (queue, relay) = (Arc::new(wiring.queue()), Arc::new(wiring.relay()));
        let follower = wiring.ported().await;
        // Before the doors: in relay mode a message that finds no lane is refused.
        open_lanes(&queue, &wiring.snapshot);
        let certificates = doors.certificates();
        let doors = doors.open(&wiring, settings).await?;
        let mut background = vec![
            tokio::spawn(follower.follow(
                Arc::clone(wiring.directory.ported()),
                Arc::clone(&wiring.snapshot),
                stop.clone(),
            )),
            tokio::spawn(Arc::clone(&wiring.snapshot).follow(wiring.store.clone(), stop.clone())),
            tokio::spawn(keep_lanes_open(Arc::clone(&queue), Arc::clone(&wiring.snapshot), stop.clone())),
            tokio::spawn(open::watch(settings.carriers.listen, Arc::clone(&wiring.snapshot), stop.clone())),
            tokio::spawn(due::watch(
                wiring.store.clone(),
                Arc::clone(&wiring.clock),
                Arc::clone(&wiring.handoff),
                Arc::clone(&queue),
                Arc::clone(&relay),
                stop.clone(),
            )),
            tokio::spawn(clock::watch(Arc::clone(&wiring.clock), wiring.store.clone(), stop.clone())),
            tokio::spawn(sweep(
                Arc::clone(&wiring.store),
                Arc::clone(&wiring.clock),
                settings.retention.clone(),
                stop.clone(),
            )),
        ];
        background.extend(certificates.into_iter().map(|certificates| {
            tokio::spawn(certificates.follow(Arc::clone(&wiring.metrics), stop.clone()))
        }));
        let (run_file, token_file) =
            (run_file(&settings.store.path), run_token::token_file(&settings.store.path));
        write_token_file(&token_file, wiring.api_token.as_ref());
        write_run_file(&run_file, &ready);
        let Wiring { store, snapshot, handoff, .. } = wiring;
        let run_files = [run_file, token_file];
        Ok(Self { ready, store, snapshot, stop, doors, background, handoff, queue, relay, run_files })
    }

    /// Where it is found.
    pub const fn ready(&self) -> &Ready {
        &self.ready
    }

    /// Waits till provisioning is in force at this revision or a later one.
    pub async fn provisioned(&self, revision: u64) {
        // The sender lives in the snapshot, which lives as long as this.
        let _ = self.snapshot.changes().wait_for(|current| *current >= revision).await;
    }

    /// Its store: what a test, or the demo, looks into.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Stops: takes nothing new, finishes what is under way, gives back the rest, closes the store.
    ///
    /// # Errors
    /// What the store says when it is closed; what it acknowledged is safe all the same.
    pub async fn stop(self) -> Result<(), StoreError> {
        tracing::info!("stopping");
        self.stop.cancel();
        for door in self.doors {
            broke_off(door.await);
        }
        self.handoff.close();
        self.queue.finished().await;
        self.relay.finished().await;
        for task in self.background {
            broke_off(task.await);
        }
        for file in &self.run_files {
            if let Err(error) = std::fs::remove_file(file) {
                tracing::debug!(%error, "no run file to remove");
            }
        }
        self.store.close().await
    }
}

fn broke_off(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a task broke off");
    }
}

/// What the rooms share.
struct Wiring {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    parts: Components,
    owner: Owner,
    ids: Arc<MessageIds>,
    snapshot: Arc<SnapshotCell>,
    handoff: Arc<Handoff>,
    metrics: Arc<Metrics>,
    directory: Arc<Directory>,
    verifier: Arc<Verifier>,
    /// The token of this run for the admin API, where none is configured.
    api_token: Option<Secret>,
    carrier_id_header: HeaderName,
    stopped: CancellationToken,
}

impl Wiring {
    async fn new(
        store: Arc<dyn Store>,
        settings: &Settings,
        parts: Components,
        stopped: CancellationToken,
    ) -> Result<Self, StartError> {
        let name = &settings.mm7.carrier_id_header;
        let metrics: Arc<Metrics> = Arc::default();
        Ok(Self {
            clock: Arc::clone(&parts.clock),
            owner: Owner(i64::from_ne_bytes(random_bytes()?)),
            ids: Arc::new(MessageIds::new(IdSource::new(parts.node, store.newest_id().await?))),
            snapshot: Arc::new(SnapshotCell::load(&*store).await?),
            handoff: Arc::default(),
            directory: Arc::new(Directory::new(Arc::clone(&metrics))),
            metrics,
            verifier: Arc::new(Verifier::new(random_bytes()?)),
            api_token: match settings.admin.token {
                Some(_) => None,
                None => Some(random_token()?),
            },
            carrier_id_header: name.parse().map_err(|_| StartError::HeaderName(name.clone()))?,
            store,
            parts,
            stopped,
        })
    }

    /// Reads the file of ported numbers before the doors open: no lookup then has to fail for want of it.
    async fn ported(&self) -> Follower {
        let mut follower = Follower::default();
        let snapshot = self.snapshot.get();
        follower.look(self.directory.ported(), snapshot.lookup().ported.as_deref()).await;
        follower
    }

    fn queue(&self) -> SubmitQueue {
        let shared = queue::Shared {
            store: Arc::clone(&self.store),
            clock: Arc::clone(&self.clock),
            owner: self.owner,
            snapshot: Arc::clone(&self.snapshot),
            directory: Arc::clone(&self.directory),
            handoff: Arc::clone(&self.handoff),
            backoff: self.parts.backoff,
            metrics: Arc::clone(&self.metrics),
            under_way: queue::UnderWay::default(),
        };
        SubmitQueue::new(shared, self.stopped.clone())
    }

    fn relay(&self) -> CallbackQueue {
        let shared = callbacks::Shared {
            store: Arc::clone(&self.store),
            clock: Arc::clone(&self.clock),
            owner: self.owner,
            snapshot: Arc::clone(&self.snapshot),
            handoff: Arc::clone(&self.handoff),
            carrier_id_header: self.carrier_id_header.clone(),
            metrics: Arc::clone(&self.metrics),
        };
        CallbackQueue::new(shared, self.stopped.clone())
    }

    async fn ingress(&self, settings: &Settings) -> Result<Ingress, StartError> {
        Ok(Ingress {
            settings: intake::Settings {
                path: settings.mm7.path.clone(),
                carrier_id_header: self.carrier_id_header.clone(),
                max_request_bytes: settings.mm7.max_request_bytes,
                read_timeout: settings.mm7.read_timeout,
                proxies: Proxies(settings.mm7.trusted_proxies.clone()),
            },
            store: Arc::clone(&self.store),
            clock: Arc::clone(&self.clock),
            snapshot: Arc::clone(&self.snapshot),
            ids: Arc::clone(&self.ids),
            owner: self.owner,
            key: self.store.key().await?,
            verifier: Arc::clone(&self.verifier),
            admissions: Admissions::default(),
            directory: Arc::clone(&self.directory),
            fetcher: Arc::new(Fetcher::new(
                settings.fetch.clone(),
                Box::new(SystemNetwork::default()),
                Trust::default(),
            )),
            adapter: self.parts.adapter.clone(),
            handoff: Arc::clone(&self.handoff),
            metrics: Arc::clone(&self.metrics),
            memory: body_memory(BODY_MEMORY, settings),
        })
    }

    fn carrier_door(&self, settings: &Settings) -> CarrierDoor {
        // Settings have checked that `{carrier}` is in the path.
        let (before, after) =
            settings.carriers.path.split_once("{carrier}").unwrap_or((&settings.carriers.path, ""));
        CarrierDoor {
            settings: door::Settings {
                path_before: before.to_owned(),
                path_after: after.to_owned(),
                max_request_bytes: settings.mm7.max_request_bytes,
                read_timeout: settings.mm7.read_timeout,
                proxies: Proxies(settings.carriers.trusted_proxies.clone()),
            },
            store: Arc::clone(&self.store),
            clock: Arc::clone(&self.clock),
            snapshot: Arc::clone(&self.snapshot),
            verifier: Arc::clone(&self.verifier),
            ids: Arc::clone(&self.ids),
            handoff: Arc::clone(&self.handoff),
            metrics: Arc::clone(&self.metrics),
            memory: body_memory(CARRIERS_BODY_MEMORY, settings),
        }
    }

    fn admin(&self, settings: &Settings) -> AdminState {
        AdminState {
            token: settings.admin.token.clone(),
            api_token: settings.admin.token.clone().or_else(|| self.api_token.clone()),
            verifier: Arc::clone(&self.verifier),
            asks_for_certificates: settings.admin.tls.as_ref().is_some_and(|tls| tls.client_ca.is_some()),
            store: Arc::clone(&self.store),
            snapshot: Arc::clone(&self.snapshot),
            handoff: Arc::clone(&self.handoff),
            metrics: Arc::clone(&self.metrics),
            clock: Arc::clone(&self.clock),
            carriers_listen: settings.carriers.listen,
        }
    }
}

/// The doors, bound.
struct Doors {
    mm7: Door,
    carriers: Door,
    admin: Door,
}

impl Doors {
    async fn bind(settings: &Settings) -> Result<Self, StartError> {
        Ok(Self {
            mm7: bind("mm7", settings.mm7.listen, settings.mm7.tls.as_ref(), FILES_PER_MM7)
                .await?
                .behind(Proxies(settings.mm7.trusted_proxies.clone())),
            carriers: bind(
                "carriers",
                settings.carriers.listen,
                settings.carriers.tls.as_ref(),
                FILES_PER_CARRIERS,
            )
            .await?
            .behind(Proxies(settings.carriers.trusted_proxies.clone())),
            admin: bind("admin", settings.admin.listen, settings.admin.tls.as_ref(), FILES_PER_ADMIN).await?,
        })
    }

    /// The certificates that are to be followed.
    fn certificates(&self) -> Vec<Arc<DoorTls>> {
        [&self.mm7, &self.carriers, &self.admin].into_iter().filter_map(|door| door.tls().cloned()).collect()
    }

    fn ready(&self, settings: &Settings) -> Result<Ready, StartError> {
        let url = |section, door: &Door, address, path: &str| match door.address() {
            Ok(bound) => Ok(format!("{}://{bound}{path}", door.scheme())),
            Err(source) => Err(StartError::Listen { section, address, source }),
        };
        Ok(Ready {
            mm7: url("mm7", &self.mm7, settings.mm7.listen, &settings.mm7.path)?,
            carriers: url("carriers", &self.carriers, settings.carriers.listen, &settings.carriers.path)?,
            admin: url("admin", &self.admin, settings.admin.listen, "")?,
        })
    }

    async fn open(self, wiring: &Wiring, settings: &Settings) -> Result<Vec<JoinHandle<()>>, StartError> {
        let ingress = Arc::new(wiring.ingress(settings).await?);
        let carriers = Arc::new(wiring.carrier_door(settings));
        let admin = Arc::new(AdminDoor::new(wiring.admin(settings)));
        let stopped = &wiring.stopped;
        Ok(vec![
            tokio::spawn(
                self.mm7
                    .serve(move |request, peer| Arc::clone(&ingress).answer(request, peer), stopped.clone()),
            ),
            tokio::spawn(
                self.carriers
                    .serve(move |request, peer| Arc::clone(&carriers).answer(request, peer), stopped.clone()),
            ),
            tokio::spawn(
                self.admin
                    .serve(move |request, peer| Arc::clone(&admin).answer(request, peer), stopped.clone()),
            ),
        ])
    }
}

/// The memory for the bodies of a door: at least so much that an address's half holds more than one.
fn body_memory(bytes: usize, settings: &Settings) -> Memory {
    let longest = settings.mm7.max_request_bytes.saturating_mul(BODIES_IN_MEMORY);
    Memory::new(bytes.max(usize::try_from(longest).unwrap_or(usize::MAX)))
}

/// How many connections a door serves at a time that may take one in so many of the process's files.
fn connections(files_per_connection: u64) -> usize {
    let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let share = files
        .map_or(CONNECTIONS, |files| usize::try_from(files / files_per_connection).unwrap_or(CONNECTIONS));
    share.clamp(1, CONNECTIONS)
}

async fn bind(
    section: &'static str,
    address: SocketAddr,
    tls: Option<&Tls>,
    files_per_connection: u64,
) -> Result<Door, StartError> {
    let connections = connections(files_per_connection);
    let limits = ConnectionLimits {
        connections,
        handshakes: connections.div_ceil(HANDSHAKES),
        handshake: HANDSHAKE_TIME,
        head: HEAD_TIME,
        stalled: STALLED_TIME,
        stop: STOP_TIME,
    };
    let tls = match tls {
        Some(files) => Some(Arc::new(load(section, files).await?)),
        None => None,
    };
    Door::bind(address, limits, tls).map_err(|source| StartError::Listen { section, address, source })
}

async fn load(section: &'static str, files: &Tls) -> Result<DoorTls, StartError> {
    DoorTls::load(section, files.clone()).await.map_err(|source| StartError::Tls { section, source })
}

/// Opens a lane for each carrier as soon as it is provisioned, so that fresh messages go to it from memory.
async fn keep_lanes_open(queue: Arc<SubmitQueue>, snapshot: Arc<SnapshotCell>, stop: CancellationToken) {
    let mut changes = snapshot.changes();
    loop {
        open_lanes(&queue, &snapshot);
        tokio::select! {
            () = stop.cancelled() => return,
            changed = changes.changed() => if changed.is_err() { return },
        }
    }
}

fn open_lanes(queue: &SubmitQueue, snapshot: &SnapshotCell) {
    snapshot.get().carriers().for_each(|carrier| queue.wake(&carrier.id));
}

/// Throws away what ended longer ago than retention says, a little at a time, and the next bit at once while there is more.
async fn sweep(
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    retention: RetentionSection,
    stop: CancellationToken,
) {
    let mut wait = SWEEP_EVERY;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep(wait) => {}
        }
        wait = SWEEP_EVERY;
        let before = |age| clock.now().checked_sub(age).unwrap_or(Timestamp::MIN);
        match store.sweep(before(retention.media), before(retention.messages), SWEEP_AT_A_TIME).await {
            Ok(swept) if swept == Swept::default() => {}
            Ok(swept) => {
                let Swept { media, messages, unmatched_reports, unreadable } = swept;
                tracing::info!(media, messages, unmatched_reports, unreadable, "retention");
                if [media, messages, unmatched_reports, unreadable]
                    .iter()
                    .any(|some| *some >= SWEEP_AT_A_TIME as u64)
                {
                    wait = SWEEP_AGAIN;
                }
            }
            Err(error) => tracing::error!(%error, "retention could not throw anything away"),
        }
    }
}

/// What the gateway opens its store for. The last line of the log is written before the process ends.
fn serving() -> Access {
    let on_fatal = Arc::new(|what: String| {
        tracing::error!("the store cannot go on: {what}");
        lines::flush();
        // No abort: what it leaves of the memory for a debugger holds content and secrets.
        std::process::exit(1);
    });
    Access::Serve { on_fatal }
}

/// The file beside the store that tells other commands where the gateway is.
pub fn run_file(store: &Path) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(".gateway.json");
    name.into()
}

fn write_run_file(path: &Path, ready: &Ready) {
    // The gateway works without it; only `apply` cannot tell then that its change was taken.
    if let Err(error) = std::fs::write(path, format!("{}\n", ready.line_with_pid())) {
        tracing::warn!(%error, path = %path.display(), "cannot tell other commands where this gateway is");
    }
}

fn write_token_file(path: &Path, token: Option<&Secret>) {
    let Some(token) = token else {
        // One that an earlier run left would be shown to us as a guess.
        let _ = std::fs::remove_file(path);
        return;
    };
    // The gateway works without it; commands then go to the store itself.
    if let Err(error) = run_token::write(path, token.expose()) {
        tracing::warn!(%error, path = %path.display(), "cannot let other commands use the admin API");
    }
}

fn random_token() -> Result<Secret, StartError> {
    let token = random_bytes::<32>()?.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Secret::new(token, ValueSource::Inline))
}

fn random_bytes<const N: usize>() -> Result<[u8; N], StartError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(StartError::Random)?;
    Ok(bytes)
}
