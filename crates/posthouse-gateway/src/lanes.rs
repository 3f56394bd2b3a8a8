//! Lanes: one task for each peer, so that a peer that is down holds no other up. What the lanes of carriers and of accounts have in
//! common is here; what is particular to either is its [`Worker`].

use std::{
    collections::{HashMap, hash_map::Entry},
    hash::Hash,
    sync::Arc,
};

use posthouse_core::{Id, lock::Mutex};
use tokio::{
    sync::Notify,
    task::{JoinError, JoinSet},
};
use tokio_util::sync::CancellationToken;

/// A lane asks the store for more once at least one part in this many of its places is free: a commit for each job would be dear.
const PULL_FROM: usize = 4;

/// What a lane works for and how.
pub trait Worker: Send + Sized + 'static {
    /// What the workers of all lanes have in common.
    type Context: Send + Sync + 'static;
    /// The name of a lane's peer.
    type Name: Clone + Eq + Hash + Send;
    /// Something to be done.
    type Job: Send;
    /// What a job leaves for its lane once it is done.
    type End: Send + 'static;

    /// The worker of a lane that opens. `bell` is the lane's own, for a worker that knows by itself that there may be work.
    fn open(
        context: &Arc<Self::Context>,
        name: &Self::Name,
        bell: &Arc<Notify>,
        stop: &CancellationToken,
    ) -> Self;

    /// Identifies a job: the lane never works twice on one id at a time.
    fn id(job: &Self::Job) -> Id;

    /// How often the job was tried before.
    fn attempts(job: &Self::Job) -> u32;

    /// Whether a job that is leased while its id is in hand, there as `attempts`, is the next try, to be made right after; else it is the
    /// same one, and is left alone.
    fn is_next_try(job: &Self::Job, attempts: u32) -> bool;

    /// Catches up with whatever may have changed. Called before each wait.
    fn refresh(&mut self) {}

    /// How many jobs may be in hand.
    fn capacity(&self) -> usize;

    /// Waits for what only this kind of worker waits for, and returns a job that came otherwise than by [`Worker::lease`]. `free` places
    /// are left. It may be dropped at any await.
    fn next(&mut self, free: usize) -> impl Future<Output = Option<Self::Job>> + Send;

    /// Leases up to `free` jobs that are due.
    fn lease(&mut self, free: usize) -> impl Future<Output = Vec<Self::Job>> + Send;

    /// Does a job.
    fn work(&self, job: Self::Job) -> impl Future<Output = Self::End> + Send + 'static;

    /// A job was done.
    fn ended(&mut self, end: Self::End);

    /// A job broke off by a fault of ours.
    fn broke_off(&self, error: &JoinError);

    /// The gateway stops: takes nothing more, and gives back what was not begun.
    fn stop(&mut self) -> impl Future<Output = ()> + Send;

    /// Gives back jobs that the lane has not begun, at its end.
    fn give_back(&mut self, jobs: Vec<Self::Job>) -> impl Future<Output = ()> + Send;
}

/// The lanes of one kind of worker, by the names of their peers.
pub struct Lanes<W: Worker> {
    context: Arc<W::Context>,
    stop: CancellationToken,
    open: Mutex<Open<W::Name>>,
}

struct Open<K> {
    bells: HashMap<K, Arc<Notify>>,
    running: JoinSet<()>,
}

impl<W: Worker> Lanes<W> {
    /// No lanes: they open as their peers are named to [`Lanes::wake`], and end at `stop`.
    pub fn new(context: W::Context, stop: CancellationToken) -> Self {
        let open = Mutex::new(Open { bells: HashMap::new(), running: JoinSet::new() });
        Self { context: Arc::new(context), stop, open }
    }

    /// What the workers have in common.
    pub const fn context(&self) -> &Arc<W::Context> {
        &self.context
    }

