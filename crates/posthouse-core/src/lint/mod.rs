//! What the gateway would say of a message in a file: every finding with what each dialect answers, and each dialect's
//! verdict by the same ordered [`CHECKS`](crate::submit::CHECKS) that the gateway runs.
//!
//! A file says nothing of accounts, carriers and numbers: what needs provisioning is not judged ([`NOT_JUDGED`]).
//!
//! ```
//! use mm7::Dialect;
//! use posthouse_core::lint::{Options, LintReport};
//! let report = LintReport::read("<SubmitReq/>".into(), &Options::default());
//! let verdict = report.verdict(Dialect::POSTHOUSE);
//! assert_eq!(verdict.refused_with().map(|status| status.code), Some(2510));
//! ```

mod carriers;
mod finding;
mod fix;
mod head;
mod provisioned;
mod request;
mod verdict;

use bytes::Bytes;
use mm7::{Dialect, Rule, lint::Lint};

use self::finding::is_judged_as_submit;
use crate::submit::Reject;

pub use finding::{JudgedFinding, Options, PerDialect};
pub use fix::{Fixed, Unfixable};
pub use provisioned::{LintProvisioning, NOT_EVEN_PROVISIONED, ProvisionedVerdict};
pub use verdict::{DialectVerdict, NOT_JUDGED};

/// A message in a file, judged.
#[derive(Debug)]
pub struct LintReport {
    /// The message and its parts.
    pub lint: Lint,
    /// What is wrong, in the order of the file.
    pub findings: Vec<JudgedFinding>,
    /// What each of [`Dialect::ALL`] says of the whole.
    pub verdicts: PerDialect<DialectVerdict>,
    is_from_carrier: bool,
    options: Options,
}

impl LintReport {
    /// Judges the message in a file.
    pub fn read(file: Bytes, options: &Options) -> Self {
        let mut report = Self::read_whole(file, options);
        if let Some(cut) = head::cut_off(&report.lint) {
            report.judge_cut(&Self::read_whole(cut, options));
        }
        report
    }

    /// Takes over what is answered to the part of the file that a door reads, where its length is less than there is. All of it is
    /// looked at nevertheless: its faults show once the length is put right.
    fn judge_cut(&mut self, cut: &Self) {
        let answers = cut.verdicts.each_ref().map(DialectVerdict::refused_with);
        for (place, (verdict, cut)) in self.verdicts.iter_mut().zip(&cut.verdicts).enumerate() {
            match cut.refusals.first() {
                Some(first) => verdict.refusals.insert(0, *first),
                None => {
                    verdict.refusals.clear();
                    let of_dialect =
                        self.findings.iter_mut().filter_map(|found| found.answers.get_mut(place));
                    of_dialect.for_each(|answer| *answer = None);
                }
            }
        }
        self.findings.insert(0, head::too_short(&self.lint, answers));
    }

    fn read_whole(file: Bytes, options: &Options) -> Self {
        let lint = Lint::read(file, &options.limits);
        let mut findings: Vec<JudgedFinding> = head::findings(&lint, options);
        findings.extend(lint.findings.iter().map(|finding| of_format(&lint, finding)));
        let carriers = carriers::judge(&lint, &head::head(&lint, options), &options.limits);
        if let Some(refused) = &carriers {
            for finding in &mut findings {
                let is_refused = refused.as_ref().is_some_and(|refused| refused.is_of(finding));
                finding.judge_as_carriers(is_refused);
            }
            let untold =
                refused.as_ref().filter(|refused| !findings.iter().any(|finding| refused.is_of(finding)));
            findings.extend(untold.map(|refused| refused.finding(&lint)));
        }
        let verdicts = Dialect::ALL.map(|dialect| match &carriers {
            Some(refused) => DialectVerdict {
                dialect,
                refusals: refused.iter().map(carriers::DoorRefusal::refusal).collect(),
            },
            None => verdict::judge(&lint, &findings, dialect, options),
        });
        findings.extend(request::findings(&lint, &verdicts, &findings, options));
        findings.sort_by_key(|finding| (finding.place.offset, finding.row()));
        Self { lint, findings, verdicts, is_from_carrier: carriers.is_some(), options: options.clone() }
    }

    /// What a dialect says of the whole.
    pub fn verdict(&self, dialect: &Dialect) -> &DialectVerdict {
        let [first, ..] = &self.verdicts;
        self.verdicts.iter().find(|verdict| verdict.dialect.name == dialect.name).unwrap_or(first)
    }

    /// Whether it is what carriers send, and so what their door says of it, which is the same in every dialect.
    pub const fn is_from_carrier(&self) -> bool {
        self.is_from_carrier
    }

    /// Whether it is a request of a VASP, or nothing that can be told: only these are judged by all checks.
    pub fn is_judged_as_submit(&self) -> bool {
        is_judged_as_submit(&self.lint)
    }
}

fn of_format(lint: &Lint, finding: &mm7::lint::Finding) -> JudgedFinding {
    let refused = |dialect: &Dialect| is_refused(lint, finding.rule, dialect);
    JudgedFinding {
        reject: Reject::Decode(finding.rule),
        place: finding.place,
        what: finding.what.clone(),
        remedy: finding.remedy.clone(),
        clause: finding.rule.clause(),
        answers: Dialect::ALL.map(|dialect| refused(dialect).then(|| dialect.status(finding.rule.status()))),
    }
}

/// Whether a dialect refuses a message for a broken rule.
fn is_refused(lint: &Lint, rule: Rule, dialect: &Dialect) -> bool {
    match rule {
        // Some take the only part there is.
        Rule::HrefWithoutPart => lint
            .content()
            .is_some_and(|content| crate::submit::find_part(&lint.package, content, dialect).is_err()),
        // What a SubmitReq lacks has checks of its own.
        Rule::MissingElement if is_judged_as_submit(lint) => false,
        rule => dialect.refuses(rule),
    }
}
