//! `POST /api/v1/carriers/{id}/connections/{name}/probe`: whether a connection can be reached now.

use std::{sync::Arc, time::Instant};

use axum::extract::{Path, State};
use http::Uri;
use posthouse_api::ConnectionProbed;
use posthouse_core::{carrier::CarrierId, store::Store};

use super::{
    super::{
        AdminState, VerbError,
        answer::{JsonAnswer, ProblemAnswer},
        query::Parameters,
    },
    known, standing,
};
use crate::carrier::connector::{AnyConnector, Connector as _};

/// Sees whether a connection can be reached
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/carriers/{id}/connections/{name}/probe", tag = "connections", operation_id = "probe_connection",
    params(("id" = String, Path, description = "The carrier's id"), ("name" = String, Path, description = "The connection's name")),
    responses((status = 200, description = "What came of it", body = ConnectionProbed))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Path((id, name)): Path<(String, String)>,
    uri: Uri,
) -> Result<JsonAnswer<ConnectionProbed>, ProblemAnswer> {
    Parameters::of(&uri).finish()?;
    let id = CarrierId(id);
    let in_use = state.board.of(&id).into_iter().find(|link| link.connection().name == name);
    let Some(link) = in_use else { return Ok(JsonAnswer(probe(&*state.store, (&id, &name)).await?)) };
    let began = Instant::now();
    let reachable = link.probe().await;
    if reachable {
        // What waits for it may have been put off.
        state.bell.ring();
    }
    let url = link.connection().url.without_query().to_owned();
    Ok(JsonAnswer(ConnectionProbed { url, reachable, took_ms: since(began), state: Some(standing(&link)) }))
}

/// Connects and hangs up, within half of the connection's time-out.
///
/// # Errors
/// It is not provisioned, or what the store says.
pub async fn probe(
    store: &dyn Store,
    (carrier, name): (&CarrierId, &str),
) -> Result<ConnectionProbed, VerbError> {
    let connection = known(store, carrier, name).await?;
    let began = Instant::now();
    let reachable = AnyConnector::new(&connection).probe().await;
    let url = connection.url.without_query().to_owned();
    Ok(ConnectionProbed { url, reachable, took_ms: since(began), state: None })
}

fn since(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)
}
