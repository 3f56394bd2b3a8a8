//! `GET /api/v1/sessions`: who is signed in.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::Uri;
use jiff::Timestamp;
use posthouse_api::{PageOf, SessionView};
use posthouse_core::{
    store::{Store, StoreResult},
    user::SessionRecord,
};

use super::super::{
    AdminState,
    answer::{self, ProblemAnswer},
    parameters::Limit,
    query::Parameters,
};

/// Who is signed in at the pages
#[utoipa::path(
    get, path = "/sessions", tag = "users", operation_id = "list_sessions",
    params(("cursor" = Option<String>, Query, description = "`next` of the page before"), Limit),
    responses((status = 200, description = "A page of sessions, by id", body = PageOf<SessionView>))
)]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    uri: Uri,
) -> Result<Response, ProblemAnswer> {
    let mut given = Parameters::of(&uri);
    let (after, limit) = (given.one("cursor"), given.limit());
    given.finish()?;
    let found = list(&*state.store, after.as_deref(), limit, state.clock.now()).await?;
    Ok(answer::page(found, &uri))
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
