//! The one writer: a thread that owns the only connection that writes, and commits what waits in one transaction.
//!
//! While one group is put on disk the next one gathers; what waits is taken, after a moment for those who were just answered
//! and may be back (`pace.rs`). A job that fails is undone to its savepoint and fails alone; all are answered after the commit. Where media cannot be
//! written, the jobs that have some fail, and the group is committed without them. When it is unknown what a failed
//! commit left on disk, nobody gets an answer that might be wrong: the process is ended.

use std::{
    io,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use posthouse_core::{id::IdSource, store::StoreError};
use rusqlite::Connection;
use tokio::sync::{Semaphore, oneshot};

use super::{
    checkpoint::Checkpoints,
    fault::{Fault, Result},
    job::{Job, Task, Tx, run_alone, run_in_company},
    options::Fatal,
    pace::Pace,
    queue::Queue,
};
use crate::media::segments::Segments;

/// So many jobs at most are committed together.
const GROUP: usize = 1024;
/// How long an operation that lets work drain waits for room in the queue.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often free space is looked at, and how long nothing happens before the WAL is written back.
const TICK: Duration = Duration::from_secs(1);

enum Order {
    Job(Box<dyn Job>),
    Close(oneshot::Sender<()>),
}

/// What the writer counts.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) commits: AtomicU64,
    pub(crate) jobs: AtomicU64,
    pub(crate) free_bytes: AtomicU64,
}

/// Whether an operation may wait for room in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// New work is shed when the queue is full.
    Shed,
    /// What lets work drain waits: it gets the next room before any new work does.
    Wait,
}

/// The queue's end that operations see.
#[derive(Debug)]
pub(crate) struct Writer {
    orders: Arc<Queue<Order>>,
    room: Arc<Semaphore>,
    counts: Arc<Counts>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the thread is made of.
pub(crate) struct Parts {
    pub(crate) connection: Connection,
    pub(crate) segments: Option<Segments>,
    pub(crate) callback_ids: IdSource,
    pub(crate) checkpoints: Checkpoints,
    /// Where free space is looked at, and how much there must be.
    pub(crate) folders: Vec<PathBuf>,
    pub(crate) low_water_bytes: u64,
    pub(crate) on_fatal: Fatal,
    /// Held till the thread ends.
    pub(crate) lock: Option<std::fs::File>,
}

impl Writer {
    /// Starts the thread. At most `queue` jobs wait.
    pub(crate) fn start(parts: Parts, queue: usize) -> io::Result<Self> {
        let orders = Arc::new(Queue::new());
        let room = Arc::new(Semaphore::new(queue.clamp(1, Semaphore::MAX_PERMITS)));
        let counts = Arc::new(Counts::default());
        let mut thread = WriterThread::new(parts, orders.clone(), room.clone(), counts.clone());
        let thread = thread::Builder::new().name("store-writer".into()).spawn(move || thread.run())?;
        Ok(Self { orders, room, counts, thread: Mutex::new(Some(thread)) })
    }

    /// Has a job done and waits till it is on disk.
    pub(crate) async fn submit<T, F>(&self, admission: Admission, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        self.admit(admission).await?;
        let (reply, answer) = oneshot::channel();
        self.send(Order::Job(Box::new(Task::new(work, reply))))?;
        answer.await.map_or_else(|_| Err(closed()), |(done, _work)| done)
    }

    async fn admit(&self, admission: Admission) -> Result<(), StoreError> {
        let permit = match admission {
            Admission::Shed => self.room.try_acquire().map_err(|_| StoreError::Overloaded)?,
            Admission::Wait => match tokio::time::timeout(PATIENCE, self.room.acquire()).await {
                Ok(permit) => permit.map_err(|_| closed())?,
                Err(_) => return Err(StoreError::Overloaded),
            },
        };
        // The thread gives it back when the job's group is done.
        permit.forget();
        Ok(())
    }

    fn send(&self, order: Order) -> Result<(), StoreError> {
        if self.orders.push(order) { Ok(()) } else { Err(closed()) }
    }

    /// Finishes what was handed in and ends the thread.
    pub(crate) async fn close(&self) {
        let (reply, closed) = oneshot::channel();
        if self.send(Order::Close(reply)).is_ok() {
            closed.await.ok();
        }
        self.join();
    }

