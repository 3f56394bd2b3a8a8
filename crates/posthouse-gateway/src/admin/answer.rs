//! Answers: JSON, problems, plain text.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderValue, StatusCode as HttpStatus, Uri, header};
use http_body_util::Full;
use posthouse_api::{PROBLEM_JSON, PageOf, ProblemCode, ProblemDetails};
use posthouse_core::{shown::in_json, store::StoreError};
use serde::Serialize;

use super::VerbError;
use crate::http::server::HttpAnswer;

/// The media type of answers.
pub(super) const JSON: &str = "application/json";
/// How long is to be waited before another try, in seconds.
const RETRY_AFTER: &str = "5";

/// An answer in JSON, one line, of which nothing is obeyed where a terminal shows it.
pub(super) struct JsonAnswer<T>(pub T);

impl<T: Serialize> IntoResponse for JsonAnswer<T> {
    fn into_response(self) -> Response {
        match serde_json::to_string(&self.0) {
            Ok(json) => written(HttpStatus::OK, JSON, format!("{}\n", in_json(&json))),
            Err(error) => {
                tracing::error!(%error, "an answer cannot be written as JSON");
                ProblemAnswer(ProblemDetails::new(ProblemCode::Internal)).into_response()
            }
        }
    }
}

/// The same with a secret in it that is told this once: nobody keeps it on the way, and neither do we.
pub(super) struct ToldOnce<T>(pub T);

impl<T: Serialize> IntoResponse for ToldOnce<T> {
    fn into_response(self) -> Response {
        let mut answer = JsonAnswer(self.0).into_response();
        answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        answer
    }
}

/// What is so at a revision of provisioning, which is its ETag.
pub(super) fn at_revision<T: Serialize>(shown: T, revision: u64) -> Response {
    let mut answer = JsonAnswer(shown).into_response();
    if let Ok(etag) = HeaderValue::from_str(&format!("\"{revision}\"")) {
        answer.headers_mut().insert(header::ETAG, etag);
    }
    answer
}

/// A page of a list, with a `Link` to the next one (RFC 8288), which is asked for by the same query.
pub(super) fn page<T: Serialize>(page: PageOf<T>, uri: &Uri) -> Response {
    let link = page.next.as_deref().and_then(|next| link(uri, next));
    let mut answer = JsonAnswer(page).into_response();
    if let Some(link) = link {
        answer.headers_mut().insert(header::LINK, link);
    }
    answer
}

/// A page of what a store found. It has a next one, behind the last by its key, when it is full.
pub(super) fn page_of<T, V>(
    found: Vec<T>,
    limit: usize,
    key: impl FnOnce(&T) -> String,
    view: impl FnMut(T) -> V,
) -> PageOf<V> {
    let next = found.last().filter(|_| found.len() == limit).map(key);
    PageOf { items: found.into_iter().map(view).collect(), next }
}

/// A page of what is in order: what stands behind `after` by its key, as it is shown.
pub(super) fn page_behind<T, V>(
    all: &[T],
    after: Option<&str>,
    limit: usize,
    key: impl Fn(&T) -> &str,
    view: impl Fn(&T) -> V,
) -> PageOf<V> {
    let mut left = all.iter().filter(|one| after.is_none_or(|after| key(one) > after));
    let page: Vec<_> = left.by_ref().take(limit).collect();
    let next = left.next().and(page.last()).map(|last| key(last).to_owned());
    PageOf { items: page.into_iter().map(view).collect(), next }
}

/// The way to the next page.
pub(super) fn link(uri: &Uri, next: &str) -> Option<HeaderValue> {
    let query = uri.query().unwrap_or_default().as_bytes();
    let others = form_urlencoded::parse(query).filter(|(name, _)| name != "cursor");
    let mut written = form_urlencoded::Serializer::new(String::new());
    let query = written.extend_pairs(others).append_pair("cursor", next).finish();
    HeaderValue::from_str(&format!("<{}?{query}>; rel=\"next\"", uri.path())).ok()
}

/// A refusal.
pub(super) struct ProblemAnswer(pub ProblemDetails);

impl IntoResponse for ProblemAnswer {
    fn into_response(self) -> Response {
        problem(&self.0).map(Body::new)
    }
}

impl From<ProblemDetails> for ProblemAnswer {
    fn from(problem: ProblemDetails) -> Self {
        Self(problem)
    }
}

impl From<StoreError> for ProblemAnswer {
    fn from(error: StoreError) -> Self {
        Self(of_store(&error))
    }
}

impl From<VerbError> for ProblemAnswer {
    fn from(error: VerbError) -> Self {
        match error {
            VerbError::Refused(problem) => Self(problem),
            VerbError::Store(error) => error.into(),
        }
    }
}

/// What a store's failure means for the caller. What is stored and cannot be read is logged with its place; that is for operators'
/// eyes, and so is this door.
pub(super) fn of_store(error: &StoreError) -> ProblemDetails {
    let code = match error {
        StoreError::Full | StoreError::Overloaded | StoreError::Closed | StoreError::NotDone(_) => {
            ProblemCode::Unavailable
        }
        StoreError::TooWide => ProblemCode::WindowTooWide,
        StoreError::NotFound(_) => ProblemCode::NotFound,
        _ => ProblemCode::Internal,
    };
    if code == ProblemCode::Internal {
        tracing::error!(%error, "the admin API could not do what it was asked for");
    }
    let problem = ProblemDetails::new(code).detail(error.to_string());
    match code {
        ProblemCode::WindowTooWide => problem.remedy(
            "ask for a shorter time with since and until, or for an id or a whole number, which is found in any time",
        ),
        _ => problem,
    }
}

/// A refusal, as the door sends it.
pub(super) fn problem(problem: &ProblemDetails) -> HttpAnswer {
    // It holds strings and numbers, which always can be written.
    let json = serde_json::to_string(problem).unwrap_or_default();
    let mut answer = HttpAnswer::new(Full::new(Bytes::from(format!("{}\n", in_json(&json)))));
    *answer.status_mut() = HttpStatus::from_u16(problem.status).unwrap_or(HttpStatus::INTERNAL_SERVER_ERROR);
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    if problem.is(ProblemCode::Unauthorized) {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if problem.is(ProblemCode::Unavailable) {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER));
    }
    answer
}

/// An answer with this body.
pub(super) fn written(status: HttpStatus, content_type: &'static str, body: String) -> Response {
    let mut answer = Response::new(Body::from(body));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}

/// A line of plain text.
pub(super) fn text(status: HttpStatus, line: &'static str) -> Response {
    written(status, "text/plain; charset=utf-8", line.to_owned())
}
