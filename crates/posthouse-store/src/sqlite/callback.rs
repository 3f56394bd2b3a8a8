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
    message::EventKind,
    state::Terminal,
    store::{Callback, CallbackBody, CallbackOutcome, Lease, Owner, StoreError},
};
use rusqlite::Row;

use super::{
    fault::{Fault, Result},
    job::Tx,
    record::Record,
    step::{Subject, note, words},
    work::readable,
};

/// What has to be known of a callback to settle it.
struct Owed {
    id: i64,
    message: Id,
    /// Of a report; a message from a handset has none, and no timeline either.
    status: Option<MmStatus>,
    /// The message has ended and this is not its terminal status.
    superseded: bool,
}

const OWED: &str =
    "SELECT c.id, c.message, c.status, m.state FROM callback c LEFT JOIN message m ON m.id = c.message";

impl Owed {
    fn read(row: &Row<'_>) -> Result<Self> {
        let record = Record::by_id("callback", row)?;
        let (id, message) = (record.value("id")?, record.id("message")?);
        if !record.has("status")? {
            return Ok(Self { id, message, status: None, superseded: false });
        }
        let status = record.status("status")?;
        let ended = record.state("state")?.is_terminal();
        Ok(Self { id, message, status: Some(status), superseded: ended && Terminal::of(status).is_none() })
    }

    fn all(tx: &Tx<'_>, condition: &str, values: impl rusqlite::Params) -> Result<Vec<Self>> {
        let mut statement = tx.prepare(&format!("{OWED} {condition}"))?;
        let mut rows = statement.query(values)?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            all.push(Self::read(row)?);
        }
        Ok(all)
    }

    fn note(&self, tx: &Tx<'_>, kind: EventKind, at: Timestamp, said: &str) -> Result<()> {
        match self.status {
            Some(status) => note(tx, self.message, kind, at, &words(&[status.as_str(), said])),
            None => Ok(()),
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
        let gone = tx.execute(
            "UPDATE callback SET due = ?2
             WHERE id = (SELECT min(id) FROM callback WHERE message = ?1 AND failed = 0) AND due IS NULL",
            (self.message.number(), now.as_millisecond()),
        )?;
        Ok(gone > 0)
    }
}

/// A report becomes owed, if there is one; a terminal one puts an end to those before it.
pub(super) fn owe(tx: &mut Tx<'_>, subject: &Subject, status: Option<MmStatus>, at: Timestamp) -> Result<()> {
    let Some(status) = status else {
        return Ok(());
    };
    let message = subject.id.number();
    if Terminal::of(status).is_some() {
        let idle = "WHERE c.message = ? AND c.failed = 0 AND (c.owner IS NULL OR c.due <= ?) ORDER BY c.id";
        for owed in Owed::all(tx, idle, (message, at.as_millisecond()))? {
            owed.withdraw(tx, at, "")?;
        }
    }
    let held = tx.prepare("SELECT 1 FROM callback WHERE message = ? AND failed = 0")?.exists([message])?;
    let due = (!held).then_some(at);
    insert(tx, subject.id, &subject.account, Some(status), due, at)
}

/// A message from a handset becomes owed.
pub(super) fn owe_mo(tx: &mut Tx<'_>, id: Id, account: &str, at: Timestamp) -> Result<()> {
    insert(tx, id, account, None, Some(at), at)
}

fn insert(
    tx: &mut Tx<'_>,
    about: Id,
    account: &str,
    status: Option<MmStatus>,
    due: Option<Timestamp>,
    at: Timestamp,
) -> Result<()> {
    let id = tx.callback_ids.next(at);
    let (due, at) = (due.map(Timestamp::as_millisecond), at.as_millisecond());
    tx.execute(
        "INSERT INTO callback (id, message, due, at, status, account) VALUES (?, ?, ?, ?, ?, ?)",
        (id.number(), about.number(), due, at, status.map(MmStatus::as_str), account),
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
    let mut leased = Vec::new();
    loop {
        let ids = due(tx, account, now, limit)?;
        let mut withdrawn = false;
        for id in ids {
            match withdraw_superseded(tx, id, now)? {
                true => withdrawn = true,
                false => leased.push(id),
            }
        }
        // What was withdrawn may have held others.
        if !withdrawn || !leased.is_empty() {
            break;
        }
    }
    for id in &leased {
        let until = lease.until.as_millisecond();
        tx.execute("UPDATE callback SET owner = ?, due = ? WHERE id = ?", (lease.owner.0, until, id))?;
    }
    leased.sort_unstable();
    readable(leased.into_iter().map(|id| load(tx, id, lease)))
}

fn due(tx: &Tx<'_>, account: &AccountName, now: Timestamp, limit: i64) -> Result<Vec<i64>> {
    let ids = tx
        .prepare("SELECT id FROM callback WHERE account = ? AND due <= ? ORDER BY due, id LIMIT ?")?
        .query_map((&account.0, now.as_millisecond(), limit), |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(ids)
}

/// Withdraws a callback whose owner fell silent while the message ended. One that cannot be read is not withdrawn.
fn withdraw_superseded(tx: &Tx<'_>, id: i64, now: Timestamp) -> Result<bool> {
    let found = match Owed::all(tx, "WHERE c.id = ?", [id]) {
        Err(Fault::Store(StoreError::Corrupt { .. })) => return Ok(false),
        found => found?,
    };
    let Some(owed) = found.into_iter().find(|owed| owed.superseded) else {
        return Ok(false);
    };
    owed.withdraw(tx, now, "")?;
    owed.let_next_go(tx, now)?;
    Ok(true)
}

fn load(tx: &Tx<'_>, id: i64, lease: Lease) -> Result<Callback> {
    let mut statement = tx.prepare(
        "SELECT c.id, c.message, c.account, c.attempts, c.at, c.status, coalesce(m.carrier, o.carrier) AS carrier,
                m.reason, m.submission, o.document
         FROM callback c LEFT JOIN message m ON m.id = c.message LEFT JOIN mo o ON o.id = c.message
         WHERE c.id = ?",
    )?;
    let mut rows = statement.query([id])?;
    match rows.next()? {
        Some(row) => read(row, lease),
        None => Err(StoreError::NotFound("callback").into()),
    }
}

fn read(row: &Row<'_>, lease: Lease) -> Result<Callback> {
    let callback = Record::by_id("callback", row)?;
    let about = callback.value::<i64>("message")?;
    let message = Record::new("message", about, row);
    let body = if callback.has("status")? {
        CallbackBody::Report {
            status: callback.status("status")?,
            reason: message.reason("reason")?,
            submission: message.json("submission")?,
        }
    } else {
        CallbackBody::Mo(Record::new("mo", about, row).json("document")?)
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
    let held = Owed::all(tx, "WHERE c.id = ? AND c.owner = ?", (id.number(), owner.0))?;
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
