//! What a dialect says of the whole: the checks of the gateway, as far as a file can be judged.

use std::{borrow::Cow, sync::Arc};

use mm7::{Dialect, Rule, lint::Lint, message::Status};

use super::finding::{JudgedFinding, Options, is_judged_as_submit};
use super::head;
use crate::{
    message::Digest,
    provisioning::Snapshot,
    submit::{Arrival, Body, CHECKS, Cause, Decision, Facts, Mm7Body, Reject, Rejection, read_content, row},
};

/// The checks that are not run, and what they would have to know: all that a file does not say.
pub const NOT_JUDGED: &[(&str, &[&str])] = &[
    ("the account and whether it is active", &["vaspid", "account_status", "account_mm7"]),
    ("where the request comes from", &["address_and_protocol"]),
    ("its credentials", &["client_certificate", "credentials"]),
    ("its throughput", &["throughput"]),
    ("its services and their senders", &["vasid", "sender_provisioned"]),
    ("the size that the account may send", &["message_length"]),
    ("the blacklist", &["blacklist"]),
    (
        "the recipient's carrier and what it takes",
        &[
            "carrier_id_present",
            "carrier_id_known",
            "lookup",
            "service_reaches_carrier",
            "carrier_has_connection",
            "carrier_takes_content",
        ],
    ),
    ("content at URLs", &["content_by_url", "carrier_takes_whole_content"]),
];

/// What a dialect says of a message.
#[derive(Clone, Debug)]
pub struct DialectVerdict {
    /// The dialect.
    pub dialect: &'static Dialect,
    /// What it refuses it for: the first is what is answered, each other shows when those before it are put right.
    pub refusals: Vec<Rejection>,
}

impl DialectVerdict {
    /// Whether nothing is wrong that a file shows.
    pub fn is_accepted(&self) -> bool {
        self.refusals.is_empty()
    }

    /// The Status that is answered.
    pub fn refused_with(&self) -> Option<Status> {
        self.refusals.first().map(|refusal| self.dialect.status(refusal.status()))
    }

    /// The codes that are answered one after the other as the faults before are put right; the first is
    /// [`DialectVerdict::refused_with`]'s.
    pub fn codes(&self) -> Vec<u32> {
        let codes = self.refusals.iter().map(|refusal| self.dialect.status(refusal.status()).code);
        let mut distinct = Vec::new();
        for code in codes {
            if !distinct.contains(&code) {
                distinct.push(code);
            }
        }
        distinct
    }
}

pub(super) fn judge(
    lint: &Lint,
    findings: &[JudgedFinding],
    dialect: &'static Dialect,
    options: &Options,
) -> DialectVerdict {
    let refusals = if is_judged_as_submit(lint) {
        until_known(lint, by_checks(&facts(lint, dialect, options)), |default| {
            by_checks(&facts(lint, default, options))
        })
    } else {
        by_findings(findings, dialect)
    };
    DialectVerdict { dialect, refusals }
}

