//! `GET /api/v1/users`: the users that there are.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::Uri;
use posthouse_api::{PageOf, UserView};
use posthouse_core::store::{Store, StoreResult};

use super::{
    super::{
        AdminState,
        answer::{self, ProblemAnswer},
        parameters::Limit,
        query::Parameters,
    },
    view,
};

/// Users, who sign in with a password
#[utoipa::path(
    get, path = "/users", tag = "users", operation_id = "list_users",
    params(("cursor" = Option<String>, Query, description = "`next` of the page before"), Limit),
    responses((status = 200, description = "A page of users, by name", body = PageOf<UserView>))
)]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    uri: Uri,
) -> Result<Response, ProblemAnswer> {
    let mut given = Parameters::of(&uri);
    let (after, limit) = (given.one("cursor"), given.limit());
    given.finish()?;
    Ok(answer::page(list(&*state.store, after.as_deref(), limit).await?, &uri))
}

/// A page of them, by name: those behind `after`. It has a next one when it is full.
///
/// # Errors
/// What the store says.
pub async fn list(store: &dyn Store, after: Option<&str>, limit: usize) -> StoreResult<PageOf<UserView>> {
    let users = store.users(after, limit).await?;
    let is_full = users.len() == limit;
    let next = users.last().filter(|_| is_full).map(|last| last.name.clone());
    Ok(PageOf { items: users.into_iter().map(view).collect(), next })
}
