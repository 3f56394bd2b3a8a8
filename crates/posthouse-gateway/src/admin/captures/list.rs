//! `GET /api/v1/captures`: the captures of this node.

use std::sync::Arc;

use axum::extract::State;
use http::Uri;
use posthouse_api::{CaptureView, PageOf};

use super::{
    super::{
        AdminState,
        answer::{JsonAnswer, ProblemAnswer},
        query::Parameters,
    },
    view,
};

/// The captures of this node
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/captures", tag = "captures", operation_id = "list_captures",
    responses((status = 200, description = "All of them", body = PageOf<CaptureView>))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    uri: Uri,
) -> Result<JsonAnswer<PageOf<CaptureView>>, ProblemAnswer> {
    Parameters::of(&uri).finish()?;
    let now = state.clock.now();
    let captures = state.metrics.captures().list(now);
    Ok(JsonAnswer(PageOf { items: captures.iter().map(|one| view(one, now)).collect(), next: None }))
}
