//! Whole numbers are shown where `reveal=true` asks for them, to callers that have the right; and a row of the audit says so.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http::Uri;
use posthouse_api::{ProblemCode, ProblemDetails};
use posthouse_core::{
    actor::{Actor, Right},
    address::{Msisdn, typed},
    audit::{AuditEntry, AuditVerb},
    shown::masked_id,
};

use super::{AdminState, answer::ProblemAnswer, context::need};

/// As many digits are a MessageID, and no number of a handset.
pub(super) const DIGITS_OF_IDS: usize = 16;

/// Stands before every verb. What is revealed is told only once the row is written.
pub(super) async fn guard(
    State(state): State<Arc<AdminState>>,
    request: Request,
    next: Next,
) -> Result<Response, ProblemAnswer> {
    let given = |(name, value): (_, std::borrow::Cow<'_, str>)| name == "reveal" && value != "false";
    let query = request.uri().query().unwrap_or_default().as_bytes();
    if !form_urlencoded::parse(query).any(given) {
        return Ok(next.run(request).await);
    }
    let Some(by) = request.extensions().get::<Actor>().cloned() else {
        return Err(ProblemDetails::new(ProblemCode::Unauthorized).into());
    };
    need(&by, Right::Reveal)?;
    let target = target(request.uri());
    let answer = next.run(request).await;
    if answer.status().is_success() {
        let entry = AuditEntry::new(&by, AuditVerb::Reveal, target, state.clock.now());
        state.store.record_audit(&entry).await?;
    }
    Ok(answer.into_response())
}

/// What was asked for, with numbers of handsets masked.
fn target(uri: &Uri) -> String {
    let path: Vec<String> = uri.path().split('/').map(without_number).collect();
    let query = uri.query().unwrap_or_default().as_bytes();
    let filters = form_urlencoded::parse(query).filter(|(name, _)| name != "reveal" && name != "limit");
    let shown = |name: &str, value: &str| match name {
        // A day is eight digits, and no number.
        "since" | "until" => masked_id(value).into_owned(),
        _ => without_number(value),
    };
    let filters: Vec<String> =
        filters.map(|(name, value)| format!("{name}={}", shown(&name, &value))).collect();
    match filters.is_empty() {
        true => path.join("/"),
        false => format!("{}?{}", path.join("/"), filters.join("&")),
    }
}

/// An id as it is, and a number of a handset masked, in whatever spelling it was asked for.
fn without_number(text: &str) -> String {
    if text.len() >= DIGITS_OF_IDS && text.bytes().all(|b| b.is_ascii_digit()) {
        return text.to_owned();
    }
    match Msisdn::parse(&typed(text), true) {
        Some(number) => number.to_string(),
        None => masked_id(text).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_masked_and_ids_are_not() {
        for (asked, told) in [
            ("/api/v1/messages/192690096091168768?reveal=true", "/api/v1/messages/192690096091168768"),
            ("/api/v1/messages?to=%2B16175550100&reveal=true&limit=5", "/api/v1/messages?to=+1617•••0100"),
            ("/api/v1/blacklist/16175550100?reveal=true", "/api/v1/blacklist/+1617•••0100"),
            ("/api/v1/find?q=%2B1%20(617)%20555-0100&reveal=true", "/api/v1/find?q=+1617•••0100"),
            ("/api/v1/find?q=617-555-0100&reveal=true", "/api/v1/find?q=+6175•••0100"),
            (
                "/api/v1/find?q=d7cfc758c5bf04237424362b9e6d028d&reveal=true",
                "/api/v1/find?q=d7cfc758c5bf04237424362b9e6d028d",
            ),
            ("/api/v1/messages?since=2026-11-29&reveal=true", "/api/v1/messages?since=2026-11-29"),
        ] {
            assert_eq!(target(&asked.parse().unwrap()), told);
        }
    }
}
