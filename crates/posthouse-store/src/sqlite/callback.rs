//! Callbacks: leased by the account that they are owed to, and settled.

use jiff::Timestamp;
use posthouse_core::{
    Id,
    account::AccountName,
    carrier::CarrierId,
    life::{
        callback::{self, TriedCallback},
        intervention::CallbackSays,
    },
    store::{Callback, CallbackBody, CallbackOutcome, Lease, Owner, StoreError},
};
use rusqlite::{OptionalExtension, Row};

use super::{
    fault::Result,
    job::Tx,
    record::{Record, readable, time},
    write,
};

/// Leases callbacks of an account that are due.
pub(super) fn lease(
    tx: &Tx<'_>,
    account: &AccountName,
    lease: Lease,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<Callback>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    loop {
        let due = due(tx, account, lease, now, limit)?;
        let mut leased = Vec::new();
        let mut withdrawn = false;
        for (id, found) in due {
            if let Ok(Due::Superseded { id, message, tried }) = &found {
                withdraw(tx, *id, *message, *tried, now)?;
                withdrawn = true;
                continue;
            }
            let until = lease.until.as_millisecond();
            let take = "UPDATE callback SET owner = ?, due = ? WHERE id = ?";
            tx.update_one(("callback", id), take, (lease.owner.0, until, id))?;
            leased.push((id, found));
        }
        // What was withdrawn may have held others.
        if !withdrawn || !leased.is_empty() {
            leased.sort_unstable_by_key(|(id, _)| *id);
            return readable(
                leased.into_iter().filter_map(|(_, found)| found.map(Due::into_callback).transpose()),
            );
        }
    }
}

/// The first of the other callbacks about a message that have not failed.
const NEXT: &str =
    "SELECT id, due FROM callback WHERE message = ? AND failed = 0 AND id <> ? ORDER BY id LIMIT 1";

fn withdraw(tx: &Tx<'_>, id: Id, message: Id, mut tried: TriedCallback, now: Timestamp) -> Result<()> {
    let next = tx
        .prepare(NEXT)?
        .query_row((message.number(), id.number()), |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    tried.next = next.and_then(read_next);
    write::after_try(tx, id, message, &callback::withdraw(&tried, now), now)
}

fn read_next((id, due): (i64, Option<i64>)) -> Option<(Id, Option<Timestamp>)> {
    Some((Id::from_number(id)?, due.map(time)))
}

/// A callback that is due.
enum Due {
    Callback(Box<Callback>),
    /// Its owner fell silent while the message ended.
    Superseded {
        id: Id,
        message: Id,
        tried: TriedCallback,
    },
}

impl Due {
    fn into_callback(self) -> Option<Callback> {
        match self {
            Self::Callback(callback) => Some(*callback),
            Self::Superseded { .. } => None,
        }
    }
}

/// What is due, in order. One that cannot be read is there as its error.
fn due(
    tx: &Tx<'_>,
    account: &AccountName,
    lease: Lease,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<(i64, Result<Due>)>> {
    let mut statement = tx.prepare(
        "SELECT c.id, c.message, c.account, c.attempts, c.at, c.status, c.read_status, r.time_stamp,
                coalesce(m.carrier, o.carrier) AS carrier, m.state, m.reason, m.details, m.submission, o.document
         FROM callback c LEFT JOIN message m ON m.id = c.message LEFT JOIN mo o ON o.id = c.message
                         LEFT JOIN read_reply r ON r.message = c.message AND r.status = c.read_status
         WHERE c.account = ? AND c.due <= ? ORDER BY c.due, c.id LIMIT ?",
    )?;
    let mut rows = statement.query((&account.0, now.as_millisecond(), limit))?;
    let mut due = Vec::new();
    while let Some(row) = rows.next()? {
        due.push((row.get("id")?, read_due(row, lease)));
    }
    Ok(due)
}

fn read_due(row: &Row<'_>, lease: Lease) -> Result<Due> {
    let record = Record::by_id("callback", row)?;
    let tried = read_tried(&record)?;
    if callback::is_superseded(tried.says, tried.message) {
        return Ok(Due::Superseded { id: record.id("id")?, message: record.id("message")?, tried });
    }
    Ok(Due::Callback(Box::new(read(row, lease)?)))
}

fn read_tried(record: &Record<'_>) -> Result<TriedCallback> {
    let says = record.says()?;
    let message = if record.has("state")? { Some(record.state("state")?) } else { None };
    Ok(TriedCallback { says, message, next: None })
}

fn read(row: &Row<'_>, lease: Lease) -> Result<Callback> {
    let callback = Record::by_id("callback", row)?;
    let about = callback.value::<i64>("message")?;
    let message = Record::new("message", about, row);
    let body = match callback.says()? {
        CallbackSays::Report(status) => CallbackBody::Report {
            status,
            reason: message.reason("reason")?,
            details: message.value("details")?,
            submission: message.json("submission")?,
        },
        CallbackSays::ReadReply(status) => CallbackBody::ReadReply {
            status,
            time_stamp: Record::new("read_reply", about, row).time("time_stamp")?,
            submission: message.json("submission")?,
        },
        CallbackSays::Mo => CallbackBody::Mo(Record::new("mo", about, row).json("document")?),
    };
    Ok(Callback {
        id: callback.id("id")?,
        message: callback.id("message")?,
        account: AccountName(callback.value("account")?),
        carrier: CarrierId(message.value("carrier")?),
        body,
        at: callback.time("at")?,
        attempts: callback.value("attempts")?,
        lease,
    })
}

/// The callback that this owner holds, the state of its message, and the next about the same message.
const HELD: &str = "SELECT c.id, c.message, c.status, c.read_status, m.state, n.id AS next, n.due AS next_due
    FROM callback c LEFT JOIN message m ON m.id = c.message
         LEFT JOIN callback n ON n.id = (SELECT min(o.id) FROM callback o
                                         WHERE o.message = c.message AND o.failed = 0 AND o.id <> c.id)
    WHERE c.id = ? AND c.owner = ?";

/// A try to deliver a callback ends.
pub(super) fn settle(
    tx: &Tx<'_>,
    id: Id,
    owner: Owner,
    outcome: &CallbackOutcome,
    now: Timestamp,
) -> Result<bool> {
    let (message, tried) = held(tx, id, owner)?.ok_or(StoreError::LostLease)?;
    let after = callback::settle(&tried, outcome, now);
    write::after_try(tx, id, message, &after, now)?;
    Ok(after.freed.is_some())
}

fn held(tx: &Tx<'_>, id: Id, owner: Owner) -> Result<Option<(Id, TriedCallback)>> {
    let mut statement = tx.prepare(HELD)?;
    let mut rows = statement.query((id.number(), owner.0))?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let record = Record::by_id("callback", row)?;
    let message = record.id("message")?;
    let mut tried = read_tried(&record)?;
    if let Some(next) = record.value::<Option<i64>>("next")? {
        tried.next = read_next((next, record.value("next_due")?));
    }
    Ok(Some((message, tried)))
}
