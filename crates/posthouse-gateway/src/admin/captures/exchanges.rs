//! `GET /api/v1/captures/{id}/exchanges`: what one has.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::Response,
};
use http::Uri;
use posthouse_api::{CapturedExchange, PageOf};

use super::{
    super::{
        AdminState,
        answer::{self, ProblemAnswer},
        parameters::{Cursor, Limit},
        query::{NO_CURSOR, Parameters},
    },
    exchange_view, nothing, number,
};

/// Requests and answers of a capture, the oldest first
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/captures/{id}/exchanges", tag = "captures", operation_id = "list_captured",
    params(("id" = String, Path, description = "What it is called by"), Cursor, Limit),
    responses((status = 200, description = "A page of them", body = PageOf<CapturedExchange>))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Response, ProblemAnswer> {
    let mut given = Parameters::of(&uri);
    let after = given.read("cursor", |text: &str| text.parse().map_err(|_| NO_CURSOR));
    let limit = given.limit();
    given.finish()?;
    let found = state.metrics.captures().exchanges(number(&id)?, after.unwrap_or(0), limit);
    let (capture, exchanges) = found.ok_or_else(|| nothing(&id))?;
    let view = |exchange| exchange_view(capture.id, exchange);
    let page = answer::page_of(exchanges, limit, |last| last.number.to_string(), view);
    Ok(answer::page(page, &uri))
}
