//! A batch: many operations in one transaction, and as few flights to the server and back as they need together.
//!
//! Each operation is a future that reads through [`BatchTx`], decides, and leaves what it writes with it. When none of them can go on
//! without an answer, what they ask for is put together: one statement for all that ask the same, with arrays for parameters, and all
//! statements sent at once. What they write goes out the same way, together with the commit, once all of them have decided. So an
//! ordinary batch is two flights: begin and read, write and commit.
//!
//! Operations of one batch do not see each other. Each [claims](BatchTx::claim) what it is about to change, and of two that claim the same
//! the one that was handed in first has it; the other is deferred to the next batch, where it comes first, and nothing of it is written. So
//! the first of a batch is never deferred, and two that want what the other has do not defer each other for ever.

use std::{
    collections::{BTreeMap, HashMap, hash_map::Entry},
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::join_all;
use jiff::Timestamp;
use posthouse_core::{
    Id,
    account::AccountName,
    carrier::CarrierId,
    cluster::VISITOR_NUMBERS,
    id::IdSource,
    life::{callback::CallbackRow, counts::StateCounts, effects::Effects},
    lock::Mutex,
    store::{Demand, Lease, StoreError, Take},
};
use tokio::sync::oneshot;
use tokio_postgres::{Row, types::ToSql};

use super::{
    fault::{BatchFault, BatchResult, is_lost},
    partition::Partitions,
    session::{ConnectFault, Session},
    statements::Statement,
    value::PgValue,
};
use crate::sqlite::transaction::Transaction;

/// How long the server may take for reading, waits for locks included, until the connection is given up.
const READING: Duration = Duration::from_secs(30);

/// What an operation is about to change, or must not be changed beside it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum BatchClaim {
    /// A message, the work on it, and what is owed about it.
    Message(Id),
    /// What is known by a MessageID of a carrier.
    CarriersId(String, String),
    /// What goes to a recipient over a carrier.
    Recipient(String, String),
    /// An operation in bulk.
    Operation(Id),
    /// A table that is small and rarely changed.
    Table(&'static str),
}

/// Who holds a claim.
#[derive(Clone, Debug)]
enum Holder {
    /// One operation.
    One(usize),
    /// Any number, which change nothing that the others look at.
    Many(Vec<usize>),
}

impl Holder {
    /// All but this one.
    fn others(&self, number: usize) -> impl Iterator<Item = usize> {
        let all = match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        };
        all.iter().copied().filter(move |one| *one != number)
    }
}

/// How an operation stands among those of its batch.
#[derive(Debug, Default)]
struct Rank {
    /// It has written something in the middle, and can be left out only with all of the transaction.
    has_written: AtomicBool,
    /// One that was handed in before it claims what it claimed: it is deferred.
    is_beaten: AtomicBool,
}

/// Whether this process notes what ends, and as which node.
#[derive(Debug)]
pub(super) struct RecordKeeping {
    pub(super) is_on: AtomicBool,
    pub(super) node: AtomicU8,
}

impl Default for RecordKeeping {
    fn default() -> Self {
        Self { is_on: AtomicBool::new(false), node: AtomicU8::new(*VISITOR_NUMBERS.end()) }
    }
}

/// Where ids come from.
#[derive(Debug)]
pub(super) struct Ids {
    /// Of callbacks.
    pub(super) callbacks: Mutex<IdSource>,
    /// Of lines of timelines, and of what has no id of its own. They go by the clock of this machine, so that they ascend over restarts.
    pub(super) lines: Mutex<IdSource>,
    /// How messages came and ended.
    pub(super) counts: Mutex<StateCounts>,
    /// Whether it is noted what ends.
    pub(super) records: RecordKeeping,
}

impl Ids {
    /// From now on under the number that this store's node got, behind those that were made under it before.
    pub(super) fn begin(&self, node: u8, after: Option<Id>) {
        self.records.node.store(node, Ordering::Relaxed);
        let mut callbacks = self.callbacks.lock();
        let newest = Some(callbacks.next(Timestamp::UNIX_EPOCH)).max(after);
        *callbacks = IdSource::new(node, newest);
        let mut lines = self.lines.lock();
        let newest = lines.next(Timestamp::UNIX_EPOCH);
        *lines = IdSource::new(node, Some(newest));
    }

