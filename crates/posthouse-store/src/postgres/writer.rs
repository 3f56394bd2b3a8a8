//! The writer: one task and one connection, which takes all that waits, runs it as a batch, and answers.
//!
//! A batch that fails is run again: as it was when others were in the way, in halves and at last alone when something in it was refused,
//! and on the next connection when this one broke. So each operation bears to be done twice.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use posthouse_core::{
    lock::Mutex,
    store::{ErrorCause, StoreError, StoreResult, StoreStatistics},
};
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot},
    task::JoinHandle,
};

use super::{
    batch::{self, BatchTx, Going, Ids, Job, Trouble},
    fault::{BatchFault, ServerRemedy, refused, remedy},
    partition::Partitions,
    session::{ConnectFault, Purpose, Session, away, unavailable},
    url::PostgresUrl,
};
use crate::sqlite::{
    measures::Measures,
    pace::GroupPace,
    transaction::{Transaction, WhenFull},
};

/// So many operations at most are in one batch.
const MOST_JOBS: usize = 512;
/// So many bytes at most are in one batch, but for its last operation.
const MOST_BYTES: usize = 4 << 20;
/// How many operations may wait.
const QUEUE: usize = 8192;
/// How long an operation waits for room in the queue.
const ROOM: Duration = Duration::from_secs(30);
/// How long new work waits for a server that is away; and, once what it wrote was sent, for the answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often a batch is run again as it is because others were in the way, before it is halved.
const TRIES: u32 = 5;
/// How long a batch waits for a lock that another node's batch has, four times as long at each further try. Another batch is mostly over in
/// some milliseconds, and where two wait for each other, which the server finds out after a second, everybody behind them waits with them.
const LOCKS: Duration = Duration::from_millis(40);
/// And at most so long, for a batch whose standby does not confirm.
const LOCKS_MOST: Duration = Duration::from_secs(10);
/// How long nothing new is taken after the server said that its disk is full.
const SHORT_OF_SPACE: Duration = Duration::from_secs(10);
/// The longest wait between two tries to connect.
const LONGEST_WAIT: Duration = Duration::from_millis(500);

/// Where an operation stands for those who wait for it.
const WAITS: u8 = 0;
const SENT: u8 = 1;
const GIVEN_UP: u8 = 2;

/// An operation whose answer somebody waits for.
struct Task<T> {
    transaction: Transaction,
    run: Box<dyn Fn(BatchTx) -> Going<T> + Send>,
    weight: usize,
    may_repeat: bool,
    going: Option<Going<T>>,
    done: Option<Result<T, BatchFault>>,
    is_again: bool,
    standing: Arc<AtomicU8>,
    reply: oneshot::Sender<StoreResult<T>>,
    _permit: OwnedSemaphorePermit,
}

impl<T: Send> Job for Task<T> {
    fn start(&mut self, tx: BatchTx) {
        self.done = None;
        self.going = Some((self.run)(tx));
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(going) = &mut self.going else { return Poll::Ready(()) };
        match going.as_mut().poll(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(done) => {
                self.done = Some(done);
                self.going = None;
                Poll::Ready(())
            }
        }
    }

    fn fault(&mut self) -> Option<&mut BatchFault> {
        self.done.as_mut()?.as_mut().err()
    }

    fn send(&self) -> bool {
        let sent = self.standing.compare_exchange(WAITS, SENT, Ordering::SeqCst, Ordering::SeqCst);
        sent.is_ok_and(|_| true) || sent == Err(SENT)
    }

    fn unsend(&self) {
        if !self.is_again {
            let _ = self.standing.compare_exchange(SENT, WAITS, Ordering::SeqCst, Ordering::SeqCst);
        }
    }

    fn defer(&mut self) {
        self.going = None;
        // Why it failed may rest on what was claimed.
        self.done = Some(Err(BatchFault::Deferred));
    }

    fn fail(&mut self, error: StoreError) {
        self.going = None;
        self.done = Some(Err(BatchFault::Store(error)));
    }

    fn answer(self: Box<Self>) {
        let answer = match self.done {
            Some(done) => done.map_err(StoreError::from),
            None => Err(StoreError::Closed),
        };
        // The caller may have gone; what was done stays done.
        self.reply.send(answer).ok();
    }

    fn may_repeat(&self) -> bool {
        self.may_repeat
    }

    fn is_again(&self) -> bool {
        self.is_again
    }

