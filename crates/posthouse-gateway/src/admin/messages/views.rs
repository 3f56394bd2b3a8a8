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
        timeline: timeline.iter().map(line).collect(),
    }
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
