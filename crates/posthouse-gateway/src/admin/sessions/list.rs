//! `GET /api/v1/sessions`: who is signed in.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use jiff::Timestamp;
use posthouse_api::{PageOf, SessionView};
use posthouse_core::{
    store::{Store, StoreResult},
    user::SessionRecord,
};

use super::super::{
    AdminState,
    answer::ProblemAnswer,
    parameters::{Limit, TextCursor},
    query::PageAsked,
};

/// Who is signed in at the pages
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/sessions", tag = "users", operation_id = "list_sessions",
    params(TextCursor, Limit),
    responses((status = 200, description = "A page of sessions, by id", body = PageOf<SessionView>))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    asked: PageAsked,
) -> Result<Response, ProblemAnswer> {
    Ok(asked.answer(list(&*state.store, asked.after.as_deref(), asked.limit, state.clock.now()).await?))
}

/// A page of those that are not over, by id: those behind `after`. It may be shorter than `limit` and have a next one all the same.
///
/// # Errors
/// What the store says.
pub async fn list(
    store: &dyn Store,
    after: Option<&str>,
    limit: usize,
    now: Timestamp,
) -> StoreResult<PageOf<SessionView>> {
    let sessions = store.sessions(after, limit).await?;
    let is_full = sessions.len() == limit;
    let next = sessions.last().filter(|_| is_full).map(|last| last.id.clone());
    let items = sessions.into_iter().filter(|session| !session.is_over(now)).map(view);
    Ok(PageOf { items: items.collect(), next })
}

fn view(session: SessionRecord) -> SessionView {
    SessionView {
        id: session.id,
        name: session.name,
        role: session.role.to_string(),
        begun_with: session.origin.kind().to_owned(),
        address: session.address,
        begun_at: session.begun_at,
        used_at: session.used_at,
    }
}
