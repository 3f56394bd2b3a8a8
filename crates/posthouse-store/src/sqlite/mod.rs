//! The embedded backend: one SQLite database and a folder of segment files.
//!
//! | file | what it does |
//! |---|---|
//! | `open.rs`, `schema.rs`, `options.rs` | opening, migrations |
//! | `writer.rs` `queue.rs` `job.rs` `pace.rs` `checkpoint.rs` | the one thread that writes, group commit |
//! | `place.rs` `watch.rs` | whose the files are, and whether they are still there |
//! | `reader.rs` | the read pool |
//! | `accept.rs` `work.rs` `mo.rs` `report.rs` `callback.rs` `provisioning.rs` `sweep.rs` | what happens within a transaction |
//! | `unreadable.rs` | what carriers posted and nobody can read |
//! | `intervene.rs` | what an operator does by hand |
//! | `load.rs` `write.rs` | what the rules of a message's life (`posthouse_core::life`) have to know, and what they decided |
//! | `waiting.rs` | reports and read replies whose message is not known |
//! | `clock.rs` | what is known of the time |
//! | `due.rs` `search.rs` | what is read |
//! | `record.rs` | rows that cannot be read |

mod accept;
#[cfg(test)]
mod backlog;
mod callback;
mod checkpoint;
mod clock;
mod due;
mod intervene;
mod job;
mod load;
mod mo;
mod open;
mod options;
mod pace;
mod place;
mod provisioning;
mod queue;
mod reader;
mod record;
mod report;
mod schema;
mod search;
mod sweep;
mod unreadable;
mod waiting;
mod watch;
mod work;
mod write;
mod writer;

use std::sync::{Arc, atomic::Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use posthouse_core::{
    Id,
    account::AccountName,
    carrier::CarrierId,
    life::intervention::{FailedCallback, FailedFilter, Intervention, Ruling},
    life::read_reply::CarrierReadReply,
    message::{CarrierReport, Digest, StoredMessage, TimelineEvent},
    provisioning::{Change, Provisioning},
    store::{
        Acceptance, Callback, CallbackOutcome, ClockMarks, Due, Lease, MessageFilter, NewMessage, NewMo,
        NextStep, Owner, Recorded, Settled, Settlement, Store, StoreError, StoreResult, Swept, Timer, ToSend,
    },
    unreadable::{KeptUnreadable, Unreadable},
};
use rusqlite::Connection;

use self::{
    accept::PreparedMessage,
    job::Tx,
    place::Database,
    reader::Readers,
    writer::{StoreWriter, WhenFull},
};
pub use self::{
    open::OpenError,
    options::{Access, Fatal, SqliteOptions},
};
use crate::{
    fault,
    media::{erase, folder::Folder},
};

/// The embedded store. Clones of an `Arc` of it may be used from any task.
///
/// Dropping it finishes what was handed in, which may block for as long as a commit takes; better
/// [`close`](Store::close) it.
#[derive(Debug)]
pub struct SqliteStore {
    access: Access,
    inline_max: usize,
    media: Folder,
    key: [u8; 32],
    read_connections: u32,
    readers: Readers,
    writer: StoreWriter,
    /// Dropped last: its descriptor outlives those of SQLite.
    _database: Arc<Database>,
}

/// What a store counts since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Transactions committed.
    pub commits: u64,
    /// Operations in them.
    pub jobs: u64,
    /// Free disk space, in bytes, as of a second ago.
    pub free_bytes: u64,
}

