//! The whole gateway, running. Here everything is put together: the one place that knows the real clock and the real sockets.

mod certificates;
mod components;
mod doors;
mod error;
mod ready;
mod upkeep;
mod wiring;

use std::{path::PathBuf, sync::Arc, time::Duration};

use posthouse_core::{
    lock::Mutex,
    store::{Owner, Store, StoreError},
};
use posthouse_store::{Access, LOW_WATER_BYTES, open as open_store};
use tokio::{
    sync::watch,
    task::{JoinError, JoinHandle},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

pub use self::{
    components::Components,
    error::StartError,
    ready::{Ready, run_file},
};
use self::{
    doors::Doors,
    ready::{write_run_file, write_token_file},
    upkeep::{keep_lanes_open, open_lanes, sweep},
    wiring::Wiring,
};
use crate::{
    admin::{run_token, stats::sampler::take as take_samples},
    callbacks::CallbackQueue,
    carrier::open,
    clock,
    config::Settings,
    config::settings::{RetentionSection, need_restart},
    drain::DrainState,
    handoff::Handoff,
    lookup::ported::Follower,
    node::ClusterNode,
    queue::SubmitQueue,
    random::bytes,
    refusals,
    snapshot::SnapshotCell,
    spawn::spawn,
    telemetry::lines,
    tls::door::DoorTls,
};

/// How long a start that failed tells the store that it goes.
const LEAVING: Duration = Duration::from_secs(2);

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
    callbacks: Arc<CallbackQueue>,
    drain: Arc<DrainState>,
    settings: Mutex<Settings>,
    retention: watch::Sender<RetentionSection>,
    node: Arc<ClusterNode>,
    /// What goes on till this node leaves: it says that it is there, and keeps within its part of limits.
    staying: [JoinHandle<()>; 2],
    /// Tell other commands where this gateway is, and let them in.
    run_files: [PathBuf; 2],
}

