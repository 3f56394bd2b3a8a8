//! `DELETE /api/v1/users/{name}`: removes a user, and ends the user's sessions.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, State},
};
use http::Uri;
use jiff::Timestamp;
use posthouse_api::UserRemoved;
use posthouse_core::{actor::Actor, store::Store};

use super::{
    super::{
        AdminState, VerbError,
        answer::{JsonAnswer, ProblemAnswer},
        query::Parameters,
    },
    unknown,
};

/// Removes a user, and ends the user's sessions
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/users/{name}", tag = "users", operation_id = "remove_user",
    params(("name" = String, Path, description = "The user's name")),
    responses((status = 200, description = "The user is there no more", body = UserRemoved))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Path(name): Path<String>,
    Extension(by): Extension<Actor>,
    uri: Uri,
) -> Result<JsonAnswer<UserRemoved>, ProblemAnswer> {
    Parameters::of(&uri).finish()?;
    Ok(JsonAnswer(remove(&*state.store, &name, &by, state.clock.now()).await?))
}

/// Removes one.
///
/// # Errors
/// There is none of this name, or what the store says.
pub async fn remove(
    store: &dyn Store,
    name: &str,
    by: &Actor,
    now: Timestamp,
) -> Result<UserRemoved, VerbError> {
    match store.remove_user(name, by, now).await? {
        true => Ok(UserRemoved { name: name.to_owned() }),
        false => Err(unknown(name).into()),
    }
}
