//! Attempts, timers and their leases.

use jiff::Timestamp;
use posthouse_core::{
    Id,
    account::AccountName,
    carrier::CarrierId,
    life::state::{LifeEvent, State, Transition},
    message::{EventKind, Reason, Submission},
    store::{Lease, Owner, Settled, Settlement, StoreError, Timer, ToSend},
};
use rusqlite::Row;

use super::{
    callback,
    fault::{Result, StoreFault},
    job::Tx,
    record::Record,
    report,
    search::inline_media,
    step::{Stepped, Subject, note, words},
};

/// What is to be done about a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// To be sent, now or later.
    Send,
    /// Being sent.
    Sending,
    /// Waiting for reports.
    Report,
}

impl Kind {
    /// The number in the table.
    pub(super) const fn number(self) -> u8 {
        match self {
            Self::Send => 0,
            Self::Sending => 1,
            Self::Report => 2,
        }
    }

    pub(super) fn from_number(number: u8) -> Option<Self> {
        [Self::Send, Self::Sending, Self::Report].into_iter().find(|kind| kind.number() == number)
    }
}

/// The work that this owner holds, and the message it is about; lost, when it is another's or done.
fn held(tx: &Tx<'_>, id: Id, owner: Owner) -> Result<(Kind, Subject)> {
    let mut statement = tx.prepare(
        "SELECT w.kind, w.owner, m.id, m.state, m.account, m.carrier, m.recipient, m.delivery_report,
                m.carrier_message_id
         FROM work w JOIN message m USING (id) WHERE w.id = ?",
    )?;
    let mut rows = statement.query([id.number()])?;
    let Some(row) = rows.next()? else {
        return Err(StoreError::LostLease.into());
    };
    let record = Record::by_id("work", row)?;
    if record.value::<Option<i64>>("owner")? != Some(owner.0) {
        return Err(StoreError::LostLease.into());
    }
    Ok((record.known("kind", Kind::from_number)?, Subject::read(row)?))
}

/// An attempt begins.
pub(super) fn begin(
    tx: &mut Tx<'_>,
    id: Id,
    owner: Owner,
    connection: &str,
    until: Timestamp,
    now: Timestamp,
) -> Result<()> {
    let (kind, Subject { state, .. }) = held(tx, id, owner)?;
    let state = match state.after(LifeEvent::Begin) {
        Transition::To { state, .. } => state,
        // The next connection of the same attempt.
        Transition::Recorded if state == State::Sending => state,
        Transition::Recorded => return Err(StoreError::LostLease.into()),
    };
    if kind == Kind::Report {
        return Err(StoreError::LostLease.into());
    }
    tx.execute(
        "UPDATE message SET state = ?, changed_at = ?, attempts = attempts + 1 WHERE id = ?",
        (state.number(), now.as_millisecond(), id.number()),
    )?;
    tx.execute(
        "UPDATE work SET kind = ?, due = ? WHERE id = ?",
        (Kind::Sending.number(), until.as_millisecond(), id.number()),
    )?;
    note(tx, id, EventKind::Sending, now, connection)
}

/// An attempt or a wait ends.
pub(super) fn settle(
    tx: &mut Tx<'_>,
    id: Id,
    owner: Owner,
    settlement: &Settlement,
    said: &str,
    now: Timestamp,
) -> Result<Settled> {
    let (_, mut subject) = held(tx, id, owner)?;
    let is_last_word = matches!(settlement, Settlement::Refused { .. } | Settlement::Expired { .. });
    if is_last_word && let Some(owes_report) = hear_of_earlier(tx, &mut subject, now)? {
        note_settlement(tx, &subject, Stepped { changed: false, owed: None }, settlement, said, now)?;
        return Ok(Settled { state: subject.state, owes_report });
    }
    let learned = match settlement {
        Settlement::Taken { carrier_message_id: Some(carrier_message_id), .. } => carrier_message_id,
        _ => "",
    };
    let stepped = subject.step(tx, event_of(settlement), reason_of(settlement), learned, now)?;
    note_settlement(tx, &subject, stepped, settlement, said, now)?;
    if let Settlement::Declined { .. } = settlement {
        // The VASP was refused, and refusals are not remembered: the same request is a new message.
        tx.execute("UPDATE message SET digest = NULL WHERE id = ?", [id.number()])?;
    }
    if let Settlement::Refused { details: Some(details), .. } = settlement
        && stepped.changed
    {
        tx.execute("UPDATE message SET details = ? WHERE id = ?", (details, id.number()))?;
    }
    leave_work(tx, &subject, settlement, now)?;
    callback::owe(tx, &subject, stepped.owed, now)?;
    let owed_by_reports = report::apply_waiting(tx, &mut subject)?;
    Ok(Settled { state: subject.state, owes_report: stepped.owed.is_some() || owed_by_reports })
}