    /// The number of the next line of a timeline.
    pub(super) fn line(&self) -> i64 {
        self.lines.lock().next(Timestamp::now()).number()
    }
}

/// What the operations of a batch have in common.
struct Shared {
    reads: Mutex<Vec<Read>>,
    claims: Mutex<HashMap<BatchClaim, Holder>>,
    ranks: Vec<Rank>,
    ids: Arc<Ids>,
    is_full: bool,
}

impl Shared {
    fn has_written(&self, number: usize) -> bool {
        self.ranks.get(number).is_some_and(|rank| rank.has_written.load(Ordering::Relaxed))
    }

    fn is_beaten(&self, number: usize) -> bool {
        self.ranks.get(number).is_some_and(|rank| rank.is_beaten.load(Ordering::Relaxed))
    }

    /// Defers these in favour of one, if all of them come after it and can be. Whether they are.
    fn beat(&self, number: usize, others: &[usize]) -> bool {
        let beats = others.iter().all(|other| *other > number && !self.has_written(*other));
        if beats {
            let ranks = others.iter().filter_map(|other| self.ranks.get(*other));
            ranks.for_each(|rank| rank.is_beaten.store(true, Ordering::Relaxed));
        }
        beats
    }
}

/// What an operation asks for.
struct Read {
    statement: &'static Statement,
    values: Vec<PgValue>,
    reply: oneshot::Sender<Vec<Row>>,
}

/// What an operation leaves to be written.
struct Write {
    statement: &'static Statement,
    values: Vec<PgValue>,
}

/// What one operation sees of its batch.
#[derive(Clone)]
pub(super) struct BatchTx {
    shared: Arc<Shared>,
    own: Arc<Own>,
}

struct Own {
    number: usize,
    writes: Mutex<Vec<Write>>,
    handing_on: Mutex<HandingOn>,
    counted: Mutex<Counted>,
    must_commit: AtomicBool,
    is_again: bool,
}

/// The callbacks that become due in an operation, and their new owner.
#[derive(Default)]
struct HandingOn {
    take: Take,
    taken: Vec<(Id, Lease)>,
    left_due: bool,
}

/// What an operation changes in the counts, once it is committed.
#[derive(Default)]
struct Counted {
    accepted: Vec<(CarrierId, AccountName)>,
    written: Vec<Effects>,
}

impl BatchTx {
    /// Somebody takes callbacks that become due by this operation.
    pub(super) fn hand_on_to(&self, take: &Take) {
        self.own.handing_on.lock().take.clone_from(take);
    }

    /// Whether somebody takes callbacks.
    pub(super) fn hands_on(&self) -> bool {
        self.own.handing_on.lock().take.is_some()
    }

    /// One became due that is for nobody to take.
    pub(super) fn leave_due(&self) {
        self.own.handing_on.lock().left_due = true;
    }

    /// How a callback of this account stands that was to stand so: under the lease of its new owner, if it is due and there is one.
    pub(super) fn hand_on(
        &self,
        id: Id,
        account: &AccountName,
        row: CallbackRow,
    ) -> (CallbackRow, Option<Lease>) {
        let HandingOn { take, taken, left_due } = &mut *self.own.handing_on.lock();
        let (row, lease) = row.taken(|| take.as_ref()?.lease(account));
        taken.extend(lease.map(|lease| (id, lease)));
        *left_due |= row.due.is_some() && lease.is_none();
        (row, lease)
    }

    /// Whether one became due that nobody took.
    pub(super) fn has_left_due(&self) -> bool {
        self.own.handing_on.lock().left_due
    }

    /// A message is accepted, for those who count.
    pub(super) fn count_accepted(&self, carrier: &CarrierId, account: &AccountName) {
        self.own.counted.lock().accepted.push((carrier.clone(), account.clone()));
    }

    /// The state of a message changes, for those who count.
    pub(super) fn count_written(&self, effects: &Effects) {
        if effects.message.state.is_none_or(|change| change.state == effects.before.state) {
            return;
        }
        let mut change = Effects::none(effects.id, effects.account.clone(), effects.before.clone());
        change.message.state = effects.message.state;
        self.own.counted.lock().written.push(change);
    }

