//! Sentences of pages about one thing: where it stands, and what would become of it.

use posthouse_api::{
    ConnectionProbed, EndpointTested, FindingView, FoundView, LookupView, MessageDetail, MoView,
    NextStepView, OperationView, RefusalView,
};

use super::{count, messages, precise, short};

/// Where a message stands, in one sentence.
pub(in super::super) fn of_message(shown: &MessageDetail) -> String {
    let message = &shown.message;
    let now = match (&message.reason, message.state.as_str()) {
        (Some(reason), state) => format!("It ended as {state}: {reason}."),
        (None, "Accepted") => format!("It is accepted and waits to be sent to {}.", message.carrier),
        (None, "Sending") => format!("It is being sent to {}.", message.carrier),
        (None, "Parked") => format!(
            "Its last attempt may have reached {}, and the answer is not known; it is parked till a report or an operator decides.",
            message.carrier
        ),
        (None, "Forwarded") => format!("{} took it; its report is awaited.", message.carrier),
        (None, "Deferred") => format!("{} will try the handset again.", message.carrier),
        (None, state) => match ended(state) {
            Some(means) => format!("It ended as {state}: {means}."),
            None => format!("It ended as {state}."),
        },
    };
    match &shown.next {
        Some(next) => format!("{now} {}", next_words(next)),
        None => now,
    }
}

fn next_words(next: &NextStepView) -> String {
    let at = short(&next.at);
    match next.what.as_str() {
        "attempt" => format!("The next attempt is due at {at}."),
        "in_hand" => "A gateway is about to send it.".to_owned(),
        "under_way" => format!("The outcome is known by {at}."),
        "reports" => format!("A report is awaited till {at}."),
        other => format!("Next: {other}, at {at}."),
    }
}

/// What it is to end so.
pub(in super::super) fn ended(state: &str) -> Option<&'static str> {
    Some(match state {
        "Retrieved" => "the handset has it",
        "Rejected" => "the carrier, or somebody for the recipient, refused it for good",
        "Expired" => "its time was over before the handset had fetched it",
        "Unreachable" => "the handset could not be reached in time",
        "Unrecognized" => "the handset does not understand it",
        "NotSupported" => "the carrier does not support what it asks for",
        "Indeterminate" => "nobody knows what became of it",
        _ => return None,
    })
}

/// How a message from a handset is.
pub(in super::super) fn of_mo(shown: &MoView) -> String {
    match (shown.state.as_str(), &shown.ended_at) {
        ("owed", _) => format!("It is owed to {}: a callback carries it.", shown.account),
        ("failed", _) => format!("{} did not take it, and it is not tried any more.", shown.account),
        (_, Some(at)) => {
            format!("It was settled at {}: {} took it, or it was withdrawn.", precise(at), shown.account)
        }
        (state, None) => format!("It is {state}."),
    }
}

/// What was refused, and why, in a sentence or two.
pub(in super::super) fn of_refusal(shown: &RefusalView) -> String {
    let whose = match &shown.account {
        Some(account) => format!("A request of {account}"),
        None => format!("A request from {}", shown.peer),
    };
    let meaning = shown.meaning.as_deref().or(shown.details.as_deref());
    let meaning = meaning.map(|meaning| format!(" {meaning}")).unwrap_or_default();
    format!("{whose} was refused with {} {}.{meaning} No message was made of it.", shown.code, shown.text)
}

/// Where a finding is, for people.
pub(in super::super) fn place(finding: &FindingView) -> String {
    let mut place = match finding.part {
        None => "in the HTTP head".to_owned(),
        Some(0) => "in the envelope".to_owned(),
        Some(part) => format!("in part {part}"),
    };
    if let Some(byte) = finding.byte {
        place.push_str(&format!(", at byte {byte} of the body"));
    }
    if let (Some(line), Some(column)) = (finding.line, finding.column) {
        place.push_str(&format!(" (line {line}, column {column})"));
    }
    place
}

/// Where an operation stands, in a sentence.
pub(in super::super) fn of_operation(shown: &OperationView) -> String {
    let about = messages(shown.count);
    let left_alone: u64 = shown.left_alone.values().sum();
    match shown.state.as_str() {
        "planned" => {
            let alone: u64 = shown.would_leave_alone.values().sum();
            let all = match alone >= shown.judged && alone > 0 {
                true => " As they are now, every one that was judged would be left alone.",
                false => "",
            };
            format!("It is planned, for {about}.{all} Nothing is done till it is started.")
        }
        "running" => {
            format!("It is under way: {} of {} looked at.", count(shown.looked_at), count(shown.count))
        }
        "done" => format!(
            "It is done, to {}; {} {} left alone.",
            messages(shown.done),
            count(left_alone),
            if left_alone == 1 { "was" } else { "were" }
        ),
        other if shown.done == 0 => format!("It is {other}. Nothing was done."),
        other => format!("It is {other}. It was done to {}, and stays done.", messages(shown.done)),
    }
}

/// What would become of a message to a number.
pub(in super::super) fn of_number(found: &LookupView) -> String {
    let number = &found.number;
    match (found.code, &found.carrier) {
        (1000, Some(carrier)) => format!("A message to {number} would go to {carrier}."),
        (3001, _) => format!("A message to {number} would be refused with 3001: the number is blocked."),
        (2570, None) => {
            format!("A message to {number} would be refused with 2570: no carrier has the number.")
        }
        (code, Some(carrier)) => {
            format!("{number} is {carrier}'s, and a message to it would be refused with {code}.")
        }
        (code, None) => format!("A message to {number} would be refused with {code}."),
    }
}

/// What says whose a number is.
pub(in super::super) fn decided(found: &LookupView) -> &str {
    match found.decided_by.as_str() {
        "ranges" => "the ranges that are provisioned",
        "ported" => "the file of ported numbers",
        "cache" => "an answer of the provider that is kept",
        "provider" => "the provider, which was asked just now",
        "stale" => "an older answer of the provider, which is down",
        "down" => "nothing: what says whose numbers are does not answer",
        other => other,
    }
}

/// What came of a test report.
pub(in super::super) fn of_test(tested: &EndpointTested) -> String {
    match tested.acknowledged {
        true => format!("{} acknowledged a test report in {} ms.", tested.url, tested.took_ms),
        false => format!("{} did not acknowledge a test report: {}", tested.url, tested.said),
    }
}

/// What a probe found.
pub(in super::super) fn of_probe(name: &str, probed: &ConnectionProbed) -> String {
    match probed.reachable {
        true => format!("{name}: somebody is there, at {}, after {} ms.", probed.url, probed.took_ms),
        false => format!("{name}: nobody is there, at {}, after {} ms.", probed.url, probed.took_ms),
    }
}

/// That the find box was empty.
pub(in super::super) const NOTHING_ASKED: &str = "Write an id or a number into the box.";

/// Why nothing was found.
pub(in super::super) fn absent(found: &FoundView) -> String {
    let q = &found.q;
    match (found.absent.as_deref(), &found.made_at) {
        (Some("older_than_retention"), Some(made)) => format!(
            "{q} is an id of {}, which is longer ago than messages are kept: if there was such a message, it was thrown away.",
            short(made)
        ),
        (Some(_), Some(made)) => format!(
            "{q} looks like an id of {}, and there is no such message: none of that id was ever accepted here.",
            short(made)
        ),
        _ => format!(
            "Nothing has {q}: no MessageID, TransactionID, LinkedID or carrier's MessageID, and no number. Numbers are looked for whole, with their country code."
        ),
    }
}
