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
        body,
    },
    id_of, intervene,
};

/// Ends messages that wait as Expired
#[utoipa::path(
    post, path = "/messages/expire", tag = "messages", operation_id = "expire_messages",
    request_body = Option<InterveneRequest>,
    responses((status = 200, description = "What came of the batch", body = Intervened))
)]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Extension(by): Extension<Actor>,
    request: Request,
) -> Result<JsonAnswer<Intervened>, ProblemAnswer> {
    let request = body::json(request).await?;
    intervene::provisioned(&request, &state.snapshot.get())?;
    let came_of_it = expire(&*state.store, &request, &by, state.clock.now()).await?;
    state.bell.ring();
    Ok(JsonAnswer(came_of_it))
}

/// Ends one message as Expired
#[utoipa::path(
    post, path = "/messages/{id}/expire", tag = "messages", operation_id = "expire_message",
    params(("id" = String, Path, description = "The MessageID")),
    request_body = Option<InterveneRequest>,
    responses(
        (status = 200, description = "The message, as it was before", body = MessageView),
        (status = 409, description = "It was left alone"))
)]
pub(in super::super) async fn handle_one(
    State(state): State<Arc<AdminState>>,
    Path(id): Path<String>,
    Extension(by): Extension<Actor>,
    request: Request,
) -> Result<JsonAnswer<MessageView>, ProblemAnswer> {
    let request: InterveneRequest = body::json(request).await?;
    let (id, now) = (id_of(&id)?, state.clock.now());
    let intervention = intervention(&request);
    let message = intervene::intervene_in_one(&*state.store, id, request, intervention, &by, now).await?;
    state.bell.ring();
    Ok(JsonAnswer(message))
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