/// An attempt ends its message, and an earlier one may have arrived: a report that came meanwhile, and was kept while an answer might
/// still tell the MessageID, counts before that. Whether one did, and then whether a report is owed for it.
fn hear_of_earlier(tx: &mut Tx<'_>, subject: &mut Subject, now: Timestamp) -> Result<Option<bool>> {
    let may_have_arrived = "SELECT 1 FROM message WHERE id = ? AND report_until IS NOT NULL";
    if subject.state != State::Sending || !tx.prepare(may_have_arrived)?.exists([subject.id.number()])? {
        return Ok(None);
    }
    // As if it waited to be sent again, when reports are matched by their addresses.
    subject.step(tx, LifeEvent::Again, None, "", now)?;
    send_again(tx, subject.id, now, false, now)?;
    let owes_report = report::apply_waiting(tx, subject)?;
    Ok((subject.state != State::Accepted).then_some(owes_report))
}

fn event_of(settlement: &Settlement) -> LifeEvent {
    match settlement {
        Settlement::Taken { .. } => LifeEvent::Taken,
        Settlement::Refused { terminal, reason, .. } => LifeEvent::Refused(*terminal, *reason),
        Settlement::Again { .. } | Settlement::Resend { .. } => LifeEvent::Again,
        Settlement::Unknown { .. } => LifeEvent::Unknown,
        Settlement::Expired { unreached } => LifeEvent::ExpiryPassed { unreached: *unreached },
        Settlement::ReportTimeout => LifeEvent::ReportTimeout,
        Settlement::Declined { reason } => LifeEvent::Declined(*reason),
    }
}

fn reason_of(settlement: &Settlement) -> Option<Reason> {
    match settlement {
        Settlement::Refused { reason, .. } | Settlement::Declined { reason } => Some(Reason(*reason)),
        _ => None,
    }
}

/// One line for the timeline; for a message that had ended, only when there is something to say.
fn note_settlement(
    tx: &Tx<'_>,
    subject: &Subject,
    stepped: Stepped,
    settlement: &Settlement,
    said: &str,
    now: Timestamp,
) -> Result<()> {
    if !stepped.changed {
        return if said.is_empty() { Ok(()) } else { note(tx, subject.id, EventKind::LateReport, now, said) };
    }
    let reason = reason_of(settlement).map(|reason| reason.to_string()).unwrap_or_default();
    let (kind, detail) = match settlement {
        Settlement::Taken { .. } => (EventKind::Forwarded, said.to_owned()),
        Settlement::Again { reason, .. } | Settlement::Resend { reason, .. } => {
            (EventKind::Retrying, words(&[&reason.to_string(), said]))
        }
        Settlement::Unknown { .. } => (EventKind::Parked, said.to_owned()),
        _ => (EventKind::Ended, words(&[subject.state.as_str(), &reason, said])),
    };
    note(tx, subject.id, kind, now, &detail)
}

