//! Provisioning: JSON documents under one revision.

use std::slice;

use jiff::Timestamp;
use posthouse_core::{
    account::AccountName,
    actor::Actor,
    address::Msisdn,
    audit,
    carrier::CarrierId,
    provisioning::{Blacklisted, Change, Lookup, Prefix, Provisioning, Range, revision::Revision},
    store::{ErrorCause, StoreError, next_revision},
};
use rusqlite::{Connection, Row, params_from_iter};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    audit::write as write_audit,
    fault::Result,
    job::Tx,
    record::{Record, corrupt},
    revision,
};

/// How many rows one statement adds.
const ROWS: usize = 256;

const REVISION: &str = "SELECT value FROM meta WHERE name = 'revision'";

/// The revision there is.
pub(super) fn present(connection: &Connection) -> Result<u64> {
    read_revision(connection.prepare_cached(REVISION)?.query_row([], |row| row.get(0))?)
}

fn read_revision(number: i64) -> Result<u64> {
    u64::try_from(number).map_err(|error| corrupt("meta", "value", "revision", error).into())
}

/// All of provisioning.
pub(super) fn provisioning(connection: &Connection) -> Result<Provisioning> {
    Ok(Provisioning {
        ranges: rows(connection, "SELECT prefix, carrier FROM range ORDER BY prefix", range)?,
        blacklist: rows(
            connection,
            "SELECT number, account FROM blacklist ORDER BY number, account",
            blacklisted,
        )?,
        ..without_numbers(connection)?
    })
}

/// All but the ranges and the blacklist.
pub(super) fn without_numbers(connection: &Connection) -> Result<Provisioning> {
    let lookup: Option<Lookup> =
        documents(connection, "lookup", "SELECT CAST(id AS TEXT) AS key, document FROM lookup")?.pop();
    Ok(Provisioning {
        revision: present(connection)?,
        accounts: documents(
            connection,
            "account",
            "SELECT name AS key, document FROM account ORDER BY name",
        )?,
        carriers: documents(connection, "carrier", "SELECT id AS key, document FROM carrier ORDER BY id")?,
        lookup,
        ..Provisioning::default()
    })
}

fn documents<T: DeserializeOwned>(
    connection: &Connection,
    table: &'static str,
    select: &str,
) -> Result<Vec<T>> {
    let mut statement = connection.prepare_cached(select)?;
    let mut rows = statement.query([])?;
    let mut documents = Vec::new();
    while let Some(row) = rows.next()? {
        let key: String = row.get("key")?;
        documents.push(Record::new(table, key, row).json("document")?);
    }
    Ok(documents)
}

