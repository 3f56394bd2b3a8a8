//! The words of pages that stand in no template: how states, times and counts read, sentences, and what verbs are called.
//!
//! Labels of what stands in a template stand there, and the menu in `frame.rs`; whoever changes a word or translates looks there and here, and
//! nowhere else.

mod audit;
mod captures;
mod codes;
mod facts;
mod filters;
mod oidc;
mod sandbox;
mod sentences;
mod sign_in;
mod standing;
mod verbs;

use jiff::Timestamp;
use mm7::StatusCode;
use posthouse_api::{CarrierQueue, ConnectionPace, EndpointView, TimelineLine};
use posthouse_core::{actor::Actor, counted};

use crate::admin::queues::took;

pub(super) use self::{
    audit::audit_verb,
    captures::{NO_CAPTURE, captured, leg, of_capture, refused},
    codes::{COMES_WHEN, RAISED_BY, code_on_the_wire, example, no_code, status_on_the_wire},
    facts::{
        facts_of_account, facts_of_capture, facts_of_carrier, facts_of_message, facts_of_mo, facts_of_number,
        facts_of_operation, facts_of_refusal, facts_of_store,
    },
    filters::{
        FILTERS_ARE_WRONG, NOTHING_MATCHES, OF_AUDIT, OF_MESSAGES, OF_MO, OF_MO_FOR_NOBODY, OF_REFUSALS,
        OF_UNMATCHED_REPORTS, USUAL_TIMES, none_of,
    },
    oidc::of_oidc,
    sandbox::{NOTHING_TO_JUDGE, SANDBOX_NUMBERS, TRIED},
    sentences::{
        NOTHING_ASKED, absent, decided, ended, of_message, of_mo, of_number, of_operation, of_probe,
        of_refusal, of_test, place,
    },
    sign_in::{
        LINK_IS_TOLD_ONCE, NOT_THE_SAME, TOKEN_IS_TOLD_ONCE, WRONG_PASSWORD, WRONG_TOKEN, link_is_over,
        link_of, token_of,
    },
    standing::{CARRIER_CHARTS, Sentence, TRAFFIC, of_account, sentences, tiles},
    verbs::{MESSAGE_VERBS, MessageVerb, done, no_page, no_verb, not_here, operation_does},
};

/// A fact: its name, its value, and where it leads.
pub(super) type Fact = (&'static str, String, Option<String>);

/// Whether a state or a line of a timeline is good, bad or to be watched: the class that colours it. The word itself always stands beside.
pub(super) fn tone(word: &str) -> &'static str {
    match word {
        "Retrieved" | "Delivered" | "Reported" => "good",
        "Rejected" | "Expired" | "Indeterminate" | "Unrecognized" | "Unreachable" | "NotSupported"
        | "ReportFailed" => "bad",
        "Parked" | "Deferred" | "Retrying" => "warn",
        _ => "",
    }
}

/// The same of a line of a timeline: of one that ends the message, how it ended.
pub(super) fn line_tone(line: &TimelineLine) -> &'static str {
    match line.kind.as_str() {
        "Ended" => tone(line.detail.split(':').next().unwrap_or_default()),
        kind => tone(kind),
    }
}

/// The same of a message from a handset.
pub(super) fn mo_tone(state: &str) -> &'static str {
    match state {
        "settled" => "good",
        "failed" => "bad",
        _ => "",
    }
}

/// The same of an operation.
pub(super) fn operation_tone(state: &str) -> &'static str {
    match state {
        "done" => "good",
        "cancelled" => "bad",
        "running" => "warn",
        _ => "",
    }
}

/// A time to the second, for lists.
pub(super) fn short(at: &Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// A time to the millisecond, for timelines.
pub(super) fn precise(at: &Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S%.3f").to_string()
}

/// How long ago, for people; a dash where there is nothing.
pub(super) fn age(seconds: &Option<f64>) -> String {
    let Some(seconds) = seconds else { return "–".to_owned() };
    match *seconds {
        seconds if seconds < 120.0 => format!("{seconds:.0} s"),
        seconds if seconds < 7_200.0 => format!("{:.0} min", seconds / 60.0),
        seconds if seconds < 172_800.0 => format!("{:.0} h", seconds / 3_600.0),
        seconds => format!("{:.0} days", seconds / 86_400.0),
    }
}

/// A count, with a comma for each thousand.
pub(super) fn count(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count with what is counted.
pub(super) fn counted(number: u64, noun: &str) -> String {
    format!("{} {}", count(number), counted::of_number(&number, noun))
}

/// A count of messages.
pub(super) fn messages(messages: u64) -> String {
    counted(messages, "message")
}

/// A count, with the verb that is said of so many: `1 is`, `2 are`.
pub(super) fn are(number: u64) -> String {
    format!("{} {}", count(number), if number == 1 { "is" } else { "are" })
}

/// With a capital letter in front.
pub(super) fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// Who is signed in, with the role where the name does not say it.
pub(super) fn who(who: &Actor) -> String {
    let role = who.role.to_string();
    if who.name == role { role } else { format!("{} ({role})", who.name) }
}

/// A text in pieces, and which of them are to be typed as they are: those between backticks.
pub(super) fn marked(text: &str) -> Vec<(bool, &str)> {
    text.split('`').enumerate().map(|(at, piece)| (at % 2 == 1, piece)).collect()
}

/// What a kind of line on a timeline means, for somebody who sees one for the first time.
pub(super) fn line_means(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "Accepted" => "the request was taken and is on disk",
        "Sending" => "an attempt began, over this connection",
        "Forwarded" => "the carrier took it",
        "Retrying" => "the attempt failed, and is repeated",
        "Parked" => "it may have arrived; nothing is sent again till that is known",
        "Deferred" => "the handset has not fetched it yet",
        "Ended" => "this is how it ended",
        "LateReport" => "a report came too late to change anything",
        "Reported" => "the VASP took this report",
        "ReportRetrying" => "the VASP did not take a report, and gets it again",
        "ReportFailed" => "the VASP never took this report",
        "ReportWithdrawn" => "this report is not owed any more",
        "Operator" => "somebody intervened",
        "ReadReply" => "the recipient read it, or deleted it unread",
        _ => return None,
    })
}