/// What is to be done next, by the state that the message is in now.
fn leave_work(tx: &Tx<'_>, subject: &Subject, settlement: &Settlement, now: Timestamp) -> Result<()> {
    let id = subject.id.number();
    match (subject.state, settlement) {
        (State::Ended(_), _) => tx.execute("DELETE FROM work WHERE id = ?", [id])?,
        (State::Accepted, Settlement::Again { due, unreached, .. }) => {
            send_again(tx, subject.id, *due, *unreached, now)?
        }
        (State::Accepted, Settlement::Resend { due, report_until, .. }) => {
            tx.execute(
                "UPDATE message SET report_until = ? WHERE id = ?",
                (report_until.as_millisecond(), id),
            )?;
            send_again(tx, subject.id, *due, false, now)?
        }
        (_, Settlement::Taken { report_until, .. } | Settlement::Unknown { report_until }) => tx.execute(
            "UPDATE work SET kind = ?, due = ?, owner = NULL WHERE id = ?",
            (Kind::Report.number(), report_until.as_millisecond(), id),
        )?,
        // It changed nothing: the work stays what it was, and the lease's end brings it back.
        _ => 0,
    };
    Ok(())
}

fn send_again(tx: &Tx<'_>, id: Id, due: Timestamp, unreached: bool, now: Timestamp) -> Result<usize> {
    let changed = tx.execute(
        "UPDATE work SET kind = ?, due = ?, owner = NULL, since = ?, unreached = ? WHERE id = ?",
        (Kind::Send.number(), due.as_millisecond(), now.as_millisecond(), unreached, id.number()),
    )?;
    Ok(changed)
}

/// Work that was not begun is due at once.
pub(super) fn release(tx: &Tx<'_>, ids: &[Id], owner: Owner, now: Timestamp) -> Result<()> {
    for id in ids {
        tx.execute(
            "UPDATE work SET due = ?, owner = NULL WHERE id = ? AND owner = ? AND kind <> 1",
            (now.as_millisecond(), id.number(), owner.0),
        )?;
    }
    Ok(())
}

/// Puts off what is due, but not beyond its ExpiryDate; what has expired stays due. How many it were.
pub(super) fn put_off(
    tx: &Tx<'_>,
    carrier: &CarrierId,
    until: Timestamp,
    nobody_there: bool,
    now: Timestamp,
    limit: usize,
) -> Result<usize> {
    let put_off = tx.execute(
        "UPDATE work SET due = min(?2, expiry), owner = NULL, unreached = max(unreached, ?5)
         WHERE id IN (SELECT id FROM work WHERE kind = 0 AND carrier = ?1 AND due <= ?3 AND expiry > ?3
                      ORDER BY due LIMIT ?4)",
        (
            carrier.as_str(),
            until.as_millisecond(),
            now.as_millisecond(),
            i64::try_from(limit).unwrap_or(i64::MAX),
            nobody_there,
        ),
    )?;
    Ok(put_off)
}

/// Leases what is to be sent to a carrier.
pub(super) fn lease_sends(
    tx: &Tx<'_>,
    carrier: &CarrierId,
    lease: Lease,
    now: Timestamp,
    waiting_since_before: Option<Timestamp>,
    limit: usize,
) -> Result<Vec<ToSend>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let due = "SELECT id FROM work WHERE kind = 0 AND carrier = ? AND due <= ? ORDER BY due, id LIMIT ?";
    let mut ids = lease_ids(tx, due, (carrier.as_str(), now.as_millisecond(), limit), lease)?;
    let left = limit.saturating_sub(i64::try_from(ids.len()).unwrap_or(i64::MAX));
    if let Some(before) = waiting_since_before {
        let waiting = "SELECT id FROM work WHERE kind = 0 AND owner IS NULL AND carrier = ? AND since < ?
                       ORDER BY since, id LIMIT ?";
        ids.extend(lease_ids(tx, waiting, (carrier.as_str(), before.as_millisecond(), left), lease)?);
    }
    readable(ids.into_iter().map(|id| load_send(tx, id, lease)))
}

/// Leases the work that a query selects.
fn lease_ids(tx: &Tx<'_>, select: &str, values: (&str, i64, i64), lease: Lease) -> Result<Vec<i64>> {
    let mut statement = tx.prepare(select)?;
    let ids: Vec<i64> =
        statement.query_map(values, |row| row.get(0))?.collect::<rusqlite::Result<Vec<_>>>()?;
    for id in &ids {
        lease_work(tx, *id, lease)?;
    }
    Ok(ids)
}

