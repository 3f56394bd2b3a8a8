//! How refusals are shown.

use posthouse_api::{FindingView, RefusalView};
use posthouse_core::refusal::{KeptRefusal, RefusalFinding, meaning_of};

/// A refusal; its head beside it where that is asked for.
pub fn refusal(kept: &KeptRefusal, with_head: bool) -> RefusalView {
    let KeptRefusal { number, times, last_at, refusal } = kept;
    let details = &refusal.details;
    RefusalView {
        refusal_id: number.to_string(),
        at: refusal.at,
        last_at: *last_at,
        times: *times,
        account: refusal.account.as_ref().map(|account| account.0.clone()),
        code: refusal.code.code().into(),
        text: refusal.code.text().to_owned(),
        details: refusal.code.details().map(str::to_owned),
        row: refusal.row,
        rule: refusal.check.clone(),
        meaning: meaning_of(&refusal.check, refusal.code).map(str::to_owned),
        peer: refusal.peer.to_string(),
        transaction_id: refusal.transaction_id.clone(),
        vasid: details.vasid.clone(),
        sender: details.sender.clone(),
        recipient: details.recipient.clone(),
        bytes: details.bytes,
        findings: details.findings.iter().map(finding).collect(),
        head: with_head.then(|| details.head.clone()),
    }
}

fn finding(finding: &RefusalFinding) -> FindingView {
    FindingView {
        rule: finding.rule.clone(),
        byte: finding.byte,
        line: finding.line.map(|(line, _)| line),
        column: finding.line.map(|(_, column)| column),
        part: finding.part,
        what: finding.what.clone(),
        found: finding.found.clone(),
        write: finding.write.clone(),
        remedy: finding.remedy.clone(),
        clause: finding.clause.clone(),
    }
}
