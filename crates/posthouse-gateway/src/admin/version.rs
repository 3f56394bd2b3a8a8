//! `GET /api/v1/version`: which gateway answers.

use std::sync::Arc;

use axum::extract::State;
use posthouse_api::VersionView;

use super::{AdminState, answer::JsonAnswer};

/// Which gateway answers
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/version", tag = "about", operation_id = "version",
    responses((status = 200, description = "What answers", body = VersionView))
))]
pub(super) async fn handle(State(state): State<Arc<AdminState>>) -> JsonAnswer<VersionView> {
    JsonAnswer(VersionView {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        revision: state.snapshot.get().revision(),
    })
}
