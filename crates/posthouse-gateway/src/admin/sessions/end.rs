//! `DELETE /api/v1/sessions/{id}`: ends a session at once.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, State},
};
use http::Uri;
use jiff::Timestamp;
use posthouse_api::{ProblemCode, ProblemDetails, SessionEnded};
use posthouse_core::{actor::Actor, store::Store};

use super::super::{
    AdminState, VerbError,
    answer::{JsonAnswer, ProblemAnswer},
    listed,
    query::Parameters,
};

/// Ends a session at once
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/sessions/{id}", tag = "users", operation_id = "end_session",
    params(("id" = String, Path, description = "What it is called by")),
    responses((status = 200, description = "It is over", body = SessionEnded))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Path(id): Path<String>,
    Extension(by): Extension<Actor>,
    uri: Uri,
) -> Result<JsonAnswer<SessionEnded>, ProblemAnswer> {
    Parameters::of(&uri).finish()?;
    Ok(JsonAnswer(end(&*state.store, &id, &by, state.clock.now()).await?))
}

/// Ends one.
///
/// # Errors
/// There is none of this id, or what the store says.
pub async fn end(store: &dyn Store, id: &str, by: &Actor, now: Timestamp) -> Result<SessionEnded, VerbError> {
    match store.end_session(id, by, now).await? {
        true => Ok(SessionEnded { id: id.to_owned() }),
        false => Err(ProblemDetails::new(ProblemCode::NotFound)
            .detail(format!("there is no session {id:?}"))
            .remedy(listed("sessions list", "sessions"))
            .into()),
    }
}
