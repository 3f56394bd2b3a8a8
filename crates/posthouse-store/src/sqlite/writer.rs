//! The one writer: a thread that owns the only connection that writes, and commits what waits in one transaction.
//!
//! While one group is put on disk the next one gathers. The writer takes what waits, after a moment for callers that were just
//! answered and may be back (`pace.rs`). A job that fails is undone to its savepoint and fails alone; all jobs are answered after
//! the commit. Where media cannot be written, the jobs that have media fail, and the group is committed without them. When it is
//! unknown what a failed commit left on disk, no answer is given that might be wrong: the process ends.

use std::{
    collections::VecDeque,
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use posthouse_core::{
    id::IdSource,
    life::counts::StateCounts,
    lock::Mutex,
    store::{ErrorCause, StoreError, StoreStatistics},
};
use rusqlite::{Connection, config::DbConfig};
use tokio::sync::{Semaphore, oneshot};

use super::{
    census::Census,
    checkpoint::Checkpoints,
    fault::{Result, StoreFault},
    job::{Left, Task, Tx, WriteJob, answer_all, run_alone, run_in_company},
    measures::Measures,
    options::Fatal,
    pace::GroupPace,
    place::{Database, LockFile, SAVED, beside, leave_word, private_file, take_word_back},
    queue::OrderQueue,
    recent_keys::RecentKeys,
    transaction::{Transaction, WhenFull},
    watch::{Extent, Loss, Watch},
};
use crate::media::{marker::Marker, segments::Segments};

/// The most jobs that are committed together.
const GROUP: usize = 1024;
/// How long an operation that lets work drain waits for room in the queue.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often free space is checked, and how long the writer is idle before it writes the WAL back.
const TICK: Duration = Duration::from_secs(1);

enum Order {
    Job(Box<dyn WriteJob>),
    Close(oneshot::Sender<()>),
}

/// The queue's end that operations see.
#[derive(Debug)]
pub(crate) struct StoreWriter {
    orders: Arc<OrderQueue<Order>>,
    room: Arc<Semaphore>,
    capacity: usize,
    measures: Arc<Measures>,
    counts: Arc<Mutex<StateCounts>>,
    keeps_records: Arc<AtomicBool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the thread is made of.
pub(crate) struct WriterParts {
    pub(crate) connection: Connection,
    pub(crate) segments: Option<Segments>,
    pub(crate) callback_ids: IdSource,
    pub(crate) checkpoints: Checkpoints,
    /// The folders whose free space is checked, and how many bytes must be free there.
    pub(crate) folders: Vec<PathBuf>,
    pub(crate) low_water_bytes: u64,
    pub(crate) on_fatal: Fatal,
    /// What recent messages are found by; none for a visitor.
    pub(super) recent: Option<Arc<Mutex<RecentKeys>>>,
    /// Counts what has not ended; none for a visitor.
    pub(super) census: Option<Census>,
    /// Checks whether the files are still there.
    pub(crate) watch: Option<Watch>,
    /// What is held till the thread ends.
    pub(crate) held: Option<Held>,
}

/// What marks the store and its media folder as this process's.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) database: Arc<Database>,
    pub(crate) lock: LockFile,
    pub(crate) marker: Marker,
    /// The store's name in them.
    pub(crate) identity: String,
}

impl Held {
    /// Confirms a sync that has just been done.
    ///
    /// Where an ext4 turned read-only under load, a group whose sync had been reported as done was lost (once in some fifty times): most
    /// likely the journal of the file system ended in the middle of that sync, and the blocks of the file that grew went with it. From that
    /// end on it takes no change of a file's times: so one that it takes after the sync tells that the journal had not ended before.
    fn confirm(&self) -> io::Result<()> {
        self.lock.touch()?;
        self.marker.touch()
    }
}

impl StoreWriter {
    /// Starts the thread. At most `queue` jobs wait.
    pub(crate) fn start(parts: WriterParts, queue: usize) -> io::Result<Self> {
        let orders = Arc::new(OrderQueue::new());
        let capacity = queue.clamp(1, Semaphore::MAX_PERMITS);
        let room = Arc::new(Semaphore::new(capacity));
        let measures = Arc::new(Measures::default());
        let mut thread = WriterThread::new(parts, orders.clone(), room.clone(), measures.clone());
        let counts = Arc::clone(&thread.counts);
        let keeps_records = Arc::clone(&thread.keeps_records);
        let thread = thread::Builder::new().name("store-writer".into()).spawn(move || thread.run())?;
        let thread = Mutex::new(Some(thread));
        Ok(Self { orders, room, capacity, measures, counts, keeps_records, thread })
    }

    /// Hands in a job, once it is awaited, and waits till its effect is on disk.
    pub(crate) fn submit<T, F>(
        &self,
        transaction: Transaction,
        work: F,
    ) -> impl Future<Output = Result<T, StoreError>> + Send
    where
        T: Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        // In its place from the beginning: what waits here for room is moved with whatever awaits it.
        let job = Box::new(Task::new(transaction, work, reply));
        async move {
            self.admit(transaction.when_full()).await?;
            self.send(Order::Job(job))?;
            // A thread that panicked dropped the job, and may have committed it before.
            answer.await.map_or_else(
                |_| Err(StoreError::failed("its writer ended without an answer")),
                |(done, _work)| done,
            )
        }
    }

    async fn admit(&self, when_full: WhenFull) -> Result<(), StoreError> {
        let permit = match when_full {
            WhenFull::Shed => self.room.try_acquire().map_err(|_| StoreError::Overloaded)?,
            WhenFull::Wait => match tokio::time::timeout(PATIENCE, self.room.acquire()).await {
                Ok(permit) => permit.map_err(|_| StoreError::Closed)?,
                Err(_) => return Err(StoreError::Overloaded),
            },
        };
        // The thread gives it back when the job's group is done.
        permit.forget();
        Ok(())
    }

    fn send(&self, order: Order) -> Result<(), StoreError> {
        if self.orders.push(order) { Ok(()) } else { Err(StoreError::Closed) }
    }

    /// Finishes what was handed in and ends the thread.
    pub(crate) async fn close(&self) {
        let (reply, closed) = oneshot::channel();
        if self.send(Order::Close(reply)).is_ok() {
            closed.await.ok();
        }
        self.join();
    }

    /// What was measured so far.
    pub(crate) fn statistics(&self) -> StoreStatistics {
        let queued = self.capacity.saturating_sub(self.room.available_permits());
        self.measures.statistics(queued as u64)
    }

    /// Whether it is noted from now on what ends.
    pub(crate) fn keep_records(&self, on: bool) {
        self.keeps_records.store(on, Ordering::Relaxed);
    }

    /// How many messages stand where, as far as the gateway's own process counts them.
    pub(crate) const fn counts(&self) -> &Arc<Mutex<StateCounts>> {
        &self.counts
    }

    fn join(&self) {
        self.orders.close();
        let thread = self.thread.lock().take();
        if let Some(thread) = thread {
            thread.join().ok();
        }
    }
}

