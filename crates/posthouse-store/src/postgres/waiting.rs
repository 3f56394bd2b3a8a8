//! Reports and read replies whose message is not known: kept till it is, within bounds.
//!
//! On another node, or another connection, what tells of the message may be written at the same moment, and neither sees the other. So what
//! was kept is looked at again a few times, within the minute.

use jiff::{SignedDuration, Timestamp};
use posthouse_core::{
    address::Msisdn,
    bounds::WAITING_OF_CARRIER,
    carrier::CarrierId,
    life::{
        read_reply::CarrierReadReply,
        report::{Crowd, Keeping, keeping},
    },
    message::CarrierReport,
    store::Demand,
};
use tokio_postgres::Row;

use super::{
    batch::{BatchClaim, BatchTx},
    fault::{BatchFault, BatchResult},
    load::{Waits, read_waiting},
    record::PgRow,
    report, statements,
    value::values,
};

/// When what was kept is looked at again, after it was kept.
const LOOKS: [SignedDuration; 3] =
    [SignedDuration::from_secs(1), SignedDuration::from_secs(10), SignedDuration::from_secs(60)];

/// Keeps a report till its message is known, unless [the same](CarrierReport::says_the_same) waits often enough.
pub(super) async fn keep_report(tx: &BatchTx, report: &CarrierReport) -> BatchResult<()> {
    tx.has_room(Demand::New)?;
    let (carrier, id) = (&report.carrier, report.carrier_message_id.as_str());
    let (status, recipient) = (report.status.as_str(), report.recipient.as_ref().map(Msisdn::as_str));
    let sender = report.sender.as_deref();
    let same = tx.read_one(&statements::CROWD_OF_REPORT, values![id, carrier, status, recipient, sender]);
    if !make_room(tx, carrier, id, same).await? {
        tx.answer_after_commit();
        return Ok(());
    }
    tx.write(
        &statements::INSERT_WAITING,
        values![
            tx.ids().line(),
            report.received_at,
            carrier,
            id,
            recipient,
            sender,
            status,
            &report.said,
            &report.odd,
            None::<i64>,
            first_look(),
        ],
    );
    Ok(())
}

/// Keeps a read reply, likewise, by what is [the same](CarrierReadReply::says_the_same) of those.
pub(super) async fn keep_read_reply(tx: &BatchTx, reply: &CarrierReadReply) -> BatchResult<()> {
    tx.has_room(Demand::New)?;
    let (carrier, id) = (&reply.carrier, reply.carrier_message_id.as_str());
    let status = reply.status.as_str();
    let same = tx.read_one(&statements::CROWD_OF_READ_REPLY, values![id, carrier, status]);
    if !make_room(tx, carrier, id, same).await? {
        tx.answer_after_commit();
        return Ok(());
    }
    tx.write(
        &statements::INSERT_WAITING,
        values![
            tx.ids().line(),
            reply.received_at,
            carrier,
            id,
            None::<&str>,
            None::<&str>,
            status,
            &reply.said,
            &reply.odd,
            reply.time_stamp,
            first_look(),
        ],
    );
    Ok(())
}

fn first_look() -> Option<Timestamp> {
    Timestamp::now().checked_add(LOOKS[0]).ok()
}

/// Counts what waits, and makes room as it is decided. Whether one more is kept.
async fn make_room(
    tx: &BatchTx,
    carrier: &CarrierId,
    carrier_message_id: &str,
    same: impl Future<Output = BatchResult<Option<Row>>>,
) -> BatchResult<bool> {
    let most = WAITING_OF_CARRIER;
    let of_carrier = tx.read_one(&statements::CROWD_OF_CARRIER, values![carrier, most]);
    let (same, of_carrier) = tokio::join!(biased; same, of_carrier);
    let (same, of_carrier) = (same?, of_carrier?);
    let count = |row: Option<&Row>, column: &str| -> BatchResult<u32> {
        let number: i64 = row.map_or(Ok(0), |row| row.try_get(column))?;
        Ok(u32::try_from(number).unwrap_or(u32::MAX))
    };
    let under_id = || Ok::<_, BatchFault>((count(same.as_ref(), "under")?, count(same.as_ref(), "same")?));
    let crowd = Crowd::of(carrier_message_id, count(of_carrier.as_ref(), "waiting")?, under_id)?;
    let Keeping::Kept { oldest_goes } = keeping(crowd) else { return Ok(false) };
    let oldest: Option<i64> = of_carrier.map_or(Ok(None), |row| row.try_get("oldest"))?;
    if let Some(oldest) = oldest.filter(|_| oldest_goes) {
        tx.write(&statements::DELETE_WAITING, values![oldest]);
    }
    Ok(true)
}

/// Looks again at one of those that were kept lately; whether there was one.
pub(super) async fn look_again(tx: &BatchTx, now: Timestamp) -> BatchResult<bool> {
    tx.claim(BatchClaim::Table("unmatched_report"))?;
    let Some(row) = tx.read_one(&statements::WAITING_TO_BE_LOOKED_AT, values![now, 1_i64]).await? else {
        return Ok(false);
    };
    let record = PgRow::by_id("unmatched_report", &row)?;
    let number: i64 = record.value("id")?;
    let is_known = match read_waiting(&record)? {
        Waits::Report(report) => report::record_known(tx, &report, Some(number)).await?.is_some(),
        Waits::Reply(reply) => report::record_known_reply(tx, &reply).await?.is_some(),
    };
    if is_known {
        tx.write(&statements::DELETE_WAITING, values![number]);
    } else {
        tx.write(&statements::LOOK_AGAIN, values![number, next_look(number, now)]);
    }
    Ok(true)
}

/// The look after one at this time; its number tells when it was kept. Those that were missed are made up for by that one.
fn next_look(number: i64, now: Timestamp) -> Option<Timestamp> {
    let kept = posthouse_core::Id::from_number(number)?.time();
    let looks = LOOKS.iter().filter_map(|after| kept.checked_add(*after).ok());
    looks.into_iter().find(|look| *look > now)
}
