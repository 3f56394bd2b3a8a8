//! The filters of lists as pages name them, with how a value of each looks; usual times; and what stands where nothing is listed.

use posthouse_core::{audit::AuditVerb, life::state::State, provisioning::words::OneOfWords as _};

use super::{super::filters::FilterSpec, audit_verb};

/// How a point in time may be written.
const SINCE: &str = "1h, 2026-11-29";
const UNTIL: &str = "30m, 2026-11-30";
const NUMBER: &str = "+1 617 555 0100";

/// Those of messages.
pub(in super::super) const OF_MESSAGES: &[FilterSpec] = &[
    FilterSpec::one_of("state", "State", || State::all().map(State::as_str).collect())
        .with_flags(&[("failed", "failed: all that ended, but not as Retrieved")]),
    FilterSpec::text("account", "Account", "acme"),
    FilterSpec::text("carrier", "Carrier", "31003"),
    FilterSpec::text("to", "Recipient", NUMBER),
    FilterSpec::text("transaction_id", "TransactionID", "order-7781"),
    FilterSpec::text("code", "Code", "4006"),
    FilterSpec::text("connection", "Connection", "vzw-1"),
    FilterSpec::text("since", "Accepted since (UTC)", SINCE),
    FilterSpec::text("until", "Accepted before (UTC)", UNTIL),
];

/// Those of refusals.
pub(in super::super) const OF_REFUSALS: &[FilterSpec] = &[
    FilterSpec::text("account", "Account", "acme"),
    FilterSpec::text("code", "Code", "2513"),
    FilterSpec::text("peer", "From address", "198.51.100.7"),
    FilterSpec::text("transaction_id", "TransactionID", "order-7781"),
    FilterSpec::text("to", "Recipient", NUMBER),
    FilterSpec::text("since", "Since (UTC)", SINCE),
    FilterSpec::text("until", "Before (UTC)", UNTIL),
];

/// Those of messages from handsets.
pub(in super::super) const OF_MO: &[FilterSpec] = &[
    FilterSpec::text("account", "Account", "acme"),
    FilterSpec::text("carrier", "Carrier", "31003"),
    FilterSpec::text("from", "From number", NUMBER),
    FilterSpec::text("since", "Since (UTC)", SINCE),
    FilterSpec::text("until", "Before (UTC)", UNTIL),
];

/// Those of messages from handsets that are for nobody.
pub(in super::super) const OF_MO_FOR_NOBODY: &[FilterSpec] =
    &[FilterSpec::text("carrier", "Carrier", "31003")];

/// Those of unmatched reports.
pub(in super::super) const OF_UNMATCHED_REPORTS: &[FilterSpec] = &[
    FilterSpec::text("carrier", "Carrier", "31003"),
    FilterSpec::text("carrier_message_id", "Carrier’s MessageID", "m-4711"),
    FilterSpec::text("to", "Recipient", NUMBER),
    FilterSpec::text("since", "Since (UTC)", SINCE),
    FilterSpec::text("until", "Before (UTC)", UNTIL),
];

/// Those of the audit.
pub(in super::super) const OF_AUDIT: &[FilterSpec] = &[
    FilterSpec::text("actor", "Who", "ann"),
    FilterSpec::one_of("verb", "What", || AuditVerb::ALL.iter().map(|verb| verb.word()).collect())
        .with_names(audit_verb),
    FilterSpec::text("target", "To what", "account acme"),
    FilterSpec::text("since", "Since (UTC)", SINCE),
    FilterSpec::text("until", "Before (UTC)", UNTIL),
];

/// The times that are asked for most, as they are written, each with its name.
pub(in super::super) const USUAL_TIMES: &[(&str, &str)] =
    &[("1h", "last hour"), ("0:00", "today"), ("7d", "last 7 days")];

/// That filters are wrong, and so nothing is listed.
pub(in super::super) const FILTERS_ARE_WRONG: &str = "Correct the filters that are marked.";
/// That there is something, and nothing of it matches.
pub(in super::super) const NOTHING_MATCHES: &str =
    "Nothing matches all of these filters. Take one away above, or choose an earlier time.";

/// What stands where there is nothing at all.
pub(in super::super) fn none_of(list: &str) -> &'static str {
    match list {
        "/messages" => {
            "No message has been accepted yet. “Try it” in the menu sends one, and so does: posthouse send"
        }
        "/refusals" => "No request has been refused.",
        "/mo" => "No message has come from a handset yet.",
        "/mo/for-nobody" => "Every message from a handset was for a service that is provisioned.",
        "/unmatched-reports" => "Every report that came belongs to a known message.",
        "/audit" => "Nobody has changed anything.",
        _ => "There is nothing here yet.",
    }
}