fn lease_work(tx: &Tx<'_>, id: i64, lease: Lease) -> Result<()> {
    tx.execute(
        "UPDATE work SET owner = ?, due = ? WHERE id = ?",
        (lease.owner.0, lease.until.as_millisecond(), id),
    )?;
    Ok(())
}

/// Leaves out what cannot be read, loudly: it stays leased, so that it does not hold up what comes behind it, and comes
/// up again when the lease ends.
pub(super) fn readable<T>(rows: impl Iterator<Item = Result<T>>) -> Result<Vec<T>> {
    let mut good = Vec::new();
    for row in rows {
        match row {
            Ok(row) => good.push(row),
            Err(StoreFault::Store(error @ StoreError::Corrupt { .. })) => {
                tracing::error!(%error, "work left out");
            }
            Err(fault) => return Err(fault),
        }
    }
    Ok(good)
}

fn load_send(tx: &Tx<'_>, id: i64, lease: Lease) -> Result<ToSend> {
    let mut statement = tx.prepare(
        "SELECT m.id, m.account, m.carrier, m.submission, m.attempts, w.unreached, b.crc, b.body
         FROM work w JOIN message m USING (id) LEFT JOIN media b USING (id) WHERE w.id = ?",
    )?;
    let mut rows = statement.query([id])?;
    match rows.next()? {
        Some(row) => read_send(row, lease),
        None => Err(StoreError::NotFound("message").into()),
    }
}

fn read_send(row: &Row<'_>, lease: Lease) -> Result<ToSend> {
    let record = Record::by_id("message", row)?;
    let (id, submission): (Id, Submission) = (record.id("id")?, record.json("submission")?);
    Ok(ToSend {
        id,
        account: AccountName(record.value("account")?),
        carrier: CarrierId(record.value("carrier")?),
        attempts: record.value("attempts")?,
        unreached: record.value("unreached")?,
        media: inline_media(row, id, &submission.parts)?,
        submission,
        lease,
    })
}

/// Leases timers that went off.
pub(super) fn lease_timers(tx: &Tx<'_>, lease: Lease, now: Timestamp, limit: usize) -> Result<Vec<Timer>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let due: Vec<(i64, u8)> = tx
        .prepare("SELECT id, kind FROM work WHERE kind > 0 AND due <= ? ORDER BY due, id LIMIT ?")?
        .query_map((now.as_millisecond(), limit), |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for (id, _) in &due {
        lease_work(tx, *id, lease)?;
    }
    readable(due.into_iter().map(|(id, kind)| load_timer(tx, id, kind, lease)))
}

fn load_timer(tx: &Tx<'_>, id: i64, kind: u8, lease: Lease) -> Result<Timer> {
    if kind == Kind::Sending.number() {
        return Ok(Timer::Interrupted(Box::new(load_send(tx, id, lease)?)));
    }
    let id = Id::from_number(id).ok_or(StoreError::NotFound("message"))?;
    Ok(Timer::ReportDue { id, lease })
}

/// What a report that ends a message leaves to do: nothing, unless an attempt is under way, whose owner settles it.
pub(super) fn end(tx: &Tx<'_>, id: Id) -> Result<()> {
    tx.execute("DELETE FROM work WHERE id = ? AND kind <> 1", [id.number()])?;
    Ok(())
}

/// What a report leaves to do that says of a message waiting to be sent again that it arrived: to wait for the terminal one.
pub(super) fn await_reports(tx: &Tx<'_>, id: Id) -> Result<()> {
    tx.execute(
        "UPDATE work SET kind = 2, due = max(work.expiry, m.report_until), owner = NULL
         FROM message m WHERE m.id = work.id AND m.report_until IS NOT NULL AND work.id = ? AND work.kind = 0",
        [id.number()],
    )?;
    Ok(())
}
