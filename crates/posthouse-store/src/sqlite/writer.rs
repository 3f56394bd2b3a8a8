//! The one writer: a thread that owns the only connection that writes, and commits what waits in one transaction.
//!
//! What waits is taken as it is, nothing lingers: while one group is put on disk the next one gathers. A job that fails
//! is undone to its savepoint and fails alone; all are answered after the commit. When it is unknown what a failed
//! commit left on disk, nobody gets an answer that might be wrong: the process is ended.

use std::{
    io,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use posthouse_core::{id::IdSource, store::StoreError};
use rusqlite::{CachedStatement, Connection, Params};
use tokio::sync::{Semaphore, oneshot};

use super::{
    fault::{Fault, Result},
    options::Fatal,
};
use crate::media::segments::Segments;

/// So many jobs at most are committed together.
const GROUP: usize = 1024;
/// How long an operation that lets work drain waits for room in the queue.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often free space is looked at, and when nothing happens, the WAL.
const TICK: Duration = Duration::from_secs(1);
/// How many commits pass between looks at the length of the WAL.
const COMMITS_PER_LOOK: u64 = 16;
/// From this many pages on the WAL is written back although the writer is busy.
const WAL_PAGES: i64 = 8192;

/// What a job sees: the transaction, and what belongs to it.
pub(crate) struct Tx<'a> {
    connection: &'a Connection,
    /// The segments; none for a visitor.
    pub(crate) segments: Option<&'a mut Segments>,
    /// Where the ids of callbacks come from.
    pub(crate) callback_ids: &'a mut IdSource,
    /// Whether free space is below the low-water mark.
    pub(crate) short_of_space: bool,
    /// To be set when media in segments were thrown away.
    pub(crate) freed: bool,
}

impl<'a> Tx<'a> {
    /// What a job sees of an open transaction.
    pub(crate) fn new(
        connection: &'a Connection,
        segments: Option<&'a mut Segments>,
        callback_ids: &'a mut IdSource,
        short_of_space: bool,
    ) -> Self {
        Self { connection, segments, callback_ids, short_of_space, freed: false }
    }

    /// A prepared statement, kept for the next time.
    pub(crate) fn prepare(&self, sql: &str) -> Result<CachedStatement<'a>> {
        Ok(self.connection.prepare_cached(sql)?)
    }

    /// Runs a statement; how many rows it touched.
    pub(crate) fn execute(&self, sql: &str, values: impl Params) -> Result<usize> {
        Ok(self.prepare(sql)?.execute(values)?)
    }
}

/// One operation in the queue.
trait Job: Send {
    /// Does it, within the transaction.
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<()>;
    /// Its effect was undone for this reason.
    fn fail(&mut self, error: StoreError);
    /// Answers, after the commit.
    fn answer(self: Box<Self>);
}