    /// What was counted so far.
    pub(crate) fn counts(&self) -> &Counts {
        &self.counts
    }

    fn join(&self) {
        self.orders.close();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            thread.join().ok();
        }
    }
}

impl Drop for Writer {
    /// Finishes what was handed in; the lock is free afterwards.
    fn drop(&mut self) {
        self.join();
    }
}

fn closed() -> StoreError {
    StoreError::Failed("it is closed".into())
}

/// Whether the jobs of a group share one fate or have a savepoint each.
#[derive(Clone, Copy)]
enum Company {
    Shared,
    Alone,
}

/// Why a group was not committed.
enum Failure {
    /// A job failed in the middle and has to be undone; the transaction is still open.
    Halfway(Fault),
    /// Media of the group could not be written, and are known not to be stored; the transaction is still open.
    Media(Fault),
    /// It was rolled back: nothing of it is on disk.
    Undone(Fault),
    /// Nobody knows what is on disk.
    Unknown(String),
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Undone(fault)
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Undone(error.into())
    }
}

struct WriterThread {
    parts: Parts,
    orders: Arc<Queue<Order>>,
    room: Arc<Semaphore>,
    capacity: usize,
    pace: Pace,
    /// How long the last commit took.
    commit_took: Duration,
    counts: Arc<Counts>,
    looked_at_space: Option<Instant>,
    free_bytes: u64,
    /// Set once the truth is unknown: nothing is written any more.
    broken: Option<String>,
}

impl WriterThread {
    fn new(parts: Parts, orders: Arc<Queue<Order>>, room: Arc<Semaphore>, counts: Arc<Counts>) -> Self {
        let (looked_at_space, free_bytes, broken) = (None, u64::MAX, None);
        let (capacity, pace, commit_took) = (room.available_permits(), Pace::new(), Duration::ZERO);
        Self { parts, orders, room, capacity, pace, commit_took, counts, looked_at_space, free_bytes, broken }
    }

    fn run(&mut self) {
        while !self.orders.is_done() {
            self.look_at_space();
            if !self.orders.wait(TICK) {
                self.look_after_wal(Checkpoints::idle);
                continue;
            }
            let (group, closing) = self.gather();
            if !group.is_empty() {
                self.serve(group);
            }
            if let Some(reply) = closing {
                self.orders.abandon();
                self.shut();
                reply.send(()).ok();
                return;
            }
        }
        self.shut();
    }

    /// Takes what waits, and waits a moment for those who were answered just now and may be back. With it, the order to close, if
    /// that came; nothing is taken after it.
    fn gather(&self) -> (Vec<Box<dyn Job>>, Option<oneshot::Sender<()>>) {
        let mut group = Vec::new();
        for order in self.orders.take(GROUP, self.pace.expected(), self.pace.patience()) {
            match order {
                Order::Job(job) => group.push(job),
                Order::Close(reply) => return (group, Some(reply)),
            }
        }
        (group, None)
    }

    fn serve(&mut self, mut group: Vec<Box<dyn Job>>) {
        if let Err(error) = self.commit(&mut group) {
            for job in &mut group {
                job.fail(error.clone());
            }
        }
        let committed = group.len();
        self.room.add_permits(committed);
        for job in group {
            job.answer();
        }
        self.look_after_wal(Checkpoints::committed);
        let waiting = self.capacity.saturating_sub(self.room.available_permits());
        self.pace.answered(committed, waiting, self.commit_took);
    }

    fn commit(&mut self, group: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
        if let Some(broken) = &self.broken {
            return Err(StoreError::Failed(broken.clone()));
        }
        match self.transactions(group) {
            Ok(freed) => {
                self.counts.commits.fetch_add(1, Ordering::Relaxed);
                self.counts.jobs.fetch_add(group.len() as u64, Ordering::Relaxed);
                self.committed(freed);
                Ok(())
            }
            Err(Failure::Undone(fault) | Failure::Halfway(fault) | Failure::Media(fault)) => {
                self.roll_back();
                Err(fault.into())
            }
            Err(Failure::Unknown(what)) => Err(self.fail_for_good(what)),
        }
    }