    /// The rows for these values. What a statement that locks or writes has done is undone with the transaction only.
    pub(super) async fn read(
        &self,
        statement: &'static Statement,
        values: Vec<PgValue>,
    ) -> BatchResult<Vec<Row>> {
        if self.shared.is_beaten(self.own.number) {
            return Err(BatchFault::Deferred);
        }
        if statement.writes
            && let Some(rank) = self.shared.ranks.get(self.own.number)
        {
            rank.has_written.store(true, Ordering::Relaxed);
        }
        let (reply, answer) = oneshot::channel();
        self.shared.reads.lock().push(Read { statement, values, reply });
        answer.await.map_err(|_| BatchFault::Abandoned)
    }

    /// The one row for these values, if there is one.
    pub(super) async fn read_one(
        &self,
        statement: &'static Statement,
        values: Vec<PgValue>,
    ) -> BatchResult<Option<Row>> {
        Ok(self.read(statement, values).await?.into_iter().next())
    }

    /// Leaves something to be written with the commit.
    pub(super) fn write(&self, statement: &'static Statement, values: Vec<PgValue>) {
        self.own.writes.lock().push(Write { statement, values });
    }

    /// The answer rests on what was read: it is given after a commit of its own, behind which what was read is durable.
    pub(super) fn answer_after_commit(&self) {
        self.own.must_commit.store(true, Ordering::Relaxed);
    }

    /// Claims something for this operation alone.
    ///
    /// # Errors
    /// [`BatchFault::Deferred`] when another of the batch has a claim on it that was handed in before.
    pub(super) fn claim(&self, claim: BatchClaim) -> BatchResult<()> {
        let number = self.own.number;
        match self.shared.claims.lock().entry(claim) {
            Entry::Vacant(free) => drop(free.insert(Holder::One(number))),
            Entry::Occupied(mut held) => {
                let others: Vec<usize> = held.get().others(number).collect();
                if !self.shared.beat(number, &others) {
                    return Err(BatchFault::Deferred);
                }
                held.insert(Holder::One(number));
            }
        }
        Ok(())
    }

    /// The same for what can be left to another, whichever was handed in first; whether it has it.
    pub(super) fn try_claim(&self, claim: BatchClaim) -> bool {
        let mut claims = self.shared.claims.lock();
        let holder = claims.entry(claim).or_insert(Holder::One(self.own.number));
        matches!(holder, Holder::One(number) if *number == self.own.number)
    }

    /// Claims something beside others that do.
    ///
    /// # Errors
    /// [`BatchFault::Deferred`] when another of the batch has it alone that was handed in before.
    pub(super) fn share(&self, claim: BatchClaim) -> BatchResult<()> {
        let number = self.own.number;
        match self.shared.claims.lock().entry(claim).or_insert_with(|| Holder::Many(Vec::new())) {
            Holder::Many(all) => all.push(number),
            Holder::One(one) if *one == number => {}
            holder @ Holder::One(_) => {
                let others: Vec<usize> = holder.others(number).collect();
                if !self.shared.beat(number, &others) {
                    return Err(BatchFault::Deferred);
                }
                *holder = Holder::Many(vec![number]);
            }
        }
        Ok(())
    }

    /// Whether there is room for this.
    pub(super) fn has_room(&self, demand: Demand) -> BatchResult<()> {
        Ok(demand.may_be_met(self.shared.is_full, None)?)
    }

    /// Whether the store is short of space.
    pub(super) fn is_short_of_space(&self) -> bool {
        self.shared.is_full
    }

    /// Whether it was tried before, and nobody knows whether that was carried out.
    pub(super) fn is_again(&self) -> bool {
        self.own.is_again
    }

    /// Where ids come from.
    pub(super) fn ids(&self) -> &Ids {
        &self.shared.ids
    }
}

/// One operation of a batch.
pub(super) trait Job: Send {
    /// Begins it, anew if it was begun before.
    fn start(&mut self, tx: BatchTx);
    /// Goes on with it, till it waits for an answer or is done.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()>;
    /// What it failed with, once it is done.
    fn fault(&mut self) -> Option<&mut BatchFault>;
    /// That it is about to be made durable: from now on its outcome may be unknown. `false`: nobody waits for it any more, and it is
    /// left out.
    fn send(&self) -> bool;
    /// That it was not made durable after all.
    fn unsend(&self);
    /// It comes again in the next batch, whatever became of it in this one.
    fn defer(&mut self);
    /// It failed for this reason.
    fn fail(&mut self, error: StoreError);
    /// Answers.
    fn answer(self: Box<Self>);
    /// Whether it may be done again when nobody knows whether it was.
    fn may_repeat(&self) -> bool;
    /// Whether nobody knows whether it was done.
    fn is_again(&self) -> bool;
    /// Notes that.
    fn set_again(&mut self);
    /// About how many bytes it writes.
    fn weight(&self) -> usize;
    /// What kind of operation it is, and whether it was done.
    fn outcome(&self) -> (Transaction, bool);
}

