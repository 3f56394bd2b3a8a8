//! What is done in a transaction, and how one job's failure is kept from the others.

use std::fmt;

use posthouse_core::{
    Id,
    account::AccountName,
    id::IdSource,
    life::{callback::CallbackRow, counts::StateCounts},
    lock::Mutex,
    store::{Demand, Lease, StoreError, Take},
};
use rusqlite::{CachedStatement, Connection, Params};
use tokio::{
    runtime::{Handle, RuntimeFlavor},
    sync::oneshot,
};

use super::{recent_keys::RecentKeys, transaction::Transaction};
use crate::{
    fault::{Result, StoreFault},
    media::segments::Segments,
};

/// What a job sees: the transaction, and what belongs to it.
pub(crate) struct Tx<'a> {
    pub(super) connection: &'a Connection,
    /// The segments; none for a visitor.
    pub(crate) segments: Option<&'a mut Segments>,
    /// Where the ids of callbacks come from.
    pub(crate) callback_ids: &'a mut IdSource,
    /// Whether free space is below the low-water mark.
    pub(crate) short_of_space: bool,
    /// Why nothing new is taken, when some of the store's files are gone: what is stored goes on.
    pub(crate) lost: Option<StoreError>,
    /// Why no media can be written at present, if so.
    pub(crate) media_refused: Option<StoreError>,
    /// Where it is told how messages come and go, if anybody counts them.
    pub(crate) counts: Option<&'a Mutex<StateCounts>>,
    /// Whether it is noted what ends, for CDR files.
    pub(super) keeps_records: bool,
    /// What recent messages are found by; `None` where nobody keeps that in memory.
    pub(super) recent: Option<&'a Mutex<RecentKeys>>,
    /// What takes callbacks that become due, and which it took.
    pub(super) handing_on: HandingOn,
    /// What is to be done once it is committed.
    pub(crate) left: Left,
}

/// The callbacks that become due in an operation, and what takes them.
#[derive(Default)]
pub(super) struct HandingOn {
    /// What takes them.
    pub(super) take: Take,
    /// What it took.
    pub(super) taken: Vec<(Id, Lease)>,
    /// Whether one became due that it did not take.
    pub(super) left_due: bool,
}

/// What a transaction leaves to be done once it is committed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Left {
    /// Media in segments were thrown away: some may be needed no more.
    pub(crate) freed: bool,
    /// Rows were thrown away whose content is not to stay anywhere: it is in the journal till that is emptied.
    pub(crate) erased: bool,
}

impl<'a> Tx<'a> {
    /// What a job sees of an open transaction.
    pub(crate) fn new(
        connection: &'a Connection,
        segments: Option<&'a mut Segments>,
        callback_ids: &'a mut IdSource,
        short_of_space: bool,
    ) -> Self {
        Self {
            connection,
            segments,
            callback_ids,
            short_of_space,
            lost: None,
            media_refused: None,
            counts: None,
            keeps_records: false,
            recent: None,
            handing_on: HandingOn::default(),
            left: Left::default(),
        }
    }

    /// How a callback of this account stands that was to stand so: under the lease of its new owner, if it is due and there is one.
    pub(super) fn hand_on(&mut self, id: Id, account: &AccountName, row: CallbackRow) -> CallbackRow {
        let HandingOn { take, taken, left_due } = &mut self.handing_on;
        let (row, lease) = row.taken(|| take.as_ref()?.lease(account));
        taken.extend(lease.map(|lease| (id, lease)));
        *left_due |= row.due.is_some() && lease.is_none();
        row
    }

    /// Whether there is room for this.
    pub(crate) fn has_room(&self, demand: Demand) -> Result<()> {
        Ok(demand.may_be_met(self.short_of_space, self.lost.as_ref())?)
    }

    /// Tells of a message that comes, or whose state changes, where somebody counts.
    pub(crate) fn count(&self, tell: impl FnOnce(&mut StateCounts)) {
        if let Some(counts) = self.counts {
            tell(&mut counts.lock());
        }
    }

