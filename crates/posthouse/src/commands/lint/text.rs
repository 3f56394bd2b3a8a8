//! A report in words, for a terminal of 100 columns.

use mm7::{Dialect, Message};
use posthouse_core::{
    counted::counted,
    lint::{DialectVerdict, Fixed, JudgedFinding, LintReport, NOT_JUDGED},
    shown::Shown,
    submit::Check,
};

use crate::commands::layout::hanging;

/// The whole report.
pub fn report(name: &str, report: &LintReport) -> String {
    let mut text = summary(name, report);
    for finding in &report.findings {
        text.push('\n');
        text.push_str(&self::finding(name, finding));
    }
    text.push('\n');
    text.push_str(&verdicts(report));
    text
}

/// What became of a request that was corrected.
pub fn fixed(name: &str, before: &LintReport, fixed: &Fixed) -> String {
    let found = counted(before.findings.len(), "finding");
    let mut text = match fixed.report.findings.len() {
        0 => format!("{name}: {found} before, none left\n"),
        left => format!("{name}: {found} before, {left} left\n"),
    };
    for line in &fixed.left_out {
        text.push_str(&hanging("left out ", &format!("{}\n", Shown(line))));
    }
    for finding in &fixed.report.findings {
        text.push('\n');
        text.push_str(&self::finding(name, finding));
    }
    text.push('\n');
    text.push_str(&verdicts(&fixed.report));
    text
}

/// What the file holds.
fn summary(name: &str, report: &LintReport) -> String {
    let raw = &report.lint.raw;
    let bytes = counted(raw.file.len(), "byte");
    let mut said = match &report.lint.decoded {
        Err(_) => format!("{bytes}, no envelope that can be read"),
        Ok(decoded) => {
            let operation = Shown(decoded.operation.as_deref().unwrap_or("no operation"));
            let namespace = decoded.namespace.uri().rsplit('/').next().filter(|name| !name.is_empty());
            let version =
                decoded.version.map(|version| format!(", MM7Version {version}")).unwrap_or_default();
            let parts = match report.lint.package.leaves().count() {
                0 => String::new(),
                count => format!(", {} beside the envelope", counted(count, "part")),
            };
            let namespace = Shown(namespace.unwrap_or("no namespace"));
            format!("{operation} in {namespace}{version}{parts}, {bytes}")
        }
    };
    if !raw.has_head() {
        said.push_str("; there is no HTTP head");
    }
    let mut text = hanging("", &format!("{name}: {said}\n"));
    if let Some(note) = note(report) {
        text.push_str(&hanging("", &format!("{note}\n")));
    }
    text
}

/// That something other than a SubmitReq is judged otherwise.
fn note(report: &LintReport) -> Option<String> {
    if report.is_judged_as_submit() {
        return None;
    }
    let message = report.lint.decoded.as_ref().ok().and_then(|decoded| decoded.message.as_ref());
    let name = message.map_or("an answer", Message::name);
    Some(match message {
        Some(message) if message.is_request() => format!(
            "It is a {name}, judged by the rules of the format alone; where VASPs submit it would be answered 2512"
        ),
        _ => format!("It is {name}, an answer: it is judged by the rules of the format alone"),
    })
}

fn finding(name: &str, finding: &JudgedFinding) -> String {
    let mut text =
        hanging("", &format!("{name}:{}: {} [{}]\n", finding.place, Shown(&finding.what), finding.name()));
    let remedy = &finding.remedy;
    if let Some(found) = &remedy.found {
        text.push_str(&hanging("    found    ", &format!("{found}\n")));
    }
    if let Some(corrected) = &remedy.corrected {
        text.push_str(&hanging("    write    ", &format!("{corrected}\n")));
    }
    if !remedy.advice.is_empty() {
        text.push_str(&hanging("    remedy   ", &format!("{}\n", Shown(&remedy.advice))));
    }
    text.push_str(&hanging("    clause   ", &format!("{}\n", finding.clause)));
    text.push_str(&hanging("    answers  ", &format!("{}\n", answers(finding))));
    text
}

fn answers(finding: &JudgedFinding) -> String {
    let each = finding.answers().map(|(dialect, answer)| match answer {
        Some(status) => format!("{} {}", dialect.name, status.code),
        None => format!("{} taken", dialect.name),
    });
    each.collect::<Vec<_>>().join(", ")
}

fn verdicts(report: &LintReport) -> String {
    let mut text = format!("{}\n\n", counted(report.findings.len(), "finding"));
    for verdict in &report.verdicts {
        text.push_str(&self::verdict(verdict));
    }
    if report.is_judged_as_submit() {
        text.push_str(&hanging("", &format!("Not judged, since a file does not say: {}.\n", not_judged())));
    }
    text
}

fn verdict(verdict: &DialectVerdict) -> String {
    let width = Dialect::ALL.iter().map(|dialect| dialect.name.len()).max().unwrap_or_default();
    let label = format!("{:width$}  ", verdict.dialect.name);
    let Some(status) = verdict.refused_with() else { return format!("{label}accepted\n") };
    let later: Vec<String> = verdict.codes().iter().skip(1).map(u32::to_string).collect();
    let mut said = format!("refused {} {}", status.code, status.text);
    if !later.is_empty() {
        said.push_str(&format!("; once that is right: {}", later.join(", ")));
    }
    hanging(&label, &format!("{said}\n"))
}

/// What needs provisioning, with the rows of contract 4.1.
fn not_judged() -> String {
    let each = NOT_JUDGED.iter().map(|(what, names)| {
        let mut rows: Vec<u8> =
            names.iter().filter_map(|name| Check::named(name)).map(|check| check.row).collect();
        rows.sort_unstable();
        rows.dedup();
        let rows: Vec<String> = rows.iter().map(u8::to_string).collect();
        format!("{what} ({})", rows.join(", "))
    });
    each.collect::<Vec<_>>().join(", ")
}
