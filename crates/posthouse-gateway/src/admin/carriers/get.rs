//! `GET /api/v1/carriers/{id}`: a carrier, with all that is provisioned of it but secrets.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::Response,
};
use http::Uri;
use posthouse_api::CarrierView;
use posthouse_core::store::NumberStore;

use super::{
    super::{
        AdminState, VerbError,
        answer::{ProblemAnswer, at_revision},
        query::Parameters,
        unknown,
    },
    view,
};

/// One carrier, without its secrets
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/carriers/{id}", tag = "provisioning", operation_id = "get_carrier",
    params(("id" = String, Path, description = "Its id")),
    responses((status = 200, description = "The carrier; `ETag` is the revision", body = CarrierView))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Response, ProblemAnswer> {
    Parameters::of(&uri).finish()?;
    let (carrier, revision) = get(&*state.store, &id).await?;
    Ok(at_revision(&carrier, revision))
}

/// A carrier, and the revision at which it is so.
///
/// # Errors
/// There is none of this id, or the store fails.
pub async fn get<S: NumberStore + ?Sized>(store: &S, id: &str) -> Result<(CarrierView, u64), VerbError> {
    let current = store.without_numbers().await?;
    let carrier = current.carriers.iter().find(|carrier| carrier.id.0 == id);
    let carrier = carrier.ok_or_else(|| unknown("carrier", id))?;
    Ok((view(carrier), current.revision))
}
