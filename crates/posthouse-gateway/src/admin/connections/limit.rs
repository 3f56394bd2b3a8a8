//! `POST /api/v1/carriers/{id}/connections/{name}/limit`: a connection is used less than is provisioned; or that ends.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, Request, State},
};
use jiff::Timestamp;
use posthouse_api::{ConnectionStatus, LimitRequest, ProblemCode, ProblemDetails, ProblemError};
use posthouse_core::{
    actor::Actor,
    carrier::CarrierId,
    overrides::{OverrideKind, OverrideSetting},
    store::Store,
};

use super::{
    super::{
        AdminState, VerbError,
        answer::{JsonAnswer, ProblemAnswer},
        body, patiently,
        query::Parameters,
    },
    known, put, seen, shown, with_state,
};

/// Uses a connection less than is provisioned
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/carriers/{id}/connections/{name}/limit", tag = "connections", operation_id = "limit_connection",
    params(("id" = String, Path, description = "The carrier's id"), ("name" = String, Path, description = "The connection's name")),
    request_body = LimitRequest,
    responses((status = 200, description = "The connection, as it stands then", body = ConnectionStatus))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Path((id, name)): Path<(String, String)>,
    Extension(by): Extension<Actor>,
    request: Request,
) -> Result<JsonAnswer<ConnectionStatus>, ProblemAnswer> {
    Parameters::of(request.uri()).finish()?;
    let (id, wanted) = (CarrierId(id), body::required::<LimitRequest>(request).await?);
    let status = limit(&*state.store, (&id, &name), &wanted, &by, state.clock.now()).await?;
    seen(&state).await;
    Ok(JsonAnswer(with_state(&state, &id, status)))
}

/// Limits it, in place of what limited it before; or lifts that.
///
/// # Errors
/// It is not provisioned, the limit means nothing, the time has passed, or what the store says.
pub async fn limit(
    store: &dyn Store,
    connection: (&CarrierId, &str),
    wanted: &LimitRequest,
    by: &Actor,
    now: Timestamp,
) -> Result<ConnectionStatus, VerbError> {
    let LimitRequest { window, per_second, until, reason, lift } = wanted;
    if !*lift {
        let setting = OverrideSetting::Limited { window: *window, per_second: *per_second };
        return put(store, connection, (setting, *until, reason.as_deref()), by, now).await;
    }
    if window.is_some() || per_second.is_some() || until.is_some() {
        let error = ProblemError::at_pointer("/lift", "a limit that ends has no window, rate or time");
        let error = error.with_remedy("leave those out, or lift");
        return Err(ProblemDetails::new(ProblemCode::InvalidParameter).error(error).into());
    }
    let (carrier, name) = connection;
    let connection = known(store, carrier, name).await?;
    patiently(|| store.lift_override(carrier, name, OverrideKind::Limit, by, now)).await?;
    shown(store, carrier, &connection, now).await
}
