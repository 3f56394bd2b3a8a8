//! Writing the WAL back into the database.
//!
//! A long WAL is written back by a thread of its own while commits go on, and the writer only does what was added
//! meanwhile: a few pages, after which the WAL starts over at its beginning. Without that thread a commit would now and
//! then wait for all of it.
//!
//! SQLite syncs the database only when all of the WAL is in it, which while commits go on is so for the writer alone: everybody would wait
//! till what the thread has written is on disk as well. So the thread syncs it itself.

use std::{
    io,
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use posthouse_core::store::{ErrorCause, StoreError};
use rusqlite::Connection;

use super::{
    connect::BUSY_TIMEOUT,
    fault::{Result, StoreFault},
    place::Database,
};

/// How many commits pass between two checks of the WAL's length.
const COMMITS_PER_LOOK: u32 = 4;
/// From this many bytes of pages on the WAL is written back although the writer is busy.
const WAL_BYTES: i64 = 32 << 20;
/// How many bytes of pages are written back at a time before that, while most of what comes is new messages: all of it at once keeps commits
/// waiting for the disk. Their pages are written once. Those of messages under way are written again soon, and would go to disk each time.
const STEP_BYTES: i64 = 512 << 10;
/// What the thread leaves to the writer, if it can.
const LITTLE_BYTES: i64 = 256 << 10;
/// How often the thread goes over the WAL for that, each time for what was added in the time before.
const MOST_PASSES: u32 = 4;
/// The longest time after which the WAL, which still holds what retention threw away, is emptied, also while the writer is busy.
const EMPTY_WITHIN: Duration = Duration::from_secs(300);
/// How long emptying waits for readers that are in the way, and how long after that it is tried again.
const EMPTY_PATIENCE: Duration = Duration::from_millis(50);
const EMPTY_AGAIN: Duration = Duration::from_secs(1);

/// What the writer has to do about the WAL, and when.
#[derive(Debug)]
pub(super) struct Checkpoints {
    background: Option<Background>,
    /// Since the last look at the WAL's length.
    commits: u32,
    /// Those of them that were new messages for the most part.
    new_messages: u32,
    grew: bool,
    /// From how many pages on all of the WAL is written back.
    all_from: i64,
    /// When the WAL has to be emptied at the latest.
    empty_by: Option<Instant>,
}

impl Checkpoints {
    /// With a connection for the thread, and the file that it leads to; without one the writer does it all.
    pub(super) fn new(connection: Option<(Connection, Arc<Database>)>) -> io::Result<Self> {
        let background =
            connection.map(|(connection, database)| Background::start(connection, database)).transpose()?;
        Ok(Self { background, commits: 0, new_messages: 0, grew: false, all_from: 0, empty_by: None })
    }

    /// After a commit, `is_new` where most of it was new messages. An error means that nobody knows what is on disk; so it does below.
    pub(super) fn committed(&mut self, writer: &Connection, is_new: bool) -> Result<()> {
        self.grew = true;
        self.commits += 1;
        self.new_messages += u32::from(is_new);
        if self.empty_by.is_some_and(|by| by <= Instant::now()) {
            self.empty(writer)?;
        }
        match self.background.as_mut().and_then(Background::take) {
            Some((WriteBack::All, done)) => {
                done?;
                return checkpoint(writer, "PASSIVE").map(drop);
            }
            Some((WriteBack::Step, done)) => done?,
            None => {}
        }
        if self.commits < COMMITS_PER_LOOK {
            return Ok(());
        }
        let is_new = self.new_messages * 2 >= self.commits;
        (self.commits, self.new_messages) = (0, 0);
        self.look(writer, is_new)
    }

    /// Has the WAL written back where it is long. `is_new`: most of what came is new messages.
    fn look(&mut self, writer: &Connection, is_new: bool) -> Result<()> {
        let (wal, page) = (checkpoint(writer, "NOOP")?, page_bytes(writer)?);
        let longest = WAL_BYTES / page;
        if wal.pages <= longest {
            self.all_from = longest;
        }
        if wal.pages > self.all_from {
            if self.write_all_back(writer)? {
                // A reader may keep the WAL from starting over: then it grows as much again before that is tried again.
                self.all_from = wal.pages + longest;
            }
        } else if is_new
            && wal.left > STEP_BYTES / page
            && let Some(background) = &mut self.background
        {
            background.order(WriteBack::Step);
        }
        Ok(())
    }

    /// Whether it is begun: the thread may have something else to do.
    fn write_all_back(&mut self, writer: &Connection) -> Result<bool> {
        match &mut self.background {
            Some(background) => Ok(background.order(WriteBack::All)),
            None => checkpoint(writer, "PASSIVE").map(|_| true),
        }
    }

    /// While nobody waits.
    pub(super) fn idle(&mut self, writer: &Connection) -> Result<()> {
        if self.empty_by.is_some() {
            return self.empty(writer);
        }
        if std::mem::take(&mut self.grew) {
            checkpoint(writer, "PASSIVE")?;
        }
        Ok(())
    }

    /// Notes that the WAL holds what was thrown away: it is emptied when no job waits, or else in a while.
    pub(super) fn empty_soon(&mut self) {
        self.empty_by.get_or_insert_with(|| Instant::now() + EMPTY_WITHIN);
    }

    /// Empties the WAL, unless readers are in the way: then a moment later.
    fn empty(&mut self, writer: &Connection) -> Result<()> {
        writer.busy_timeout(EMPTY_PATIENCE)?;
        let emptied = is_emptied(writer);
        writer.busy_timeout(BUSY_TIMEOUT)?;
        self.empty_by = if emptied? { None } else { Some(Instant::now() + EMPTY_AGAIN) };
        Ok(())
    }

    /// Writes whatever the journal holds into the database that is open, because its files are not where they were. It is an error when
    /// others keep some of it from being written.
    pub(super) fn save(&self, writer: &Connection) -> Result<()> {
        match checkpoint(writer, "TRUNCATE")?.left {
            ..=0 => Ok(()),
            left => Err(StoreError::not_done(format!("{left} pages stay in the journal")).into()),
        }
    }

    /// At the end: nothing stays in the WAL.
    pub(super) fn shut(&mut self, writer: &Connection) -> Result<()> {
        if let Some(background) = self.background.take() {
            background.join();
        }
        checkpoint(writer, "TRUNCATE").map(drop)
    }
}

/// What the thread is to do.
#[derive(Clone, Copy, Debug)]
enum WriteBack {
    /// Write back what there is.
    Step,
    /// Write all back, and sync it, till little is left.
    All,
}

#[derive(Debug)]
struct Background {
    orders: Sender<WriteBack>,
    done: Receiver<(WriteBack, Result<()>)>,
    busy: bool,
    thread: JoinHandle<()>,
}

impl Background {
    fn start(connection: Connection, database: Arc<Database>) -> io::Result<Self> {
        let (orders, taken) = channel();
        let (finished, done) = channel();
        let thread = thread::Builder::new().name("store-checkpoint".into()).spawn(move || {
            for order in taken {
                let done = match order {
                    WriteBack::Step => checkpoint(&connection, "PASSIVE").map(drop),
                    WriteBack::All => write_most_back(&connection, &database),
                };
                if finished.send((order, done)).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { orders, done, busy: false, thread })
    }

    /// Whether the thread has time for it.
    fn order(&mut self, order: WriteBack) -> bool {
        let is_free = !self.busy;
        if is_free {
            self.busy = self.orders.send(order).is_ok();
        }
        is_free
    }

    fn take(&mut self) -> Option<(WriteBack, Result<()>)> {
        let done = self.done.try_recv().ok()?;
        self.busy = false;
        Some(done)
    }

    fn join(self) {
        drop(self.orders);
        self.thread.join().ok();
    }
}

/// Writes the WAL back beside the writer, and syncs what was written, till little is left.
fn write_most_back(connection: &Connection, database: &Database) -> Result<()> {
    let little = LITTLE_BYTES / page_bytes(connection)?;
    for _ in 0..MOST_PASSES {
        let left = checkpoint(connection, "PASSIVE")?.left;
        database.sync().map_err(|error| {
            StoreError::NotDone(ErrorCause::within("the database could not be synced", error))
        })?;
        if left <= little {
            break;
        }
    }
    Ok(())
}

/// Writes all of the WAL back and cuts its file; whether it could.
fn is_emptied(connection: &Connection) -> Result<bool> {
    let busy = connection
        .prepare_cached("PRAGMA wal_checkpoint(TRUNCATE)")?
        .query_row([], |row| row.get::<_, i64>(0))
        .map_err(StoreFault::Sqlite);
    match busy {
        Err(fault) if fault.is_full() || fault.is_busy() => Ok(false),
        busy => Ok(busy? == 0),
    }
}

/// How long the database's pages are.
fn page_bytes(connection: &Connection) -> Result<i64> {
    let mut pragma = connection.prepare_cached("PRAGMA page_size").map_err(StoreFault::Sqlite)?;
    Ok(pragma.query_row([], |row| row.get(0))?)
}

/// How long the WAL is, in pages.
#[derive(Clone, Copy, Debug, Default)]
struct WalLength {
    pages: i64,
    /// Those that are not in the database yet.
    left: i64,
}

/// Runs a checkpoint; how long the WAL is then. That others are in the way, or that there is no room, is no error: the
/// pages stay where they are, and none are told.
fn checkpoint(connection: &Connection, mode: &str) -> Result<WalLength> {
    let length = connection
        .prepare_cached(&format!("PRAGMA wal_checkpoint({mode})"))?
        .query_row([], |row| {
            let (pages, written_back): (i64, i64) = (row.get(1)?, row.get(2)?);
            Ok(WalLength { pages, left: pages - written_back })
        })
        .map_err(StoreFault::Sqlite);
    match length {
        Err(fault) if fault.is_full() || fault.is_busy() => Ok(WalLength::default()),
        length => length,
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::sqlite::connect::connect;

    /// A database with checkpoints, and what writes into it.
    fn opened() -> (TempDir, Connection, Checkpoints) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("posthouse.db");
        let database = Arc::new(Database::open(&path).unwrap());
        let writer = connect(&path, 1024).unwrap();
        writer.execute_batch("CREATE TABLE filled (bytes BLOB)").unwrap();
        let checkpoints = Checkpoints::new(Some((connect(&path, 1024).unwrap(), database))).unwrap();
        (folder, writer, checkpoints)
    }

    /// Commits this many bytes of new rows, some at a time; the longest that the WAL became meanwhile, and what of it was left in the end, in bytes.
    fn filled(writer: &Connection, checkpoints: &mut Checkpoints, bytes: i64, is_new: bool) -> (i64, i64) {
        const AT_A_TIME: i64 = 64 << 10;
        let (page, mut longest) = (page_bytes(writer).unwrap(), 0);
        for _ in 0..bytes / AT_A_TIME {
            writer.execute("INSERT INTO filled VALUES (zeroblob(?))", [AT_A_TIME]).unwrap();
            checkpoints.committed(writer, is_new).unwrap();
            longest = longest.max(checkpoint(writer, "NOOP").unwrap().pages);
        }
        // What the thread was told it does.
        let until = Instant::now() + Duration::from_secs(20);
        while checkpoints.background.as_ref().is_some_and(|background| background.busy) {
            assert!(Instant::now() < until, "the thread does not end");
            thread::sleep(Duration::from_millis(1));
            checkpoints.committed(writer, is_new).unwrap();
        }
        (longest * page, checkpoint(writer, "NOOP").unwrap().left * page)
    }

    #[test]
    fn new_messages_are_written_back_in_steps_and_others_all_at_once() {
        let (_folder, writer, mut checkpoints) = opened();
        let (_, left) = filled(&writer, &mut checkpoints, WAL_BYTES / 4, false);
        assert!(left >= WAL_BYTES / 4, "{left}");
        let (_, left) = filled(&writer, &mut checkpoints, WAL_BYTES / 4, true);
        assert!(left < WAL_BYTES / 8, "{left}");
        checkpoints.shut(&writer).unwrap();
    }

    #[test]
    fn a_long_wal_starts_over() {
        for is_new in [false, true] {
            let (_folder, writer, mut checkpoints) = opened();
            let (longest, left) = filled(&writer, &mut checkpoints, 5 * WAL_BYTES, is_new);
            assert!(longest < 3 * WAL_BYTES, "{longest}");
            assert!(left < 2 * WAL_BYTES, "{left}");
            checkpoints.shut(&writer).unwrap();
        }
    }

    #[test]
    fn a_wal_that_a_reader_kept_is_written_back_once_it_ends() {
        let (folder, writer, mut checkpoints) = opened();
        let reader = connect(&folder.path().join("posthouse.db"), 1024).unwrap();
        reader.execute_batch("BEGIN; SELECT count(*) FROM filled").unwrap();
        let (longest, _) = filled(&writer, &mut checkpoints, 2 * WAL_BYTES, false);
        assert!(longest >= 2 * WAL_BYTES, "{longest}");
        reader.execute_batch("COMMIT").unwrap();
        let (_, left) = filled(&writer, &mut checkpoints, WAL_BYTES, false);
        assert!(left < WAL_BYTES, "{left}");
        checkpoints.shut(&writer).unwrap();
    }
}