impl SqliteStore {
    /// Opens a store; what a crash left behind is taken up before it returns, in a time that does not depend on the
    /// backlog. To be called on a Tokio runtime.
    ///
    /// ```
    /// use posthouse_core::store::Store;
    /// use posthouse_store::{SqliteOptions, SqliteStore};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// let options = SqliteOptions {
    ///     path: folder.path().join("posthouse.db"),
    ///     media: folder.path().join("media"),
    ///     ..SqliteOptions::default()
    /// };
    /// let store = SqliteStore::open(options).await?;
    /// assert_eq!(store.revision().await?, 0);
    /// store.close().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn open(options: SqliteOptions) -> Result<Self, OpenError> {
        let opening = tokio::task::spawn_blocking(move || Self::open_blocking(&options));
        opening.await.map_err(|error| OpenError::Recovery(error.to_string()))?
    }

    fn open_blocking(options: &SqliteOptions) -> Result<Self, OpenError> {
        let opened = open::open(options)?;
        Ok(Self {
            access: options.access,
            inline_max: options.inline_max,
            media: Folder::at(&options.media),
            key: opened.key,
            read_connections: u32::try_from(options.read_connections.max(1)).unwrap_or(u32::MAX),
            readers: opened.readers,
            writer: opened.writer,
            _database: opened.database,
        })
    }

    /// What was counted since it was opened.
    pub fn counters(&self) -> Counters {
        let counts = self.writer.counts();
        Counters {
            commits: counts.commits.load(Ordering::Relaxed),
            jobs: counts.jobs.load(Ordering::Relaxed),
            free_bytes: counts.free_bytes.load(Ordering::Relaxed),
        }
    }

    /// Erases media that are over where they lie, also those that an earlier run did not come to.
    async fn erase(&self, limit: usize) -> StoreResult<()> {
        let erasures = self.readers.read(move |connection| sweep::find_erasures(connection, limit)).await?;
        if erasures.is_empty() {
            return Ok(());
        }
        let folder = self.media.clone();
        let erasing = tokio::task::spawn_blocking(move || erase::erase(&folder, &erasures));
        let erased = erasing.await.map_err(|error| StoreError::Failed(error.to_string()))?;
        let erased = erased
            .map_err(|error| StoreError::Failed(format!("media that are over cannot be erased: {error}")))?;
        self.write(WhenFull::Wait, move |tx| sweep::forget_erasures(tx, &erased)).await
    }

    /// Writes as the gateway that runs on this store.
    async fn write<T, F>(&self, admission: WhenFull, work: F) -> StoreResult<T>
    where
        T: Send + 'static,
        F: Fn(&mut Tx<'_>) -> fault::Result<T> + Send + 'static,
    {
        if self.access == Access::Visit {
            return Err(StoreError::Failed("it was opened for a visit only".into()));
        }
        self.writer.submit(admission, work).await
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn accept(&self, message: &NewMessage) -> StoreResult<Acceptance> {
        let prepared = PreparedMessage::new(message, self.inline_max)?;
        self.write(WhenFull::Shed, move |tx| accept::accept(tx, &prepared)).await
    }

    async fn repeated(
        &self,
        account: &AccountName,
        transaction_id: &str,
        digest: Digest,
        since: Timestamp,
    ) -> StoreResult<Option<Id>> {
        let (account, transaction_id) = (account.clone(), transaction_id.to_owned());
        let look = move |connection: &Connection| {
            accept::repeated(connection, (&account.0, &transaction_id, &digest.0), since)
        };
        self.readers.read(look).await
    }

    async fn begin(
        &self,
        id: Id,
        owner: Owner,
        connection: &str,
        attempt_until: Timestamp,
        now: Timestamp,
    ) -> StoreResult<()> {
        let connection = connection.to_owned();
        let begin = move |tx: &mut Tx<'_>| work::begin(tx, id, owner, &connection, attempt_until, now);
        self.write(WhenFull::Wait, begin).await
    }

    async fn settle(
        &self,
        id: Id,
        owner: Owner,
        settlement: Settlement,
        said: &str,
        now: Timestamp,
    ) -> StoreResult<Settled> {
        let (settlement, said) = (settlement.within_bounds(), said.to_owned());
        let settle = move |tx: &mut Tx<'_>| work::settle(tx, id, owner, &settlement, &said, now);
        self.write(WhenFull::Wait, settle).await
    }

    async fn release(&self, ids: &[Id], owner: Owner, now: Timestamp) -> StoreResult<()> {
        let ids = ids.to_vec();
        self.write(WhenFull::Wait, move |tx| work::release(tx, &ids, owner, now)).await
    }

    async fn lease_sends(
        &self,
        carrier: &CarrierId,
        lease: Lease,
        now: Timestamp,
        waiting_since_before: Option<Timestamp>,
        limit: usize,
    ) -> StoreResult<Vec<ToSend>> {
        let carrier = carrier.clone();
        let take =
            move |tx: &mut Tx<'_>| work::lease_sends(tx, &carrier, lease, now, waiting_since_before, limit);
        self.write(WhenFull::Wait, take).await
    }

    async fn put_off(
        &self,
        carrier: &CarrierId,
        until: Timestamp,
        nobody_there: bool,
        now: Timestamp,
        limit: usize,
    ) -> StoreResult<usize> {
        let carrier = carrier.clone();
        self.write(WhenFull::Wait, move |tx| work::put_off(tx, &carrier, until, nobody_there, now, limit))
            .await
    }

    async fn lease_timers(&self, lease: Lease, now: Timestamp, limit: usize) -> StoreResult<Vec<Timer>> {
        self.write(WhenFull::Wait, move |tx| work::lease_timers(tx, lease, now, limit)).await
    }

    async fn media(&self, id: Id) -> StoreResult<Vec<Bytes>> {
        let folder = self.media.clone();
        let (found, media) = self
            .readers
            .read(move |connection| {
                let found = search::find_media(connection, id)?;
                let media = search::read_media(&found, &folder)?;
                Ok((found, media))
            })
            .await?;
        if let Some(media) = media {
            return Ok(media);
        }
        // A sweep may have come between the row and the segment: then the row is gone by now.
        let again = self.readers.read(move |connection| search::find_media(connection, id)).await?;
        if again == found {
            return Err(search::corrupt_media(id));
        }
        Err(StoreError::NotFound("media"))
    }

    async fn record_report(&self, report: CarrierReport) -> StoreResult<Recorded> {
        let report = report.within_bounds();
        self.write(WhenFull::Wait, move |tx| report::record(tx, &report)).await
    }

    async fn record_read_reply(&self, reply: CarrierReadReply) -> StoreResult<Recorded> {
        let reply = reply.within_bounds();
        self.write(WhenFull::Wait, move |tx| report::record_read_reply(tx, &reply)).await
    }

    async fn keep_unreadable(&self, request: Unreadable) -> StoreResult<()> {
        let request = request.within_bounds();
        self.write(WhenFull::Shed, move |tx| unreadable::keep(tx, &request)).await
    }

    async fn unreadable(
        &self,
        carrier: Option<&CarrierId>,
        below: Option<i64>,
        limit: usize,
    ) -> StoreResult<Vec<KeptUnreadable>> {
        let carrier = carrier.cloned();
        self.readers
            .read(move |connection| unreadable::list(connection, carrier.as_ref(), below, limit))
            .await
    }

    async fn accept_mo(&self, mo: NewMo) -> StoreResult<Acceptance> {
        let prepared = mo::PreparedMo::new(mo.within_bounds(), self.inline_max)?;
        self.write(WhenFull::Shed, move |tx| mo::accept(tx, &prepared)).await
    }

    async fn lease_callbacks(
        &self,
        account: &AccountName,
        lease: Lease,
        now: Timestamp,
        limit: usize,
    ) -> StoreResult<Vec<Callback>> {
        let account = account.clone();
        let take = move |tx: &mut Tx<'_>| callback::lease(tx, &account, lease, now, limit);
        self.write(WhenFull::Wait, take).await
    }

    async fn settle_callback(
        &self,
        id: Id,
        owner: Owner,
        outcome: CallbackOutcome,
        now: Timestamp,
    ) -> StoreResult<bool> {
        let settle = move |tx: &mut Tx<'_>| callback::settle(tx, id, owner, &outcome, now);
        self.write(WhenFull::Wait, settle).await
    }

    async fn due(&self, now: Timestamp) -> StoreResult<Due> {
        self.readers.read(move |connection| due::due(connection, now)).await
    }

    async fn message(&self, id: Id) -> StoreResult<Option<StoredMessage>> {
        self.readers.read(move |connection| search::message(connection, id)).await
    }

    async fn timeline(&self, id: Id) -> StoreResult<Option<Vec<TimelineEvent>>> {
        self.readers.read(move |connection| search::timeline(connection, id)).await
    }

    async fn next(&self, id: Id, now: Timestamp) -> StoreResult<Option<NextStep>> {
        self.readers.read(move |connection| search::next(connection, id, now)).await
    }

    async fn messages(&self, filter: &MessageFilter, limit: usize) -> StoreResult<Vec<StoredMessage>> {
        let filter = filter.clone();
        self.readers.read(move |connection| search::messages(connection, &filter, limit)).await
    }

    async fn judge(
        &self,
        ids: &[Id],
        intervention: Intervention,
        now: Timestamp,
    ) -> StoreResult<Vec<Ruling>> {
        let ids = ids.to_vec();
        self.readers.read(move |connection| intervene::judge(connection, &ids, intervention, now)).await
    }

    async fn intervene(
        &self,
        ids: &[Id],
        intervention: Intervention,
        now: Timestamp,
    ) -> StoreResult<Vec<Ruling>> {
        let ids = ids.to_vec();
        let intervene = move |tx: &mut Tx<'_>| intervene::intervene(tx, &ids, intervention, now);
        self.writer.submit(WhenFull::Wait, intervene).await
    }

    async fn failed_callbacks(
        &self,
        filter: &FailedFilter,
        limit: usize,
    ) -> StoreResult<Vec<FailedCallback>> {
        let filter = filter.clone();
        self.readers.read(move |connection| intervene::failed(connection, &filter, limit)).await
    }

    async fn resend(&self, callbacks: &[Id], now: Timestamp) -> StoreResult<Vec<Id>> {
        let callbacks = callbacks.to_vec();
        let resend = move |tx: &mut Tx<'_>| intervene::resend(tx, &callbacks, now);
        self.writer.submit(WhenFull::Wait, resend).await
    }

    async fn newest_id(&self) -> StoreResult<Option<Id>> {
        self.readers.read(search::newest_id).await
    }

    async fn revision(&self) -> StoreResult<u64> {
        self.readers.read(provisioning::revision).await
    }

    async fn provisioning(&self) -> StoreResult<Provisioning> {
        self.readers.read(provisioning::provisioning).await
    }

    async fn change(&self, changes: &[Change], expected: Option<u64>) -> StoreResult<u64> {
        let changes = changes.to_vec();
        self.writer.submit(WhenFull::Wait, move |tx| provisioning::change(tx, &changes, expected)).await
    }

    async fn key(&self) -> StoreResult<[u8; 32]> {
        Ok(self.key)
    }

    async fn sweep(
        &self,
        media_before: Timestamp,
        messages_before: Timestamp,
        limit: usize,
    ) -> StoreResult<Swept> {
        let candidates = self
            .readers
            .read(move |connection| sweep::find(connection, media_before, messages_before, limit))
            .await?;
        let swept = match candidates.is_empty() {
            true => Swept::default(),
            false => self.write(WhenFull::Wait, move |tx| sweep::sweep(tx, &candidates)).await?,
        };
        self.erase(limit).await?;
        Ok(swept)
    }

    async fn clock(&self) -> StoreResult<ClockMarks> {
        self.readers.read(clock::marks).await
    }

    async fn note_seen(&self, now: Timestamp) -> StoreResult<()> {
        self.write(WhenFull::Wait, move |tx| clock::note_seen(tx, now)).await
    }

    async fn confirm_clock(&self, now: Timestamp) -> StoreResult<()> {
        self.writer.submit(WhenFull::Wait, move |tx| clock::confirm(tx, now)).await
    }

    async fn check(&self) -> StoreResult<()> {
        let check = |tx: &mut Tx<'_>| {
            tx.may_take()?;
            let check = "UPDATE meta SET value = value + 1 WHERE name = 'checked'";
            tx.update_one(("meta", "checked"), check, [])
        };
        self.write(WhenFull::Wait, check).await
    }

    async fn close(&self) -> StoreResult<()> {
        self.readers.close(self.read_connections).await;
        self.writer.close().await;
        Ok(())
    }
}
