//! The embedded backend: one SQLite database and a folder of segment files.
//!
//! | file | what it does |
//! |---|---|
//! | `open.rs` `connect.rs` `schema.rs` `options.rs` | opening, migrations |
//! | `roles.rs` | the store's operations: each becomes a transaction, or a read |
//! | `transaction.rs` | the names of transactions, and who may do them |
//! | `writer.rs` `queue.rs` `job.rs` `pace.rs` `checkpoint.rs` `measures.rs` | the one thread that writes, group commit, and what it measures |
//! | `backup.rs` | a copy of database and media beside a gateway that goes on |
//! | `place.rs` `watch.rs` | whose the files are, and whether they are still there |
//! | `reader.rs` | the read pool |
//! | `message_key.rs` `recent_keys.rs` | what messages are found by, beside their ids |
//! | `accept.rs` `work.rs` `mo.rs` `report.rs` `callback.rs` `provisioning.rs` `sweep.rs` | what happens within a transaction |
//! | `cdr.rs` | records of what ended, till they are in files |
//! | `unreadable.rs` | what carriers posted and nobody can read |
//! | `refusals.rs` | what VASPs were refused |
//! | `intervene.rs` | what an operator does by hand |
//! | `audit.rs` `token.rs` `user.rs` `session.rs` | who did it; tokens and users of those who may, and who is signed in |
//! | `request_key.rs` | requests of the API that may be sent again |
//! | `load.rs` `write.rs` | what the rules of a message's life (`posthouse_core::life`) have to know, and what they decided |
//! | `endpoint.rs` `tries.rs` | endpoints of accounts, and how tries to deliver callbacks ended |
//! | `taken.rs` | callbacks that go to whoever takes them as they become due |
//! | `member.rs` | the one node that serves the store |
//! | `waiting.rs` | reports and read replies whose message is not known |
//! | `taking.rs` | what is read for a store that takes this one over |
//! | `clock.rs` | what is known of the time |
//! | `due.rs` `search.rs` | what is read |
//! | `queues.rs` `census.rs` | how much waits where, and the count that this begins with |
//! | `record.rs` | rows that cannot be read |

mod accept;
mod audit;
#[cfg(test)]
mod backlog;
mod backup;
mod bulk;
mod callback;
mod cdr;
mod census;
mod checkpoint;
mod clock;
mod connect;
mod due;
mod endpoint;
mod inbound;
mod intervene;
mod job;
mod keys;
mod load;
pub(crate) mod measures;
mod member;
mod message_key;
mod mo;
mod numbers;
mod open;
mod options;
mod overrides;
pub(crate) mod pace;
mod place;
mod provisioning;
mod queue;
mod queues;
mod reader;
mod recent_keys;
mod record;
mod refusals;
mod report;
mod request_key;
mod revision;
mod roles;
mod schema;
mod search;
mod session;
#[cfg(test)]
mod statements;
mod sweep;
mod taken;
pub(crate) mod taking;
mod token;
pub(crate) mod transaction;
mod tries;
mod unreadable;
mod user;
mod waiting;
mod watch;
mod work;
mod write;
mod writer;

use std::{mem, sync::Arc, time::Duration};

use posthouse_core::{
    lock::Mutex,
    slots::Slots,
    store::{ErrorCause, HandedOn, QueueDepth, StoreError, StoreResult, Take},
};

pub use self::options::{Fatal, LOW_WATER_BYTES, Mode, SqliteOptions};
pub(crate) use self::{
    backup::{backup, restore},
    open::{bring_up, status},
    options::exit,
};
use self::{
    job::{HandingOn, Tx},
    member::Member,
    place::Database,
    reader::Readers,
    recent_keys::RecentKeys,
    taken::Unread,
    transaction::Transaction,
    writer::StoreWriter,
};
pub(crate) use crate::fault;
use crate::{
    error::OpenError,
    media::{erase, folder::Folder},
};

/// How long it is waited for the count that a store begins with, and how often is looked whether it is done.
const COUNTED_WITHIN: Duration = Duration::from_secs(4);
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// The embedded store. Clones of an `Arc` of it may be used from any task.
///
/// Dropping it finishes what was handed in, which may block for as long as a commit takes; better
/// [`close`](posthouse_core::store::UpkeepStore::close) it.
#[derive(Debug)]
pub struct SqliteStore {
    mode: Mode,
    inline_max: usize,
    media: Folder,
    key: [u8; 32],
    read_connections: u32,
    readers: Readers,
    writer: StoreWriter,
    /// What recent messages are found by; `None` for a visitor.
    recent: Option<Arc<Mutex<RecentKeys>>>,
    /// Which run of the gateway serves the store.
    member: Member,
    /// Dropped last: its descriptor outlives those of SQLite.
    _database: Arc<Database>,
}

