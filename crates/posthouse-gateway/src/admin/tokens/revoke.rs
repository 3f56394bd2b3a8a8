//! `DELETE /api/v1/tokens/{id}`: ends a token at once.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, State},
};
use http::Uri;
use jiff::Timestamp;
use posthouse_api::{ProblemCode, ProblemDetails, Revoked};
use posthouse_core::{actor::Actor, store::Store};

use super::super::{
    AdminState, VerbError,
    answer::{JsonAnswer, ProblemAnswer},
    listed,
    query::Parameters,
};

/// Ends a token at once
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/tokens/{id}", tag = "tokens", operation_id = "revoke_token",
    params(("id" = String, Path, description = "What it is called by")),
    responses((status = 200, description = "It is no good any more", body = Revoked))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Path(id): Path<String>,
    Extension(by): Extension<Actor>,
    uri: Uri,
) -> Result<JsonAnswer<Revoked>, ProblemAnswer> {
    Parameters::of(&uri).finish()?;
    Ok(JsonAnswer(revoke(&*state.store, &id, &by, state.clock.now()).await?))
}

/// Ends one.
///
/// # Errors
/// There is none of this id, or what the store says.
pub async fn revoke(store: &dyn Store, id: &str, by: &Actor, now: Timestamp) -> Result<Revoked, VerbError> {
    match store.revoke_token(id, by, now).await? {
        true => Ok(Revoked { id: id.to_owned() }),
        false => Err(ProblemDetails::new(ProblemCode::NotFound)
            .detail(format!("there is no token {id:?}"))
            .remedy(listed("tokens list", "tokens"))
            .into()),
    }
}