    /// Runs the jobs and commits, at worst for the third time: each time with more that keeps the failing ones from the others.
    fn transactions(&mut self, group: &mut [Box<dyn Job>]) -> Result<bool, Failure> {
        let (mut company, mut media_refused) = (Company::Shared, None);
        loop {
            match self.transaction(group, company, media_refused.clone()) {
                Err(Failure::Halfway(_)) if matches!(company, Company::Shared) && self.roll_back() => {
                    company = Company::Alone;
                }
                Err(Failure::Media(fault)) if media_refused.is_none() && self.roll_back() => {
                    (company, media_refused) = (Company::Alone, Some(fault.into()));
                }
                outcome => return outcome,
            }
        }
    }

    /// Runs the jobs and commits; whether media in segments were thrown away. With `media_refused`, jobs that have media to be written
    /// fail for that reason.
    fn transaction(
        &mut self,
        group: &mut [Box<dyn Job>],
        company: Company,
        media_refused: Option<StoreError>,
    ) -> Result<bool, Failure> {
        let connection = &self.parts.connection;
        if let Some(segments) = &mut self.parts.segments {
            segments.mend(connection)?;
        }
        let short_of_space = self.free_bytes < self.parts.low_water_bytes;
        let ids = &mut self.parts.callback_ids;
        let mut tx = Tx::new(connection, self.parts.segments.as_mut(), ids, short_of_space);
        tx.media_refused = media_refused;
        tx.execute("BEGIN IMMEDIATE", [])?;
        for job in group.iter_mut() {
            match company {
                Company::Alone => run_alone(&mut tx, job.as_mut())?,
                Company::Shared => {
                    if let Some(fault) = run_in_company(&mut tx, job.as_mut())? {
                        return Err(Failure::Halfway(fault));
                    }
                }
            }
        }
        let freed = tx.freed;
        if let Some(segments) = &mut self.parts.segments {
            segments.write().map_err(Failure::Media)?;
            segments
                .sync()
                .map_err(|error| Failure::Unknown(format!("media could not be synced: {error}")))?;
            segments.record(connection)?;
        }
        let begun = Instant::now();
        let committed = connection.prepare_cached("COMMIT")?.execute([]).map_err(Fault::Sqlite);
        self.commit_took = begun.elapsed();
        match committed {
            Ok(_) => Ok(freed),
            // The transaction is still open: it was refused, not lost.
            Err(fault) if !fault.is_io() && !connection.is_autocommit() => Err(Failure::Undone(fault)),
            Err(fault) if fault.is_full() => Err(Failure::Undone(fault)),
            Err(fault) => Err(Failure::Unknown(format!("a commit failed: {fault}"))),
        }
    }

    fn committed(&mut self, freed: bool) {
        if let Some(segments) = &mut self.parts.segments {
            segments.committed();
            if freed && let Err(fault) = segments.collect(&self.parts.connection) {
                tracing::warn!(error = %fault, "free media segments could not be looked for");
            }
            segments.prepare(self.free_bytes.saturating_sub(self.parts.low_water_bytes));
        }
    }

    /// Goes back to what is committed, if that can be done.
    fn roll_back(&mut self) -> bool {
        let connection = &self.parts.connection;
        let rolled_back = match connection.is_autocommit() {
            true => Ok(()),
            false => connection.execute_batch("ROLLBACK").map_err(Fault::Sqlite),
        };
        let recovered = match &mut self.parts.segments {
            Some(segments) => segments.recover(connection),
            None => Ok(()),
        };
        let outcome = rolled_back.and(recovered);
        if let Err(fault) = &outcome {
            self.fail_for_good(format!("a transaction could not be rolled back: {fault}"));
        }
        outcome.is_ok()
    }

    fn fail_for_good(&mut self, what: String) -> StoreError {
        self.broken = Some(what.clone());
        (self.parts.on_fatal)(what.clone());
        StoreError::Failed(what)
    }

    fn look_at_space(&mut self) {
        if self.looked_at_space.is_some_and(|then| then.elapsed() < TICK) {
            return;
        }
        self.looked_at_space = Some(Instant::now());
        let free = self.parts.folders.iter().filter_map(|folder| rustix::fs::statvfs(folder).ok());
        self.free_bytes =
            free.map(|found| found.f_bavail.saturating_mul(found.f_frsize)).min().unwrap_or(u64::MAX);
        self.counts.free_bytes.store(self.free_bytes, Ordering::Relaxed);
    }

