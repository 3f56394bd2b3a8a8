//! Requests of VASPs that were refused: what is kept of each, so that it can be explained afterwards. No content is, no secret, and no
//! whole phone number.

use std::{net::IpAddr, time::Duration};

use bytes::Bytes;
use jiff::Timestamp;
use mm7::{Dialect, StatusCode, lint::Lint};
use serde::{Deserialize, Serialize};

use crate::{
    account::AccountName,
    bounds::cut,
    lint::{JudgedFinding, LintReport, Options},
    shown::masked,
    submit::{Cause, Reject, causes},
};

/// The most that are kept; the oldest go.
pub const MOST: u32 = 100_000;
/// The most of one account, and of all that belong to none; the oldest go.
pub const MOST_OF_ACCOUNT: u32 = 10_000;
/// The most that are kept in a second.
pub const MOST_A_SECOND: usize = 1000;
/// The longest head that is kept, in characters.
pub const HEAD: usize = 2048;
/// The most findings of one.
pub const FINDINGS: usize = 5;
/// The longest text of a finding, in characters.
pub const TEXT: usize = 300;
/// The longest request that findings are looked for in, in bytes.
pub const LONGEST_JUDGED: usize = 1 << 20;
/// For how long what is [counted](is_counted) counts as the same.
pub const COUNTED_FOR: Duration = Duration::from_secs(3600);

/// What is kept of a request that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedRequest {
    /// When it was answered (UTC, milliseconds).
    pub at: Timestamp,
    /// Whose it was, where that could be told.
    pub account: Option<AccountName>,
    /// What was answered, as a code of the table.
    pub code: StatusCode,
    /// The row of contract 4.1 that refused it.
    pub row: u8,
    /// The rule of the format that it breaks, or the check that found it.
    pub check: String,
    /// The address that it came from, as far as trusted proxies tell.
    pub peer: IpAddr,
    /// Its TransactionID, where one could be read.
    pub transaction_id: Option<String>,
    /// A keyed hash of its recipient, by which it is found.
    pub recipient_hash: Option<String>,
    /// What else is known of it.
    pub details: RefusalDetails,
}

/// What is shown of a refusal, and not looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusalDetails {
    /// VASID, as it came.
    pub vasid: Option<String>,
    /// SenderAddress, masked.
    pub sender: Option<String>,
    /// Recipient, masked.
    pub recipient: Option<String>,
    /// How long the body was, in bytes, as far as it was read.
    pub bytes: u64,
    /// The HTTP head, without what may be secret.
    pub head: String,
    /// What is wrong with it, the finding that it was refused for first. None where its form is right, or nobody looked.
    pub findings: Vec<RefusalFinding>,
}

/// One thing that is wrong with a refused request, as `posthouse lint` says it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusalFinding {
    /// The rule that it breaks, or the check that finds it.
    pub rule: String,
    /// The byte of the body where it is; `None` in the head.
    pub byte: Option<u64>,
    /// Line and column of the body, where it is text.
    pub line: Option<(u64, u64)>,
    /// Which part of the MIME body it is in: 0 is the envelope.
    pub part: Option<u64>,
    /// What is wrong.
    pub what: String,
    /// What stands there; never of content.
    pub found: Option<String>,
    /// What should stand there instead.
    pub write: Option<String>,
    /// What to do.
    pub remedy: String,
    /// The clause.
    pub clause: String,
}

/// A refusal, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptRefusal {
    /// Its number: later ones have higher ones.
    pub number: i64,
    /// How often it came.
    pub times: u64,
    /// When it came last.
    pub last_at: Timestamp,
    /// The first of them.
    pub refusal: RefusedRequest,
}

/// Whether refusals of this kind are counted, and not kept one by one: their sender is not known yet, or sends too many, and none
/// tells more than the first.
pub const fn is_counted(reject: Reject) -> bool {
    matches!(
        reject,
        Reject::UnknownVaspId
            | Reject::NoVaspId
            | Reject::AddressOrProtocol
            | Reject::ClientCertificate
            | Reject::Credentials
            | Reject::AccountDisabled
            | Reject::NotProvisionedForMm7
            | Reject::Throughput { .. }
            | Reject::System
    )
}

/// The name of the rule that a refused request breaks, or of the check that found it.
pub fn name_of(reject: Reject) -> &'static str {
    match reject {
        Reject::Decode(rule) => rule.name(),
        Reject::Carrier(_) => "carrier",
        reject => Cause::of(reject).and_then(|cause| cause.checks.first().copied()).unwrap_or("gateway"),
    }
}

/// What the name of a rule or a check means that was answered with a code, in one sentence.
pub fn meaning_of(name: &str, code: StatusCode) -> Option<&'static str> {
    let is_it = |cause: &Cause| cause.reject.status() == code && name_of(cause.reject) == name;
    causes().into_iter().find(is_it).map(|cause| cause.meaning)
}

