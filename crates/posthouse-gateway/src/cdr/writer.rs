//! Writes records of what ended into files, a batch at a time.

use std::{
    io,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use jiff::Timestamp;
use posthouse_core::{
    cdr::{CdrNumbers, CdrRecord},
    store::{CdrFile, PendingRecord, RecordsOf, Store, StoreError},
    time::Clock,
};
use tokio::{
    task::spawn_blocking,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

use super::folder::{CdrFolder, OpenFile};
use crate::{node::ClusterNode, telemetry::CdrState};

/// How many records are written at a time.
const BATCH: usize = 500;
/// How often it is looked for more, when there was none.
const EVERY: Duration = Duration::from_secs(1);
/// How long is waited after a failure.
const AFTER_TROUBLE: Duration = Duration::from_secs(5);
/// How often it is looked for what other nodes left.
const LOOK_FOR_LEFT: Duration = Duration::from_secs(60);
/// What no node has written for so long is any node's.
const LEFT_AFTER: Duration = Duration::from_secs(600);

/// What keeps a batch from being written.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("the CDR folder cannot be written")]
    Folder(#[from] io::Error),
    #[error("the store does not say what is to be written")]
    Store(#[from] StoreError),
    /// Another node wrote some of it. What was appended is undone.
    #[error("another node was faster")]
    Overtaken,
}

/// What is written, and how far.
#[derive(Debug)]
struct Written {
    noted: Option<CdrFile>,
    open: Option<OpenFile>,
}

/// Writes records till the gateway stops.
pub(crate) struct CdrWriter {
    /// Where it is noted what ended.
    pub(crate) store: Arc<dyn Store>,
    /// The time, for names of files.
    pub(crate) clock: Arc<dyn Clock>,
    /// Which node this is.
    pub(crate) node: Arc<ClusterNode>,
    /// Where the files go.
    pub(crate) folder: Arc<CdrFolder>,
    /// How numbers are written.
    pub(crate) numbers: CdrNumbers,
    /// How it is, for metrics.
    pub(crate) state: Arc<CdrState>,
}

impl CdrWriter {
    /// Writes till `stop`, and then closes the file. What ends later is written by the next run.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut written = None;
        let mut looked = None;
        loop {
            let wait = match self.step(&mut written, &mut looked).await {
                Ok(records) => {
                    self.is_well();
                    if records >= BATCH { Duration::ZERO } else { EVERY }
                }
                Err(trouble) => {
                    written = None;
                    self.is_in_trouble(&trouble)
                }
            };
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = sleep(wait) => {}
            }
        }
        if let Some(Written { open: Some(file), .. }) = written
            && let Err(error) = self.on_disk(move |folder| folder.close(&file)).await
        {
            tracing::warn!(%error, "a CDR file is closed at the next start");
        }
    }

    /// Writes one batch; how many records it has.
    async fn step(
        &self,
        written: &mut Option<Written>,
        looked: &mut Option<Instant>,
    ) -> Result<usize, Trouble> {
        let now = self.clock.now();
        let current = match written {
            Some(current) => current,
            None => written.insert(self.recover().await?),
        };
        if current.open.as_ref().is_some_and(|file| file.is_over(now))
            && let Some(file) = current.open.take()
        {
            self.on_disk(move |folder| folder.close(&file)).await?;
        }
        let records = self.pending(now, looked).await?;
        if records.is_empty() {
            return Ok(0);
        }
        self.append(current, &records, now).await?;
        Ok(records.len())
    }

    /// Takes up what an earlier run, or a failure, left.
    async fn recover(&self) -> Result<Written, Trouble> {
        let noted = self.store.cdr_file(self.folder.name()).await?;
        let known = noted.clone();
        self.on_disk(move |folder| folder.recover(known.as_ref())).await?;
        Ok(Written { noted, open: None })
    }

    async fn pending(
        &self,
        now: Timestamp,
        looked: &mut Option<Instant>,
    ) -> Result<Vec<PendingRecord>, Trouble> {
        let own = self.store.pending_records(RecordsOf::Node(self.node.number()), BATCH).await?;
        if !own.is_empty() || looked.is_some_and(|at| at.elapsed() < LOOK_FOR_LEFT) {
            return Ok(own);
        }
        let before = now.checked_sub(LEFT_AFTER).unwrap_or(Timestamp::MIN);
        let left = self.store.pending_records(RecordsOf::Before(before), BATCH).await?;
        // While there is more of it, it is looked for again.
        if left.len() < BATCH {
            *looked = Some(Instant::now());
        }
        Ok(left)
    }

    async fn append(
        &self,
        current: &mut Written,
        records: &[PendingRecord],
        now: Timestamp,
    ) -> Result<(), Trouble> {
        let lines = self.lines(records)?;
        let open = current.open.take();
        let appended = self.on_disk(move |folder| {
            let mut file = match open {
                Some(file) => file,
                None => folder.begin(now)?,
            };
            file.append(&lines)?;
            Ok(file)
        });
        let file = appended.await?;
        let to =
            CdrFile { folder: self.folder.name().to_owned(), file: file.name.clone(), length: file.length };
        let ids: Vec<_> = records.iter().map(|record| record.id).collect();
        if !self.store.records_written(&ids, current.noted.as_ref(), &to).await? {
            return Err(Trouble::Overtaken);
        }
        self.state.written.fetch_add(ids.len() as u64, Ordering::Relaxed);
        *current = Written { noted: Some(to), open: Some(file) };
        Ok(())
    }

    fn lines(&self, records: &[PendingRecord]) -> io::Result<Vec<u8>> {
        let mut lines = Vec::with_capacity(records.len() * 512);
        for pending in records {
            serde_json::to_writer(&mut lines, &CdrRecord::new(pending, self.numbers))?;
            lines.push(b'\n');
        }
        Ok(lines)
    }

    /// Does something that blocks.
    async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&CdrFolder) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let folder = Arc::clone(&self.folder);
        spawn_blocking(move || work(&folder)).await.map_err(io::Error::other)?
    }

    fn is_well(&self) {
        if self.state.is_failing.swap(false, Ordering::Relaxed) {
            tracing::info!("CDR files are written again");
        }
    }

    /// How long is waited after it. It is said once.
    fn is_in_trouble(&self, trouble: &Trouble) -> Duration {
        if matches!(trouble, Trouble::Overtaken) {
            return Duration::ZERO;
        }
        if !self.state.is_failing.swap(true, Ordering::Relaxed) {
            let error = std::error::Error::source(trouble).map(ToString::to_string).unwrap_or_default();
            let folder = self.folder.path().display();
            tracing::warn!(
                %folder,
                error,
                "{trouble}: records are kept in the store till it can; make room there, or mend the folder of [cdr]"
            );
        }
        AFTER_TROUBLE
    }
}
