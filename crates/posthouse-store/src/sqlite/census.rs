//! Counts what has not ended, beside the writer: once when a store is opened to be served, and again whenever another process has written
//! to it. Meanwhile the writer goes on, and what it changes is added to what was counted.

use std::{
    fmt,
    path::PathBuf,
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use posthouse_core::{life::counts::StateCounts, lock::Mutex};
use rusqlite::{Connection, InterruptHandle};

use super::{connect::connect, queues};
use crate::error::OpenError;

/// The page cache of the connection that counts, in KiB.
const CACHE: i64 = 2 << 10;
/// Of the time, at most one part in this many is spent on counting, however often others write.
const SHARE: u32 = 20;

/// Who counts, and when.
#[derive(Debug)]
pub(super) struct Census {
    path: PathBuf,
    /// What the writer's connection says of others' commits.
    seen: Option<i64>,
    not_before: Option<Instant>,
    count: Option<Count>,
}

struct Count {
    began: Instant,
    thread: JoinHandle<()>,
    stop: InterruptHandle,
}

impl fmt::Debug for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Count").field("began", &self.began).finish_non_exhaustive()
    }
}

impl Census {
    /// Nothing is counted yet.
    pub(super) const fn of(path: PathBuf) -> Self {
        Self { path, seen: None, not_before: None, count: None }
    }

    /// Begins to count where that is needed. To be called by the writer between transactions.
    pub(super) fn look(&mut self, writer: &Connection, counts: &Arc<Mutex<StateCounts>>) {
        if let Some(count) = self.count.take_if(|count| count.thread.is_finished()) {
            self.not_before = Instant::now().checked_add(count.began.elapsed().saturating_mul(SHARE));
            count.thread.join().ok();
        }
        if self.count.is_some() || self.not_before.is_some_and(|then| Instant::now() < then) {
            return;
        }
        let version = writer.query_row("PRAGMA data_version", [], |row| row.get(0));
        if version.as_ref().ok().copied() == self.seen && self.seen.is_some() {
            return;
        }
        match self.begin(counts) {
            Ok(count) => (self.count, self.seen) = (Some(count), version.ok()),
            Err(error) => tracing::warn!(%error, "what waits in the store could not be counted"),
        }
    }

    fn begin(&self, counts: &Arc<Mutex<StateCounts>>) -> Result<Count, OpenError> {
        let began = Instant::now();
        let connection = connect(&self.path, CACHE)?;
        connection.pragma_update(None, "query_only", true)?;
        // The first read makes the snapshot, and no transaction is under way now.
        connection.execute_batch("BEGIN")?;
        connection.query_row("SELECT count(*) FROM migration", [], |_| Ok(()))?;
        counts.lock().begin_count();
        let (counts, stop) = (Arc::clone(counts), connection.get_interrupt_handle());
        let count = move || match queues::standing(&connection) {
            Ok(standing) => counts.lock().counted(&standing),
            Err(fault) => tracing::debug!(error = %fault, "a count was given up"),
        };
        let thread = thread::Builder::new().name("store-census".into()).spawn(count);
        let thread = thread.map_err(|source| OpenError::io(&self.path, source))?;
        Ok(Count { began, thread, stop })
    }

    /// Gives up a count that is under way.
    pub(super) fn shut(&mut self) {
        if let Some(Count { thread, stop, .. }) = self.count.take() {
            while !thread.is_finished() {
                stop.interrupt();
                thread::sleep(Duration::from_millis(1));
            }
            thread.join().ok();
        }
    }
}