    fn look_after_wal(&mut self, look: impl FnOnce(&mut Checkpoints, &Connection) -> Result<()>) {
        if self.broken.is_some() {
            return;
        }
        if let Err(fault) = look(&mut self.parts.checkpoints, &self.parts.connection) {
            self.fail_for_good(format!("a checkpoint failed: {fault}"));
        }
    }

    fn shut(&mut self) {
        self.look_after_wal(Checkpoints::shut);
        self.parts.lock.take();
    }
}

impl Drop for WriterThread {
    /// Who waits is told that nobody is there. A panic here is a bug that leaves callers without answers: it ends the process like a
    /// failed sync.
    fn drop(&mut self) {
        self.orders.abandon();
        if thread::panicking() {
            (self.parts.on_fatal)("the store's writer panicked".into());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// A writer on a database of its own, and what was said to be fatal.
    fn writer(connection: Connection) -> (Writer, mpsc::Receiver<String>) {
        let (fatal, said) = mpsc::channel();
        connection.execute_batch("CREATE TABLE line (text TEXT PRIMARY KEY) STRICT").unwrap();
        let parts = Parts {
            connection,
            segments: None,
            callback_ids: IdSource::new(0, None),
            checkpoints: Checkpoints::new(None).unwrap(),
            folders: Vec::new(),
            low_water_bytes: 0,
            on_fatal: Arc::new(move |what| fatal.send(what).unwrap()),
            lock: None,
        };
        (Writer::start(parts, 8).unwrap(), said)
    }

    async fn insert(writer: &Writer, text: &'static str) -> Result<usize, StoreError> {
        let insert = move |tx: &mut Tx<'_>| tx.execute("INSERT INTO line (text) VALUES (?)", [text]);
        writer.submit(Admission::Shed, insert).await
    }

    async fn count(writer: &Writer) -> Result<i64, StoreError> {
        let count =
            |tx: &mut Tx<'_>| Ok(tx.prepare("SELECT count(*) FROM line")?.query_row([], |row| row.get(0))?);
        writer.submit(Admission::Wait, count).await
    }

    #[tokio::test]
    async fn a_job_that_fails_is_undone_alone() {
        let (writer, _) = writer(Connection::open_in_memory().unwrap());
        let half = |tx: &mut Tx<'_>| -> Result<()> {
            tx.execute("INSERT INTO line (text) VALUES ('half')", [])?;
            Err(StoreError::LostLease.into())
        };
        let (first, lost, second) =
            tokio::join!(insert(&writer, "a"), writer.submit(Admission::Wait, half), insert(&writer, "b"));
        assert_eq!((first, lost, second), (Ok(1), Err(StoreError::LostLease), Ok(1)));
        assert_eq!(count(&writer).await, Ok(2));
    }

    #[tokio::test]
    async fn a_commit_that_fails_is_fatal_and_nothing_is_written_after_it() {
        let mut connection = Connection::open_in_memory().unwrap();
        let (refuse, refused) = (Arc::new(AtomicU64::new(0)), 1);
        let refusing = refuse.clone();
        connection.commit_hook(Some(move || refusing.load(Ordering::Relaxed) == refused)).unwrap();
        let (writer, said) = writer(connection);
        insert(&writer, "a").await.unwrap();
        refuse.store(refused, Ordering::Relaxed);
        assert!(matches!(insert(&writer, "b").await, Err(StoreError::Failed(_))));
        assert!(said.try_recv().unwrap().starts_with("a commit failed"));
        refuse.store(0, Ordering::Relaxed);
        assert!(matches!(insert(&writer, "c").await, Err(StoreError::Failed(_))));
        assert!(said.try_recv().is_err(), "it is said once");
    }

    #[tokio::test]
    async fn a_panic_is_fatal() {
        let (writer, said) = writer(Connection::open_in_memory().unwrap());
        let panicking = |_: &mut Tx<'_>| -> Result<()> { panic!("on purpose") };
        assert!(matches!(writer.submit(Admission::Wait, panicking).await, Err(StoreError::Failed(_))));
        assert!(matches!(insert(&writer, "a").await, Err(StoreError::Failed(_))));
        assert_eq!(said.recv().unwrap(), "the store's writer panicked");
    }
}
