//! Reports and read replies of carriers, recorded on the message that they are about.

use jiff::Timestamp;
use posthouse_core::{
    carrier::CarrierId,
    life::{
        callback::OwedCallback,
        load::Neighbour,
        read_reply::{self, CarrierReadReply},
        report,
    },
    message::CarrierReport,
    store::{HandedOn, Recorded},
};

use super::{
    batch::{BatchClaim, BatchTx},
    fault::BatchResult,
    load::{self, LifeRow, LifeRows, Step},
    waiting, write,
};

/// A message that a report is about.
type Meant = (LifeRow, Vec<OwedCallback>);

/// Records a report on the message it is about, or keeps it.
pub(super) async fn record(tx: &BatchTx, report: &CarrierReport) -> BatchResult<HandedOn<Recorded>> {
    match record_known(tx, report, None).await? {
        Some(recorded) => Ok(recorded),
        None => {
            waiting::keep_report(tx, report).await?;
            Ok(HandedOn::nothing(Recorded::Unmatched))
        }
    }
}

/// Records a report on the message it is about; `None` where that cannot be told. `number`: under which it waits itself.
pub(super) async fn record_known(
    tx: &BatchTx,
    report: &CarrierReport,
    number: Option<i64>,
) -> BatchResult<Option<HandedOn<Recorded>>> {
    let mut rows = LifeRows::new();
    let Some((row, owed)) = meant(tx, report, &mut rows).await? else { return Ok(None) };
    let subject = &row.subject;
    if tx.is_short_of_space()
        && let Some(recorded) = report::when_short_of_space(subject, report)?
    {
        return Ok(Some(HandedOn::nothing(recorded)));
    }
    let needs = report::needs(subject, report);
    let step = Step { needs, learned: report::learned(report), but_for: number };
    let (loaded, waiting) = load::around(tx, row, owed, step, &mut rows).await?;
    let recorded = write::decided(tx, &rows, report::record(loaded, waiting, report)).await?;
    if matches!(recorded.answer, Recorded::Late(_)) {
        tx.answer_after_commit();
    }
    Ok(Some(recorded))
}

/// The message that a report is about, if that can be told.
async fn meant(tx: &BatchTx, report: &CarrierReport, rows: &mut LifeRows) -> BatchResult<Option<Meant>> {
    let carrier = &report.carrier;
    let by_id = by_carriers_id(tx, carrier, &report.carrier_message_id, report.received_at).await?;
    if by_id.is_some() {
        return Ok(by_id);
    }
    // What is about to be learned of them beside this would tell which is meant.
    let Some(recipient) = &report.recipient else { return Ok(None) };
    tx.claim(BatchClaim::Recipient(carrier.0.clone(), recipient.as_str().to_owned()))?;
    if report.sender.is_none() {
        return Ok(None);
    }
    let found = load::unanswered(tx, carrier, recipient.as_str(), None, rows).await?;
    let (neighbours, mut owed): (Vec<Neighbour>, Vec<_>) = found
        .into_iter()
        .map(|(neighbour, owed)| {
            let id = neighbour.loaded.subject.id;
            (neighbour, (id, owed))
        })
        .unzip();
    let Some(subject) = report::meant::<super::fault::BatchFault>(None, |_| Ok(neighbours), report)? else {
        return Ok(None);
    };
    let owed = owed.iter_mut().find(|(id, _)| *id == subject.id).map(|(_, owed)| std::mem::take(owed));
    Ok(rows.remove(&subject.id).map(|row| (row, owed.unwrap_or_default())))
}

/// The newest message of the carrier with this MessageID.
async fn by_carriers_id(
    tx: &BatchTx,
    carrier: &CarrierId,
    carrier_message_id: &str,
    at: Timestamp,
) -> BatchResult<Option<Meant>> {
    tx.claim(BatchClaim::CarriersId(carrier.0.clone(), carrier_message_id.to_owned()))?;
    match load::by_carriers_id(tx, carrier, carrier_message_id, at).await? {
        Some(id) => load::subject_seen(tx, id).await,
        None => Ok(None),
    }
}

/// Records a read reply on the message it is about, or keeps it.
pub(super) async fn record_read_reply(
    tx: &BatchTx,
    reply: &CarrierReadReply,
) -> BatchResult<HandedOn<Recorded>> {
    match record_known_reply(tx, reply).await? {
        Some(recorded) => Ok(recorded),
        None => {
            waiting::keep_read_reply(tx, reply).await?;
            Ok(HandedOn::nothing(Recorded::Unmatched))
        }
    }
}

/// Records a read reply on the message it is about; `None` where that is not known.
pub(super) async fn record_known_reply(
    tx: &BatchTx,
    reply: &CarrierReadReply,
) -> BatchResult<Option<HandedOn<Recorded>>> {
    let found = by_carriers_id(tx, &reply.carrier, &reply.carrier_message_id, reply.received_at).await?;
    let Some((row, owed)) = found else { return Ok(None) };
    let loaded = load::with(tx, row.subject.clone(), owed, read_reply::NEEDS).await?;
    let decided = read_reply::record(loaded, reply, tx.is_short_of_space())?;
    let rows = LifeRows::from([(row.subject.id, row)]);
    let recorded = write::decided(tx, &rows, decided).await?;
    if matches!(recorded.answer, Recorded::Late(_)) {
        tx.answer_after_commit();
    }
    Ok(Some(recorded))
}