impl Drop for StoreWriter {
    /// Finishes what was handed in; the lock is free afterwards.
    fn drop(&mut self) {
        self.join();
    }
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
    Halfway(StoreFault),
    /// Media of the group could not be written, and are known not to be stored; the transaction is still open.
    Media(StoreFault),
    /// It was rolled back: nothing of it is on disk.
    Undone(StoreFault),
    /// It is unknown what is on disk.
    Unknown(ErrorCause),
}

impl From<StoreFault> for Failure {
    fn from(fault: StoreFault) -> Self {
        Self::Undone(fault)
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Undone(error.into())
    }
}

struct WriterThread {
    parts: WriterParts,
    orders: Arc<OrderQueue<Order>>,
    room: Arc<Semaphore>,
    capacity: usize,
    pace: GroupPace,
    /// How long the last COMMIT took, without the media before it.
    commit_took: Duration,
    measures: Arc<Measures>,
    counts: Arc<Mutex<StateCounts>>,
    /// Whether it is noted what ends, for CDR files.
    keeps_records: Arc<AtomicBool>,
    looked_around: Option<Instant>,
    free_bytes: u64,
    /// Set once the truth is unknown: nothing is written any more.
    broken: Option<ErrorCause>,
    /// Of the store's files, what is not there any more.
    lost: Option<Loss>,
}