struct Task<T, F> {
    work: Option<F>,
    done: Result<T, StoreError>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Job for Task<T, F>
where
    T: Send,
    F: FnOnce(&mut Tx<'_>) -> Result<T> + Send,
{
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<()> {
        if let Some(work) = self.work.take() {
            self.done = Ok(work(tx)?);
        }
        Ok(())
    }

    fn fail(&mut self, error: StoreError) {
        self.done = Err(error);
    }

    fn answer(self: Box<Self>) {
        // Whoever asked may have gone; what was done is done.
        self.reply.send(self.done).ok();
    }
}

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
    orders: Mutex<Option<mpsc::Sender<Order>>>,
    room: Arc<Semaphore>,
    counts: Arc<Counts>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the thread is made of.
pub(crate) struct Parts {
    pub(crate) connection: Connection,
    pub(crate) segments: Option<Segments>,
    pub(crate) callback_ids: IdSource,
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
        let (orders, taken) = mpsc::channel();
        let room = Arc::new(Semaphore::new(queue.clamp(1, Semaphore::MAX_PERMITS)));
        let counts = Arc::new(Counts::default());
        let mut thread = WriterThread::new(parts, taken, room.clone(), counts.clone());
        let thread = thread::Builder::new().name("store-writer".into()).spawn(move || thread.run())?;
        Ok(Self { orders: Mutex::new(Some(orders)), room, counts, thread: Mutex::new(Some(thread)) })
    }

    /// Has a job done and waits till it is on disk.
    pub(crate) async fn submit<T, F>(&self, admission: Admission, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        self.admit(admission).await?;
        let (reply, answer) = oneshot::channel();
        let done = Err(StoreError::Failed("the job was not run".into()));
        self.send(Order::Job(Box::new(Task { work: Some(work), done, reply })))?;
        answer.await.unwrap_or_else(|_| Err(closed()))
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
        let orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        orders.as_ref().ok_or_else(closed)?.send(order).map_err(|_| closed())
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
        drop(self.orders.lock().unwrap_or_else(PoisonError::into_inner).take());
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

/// Why a group was not committed.
enum Failure {
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
    orders: Receiver<Order>,
    room: Arc<Semaphore>,
    counts: Arc<Counts>,
    looked_at_space: Option<Instant>,
    free_bytes: u64,
    wal_grew: bool,
    /// Set once the truth is unknown: nothing is written any more.
    broken: Option<String>,
}

impl WriterThread {
    fn new(parts: Parts, orders: Receiver<Order>, room: Arc<Semaphore>, counts: Arc<Counts>) -> Self {
        let (looked_at_space, free_bytes, wal_grew, broken) = (None, u64::MAX, false, None);
        Self { parts, orders, room, counts, looked_at_space, free_bytes, wal_grew, broken }
    }

    fn run(&mut self) {
        loop {
            self.look_at_space();
            let mut group = Vec::new();
            let next = self.orders.recv_timeout(TICK);
            let closing = match next {
                Ok(order) => self.gather(order, &mut group),
                Err(RecvTimeoutError::Timeout) => {
                    self.idle();
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => break,
            };
            if !group.is_empty() {
                self.serve(group);
            }
            if let Some(reply) = closing {
                self.shut();
                reply.send(()).ok();
                return;
            }
        }
        self.shut();
    }

    /// Takes what waits; whether the last of it is the order to close.
    fn gather(&mut self, first: Order, group: &mut Vec<Box<dyn Job>>) -> Option<oneshot::Sender<()>> {
        let mut next = Some(first);
        while let Some(order) = next {
            match order {
                Order::Job(job) => group.push(job),
                Order::Close(reply) => return Some(reply),
            }
            next = if group.len() < GROUP { self.orders.try_recv().ok() } else { None };
        }
        None
    }

    fn serve(&mut self, mut group: Vec<Box<dyn Job>>) {
        if let Err(error) = self.commit(&mut group) {
            for job in &mut group {
                job.fail(error.clone());
            }
        }
        self.room.add_permits(group.len());
        for job in group {
            job.answer();
        }
        self.after_commit();
    }

    fn commit(&mut self, group: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
        if let Some(broken) = &self.broken {
            return Err(StoreError::Failed(broken.clone()));
        }
        match self.transaction(group) {
            Ok(freed) => {
                self.counts.commits.fetch_add(1, Ordering::Relaxed);
                self.counts.jobs.fetch_add(group.len() as u64, Ordering::Relaxed);
                self.committed(freed);
                Ok(())
            }
            Err(Failure::Undone(fault)) => {
                self.roll_back();
                Err(fault.into())
            }
            Err(Failure::Unknown(what)) => Err(self.fail_for_good(what)),
        }
    }

    /// Runs the jobs and commits; whether media in segments were thrown away.
    fn transaction(&mut self, group: &mut [Box<dyn Job>]) -> Result<bool, Failure> {
        let connection = &self.parts.connection;
        let short_of_space = self.free_bytes < self.parts.low_water_bytes;
        let ids = &mut self.parts.callback_ids;
        let mut tx = Tx::new(connection, self.parts.segments.as_mut(), ids, short_of_space);
        tx.execute("BEGIN IMMEDIATE", [])?;
        for job in group.iter_mut() {
            run_alone(&mut tx, job.as_mut())?;
        }
        let freed = tx.freed;
        if let Some(segments) = &mut self.parts.segments {
            segments
                .sync()
                .map_err(|error| Failure::Unknown(format!("media could not be synced: {error}")))?;
            segments.record(connection)?;
        }
        match connection.prepare_cached("COMMIT")?.execute([]).map_err(Fault::Sqlite) {
            Ok(_) => Ok(freed),
            // The transaction is still open: it was refused, not lost.
            Err(fault) if !fault.is_io() && !connection.is_autocommit() => Err(Failure::Undone(fault)),
            Err(fault) if fault.is_full() => Err(Failure::Undone(fault)),
            Err(fault) => Err(Failure::Unknown(format!("a commit failed: {fault}"))),
        }
    }

    fn committed(&mut self, freed: bool) {
        self.wal_grew = true;
        if let Some(segments) = &mut self.parts.segments {
            segments.committed();
            if freed && let Err(fault) = segments.collect(&self.parts.connection) {
                tracing::warn!(error = %fault, "free media segments could not be looked for");
            }
            segments.prepare(self.free_bytes.saturating_sub(self.parts.low_water_bytes));
        }
    }

    fn roll_back(&mut self) {
        let connection = &self.parts.connection;
        let rolled_back = match connection.is_autocommit() {
            true => Ok(()),
            false => connection.execute_batch("ROLLBACK").map_err(Fault::Sqlite),
        };
        let recovered = match &mut self.parts.segments {
            Some(segments) => segments.recover(connection),
            None => Ok(()),
        };
        if let Err(fault) = rolled_back.and(recovered) {
            self.fail_for_good(format!("a transaction could not be rolled back: {fault}"));
        }
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

    /// Writes the WAL back when it has grown long.
    fn after_commit(&mut self) {
        let commits = self.counts.commits.load(Ordering::Relaxed);
        if commits.is_multiple_of(COMMITS_PER_LOOK) && self.checkpoint("NOOP") > WAL_PAGES {
            self.checkpoint("PASSIVE");
        }
    }

    /// Writes the WAL back while nobody waits.
    fn idle(&mut self) {
        if std::mem::take(&mut self.wal_grew) {
            self.checkpoint("PASSIVE");
        }
    }

    /// Runs a checkpoint; how many pages of the WAL it left.
    fn checkpoint(&mut self, mode: &str) -> i64 {
        if self.broken.is_some() {
            return 0;
        }
        let pragma = format!("PRAGMA wal_checkpoint({mode})");
        let left = self
            .parts
            .connection
            .query_row(&pragma, [], |row| Ok(row.get::<_, i64>(1)? - row.get::<_, i64>(2)?))
            .map_err(Fault::Sqlite);
        match left {
            Ok(left) => left,
            Err(fault) if fault.is_full() || fault.is_busy() => 0,
            Err(fault) => {
                self.fail_for_good(format!("a checkpoint failed: {fault}"));
                0
            }
        }
    }

    fn shut(&mut self) {
        self.checkpoint("TRUNCATE");
        self.parts.lock.take();
    }
}

impl Drop for WriterThread {
    /// A panic here is a bug that leaves callers without answers: it ends the process like a failed sync.
    fn drop(&mut self) {
        if thread::panicking() {
            (self.parts.on_fatal)("the store's writer panicked".into());
        }
    }
}

/// Runs a job within its own savepoint. An error is one of the whole transaction's.
fn run_alone(tx: &mut Tx<'_>, job: &mut dyn Job) -> Result<()> {
    tx.execute("SAVEPOINT job", [])?;
    if let Err(fault) = job.run(tx) {
        if tx.connection.is_autocommit() {
            return Err(fault);
        }
        tx.execute("ROLLBACK TO job", [])?;
        job.fail(fault.into());
    }
    tx.execute("RELEASE job", [])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A writer on a database of its own, and what was said to be fatal.
    fn writer(connection: Connection) -> (Writer, mpsc::Receiver<String>) {
        let (fatal, said) = mpsc::channel();
        connection.execute_batch("CREATE TABLE line (text TEXT PRIMARY KEY) STRICT").unwrap();
        let parts = Parts {
            connection,
            segments: None,
            callback_ids: IdSource::new(0, None),
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
