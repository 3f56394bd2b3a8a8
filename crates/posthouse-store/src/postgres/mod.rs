//! The backend for several nodes: a PostgreSQL database, and a place that all of them reach for large media.
//!
//! | file | what it does |
//! |---|---|
//! | `url.rs` `tls.rs` `session.rs` | where the database is, and connections to it |
//! | `open.rs` `schema.rs` `standbys.rs` | opening, migrations, whether what is committed lasts |
//! | `roles.rs` | the store's operations: each becomes one of a batch, or a read |
//! | `writer.rs` `batch.rs` `fault.rs` | operations of many callers in one transaction, and what is done when it fails |
//! | `statements.rs` `value.rs` `record.rs` | every statement, what goes in, what comes out |
//! | `partition.rs` `partitioned.rs` `upkeep.rs` | partitions by time, and what is done in the background |
//! | `days.rs` `retention.rs` `old_objects.rs` | days that go whole |
//! | `restored.rs` | what is done after the database was restored |
//! | `reader.rs` | the read pool |
//! | `accept.rs` `seen.rs` `work.rs` `mo.rs` `report.rs` `callback.rs` `provisioning.rs` `sweep.rs` | what happens within a transaction |
//! | `member.rs` | the nodes that serve the store |
//! | `tried.rs` | a callback that was tried |
//! | `taken.rs` | callbacks that are handed on as they become due |
//! | `endpoint.rs` `queues.rs` | what is owed to whom, and how much waits where |
//! | `taking.rs` | what is taken over from another store |
//! | `audit.rs` `revision.rs` `token.rs` `keys.rs` `user.rs` `signed_in.rs` | who changed what; keys, tokens and users of those who may, and who is signed in |
//! | `overrides.rs` | what they decided about connections |
//! | `request_key.rs` | requests of the API that may be sent again |
//! | `inbound.rs` | what came from carriers, looked up |
//! | `recording.rs`, `cdr.rs` | records of what ended: noted as it ends, kept till they are in files |
//! | `unreadable.rs` | what carriers posted and nobody can read |
//! | `refusals.rs` | requests of VASPs that were refused |
//! | `intervene.rs` `bulk.rs` | what an operator does by hand, and in bulk |
//! | `load.rs` `write.rs` | what the rules of a message's life (`posthouse_core::life`) have to know, and what they decided |
//! | `waiting.rs` | reports and read replies whose message is not known |
//! | `clock.rs` | what is known of the time |
//! | `due.rs` `search.rs` | what is read |
//! | `at_hand.rs` | where media lie that are read next |

mod accept;
mod at_hand;
mod audit;
mod batch;
mod bulk;
mod callback;
mod cdr;
mod clock;
mod days;
mod division;
mod due;
mod endpoint;
mod fault;
mod inbound;
mod intervene;
mod keys;
mod load;
mod member;
mod mo;
mod old_objects;
mod open;
mod overrides;
mod partition;
mod partitioned;
mod provisioning;
mod queues;
mod reader;
mod record;
mod recording;
mod refusals;
mod report;
mod request_key;
pub(crate) mod restored;
mod retention;
mod revision;
mod roles;
mod schema;
mod search;
mod seen;
mod session;
mod signed_in;
mod standbys;
mod statements;
mod sweep;
mod taken;
pub(crate) mod taking;
mod tls;
mod token;
mod tried;
mod unreadable;
mod upkeep;
mod url;
mod user;
mod value;
mod waiting;
mod work;
mod write;
mod writer;

use std::sync::Arc;

use posthouse_core::store::{StoreError, StoreResult};

pub use self::open::PostgresOptions;
pub(crate) use self::url::PostgresUrl;
use self::{
    at_hand::MediaAtHand,
    batch::{BatchTx, Going, Ids},
    reader::ReadPool,
    retention::DayRetention,
    upkeep::Upkeep,
    writer::{BatchWriter, HandIn},
};
use crate::{
    media::objects::bodies::MediaBodies,
    sqlite::{Mode, transaction::Transaction},
};

/// The store in a PostgreSQL database. Clones of an `Arc` of it may be used from any task.
#[derive(Debug)]
pub struct PostgresStore {
    mode: Mode,
    key: [u8; 32],
    media: MediaBodies,
    at_hand: MediaAtHand,
    ids: Arc<Ids>,
    readers: ReadPool,
    writer: Arc<BatchWriter>,
    upkeep: Upkeep,
    retention: DayRetention,
}

impl PostgresStore {
    /// Has an operation done, if whoever opened the store may do it. `repeats`: whether it may be done again when nobody knows whether it
    /// was.
    async fn write<T, R>(
        &self,
        transaction: Transaction,
        weight: usize,
        may_repeat: bool,
        run: R,
    ) -> StoreResult<T>
    where
        T: Send + 'static,
        R: Fn(BatchTx) -> Going<T> + Send + 'static,
    {
        if self.mode == Mode::Visit && !transaction.is_for_visitors() {
            return Err(StoreError::refused("it was opened for a visit only"));
        }
        self.writer.submit(HandIn { transaction, weight, may_repeat }, run).await
    }
}

/// Every statement: its name, the types of its parameters, its text, and whether it stands in batches.
#[cfg(feature = "suite")]
pub fn catalogue() -> Vec<(&'static str, Vec<String>, &'static str, bool)> {
    let of = |statement: &&statements::Statement| {
        let type_of = |kind: &value::Kind| if statement.is_batched { kind.many() } else { kind.one() };
        // Postgres calls an array of a type `_` and the type.
        let types = statement.takes.iter().map(|kind| type_of(kind).name().to_owned()).collect();
        (statement.name, types, statement.sql, statement.is_batched)
    };
    statements::ALL.iter().map(of).collect()
}

/// Lists of messages, as people ask for them: which, the types of their values, and their texts.
#[cfg(feature = "suite")]
pub fn lists() -> Vec<(&'static str, Vec<&'static str>, String)> {
    search::examples()
}

/// What is set on connections so that plans go by indices.
#[cfg(feature = "suite")]
pub const PLAN_SETTINGS: &str = session::PLANS;

/// Makes the tables of a store in an empty database, and the partitions of these days and those after them.
///
/// # Errors
/// Why that cannot be.
#[cfg(feature = "suite")]
pub(crate) async fn prepare(url: &str, days: &[jiff::Timestamp]) -> Result<(), crate::error::OpenError> {
    let url = PostgresUrl::parse(url).map_err(|error| crate::error::OpenError::Address(error.0))?;
    schema::bring_up_to_date(&url, true, true).await?;
    let partitions = partition::Partitions::new(url.clone());
    for day in days {
        partitions.make_ahead(*day).await.map_err(|fault| schema::unreachable(&url, &fault))?;
    }
    Ok(())
}
