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
    audit::{AuditEntry, AuditVerb},
    shown::masked,
};

use super::{AdminState, answer::ProblemAnswer, context::need};

/// As many digits are a MessageID, and no number of a handset.
const DIGITS_OF_IDS: usize = 16;

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
    let shown = |text: &str| match text.len() >= DIGITS_OF_IDS && text.bytes().all(|b| b.is_ascii_digit()) {
        true => text.to_owned(),
        false => masked(text).into_owned(),
    };
    let path: Vec<String> = uri.path().split('/').map(shown).collect();
    let query = uri.query().unwrap_or_default().as_bytes();
    let filters = form_urlencoded::parse(query).filter(|(name, _)| name != "reveal" && name != "limit");
    let filters: Vec<String> = filters.map(|(name, value)| format!("{name}={}", shown(&value))).collect();
    match filters.is_empty() {
        true => path.join("/"),
        false => format!("{}?{}", path.join("/"), filters.join("&")),
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
        ] {
            assert_eq!(target(&asked.parse().unwrap()), told);
        }
    }
}
