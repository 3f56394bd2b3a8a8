//! `POST /api/v1/operations/{id}/cancel`: ends an operation. What was done stays done.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, State},
};
use http::Uri;
use jiff::Timestamp;
use posthouse_api::OperationView;
use posthouse_core::{actor::Actor, store::Store};

use super::{
    super::{
        AdminState, VerbError,
        answer::{JsonAnswer, ProblemAnswer},
        patiently,
        query::Parameters,
    },
    id_of, refused, views,
};

/// Ends an operation; what was done stays done
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/operations/{id}/cancel", tag = "operations", operation_id = "cancel_operation",
    params(("id" = String, Path, description = "The operation's id")),
    responses(
        (status = 200, description = "The operation, as it stands then", body = OperationView),
        (status = 409, description = "It had ended"))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Path(id): Path<String>,
    Extension(by): Extension<Actor>,
    uri: Uri,
) -> Result<JsonAnswer<OperationView>, ProblemAnswer> {
    Parameters::of(&uri).finish()?;
    Ok(JsonAnswer(cancel(&*state.store, &id, &by, state.clock.now()).await?))
}

/// Cancels it.
///
/// # Errors
/// There is none, it has ended, or what the store says.
pub async fn cancel(
    store: &dyn Store,
    id: &str,
    by: &Actor,
    now: Timestamp,
) -> Result<OperationView, VerbError> {
    let number = id_of(id)?;
    let cancelled = patiently(|| store.cancel_operation(number, by, now)).await?;
    Ok(views::operation(&cancelled.map_err(|why| refused(id, why))?))
}
