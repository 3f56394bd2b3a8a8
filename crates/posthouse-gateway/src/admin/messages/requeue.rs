//! `POST /api/v1/messages/requeue` and `…/{id}/requeue`: makes the next attempt of messages that wait due at once.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, Request, State},
};
use jiff::Timestamp;
use posthouse_api::{InterveneRequest, Intervened, MessageView};
use posthouse_core::{actor::Actor, life::intervention::Intervention, store::Store};

use super::{
    super::{
        AdminState, VerbError,
        answer::{JsonAnswer, ProblemAnswer},
    },
    intervene,
};

/// Makes the next attempt of messages that wait due at once
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/messages/requeue", tag = "messages", operation_id = "requeue_messages",
    request_body = Option<InterveneRequest>,
    responses((status = 200, description = "What came of the batch", body = Intervened))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Extension(by): Extension<Actor>,
    request: Request,
) -> Result<JsonAnswer<Intervened>, ProblemAnswer> {
    intervene::answer_batch(&state, &by, request, intervention).await
}

/// Makes the next attempt of one message due at once
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/messages/{id}/requeue", tag = "messages", operation_id = "requeue_message",
    params(("id" = String, Path, description = "The MessageID")),
    request_body = Option<InterveneRequest>,
    responses(
        (status = 200, description = "The message, as it was before", body = MessageView),
        (status = 409, description = "It was left alone"))
))]
pub(in super::super) async fn handle_one(
    State(state): State<Arc<AdminState>>,
    Path(id): Path<String>,
    Extension(by): Extension<Actor>,
    request: Request,
) -> Result<JsonAnswer<MessageView>, ProblemAnswer> {
    intervene::answer_one(&state, &by, &id, request, intervention).await
}

/// Does it to a batch of messages.
///
/// # Errors
/// As [`intervene::intervene`].
pub async fn requeue(
    store: &dyn Store,
    request: &InterveneRequest,
    by: &Actor,
    now: Timestamp,
) -> Result<Intervened, VerbError> {
    intervene::intervene(store, request, intervention(request), by, now).await
}

const fn intervention(request: &InterveneRequest) -> Intervention {
    Intervention::Requeue { parked: request.parked }
}
