//! Status codes and delivery statuses, as `posthouse codes` tells them.

pub(super) mod get;
pub(super) mod list;

use mm7::{MmStatus, StatusCode};
use posthouse_api::CodeView;
use posthouse_core::codes::{Page, StatusPage};

/// The page of a code such as `2513`, or of a delivery status such as `Retrieved`.
pub(super) fn page_of(name: &str) -> Option<CodeView> {
    if let Some(page) = name.parse().ok().and_then(StatusCode::from_code).and_then(Page::of) {
        return Some(of_code(page));
    }
    let status = MmStatus::ALL.iter().find(|status| status.as_str().eq_ignore_ascii_case(name))?;
    StatusPage::of(*status).map(of_status)
}

/// A code's page.
pub(super) fn of_code(page: &Page) -> CodeView {
    CodeView {
        code: page.code.code().to_string(),
        kind: "status_code".to_owned(),
        text: page.code.text().to_owned(),
        details: page.code.details().map(str::to_owned),
        meaning: page.meaning.to_owned(),
        raised: raised(page),
        developer: page.developer.to_owned(),
        operator: page.operator.to_owned(),
        retry: page.retry.words().to_owned(),
    }
}

/// A delivery status' page.
pub(super) fn of_status(page: &StatusPage) -> CodeView {
    CodeView {
        code: page.status.as_str().to_owned(),
        kind: "delivery_status".to_owned(),
        text: page.status.text().to_owned(),
        details: None,
        meaning: page.meaning.to_owned(),
        raised: page.origins(),
        developer: page.developer.to_owned(),
        operator: page.operator.to_owned(),
        retry: page.retry.words().to_owned(),
    }
}

/// What raises a code, a sentence each.
pub(super) fn raised(page: &Page) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    if page.code == StatusCode::Success {
        lines.push("No check refuses the request.".to_owned());
    }
    for group in page.groups() {
        lines.extend(group.meanings.iter().map(|meaning| format!("{}: {meaning}", group.title())));
    }
    let answers = page.carrier_answers();
    if !answers.is_empty() {
        lines.push(format!("A carrier says {}. {}", answers.join(", "), page.consequences().join(" ")));
    }
    lines
}
