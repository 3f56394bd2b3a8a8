//! How they are shown.

use posthouse_api::UnmatchedView;
use posthouse_core::{
    shown::masked,
    store::{UnmatchedReport, UnmatchedSays},
};

/// One of them. Phone numbers are whole only where they are to be revealed.
pub(in super::super) fn report(report: &UnmatchedReport, reveal: bool) -> UnmatchedView {
    let shown = |text: &str| if reveal { text.to_owned() } else { masked(text).into_owned() };
    let (kind, status) = match report.says {
        UnmatchedSays::Report(status) => ("report", status.as_str()),
        UnmatchedSays::ReadReply(status) => ("read-reply", status.as_str()),
    };
    UnmatchedView {
        number: report.number,
        received_at: report.received_at,
        carrier: report.carrier.0.clone(),
        carrier_message_id: report.carrier_message_id.clone(),
        kind: kind.to_owned(),
        status: status.to_owned(),
        said: shown(&report.said),
        recipient: report.recipient.as_deref().map(shown),
        sender: report.sender.as_deref().map(shown),
        odd: report.odd.clone(),
    }
}