    /// A prepared statement, kept for the next time.
    pub(crate) fn prepare(&self, sql: &str) -> Result<CachedStatement<'a>> {
        Ok(self.connection.prepare_cached(sql)?)
    }

    /// Runs a statement; how many rows it touched.
    pub(crate) fn execute(&self, sql: &str, values: impl Params) -> Result<usize> {
        Ok(self.prepare(sql)?.execute(values)?)
    }

    /// Runs a statement that has to change exactly one row: that of `table` whose key is `key`, which this transaction knows to be there.
    /// Anything else says that rows do not belong together any more, and is [`StoreError::Corrupt`].
    pub(crate) fn update_one(
        &self,
        (table, key): (&'static str, impl fmt::Display),
        sql: &str,
        values: impl Params,
    ) -> Result<()> {
        match self.execute(sql, values)? {
            1 => Ok(()),
            changed => {
                let place = format!("row {key} of {table}");
                let what = format!("{changed} rows were changed, and not one");
                Err(StoreError::Corrupt { place, what }.into())
            }
        }
    }
}

/// One operation in the queue.
pub(super) trait WriteJob: Send {
    /// Does it, within the transaction; once more, after a transaction in which it was done is undone.
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<()>;
    /// Its effect was undone for this reason.
    fn fail(&mut self, error: StoreError);
    /// What kind of transaction it is, and whether it was done.
    fn outcome(&self) -> (Transaction, bool);
    /// The runtime of one thread on which somebody waits for the answer, if it is such a one.
    fn home(&self) -> Option<&Handle>;
    /// Answers, after the commit.
    fn answer(self: Box<Self>);
}

/// A job whose answer somebody waits for.
pub(super) struct Task<T, F> {
    transaction: Transaction,
    work: F,
    done: Result<T, StoreError>,
    home: Option<Handle>,
    reply: oneshot::Sender<Done<T, F>>,
}

/// What came of a job, and the job itself: the caller drops it, so that its memory goes back to where it came from and costs the
/// writer nothing.
pub(super) type Done<T, F> = (Result<T, StoreError>, F);

impl<T, F> Task<T, F> {
    /// A job and where its answer goes. To be called where that is waited for.
    pub(super) fn new(transaction: Transaction, work: F, reply: oneshot::Sender<Done<T, F>>) -> Self {
        let has_one_thread = |home: &Handle| matches!(home.runtime_flavor(), RuntimeFlavor::CurrentThread);
        let home = Handle::try_current().ok().filter(has_one_thread);
        Self { transaction, work, done: Err(StoreError::Closed), home, reply }
    }
}

