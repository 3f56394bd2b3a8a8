//! `POST /api/v1/operations/{id}/start`: starts a planned operation. The gateway carries it out.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, Request, State},
};
use jiff::Timestamp;
use posthouse_api::{OperationView, ProblemCode, ProblemDetails, ProblemError, StartRequest};
use posthouse_core::{actor::Actor, store::Store};

use super::{
    super::{
        AdminState, VerbError,
        answer::{JsonAnswer, ProblemAnswer},
        body, patiently,
    },
    id_of, refused, views,
};

/// Starts a planned operation
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/operations/{id}/start", tag = "operations", operation_id = "start_operation",
    params(("id" = String, Path, description = "The operation's id")),
    request_body = StartRequest,
    responses(
        (status = 200, description = "The operation, as it stands then", body = OperationView),
        (status = 409, description = "It was not started"))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Path(id): Path<String>,
    Extension(by): Extension<Actor>,
    request: Request,
) -> Result<JsonAnswer<OperationView>, ProblemAnswer> {
    let request: StartRequest = body::json(request).await?;
    Ok(JsonAnswer(start(&*state.store, &id, &request, &by, state.clock.now()).await?))
}

/// Starts it, where it is about as many messages as are expected.
///
/// # Errors
/// There is none, why it is not started, or what the store says.
pub async fn start(
    store: &dyn Store,
    id: &str,
    request: &StartRequest,
    by: &Actor,
    now: Timestamp,
) -> Result<OperationView, VerbError> {
    let number = id_of(id)?;
    let Some(expected) = request.expect_count else {
        let error =
            ProblemError::at_pointer("/expect_count", "it does not say how many messages are expected")
                .with_remedy("write the number that planning said");
        return Err(ProblemDetails::new(ProblemCode::InvalidParameter).error(error).into());
    };
    let started = patiently(|| store.start_operation(number, expected, by, now)).await?;
    Ok(views::operation(&started.map_err(|why| refused(id, why))?))
}
