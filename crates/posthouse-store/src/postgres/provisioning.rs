//! Provisioning: JSON documents under one revision.

use std::collections::BTreeMap;

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
use serde::{Serialize, de::DeserializeOwned};
use tokio_postgres::Row;

use super::{
    audit::write as write_audit,
    batch::{BatchClaim, BatchTx},
    fault::{BatchResult, refused},
    reader::{PooledReader, ReadPool},
    record::{PgRow, corrupt},
    revision,
    statements::{self, Statement},
    value::{PgValue, parameters, values},
};

const REVISION: &str = "revision";

/// The revision there is.
pub(super) async fn present(readers: &ReadPool) -> BatchResult<u64, StoreError> {
    read_revision(readers.query(&statements::META_READ, values![REVISION]).await?.first())
}

fn read_revision(row: Option<&Row>) -> BatchResult<u64, StoreError> {
    let number: Option<i64> =
        row.map_or(Ok(None), |row| row.try_get("value")).map_err(|error| refused(&error))?;
    let known = number.and_then(|number| u64::try_from(number).ok());
    known.ok_or_else(|| corrupt("meta", "value", REVISION, "it is no revision"))
}

/// All of provisioning, of one moment.
pub(super) async fn provisioning(readers: &ReadPool) -> BatchResult<Provisioning, StoreError> {
    let reader = readers.reader().await?;
    reader.begin().await?;
    let read = read(&reader, true).await;
    reader.end().await?;
    read
}

/// The same without ranges and blacklist.
pub(super) async fn without_numbers(readers: &ReadPool) -> BatchResult<Provisioning, StoreError> {
    let reader = readers.reader().await?;
    reader.begin().await?;
    let read = read(&reader, false).await;
    reader.end().await?;
    read
}

/// The entries of the blacklist for a number, by account.
pub(super) async fn blacklisted_number(
    readers: &ReadPool,
    number: &Msisdn,
) -> BatchResult<Vec<Blacklisted>, StoreError> {
    let rows = readers.query(&statements::BLACKLIST_OF, values![number.as_str()]).await?;
    Ok(rows.iter().map(blacklisted).collect::<BatchResult<_>>()?)
}

/// The blacklist behind an entry.
pub(super) async fn blacklist(
    readers: &ReadPool,
    after: Option<&Blacklisted>,
    limit: usize,
) -> BatchResult<Vec<Blacklisted>, StoreError> {
    let (number, account) = after.map_or(("", ""), |after| (after.number.as_str(), account_text(after)));
    let rows = readers.query(&statements::BLACKLIST_PAGE, values![number, account, limit]).await?;
    Ok(rows.iter().map(blacklisted).collect::<BatchResult<_>>()?)
}

/// The ranges behind one.
pub(super) async fn ranges(
    readers: &ReadPool,
    after: Option<&Prefix>,
    limit: usize,
) -> BatchResult<Vec<Range>, StoreError> {
    let after = after.map_or("", Prefix::as_str);
    let rows = readers.query(&statements::RANGES_PAGE, values![after, limit]).await?;
    Ok(rows.iter().map(range).collect::<BatchResult<_>>()?)
}

async fn read(reader: &PooledReader<'_>, with_numbers: bool) -> BatchResult<Provisioning, StoreError> {
    let lookup: Option<Lookup> = documents(reader, "lookup", &statements::LOOKUP_READ).await?.pop();
    let (mut ranges, mut blacklist) = (Vec::new(), Vec::new());
    if with_numbers {
        ranges = reader.query(&statements::RANGES_READ, &[]).await?;
        blacklist = reader.query(&statements::BLACKLIST_READ, &[]).await?;
    }
    Ok(Provisioning {
        revision: read_revision(reader.query(&statements::META_READ, &parameters![REVISION]).await?.first())?,
        accounts: documents(reader, "account", &statements::ACCOUNTS_READ).await?,
        carriers: documents(reader, "carrier", &statements::CARRIERS_READ).await?,
        lookup,
        ranges: ranges.iter().map(range).collect::<BatchResult<_>>()?,
        blacklist: blacklist.iter().map(blacklisted).collect::<BatchResult<_>>()?,
    })
}

async fn documents<T: DeserializeOwned>(
    reader: &PooledReader<'_>,
    table: &'static str,
    statement: &'static Statement,
) -> BatchResult<Vec<T>, StoreError> {
    let rows = reader.query(statement, &[]).await?;
    let read = |row: &Row| -> BatchResult<T> {
        let key: String = row.try_get("key")?;
        PgRow::new(table, key, row).json("document")
    };
    Ok(rows.iter().map(read).collect::<BatchResult<_>>()?)
}