impl<T, F> WriteJob for Task<T, F>
where
    T: Send,
    F: Fn(&mut Tx<'_>) -> Result<T> + Send,
{
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<()> {
        self.done = Ok((self.work)(tx)?);
        Ok(())
    }

    fn fail(&mut self, error: StoreError) {
        self.done = Err(error);
    }

    fn outcome(&self) -> (Transaction, bool) {
        (self.transaction, self.done.is_ok())
    }

    fn home(&self) -> Option<&Handle> {
        self.home.as_ref()
    }

    fn answer(self: Box<Self>) {
        // The caller may have gone; what was done stays done.
        self.reply.send((self.done, self.work)).ok();
    }
}

/// Jobs that are answered when this is dropped, whoever drops it.
struct Answers(Vec<Box<dyn WriteJob>>);

impl Drop for Answers {
    fn drop(&mut self) {
        self.0.drain(..).for_each(WriteJob::answer);
    }
}

/// Answers the jobs of a group. A runtime of one thread would be woken from outside once for each of them, by a system call: so a task
/// of that runtime answers those that wait there, and it is woken once. A runtime that is shut down drops the task, and that answers too.
pub(super) fn answer_all(group: Vec<Box<dyn WriteJob>>) {
    let Some(home) = group.iter().find_map(|job| job.home()).cloned() else {
        return drop(Answers(group));
    };
    let (there, elsewhere): (Vec<_>, Vec<_>) =
        group.into_iter().partition(|job| job.home().is_some_and(|other| other.id() == home.id()));
    drop(Answers(elsewhere));
    let there = Answers(there);
    if there.0.len() > 1 {
        home.spawn(async move { drop(there) });
    }
}

/// Runs a job that fails alone: what it did is undone to its savepoint. An error is one of the whole transaction's.
pub(super) fn run_alone(tx: &mut Tx<'_>, job: &mut dyn WriteJob) -> Result<()> {
    tx.execute("SAVEPOINT job", [])?;
    let mark = tx.counts.map(|counts| counts.lock().mark());
    if let Err(fault) = job.run(tx) {
        if tx.connection.is_autocommit() {
            return Err(fault);
        }
        tx.execute("ROLLBACK TO job", [])?;
        tx.count(|counts| counts.undo_to(mark.unwrap_or(0)));
        job.fail(fault.into());
    }
    tx.execute("RELEASE job", [])?;
    Ok(())
}

/// Runs a job without a savepoint, which costs less, for it rarely fails and mostly before it did anything. What it
/// failed with in the middle, when only undoing the whole transaction undoes it.
pub(super) fn run_in_company(tx: &mut Tx<'_>, job: &mut dyn WriteJob) -> Result<Option<StoreFault>> {
    let before = tx.connection.total_changes();
    let Err(fault) = job.run(tx) else {
        return Ok(None);
    };
    if tx.connection.is_autocommit() {
        return Err(fault);
    }
    if tx.connection.total_changes() != before {
        return Ok(Some(fault));
    }
    job.fail(fault.into());
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Answer = oneshot::Receiver<Done<usize, fn(&mut Tx<'_>) -> Result<usize>>>;

    /// As many jobs that are handed in here, and where their answers come.
    fn jobs(count: usize) -> (Vec<Box<dyn WriteJob>>, Vec<Answer>) {
        let job = |_| {
            let (reply, answer) = oneshot::channel();
            let work: fn(&mut Tx<'_>) -> Result<usize> = |_| Ok(0);
            (Box::new(Task::new(Transaction::Check, work, reply)) as Box<dyn WriteJob>, answer)
        };
        (0..count).map(job).unzip()
    }

    fn answered(answers: &mut [Answer]) -> usize {
        answers.iter_mut().filter_map(|answer| answer.try_recv().ok()).count()
    }

    fn one_thread() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().build().unwrap()
    }

    #[test]
    fn who_waits_on_a_runtime_of_one_thread_is_answered_by_a_task_of_it() {
        let (one, other) = (one_thread(), one_thread());
        let (mut group, mut there) = one.block_on(async { jobs(3) });
        let (more, mut elsewhere) = other.block_on(async { jobs(2) });
        let (most, mut nowhere) = jobs(2);
        group.extend(more);
        group.extend(most);
        answer_all(group);
        assert_eq!((answered(&mut there), answered(&mut elsewhere), answered(&mut nowhere)), (0, 2, 2));
        one.block_on(tokio::task::yield_now());
        assert_eq!(answered(&mut there), 3);
    }

    #[test]
    fn who_waits_on_a_runtime_that_is_shut_down_is_answered() {
        let one = one_thread();
        let (before, mut queued) = one.block_on(async { jobs(2) });
        let (after, mut late) = one.block_on(async { jobs(2) });
        answer_all(before);
        assert_eq!(answered(&mut queued), 0);
        drop(one);
        answer_all(after);
        assert_eq!((answered(&mut queued), answered(&mut late)), (2, 2));
    }

    #[test]
    fn a_row_that_is_changed_has_to_be_there_once() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE work (id INTEGER, due INTEGER) STRICT").unwrap();
        connection.execute_batch("INSERT INTO work VALUES (1, 10), (2, 10), (2, 10)").unwrap();
        let mut ids = IdSource::new(0, None);
        let tx = Tx::new(&connection, None, &mut ids, false);
        let put_off = |id: i64| tx.update_one(("work", id), "UPDATE work SET due = 20 WHERE id = ?", [id]);
        assert!(put_off(1).is_ok());
        for (id, changed) in [(2, 2), (3, 0)] {
            let error = put_off(id).unwrap_err().to_string();
            assert_eq!(
                error,
                format!("row {id} of work cannot be read: {changed} rows were changed, and not one")
            );
        }
    }
}
