//! `GET /api/v1/carriers/{id}/connections`: the connections of a carrier, and what operators decided about them.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::Response,
};
use http::Uri;
use jiff::Timestamp;
use posthouse_api::{ConnectionStatus, PageOf};
use posthouse_core::{carrier::CarrierId, overrides::OverridesInForce, store::Store};

use super::{
    super::{
        AdminState, VerbError,
        answer::{self, ProblemAnswer},
        query::Parameters,
        unknown,
    },
    view, with_state,
};

/// The connections of a carrier, as provisioned and as operators decided
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/carriers/{id}/connections", tag = "connections", operation_id = "list_connections",
    params(("id" = String, Path, description = "The carrier's id")),
    responses((status = 200, description = "All of them", body = PageOf<ConnectionStatus>))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Response, ProblemAnswer> {
    Parameters::of(&uri).finish()?;
    let id = CarrierId(id);
    let found = list(&*state.store, &id, state.clock.now()).await?;
    let items = found.into_iter().map(|one| with_state(&state, &id, one)).collect();
    Ok(answer::page(PageOf { items, next: None }, &uri))
}

/// All of them, in the order in which they are provisioned.
///
/// # Errors
/// There is no such carrier, or what the store says.
pub async fn list(
    store: &dyn Store,
    id: &CarrierId,
    now: Timestamp,
) -> Result<Vec<ConnectionStatus>, VerbError> {
    let carriers = store.without_numbers().await?.carriers;
    let carrier = carriers.iter().find(|one| one.id == *id).ok_or_else(|| unknown("carrier", id.as_str()))?;
    let overrides = store.overrides(now).await?;
    let status = |connection: &posthouse_core::carrier::Connection| {
        view(id, connection, &OverridesInForce::of(&overrides, (id, &connection.name), now))
    };
    Ok(carrier.connections.iter().map(status).collect())
}
