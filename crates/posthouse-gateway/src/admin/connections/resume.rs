//! `POST /api/v1/carriers/{id}/connections/{name}/resume`: a connection that was suspended is used again.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, State},
};
use http::Uri;
use jiff::Timestamp;
use posthouse_api::ConnectionStatus;
use posthouse_core::{actor::Actor, carrier::CarrierId, overrides::OverrideKind, store::Store};

use super::{
    super::{
        AdminState, VerbError,
        answer::{JsonAnswer, ProblemAnswer},
        patiently,
        query::Parameters,
    },
    known, seen, shown, with_state,
};

/// Uses a connection again that was suspended
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/carriers/{id}/connections/{name}/resume", tag = "connections", operation_id = "resume_connection",
    params(("id" = String, Path, description = "The carrier's id"), ("name" = String, Path, description = "The connection's name")),
    responses((status = 200, description = "The connection, as it stands then", body = ConnectionStatus))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Path((id, name)): Path<(String, String)>,
    Extension(by): Extension<Actor>,
    uri: Uri,
) -> Result<JsonAnswer<ConnectionStatus>, ProblemAnswer> {
    Parameters::of(&uri).finish()?;
    let id = CarrierId(id);
    let status = resume(&*state.store, (&id, &name), &by, state.clock.now()).await?;
    seen(&state).await;
    state.bell.ring();
    Ok(JsonAnswer(with_state(&state, &id, status)))
}

/// Ends its suspension, if there is one. A limit stays.
///
/// # Errors
/// It is not provisioned, or what the store says.
pub async fn resume(
    store: &dyn Store,
    (carrier, name): (&CarrierId, &str),
    by: &Actor,
    now: Timestamp,
) -> Result<ConnectionStatus, VerbError> {
    let connection = known(store, carrier, name).await?;
    patiently(|| store.lift_override(carrier, name, OverrideKind::Suspend, by, now)).await?;
    shown(store, carrier, &connection, now).await
}
