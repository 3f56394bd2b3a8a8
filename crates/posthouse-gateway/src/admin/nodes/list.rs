//! `GET /api/v1/nodes`: the node that answers.

use std::sync::Arc;

use axum::extract::State;
use http::Uri;
use posthouse_api::{NodeView, PageOf};

use super::{
    super::{
        AdminState,
        answer::{JsonAnswer, ProblemAnswer},
        query::Parameters,
    },
    this,
};

/// The node that answers
#[utoipa::path(
    get, path = "/nodes", tag = "nodes", operation_id = "list_nodes",
    responses((status = 200, description = "The nodes", body = PageOf<NodeView>))
)]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    uri: Uri,
) -> Result<JsonAnswer<PageOf<NodeView>>, ProblemAnswer> {
    Parameters::of(&uri).finish()?;
    Ok(JsonAnswer(PageOf { items: vec![this(&state)], next: None }))
}
