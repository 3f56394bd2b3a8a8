//! `POST /api/v1/nodes/{node}/drain` and `…/undrain`: the node takes nothing new, or does again. It lasts till the process ends.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, State},
};
use posthouse_api::{NodeView, ProblemCode, ProblemDetails};
use posthouse_core::{
    actor::Actor,
    audit::{AuditEntry, AuditVerb},
};

use super::{
    super::{
        AdminState,
        answer::{JsonAnswer, ProblemAnswer},
    },
    SELF, this,
};

/// Has a node take nothing new, while what it has goes out
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/nodes/{node}/drain", tag = "nodes", operation_id = "drain_node",
    params(("node" = String, Path, description = "Its name; `self` is the one that answers")),
    responses((status = 200, description = "The node, as it stands then", body = NodeView))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Path(node): Path<String>,
    Extension(by): Extension<Actor>,
) -> Result<JsonAnswer<NodeView>, ProblemAnswer> {
    is_this(&state, &node)?;
    record(&state, &by, AuditVerb::Drain).await?;
    if state.drain.drain() {
        tracing::warn!("this node is drained: new messages are answered 3510, what is there goes out");
    }
    Ok(JsonAnswer(this(&state)))
}

/// Has a node take new messages again
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/nodes/{node}/undrain", tag = "nodes", operation_id = "undrain_node",
    params(("node" = String, Path, description = "Its name; `self` is the one that answers")),
    responses((status = 200, description = "The node, as it stands then", body = NodeView))
))]
pub(in super::super) async fn handle_undrain(
    State(state): State<Arc<AdminState>>,
    Path(node): Path<String>,
    Extension(by): Extension<Actor>,
) -> Result<JsonAnswer<NodeView>, ProblemAnswer> {
    is_this(&state, &node)?;
    record(&state, &by, AuditVerb::Undrain).await?;
    if state.drain.undrain() {
        tracing::info!("this node is not drained any more");
    }
    Ok(JsonAnswer(this(&state)))
}

pub(super) fn is_this(state: &AdminState, node: &str) -> Result<(), ProblemDetails> {
    if node == SELF || node == state.node.number().to_string() {
        return Ok(());
    }
    Err(ProblemDetails::new(ProblemCode::NotFound)
        .detail(format!("{node:?} is not the node that answers"))
        .remedy(format!("write {SELF}, at the admin door of the node that is meant")))
}

async fn record(state: &AdminState, by: &Actor, verb: AuditVerb) -> Result<(), ProblemAnswer> {
    let entry = AuditEntry::new(by, verb, SELF, state.clock.now());
    Ok(state.store.record_audit(&entry).await?)
}
