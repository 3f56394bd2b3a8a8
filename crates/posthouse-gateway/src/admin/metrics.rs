//! `GET /metrics`, in the OpenMetrics format.

use std::{sync::Arc, time::Duration};

use axum::{Extension, extract::State, response::Response};
use http::{HeaderMap, StatusCode as HttpStatus};
use jiff::Timestamp;
use tokio::time::timeout;

use super::{
    AdminState,
    answer::{text, written},
    context::{lacks_certificate, shows},
    ready::CHECK_TIME,
};
use crate::{http::peer::Peer, telemetry::store::StoreSample};

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub(super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
) -> Response {
    if lacks_certificate(&state, &peer) {
        return text(HttpStatus::FORBIDDEN, "a client certificate is needed\n");
    }
    let may = match &state.token {
        Some(token) => shows(&state, token, &headers, peer.address.ip().to_canonical()).await,
        None => true,
    };
    if !may {
        return text(HttpStatus::UNAUTHORIZED, "the admin token is needed\n");
    }
    match state.metrics.text(of_store(&state).await) {
        Ok(metrics) => written(HttpStatus::OK, OPEN_METRICS, metrics),
        Err(_) => text(HttpStatus::INTERNAL_SERVER_ERROR, "the metrics cannot be written\n"),
    }
}

/// What the store says of itself now. A store that does not answer in time leaves out what it would have to read for it.
async fn of_store(state: &AdminState) -> StoreSample {
    let now = state.clock.now();
    let oldest = timeout(CHECK_TIME, state.store.oldest_due(now)).await.ok().and_then(Result::ok);
    let age =
        |due: Option<Timestamp>| due.map_or(Duration::ZERO, |due| now.duration_since(due).unsigned_abs());
    StoreSample { statistics: state.store.statistics(), oldest_due_age: oldest.map(age) }
}
