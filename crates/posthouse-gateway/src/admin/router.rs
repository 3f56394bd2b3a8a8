//! Which verb answers which path and method.

use std::sync::Arc;

use axum::{
    Router,
    extract::Request,
    response::{IntoResponse, Response},
    routing::{MethodFilter, MethodRouter, get, on, post},
};
use http::{HeaderValue, Method, StatusCode as HttpStatus, Uri, header};
use posthouse_api::{BASE, ProblemCode, ProblemDetails};

use super::{
    AdminState,
    answer::{ProblemAnswer, text},
    health, is_api, messages, metrics, provisioning, ready, unreadable, version,
};

/// The routes, with what the verbs need.
pub(super) fn router(state: Arc<AdminState>) -> Router {
    let api = |path: &str| format!("{BASE}{path}");
    Router::new()
        .route("/healthz", read_only(on(MethodFilter::GET, health::handle)))
        .route("/readyz", read_only(on(MethodFilter::GET, ready::handle)))
        .route("/metrics", read_only(on(MethodFilter::GET, metrics::handle)))
        .route(&api("/version"), get(version::handle))
        .route(&api("/provisioning/plan"), post(provisioning::plan::handle))
        .route(&api("/provisioning/apply"), post(provisioning::apply::handle))
        .route(&api("/messages"), get(messages::list::handle))
        .route(&api("/messages/requeue"), post(messages::requeue::handle))
        .route(&api("/messages/expire"), post(messages::expire::handle))
        .route(&api("/messages/resend-reports"), post(messages::resend_reports::handle))
        .route(&api("/messages/{id}"), get(messages::get::handle))
        .route(&api("/messages/{id}/requeue"), post(messages::requeue::handle_one))
        .route(&api("/messages/{id}/expire"), post(messages::expire::handle_one))
        .route(&api("/messages/{id}/resend-reports"), post(messages::resend_reports::handle_one))
        .route(&api("/unreadable"), get(unreadable::list::handle))
        .route(&api("/unreadable/{number}"), get(unreadable::get::handle))
        .method_not_allowed_fallback(not_allowed)
        .fallback(not_found)
        .with_state(state)
}

/// Whether a path takes documents of provisioning, which may be long and take long.
pub(super) fn is_provisioning(path: &str) -> bool {
    path.strip_prefix(BASE).is_some_and(|rest| rest.starts_with("/provisioning/"))
}

/// What is no part of the API answers GET alone, and in plain text.
fn read_only(verb: MethodRouter<Arc<AdminState>>) -> MethodRouter<Arc<AdminState>> {
    verb.head(only_read).fallback(only_read)
}

async fn only_read() -> Response {
    let mut answer = text(HttpStatus::METHOD_NOT_ALLOWED, "this is read only\n");
    answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET"));
    answer
}

async fn not_allowed(method: Method, uri: Uri) -> Response {
    let detail = format!("{method} is not allowed at {}", uri.path());
    ProblemAnswer(ProblemDetails::new(ProblemCode::MethodNotAllowed).detail(detail)).into_response()
}

async fn not_found(request: Request) -> Response {
    let path = request.uri().path();
    if is_api(path) {
        let detail = format!("there is nothing at {path}");
        let problem = ProblemDetails::new(ProblemCode::NotFound).detail(detail);
        return ProblemAnswer(problem.remedy("docs/api.md lists what there is")).into_response();
    }
    if request.method() != Method::GET {
        return only_read().await;
    }
    text(HttpStatus::NOT_FOUND, "there is /healthz, /readyz and /metrics\n")
}