/// What is wrong with a refused request, by the rules of `posthouse lint`: what it was refused for first, then what else its dialect
/// refuses. `head` is a request's head with the empty line behind it.
pub fn findings(head: &str, body: &Bytes, reject: Reject, dialect: &Dialect) -> Vec<RefusalFinding> {
    if body.len() > LONGEST_JUDGED {
        return Vec::new();
    }
    let file: Bytes = [head.as_bytes(), body].concat().into();
    let report = LintReport::read(file, &Options::default());
    let is_answered = |finding: &&JudgedFinding| {
        finding.reject == reject
            || finding.answers().any(|(other, answer)| other.name == dialect.name && answer.is_some())
    };
    let mut found: Vec<&JudgedFinding> = report.findings.iter().filter(is_answered).collect();
    found.sort_by_key(|finding| finding.reject != reject);
    let lines = head.matches('\n').count();
    found.into_iter().take(FINDINGS).map(|finding| kept(finding, &report.lint, head.len(), lines)).collect()
}

fn kept(finding: &JudgedFinding, lint: &Lint, head: usize, head_lines: usize) -> RefusalFinding {
    let byte = finding.place.offset.checked_sub(head);
    let in_text = finding.place.position.filter(|_| !finding.place.is_decoded);
    let line = in_text.and_then(|position| {
        let line = position.line.checked_sub(head_lines).filter(|line| *line > 0)?;
        Some((u64::try_from(line).ok()?, u64::try_from(position.column).ok()?))
    });
    // What stands among the parts is content, and VASPID is a key.
    let tells = |text: &&String| in_text.is_some() && !text.contains("VASPID");
    let short = |text: &str| cut(&masked(text), TEXT).to_owned();
    RefusalFinding {
        rule: finding.name().to_owned(),
        byte: byte.and_then(|byte| u64::try_from(byte).ok()),
        line,
        part: byte.and_then(|byte| part(lint, byte)),
        what: short(&finding.what),
        found: finding.remedy.found.as_ref().filter(tells).map(|text| short(text)),
        write: finding.remedy.corrected.as_ref().filter(tells).map(|text| short(text)),
        remedy: short(&finding.remedy.advice),
        clause: finding.clause.to_owned(),
    }
}

/// The part that a byte of the body is in.
fn part(lint: &Lint, byte: usize) -> Option<u64> {
    let parts = lint.package.root.iter().chain(&lint.package.attachments);
    let begun = parts.enumerate().filter(|(_, part)| part.offset <= byte);
    let (number, _) = begun.max_by_key(|(_, part)| part.offset)?;
    u64::try_from(number).ok()
}

#[cfg(test)]
mod tests {
    use mm7::Rule;

    use super::*;

    const HEAD_OF: &str = "POST /mm7 HTTP/1.1\r\nContent-Type: text/xml\r\nContent-Length: 0\r\n\r\n";

    fn of(body: &str, reject: Reject) -> Vec<RefusalFinding> {
        findings(
            &HEAD_OF.replace(": 0", &format!(": {}", body.len())),
            &Bytes::copy_from_slice(body.as_bytes()),
            reject,
            Dialect::POSTHOUSE,
        )
    }

    #[test]
    fn what_it_was_refused_for_comes_first_with_its_place_in_the_body() {
        let found = of("<a>\n<b>\n</a>", Reject::Decode(Rule::NotWellFormed));
        let [first, ..] = found.as_slice() else { panic!("nothing was found") };
        assert_eq!((first.rule.as_str(), first.part), ("NotWellFormed", Some(0)));
        assert_eq!(first.line.map(|(line, _)| line), Some(3), "{first:?}");
        assert_eq!(first.byte, Some(8), "{first:?}");
        assert!(!first.remedy.is_empty() && !first.clause.is_empty(), "{first:?}");
        assert!(found.len() <= FINDINGS);
    }

    #[test]
    fn neither_numbers_nor_keys_are_kept() {
        let body = "<Envelope xmlns=\"http://schemas.xmlsoap.org/soap/envelope/\"><Header><TransactionID>t</TransactionID></Header><Body>\
                    <SubmitReq xmlns=\"http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4\">\
                    <MM7Version>6.8.0</MM7Version><SenderIdentification><VASPID>acme-key</VASPID></SenderIdentification>\
                    <Recipients><To><Number>016175550100</Number></To></Recipients></SubmitReq></Body></Envelope>";
        let found = of(body, Reject::BadRecipient);
        assert_eq!(found.first().map(|finding| finding.rule.as_str()), Some("recipient_number"), "{found:?}");
        let told = format!("{found:?}");
        assert!(!told.contains("6175550100") && !told.contains("acme-key"), "{told}");
        let long = "x".repeat(LONGEST_JUDGED + 1);
        assert_eq!(of(&long, Reject::Decode(Rule::NotWellFormed)), []);
    }

    #[test]
    fn each_has_the_name_that_lint_and_codes_have() {
        assert_eq!(name_of(Reject::Decode(Rule::TransferEncoding)), "TransferEncoding");
        assert_eq!(name_of(Reject::ForeignSender), "sender_provisioned");
        assert_eq!(name_of(Reject::System), "gateway");
        let meaning = meaning_of("sender_provisioned", StatusCode::InvalidSource);
        assert!(meaning.is_some_and(|meaning| meaning.ends_with('.')), "{meaning:?}");
        assert_eq!(meaning_of("sender_provisioned", StatusCode::MissingSource), None);
        assert!(is_counted(Reject::UnknownVaspId) && !is_counted(Reject::ForeignSender));
    }
}
