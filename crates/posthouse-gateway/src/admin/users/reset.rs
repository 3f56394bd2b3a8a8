//! `POST /api/v1/users/{name}/reset`: ends a user's password and sessions. The link by which another one is set is in this answer, and
//! nowhere else.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, State},
};
use http::Uri;
use jiff::Timestamp;
use posthouse_api::IssuedLink;
use posthouse_core::{actor::Actor, store::Store, user::UserChange};

use super::{
    super::{
        AdminState, VerbError,
        answer::{ProblemAnswer, ToldOnce},
        query::Parameters,
    },
    issued, new_link, unknown,
};

/// Ends a user's password and sessions; the link by which another one is set is told only here
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/users/{name}/reset", tag = "users", operation_id = "reset_password",
    params(("name" = String, Path, description = "The user's name")),
    responses((status = 200, description = "The user, with the link", body = IssuedLink))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Path(name): Path<String>,
    Extension(by): Extension<Actor>,
    uri: Uri,
) -> Result<ToldOnce<IssuedLink>, ProblemAnswer> {
    Parameters::of(&uri).finish()?;
    Ok(ToldOnce(reset(&*state.store, &name, &by, state.clock.now()).await?))
}

/// Ends a user's password.
///
/// # Errors
/// There is no such user, or what the store says.
pub async fn reset(
    store: &dyn Store,
    name: &str,
    by: &Actor,
    now: Timestamp,
) -> Result<IssuedLink, VerbError> {
    let (link, secret) = new_link(store, now).await?;
    let changed = store.change_user(name, &UserChange::Reset(link), by, now).await?;
    Ok(issued(changed.ok_or_else(|| unknown(name))?, &secret))
}
