//! `POST /api/v1/messages/{id}/resubmit`: sends a message that has ended again, as a new one.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, Request, State},
};
use posthouse_api::{ProblemCode, ProblemDetails, ResubmitRequest, Resubmitted};
use posthouse_core::{actor::Actor, life::resubmission::Resubmit};

use super::{
    super::{
        AdminState, VerbError,
        answer::{JsonAnswer, ProblemAnswer},
        body,
        operations::run::resubmit,
    },
    id_of, no_message,
};

/// Sends a message that has ended again, as a new one
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/messages/{id}/resubmit", tag = "messages", operation_id = "resubmit_message",
    params(("id" = String, Path, description = "The MessageID")),
    request_body = Option<ResubmitRequest>,
    responses(
        (status = 200, description = "The new message", body = Resubmitted),
        (status = 409, description = "It was left alone"))
))]
pub(in super::super) async fn handle_one(
    State(state): State<Arc<AdminState>>,
    Path(id): Path<String>,
    Extension(by): Extension<Actor>,
    request: Request,
) -> Result<JsonAnswer<Resubmitted>, ProblemAnswer> {
    let ResubmitRequest { via, reports } = body::json(request).await?;
    let (id, now) = (id_of(&id)?, state.clock.now());
    let message = state.store.message(id).await?.ok_or_else(|| no_message(id))?;
    let (how, new) = (Resubmit { via, reports }, state.ids.next(now)?);
    let snapshot = state.snapshot.get();
    let made = resubmit(&*state.store, &snapshot, (None, new), &message, (&how, &by), now).await?;
    let made = made.map_err(|why| {
        let problem = ProblemDetails::new(ProblemCode::LeftAlone).detail(format!("it is {why}"));
        VerbError::from(problem.remedy(why.remedy()))
    })?;
    state.bell.ring();
    Ok(JsonAnswer(Resubmitted { resubmit_of: id.to_string(), message_id: made.to_string() }))
}
