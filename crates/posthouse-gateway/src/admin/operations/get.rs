//! `GET /api/v1/operations/{id}`: an operation, what it is about, and how far it has come.

use std::sync::Arc;

use axum::extract::{Path, State};
use http::Uri;
use posthouse_api::OperationView;
use posthouse_core::store::Store;

use super::{
    super::{
        AdminState, VerbError,
        answer::{JsonAnswer, ProblemAnswer},
        query::Parameters,
    },
    id_of, unknown, views,
};

/// An operation: what it is about, and how far it has come
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/operations/{id}", tag = "operations", operation_id = "operation",
    params(("id" = String, Path, description = "The operation's id")),
    responses((status = 200, description = "The operation", body = OperationView))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<JsonAnswer<OperationView>, ProblemAnswer> {
    Parameters::of(&uri).finish()?;
    Ok(JsonAnswer(get(&*state.store, &id).await?))
}

/// The one of this id.
///
/// # Errors
/// There is none, or what the store says.
pub async fn get(store: &dyn Store, id: &str) -> Result<OperationView, VerbError> {
    let found = store.operation(id_of(id)?).await?;
    Ok(views::operation(&found.ok_or_else(|| unknown(id))?))
}
