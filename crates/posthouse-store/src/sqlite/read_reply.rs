//! Read replies of carriers: owed once each, whatever state their message is in; kept while it is not known.

use posthouse_core::{
    carrier::CarrierId,
    life::read_reply::{CarrierReadReply, ReadStatus},
    message::EventKind,
    store::{Recorded, Settled, StoreError},
};
use rusqlite::Row;

use super::{
    callback,
    fault::Result,
    job::Tx,
    record::Record,
    report::{WAITING, find_by_id, make_room, note_odd, remove},
    step::{Subject, note, words},
};

/// Records a read reply on the message it is about, or keeps it.
pub(super) fn record(tx: &mut Tx<'_>, reply: &CarrierReadReply) -> Result<Recorded> {
    let Some(subject) = find_by_id(tx, &reply.carrier, &reply.carrier_message_id)? else {
        tx.may_take()?;
        keep(tx, reply)?;
        return Ok(Recorded::Unmatched);
    };
    if tx.short_of_space {
        return Err(StoreError::Full.into());
    }
    if !apply(tx, &subject, reply)? {
        return Ok(Recorded::Late(subject.id));
    }
    Ok(Recorded::Applied(subject.id, Settled { state: subject.state, owes_report: true }))
}

/// It becomes owed, unless the same was said before. Whether it did.
fn apply(tx: &mut Tx<'_>, subject: &Subject, reply: &CarrierReadReply) -> Result<bool> {
    let new = tx.execute(
        "INSERT INTO read_reply (message, status, time_stamp) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        (subject.id.number(), reply.status.as_str(), reply.time_stamp.as_millisecond()),
    )?;
    if new == 0 {
        return Ok(false);
    }
    let at = reply.received_at;
    note(tx, subject.id, EventKind::ReadReply, at, &words(&[reply.status.as_str(), &reply.said]))?;
    note_odd(tx, subject.id, at, &reply.odd)?;
    callback::owe_read_reply(tx, subject.id, &subject.account, reply.status, at)?;
    Ok(true)
}

fn keep(tx: &Tx<'_>, reply: &CarrierReadReply) -> Result<()> {
    let same = (reply.carrier.as_str(), &reply.carrier_message_id, reply.status.as_str());
    let is_the_same = "status = ?3 AND read_at IS NOT NULL";
    if !make_room(tx, &reply.carrier, &reply.carrier_message_id, is_the_same, same)? {
        return Ok(());
    }
    tx.execute(
        "INSERT INTO unmatched_report (received_at, carrier, carrier_message_id, status, said, read_at, odd)
         VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            reply.received_at.as_millisecond(),
            reply.carrier.as_str(),
            &reply.carrier_message_id,
            reply.status.as_str(),
            &reply.said,
            reply.time_stamp.as_millisecond(),
            &reply.odd,
        ),
    )?;
    Ok(())
}

/// Applies the read replies that waited for a message's MessageID. Whether anything became owed.
pub(super) fn apply_waiting(tx: &mut Tx<'_>, subject: &Subject, carrier_message_id: &str) -> Result<bool> {
    let mut owes = false;
    for (row, reply) in waiting(tx, carrier_message_id, &subject.carrier)? {
        remove(tx, row)?;
        owes |= apply(tx, subject, &reply)?;
    }
    Ok(owes)
}

fn waiting(tx: &Tx<'_>, carrier_message_id: &str, carrier: &str) -> Result<Vec<(i64, CarrierReadReply)>> {
    let mut statement = tx.prepare(
        "SELECT id, received_at, carrier, carrier_message_id, status, said, read_at, odd FROM unmatched_report
         WHERE carrier_message_id = ? AND carrier = ? AND read_at IS NOT NULL ORDER BY id LIMIT ?",
    )?;
    let mut rows = statement.query((carrier_message_id, carrier, WAITING))?;
    let mut waiting = Vec::new();
    while let Some(row) = rows.next()? {
        waiting.push((row.get("id")?, read(row)?));
    }
    Ok(waiting)
}

fn read(row: &Row<'_>) -> Result<CarrierReadReply> {
    let record = Record::by_id("unmatched_report", row)?;
    Ok(CarrierReadReply {
        carrier: CarrierId(record.value("carrier")?),
        carrier_message_id: record.value("carrier_message_id")?,
        status: status(&record, "status")?,
        time_stamp: record.time("read_at")?,
        said: record.value("said")?,
        odd: record.value("odd")?,
        received_at: record.time("received_at")?,
    })
}

/// A read status, by name.
pub(super) fn status(record: &Record<'_>, column: &str) -> Result<ReadStatus> {
    record.known(column, |name: String| ReadStatus::from_name(&name))
}
