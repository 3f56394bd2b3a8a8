//! Reports and read replies of carriers, recorded on the message that they are about.

use posthouse_core::{
    address::Msisdn,
    life::{
        load::Subject,
        read_reply::{self, CarrierReadReply},
        report,
    },
    message::CarrierReport,
    store::Recorded,
};

use super::{fault::Result, job::Tx, load, waiting, write};

/// Records a report on the message it is about, or keeps it.
pub(super) fn record(tx: &mut Tx<'_>, report: &CarrierReport) -> Result<Recorded> {
    let Some(subject) = find(tx, report)? else {
        waiting::keep_report(tx, report)?;
        return Ok(Recorded::Unmatched);
    };
    if tx.short_of_space
        && let Some(recorded) = report::when_short_of_space(&subject, report)?
    {
        return Ok(recorded);
    }
    let needs = report::needs(&subject, report);
    let (loaded, waiting) = load::around(tx, subject, needs, report::learned(report))?;
    write::decided(tx, report::record(loaded, waiting, report))
}

/// The message that a report is about, if that can be told.
fn find(tx: &Tx<'_>, report: &CarrierReport) -> Result<Option<Subject>> {
    let by_id = load::subject_by_carriers_id(tx, &report.carrier, &report.carrier_message_id)?;
    let unanswered =
        |recipient: &Msisdn| load::unanswered(tx.connection, &report.carrier, recipient.as_str());
    report::meant(by_id, unanswered, report)
}

/// Records a read reply on the message it is about, or keeps it.
pub(super) fn record_read_reply(tx: &mut Tx<'_>, reply: &CarrierReadReply) -> Result<Recorded> {
    let id = &reply.carrier_message_id;
    let Some(loaded) = load::with_told(tx, &reply.carrier, id)? else {
        waiting::keep_read_reply(tx, reply)?;
        return Ok(Recorded::Unmatched);
    };
    let decided = read_reply::record(loaded, reply, tx.short_of_space)?;
    write::decided(tx, decided)
}
