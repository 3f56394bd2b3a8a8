//! What is owed to VASPs: reports, and messages from handsets.
//!
//! The reports of one message reach its VASP in the order in which they became owed: a later one is held (no `due`) while
//! an earlier one is. When the message has ended, Forwarded and Deferred are not owed any more; one that is being
//! delivered just then is left to its owner first, so that it cannot overtake, or be overtaken by, the terminal one.

use jiff::Timestamp;
use mm7::MmStatus;
use posthouse_core::{
    Id,
    account::AccountName,
    carrier::CarrierId,
    life::intervention::CallbackSays as Says,
    life::read_reply::ReadStatus,
    life::state::Terminal,
    message::EventKind,
    store::{Callback, CallbackBody, CallbackOutcome, Lease, Owner, StoreError},
};
use rusqlite::{OptionalExtension, Row};

use super::{
    fault::Result,
    job::Tx,
    mo, read_reply,
    record::Record,
    step::{Subject, note, words},
    work::readable,
};

/// What has to be known of a callback to settle it.
struct Owed {
    id: i64,
    message: Id,
    says: Says,
    /// The message has ended and this is not its terminal status.
    superseded: bool,
}

/// What a callback says, in short.
pub(super) fn says(record: &Record<'_>) -> Result<Says> {
    Ok(if record.has("status")? {
        Says::Report(record.status("status")?)
    } else if record.has("read_status")? {
        Says::ReadReply(read_reply::status(record, "read_status")?)
    } else {
        Says::Mo
    })
}

/// The callback that this owner holds.
const HELD: &str = "SELECT c.id, c.message, c.status, c.read_status, m.state
                    FROM callback c LEFT JOIN message m ON m.id = c.message WHERE c.id = ? AND c.owner = ?";
/// The reports on a message that nobody is delivering.
const IDLE: &str = "SELECT c.id, c.message, c.status, c.read_status, m.state
                    FROM callback c LEFT JOIN message m ON m.id = c.message
                    WHERE c.message = ? AND c.status IS NOT NULL AND c.failed = 0 AND (c.owner IS NULL OR c.due <= ?)
                    ORDER BY c.id";

impl Owed {
    fn read(row: &Row<'_>) -> Result<Self> {
        let record = Record::by_id("callback", row)?;
        let (id, message) = (record.value("id")?, record.id("message")?);
        let says = says(&record)?;
        let superseded = match says {
            Says::Report(status) => Terminal::of(status).is_none() && record.state("state")?.is_terminal(),
            Says::ReadReply(_) | Says::Mo => false,
        };
        Ok(Self { id, message, says, superseded })
    }

    fn all(tx: &Tx<'_>, query: &str, values: impl rusqlite::Params) -> Result<Vec<Self>> {
        let mut statement = tx.prepare(query)?;
        let mut rows = statement.query(values)?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            all.push(Self::read(row)?);
        }
        Ok(all)
    }

    fn note(&self, tx: &Tx<'_>, kind: EventKind, at: Timestamp, said: &str) -> Result<()> {
        match self.says {
            // A message from a handset has no timeline.
            Says::Mo => Ok(()),
            says => note(tx, self.message, kind, at, &words(&[&says.to_string(), said])),
        }
    }

    fn remove(&self, tx: &Tx<'_>) -> Result<()> {
        tx.execute("DELETE FROM callback WHERE id = ?", [self.id])?;
        Ok(())
    }

    fn withdraw(&self, tx: &Tx<'_>, at: Timestamp, said: &str) -> Result<()> {
        self.remove(tx)?;
        self.note(tx, EventKind::ReportWithdrawn, at, said)
    }

    /// Lets the next report of the same message go, if this was what held it. Whether it did.
    fn let_next_go(&self, tx: &Tx<'_>, now: Timestamp) -> Result<bool> {
        let next: Option<(i64, bool)> = tx
            .prepare(
                "SELECT id, due IS NULL FROM callback WHERE message = ? AND failed = 0 ORDER BY id LIMIT 1",
            )?
            .query_row([self.message.number()], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((id, true)) = next else { return Ok(false) };
        tx.execute("UPDATE callback SET due = ? WHERE id = ?", (now.as_millisecond(), id))?;
        Ok(true)
    }
}

/// A report becomes owed, if there is one; a terminal one puts an end to those before it.
pub(super) fn owe(tx: &mut Tx<'_>, subject: &Subject, status: Option<MmStatus>, at: Timestamp) -> Result<()> {
    let Some(status) = status else {
        return Ok(());
    };
    let message = subject.id.number();
    if Terminal::of(status).is_some() {
        for owed in Owed::all(tx, IDLE, (message, at.as_millisecond()))? {
            owed.withdraw(tx, at, "")?;
            // A read reply may have waited for it.
            owed.let_next_go(tx, at)?;
        }
    }
    insert(tx, subject.id, &subject.account, Says::Report(status), at)
}

