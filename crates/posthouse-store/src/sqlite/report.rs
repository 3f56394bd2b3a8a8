//! Reports of carriers: early, late, doubled, about nobody we know.

use jiff::Timestamp;
use posthouse_core::{
    Id,
    address::{Msisdn, is_same},
    bounds,
    carrier::CarrierId,
    life::state::{LifeEvent, State, Terminal},
    message::{CarrierReport, EventKind},
    store::{Recorded, Settled, StoreError},
};
use rusqlite::{OptionalExtension, Params, Row};

use super::{
    callback,
    fault::Result,
    job::Tx,
    read_reply,
    record::Record,
    step::{Subject, note, words},
    work,
};

/// So many waiting reports are looked at on behalf of one message.
pub(super) const WAITING: i64 = 100;
/// So many messages without an answer are looked at on behalf of one report.
const UNANSWERED: i64 = 100;

/// Records a report on the message it is about, or keeps it.
pub(super) fn record(tx: &mut Tx<'_>, report: &CarrierReport) -> Result<Recorded> {
    let Some(mut subject) = find(tx, report)? else {
        tx.may_take()?;
        keep(tx, report)?;
        return Ok(Recorded::Unmatched);
    };
    if tx.short_of_space {
        if subject.state.is_terminal() {
            // Not even a line on the timeline.
            return Ok(Recorded::Late(subject.id));
        }
        if Terminal::of(report.status).is_none() {
            return Err(StoreError::Full.into());
        }
    }
    let applied = apply(tx, &mut subject, report)?;
    let owed_by_others = apply_waiting(tx, &mut subject)?;
    if !applied.changed {
        return Ok(Recorded::Late(subject.id));
    }
    let owes_report = applied.owes_report || owed_by_others;
    Ok(Recorded::Applied(subject.id, Settled { state: subject.state, owes_report }))
}

#[derive(Clone, Copy)]
struct Applied {
    changed: bool,
    owes_report: bool,
}

fn apply(tx: &mut Tx<'_>, subject: &mut Subject, report: &CarrierReport) -> Result<Applied> {
    let at = report.received_at;
    let stepped = subject.step(tx, LifeEvent::Report(report.status), None, &report.carrier_message_id, at)?;
    let (kind, state) = match (stepped.changed, subject.state) {
        (false, _) => (EventKind::LateReport, ""),
        (true, State::Forwarded) => (EventKind::Forwarded, ""),
        (true, State::Deferred) => (EventKind::Deferred, ""),
        (true, state) => (EventKind::Ended, state.as_str()),
    };
    let line = words(&[state, &report.said]);
    if stepped.changed || has_room_for_late_report(tx, subject.id, &line)? {
        note(tx, subject.id, kind, at, &line)?;
        note_odd(tx, subject.id, at, &report.odd)?;
    }
    callback::owe(tx, subject, stepped.owed, at)?;
    if stepped.changed && subject.state.is_terminal() {
        work::end(tx, subject.id)?;
    } else if stepped.changed {
        work::await_reports(tx, subject.id)?;
    }
    Ok(Applied { changed: stepped.changed, owes_report: stepped.owed.is_some() })
}

