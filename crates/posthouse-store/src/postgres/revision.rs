//! Revisions: what changes of provisioning changed.

use std::collections::HashMap;

use posthouse_core::{
    provisioning::{
        Change, Range,
        revision::{self, ProvisionedThing, Revised, Revision},
    },
    store::StoreError,
};
use serde::de::DeserializeOwned;
use tokio_postgres::Row;

use super::{
    batch::BatchTx,
    fault::{BatchFault, BatchResult},
    provisioning::{account_text, document, range},
    reader::ReadPool,
    record::PgRow,
    statements::{self, Statement},
    value::{PgValue, values},
};

/// How many things stand in one row.
const THINGS: usize = 256;

/// What changes will change, given what is there.
pub(super) async fn revise(tx: &BatchTx, changes: &[Change]) -> BatchResult<Vec<Revised>> {
    let looking = changes.iter().map(|change| found(tx, change));
    let mut found = futures_util::future::join_all(looking).await.into_iter();
    let mut before = HashMap::new();
    for change in changes {
        before.insert(std::ptr::from_ref(change), found.next().unwrap_or(Ok(None))?);
    }
    revision::revise(changes, |change| {
        Ok::<_, BatchFault>(before.remove(&std::ptr::from_ref(change)).flatten())
    })
}

/// What is there of what a change is about.
async fn found(tx: &BatchTx, change: &Change) -> BatchResult<Option<ProvisionedThing>> {
    let as_account = |found| ProvisionedThing::Account(Box::new(found));
    let as_carrier = |found| ProvisionedThing::Carrier(Box::new(found));
    let (account, carrier) = (&statements::ACCOUNT_ONE, &statements::CARRIER_ONE);
    Ok(match change {
        Change::PutAccount(put) => stored(tx, account, values![&put.name]).await?.map(as_account),
        Change::RemoveAccount(name) => stored(tx, account, values![name]).await?.map(as_account),
        Change::PutCarrier(put) => stored(tx, carrier, values![&put.id]).await?.map(as_carrier),
        Change::RemoveCarrier(id) => stored(tx, carrier, values![id]).await?.map(as_carrier),
        Change::SetLookup(_) => {
            let found = stored(tx, &statements::LOOKUP_ONE, values![1_i64]).await?;
            found.map(|found| ProvisionedThing::Lookup(Box::new(found)))
        }
        Change::PutRange(Range { prefix, .. }) | Change::RemoveRange(prefix) => {
            let row = tx.read_one(&statements::RANGE_ONE, values![prefix.as_str()]).await?;
            row.as_ref().map(range).transpose()?.map(ProvisionedThing::Range)
        }
        Change::PutBlacklisted(entry) | Change::RemoveBlacklisted(entry) => {
            let values = values![entry.number.as_str(), account_text(entry)];
            let row = tx.read_one(&statements::BLACKLIST_ONE, values).await?;
            row.map(|_| ProvisionedThing::Blacklist(entry.clone()))
        }
    })
}

async fn stored<T: DeserializeOwned>(
    tx: &BatchTx,
    statement: &'static Statement,
    values: Vec<PgValue>,
) -> BatchResult<Option<T>> {
    let key = format!("{values:?}");
    let row = tx.read_one(statement, values).await?;
    row.map(|row| PgRow::new("provisioning", key, &row).json("document")).transpose()
}

/// Keeps what a revision changed, and forgets the oldest where there are too many.
pub(super) async fn keep(tx: &BatchTx, revision: &Revision, revised: &[Revised]) -> BatchResult<()> {
    let Revision { number, at, actor, reason, summary, things } = revision;
    let number = row_number(*number);
    let values = values![number, *at, actor, reason.as_deref(), summary, row_number(*things)];
    tx.write(&statements::INSERT_REVISION, values);
    for (part, things) in (0_i64..).zip(revised.chunks(THINGS)) {
        tx.write(&statements::INSERT_REVISED, values![number, part, &document(&things)?]);
    }
    let mut kept = Vec::new();
    for row in &tx.read(&statements::REVISIONS_KEPT, values![1_i64]).await? {
        kept.push((unsigned(row.try_get("number")?), unsigned(row.try_get("things")?)));
    }
    kept.push((revision.number, revision.things));
    for gone in revision::forgotten(&kept) {
        tx.write(&statements::DELETE_REVISION, values![row_number(gone)]);
        tx.write(&statements::DELETE_REVISED, values![row_number(gone)]);
    }
    Ok(())
}

/// Revisions, the newest first.
pub(super) async fn list(
    readers: &ReadPool,
    below: Option<u64>,
    limit: usize,
) -> BatchResult<Vec<Revision>, StoreError> {
    let below = below.map_or(i64::MAX, row_number);
    let rows = readers.query(&statements::REVISIONS_READ, values![below, limit]).await?;
    Ok(rows.iter().map(read).collect::<BatchResult<_>>()?)
}

fn read(row: &Row) -> BatchResult<Revision> {
    let record = PgRow::new("revision", row.try_get::<_, i64>("number")?, row);
    Ok(Revision {
        number: unsigned(record.value("number")?),
        at: record.time("at")?,
        actor: record.value("actor")?,
        reason: record.value("reason")?,
        summary: record.value("summary")?,
        things: unsigned(record.value("things")?),
    })
}

/// The number of the oldest one.
pub(super) async fn oldest(readers: &ReadPool) -> BatchResult<Option<u64>, StoreError> {
    let rows = readers.query(&statements::OLDEST_REVISION, values![]).await?;
    let number: Option<i64> = rows
        .first()
        .map(|row| row.try_get("id"))
        .transpose()
        .map_err(|error| super::fault::refused(&error))?;
    Ok(number.map(unsigned))
}

/// What one changed.
pub(super) async fn revised(
    readers: &ReadPool,
    number: u64,
) -> BatchResult<Option<Vec<Revised>>, StoreError> {
    let rows = readers.query(&statements::REVISED_READ, values![row_number(number)]).await?;
    if rows.is_empty() {
        return Ok(None);
    }
    let mut all = Vec::new();
    for row in &rows {
        let record = PgRow::new("revised", number, row);
        if record.value::<Option<i64>>("part")?.is_some() {
            let things: Vec<Revised> = record.json("document")?;
            all.extend(things);
        }
    }
    Ok(Some(all))
}

fn row_number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// None of these columns is ever negative.
fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
