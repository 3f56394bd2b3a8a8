//! Callbacks: leased by the account that they are owed to, and settled.

use jiff::Timestamp;
use posthouse_core::{
    Id,
    account::AccountName,
    carrier::CarrierId,
    life::{
        callback::{self, CallbackRow, OnLease, TriedCallback},
        intervention::CallbackSays,
    },
    store::{Callback, CallbackBody, CallbackOutcome, Lease, Owner},
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
    tx: &mut Tx<'_>,
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
            if let Ok(Due::Superseded { id, tried }) = &found {
                withdraw(tx, *id, *tried, now)?;
                withdrawn = true;
                continue;
            }
            take(tx, id, lease)?;
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

/// As [`CallbackRow::leased`] says, also of one that cannot be read.
fn take(tx: &Tx<'_>, id: i64, lease: Lease) -> Result<()> {
    let take = "UPDATE callback SET owner = ?, due = ? WHERE id = ?";
    tx.update_one(("callback", id), take, (lease.owner.0, lease.until.as_millisecond(), id))
}

/// The [first](callback::first_of) of the other callbacks about a message that have not failed.
const NEXT: &str =
    "SELECT id, due FROM callback WHERE message = ? AND failed = 0 AND id <> ? ORDER BY id LIMIT 1";

fn withdraw(tx: &mut Tx<'_>, id: Id, mut tried: TriedCallback, now: Timestamp) -> Result<()> {
    let next = tx
        .prepare(NEXT)?
        .query_row((tried.about.number(), id.number()), |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    tried.next = next.and_then(read_next);
    write::after_try(tx, id, tried, &callback::withdraw(&tried, now), now)
}

fn read_next((id, due): (i64, Option<i64>)) -> Option<(Id, Option<Timestamp>)> {
    Some((Id::from_number(id)?, due.map(time)))
}

/// A callback that is due.
enum Due {
    Callback(Box<Callback>),
    /// It is to be [withdrawn](OnLease::Withdraw).
    Superseded {
        id: Id,
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
        "SELECT c.id, c.message, c.account, c.attempts, c.due, c.owner, c.failed, c.at, c.status, c.read_status, r.time_stamp,
                coalesce(m.carrier, o.carrier) AS carrier, m.state, m.reason, m.details, m.submission, o.document
         FROM callback c LEFT JOIN message m ON m.id = c.message LEFT JOIN mo o ON o.id = c.message
                         LEFT JOIN read_reply r ON r.message = c.message AND r.status = c.read_status
         WHERE c.account = ?1 AND c.due <= ?2
               AND NOT EXISTS (SELECT 1 FROM endpoint WHERE account = ?1 AND paused_at IS NOT NULL)
         ORDER BY c.due, c.id LIMIT ?3",
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
    match callback::on_lease(&tried) {
        OnLease::Withdraw => Ok(Due::Superseded { id: record.id("id")?, tried }),
        OnLease::Lease => Ok(Due::Callback(Box::new(read(row, lease)?))),
    }
}

fn read_tried(record: &Record<'_>) -> Result<TriedCallback> {
    let says = record.says()?;
    let message = if record.has("state")? { Some(record.state("state")?) } else { None };
    Ok(TriedCallback { says, about: record.id("message")?, row: read_row(record)?, message, next: None })
}

/// How a callback stands.
pub(super) fn read_row(record: &Record<'_>) -> Result<CallbackRow> {
    Ok(CallbackRow {
        attempts: record.value("attempts")?,
        due: record.value::<Option<i64>>("due")?.map(time),
        owner: record.value::<Option<i64>>("owner")?.map(Owner),
        failed: record.value("failed")?,
    })
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

/// A callback, the state of its message, and the next about the same message.
const TRIED: &str = "SELECT c.id, c.account, c.message, c.status, c.read_status, m.state, c.attempts, c.due, c.owner, c.failed, n.id AS next, n.due AS next_due
    FROM callback c LEFT JOIN message m ON m.id = c.message
         LEFT JOIN callback n ON n.id = (SELECT min(o.id) FROM callback o
                                         WHERE o.message = c.message AND o.failed = 0 AND o.id <> c.id)
    WHERE c.id = ?";

/// A try to deliver a callback ends.
pub(super) fn settle(
    tx: &mut Tx<'_>,
    id: Id,
    owner: Owner,
    outcome: &CallbackOutcome,
    now: Timestamp,
) -> Result<()> {
    let tried = callback::held(find(tx, id)?, owner)?;
    write::after_try(tx, id, tried, &callback::settle(&tried, outcome, now), now)
}

/// Gives back callbacks whose delivery was not begun.
pub(super) fn release(tx: &Tx<'_>, ids: &[Id], owner: Owner, now: Timestamp) -> Result<()> {
    for id in ids {
        tx.execute(
            "UPDATE callback SET due = ?, owner = NULL WHERE id = ? AND owner = ? AND due IS NOT NULL",
            (now.as_millisecond(), id.number(), owner.0),
        )?;
    }
    Ok(())
}

/// The callback of this id.
pub(super) fn find(tx: &Tx<'_>, id: Id) -> Result<Option<TriedCallback>> {
    Ok(find_with_account(tx, id)?.map(|(_, tried)| tried))
}

/// The same, and whom it is owed to.
pub(super) fn find_with_account(tx: &Tx<'_>, id: Id) -> Result<Option<(AccountName, TriedCallback)>> {
    let mut statement = tx.prepare(TRIED)?;
    let mut rows = statement.query([id.number()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let record = Record::by_id("callback", row)?;
    let account = AccountName(record.value("account")?);
    let mut tried = read_tried(&record)?;
    if let Some(next) = record.value::<Option<i64>>("next")? {
        tried.next = read_next((next, record.value("next_due")?));
    }
    Ok(Some((account, tried)))
}