/// Carriers, and who else may post as one, repeat themselves.
fn has_room_for_late_report(tx: &Tx<'_>, id: Id, line: &str) -> Result<bool> {
    let line = bounds::cut(line, bounds::LINE);
    let (lines, same) = tx
        .prepare("SELECT count(*), coalesce(sum(detail = ?), 0) FROM event WHERE message = ? AND kind = ?")?
        .query_row((line, id.number(), EventKind::LateReport.number()), |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    Ok(bounds::has_room_for_late_report(lines, same))
}

/// Adds a line about the form of what came, if there was anything odd about it.
pub(super) fn note_odd(tx: &Tx<'_>, id: Id, at: Timestamp, odd: &str) -> Result<()> {
    if odd.is_empty() { Ok(()) } else { note(tx, id, EventKind::Noted, at, odd) }
}

/// The message that a report is about, if that can be told.
fn find(tx: &Tx<'_>, report: &CarrierReport) -> Result<Option<Subject>> {
    if let Some(subject) = find_by_id(tx, &report.carrier, &report.carrier_message_id)? {
        return Ok(Some(subject));
    }
    match find_unanswered(tx, report)?.and_then(Id::from_number) {
        Some(id) => Subject::load(tx, id),
        None => Ok(None),
    }
}

/// The newest message of the carrier with this MessageID: carriers that begin anew use old ones again.
pub(super) fn find_by_id(
    tx: &Tx<'_>,
    carrier: &CarrierId,
    carrier_message_id: &str,
) -> Result<Option<Subject>> {
    let newest = "SELECT id, state, account, carrier, recipient, delivery_report, carrier_message_id
                  FROM message WHERE carrier_message_id = ? AND carrier = ? ORDER BY id DESC LIMIT 1";
    Subject::find(tx, newest, (carrier_message_id, carrier.as_str()))
}

/// The message whose MessageID was never learned, when it is the only one between these two: parked, taken with an answer
/// that had no MessageID, or waiting to be sent again after an attempt without an answer. One that is being sent might get its
/// MessageID with the answer: till then nobody can tell which of them is meant.
fn find_unanswered(tx: &Tx<'_>, report: &CarrierReport) -> Result<Option<i64>> {
    let (Some(recipient), Some(sender)) = (&report.recipient, &report.sender) else {
        return Ok(None);
    };
    let mut statement = tx.prepare(
        "SELECT id, state, submission ->> '$.sender' FROM message
         WHERE recipient = ?1 AND state BETWEEN 1 AND 4 AND carrier = ?2 AND carrier_message_id IS NULL
         UNION ALL
         SELECT id, state, submission ->> '$.sender' FROM message
         WHERE recipient = ?1 AND state = 0 AND report_until IS NOT NULL AND carrier = ?2
               AND carrier_message_id IS NULL
         LIMIT ?3",
    )?;
    let unanswered: Vec<(i64, u8, String)> = statement
        .query_map((recipient.as_str(), report.carrier.as_str(), UNANSWERED), |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?
        .collect::<rusqlite::Result<_>>()?;
    let mut matching = unanswered.iter().filter(|(_, _, from)| is_same(from, sender));
    Ok(match (matching.next(), matching.next()) {
        (Some((id, state, _)), None) if *state != State::Sending.number() => Some(*id),
        _ => None,
    })
}

/// Keeps a report till its message is known, unless the same waits often enough.
fn keep(tx: &Tx<'_>, report: &CarrierReport) -> Result<()> {
    let (status, recipient) = (report.status.as_str(), report.recipient.as_ref().map(Msisdn::as_str));
    let is_the_same = "status = ?3 AND recipient IS ?4 AND sender IS ?5 AND read_at IS NULL";
    let same = (report.carrier.as_str(), &report.carrier_message_id, status, recipient, &report.sender);
    if !make_room(tx, &report.carrier, &report.carrier_message_id, is_the_same, same)? {
        return Ok(());
    }
    tx.execute(
        "INSERT INTO unmatched_report (received_at, carrier, carrier_message_id, recipient, sender, status, said, odd)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            report.received_at.as_millisecond(),
            report.carrier.as_str(),
            &report.carrier_message_id,
            report.recipient.as_ref().map(Msisdn::as_str),
            &report.sender,
            report.status.as_str(),
            &report.said,
            &report.odd,
        ),
    )?;
    Ok(())
}

/// Whether one more report of a carrier may wait for this id ([`bounds::may_wait`]). Where as many of the carrier's wait
/// as may, the oldest goes.
pub(super) fn make_room(
    tx: &Tx<'_>,
    carrier: &CarrierId,
    carrier_message_id: &str,
    is_the_same: &str,
    same: impl Params,
) -> Result<bool> {
    // Those without an id are told apart by their addresses only.
    if !carrier_message_id.is_empty() {
        let count = format!(
            "SELECT count(*), coalesce(sum({is_the_same}), 0) FROM unmatched_report
             WHERE carrier = ?1 AND carrier_message_id = ?2"
        );
        let (waiting, same): (u32, u32) =
            tx.prepare(&count)?.query_row(same, |row| Ok((row.get(0)?, row.get(1)?)))?;
        if !bounds::may_wait(waiting, same) {
            return Ok(false);
        }
    }
    let waiting: Option<u32> = tx
        .prepare("SELECT reports FROM waiting WHERE carrier = ?")?
        .query_row([carrier.as_str()], |row| row.get(0))
        .optional()?;
    if waiting.is_some_and(|waiting| waiting >= bounds::WAITING_OF_CARRIER) {
        tx.execute(
            "DELETE FROM unmatched_report WHERE id = (SELECT min(id) FROM unmatched_report WHERE carrier = ?)",
            [carrier.as_str()],
        )?;
    }
    Ok(true)
}

/// Applies the reports that waited for what is known since a moment ago: this message's MessageID, that it is parked or waits
/// to be sent again, or that it is out of the way of another one. Whether a report on *this* message became owed.
pub(super) fn apply_waiting(tx: &mut Tx<'_>, subject: &mut Subject) -> Result<bool> {
    // Reports rarely wait at all.
    if !tx.prepare("SELECT 1 FROM unmatched_report LIMIT 1")?.exists([])? {
        return Ok(false);
    }
    let mut owes_report = apply_waiting_by_id(tx, subject)?;
    let by_recipient = "recipient = ? AND carrier = ?";
    for (row, report) in waiting(tx, by_recipient, (&subject.recipient, &subject.carrier))? {
        let Some(mut found) = find(tx, &report)? else { continue };
        if !remove(tx, row)? {
            // The one before it told the MessageID, by which it was applied.
            continue;
        }
        let applied = apply(tx, &mut found, &report)?;
        let owed_by_id = apply_waiting_by_id(tx, &mut found)?;
        if found.id == subject.id {
            *subject = found;
            owes_report |= applied.owes_report || owed_by_id;
        }
    }
    Ok(owes_report)
}

/// Applies what waited under this message's MessageID at the carrier, if that is known.
fn apply_waiting_by_id(tx: &mut Tx<'_>, subject: &mut Subject) -> Result<bool> {
    let Some(carrier_message_id) = subject.carrier_message_id.clone() else { return Ok(false) };
    let mut owes_report = false;
    let by_id = "carrier_message_id = ? AND carrier = ?";
    for (row, report) in waiting(tx, by_id, (&carrier_message_id, &subject.carrier))? {
        remove(tx, row)?;
        owes_report |= apply(tx, subject, &report)?.owes_report;
    }
    owes_report |= read_reply::apply_waiting(tx, subject, &carrier_message_id)?;
    Ok(owes_report)
}

fn waiting(tx: &Tx<'_>, which: &str, values: (&str, &str)) -> Result<Vec<(i64, CarrierReport)>> {
    let mut statement = tx.prepare(&format!(
        "SELECT id, received_at, carrier, carrier_message_id, recipient, sender, status, said, odd
         FROM unmatched_report WHERE {which} AND read_at IS NULL ORDER BY id LIMIT {WAITING}"
    ))?;
    let mut rows = statement.query(values)?;
    let mut waiting = Vec::new();
    while let Some(row) = rows.next()? {
        waiting.push((row.get("id")?, read(row)?));
    }
    Ok(waiting)
}

fn read(row: &Row<'_>) -> Result<CarrierReport> {
    let record = Record::by_id("unmatched_report", row)?;
    let recipient: Option<String> = record.value("recipient")?;
    let received_at: Timestamp = record.time("received_at")?;
    Ok(CarrierReport {
        carrier: CarrierId(record.value("carrier")?),
        carrier_message_id: record.value("carrier_message_id")?,
        recipient: recipient.and_then(|digits| Msisdn::parse(&digits, false)),
        sender: record.value("sender")?,
        status: record.status("status")?,
        said: record.value("said")?,
        odd: record.value("odd")?,
        received_at,
    })
}

/// It waits no more. Whether it still did.
pub(super) fn remove(tx: &Tx<'_>, row: i64) -> Result<bool> {
    let removed = tx.execute("DELETE FROM unmatched_report WHERE id = ?", [row])?;
    Ok(removed > 0)
}
