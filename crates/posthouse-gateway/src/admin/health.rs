//! `GET /healthz`: the process answers.

use axum::response::Response;
use http::StatusCode as HttpStatus;

use super::answer::text;

pub(super) async fn handle() -> Response {
    text(HttpStatus::OK, "ok\n")
}
