//! `GET /api/v1/operations/{id}/items`: what came of each of an operation's messages, the newest first.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::Response,
};
use http::Uri;
use posthouse_api::{OperationItemView, PageOf};
use posthouse_core::{
    Id,
    store::{OperationItem, Store},
};

use super::{
    super::{
        AdminState, VerbError,
        answer::{self, ProblemAnswer},
        messages::selection,
        parameters::{Cursor, Limit},
        query::Parameters,
    },
    id_of, unknown,
};

/// What came of each of an operation's messages, the newest first
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/operations/{id}/items", tag = "operations", operation_id = "operation_items",
    params(("id" = String, Path, description = "The operation's id"), Cursor, Limit),
    responses((status = 200, description = "A page of them", body = PageOf<OperationItemView>))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Response, ProblemAnswer> {
    let mut given = Parameters::of(&uri);
    let (below, limit) = (given.read("cursor", selection::cursor), given.limit());
    given.finish()?;
    Ok(answer::page(items(&*state.store, &id, below, limit).await?, &uri))
}

/// A page of them. It has a next one when it is full.
///
/// # Errors
/// There is no such operation, or what the store says.
pub async fn items(
    store: &dyn Store,
    id: &str,
    below: Option<Id>,
    limit: usize,
) -> Result<PageOf<OperationItemView>, VerbError> {
    let number = id_of(id)?;
    let found = store.operation_items(number, below, limit).await?;
    if found.is_empty() && store.operation(number).await?.is_none() {
        return Err(unknown(id).into());
    }
    let view = |item: OperationItem| OperationItemView {
        message_id: item.message.to_string(),
        outcome: item.outcome,
        new_message_id: item.new.map(|new| new.to_string()),
    };
    Ok(answer::page_of(found, limit, |last| last.message.to_string(), view))
}
