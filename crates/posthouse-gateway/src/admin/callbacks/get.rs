//! `GET /api/v1/callbacks/{id}`: one callback that is owed, or was kept as failed.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, State},
};
use http::Uri;
use jiff::Timestamp;
use posthouse_api::CallbackView;
use posthouse_core::{actor::Actor, store::Store};

use super::{
    super::{
        AdminState, VerbError,
        answer::{JsonAnswer, ProblemAnswer},
        context::is_there,
        query::Parameters,
    },
    id_of, unknown, views,
};

/// One callback that is owed, or was kept as failed
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/callbacks/{id}", tag = "callbacks", operation_id = "get_callback",
    params(("id" = String, Path, description = "The callback's id")),
    responses((status = 200, description = "The callback", body = CallbackView))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Path(id): Path<String>,
    Extension(by): Extension<Actor>,
    uri: Uri,
) -> Result<JsonAnswer<CallbackView>, ProblemAnswer> {
    Parameters::of(&uri).finish()?;
    let shown = get(&*state.store, &id, state.clock.now()).await?;
    match is_there(&by, &shown.account) {
        true => Ok(JsonAnswer(shown)),
        false => Err(unknown(id).into()),
    }
}

/// The one of this id.
///
/// # Errors
/// There is none, or what the store says.
pub async fn get(store: &dyn Store, id: &str, now: Timestamp) -> Result<CallbackView, VerbError> {
    let kept = store.kept_callback(id_of(id)?).await?;
    Ok(views::callback(&kept.ok_or_else(|| unknown(id))?, now))
}