/// The future of an operation.
pub(super) type Going<T> = Pin<Box<dyn Future<Output = BatchResult<T>> + Send>>;

/// Why a batch was not committed.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The server refused something, or cannot be reached. Nothing was written.
    Refused(tokio_postgres::Error),
    /// A partition that is needed cannot be made. Nothing was written.
    Partition(ConnectFault),
    /// An operation has to be undone after it wrote something in the middle. Nothing was written.
    Undone,
    /// The connection broke, or the standby did not confirm. Whether it was written is unknown.
    Unknown,
    /// The server took too long for reading. Nothing was written.
    Slow,
}

impl From<tokio_postgres::Error> for Trouble {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Refused(error)
    }
}

/// Runs a batch, in which each lock is waited for no longer than `patience`. Once it is committed, each of its jobs has an outcome.
pub(super) async fn run(
    session: &Session,
    partitions: &Partitions,
    ids: &Arc<Ids>,
    is_full: bool,
    patience: Duration,
    jobs: &mut [Box<dyn Job>],
) -> std::result::Result<(), Trouble> {
    let begin = format!("BEGIN; SET LOCAL lock_timeout = '{}ms'", patience.as_millis());
    let shared = Arc::new(Shared {
        reads: Mutex::new(Vec::new()),
        claims: Mutex::new(HashMap::new()),
        ranks: jobs.iter().map(|_| Rank::default()).collect(),
        ids: Arc::clone(ids),
        is_full,
    });
    let mut owns = Vec::with_capacity(jobs.len());
    for (number, job) in jobs.iter_mut().enumerate() {
        let own = Arc::new(Own {
            number,
            writes: Mutex::new(Vec::new()),
            handing_on: Mutex::default(),
            counted: Mutex::default(),
            must_commit: AtomicBool::new(false),
            is_again: job.is_again(),
        });
        job.start(BatchTx { shared: Arc::clone(&shared), own: Arc::clone(&own) });
        owns.push(own);
    }
    let mut is_open = false;
    let decided = decide(session, &shared, jobs, &mut is_open, &begin).await;
    jobs.iter_mut()
        .enumerate()
        .filter(|(number, _)| shared.is_beaten(*number))
        .for_each(|(_, job)| job.defer());
    if let Err(trouble) = decided.and_then(|()| undone(&shared, jobs)) {
        // One that is slow is given up with its connection, which undoes it as well.
        if is_open && !matches!(trouble, Trouble::Slow) {
            session.roll_back().await;
        }
        return Err(trouble);
    }
    finish(session, partitions, &shared, &owns, jobs, (!is_open).then_some(&*begin)).await?;
    for (own, job) in owns.iter().zip(jobs.iter_mut()) {
        if job.fault().is_none() {
            count(&ids.counts, &own.counted.lock());
        }
    }
    Ok(())
}

fn count(counts: &Mutex<StateCounts>, counted: &Counted) {
    if counted.accepted.is_empty() && counted.written.is_empty() {
        return;
    }
    let mut counts = counts.lock();
    counted.accepted.iter().for_each(|(carrier, account)| counts.accepted(carrier, account));
    counted.written.iter().for_each(|effects| counts.written(effects));
    counts.commit();
}

/// Whether an operation failed after it wrote something.
fn undone(shared: &Shared, jobs: &mut [Box<dyn Job>]) -> std::result::Result<(), Trouble> {
    for (number, job) in jobs.iter_mut().enumerate() {
        let has_written = shared.has_written(number);
        if let Some(fault) = job.fault()
            && (has_written || matches!(fault, BatchFault::Undo(_)))
        {
            if let BatchFault::Store(error) = fault {
                *fault = BatchFault::Undo(error.clone());
            }
            return Err(Trouble::Undone);
        }
    }
    Ok(())
}

