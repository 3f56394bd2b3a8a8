//! A report as one JSON object.

use mm7::{Dialect, lint::Place};
use posthouse_core::lint::{DialectVerdict, Fixed, JudgedFinding, LintReport, NOT_JUDGED};
use serde_json::{Map, Value, json};

/// The whole report; with what is left when a request was corrected.
pub fn report(name: &str, report: &LintReport, dialect: &Dialect, fixed: Option<&Fixed>) -> Value {
    let decoded = report.lint.decoded.as_ref().ok();
    let mut object = json!({
        "file": name,
        "bytes": report.lint.raw.file.len(),
        "operation": decoded.and_then(|decoded| decoded.operation.as_deref()),
        "namespace": decoded.map(|decoded| decoded.namespace.uri()).filter(|uri| !uri.is_empty()),
        "mm7_version": decoded.and_then(|decoded| decoded.version).map(|version| version.to_string()),
        "transaction_id": decoded.and_then(|decoded| decoded.transaction_id.as_ref()).map(|id| id.as_str()),
        "parts": report.lint.package.leaves().count(),
        "findings": findings(report),
        "verdicts": verdicts(report),
        "dialect": dialect.name,
        "accepted": report.verdict(dialect).is_accepted(),
        "not_judged": not_judged(report),
    });
    if let (Some(fixed), Some(object)) = (fixed, object.as_object_mut()) {
        let fixed = json!({
            "findings": findings(&fixed.report),
            "left_out": fixed.left_out,
            "verdicts": verdicts(&fixed.report),
            "accepted": fixed.report.verdict(dialect).is_accepted(),
        });
        object.insert("fixed".to_owned(), fixed);
    }
    object
}

fn findings(report: &LintReport) -> Vec<Value> {
    report.findings.iter().map(finding).collect()
}

fn finding(finding: &JudgedFinding) -> Value {
    let answers: Map<String, Value> = finding
        .answers()
        .map(|(dialect, answer)| (dialect.name.to_owned(), json!(answer.map(|status| status.code))))
        .collect();
    let Place { offset, position, is_decoded } = finding.place;
    json!({
        "rule": finding.name(),
        "row": finding.row(),
        "what": finding.what,
        "line": position.map(|position| position.line),
        "column": position.map(|position| position.column),
        "offset": offset,
        "in_decoded_text": is_decoded,
        "clause": finding.clause,
        "answers": answers,
        "remedy": finding.remedy.advice,
        "found": finding.remedy.found,
        "corrected": finding.remedy.corrected,
    })
}

fn verdicts(report: &LintReport) -> Map<String, Value> {
    report.verdicts.iter().map(|each| (each.dialect.name.to_owned(), verdict(each))).collect()
}

fn verdict(verdict: &DialectVerdict) -> Value {
    let status = verdict.refused_with();
    json!({
        "accepted": verdict.is_accepted(),
        "code": status.as_ref().map(|status| status.code),
        "text": status.as_ref().map(|status| status.text.as_str()),
        "row": verdict.refusals.first().map(|refusal| refusal.row),
        "codes": verdict.codes(),
    })
}

fn not_judged(report: &LintReport) -> Vec<&'static str> {
    let checks = NOT_JUDGED.iter().flat_map(|(_, names)| names.iter().copied());
    if report.is_judged_as_submit() { checks.collect() } else { Vec::new() }
}
