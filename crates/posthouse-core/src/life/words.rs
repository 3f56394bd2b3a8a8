//! Every line of a timeline: which kind it is, and in which words.

use std::iter;

use jiff::Timestamp;

use super::{
    callback_outcome::CallbackOutcome, callback_says::CallbackSays, reroute::RerouteTarget,
    settlement::Settlement, state::State,
};
use crate::{
    Id, bounds,
    message::{CarrierReadReply, CarrierReport, EventKind, Reason, TimelineEvent},
};

/// One line, no longer than is kept.
fn line(at: Timestamp, kind: EventKind, detail: impl Into<String>) -> TimelineEvent {
    let mut detail = detail.into();
    let length = bounds::cut(&detail, bounds::LINE).len();
    detail.truncate(length);
    TimelineEvent { at, kind, detail }
}

/// What happened and what was said about it, as one text: the parts that are not empty.
fn joined(parts: &[&str]) -> String {
    let mut text = String::new();
    for part in parts.iter().filter(|part| !part.is_empty()) {
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(part);
    }
    text
}

/// How the timeline of a message begins, accepted at this time, with what was noted then. Stores need not keep these lines: the message
/// tells them.
///
/// ```
/// use jiff::Timestamp;
/// use posthouse_core::{life::words, message::EventKind};
/// let lines = words::beginning(Timestamp::UNIX_EPOCH, &["ReadReply was dropped".to_owned()]);
/// assert_eq!(lines.iter().map(|line| line.kind).collect::<Vec<_>>(), [EventKind::Accepted, EventKind::Noted]);
/// ```
pub fn beginning(accepted_at: Timestamp, notes: &[String]) -> Vec<TimelineEvent> {
    let line = |kind, detail| TimelineEvent { at: accepted_at, kind, detail };
    let accepted = line(EventKind::Accepted, String::new());
    let noted = notes.iter().map(|note| line(EventKind::Noted, note.clone()));
    iter::once(accepted).chain(noted).collect()
}

/// An attempt begins, over this connection.
pub(super) fn begun(connection: &str, at: Timestamp) -> TimelineEvent {
    line(at, EventKind::Sending, connection)
}

/// An attempt or a wait ended so, and left the message in this state.
pub(super) fn settled(settlement: &Settlement, state: State, said: &str, at: Timestamp) -> TimelineEvent {
    match settlement {
        Settlement::Taken { .. } => line(at, EventKind::Forwarded, said),
        Settlement::Again { reason, .. } | Settlement::Resend { reason, .. } => {
            line(at, EventKind::Retrying, joined(&[&Reason(*reason).to_string(), said]))
        }
        Settlement::Unknown { .. } => line(at, EventKind::Parked, said),
        Settlement::Refused { reason, .. } | Settlement::Declined { reason } => {
            line(at, EventKind::Ended, joined(&[state.as_str(), &Reason(*reason).to_string(), said]))
        }
        Settlement::Expired { .. } | Settlement::ReportTimeout => {
            line(at, EventKind::Ended, joined(&[state.as_str(), said]))
        }
    }
}

/// Something was said that changes nothing any more.
pub(super) fn too_late(said: &str, at: Timestamp) -> TimelineEvent {
    line(at, EventKind::LateReport, said)
}

/// A report came that left the message in this state.
pub(super) fn reported(report: &CarrierReport, state: State) -> TimelineEvent {
    let (kind, ended) = match state {
        State::Forwarded => (EventKind::Forwarded, ""),
        State::Deferred => (EventKind::Deferred, ""),
        ended => (EventKind::Ended, ended.as_str()),
    };
    line(report.received_at, kind, joined(&[ended, &report.said]))
}

/// A read reply came.
pub(super) fn read(reply: &CarrierReadReply) -> TimelineEvent {
    line(reply.received_at, EventKind::ReadReply, joined(&[reply.status.as_str(), &reply.said]))
}

/// What was odd about the form of what came, if anything was.
pub(super) fn odd(odd: &str, at: Timestamp) -> Option<TimelineEvent> {
    (!odd.is_empty()).then(|| line(at, EventKind::Noted, odd))
}

/// Somebody wants the next attempt at once.
pub(super) fn requeued(was_parked: bool, by: &str, at: Timestamp) -> TimelineEvent {
    let doubt = if was_parked { ", though it may have arrived" } else { "" };
    line(at, EventKind::Operator, format!("requeued by {by}{doubt}"))
}

/// Somebody sends it elsewhere, at once.
pub(super) fn rerouted(to: &RerouteTarget, was_parked: bool, by: &str, at: Timestamp) -> TimelineEvent {
    let doubt = if was_parked { ", though it may have arrived" } else { "" };
    line(at, EventKind::Operator, format!("rerouted by {by} to {to}{doubt}"))
}

/// Somebody ended it, in this state.
pub(super) fn expired_by_hand(state: State, by: &str, at: Timestamp) -> [TimelineEvent; 2] {
    [line(at, EventKind::Operator, format!("expired by {by}")), line(at, EventKind::Ended, state.as_str())]
}

/// What had ended is sent again, as this message.
pub fn resubmitted(by: &str, new: Id, at: Timestamp) -> TimelineEvent {
    line(at, EventKind::Operator, format!("sent again by {by} as {new}"))
}

/// Somebody wants a callback delivered after all.
pub fn resent(says: CallbackSays, by: &str, at: Timestamp) -> TimelineEvent {
    line(at, EventKind::Operator, format!("{says}: sent again by {by}"))
}

/// A callback is not owed any more.
pub(super) fn withdrawn(says: CallbackSays, said: &str, at: Timestamp) -> TimelineEvent {
    line(at, EventKind::ReportWithdrawn, joined(&[&says.to_string(), said]))
}

/// A try to deliver a callback ended so.
pub(super) fn tried(says: CallbackSays, outcome: &CallbackOutcome, at: Timestamp) -> TimelineEvent {
    let (kind, said) = match outcome {
        CallbackOutcome::Delivered => (EventKind::Reported, ""),
        CallbackOutcome::Again { said, .. } => (EventKind::ReportRetrying, said.words.as_str()),
        CallbackOutcome::Failed { said } => (EventKind::ReportFailed, said.words.as_str()),
        CallbackOutcome::Withdrawn { said } => return withdrawn(says, said, at),
    };
    line(at, kind, joined(&[&says.to_string(), said]))
}
