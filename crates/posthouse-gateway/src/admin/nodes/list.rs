//! `GET /api/v1/nodes`: the nodes that serve the store, the one that answers first.

use std::{sync::Arc, time::Duration};

use axum::extract::State;
use http::Uri;
use jiff::Timestamp;
use posthouse_api::{NodeView, PageOf};
use posthouse_core::{
    cluster::is_alive,
    store::{Node, NodeKind},
};

use super::{
    super::{
        AdminState,
        answer::{JsonAnswer, ProblemAnswer},
        query::Parameters,
    },
    milliseconds, this,
};

/// The nodes that serve the store
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/nodes", tag = "nodes", operation_id = "list_nodes",
    responses((status = 200, description = "The nodes", body = PageOf<NodeView>))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    uri: Uri,
) -> Result<JsonAnswer<PageOf<NodeView>>, ProblemAnswer> {
    Parameters::of(&uri).finish()?;
    let mut items = vec![this(&state)];
    let now = state.clock.now();
    let nodes = state.store.nodes().await?.into_iter();
    let others = nodes.filter(|node| node.kind == NodeKind::Gateway && node.owner != state.node.owner());
    items.extend(others.map(|node| other(node, now)));
    Ok(JsonAnswer(PageOf { items, next: None }))
}

/// Another node, as the store knows it.
fn other(node: Node, now: Timestamp) -> NodeView {
    let age = Duration::try_from(now.duration_since(node.beat_at)).unwrap_or_default();
    NodeView {
        node: node.number.to_string(),
        number: node.number,
        epoch: node.epoch,
        address: node.address,
        beat_age_ms: milliseconds(age),
        alive: is_alive(node.beat_at, now),
        version: node.version,
        pid: None,
        revision: node.revision,
        draining: node.is_draining,
        stopping: false,
    }
}