    fn set_again(&mut self) {
        self.is_again = true;
    }

    fn weight(&self) -> usize {
        self.weight
    }

    fn outcome(&self) -> (Transaction, bool) {
        (self.transaction, self.done.as_ref().is_some_and(Result::is_ok))
    }
}

type Jobs = Vec<Box<dyn Job>>;

/// What the writer shares with those who hand in.
struct Desk {
    line: Mutex<VecDeque<Box<dyn Job>>>,
    bell: Notify,
    is_closed: AtomicBool,
    /// Whether the server was away at the last look.
    is_away: AtomicBool,
    /// Till when the server counts as short of space, once it said so.
    full_until: Mutex<Option<Instant>>,
    at_work: AtomicU64,
    measures: Measures,
}

/// Takes operations and writes them.
pub(super) struct BatchWriter {
    desk: Arc<Desk>,
    room: Arc<Semaphore>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl std::fmt::Debug for BatchWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BatchWriter").finish_non_exhaustive()
    }
}

/// How an operation is handed in.
pub(super) struct HandIn {
    /// What it is.
    pub(super) transaction: Transaction,
    /// About how many bytes it writes.
    pub(super) weight: usize,
    /// Whether it may be done again when nobody knows whether it was: it finds what it did, or that does no harm.
    pub(super) may_repeat: bool,
}

impl BatchWriter {
    /// Begins, with a session.
    pub(super) fn start(
        url: PostgresUrl,
        session: Session,
        partitions: Arc<Partitions>,
        ids: Arc<Ids>,
    ) -> Self {
        let desk = Arc::new(Desk {
            line: Mutex::new(VecDeque::new()),
            bell: Notify::new(),
            is_closed: AtomicBool::new(false),
            is_away: AtomicBool::new(false),
            full_until: Mutex::new(None),
            at_work: AtomicU64::new(0),
            measures: Measures::default(),
        });
        let clerk = Clerk {
            desk: Arc::clone(&desk),
            url,
            session: Some(session),
            partitions,
            ids,
            pace: GroupPace::new(),
        };
        let task = tokio::spawn(clerk.work());
        Self { desk, room: Arc::new(Semaphore::new(QUEUE)), task: Mutex::new(Some(task)) }
    }

    /// Has an operation done.
    ///
    /// # Errors
    /// Those of every operation that writes.
    pub(super) async fn submit<T, R>(&self, how: HandIn, run: R) -> StoreResult<T>
    where
        T: Send + 'static,
        R: Fn(BatchTx) -> Going<T> + Send + 'static,
    {
        let sheds = how.transaction.when_full() == WhenFull::Shed;
        if self.desk.is_closed.load(Ordering::SeqCst) {
            return Err(StoreError::Closed);
        }
        let permit = self.permit(sheds).await?;
        let (reply, answer) = oneshot::channel();
        let standing = Arc::new(AtomicU8::new(WAITS));
        let task = Task {
            transaction: how.transaction,
            run: Box::new(run),
            weight: how.weight,
            may_repeat: how.may_repeat,
            going: None,
            done: None,
            is_again: false,
            standing: Arc::clone(&standing),
            reply,
            _permit: permit,
        };
        {
            let mut line = self.desk.line.lock();
            if self.desk.is_closed.load(Ordering::SeqCst) {
                return Err(StoreError::Closed);
            }
            line.push_back(Box::new(task));
        }
        self.desk.bell.notify_one();
        let answer = async { answer.await.unwrap_or(Err(StoreError::Closed)) };
        if sheds { within_patience(answer, &standing).await } else { answer.await }
    }

    async fn permit(&self, sheds: bool) -> StoreResult<OwnedSemaphorePermit> {
        if sheds {
            if self.desk.is_away.load(Ordering::SeqCst) {
                return Err(away());
            }
            return Arc::clone(&self.room).try_acquire_owned().map_err(|_| StoreError::Overloaded);
        }
        match tokio::time::timeout(ROOM, Arc::clone(&self.room).acquire_owned()).await {
            Ok(permit) => permit.map_err(|_| StoreError::Closed),
            Err(_) => Err(StoreError::Overloaded),
        }
    }

    /// What was measured.
    pub(super) fn statistics(&self) -> StoreStatistics {
        let waiting = self.desk.line.lock().len() as u64;
        self.desk.measures.statistics(waiting + self.desk.at_work.load(Ordering::Relaxed))
    }

