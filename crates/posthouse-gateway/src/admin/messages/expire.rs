//! `POST /api/v1/messages/expire` and `…/{id}/expire`: ends messages that wait as Expired.

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

/// Ends messages that wait as Expired
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/messages/expire", tag = "messages", operation_id = "expire_messages",
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

/// Ends one message as Expired
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/messages/{id}/expire", tag = "messages", operation_id = "expire_message",
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
pub async fn expire(
    store: &dyn Store,
    request: &InterveneRequest,
    by: &Actor,
    now: Timestamp,
) -> Result<Intervened, VerbError> {
    intervene::intervene(store, request, intervention(request), by, now).await
}

const fn intervention(_: &InterveneRequest) -> Intervention {
    Intervention::Expire
}
