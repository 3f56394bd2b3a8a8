//! `GET /api/v1/operations`: operations, the newest first.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::Uri;
use posthouse_api::{OperationView, PageOf};
use posthouse_core::{
    Id,
    store::{Store, StoreResult},
};

use super::{
    super::{
        AdminState,
        answer::{self, ProblemAnswer},
        messages::selection,
        parameters::{Cursor, Limit},
        query::Parameters,
    },
    views,
};

/// Operations, the newest first
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/operations", tag = "operations", operation_id = "operations",
    params(Cursor, Limit),
    responses((status = 200, description = "A page of them", body = PageOf<OperationView>))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    uri: Uri,
) -> Result<Response, ProblemAnswer> {
    let mut given = Parameters::of(&uri);
    let (below, limit) = (given.read("cursor", selection::cursor), given.limit());
    given.finish()?;
    Ok(answer::page(list(&*state.store, below, limit).await?, &uri))
}

/// A page of them. It has a next one when it is full.
///
/// # Errors
/// What the store says.
pub async fn list(store: &dyn Store, below: Option<Id>, limit: usize) -> StoreResult<PageOf<OperationView>> {
    let found = store.operations(below, limit).await?;
    Ok(answer::page_of(found, limit, |last| last.number.to_string(), |one| views::operation(&one)))
}