/// Without a VASPID there is no account whose dialect could answer: what only the dialect refuses of the envelope shows once there
/// is one.
fn until_known(
    lint: &Lint,
    mut refusals: Vec<Rejection>,
    by: impl FnOnce(&'static Dialect) -> Vec<Rejection>,
) -> Vec<Rejection> {
    let is_known = lint.decoded.as_ref().is_ok_and(|decoded| decoded.vaspid.is_some());
    if is_known {
        return refusals;
    }
    let default = by(Dialect::POSTHOUSE);
    let is_early = |refusal: &Rejection| refusal.identified() || default.contains(refusal);
    let place = |refusal: &Rejection| {
        if is_early(refusal) { (refusal.row, false) } else { (row::SENDER_IDENTIFICATION, true) }
    };
    refusals.sort_by_key(place);
    refusals
}

/// What the checks that a file can be judged by say, each alone.
fn by_checks(facts: &Facts) -> Vec<Rejection> {
    let is_judged = |name: &str| NOT_JUDGED.iter().all(|(_, names)| !names.contains(&name));
    let last = last_row(facts);
    let checks = CHECKS.iter().filter(|check| check.row <= last && is_judged(check.name));
    let refusals = checks.filter_map(|check| match check.examine(facts) {
        Decision::Refuse(refusal) => Some(refusal),
        Decision::Accept | Decision::Ask(_) => None,
    });
    told_apart(refusals.collect())
}

/// What these checks say, each alone, of a request that could be read.
pub(super) fn by_named_checks(facts: &Facts, names: &[&str]) -> Vec<Rejection> {
    if last_row(facts) < u8::MAX {
        return Vec::new();
    }
    let checks = CHECKS.iter().filter(|check| names.contains(&check.name));
    let refusals = checks.filter_map(|check| match check.examine(facts) {
        Decision::Refuse(refusal) => Some(refusal),
        Decision::Accept | Decision::Ask(_) => None,
    });
    refusals.collect()
}

/// Without the one recipient that there should be, none was looked at.
fn told_apart(mut refusals: Vec<Rejection>) -> Vec<Rejection> {
    let is_none = |reject| matches!(reject, Reject::NoRecipient | Reject::SeveralRecipients);
    if refusals.iter().any(|refusal| is_none(refusal.reject)) {
        refusals.retain(|refusal| refusal.reject != Reject::BadRecipient);
    }
    refusals
}

/// The last row that a message can be judged by: of one that cannot be read, what it lacks cannot be told.
fn last_row(facts: &Facts) -> u8 {
    let Some(body) = &facts.body else { return row::REQUEST_LENGTH };
    let has_operation = body.mm7.decoded.as_ref().is_ok_and(|decoded| decoded.operation.is_some());
    match (body.mm7.submit_req(), has_operation) {
        (Some(_), _) => u8::MAX,
        (None, true) => row::OPERATION,
        (None, false) => row::OPERATION - 1,
    }
}

/// Other operations and answers are judged by the rules of the format alone, in the order of the rules.
fn by_findings(findings: &[JudgedFinding], dialect: &'static Dialect) -> Vec<Rejection> {
    let answered = |finding: &&JudgedFinding| {
        finding.answers().any(|(other, answer)| other.name == dialect.name && answer.is_some())
    };
    let mut refusals: Vec<Rejection> = findings
        .iter()
        .filter(answered)
        .map(|finding| Rejection {
            row: finding.row().unwrap_or_else(|| row_of(finding.reject)),
            reject: finding.reject,
        })
        .collect();
    refusals.sort_by_key(|refusal| (refusal.row, rule_of(refusal.reject)));
    refusals.dedup();
    refusals
}

const fn rule_of(reject: Reject) -> Option<Rule> {
    match reject {
        Reject::Decode(rule) => Some(rule),
        _ => None,
    }
}

/// Rules that no check of a SubmitReq refuses for stand with those of their kind.
fn row_of(reject: Reject) -> u8 {
    match reject {
        Reject::Decode(Rule::UnknownOperation) => row::OPERATION,
        _ => Cause::of(Reject::Decode(Rule::UnknownElement)).map_or(row::OPERATION, |cause| cause.row),
    }
}

/// What a file says.
pub(super) fn facts(lint: &Lint, dialect: &'static Dialect, options: &Options) -> Facts {
    let length = u64::try_from(lint.raw.body().len()).unwrap_or(u64::MAX);
    let arrival = if length > options.max_request_bytes { Arrival::TooLong } else { Arrival::Whole };
    let body = Body {
        arrival,
        length,
        digest: Digest([0; 16]),
        mm7: Mm7Body { package: lint.package.clone(), decoded: lint.decoded.clone() },
        account: None,
        dialect,
        carrier_id: None,
    };
    let content = match body.mm7.submit_req() {
        Some(_) => body.mm7.content(dialect),
        None => lint.content().map(Cow::Borrowed),
    };
    let content = content.map(|content| read_content(&lint.package, &content, dialect, &options.limits));
    let facts = Facts::new(Arc::new(Snapshot::default()), head::head(lint, options));
    Facts { body: Some(body), content, ..facts }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::submit::Check;

    #[test]
    fn what_is_not_judged_are_checks() {
        for name in NOT_JUDGED.iter().flat_map(|(_, names)| names.iter()) {
            assert!(Check::named(name).is_some(), "{name}");
        }
    }
}
