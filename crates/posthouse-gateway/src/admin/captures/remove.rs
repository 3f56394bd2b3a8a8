//! `DELETE /api/v1/captures/{id}`: ends a capture, and forgets what it has.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, State},
};
use http::Uri;
use posthouse_api::CaptureRemoved;
use posthouse_core::{
    actor::Actor,
    audit::{AuditEntry, AuditVerb},
};

use super::{
    super::{
        AdminState,
        answer::{JsonAnswer, ProblemAnswer},
        query::Parameters,
    },
    nothing, number, target,
};

/// Ends a capture, and forgets what it has
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/captures/{id}", tag = "captures", operation_id = "remove_capture",
    params(("id" = String, Path, description = "What it is called by")),
    responses((status = 200, description = "It is there no more", body = CaptureRemoved))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Path(id): Path<String>,
    Extension(by): Extension<Actor>,
    uri: Uri,
) -> Result<JsonAnswer<CaptureRemoved>, ProblemAnswer> {
    Parameters::of(&uri).finish()?;
    let (captures, number) = (state.metrics.captures(), number(&id)?);
    let (capture, _) = captures.exchanges(number, 0, 0).ok_or_else(|| nothing(&id))?;
    let entry = AuditEntry::new(&by, AuditVerb::RemoveCapture, target(&capture), state.clock.now());
    state.store.record_audit(&entry).await?;
    captures.remove(number);
    Ok(JsonAnswer(CaptureRemoved { id: capture.id.to_string() }))
}
