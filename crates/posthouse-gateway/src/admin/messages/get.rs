//! `GET /api/v1/messages/{id}`: one message, what is next for it, and its timeline.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, State},
};
use http::Uri;
use jiff::Timestamp;
use posthouse_api::{BASE, MessageDetail, ProblemCode, ProblemDetails};
use posthouse_core::{Id, actor::Actor, store::Store};

use super::{
    super::{
        AdminState, VerbError,
        answer::{JsonAnswer, ProblemAnswer},
        parameters::Reveal,
        query::Parameters,
    },
    id_of, no_message, views,
};

/// One message, what is next for it, and its timeline
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/messages/{id}", tag = "messages", operation_id = "get_message",
    params(("id" = String, Path, description = "The MessageID"), Reveal),
    responses((status = 200, description = "The message", body = MessageDetail))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Path(id): Path<String>,
    Extension(by): Extension<Actor>,
    uri: Uri,
) -> Result<JsonAnswer<MessageDetail>, ProblemAnswer> {
    let mut given = Parameters::of(&uri);
    let reveal = given.flag("reveal");
    given.finish()?;
    let id = id_of(&id)?;
    let shown = get(&*state.store, id, state.clock.now(), reveal).await?;
    if by.account().is_some_and(|own| own.0 != shown.message.account) {
        return Err(no_message(id).into());
    }
    Ok(JsonAnswer(shown))
}

/// A message and its timeline.
///
/// # Errors
/// There is no such message, or what the store says.
pub async fn get(
    store: &dyn Store,
    id: Id,
    now: Timestamp,
    reveal: bool,
) -> Result<MessageDetail, VerbError> {
    let (Some(message), Some(timeline)) = (store.message(id).await?, store.timeline(id).await?) else {
        return Err(match store.mo(id).await? {
            Some(_) => ProblemDetails::new(ProblemCode::NotFound)
                .detail(format!("{id} is no message of a VASP, but one from a handset"))
                .remedy(format!("ask for {BASE}/mo/{id}"))
                .into(),
            None => no_message(id),
        });
    };
    let next = store.next(id, now).await?;
    Ok(views::detail(&message, next, &timeline, reveal))
}