impl App {
    /// Opens the store, binds the doors, and starts. When it returns, everything is open.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(settings: &Settings, components: Components) -> Result<Self, StartError> {
        if settings.store.postgres.is_none() && !settings.store.path.exists() {
            // A start that fails at a door makes no store, which somebody would then have to remove.
            drop(Doors::bind(settings).await?);
        }
        let url = settings.store.url();
        let store = open_store(&url, &settings.media.place, serving()).await?;
        Self::start_on(store, settings, components).await
    }

    /// The same on a store that is open already: what `settings` say of the store is not looked at. The store is the gateway's from
    /// now on: [`App::stop`] closes it.
    ///
    /// # Errors
    /// [`StartError`], never for the opening of the store.
    pub async fn start_on(
        store: Arc<dyn Store>,
        settings: &Settings,
        components: Components,
    ) -> Result<Self, StartError> {
        let owner = Owner(i64::from_ne_bytes(bytes().map_err(StartError::Random)?));
        let stop = CancellationToken::new();
        let started = Self::start_as(owner, Arc::clone(&store), settings, components, stop.clone()).await;
        if started.is_err() {
            stop.cancel();
            // Its number is another's at once, if it had one.
            if !matches!(timeout(LEAVING, store.leave(owner)).await, Ok(Ok(()))) {
                tracing::debug!("the store was not told that this node did not start");
            }
        }
        started
    }

    async fn start_as(
        owner: Owner,
        store: Arc<dyn Store>,
        settings: &Settings,
        components: Components,
        stop: CancellationToken,
    ) -> Result<Self, StartError> {
        clock::start(&*components.clock, &*store).await?;
        let doors = Doors::bind(settings).await?;
        let ready = doors.ready(settings)?;
        let wiring = Wiring::new(store, settings, components, &ready.admin, (owner, &stop)).await?;
        let records = wiring.records(settings)?;
        let queue = Arc::new(wiring.queue(&stop));
        let callbacks = Arc::new(wiring.callbacks(&stop));
        let follower = wiring.ported().await;
        // Before the doors: in relay mode a message that finds no lane is refused.
        open_lanes(&queue, &wiring.snapshot);
        let certificates = doors.certificates();
        let doors = doors.open(&wiring, (settings, &ready), &stop).await?;
        let (retention, followed) = watch::channel(settings.retention.clone());
        let mut background = watchers(&wiring, settings, followed, &queue, &callbacks, follower, &stop);
        background.extend(follow(certificates, &wiring, &stop));
        background.extend(wiring.exporter(settings, &stop));
        background.extend(records.map(|records| spawn(records.run(stop.clone()))));
        let keeping = spawn(wiring.limits(&queue, &callbacks).keep());
        let run_files = [run_file(&settings.store.path), run_token::token_file(&settings.store.path)];
        // Beside a store that is elsewhere, there may be no folder yet; these files say by themselves that they cannot be written.
        if let Some(folder) = settings.store.path.parent() {
            std::fs::create_dir_all(folder).ok();
        }
        write_token_file(&run_files[1], wiring.api_token.as_ref());
        write_run_file(&run_files[0], &ready);
        let Wiring { store, snapshot, handoff, drain, node, .. } = wiring;
        tell_of_start(settings, &snapshot, &*store).await;
        let settings = Mutex::new(settings.clone());
        let in_force = Arc::clone(&snapshot);
        let (drained, stopped) = (Arc::clone(&drain), stop.clone());
        let is_draining = move || drained.is_draining() || drained.is_stopping() || stopped.is_cancelled();
        let beating = spawn(Arc::clone(&node).beat(move || in_force.get().revision(), is_draining));
        Ok(Self {
            ready,
            store,
            snapshot,
            stop,
            doors,
            background,
            handoff,
            queue,
            callbacks,
            drain,
            settings,
            retention,
            node,
            staying: [beating, keeping],
            run_files,
        })
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

    /// Waits till its program may not go on with the store, for that needs a newer one by now: why, in a sentence. From then on it takes
    /// nothing and begins nothing; the caller [stops](Self::stop) it.
    pub async fn outdated(&self) -> String {
        self.node.outdated().await
    }

    /// Its store: what a test, or the demo, looks into.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Works by these settings from now on, as far as that can be done without a restart: what is kept for how long, and the grace of a
    /// stop. Certificates and the file of ported numbers are followed in any case. Returns the keys that differ and need a restart.
    pub fn reload(&self, settings: &Settings) -> Vec<String> {
        let mut current = self.settings.lock();
        let late = need_restart(&current, settings);
        self.retention.send_replace(settings.retention.clone());
        current.retention.clone_from(&settings.retention);
        current.shutdown.clone_from(&settings.shutdown);
        current.log.clone_from(&settings.log);
        late
    }

    /// The process is about to stop: `/readyz` says so from now on. Returns how long the doors are to stay open.
    pub fn announce_stop(&self) -> Duration {
        self.drain.stop();
        self.settings.lock().shutdown.grace
    }

    /// Stops: takes nothing new, finishes what is under way, gives back the rest, closes the store.
    ///
    /// # Errors
    /// What the store says when it is closed; what it acknowledged is safe all the same.
    pub async fn stop(self) -> Result<(), StoreError> {
        tracing::info!("stopping");
        // Streams of live pages end by it, which the doors wait for.
        self.drain.stop();
        self.stop.cancel();
        for door in self.doors {
            broke_off(door.await);
        }
        self.handoff.close();
        self.queue.finished().await;
        self.callbacks.finished().await;
        for task in self.background {
            broke_off(task.await);
        }
        self.node.leave().await;
        for task in self.staying {
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

/// The first line of a run, and what an operator should know from the start.
async fn tell_of_start(settings: &Settings, snapshot: &SnapshotCell, store: &dyn Store) {
    let (version, revision) = (env!("CARGO_PKG_VERSION"), snapshot.get().revision());
    let commit = option_env!("POSTHOUSE_COMMIT");
    tracing::info!(version, commit, store = %settings.store.url(), revision, "started");
    if matches!(store.check().await, Err(StoreError::Full)) {
        let least = LOW_WATER_BYTES >> 20;
        tracing::warn!(
            "less than {least} MiB are free where the database or the media lie: new messages are answered 3510 till there is room"
        );
    }
}

fn broke_off(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a task broke off");
    }
}

/// What runs beside the doors and the lanes till `stop`.
fn watchers(
    wiring: &Wiring,
    settings: &Settings,
    retention: watch::Receiver<RetentionSection>,
    queue: &Arc<SubmitQueue>,
    callbacks: &Arc<CallbackQueue>,
    follower: Follower,
    stop: &CancellationToken,
) -> Vec<JoinHandle<()>> {
    let clock = || Arc::clone(&wiring.clock);
    let snapshot = || Arc::clone(&wiring.snapshot);
    let ported = Arc::clone(wiring.directory.ported());
    vec![
        spawn(follower.follow(ported, snapshot(), stop.clone())),
        spawn(snapshot().follow(wiring.store.clone(), stop.clone())),
        spawn(keep_lanes_open(Arc::clone(queue), snapshot(), stop.clone())),
        spawn(open::watch(settings.carriers.listen, snapshot(), stop.clone())),
        spawn(wiring.watcher(queue, callbacks).watch(stop.clone())),
        spawn(wiring.operations().run(stop.clone())),
        spawn(Arc::clone(&wiring.sandbox).keep(snapshot())),
        spawn(Arc::clone(&wiring.overrides).follow(stop.clone())),
        spawn(Arc::clone(&wiring.key_uses).keep(wiring.store.clone(), stop.clone())),
        spawn(certificates::watch(snapshot(), Arc::clone(&wiring.metrics), clock(), stop.clone())),
        spawn(clock::watch(clock(), wiring.store.clone(), stop.clone())),
        spawn(refusals::keep(Arc::clone(&wiring.refusals), wiring.store.clone(), stop.clone())),
        spawn(take_samples(
            Arc::clone(&wiring.series),
            Arc::clone(&wiring.metrics),
            Arc::clone(&wiring.board),
            clock(),
            stop.clone(),
        )),
        spawn(sweep(wiring.store.clone(), clock(), retention, Arc::clone(&wiring.node), stop.clone())),
    ]
}

/// Follows the doors' certificates till `stop`.
fn follow<'a>(
    certificates: Vec<Arc<DoorTls>>,
    wiring: &'a Wiring,
    stop: &'a CancellationToken,
) -> impl Iterator<Item = JoinHandle<()>> + 'a {
    let followed = |one: Arc<DoorTls>| spawn(one.follow(Arc::clone(&wiring.metrics), stop.clone()));
    certificates.into_iter().map(followed)
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