/// Lets all of them decide.
async fn decide(
    session: &Session,
    shared: &Shared,
    jobs: &mut [Box<dyn Job>],
    is_open: &mut bool,
    begin: &str,
) -> std::result::Result<(), Trouble> {
    let mut going = vec![true; jobs.len()];
    loop {
        let asked = std::future::poll_fn(|context| {
            let mut waits = false;
            for (job, going) in jobs.iter_mut().zip(&mut going) {
                if *going {
                    *going = job.poll(context).is_pending();
                    waits |= *going;
                }
            }
            let asked = std::mem::take(&mut *shared.reads.lock());
            if asked.is_empty() && waits { Poll::Pending } else { Poll::Ready(asked) }
        })
        .await;
        if asked.is_empty() {
            return Ok(());
        }
        let begins = !std::mem::replace(is_open, true);
        let flight = read_all(session, asked, begins.then_some(begin));
        tokio::time::timeout(READING, flight).await.map_err(|_| Trouble::Slow)??;
    }
}

/// Many values of one statement, parameter by parameter.
type Columns<'a> = Vec<Vec<&'a PgValue>>;

fn columns<'a>(statement: &Statement, rows: impl Iterator<Item = &'a [PgValue]>) -> Columns<'a> {
    let mut columns: Columns<'a> = statement.takes.iter().map(|_| Vec::new()).collect();
    for row in rows {
        for (column, value) in columns.iter_mut().zip(row) {
            column.push(value);
        }
    }
    columns
}

fn parameters<'a>(columns: &'a Columns<'a>) -> Vec<&'a (dyn ToSql + Sync)> {
    columns.iter().map(|column| column as &(dyn ToSql + Sync)).collect()
}

/// One flight: what is asked for, each statement once. The order is that of the catalogue, and within a statement that of the values, so
/// that locks are taken in one order everywhere.
async fn read_all(
    session: &Session,
    asked: Vec<Read>,
    begin: Option<&str>,
) -> std::result::Result<(), tokio_postgres::Error> {
    let mut groups: BTreeMap<usize, Vec<Read>> = BTreeMap::new();
    for read in asked {
        groups.entry(read.statement.rank).or_default().push(read);
    }
    let mut prepared = Vec::new();
    for reads in groups.values_mut() {
        reads.sort_by(|one, other| one.values.cmp(&other.values));
        if let Some(first) = reads.first() {
            let columns = columns(first.statement, reads.iter().map(|read| read.values.as_slice()));
            prepared.push((session.prepared(first.statement).await?, columns));
        }
    }
    let parameters: Vec<_> =
        prepared.iter().map(|(statement, columns)| (statement, parameters(columns))).collect();
    let begin = begin_as(session, begin);
    let queries = join_all(
        parameters.iter().map(|(statement, parameters)| session.client.query(*statement, parameters)),
    );
    // Polled in this order, and so sent in it.
    let (begun, answers) = tokio::join!(biased; begin, queries);
    begun?;
    let answers: Vec<Vec<Row>> = answers.into_iter().collect::<std::result::Result<_, _>>()?;
    drop(parameters);
    drop(prepared);
    for (reads, rows) in groups.into_values().zip(answers) {
        hand_out(reads, rows)?;
    }
    Ok(())
}

/// Begins the transaction, where it has not begun.
async fn begin_as(session: &Session, begin: Option<&str>) -> std::result::Result<(), tokio_postgres::Error> {
    match begin {
        Some(begin) => session.client.batch_execute(begin).await,
        None => Ok(()),
    }
}

/// Gives each row to the job that asked for it, which is told by its column `n`, with what the row says was written.
fn hand_out(reads: Vec<Read>, rows: Vec<Row>) -> std::result::Result<(), tokio_postgres::Error> {
    let mut lots: Vec<Vec<Row>> = reads.iter().map(|_| Vec::new()).collect();
    let keys: HashMap<_, _> = match reads.first().is_some_and(|read| read.statement.writes) {
        true => {
            reads.iter().enumerate().filter_map(|(number, read)| Some((seen_key(read)?, number))).collect()
        }
        false => HashMap::new(),
    };
    for row in rows {
        let lot = if keys.is_empty() {
            let number: i64 = row.try_get("n")?;
            usize::try_from(number).ok().and_then(|number| number.checked_sub(1))
        } else {
            let key: &[u8] = row.try_get("key")?;
            keys.get(&(row.try_get("bucket")?, Bytes::copy_from_slice(key), row.try_get("id")?)).copied()
        };
        if let Some(lot) = lot.and_then(|lot| lots.get_mut(lot)) {
            lot.push(row);
        }
    }
    for (read, lot) in reads.into_iter().zip(lots) {
        // Whoever asked may have given up.
        read.reply.send(lot).ok();
    }
    Ok(())
}