/// A read reply becomes owed.
pub(super) fn owe_read_reply(
    tx: &mut Tx<'_>,
    id: Id,
    account: &str,
    status: ReadStatus,
    at: Timestamp,
) -> Result<()> {
    insert(tx, id, account, Says::ReadReply(status), at)
}

/// A message from a handset becomes owed.
pub(super) fn owe_mo(tx: &mut Tx<'_>, id: Id, account: &str, at: Timestamp) -> Result<()> {
    insert(tx, id, account, Says::Mo, at)
}

/// Due at once, unless it has to wait for another one of the same message.
fn insert(tx: &mut Tx<'_>, about: Id, account: &str, says: Says, at: Timestamp) -> Result<()> {
    let id = tx.callback_ids.next(at);
    let (status, read_status) = match says {
        Says::Report(status) => (Some(status.as_str()), None),
        Says::ReadReply(status) => (None, Some(status.as_str())),
        Says::Mo => (None, None),
    };
    tx.execute(
        "INSERT INTO callback (id, message, due, at, status, read_status, account)
         VALUES (?1, ?2, iif(EXISTS (SELECT 1 FROM callback WHERE message = ?2 AND failed = 0), NULL, ?3), ?3, ?4, ?5, ?6)",
        (id.number(), about.number(), at.as_millisecond(), status, read_status, account),
    )?;
    Ok(())
}

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
            if let Ok(Due::Superseded(owed)) = &found {
                owed.withdraw(tx, now, "")?;
                owed.let_next_go(tx, now)?;
                withdrawn = true;
                continue;
            }
            let until = lease.until.as_millisecond();
            tx.execute("UPDATE callback SET owner = ?, due = ? WHERE id = ?", (lease.owner.0, until, id))?;
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

/// A callback that is due.
enum Due {
    Callback(Box<Callback>),
    /// Its owner fell silent while the message ended.
    Superseded(Owed),
}

impl Due {
    fn into_callback(self) -> Option<Callback> {
        match self {
            Self::Callback(callback) => Some(*callback),
            Self::Superseded(_) => None,
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
    let owed = Owed::read(row)?;
    if owed.superseded {
        return Ok(Due::Superseded(owed));
    }
    Ok(Due::Callback(Box::new(read(row, lease)?)))
}

fn read(row: &Row<'_>, lease: Lease) -> Result<Callback> {
    let callback = Record::by_id("callback", row)?;
    let about = callback.value::<i64>("message")?;
    let message = Record::new("message", about, row);
    let body = match says(&callback)? {
        Says::Report(status) => CallbackBody::Report {
            status,
            reason: message.reason("reason")?,
            details: message.value("details")?,
            submission: message.json("submission")?,
        },
        Says::ReadReply(status) => CallbackBody::ReadReply {
            status,
            time_stamp: Record::new("read_reply", about, row).time("time_stamp")?,
            submission: message.json("submission")?,
        },
        Says::Mo => CallbackBody::Mo(Record::new("mo", about, row).json("document")?),
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

/// A try to deliver a callback ends.
pub(super) fn settle(
    tx: &Tx<'_>,
    id: Id,
    owner: Owner,
    outcome: &CallbackOutcome,
    now: Timestamp,
) -> Result<bool> {
    let held = Owed::all(tx, HELD, (id.number(), owner.0))?;
    let owed = held.into_iter().next().ok_or(StoreError::LostLease)?;
    match outcome {
        CallbackOutcome::Delivered => {
            owed.remove(tx)?;
            owed.note(tx, EventKind::Reported, now, "")?;
        }
        CallbackOutcome::Withdrawn { said } => owed.withdraw(tx, now, said)?,
        CallbackOutcome::Again { .. } | CallbackOutcome::Failed { .. } if owed.superseded => {
            owed.withdraw(tx, now, "")?;
        }
        CallbackOutcome::Again { due, said } => {
            again(tx, &owed, *due)?;
            owed.note(tx, EventKind::ReportRetrying, now, said)?;
            return Ok(false);
        }
        CallbackOutcome::Failed { said } => {
            keep_as_failed(tx, &owed)?;
            owed.note(tx, EventKind::ReportFailed, now, said)?;
        }
    }
    if owed.says == Says::Mo {
        mo::note_end(tx, owed.message, Some(now))?;
    }
    owed.let_next_go(tx, now)
}

fn again(tx: &Tx<'_>, owed: &Owed, due: Timestamp) -> Result<()> {
    tx.execute(
        "UPDATE callback SET due = ?, owner = NULL, attempts = attempts + 1 WHERE id = ?",
        (due.as_millisecond(), owed.id),
    )?;
    Ok(())
}

fn keep_as_failed(tx: &Tx<'_>, owed: &Owed) -> Result<()> {
    tx.execute(
        "UPDATE callback SET due = NULL, owner = NULL, failed = 1, attempts = attempts + 1 WHERE id = ?",
        [owed.id],
    )?;
    Ok(())
}
