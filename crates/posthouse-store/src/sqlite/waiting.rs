//! Reports and read replies whose message is not known: kept till it is, within bounds.

use posthouse_core::{
    address::Msisdn,
    carrier::CarrierId,
    life::{
        read_reply::CarrierReadReply,
        report::{Crowd, Keeping, keeping},
    },
    message::CarrierReport,
    store::Demand,
};
use rusqlite::{OptionalExtension, Params, named_params};

use super::{fault::Result, job::Tx};

/// Keeps a report till its message is known, unless [the same](CarrierReport::says_the_same) waits often enough.
pub(super) fn keep_report(tx: &Tx<'_>, report: &CarrierReport) -> Result<()> {
    tx.has_room(Demand::New)?;
    let (status, recipient) = (report.status.as_str(), report.recipient.as_ref().map(Msisdn::as_str));
    let count = "SELECT count(*), coalesce(sum(status = :status AND recipient IS :recipient
                                               AND sender IS :sender AND read_at IS NULL), 0)
                 FROM unmatched_report WHERE carrier = :carrier AND carrier_message_id = :id";
    let values = named_params! {
        ":carrier": report.carrier.as_str(),
        ":id": report.carrier_message_id,
        ":status": status,
        ":recipient": recipient,
        ":sender": report.sender,
    };
    if !make_room(tx, &report.carrier, &report.carrier_message_id, count, values)? {
        return Ok(());
    }
    tx.execute(
        "INSERT INTO unmatched_report (received_at, carrier, carrier_message_id, recipient, sender, status, said, odd)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            report.received_at.as_millisecond(),
            report.carrier.as_str(),
            &report.carrier_message_id,
            recipient,
            &report.sender,
            status,
            &report.said,
            &report.odd,
        ),
    )?;
    Ok(())
}

/// Keeps a read reply, likewise, by what is [the same](CarrierReadReply::says_the_same) of those.
pub(super) fn keep_read_reply(tx: &Tx<'_>, reply: &CarrierReadReply) -> Result<()> {
    tx.has_room(Demand::New)?;
    let count = "SELECT count(*), coalesce(sum(status = :status AND read_at IS NOT NULL), 0)
                 FROM unmatched_report WHERE carrier = :carrier AND carrier_message_id = :id";
    let values = named_params! {
        ":carrier": reply.carrier.as_str(),
        ":id": reply.carrier_message_id,
        ":status": reply.status.as_str(),
    };
    if !make_room(tx, &reply.carrier, &reply.carrier_message_id, count, values)? {
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

/// Counts what waits, with `count` for what waits under the same MessageID, and makes room as it is decided. Whether one more is kept.
fn make_room(
    tx: &Tx<'_>,
    carrier: &CarrierId,
    carrier_message_id: &str,
    count: &str,
    values: impl Params,
) -> Result<bool> {
    let under_its_id =
        || -> Result<_> { Ok(tx.prepare(count)?.query_row(values, |row| Ok((row.get(0)?, row.get(1)?)))?) };
    let crowd = Crowd::of(carrier_message_id, of_carrier(tx, carrier)?, under_its_id)?;
    let Keeping::Kept { oldest_goes } = keeping(crowd) else { return Ok(false) };
    if oldest_goes {
        tx.execute(
            "DELETE FROM unmatched_report WHERE id = (SELECT min(id) FROM unmatched_report WHERE carrier = ?)",
            [carrier.as_str()],
        )?;
    }
    Ok(true)
}

fn of_carrier(tx: &Tx<'_>, carrier: &CarrierId) -> Result<u32> {
    let reports = tx
        .prepare("SELECT reports FROM waiting WHERE carrier = ?")?
        .query_row([carrier.as_str()], |row| row.get(0))
        .optional()?;
    Ok(reports.unwrap_or_default())
}
