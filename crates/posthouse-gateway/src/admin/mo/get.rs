//! `GET /api/v1/mo/{id}`: one message from a handset.

use super::super::parameters::Reveal;
use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, State},
};
use http::Uri;
use posthouse_api::MoView;
use posthouse_core::{
    actor::{Actor, Right},
    store::Store,
};

use super::{
    super::{
        AdminState, VerbError,
        answer::{JsonAnswer, ProblemAnswer},
        context::{is_there, need},
        query::Parameters,
    },
    id_of, unknown, views,
};

/// One message from a handset
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/mo/{id}", tag = "mo", operation_id = "get_mo",
    params(("id" = String, Path, description = "Its LinkedID"), Reveal),
    responses((status = 200, description = "The message", body = MoView))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Path(id): Path<String>,
    Extension(by): Extension<Actor>,
    uri: Uri,
) -> Result<JsonAnswer<MoView>, ProblemAnswer> {
    let mut given = Parameters::of(&uri);
    let reveal = given.flag("reveal");
    given.finish()?;
    if reveal {
        need(&by, Right::Reveal)?;
    }
    let shown = get(&*state.store, &id, reveal).await?;
    match is_there(&by, &shown.account) {
        true => Ok(JsonAnswer(shown)),
        false => Err(unknown(id).into()),
    }
}

/// The one of this LinkedID.
///
/// # Errors
/// There is none, or what the store says.
pub async fn get(store: &dyn Store, id: &str, reveal: bool) -> Result<MoView, VerbError> {
    let found = store.mo(id_of(id)?).await?;
    Ok(views::mo(&found.ok_or_else(|| unknown(id))?, reveal))
}