    /// Tells a peer's lane that the store may have work for it; opens the lane where there is none, or where the last one broke off.
    pub fn wake(&self, name: &W::Name) {
        let mut open = self.open.lock();
        if let Some(bell) = open.bells.get(name).filter(|bell| is_heard(bell)) {
            bell.notify_one();
            return;
        }
        let bell = Arc::new(Notify::new());
        bell.notify_one();
        let worker = W::open(&self.context, name, &bell, &self.stop);
        open.running.spawn(Lane::new(worker, Arc::clone(&bell), self.stop.clone()).run());
        open.bells.insert(name.clone(), bell);
    }

    /// Waits for the lanes to finish what is under way and to give back the rest. To be called once `stop` came.
    pub async fn finished(&self) {
        let mut running = {
            let mut open = self.open.lock();
            open.bells.clear();
            std::mem::take(&mut open.running)
        };
        while running.join_next().await.is_some() {}
    }
}

/// Whether a lane has the bell's other end.
fn is_heard(bell: &Arc<Notify>) -> bool {
    Arc::strong_count(bell) > 1
}

struct Lane<W: Worker> {
    worker: W,
    bell: Arc<Notify>,
    stop: CancellationToken,
    running: JoinSet<(Id, W::End)>,
    /// The jobs that are worked on, each with how often it was tried before: never the same one twice at a time, even if its lease ran
    /// out meanwhile, since the clock was set or the process was stopped.
    in_hand: HashMap<Id, u32>,
    /// The next tries of jobs in hand, whose end is not seen here yet. They are begun then; left alone, they would wait for the end of
    /// their lease.
    again: HashMap<Id, W::Job>,
}

impl<W: Worker> Lane<W> {
    fn new(worker: W, bell: Arc<Notify>, stop: CancellationToken) -> Self {
        let (running, in_hand, again) = (JoinSet::new(), HashMap::new(), HashMap::new());
        Self { worker, bell, stop, running, in_hand, again }
    }

    async fn run(mut self) {
        loop {
            self.worker.refresh();
            let free = self.free();
            let has_much_room = free * PULL_FROM >= self.worker.capacity();
            tokio::select! {
                biased;
                () = self.stop.cancelled() => break,
                Some(ended) = self.running.join_next() => self.ended(ended),
                job = self.worker.next(free) => job.into_iter().for_each(|job| self.start(job)),
                () = self.bell.notified(), if has_much_room => self.pull().await,
            }
        }
        self.worker.stop().await;
        while self.running.join_next().await.is_some() {}
        let again = self.again.drain().map(|(_, job)| job).collect();
        self.worker.give_back(again).await;
    }

    fn free(&self) -> usize {
        self.worker.capacity().saturating_sub(self.running.len())
    }

    async fn pull(&mut self) {
        for job in self.worker.lease(self.free()).await {
            self.start(job);
        }
    }

    fn start(&mut self, job: W::Job) {
        let id = W::id(&job);
        match self.in_hand.entry(id) {
            Entry::Vacant(place) => {
                place.insert(W::attempts(&job));
            }
            Entry::Occupied(tried) => {
                if W::is_next_try(&job, *tried.get()) {
                    self.again.insert(id, job);
                }
                return;
            }
        }
        // Some kilobytes that a task would be moved with, time and again.
        let work = Box::pin(self.worker.work(job));
        self.running.spawn(async move { (id, work.await) });
    }

    fn ended(&mut self, ended: Result<(Id, W::End), JoinError>) {
        match ended {
            Ok((id, end)) => {
                self.in_hand.remove(&id);
                self.worker.ended(end);
                if let Some(job) = self.again.remove(&id) {
                    self.start(job);
                }
            }
            Err(error) => {
                // Which job it was is not known any more. Those still under way are; the rest the store hands out again.
                self.worker.broke_off(&error);
                self.in_hand.clear();
                self.again.clear();
            }
        }
    }
}

#[cfg(test)]
mod tests;