impl SqliteStore {
    /// Opens a store; what a crash left behind is taken up before it returns, in a time that does not depend on the
    /// backlog. To be called on a Tokio runtime.
    ///
    /// # Errors
    /// Why it cannot be opened.
    pub async fn open(options: SqliteOptions) -> Result<Self, OpenError> {
        let opening = tokio::task::spawn_blocking(move || Self::open_blocking(&options));
        opening.await.map_err(|error| OpenError::Recovery(error.to_string()))?
    }

    fn open_blocking(options: &SqliteOptions) -> Result<Self, OpenError> {
        let opened = open::open(options)?;
        Ok(Self {
            mode: options.mode,
            inline_max: options.inline_max,
            media: Folder::at(&options.media),
            key: opened.key,
            read_connections: u32::try_from(options.read_connections.max(1)).unwrap_or(u32::MAX),
            readers: opened.readers,
            writer: opened.writer,
            recent: opened.recent,
            member: Member::default(),
            _database: opened.database,
        })
    }

    /// Erases media that are over where they lie, also those that an earlier run did not come to.
    async fn erase(&self, limit: usize) -> StoreResult<()> {
        let erasures = self.readers.read(move |connection| sweep::find_erasures(connection, limit)).await?;
        if erasures.is_empty() {
            return Ok(());
        }
        let folder = self.media.clone();
        let erasing = tokio::task::spawn_blocking(move || erase::erase(&folder, &erasures));
        // Nobody knows which are erased; to be asked again does no harm.
        let failed =
            |error| StoreError::Failed(ErrorCause::within("media that are over cannot be erased", error));
        let erased = erasing.await.map_err(StoreError::failed)?.map_err(failed)?;
        self.write(Transaction::ForgetErased, move |tx| sweep::forget_erasures(tx, &erased)).await
    }

    /// How many messages stand where, once what was there at the start is counted.
    async fn counted(&self) -> StoreResult<Vec<QueueDepth>> {
        let deadline = tokio::time::Instant::now() + COUNTED_WITHIN;
        loop {
            if let Some(depths) = self.writer.counts().lock().depths() {
                return Ok(depths);
            }
            if tokio::time::Instant::now() >= deadline {
                return Err(StoreError::not_done("what waits is still being counted"));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Has a transaction done by which callbacks may become due, which go to their new owner.
    fn hand_on<T, F>(
        &self,
        transaction: Transaction,
        take: Take,
        work: F,
    ) -> impl Future<Output = StoreResult<HandedOn<T>>> + Send
    where
        T: Send + 'static,
        F: Fn(&mut Tx<'_>) -> fault::Result<T> + Send + 'static,
    {
        let taking = move |tx: &mut Tx<'_>| {
            tx.handing_on = HandingOn { take: take.clone(), ..HandingOn::default() };
            let done = work(tx);
            let handed = mem::take(&mut tx.handing_on);
            Unread::load(tx, done?, &handed)
        };
        let written = self.write(transaction, taking);
        async move { written.await?.read() }
    }

    /// Has a transaction done, if whoever opened the store may do it.
    fn write<T, F>(&self, transaction: Transaction, work: F) -> impl Future<Output = StoreResult<T>> + Send
    where
        T: Send + 'static,
        F: Fn(&mut Tx<'_>) -> fault::Result<T> + Send + 'static,
    {
        let may_write = self.mode != Mode::Visit || transaction.is_for_visitors();
        let submitted = self.writer.submit(transaction, work);
        async move {
            if !may_write {
                return Err(StoreError::refused("it was opened for a visit only"));
            }
            submitted.await
        }
    }
}

/// One node has everything that waits: a part of it is asked for by nobody who goes by what [`join`](posthouse_core::store::MembershipStore)
/// answered.
fn all_of(slots: Slots) -> StoreResult<()> {
    if slots.is_all() {
        Ok(())
    } else {
        Err(StoreError::refused("it is served by one node, which has all slots"))
    }
}
