//! `GET /api/v1/users`: the users that there are.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use posthouse_api::{PageOf, UserView};
use posthouse_core::store::{Store, StoreResult};

use super::{
    super::{
        AdminState,
        answer::{ProblemAnswer, page_of},
        parameters::{Limit, TextCursor},
        query::PageAsked,
    },
    view,
};

/// Users, who sign in with a password
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/users", tag = "users", operation_id = "list_users",
    params(TextCursor, Limit),
    responses((status = 200, description = "A page of users, by name", body = PageOf<UserView>))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    asked: PageAsked,
) -> Result<Response, ProblemAnswer> {
    Ok(asked.answer(list(&*state.store, asked.after.as_deref(), asked.limit).await?))
}

/// A page of them, by name: those behind `after`. It has a next one when it is full.
///
/// # Errors
/// What the store says.
pub async fn list(store: &dyn Store, after: Option<&str>, limit: usize) -> StoreResult<PageOf<UserView>> {
    let users = store.users(after, limit).await?;
    Ok(page_of(users, limit, |last| last.name.clone(), view))
}