fn rows<T>(connection: &Connection, select: &str, read: impl Fn(&Row<'_>) -> Result<T>) -> Result<Vec<T>> {
    let mut statement = connection.prepare_cached(select)?;
    let mut rows = statement.query([])?;
    let mut read_rows = Vec::new();
    while let Some(row) = rows.next()? {
        read_rows.push(read(row)?);
    }
    Ok(read_rows)
}

pub(super) fn range(row: &Row<'_>) -> Result<Range> {
    let prefix: String = row.get(0)?;
    let carrier = CarrierId(row.get(1)?);
    match Prefix::parse(&prefix) {
        Some(prefix) => Ok(Range { prefix, carrier }),
        None => Err(corrupt("range", "prefix", prefix, "no leading digits of numbers").into()),
    }
}

pub(super) fn blacklisted(row: &Row<'_>) -> Result<Blacklisted> {
    let number: String = row.get(0)?;
    match Msisdn::parse(&number, false) {
        Some(number) => Ok(Blacklisted { number, account: account(row.get(1)?) }),
        None => Err(corrupt("blacklist", "number", number, "no international number").into()),
    }
}

/// Makes changes; the revision afterwards.
pub(super) fn change(
    tx: &Tx<'_>,
    changes: &[Change],
    expected: Option<u64>,
    by: &Actor,
    now: Timestamp,
) -> Result<u64> {
    let found = read_revision(tx.prepare(REVISION)?.query_row([], |row| row.get(0))?)?;
    let Some(next) = next_revision(found, expected, changes)? else { return Ok(found) };
    let revised = revision::revise(tx, changes)?;
    for kind in changes.chunk_by(|one, next| rows_of(one) == rows_of(next)) {
        make_all(tx, kind)?;
    }
    let value = i64::try_from(next).unwrap_or(i64::MAX);
    let change = "UPDATE meta SET value = ? WHERE name = 'revision'";
    tx.update_one(("meta", "revision"), change, [value])?;
    write_audit(tx, &audit::provisioned(by, (found, next), changes, now))?;
    revision::keep(tx, &Revision::new(next, &revised, by, now), &revised)?;
    Ok(next)
}

/// Makes changes of one kind. Of what comes by the hundred thousand many rows go into one statement: the gateway can write nothing
/// meanwhile.
fn make_all(tx: &Tx<'_>, changes: &[Change]) -> Result<()> {
    if changes.first().and_then(rows_of).is_none() {
        return changes.iter().try_for_each(|one| make(tx, one).map(drop));
    }
    changes.chunks(ROWS).try_for_each(|rows| add(tx, rows).map(drop))
}

/// Adds rows to one table.
fn add(tx: &Tx<'_>, rows: &[Change]) -> Result<usize> {
    let insert = rows.first().and_then(rows_of).unwrap_or_default();
    let places = vec!["(?, ?)"; rows.len()].join(", ");
    tx.execute(&format!("{insert} VALUES {places}"), params_from_iter(rows.iter().flat_map(values)))
}

/// Where a change adds a row of two values.
const fn rows_of(change: &Change) -> Option<&'static str> {
    match change {
        Change::PutRange(_) => Some("INSERT OR REPLACE INTO range (prefix, carrier)"),
        Change::PutBlacklisted(_) => Some("INSERT OR REPLACE INTO blacklist (number, account)"),
        _ => None,
    }
}

/// The two values.
fn values(change: &Change) -> [&str; 2] {
    match change {
        Change::PutRange(range) => [range.prefix.as_str(), range.carrier.as_str()],
        Change::PutBlacklisted(entry) => [entry.number.as_str(), account_text(entry)],
        _ => ["", ""],
    }
}

fn make(tx: &Tx<'_>, change: &Change) -> Result<usize> {
    match change {
        Change::PutAccount(account) => tx.execute(
            "INSERT OR REPLACE INTO account (name, document) VALUES (?, ?)",
            (&account.name.0, document(account)?),
        ),
        Change::RemoveAccount(name) => tx.execute("DELETE FROM account WHERE name = ?", [&name.0]),
        Change::PutCarrier(carrier) => tx.execute(
            "INSERT OR REPLACE INTO carrier (id, document) VALUES (?, ?)",
            (carrier.id.as_str(), document(carrier)?),
        ),
        Change::RemoveCarrier(id) => tx.execute("DELETE FROM carrier WHERE id = ?", [id.as_str()]),
        Change::SetLookup(None) => tx.execute("DELETE FROM lookup", []),
        Change::SetLookup(Some(lookup)) => {
            tx.execute("INSERT OR REPLACE INTO lookup (id, document) VALUES (1, ?)", [document(lookup)?])
        }
        Change::PutRange(_) | Change::PutBlacklisted(_) => add(tx, slice::from_ref(change)),
        Change::RemoveRange(prefix) => tx.execute("DELETE FROM range WHERE prefix = ?", [prefix.as_str()]),
        Change::RemoveBlacklisted(entry) => tx.execute(
            "DELETE FROM blacklist WHERE number = ? AND account = ?",
            (entry.number.as_str(), account_text(entry)),
        ),
    }
}

pub(super) fn document(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| {
        StoreError::Refused(ErrorCause::within("provisioning cannot be written", error)).into()
    })
}

/// An empty account stands for every account.
fn account(text: String) -> Option<AccountName> {
    (!text.is_empty()).then_some(AccountName(text))
}

pub(super) fn account_text(entry: &Blacklisted) -> &str {
    entry.account.as_ref().map_or("", |account| &account.0)
}
