//! `GET /api/v1/openapi.json`: the API as an OpenAPI 3.1 document.
//!
//! It is docs/openapi.json, which `openapi_writer.rs` makes of what each verb says beside its `handle`, and `cargo xtask docs` writes; a test
//! compares the two. A gateway has the text alone: what makes it is megabytes of code that it does not need, and is in builds with the
//! feature `openapi`.

use axum::response::Response;
use http::StatusCode as HttpStatus;

use super::answer::{JSON, written};

/// The document, as it is served and printed.
pub const TEXT: &str = include_str!("../../../../docs/openapi.json");

/// The API as an OpenAPI document.
#[cfg_attr(feature = "openapi", utoipa::path(get, path = "/openapi.json", tag = "about", operation_id = "openapi",
    responses((status = 200, description = "This document", body = serde_json::Value))))]
pub(super) async fn handle() -> Response {
    written(HttpStatus::OK, JSON, TEXT.to_owned())
}
