//! docs/codes.md.

use posthouse_core::codes::{Difference, Group, PAGES, Page, STATUS_PAGES, StatusPage};

use super::text::{by_carriers, introduction};

const HEAD: &str = "\
# Status codes and delivery statuses

What the gateway answers, what raises it, what to do, and whether a retry helps. `posthouse codes CODE` prints the same; `posthouse lint`
finds the cause in a request. A request with several faults is answered for the first in the order of the rows.

<!-- Written by `cargo xtask docs`. Change crates/posthouse-core/src/codes/table.rs instead. -->

";

/// The whole document.
pub fn document() -> String {
    let (codes, statuses) = (PAGES, STATUS_PAGES);
    let mut text = HEAD.to_owned();
    text.push_str("| code | StatusText | retry |\n|---|---|---|\n");
    for page in codes {
        let code = page.code.code();
        text.push_str(&format!("| [{code}](#{code}) | {} | {} |\n", page.code.text(), page.retry.brief()));
    }
    text.push_str("\n| MMStatus | StatusText | ends the message |\n|---|---|---|\n");
    for page in statuses {
        let name = page.status.as_str();
        let ends = if page.status.is_terminal() { "yes" } else { "no" };
        text.push_str(&format!("| [{name}](#{}) | {} | {ends} |\n", name.to_lowercase(), page.status.text()));
    }
    for page in codes {
        text.push_str(&code(page));
    }
    for page in statuses {
        text.push_str(&status(page));
    }
    text
}

fn code(page: &Page) -> String {
    let mut text = format!("\n## {}\n\n**{}**", page.code.code(), page.code.text());
    if let Some(details) = page.code.details() {
        text.push_str(&format!(" — {details}"));
    }
    text.push_str(&format!("\n\n{}\n\n", page.meaning));
    for group in page.groups() {
        text.push_str(&cause(&group));
    }
    if let Some(by_carriers) = by_carriers(page) {
        text.push_str(&format!("* {by_carriers}\n"));
    }
    for (dialect, code) in page.mapped() {
        text.push_str(&format!("* The dialect `{}` answers {code} in its place.\n", dialect.name));
    }
    text.push_str(&advice(page.developer, page.operator, page.retry.words()));
    text.push_str(&format!("\nExample: {}.\n", introduction(page)));
    let differences = page.example.differences();
    if !differences.is_empty() {
        text.push_str("\n```diff\n");
        for difference in differences {
            text.push_str(&diff(&difference));
        }
        text.push_str("```\n");
    }
    text
}

fn diff(difference: &Difference) -> String {
    let before = difference.before.iter().map(|line| format!("-{line}\n"));
    let after = difference.after.iter().map(|line| format!("+{line}\n"));
    before.chain(after).collect()
}

fn cause(group: &Group) -> String {
    match group.meanings.as_slice() {
        [only] => format!("* {}: {only}\n", group.title()),
        several => {
            let meanings: String = several.iter().map(|meaning| format!("  * {meaning}\n")).collect();
            format!("* {}:\n{meanings}", group.title())
        }
    }
}

fn advice(developer: &str, operator: &str, retry: &str) -> String {
    format!("\n* **Developer**: {developer}\n* **Operator**: {operator}\n* **Retry**: {retry}\n")
}

fn status(page: &StatusPage) -> String {
    let mut text = format!("\n## {}\n\n{}\n\n", page.status, page.meaning);
    for origin in page.origins() {
        text.push_str(&format!("* Comes when {origin}.\n"));
    }
    text.push_str(&advice(page.developer, page.operator, page.retry.words()));
    text.push_str(&format!("\n`posthouse simulate` ends so for a recipient like {}.\n", page.number));
    text
}
