//! Requests of VASPs that were refused: the newest of each account, and of all.

use std::net::IpAddr;

use jiff::Timestamp;
use mm7::StatusCode;
use posthouse_core::{
    account::AccountName,
    refusal::{COUNTED_FOR, KeptRefusal, MOST, MOST_OF_ACCOUNT, RefusedRequest},
    store::{Demand, NewRefusal, RefusalFilter},
};
use rusqlite::{Connection, Row, ToSql};

use super::{
    fault::Result,
    job::Tx,
    record::{Record, read_all},
};

/// A refusal with its document as it is stored.
#[derive(Debug)]
pub(super) struct PreparedRefusal {
    new: NewRefusal,
    document: String,
}

impl PreparedRefusal {
    /// Writes its document.
    pub(super) fn new(new: &NewRefusal) -> Result<Self, serde_json::Error> {
        Ok(Self { document: serde_json::to_string(&new.refusal.details)?, new: new.clone() })
    }
}

/// Keeps them, or counts them onto what is there.
pub(super) fn keep(tx: &Tx<'_>, refusals: &[PreparedRefusal]) -> Result<()> {
    tx.has_room(Demand::More)?;
    for PreparedRefusal { new, document } in refusals {
        if !new.counted || !count(tx, new)? {
            insert(tx, new, document)?;
        }
    }
    make_room(tx)
}

/// Whether one of the same kind is there to count it onto.
fn count(tx: &Tx<'_>, new: &NewRefusal) -> Result<bool> {
    let NewRefusal { refusal, times, .. } = new;
    let at = refusal.at.as_millisecond();
    let recent = refusal.at.checked_sub(COUNTED_FOR).unwrap_or(Timestamp::MIN).as_millisecond();
    let counted = tx.execute(
        "UPDATE refusal SET times = times + ?1, last_at = max(last_at, ?2)
         WHERE id = (SELECT max(id) FROM refusal WHERE peer = ?3 AND account = ?4 AND code = ?5 AND row = ?6 AND rule = ?7)
               AND last_at >= ?8",
        (
            i64::try_from(*times).unwrap_or(i64::MAX),
            at,
            refusal.peer.to_string(),
            account(refusal),
            refusal.code.code(),
            refusal.row,
            &refusal.check,
            recent,
        ),
    )?;
    Ok(counted > 0)
}

fn account(refusal: &RefusedRequest) -> &str {
    refusal.account.as_ref().map_or("", |account| account.0.as_str())
}

fn insert(tx: &Tx<'_>, new: &NewRefusal, document: &str) -> Result<()> {
    let NewRefusal { refusal, times, .. } = new;
    tx.execute(
        "INSERT INTO refusal (at, last_at, times, account, code, row, rule, peer, transaction_id, recipient_hash, document)
         VALUES (?1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        (
            refusal.at.as_millisecond(),
            i64::try_from(*times).unwrap_or(i64::MAX),
            account(refusal),
            refusal.code.code(),
            refusal.row,
            &refusal.check,
            refusal.peer.to_string(),
            &refusal.transaction_id,
            &refusal.recipient_hash,
            document,
        ),
    )?;
    Ok(())
}

/// What is beyond the most goes. How many there are of each account is kept beside them.
fn make_room(tx: &Tx<'_>) -> Result<()> {
    let over: Vec<(String, i64)> = tx
        .prepare("SELECT account, kept - ?1 FROM refusals_kept WHERE kept > ?1")?
        .query_map([MOST_OF_ACCOUNT], |row| row.try_into())?
        .collect::<rusqlite::Result<_>>()?;
    for (account, over) in over {
        tx.execute(
            "DELETE FROM refusal WHERE id IN (SELECT id FROM refusal WHERE account = ? ORDER BY id LIMIT ?)",
            (account, over),
        )?;
    }
    let all: i64 =
        tx.prepare("SELECT coalesce(sum(kept), 0) FROM refusals_kept")?.query_row([], |row| row.get(0))?;
    if let Some(over @ 1..) = all.checked_sub(i64::from(MOST)) {
        tx.execute("DELETE FROM refusal WHERE id IN (SELECT id FROM refusal ORDER BY id LIMIT ?)", [over])?;
    }
    Ok(())
}

/// Refusals that match, the newest first.
pub(super) fn list(
    connection: &Connection,
    filter: &RefusalFilter,
    limit: usize,
) -> Result<Vec<KeptRefusal>> {
    let milliseconds = |time: Option<Timestamp>| time.map(Timestamp::as_millisecond);
    let conditions: [(&str, Option<Box<dyn ToSql>>); 8] = [
        ("last_at >= ?", boxed(milliseconds(filter.since))),
        ("last_at < ?", boxed(milliseconds(filter.before))),
        ("id < ?", boxed(filter.below)),
        ("account = ?", boxed(filter.account.clone().map(|account| account.0))),
        ("+code = ?", boxed(filter.code.map(StatusCode::code))),
        ("+peer = ?", boxed(filter.peer.clone())),
        ("transaction_id = ?", boxed(filter.transaction_id.clone())),
        ("recipient_hash = ?", boxed(filter.recipient_hash.clone())),
    ];
    let mut text = "SELECT id, at, last_at, times, account, code, row, rule, peer, transaction_id, recipient_hash, document
                    FROM refusal WHERE true"
        .to_owned();
    let mut values: Vec<Box<dyn ToSql>> = Vec::new();
    for (condition, value) in conditions {
        if let Some(value) = value {
            text.push_str(" AND ");
            text.push_str(condition);
            values.push(value);
        }
    }
    text.push_str(" ORDER BY id DESC LIMIT ?");
    values.push(Box::new(i64::try_from(limit).unwrap_or(i64::MAX)));
    let mut statement = connection.prepare_cached(&text)?;
    read_all(statement.query(rusqlite::params_from_iter(values))?, read)
}

fn boxed<T: ToSql + 'static>(value: Option<T>) -> Option<Box<dyn ToSql>> {
    value.map(|value| Box::new(value) as Box<dyn ToSql>)
}

fn read(row: &Row<'_>) -> Result<KeptRefusal> {
    let record = Record::by_id("refusal", row)?;
    let account: String = record.value("account")?;
    Ok(KeptRefusal {
        number: record.value("id")?,
        times: record.known("times", |times: i64| u64::try_from(times).ok())?,
        last_at: record.time("last_at")?,
        refusal: RefusedRequest {
            at: record.time("at")?,
            account: (!account.is_empty()).then_some(AccountName(account)),
            code: record.known("code", StatusCode::from_code)?,
            row: record.value("row")?,
            check: record.value("rule")?,
            peer: record.known("peer", |peer: String| peer.parse::<IpAddr>().ok())?,
            transaction_id: record.value("transaction_id")?,
            recipient_hash: record.value("recipient_hash")?,
            details: record.json("document")?,
        },
    })
}