    /// Finishes what was handed in, and ends.
    pub(super) async fn close(&self) {
        self.desk.is_closed.store(true, Ordering::SeqCst);
        self.desk.bell.notify_one();
        let task = self.task.lock().take();
        if let Some(task) = task {
            task.await.ok();
        }
    }
}

impl Drop for BatchWriter {
    fn drop(&mut self) {
        self.desk.is_closed.store(true, Ordering::SeqCst);
        self.desk.bell.notify_one();
    }
}

/// New work does not wait for a server that is away. Nothing of it is written then, unless it was on its way already.
async fn within_patience<T>(
    answer: impl Future<Output = StoreResult<T>>,
    standing: &AtomicU8,
) -> StoreResult<T> {
    let mut answer = std::pin::pin!(answer);
    if let Ok(answer) = tokio::time::timeout(PATIENCE, &mut answer).await {
        return answer;
    }
    let given_up = standing.compare_exchange(WAITS, GIVEN_UP, Ordering::SeqCst, Ordering::SeqCst);
    if given_up.is_ok() {
        return Err(away());
    }
    match tokio::time::timeout(PATIENCE, answer).await {
        Ok(answer) => answer,
        Err(_) => Err(StoreError::failed("the database does not say whether it was stored")),
    }
}

/// Who does the work.
struct Clerk {
    desk: Arc<Desk>,
    url: PostgresUrl,
    session: Option<Session>,
    partitions: Arc<Partitions>,
    ids: Arc<Ids>,
    pace: GroupPace,
}

impl Clerk {
    async fn work(mut self) {
        while let Some(jobs) = self.take().await {
            self.desk.at_work.store(jobs.len() as u64, Ordering::Relaxed);
            self.serve(jobs).await;
            self.desk.at_work.store(0, Ordering::Relaxed);
        }
    }

    /// What waits, as a batch; `None` when it is closed and nothing does.
    async fn take(&mut self) -> Option<Jobs> {
        loop {
            let waiting = self.desk.line.lock().len();
            if waiting > 0 {
                break;
            }
            if self.desk.is_closed.load(Ordering::SeqCst) {
                return None;
            }
            self.desk.bell.notified().await;
        }
        self.gather().await;
        let mut line = self.desk.line.lock();
        let (mut jobs, mut bytes) = (Vec::new(), 0);
        while jobs.len() < MOST_JOBS && bytes < MOST_BYTES {
            let Some(job) = line.pop_front() else { break };
            bytes += job.weight();
            jobs.push(job);
        }
        Some(jobs)
    }

    /// Waits a moment for those who are expected.
    async fn gather(&self) {
        let expected = self.pace.expected().min(MOST_JOBS);
        let deadline = tokio::time::Instant::now() + self.pace.patience();
        while self.desk.line.lock().len() < expected && !self.desk.is_closed.load(Ordering::SeqCst) {
            if tokio::time::timeout_at(deadline, self.desk.bell.notified()).await.is_err() {
                break;
            }
        }
    }

    /// Serves them all, in as many batches as it takes.
    async fn serve(&mut self, jobs: Jobs) {
        let mut piles = vec![(jobs, 0)];
        while let Some((mut pile, tries)) = piles.pop() {
            if self.session.is_none() && !self.connect(&mut pile).await {
                self.answer(pile);
                continue;
            }
            let begun = Instant::now();
            let Some(session) = &self.session else { continue };
            let is_full = self.desk.full_until.lock().is_some_and(|until| Instant::now() < until);
            let patience = LOCKS.saturating_mul(4_u32.saturating_pow(tries)).min(LOCKS_MOST);
            let run = batch::run(session, &self.partitions, &self.ids, is_full, patience, &mut pile).await;
            match run {
                Ok(()) => {
                    self.desk.measures.committed(pile.len(), begun.elapsed());
                    let answered = pile.len();
                    self.settle(pile);
                    let waiting = self.desk.line.lock().len();
                    self.pace.answered(answered, waiting, begun.elapsed());
                }
                Err(trouble) => self.after(trouble, pile, tries, &mut piles).await,
            }
        }
    }

    /// Answers those that are done; those that were deferred come first next time.
    fn settle(&self, pile: Jobs) {
        let mut deferred = Vec::new();
        let mut done = Vec::new();
        for mut job in pile {
            match job.fault() {
                Some(BatchFault::Deferred | BatchFault::Abandoned) => deferred.push(job),
                _ => done.push(job),
            }
        }
        {
            let mut line = self.desk.line.lock();
            deferred.into_iter().rev().for_each(|job| line.push_front(job));
        }
        self.answer(done);
    }

