//! Writing the WAL back into the database.
//!
//! A long WAL is written back by a thread of its own while commits go on, and the writer only does what was added
//! meanwhile: a few pages, after which the WAL starts over at its beginning. Without that thread a commit would now and
//! then wait for all of it.

use std::{
    io,
    sync::mpsc::{Receiver, Sender, channel},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use posthouse_core::store::StoreError;
use rusqlite::Connection;

use super::{
    connect::BUSY_TIMEOUT,
    fault::{Result, StoreFault},
};

/// How many commits pass between two checks of the WAL's length.
const COMMITS_PER_LOOK: u64 = 16;
/// From this many bytes of pages on the WAL is written back although the writer is busy.
const WAL_BYTES: i64 = 32 << 20;
/// The longest time after which the WAL, which still holds what retention threw away, is emptied, also while the writer is busy.
const EMPTY_WITHIN: Duration = Duration::from_secs(300);
/// How long emptying waits for readers that are in the way, and how long after that it is tried again.
const EMPTY_PATIENCE: Duration = Duration::from_millis(50);
const EMPTY_AGAIN: Duration = Duration::from_secs(1);

/// What the writer has to do about the WAL, and when.
#[derive(Debug)]
pub(super) struct Checkpoints {
    background: Option<Background>,
    commits: u64,
    grew: bool,
    /// When the WAL has to be emptied at the latest.
    empty_by: Option<Instant>,
}

impl Checkpoints {
    /// With a connection for the thread; without one the writer does it all.
    pub(super) fn new(connection: Option<Connection>) -> io::Result<Self> {
        let background = connection.map(Background::start).transpose()?;
        Ok(Self { background, commits: 0, grew: false, empty_by: None })
    }

    /// After a commit. An error means that nobody knows what is on disk; so it does below.
    pub(super) fn committed(&mut self, writer: &Connection) -> Result<()> {
        self.grew = true;
        self.commits += 1;
        if self.empty_by.is_some_and(|by| by <= Instant::now()) {
            self.empty(writer)?;
        }
        if let Some(done) = self.background.as_mut().and_then(Background::take) {
            done?;
            return checkpoint(writer, "PASSIVE").map(drop);
        }
        if self.commits.is_multiple_of(COMMITS_PER_LOOK)
            && checkpoint(writer, "NOOP")? > WAL_BYTES / page_bytes(writer)?
        {
            return self.write_back(writer);
        }
        Ok(())
    }

    fn write_back(&mut self, writer: &Connection) -> Result<()> {
        match &mut self.background {
            Some(background) => background.order(),
            None => checkpoint(writer, "PASSIVE").map(drop)?,
        }
        Ok(())
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
        match checkpoint(writer, "TRUNCATE")? {
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

#[derive(Debug)]
struct Background {
    orders: Sender<()>,
    done: Receiver<Result<()>>,
    busy: bool,
    thread: JoinHandle<()>,
}

impl Background {
    fn start(connection: Connection) -> io::Result<Self> {
        let (orders, taken) = channel();
        let (finished, done) = channel();
        let thread = thread::Builder::new().name("store-checkpoint".into()).spawn(move || {
            for () in taken {
                if finished.send(checkpoint(&connection, "PASSIVE").map(drop)).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { orders, done, busy: false, thread })
    }

    fn order(&mut self) {
        if !self.busy {
            self.busy = self.orders.send(()).is_ok();
        }
    }

    fn take(&mut self) -> Option<Result<()>> {
        let done = self.done.try_recv().ok()?;
        self.busy = false;
        Some(done)
    }

    fn join(self) {
        drop(self.orders);
        self.thread.join().ok();
    }
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

/// Runs a checkpoint; how many pages it left. That others are in the way, or that there is no room, is no error: the
/// pages stay where they are.
fn checkpoint(connection: &Connection, mode: &str) -> Result<i64> {
    let left = connection
        .prepare_cached(&format!("PRAGMA wal_checkpoint({mode})"))?
        .query_row([], |row| Ok(row.get::<_, i64>(1)? - row.get::<_, i64>(2)?))
        .map_err(StoreFault::Sqlite);
    match left {
        Err(fault) if fault.is_full() || fault.is_busy() => Ok(0),
        left => left,
    }
}