/// The rest of a line, without a text that only says the status once more.
pub(super) fn line_detail(detail: &str) -> &str {
    match detail.split_once(": ") {
        Some((status, text)) if status == text => status,
        _ => detail,
    }
}

/// The text of a status code.
pub(super) fn code_text(code: &u32) -> Option<&'static str> {
    StatusCode::from_code(*code).map(StatusCode::text)
}

/// Why a connection is given less than is provisioned.
pub(super) fn why(why: &str) -> &str {
    match why {
        "busy" => "it said that it is busy",
        "slow" => "it answers more slowly than usual",
        "silent" => "it left requests without an answer",
        other => other,
    }
}

/// How a connection is used.
pub(super) fn connection_tone(state: &str) -> &'static str {
    match state {
        "serving" => "good",
        "throttled" | "suspended" => "warn",
        _ => "bad",
    }
}

/// The worst that can be said of a carrier's connections; of one that none was asked about, that.
pub(super) fn queue_state(queue: &CarrierQueue) -> &str {
    let serves = queue.connections.iter().find(|one| one.state == "serving");
    let worst = serves.or_else(|| queue.connections.first()).map_or("unknown", |one| one.state.as_str());
    if queue.says.is_some() && worst == "serving" { "look" } else { worst }
}

/// A carrier's name, where it is another than its id.
pub(super) fn carrier_name(queue: &CarrierQueue) -> Option<&str> {
    queue.name.as_deref().filter(|name| *name != queue.carrier)
}

pub(super) fn queue_tone(queue: &CarrierQueue) -> &'static str {
    match queue_state(queue) {
        "unknown" => "",
        "look" => "warn",
        state => connection_tone(state),
    }
}

/// How many requests a second a connection is given, of how many.
pub(super) fn rate(one: &ConnectionPace) -> String {
    match (one.per_second, one.per_second_limit) {
        (Some(now), Some(limit)) => format!("{now:.0} of {limit}"),
        _ => "no limit".to_owned(),
    }
}

/// How long answers take, and usually took.
pub(super) fn answer(one: &ConnectionPace) -> String {
    match (one.answer_seconds, one.usual_seconds) {
        (None, _) => "–".to_owned(),
        (Some(now), None) => took(now),
        (Some(now), Some(usual)) => format!("{} (usually {})", took(now), took(usual)),
    }
}

pub(super) fn endpoint_state(one: &EndpointView) -> &'static str {
    match one {
        _ if one.paused.is_some() => "paused",
        _ if one.failing_since.is_some() => "failing",
        _ if one.report_url.is_none() && one.deliver_url.is_none() => "none",
        _ => "delivering",
    }
}

pub(super) fn endpoint_tone(one: &EndpointView) -> &'static str {
    match endpoint_state(one) {
        "paused" => "warn",
        "failing" => "bad",
        "delivering" => "good",
        _ => "",
    }
}

/// Bytes, for people.
pub(super) fn bytes(count: u64) -> String {
    match count {
        0..1_000 => format!("{count} bytes"),
        1_000..1_000_000 => format!("{}.{} KB", count / 1_000, count % 1_000 / 100),
        1_000_000..1_000_000_000 => format!("{}.{} MB", count / 1_000_000, count % 1_000_000 / 100_000),
        _ => format!("{}.{} GB", count / 1_000_000_000, count % 1_000_000_000 / 100_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_at_a_glance() {
        assert_eq!(
            [0, 999, 1_000, 13_277, 2_000_000].map(count),
            ["0", "999", "1,000", "13,277", "2,000,000"]
        );
        assert_eq!([1, 2, 1_000].map(messages), ["1 message", "2 messages", "1,000 messages"]);
        assert_eq!([0, 1, 1_000].map(are), ["0 are", "1 is", "1,000 are"]);
        assert_eq!(age(&Some(200_000.0)), "2 days");
    }

    #[test]
    fn what_is_typed_is_told_apart_and_a_status_is_said_once() {
        assert_eq!(
            marked("Run `posthouse lint`: it"),
            [(false, "Run "), (true, "posthouse lint"), (false, ": it")]
        );
        assert_eq!(line_detail("Rejected: Rejected"), "Rejected");
        assert_eq!(line_detail("Rejected: 4007 Service denied"), "Rejected: 4007 Service denied");
    }

    #[test]
    fn every_line_of_a_timeline_says_what_it_means() {
        for kind in posthouse_core::message::EventKind::ALL {
            assert!(line_means(kind.as_str()).is_some() || kind.as_str() == "Noted", "{kind:?}");
        }
    }

    #[test]
    fn times_and_bytes_read_as_people_write_them() {
        let at: Timestamp = "2026-11-29T02:03:04.0567Z".parse().unwrap();
        assert_eq!(short(&at), "2026-11-29 02:03:04");
        assert_eq!(precise(&at), "2026-11-29 02:03:04.056");
        let counts = [999, 1_000, 2_345_678, 74_260_000_000];
        assert_eq!(counts.map(bytes), ["999 bytes", "1.0 KB", "2.3 MB", "74.2 GB"]);
    }
}
