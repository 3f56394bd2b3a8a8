//! Revisions: what changes of provisioning changed.

use async_trait::async_trait;
use posthouse_core::{
    provisioning::{
        Change,
        revision::{self, ProvisionedThing, Revised, Revision},
    },
    store::{RevisionStore, StoreError, StoreResult},
};
use rusqlite::{Connection, OptionalExtension as _, Row, ToSql};
use serde::de::DeserializeOwned;

use super::{
    SqliteStore,
    fault::Result,
    job::Tx,
    provisioning::{account_text, document},
    record::{corrupt, time},
};

/// How many things stand in one row.
const THINGS: usize = 256;

#[async_trait]
impl RevisionStore for SqliteStore {
    async fn revisions(&self, below: Option<u64>, limit: usize) -> StoreResult<Vec<Revision>> {
        self.readers.read(move |connection| list(connection, below, limit)).await
    }

    async fn oldest_revision(&self) -> StoreResult<Option<u64>> {
        self.readers.read(oldest).await
    }

    async fn revised(&self, number: u64) -> StoreResult<Option<Vec<Revised>>> {
        self.readers.read(move |connection| revised(connection, number)).await
    }
}

/// What changes will change, given what is there.
pub(super) fn revise(tx: &Tx<'_>, changes: &[Change]) -> Result<Vec<Revised>> {
    revision::revise(changes, |change| before(tx, change))
}

/// What is there of what a change is about.
fn before(tx: &Tx<'_>, change: &Change) -> Result<Option<ProvisionedThing>> {
    let (account, carrier) =
        ("SELECT document FROM account WHERE name = ?", "SELECT document FROM carrier WHERE id = ?");
    let as_account = |found| ProvisionedThing::Account(Box::new(found));
    let as_carrier = |found| ProvisionedThing::Carrier(Box::new(found));
    Ok(match change {
        Change::PutAccount(put) => stored(tx, "account", account, &put.name.0)?.map(as_account),
        Change::RemoveAccount(name) => stored(tx, "account", account, &name.0)?.map(as_account),
        Change::PutCarrier(put) => stored(tx, "carrier", carrier, &put.id.0)?.map(as_carrier),
        Change::RemoveCarrier(id) => stored(tx, "carrier", carrier, &id.0)?.map(as_carrier),
        Change::SetLookup(_) => {
            let found = stored(tx, "lookup", "SELECT document FROM lookup WHERE id = ?", 1)?;
            found.map(|found| ProvisionedThing::Lookup(Box::new(found)))
        }
        Change::PutRange(posthouse_core::provisioning::Range { prefix, .. })
        | Change::RemoveRange(prefix) => {
            let select = "SELECT prefix, carrier FROM range WHERE prefix = ?";
            let mut statement = tx.prepare(select)?;
            let mut rows = statement.query([prefix.as_str()])?;
            rows.next()?.map(super::provisioning::range).transpose()?.map(ProvisionedThing::Range)
        }
        Change::PutBlacklisted(entry) | Change::RemoveBlacklisted(entry) => {
            let select = "SELECT 1 FROM blacklist WHERE number = ? AND account = ?";
            let is_there = tx.prepare(select)?.exists((entry.number.as_str(), account_text(entry)))?;
            is_there.then(|| ProvisionedThing::Blacklist(entry.clone()))
        }
    })
}

fn stored<T: DeserializeOwned>(
    tx: &Tx<'_>,
    table: &'static str,
    select: &str,
    key: impl ToSql + std::fmt::Display,
) -> Result<Option<T>> {
    let found: Option<String> = tx.prepare(select)?.query_row([&key], |row| row.get(0)).optional()?;
    let read =
        |text: String| serde_json::from_str(&text).map_err(|error| corrupt(table, "document", &key, error));
    Ok(found.map(read).transpose()?)
}

/// Keeps what a revision changed, and forgets the oldest where there are too many.
pub(super) fn keep(tx: &Tx<'_>, revision: &Revision, revised: &[Revised]) -> Result<()> {
    let Revision { number, at, actor, reason, summary, things } = revision;
    let number = row_number(*number);
    tx.execute(
        "INSERT INTO revision (number, at, actor, reason, summary, things) VALUES (?, ?, ?, ?, ?, ?)",
        (number, at.as_millisecond(), actor, reason, summary, row_number(*things)),
    )?;
    for (part, things) in (0_i64..).zip(revised.chunks(THINGS)) {
        tx.execute(
            "INSERT INTO revised (revision, part, document) VALUES (?, ?, ?)",
            (number, part, document(&things)?),
        )?;
    }
    let kept = {
        let mut statement = tx.prepare("SELECT number, things FROM revision ORDER BY number")?;
        let rows = statement.query_map([], |row| Ok((unsigned(row.get(0)?), unsigned(row.get(1)?))))?;
        rows.collect::<rusqlite::Result<Vec<_>>>()?
    };
    for gone in revision::forgotten(&kept) {
        tx.execute("DELETE FROM revision WHERE number = ?", [row_number(gone)])?;
    }
    Ok(())
}

/// Revisions, the newest first.
fn list(connection: &Connection, below: Option<u64>, limit: usize) -> Result<Vec<Revision>> {
    let select = "SELECT number, at, actor, reason, summary, things FROM revision WHERE number < ? ORDER BY number DESC LIMIT ?";
    let below = below.map_or(i64::MAX, row_number);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(select)?;
    let rows = statement.query_map((below, limit), read)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Revision> {
    Ok(Revision {
        number: unsigned(row.get("number")?),
        at: time(row.get("at")?),
        actor: row.get("actor")?,
        reason: row.get("reason")?,
        summary: row.get("summary")?,
        things: unsigned(row.get("things")?),
    })
}

/// The number of the oldest one.
fn oldest(connection: &Connection) -> Result<Option<u64>> {
    let oldest: Option<i64> =
        connection.prepare_cached("SELECT min(number) FROM revision")?.query_row([], |row| row.get(0))?;
    Ok(oldest.map(unsigned))
}

/// What one changed.
fn revised(connection: &Connection, number: u64) -> Result<Option<Vec<Revised>>> {
    let number = row_number(number);
    if !connection.prepare_cached("SELECT 1 FROM revision WHERE number = ?")?.exists([number])? {
        return Ok(None);
    }
    let select = "SELECT part, document FROM revised WHERE revision = ? ORDER BY part";
    let mut statement = connection.prepare_cached(select)?;
    let mut rows = statement.query([number])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let (part, text): (i64, String) = (row.get(0)?, row.get(1)?);
        let things: Vec<Revised> = serde_json::from_str(&text).map_err(|error| -> StoreError {
            corrupt("revised", "document", format_args!("{number}, part {part}"), error)
        })?;
        all.extend(things);
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