impl WriterThread {
    fn new(
        parts: WriterParts,
        orders: Arc<OrderQueue<Order>>,
        room: Arc<Semaphore>,
        measures: Arc<Measures>,
    ) -> Self {
        let (looked_around, free_bytes, broken) = (None, u64::MAX, None);
        let (capacity, pace, commit_took) = (room.available_permits(), GroupPace::new(), Duration::ZERO);
        Self {
            parts,
            orders,
            room,
            capacity,
            pace,
            commit_took,
            measures,
            counts: Arc::default(),
            keeps_records: Arc::default(),
            looked_around,
            free_bytes,
            broken,
            lost: None,
        }
    }

    fn run(&mut self) {
        self.load_recent();
        while !self.orders.is_done() {
            self.look_around();
            if !self.orders.wait(TICK) {
                self.look_after_wal(Checkpoints::idle);
                continue;
            }
            let (group, closing) = self.gather();
            if !group.is_empty() {
                self.serve(group);
            }
            if let Some(reply) = closing {
                answer_unserved(self.orders.abandon());
                self.shut();
                reply.send(()).ok();
                return;
            }
        }
        self.shut();
    }

    /// Reads what is recent, beside whoever opens the store: it takes some tens of milliseconds at the most.
    fn load_recent(&mut self) {
        let Some(recent) = &self.parts.recent else { return };
        let loaded = recent.lock().load(&self.parts.connection);
        if let Err(fault) = loaded {
            self.fail_for_good(ErrorCause::within("recent messages could not be read", fault));
        }
    }

    /// Takes what waits, after a moment for callers that were just answered and may be back. Returns the order to close beside it, if
    /// that came; nothing is taken after it.
    fn gather(&self) -> (Vec<Box<dyn WriteJob>>, Option<oneshot::Sender<()>>) {
        let mut group = Vec::new();
        for order in self.orders.take(GROUP, self.pace.expected(), self.pace.patience()) {
            match order {
                Order::Job(job) => group.push(job),
                Order::Close(reply) => return (group, Some(reply)),
            }
        }
        (group, None)
    }

    fn serve(&mut self, mut group: Vec<Box<dyn WriteJob>>) {
        if let Err(error) = self.commit(&mut group) {
            for job in &mut group {
                job.fail(error.clone());
            }
        }
        let committed = group.len();
        self.room.add_permits(committed);
        let mut new_messages = 0;
        for job in &group {
            let (transaction, is_done) = job.outcome();
            new_messages += usize::from(transaction == Transaction::Accept);
            self.measures.ended(transaction, is_done);
        }
        answer_all(group);
        let is_new = new_messages * 2 >= committed;
        self.look_after_wal(|checkpoints, connection| checkpoints.committed(connection, is_new));
        let waiting = self.capacity.saturating_sub(self.room.available_permits());
        self.pace.answered(committed, waiting, self.commit_took);
    }

    fn commit(&mut self, group: &mut [Box<dyn WriteJob>]) -> Result<(), StoreError> {
        if let Some(broken) = &self.broken {
            return Err(StoreError::NotDone(broken.clone()));
        }
        if let Some(Loss { extent: Extent::All | Extent::ForGood, what }) = &self.lost {
            return Err(StoreError::not_done(what.clone()));
        }
        match self.transactions(group) {
            Ok(left) => {
                if self.committed(left) {
                    // The group is committed, whatever becomes of what it left.
                    if let Err(error) = self.commit(&mut []) {
                        tracing::warn!(%error, "free media segments could not be removed");
                    }
                }
                Ok(())
            }
            Err(Failure::Undone(fault) | Failure::Halfway(fault) | Failure::Media(fault)) => {
                self.roll_back();
                Err(fault.into())
            }
            Err(Failure::Unknown(cause)) => Err(self.fail_for_good(cause)),
        }
    }