/// What tells one that is remembered from others: bucket, key and id.
fn seen_key(read: &Read) -> Option<(i64, Bytes, i64)> {
    match read.values.as_slice() {
        [PgValue::Int(Some(bucket)), PgValue::Bytes(Some(key)), _, PgValue::Int(Some(id)), ..] => {
            Some((*bucket, key.clone(), *id))
        }
        _ => None,
    }
}

/// Writes what was decided, and commits. `begin` begins the transaction, where nothing was read in one.
async fn finish(
    session: &Session,
    partitions: &Partitions,
    shared: &Shared,
    owns: &[Arc<Own>],
    jobs: &mut [Box<dyn Job>],
    begin: Option<&str>,
) -> std::result::Result<(), Trouble> {
    let mut writes: BTreeMap<usize, Vec<Write>> = BTreeMap::new();
    let mut must_commit = false;
    let mut sent = Vec::new();
    for (own, job) in owns.iter().zip(jobs.iter_mut()) {
        if job.fault().is_some() {
            continue;
        }
        let own_writes = std::mem::take(&mut *own.writes.lock());
        let has_written = shared.has_written(own.number);
        let counts = !own_writes.is_empty() || has_written;
        if counts && !job.send() {
            job.fail(StoreError::Closed);
            if has_written {
                session.roll_back().await;
                return Err(Trouble::Undone);
            }
            continue;
        }
        sent.push(own.number);
        must_commit |= counts || own.must_commit.load(Ordering::Relaxed);
        for write in own_writes {
            writes.entry(write.statement.rank).or_default().push(write);
        }
    }
    if !must_commit {
        if begin.is_none() {
            session.roll_back().await;
        }
        return Ok(());
    }
    let written = write_all(session, partitions, writes, begin).await;
    if matches!(written, Err(Trouble::Refused(_) | Trouble::Partition(_) | Trouble::Slow | Trouble::Undone)) {
        sent.iter().filter_map(|number| jobs.get(*number)).for_each(|job| job.unsend());
    }
    written
}

async fn write_all(
    session: &Session,
    partitions: &Partitions,
    mut writes: BTreeMap<usize, Vec<Write>>,
    begin: Option<&str>,
) -> std::result::Result<(), Trouble> {
    let commit = if writes.is_empty() { COMMIT_ALONE } else { "COMMIT" };
    let mut prepared = Vec::new();
    for writes in writes.values_mut() {
        writes.sort_by(|one, other| one.values.cmp(&other.values));
        if let Some(first) = writes.first() {
            let keys = writes.iter().filter_map(|write| write.values.first());
            if let Err(error) = partitions.ensure(first.statement, keys).await {
                session.roll_back().await;
                return Err(Trouble::Partition(error));
            }
            let columns = columns(first.statement, writes.iter().map(|write| write.values.as_slice()));
            prepared.push((session.prepared(first.statement).await?, columns));
        }
    }
    let parameters: Vec<_> =
        prepared.iter().map(|(statement, columns)| (statement, parameters(columns))).collect();
    session.forget_notices();
    let begin = begin_as(session, begin);
    let all = join_all(
        parameters.iter().map(|(statement, parameters)| session.client.execute(*statement, parameters)),
    );
    let commit = session.client.batch_execute(commit);
    let (begun, written, committed) = tokio::join!(biased; begin, all, commit);
    begun?;
    for one in written {
        // What follows an error is refused by the server, the commit with it.
        if let Err(error) = one {
            return Err(unknown_when_lost(error, session));
        }
    }
    if let Err(error) = committed {
        return Err(unknown_when_lost(error, session));
    }
    if session.was_wait_cancelled() { Err(Trouble::Unknown) } else { Ok(()) }
}

/// A commit that writes nothing would not wait for standbys; this one does, and stands behind all that was read.
const COMMIT_ALONE: &str = "SELECT pg_logical_emit_message(true, 'posthouse', ''); COMMIT";

fn unknown_when_lost(error: tokio_postgres::Error, session: &Session) -> Trouble {
    if is_lost(&error) || session.client.is_closed() { Trouble::Unknown } else { Trouble::Refused(error) }
}
