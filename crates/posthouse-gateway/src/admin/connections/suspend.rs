//! `POST /api/v1/carriers/{id}/connections/{name}/suspend`: nothing goes out over a connection, till then or till it is resumed.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, Request, State},
};
use jiff::Timestamp;
use posthouse_api::{ConnectionStatus, SuspendRequest};
use posthouse_core::{actor::Actor, carrier::CarrierId, overrides::OverrideSetting, store::Store};

use super::{
    super::{
        AdminState, VerbError,
        answer::{JsonAnswer, ProblemAnswer},
        body,
        query::Parameters,
    },
    put, seen, with_state,
};

/// Lets nothing go out over a connection
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/carriers/{id}/connections/{name}/suspend", tag = "connections", operation_id = "suspend_connection",
    params(("id" = String, Path, description = "The carrier's id"), ("name" = String, Path, description = "The connection's name")),
    request_body = Option<SuspendRequest>,
    responses((status = 200, description = "The connection, as it stands then", body = ConnectionStatus))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Path((id, name)): Path<(String, String)>,
    Extension(by): Extension<Actor>,
    request: Request,
) -> Result<JsonAnswer<ConnectionStatus>, ProblemAnswer> {
    Parameters::of(request.uri()).finish()?;
    let (id, wanted) = (CarrierId(id), body::json::<SuspendRequest>(request).await?);
    let status = suspend(&*state.store, (&id, &name), &wanted, &by, state.clock.now()).await?;
    seen(&state).await;
    Ok(JsonAnswer(with_state(&state, &id, status)))
}

/// Suspends it, in place of what suspended it before. What is under way over it goes on.
///
/// # Errors
/// It is not provisioned, the time has passed, or what the store says.
pub async fn suspend(
    store: &dyn Store,
    connection: (&CarrierId, &str),
    wanted: &SuspendRequest,
    by: &Actor,
    now: Timestamp,
) -> Result<ConnectionStatus, VerbError> {
    let setting = (OverrideSetting::Suspended, wanted.until, wanted.reason.as_deref());
    put(store, connection, setting, by, now).await
}
