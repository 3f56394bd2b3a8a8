//! `GET /api/v1/captures/{id}`: one of them.

use std::sync::Arc;

use axum::extract::{Path, State};
use http::Uri;
use posthouse_api::CaptureView;

use super::{
    super::{
        AdminState,
        answer::{JsonAnswer, ProblemAnswer},
        query::Parameters,
    },
    nothing, number, view,
};

/// One capture
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/captures/{id}", tag = "captures", operation_id = "get_capture",
    params(("id" = String, Path, description = "What it is called by")),
    responses((status = 200, description = "The capture", body = CaptureView))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<JsonAnswer<CaptureView>, ProblemAnswer> {
    Parameters::of(&uri).finish()?;
    let found = state.metrics.captures().exchanges(number(&id)?, 0, 0);
    let (capture, _) = found.ok_or_else(|| nothing(&id))?;
    Ok(JsonAnswer(view(&capture, state.clock.now())))
}