    /// Runs the jobs and commits, up to three times: each time the failing jobs are kept further from the others.
    fn transactions(&mut self, group: &mut [Box<dyn WriteJob>]) -> Result<Left, Failure> {
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

    /// Runs the jobs and commits; returns what is left to be done. With `media_refused`, jobs that have media to be written
    /// fail for that reason.
    fn transaction(
        &mut self,
        group: &mut [Box<dyn WriteJob>],
        company: Company,
        media_refused: Option<StoreError>,
    ) -> Result<Left, Failure> {
        let connection = &self.parts.connection;
        if let Some(segments) = &mut self.parts.segments {
            segments.mend(connection)?;
        }
        let short_of_space = self.free_bytes < self.parts.low_water_bytes;
        let ids = &mut self.parts.callback_ids;
        let mut tx = Tx::new(connection, self.parts.segments.as_mut(), ids, short_of_space);
        tx.media_refused = media_refused;
        tx.keeps_records = self.keeps_records.load(Ordering::Relaxed);
        if self.parts.census.is_some() {
            self.counts.lock().undo_to(0);
            tx.counts = Some(&self.counts);
        }
        tx.recent = self.parts.recent.as_deref();
        tx.lost = self.lost.as_ref().map(|loss| StoreError::not_done(loss.what.clone()));
        tx.execute("BEGIN IMMEDIATE", [])?;
        let mut begun = Instant::now();
        for job in group.iter_mut() {
            match company {
                Company::Alone => run_alone(&mut tx, job.as_mut())?,
                Company::Shared => {
                    if let Some(fault) = run_in_company(&mut tx, job.as_mut())? {
                        return Err(Failure::Halfway(fault));
                    }
                }
            }
            let ended = Instant::now();
            self.measures.ran(job.outcome().0, ended.duration_since(begun));
            begun = ended;
        }
        let left = tx.left;
        if let Some(recent) = &self.parts.recent {
            recent.lock().write(connection)?;
        }
        let begun = Instant::now();
        if let Some(segments) = &mut self.parts.segments {
            segments.write().map_err(Failure::Media)?;
            segments
                .sync()
                .map_err(|error| Failure::Unknown(ErrorCause::within("media could not be synced", error)))?;
            segments.record(connection)?;
        }
        let synced = Instant::now();
        let committed = connection.prepare_cached("COMMIT")?.execute([]).map_err(StoreFault::Sqlite);
        self.commit_took = synced.elapsed();
        match committed {
            Ok(_) => {
                if let Some(held) = &self.parts.held {
                    held.confirm().map_err(|error| {
                        Failure::Unknown(ErrorCause::within("a file system ended during a commit", error))
                    })?;
                }
                self.measures.committed(group.len(), begun.elapsed());
                self.counts.lock().commit();
                self.parts.recent.iter().for_each(|recent| recent.lock().committed());
                Ok(left)
            }
            // The transaction is still open: it was refused, not lost.
            Err(fault) if !fault.is_io() && !connection.is_autocommit() => Err(Failure::Undone(fault)),
            Err(fault) if fault.is_full() => Err(Failure::Undone(fault)),
            Err(fault) => Err(Failure::Unknown(ErrorCause::within("a commit failed", fault))),
        }
    }

    /// Whether another commit is needed, to remove segments.
    fn committed(&mut self, left: Left) -> bool {
        if left.erased {
            self.parts.checkpoints.empty_soon();
        }
        let Some(segments) = &mut self.parts.segments else { return false };
        segments.committed();
        let has_surplus = left.freed
            && segments.collect(&self.parts.connection).unwrap_or_else(|fault| {
                tracing::warn!(error = %fault, "free media segments could not be looked for");
                false
            });
        segments.prepare(self.free_bytes.saturating_sub(self.parts.low_water_bytes));
        has_surplus
    }

    /// Goes back to what is committed; returns whether that could be done.
    fn roll_back(&mut self) -> bool {
        self.parts.recent.iter().for_each(|recent| recent.lock().undone());
        let connection = &self.parts.connection;
        let rolled_back = match connection.is_autocommit() {
            true => Ok(()),
            false => connection.execute_batch("ROLLBACK").map_err(StoreFault::Sqlite),
        };
        let recovered = match &mut self.parts.segments {
            Some(segments) => segments.recover(connection),
            None => Ok(()),
        };
        let outcome = rolled_back.and(recovered);
        let is_back = outcome.is_ok();
        if let Err(fault) = outcome {
            self.fail_for_good(ErrorCause::within("a transaction could not be rolled back", fault));
        }
        is_back
    }

    fn fail_for_good(&mut self, cause: ErrorCause) -> StoreError {
        self.broken = Some(cause.clone());
        (self.parts.on_fatal)(cause.to_string());
        StoreError::Failed(cause)
    }

    /// Checks now and then what others may have done to the disk.
    fn look_around(&mut self) {
        if self.looked_around.is_some_and(|then| then.elapsed() < TICK) {
            return;
        }
        self.looked_around = Some(Instant::now());
        self.look_at_space();
        self.look_at_files();
        if let Some(census) =
            self.parts.census.as_mut().filter(|_| self.broken.is_none() && self.lost.is_none())
        {
            census.look(&self.parts.connection, &self.counts);
        }
    }

    fn look_at_files(&mut self) {
        let is_gone_for_good = self.lost.as_ref().is_some_and(|loss| loss.extent == Extent::ForGood);
        let Some(watch) = self.parts.watch.as_mut().filter(|_| self.broken.is_none() && !is_gone_for_good)
        else {
            return;
        };
        let lost = match watch.look(&self.parts.connection, self.parts.segments.as_mut()) {
            Ok(lost) => lost,
            Err(fault) => {
                tracing::warn!(error = %fault, "the store's files could not be looked at");
                return;
            }
        };
        if let Some(Held { lock, identity, .. }) = self.parts.held.as_mut().filter(|_| lost.is_none())
            && let Err(error) = lock.keep(identity)
        {
            tracing::warn!(%error, "the lock file was removed, and cannot be made anew");
        }
        if let (Some(Loss { extent: Extent::All, .. }), Some(held)) = (&lost, &self.parts.held)
            && let Err(error) = leave_word(held.database.path(), &held.identity)
        {
            tracing::warn!(%error, "no word can be left of the store that is gone");
        }
        if lost == self.lost {
            return;
        }
        match &lost {
            Some(Loss { extent: Extent::Media, what }) => {
                tracing::error!("nothing new is taken any more: {what}");
            }
            Some(Loss { what, .. }) => {
                tracing::error!("nothing is written any more: {what}");
                self.save();
            }
            None => {
                tracing::info!("the store's files are there again");
                if let Some(held) = &self.parts.held {
                    take_word_back(held.database.path());
                }
            }
        }
        self.lost = lost;
    }

    /// The file or the journal of the database is not where it was, but still open: what is in the journal is written into the file, and a
    /// file that has no name any more is copied to one.
    fn save(&mut self) {
        let (connection, Some(watch)) = (&self.parts.connection, &self.parts.watch) else { return };
        // What is called the journal may be another database's by now: closing must not remove it.
        let keeps = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
        if let Err(error) = keeps.map_err(StoreFault::Sqlite).and(self.parts.checkpoints.save(connection)) {
            tracing::error!(%error, "the journal could not be written into the database");
        }
        let is_nameless = self.parts.held.as_ref().is_some_and(|held| held.database.is_nameless());
        if !is_nameless {
            return;
        }
        let copy = beside(watch.database(), SAVED);
        match copy_to(connection, &copy) {
            Ok(()) => {
                tracing::error!(
                    "what was in the database is at {0} now: stop the gateway, rename {0} to {1}, and start it",
                    copy.display(),
                    watch.database().display()
                );
            }
            Err(error) => {
                tracing::error!(%error, "the database that was removed could not be copied; while this process lives, it is under /proc/{}/fd", std::process::id());
            }
        }
    }

    fn look_at_space(&mut self) {
        let free = self.parts.folders.iter().filter_map(|folder| rustix::fs::statvfs(folder).ok());
        self.free_bytes =
            free.map(|found| found.f_bavail.saturating_mul(found.f_frsize)).min().unwrap_or(u64::MAX);
        self.measures.note_free(self.free_bytes);
    }

    fn look_after_wal(&mut self, look: impl FnOnce(&mut Checkpoints, &Connection) -> Result<()>) {
        if self.broken.is_some() {
            return;
        }
        if let Err(fault) = look(&mut self.parts.checkpoints, &self.parts.connection) {
            self.fail_for_good(ErrorCause::within("a checkpoint failed", fault));
        }
    }

    fn shut(&mut self) {
        if let Some(census) = &mut self.parts.census {
            census.shut();
        }
        self.look_after_wal(Checkpoints::shut);
        if let Some(Held { database, lock, marker, .. }) = self.parts.held.take() {
            drop(marker);
            database.unlock(lock);
        }
    }
}

/// Answers callers whose jobs were never begun.
fn answer_unserved(orders: VecDeque<Order>) {
    for order in orders {
        if let Order::Job(mut job) = order {
            job.fail(StoreError::Closed);
            job.answer();
        }
    }
}

/// Copies a database as it is into a new file.
fn copy_to(connection: &Connection, path: &Path) -> Result<()> {
    // SQLite would make it readable to others.
    private_file(path).map_err(io::Error::other)?;
    connection.execute("VACUUM INTO ?", [path.to_string_lossy()])?;
    Ok(())
}

impl Drop for WriterThread {
    /// Answers callers that still wait. A panic here is a bug that leaves the callers of one group without an answer: it ends the
    /// process like a failed sync.
    fn drop(&mut self) {
        answer_unserved(self.orders.abandon());
        if thread::panicking() {
            (self.parts.on_fatal)("the store's writer panicked".into());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        atomic::{AtomicU64, Ordering},
        mpsc,
    };

    use super::*;

    /// A writer on a database of its own, and what was said to be fatal.
    fn writer(connection: Connection) -> (StoreWriter, mpsc::Receiver<String>) {
        let (fatal, said) = mpsc::channel();
        connection.execute_batch("CREATE TABLE line (text TEXT PRIMARY KEY) STRICT").unwrap();
        let parts = WriterParts {
            connection,
            segments: None,
            callback_ids: IdSource::new(0, None),
            checkpoints: Checkpoints::new(None).unwrap(),
            folders: Vec::new(),
            low_water_bytes: 0,
            on_fatal: Arc::new(move |what| fatal.send(what).unwrap()),
            recent: None,
            census: None,
            watch: None,
            held: None,
        };
        (StoreWriter::start(parts, 8).unwrap(), said)
    }

    async fn insert(writer: &StoreWriter, text: &'static str) -> Result<usize, StoreError> {
        let insert = move |tx: &mut Tx<'_>| tx.execute("INSERT INTO line (text) VALUES (?)", [text]);
        writer.submit(Transaction::Accept, insert).await
    }

    async fn count(writer: &StoreWriter) -> Result<i64, StoreError> {
        let count =
            |tx: &mut Tx<'_>| Ok(tx.prepare("SELECT count(*) FROM line")?.query_row([], |row| row.get(0))?);
        writer.submit(Transaction::Check, count).await
    }

    #[tokio::test]
    async fn a_job_that_fails_is_undone_alone() {
        let (writer, _) = writer(Connection::open_in_memory().unwrap());
        let half = |tx: &mut Tx<'_>| -> Result<()> {
            tx.execute("INSERT INTO line (text) VALUES ('half')", [])?;
            Err(StoreError::LostLease.into())
        };
        let (first, lost, second) =
            tokio::join!(insert(&writer, "a"), writer.submit(Transaction::Check, half), insert(&writer, "b"));
        assert_eq!((first, lost, second), (Ok(1), Err(StoreError::LostLease), Ok(1)));
        let ran = writer.statistics().transactions.into_iter().filter(|count| count.longest.is_some());
        assert_eq!(ran.map(|count| count.name).collect::<Vec<_>>(), ["accept", "check"]);
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
        let refused = insert(&writer, "c").await.unwrap_err();
        assert!(matches!(refused, StoreError::NotDone(_)), "{refused:?}");
        assert!(said.try_recv().is_err(), "it is said once");
    }

    #[tokio::test]
    async fn a_panic_is_fatal() {
        let (writer, said) = writer(Connection::open_in_memory().unwrap());
        let panicking = |_: &mut Tx<'_>| -> Result<()> { panic!("on purpose") };
        assert!(matches!(writer.submit(Transaction::Check, panicking).await, Err(StoreError::Failed(_))));
        assert_eq!(insert(&writer, "a").await, Err(StoreError::Closed));
        assert_eq!(said.recv().unwrap(), "the store's writer panicked");
    }
}
