//! How messages are shown: the one place where they become JSON.

use posthouse_api::{FailedReport, MessageDetail, MessageView, NextStepView, PartView, TimelineLine};
use posthouse_core::{
    life::intervention::FailedCallback,
    message::{StoredMessage, TimelineEvent},
    shown::masked,
    store::NextStep,
};

/// A message, as lists show it. Phone numbers are whole only where they are to be revealed.
pub(in super::super) fn message(message: &StoredMessage, reveal: bool) -> MessageView {
    let submission = &message.submission;
    let shown = |number: &str| if reveal { number.to_owned() } else { masked(number).into_owned() };
    MessageView {
        message_id: message.id.to_string(),
        state: message.state.as_str().to_owned(),
        reason: message.reason.map(|reason| reason.to_string()),
        account: message.account.0.clone(),
        vasid: submission.vasid.clone(),
        sender: shown(&submission.sender),
        recipient: shown(submission.recipient.as_str()),
        transaction_id: submission.transaction_id.clone(),
        carrier: message.carrier.0.clone(),
        carrier_message_id: message.carrier_message_id.clone(),
        attempts: message.attempts,
        accepted_at: message.accepted_at,
        changed_at: message.changed_at,
        expires_at: submission.expiry,
        bytes: submission.parts.iter().map(|part| part.bytes).sum(),
    }
}

/// A message with all that is known of it.
pub(super) fn detail(
    shown: &StoredMessage,
    next: Option<NextStep>,
    timeline: &[TimelineEvent],
    reveal: bool,
) -> MessageDetail {
    let parts = shown
        .submission
        .parts
        .iter()
        .map(|part| PartView { content_type: part.content_type.as_str().to_owned(), bytes: part.bytes });
    MessageDetail {
        message: message(shown, reveal),
        details: shown.details.clone(),
        parts: parts.collect(),
        next: next.map(next_step),
        timeline: lines(timeline),
    }
}

/// By time: a report that was there before the carrier's answer is written behind it, and came before it.
fn lines(timeline: &[TimelineEvent]) -> Vec<TimelineLine> {
    let mut lines: Vec<_> = timeline.iter().map(line).collect();
    lines.sort_by_key(|line| line.at);
    lines
}

fn next_step(next: NextStep) -> NextStepView {
    let (what, at) = match next {
        NextStep::Attempt(at) => ("attempt", at),
        NextStep::InHand(at) => ("in_hand", at),
        NextStep::UnderWay(at) => ("under_way", at),
        NextStep::Reports(at) => ("reports", at),
    };
    NextStepView { what: what.to_owned(), at }
}

fn line(event: &TimelineEvent) -> TimelineLine {
    TimelineLine { at: event.at, kind: event.kind.as_str().to_owned(), detail: event.detail.clone() }
}

/// A callback that failed.
pub(super) fn failed_report(one: &FailedCallback) -> FailedReport {
    FailedReport {
        message_id: one.message.to_string(),
        says: one.says.to_string(),
        account: one.account.0.clone(),
        carrier: one.carrier.0.clone(),
        owed_since: one.at,
        tries: one.attempts,
    }
}

#[cfg(test)]
mod tests {
    use posthouse_core::message::EventKind;

    use super::*;

    #[test]
    fn a_report_that_came_before_the_answer_stands_before_it() {
        let event = |at: &str, kind, detail: &str| TimelineEvent {
            at: format!("2026-11-29T02:00:{at}Z").parse().unwrap(),
            kind,
            detail: detail.to_owned(),
        };
        let told = [
            event("00.361", EventKind::Accepted, ""),
            event("00.386", EventKind::Sending, "vzw-1"),
            event("00.420", EventKind::Forwarded, "vzw-1"),
            event("00.407", EventKind::Ended, "Retrieved"),
            event("00.407", EventKind::ReportWithdrawn, "Forwarded"),
            event("00.433", EventKind::Reported, "Retrieved"),
        ];
        let kinds: Vec<_> = lines(&told).into_iter().map(|line| line.kind).collect();
        assert_eq!(kinds, ["Accepted", "Sending", "Ended", "ReportWithdrawn", "Forwarded", "Reported"]);
    }
}
