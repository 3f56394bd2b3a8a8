//! `POST /api/v1/messages/{id}/reroute`: sends a message that waits to another carrier, or over another connection.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, Request, State},
};
use jiff::Timestamp;
use posthouse_api::{MessageView, RerouteRequest};
use posthouse_core::{
    Id, actor::Actor, life::intervention::Intervention, provisioning::Snapshot, store::Store,
};

use super::{
    super::{
        AdminState, VerbError,
        answer::{JsonAnswer, ProblemAnswer},
        body,
        operations::plan::target,
        patiently,
    },
    id_of,
    intervene::left_alone,
    no_message, views,
};

/// Sends a message that waits to another carrier, or over another connection, at once
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/messages/{id}/reroute", tag = "messages", operation_id = "reroute_message",
    params(("id" = String, Path, description = "The MessageID")),
    request_body = RerouteRequest,
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
    let request: RerouteRequest = body::json(request).await?;
    let (id, snapshot, now) = (id_of(&id)?, state.snapshot.get(), state.clock.now());
    let message = reroute(&*state.store, &snapshot, id, &request, &by, now).await?;
    state.bell.ring();
    Ok(JsonAnswer(message))
}

/// Does it, or says what would be done.
///
/// # Errors
/// Nothing says where, there is no such message, it is left alone, or what the store says.
pub async fn reroute(
    store: &dyn Store,
    snapshot: &Snapshot,
    id: Id,
    request: &RerouteRequest,
    by: &Actor,
    now: Timestamp,
) -> Result<MessageView, VerbError> {
    let (carrier, connection) = (request.carrier.as_deref(), request.connection.as_deref());
    let to = target(snapshot, carrier, connection, "")?;
    let message = store.message(id).await?.ok_or_else(|| no_message(id))?;
    let parked = request.parked;
    // Where it stands comes first: of what has ended nobody asks where it could go.
    let standing = store.judge(&[id], Intervention::Reroute { parked }, now).await?;
    let standing = standing.into_iter().next().unwrap_or(Ok(()));
    let mut ruling = standing.and_then(|()| to.judge(&message, snapshot));
    if ruling.is_ok() && !request.dry_run {
        let ids = [id];
        let done = patiently(|| store.reroute(&ids, &to, parked, by, now)).await?;
        ruling = done.into_iter().next().unwrap_or(Ok(()));
    }
    ruling.map_err(|why| left_alone(why.as_str()))?;
    Ok(views::message(&message, false))
}
