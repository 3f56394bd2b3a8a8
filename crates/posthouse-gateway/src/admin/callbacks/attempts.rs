//! `GET /api/v1/callbacks/{id}/attempts`: how the newest tries to deliver a callback ended, with what the VASP said. Also of one that
//! was delivered in the end.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, State},
};
use http::Uri;
use posthouse_api::CallbackTries;
use posthouse_core::{actor::Actor, store::Store};

use super::{
    super::{
        AdminState, VerbError,
        answer::{JsonAnswer, ProblemAnswer},
        query::Parameters,
    },
    id_of, own, unknown, views,
};

/// How the newest tries to deliver a callback ended, with what the VASP said
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/callbacks/{id}/attempts", tag = "callbacks", operation_id = "list_callback_attempts",
    params(("id" = String, Path, description = "The callback's id")),
    responses((status = 200, description = "The tries, the oldest first", body = CallbackTries))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Path(id): Path<String>,
    Extension(by): Extension<Actor>,
    uri: Uri,
) -> Result<JsonAnswer<CallbackTries>, ProblemAnswer> {
    Parameters::of(&uri).finish()?;
    own(&*state.store, &id, &by).await?;
    Ok(JsonAnswer(attempts(&*state.store, &id).await?))
}

/// The tries of a callback, oldest first.
///
/// # Errors
/// There is no such callback and there are no tries of it, or what the store says.
pub async fn attempts(store: &dyn Store, id: &str) -> Result<CallbackTries, VerbError> {
    let callback = id_of(id)?;
    let found = store.callback_attempts(callback).await?;
    if found.is_empty() && store.kept_callback(callback).await?.is_none() {
        return Err(unknown(id).into());
    }
    Ok(CallbackTries { items: found.iter().map(views::attempt).collect() })
}