pub(super) fn range(row: &Row) -> BatchResult<Range> {
    let prefix: &str = row.try_get("prefix")?;
    let carrier = CarrierId(row.try_get("carrier")?);
    match Prefix::parse(prefix) {
        Some(prefix) => Ok(Range { prefix, carrier }),
        None => Err(corrupt("range", "prefix", prefix, "no leading digits of numbers").into()),
    }
}

fn blacklisted(row: &Row) -> BatchResult<Blacklisted> {
    let number: &str = row.try_get("number")?;
    match Msisdn::parse(number, false) {
        Some(number) => Ok(Blacklisted { number, account: account(row.try_get("account")?) }),
        None => Err(corrupt("blacklist", "number", number, "no international number").into()),
    }
}

/// Makes changes; the revision afterwards.
pub(super) async fn change(
    tx: &BatchTx,
    changes: &[Change],
    expected: Option<u64>,
    by: &Actor,
    now: Timestamp,
) -> BatchResult<u64> {
    tx.claim(BatchClaim::Table("account"))?;
    let row = tx.read_one(&statements::REVISION_LOCK, values![REVISION]).await?;
    let found = read_revision(row.as_ref())?;
    let Some(next) = next_revision(found, expected, changes)? else { return Ok(found) };
    let revised = revision::revise(tx, changes).await?;
    write_audit(tx, &audit::provisioned(by, (found, next), changes, now));
    revision::keep(tx, &Revision::new(next, &revised, by, now), &revised).await?;
    for (statement, values) in last_of_each(changes)? {
        tx.write(statement, values);
    }
    let value = i64::try_from(next).unwrap_or(i64::MAX);
    tx.write(&statements::SET_META, values![REVISION, value]);
    Ok(next)
}

/// What is left of changes that are made one after the other: of each thing the last one. A statement changes nothing twice.
fn last_of_each(changes: &[Change]) -> BatchResult<Vec<(&'static Statement, Vec<PgValue>)>> {
    let mut last: BTreeMap<(&str, String, String), (&'static Statement, Vec<PgValue>)> = BTreeMap::new();
    for change in changes {
        let (key, write) = of(change)?;
        last.insert(key, write);
    }
    Ok(last.into_values().collect())
}

/// What a change is about, and what it writes.
type Keyed = ((&'static str, String, String), (&'static Statement, Vec<PgValue>));

fn of(change: &Change) -> BatchResult<Keyed> {
    let keyed = |table, key: &str| (table, key.to_owned(), String::new());
    let entry =
        |entry: &Blacklisted| ("blacklist", entry.number.as_str().to_owned(), account_text(entry).to_owned());
    Ok(match change {
        Change::PutAccount(account) => (
            keyed("account", &account.name.0),
            (&statements::PUT_ACCOUNT, values![&account.name, &document(account)?]),
        ),
        Change::RemoveAccount(name) => {
            (keyed("account", &name.0), (&statements::REMOVE_ACCOUNT, values![name]))
        }
        Change::PutCarrier(carrier) => (
            keyed("carrier", carrier.id.as_str()),
            (&statements::PUT_CARRIER, values![&carrier.id, &document(carrier)?]),
        ),
        Change::RemoveCarrier(id) => {
            (keyed("carrier", id.as_str()), (&statements::REMOVE_CARRIER, values![id]))
        }
        Change::SetLookup(None) => (keyed("lookup", ""), (&statements::REMOVE_LOOKUP, values![1_i64])),
        Change::SetLookup(Some(lookup)) => {
            (keyed("lookup", ""), (&statements::PUT_LOOKUP, values![1_i64, &document(lookup)?]))
        }
        Change::PutRange(range) => (
            keyed("range", range.prefix.as_str()),
            (&statements::PUT_RANGE, values![range.prefix.as_str(), &range.carrier]),
        ),
        Change::RemoveRange(prefix) => {
            (keyed("range", prefix.as_str()), (&statements::REMOVE_RANGE, values![prefix.as_str()]))
        }
        Change::PutBlacklisted(one) => {
            (entry(one), (&statements::PUT_BLACKLISTED, values![one.number.as_str(), account_text(one)]))
        }
        Change::RemoveBlacklisted(one) => {
            (entry(one), (&statements::REMOVE_BLACKLISTED, values![one.number.as_str(), account_text(one)]))
        }
    })
}

pub(super) fn document(value: &impl Serialize) -> BatchResult<String> {
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