    fn answer(&self, jobs: Jobs) {
        for job in jobs {
            let (transaction, is_done) = job.outcome();
            self.desk.measures.ended(transaction, is_done);
            job.answer();
        }
    }

    /// What is done about a batch that was not committed.
    async fn after(&mut self, trouble: Trouble, mut pile: Jobs, tries: u32, piles: &mut Vec<(Jobs, u32)>) {
        match trouble {
            Trouble::Undone => self.split(pile, None, piles),
            Trouble::Slow => {
                self.session = None;
                piles.push((pile, tries));
            }
            Trouble::Unknown => {
                self.session = None;
                let (again, unknown): (Jobs, Jobs) = pile.into_iter().partition(|job| job.may_repeat());
                pile = again;
                pile.iter_mut().for_each(|job| job.set_again());
                self.fail(unknown, |_| {
                    StoreError::failed("the connection to the database broke during a commit")
                });
                piles.push((pile, tries));
            }
            Trouble::Partition(fault) => {
                tracing::warn!(%fault, "a partition cannot be made");
                let error = unavailable(&fault);
                self.fail(pile, |_| error.clone());
            }
            Trouble::Refused(error) => match self.look_for_space(&error) {
                ServerRemedy::Reconnect => {
                    self.session = None;
                    piles.push((pile, tries));
                }
                ServerRemedy::Again if tries < TRIES => {
                    tokio::time::sleep(Duration::from_millis(1 << tries)).await;
                    piles.push((pile, tries + 1));
                }
                ServerRemedy::Partition if tries == 0 => {
                    self.partitions.forget();
                    piles.push((pile, tries + 1));
                }
                _ => self.split(pile, Some(refused(&error)), piles),
            },
        }
    }

    /// What is to be done about an error; one that says that the disk is full has new work shed for a while.
    fn look_for_space(&self, error: &tokio_postgres::Error) -> ServerRemedy {
        if refused(error) == StoreError::Full {
            *self.desk.full_until.lock() = Instant::now().checked_add(SHORT_OF_SPACE);
        }
        remedy(error)
    }

    /// Halves a batch; one that is alone fails.
    fn split(&self, mut pile: Jobs, error: Option<StoreError>, piles: &mut Vec<(Jobs, u32)>) {
        if pile.len() > 1 {
            let half = pile.split_off(pile.len() / 2);
            piles.push((half, 0));
            piles.push((pile, 0));
            return;
        }
        self.fail(pile, |job| match job.fault() {
            Some(BatchFault::Undo(own) | BatchFault::Store(own)) => own.clone(),
            _ => error.clone().unwrap_or(StoreError::NotDone(ErrorCause::from("the transaction was undone"))),
        });
    }

    fn fail(&self, mut jobs: Jobs, error: impl Fn(&mut Box<dyn Job>) -> StoreError) {
        for job in &mut jobs {
            let error = error(job);
            job.fail(error);
        }
        self.answer(jobs);
    }

    /// Connects again, however long it takes; only a store that is closed gives up, and fails these.
    async fn connect(&mut self, pile: &mut Jobs) -> bool {
        let mut wait = Duration::from_millis(10);
        let began = Instant::now();
        loop {
            match Session::open(&self.url, Purpose::Write).await {
                Ok(session) => {
                    self.session = Some(session);
                    if self.desk.is_away.swap(false, Ordering::SeqCst) {
                        tracing::info!("PostgreSQL is back");
                    }
                    return true;
                }
                Err(fault) => self.note_away(&fault, began),
            }
            if self.desk.is_closed.load(Ordering::SeqCst) {
                let unknown = || StoreError::failed("the connection to the database broke during a commit");
                for job in pile.iter_mut() {
                    let error = if job.is_again() { unknown() } else { away() };
                    job.fail(error);
                }
                return false;
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    fn note_away(&self, fault: &ConnectFault, began: Instant) {
        let is_away = began.elapsed() >= PATIENCE;
        if is_away && !self.desk.is_away.swap(true, Ordering::SeqCst) {
            tracing::error!(%fault, at = %Timestamp::now(), "PostgreSQL is away: nothing is accepted, and nothing begins, till it is back");
        }
    }
}
