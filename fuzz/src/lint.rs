//! Any bytes as a file that is judged and mended.

use bytes::Bytes;
use mm7::{Dialect, Rule};
use posthouse_core::lint::{JudgedFinding, LintReport, Options};
use posthouse_core::submit::Reject;

/// Judges the file and checks that findings and verdicts agree; mends it and checks that it is mended.
pub fn check(data: &[u8]) {
    let report = LintReport::read(Bytes::copy_from_slice(data), &Options::default());
    check_agreement(&report);
    let Ok(fixed) = report.fix(Dialect::THREE_GPP) else { return };
    check_agreement(&fixed.report);
    for finding in &fixed.report.findings {
        assert!(!is_mendable(finding), "was not mended: {finding:?}");
    }
    let again = fixed.report.fix(Dialect::THREE_GPP);
    assert!(again.is_ok_and(|again| again.bytes == fixed.bytes), "what is mended changes when it is mended");
}

/// What is refused has a finding that says so, and what has such a finding is refused.
fn check_agreement(report: &LintReport) {
    for (index, verdict) in report.verdicts.iter().enumerate() {
        let answers = report.findings.iter().filter_map(|finding| finding.answers.get(index)?.as_ref());
        let answered: Vec<u32> = answers.map(|status| status.code).collect();
        for code in verdict.codes() {
            assert!(
                answered.contains(&code),
                "{} refuses {code}: {:?}",
                verdict.dialect.name,
                report.findings
            );
        }
        assert_eq!(
            answered.is_empty(),
            verdict.is_accepted(),
            "{}: {:?}",
            verdict.dialect.name,
            report.findings
        );
    }
    for finding in &report.findings {
        check_finding(finding, report.lint.raw.file.len());
    }
}

/// Findings go line by line to a terminal: what they quote must not steer it.
fn check_finding(finding: &JudgedFinding, length: usize) {
    assert!(finding.place.offset <= length, "{finding:?} is outside {length} bytes");
    let remedy = &finding.remedy;
    assert!(
        !finding.what.is_empty() && !remedy.advice.is_empty() && !finding.clause.is_empty(),
        "{finding:?}"
    );
    let quotes = [remedy.found.as_deref(), remedy.corrected.as_deref()].into_iter().flatten();
    for text in quotes.chain([finding.what.as_str(), remedy.advice.as_str()]) {
        assert!(!text.chars().any(char::is_control), "{finding:?} breaks the line");
        assert!(text.len() <= 8192, "{finding:?} is too long to be read");
    }
}

/// Faults of format that nobody needs the sender for. A TransactionID cannot be made up, nor a part that is not there, nor what a
/// presentation shows.
fn is_mendable(finding: &JudgedFinding) -> bool {
    let [.., three_gpp] = &finding.answers;
    let needs_sender = [
        Rule::NoHeader,
        Rule::NoTransactionId,
        Rule::BadTransactionId,
        Rule::HrefWithoutPart,
        Rule::SmilReference,
        Rule::SmilForm,
        Rule::MissingElement,
        Rule::MissingAttribute,
    ];
    match finding.reject {
        Reject::Decode(rule) => three_gpp.is_some() && !needs_sender.contains(&rule),
        Reject::HttpHeaders => true,
        _ => false,
    }
}
