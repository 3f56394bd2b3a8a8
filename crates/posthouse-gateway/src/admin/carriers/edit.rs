//! `PUT`, `PATCH` and `DELETE /api/v1/carriers/{id}`: a carrier as a document of its own says.

use axum::extract::Path;
use posthouse_api::ChangeMade;

use super::super::{
    edit::{AllowRemovals, DocumentRefused, EditAnswer, EditRequest, RemovalRefused},
    parameters::IfMatch,
};
use crate::config::edit::ThingPath;

/// Makes a carrier what the body says, all of it: a new one where there is none
#[cfg_attr(feature = "openapi", utoipa::path(
    put, path = "/carriers/{id}", tag = "provisioning", operation_id = "put_carrier",
    params(("id" = String, Path, description = "Its id"), IfMatch, AllowRemovals),
    request_body(content = serde_json::Value, description = "As `document` of GET", content_type = "application/json"),
    responses((status = 200, description = "What came of it; `ETag` is the revision", body = ChangeMade), DocumentRefused)
))]
pub(in super::super) async fn handle_put(Path(id): Path<String>, request: EditRequest) -> EditAnswer {
    request.put(ThingPath::Carrier(id)).await
}

/// Changes what the body says of a carrier; null takes a member away, and the rest stays
#[cfg_attr(feature = "openapi", utoipa::path(
    patch, path = "/carriers/{id}", tag = "provisioning", operation_id = "patch_carrier",
    params(("id" = String, Path, description = "Its id"), IfMatch, AllowRemovals),
    request_body(content((serde_json::Value = "application/merge-patch+json"), (serde_json::Value = "application/json"))),
    responses((status = 200, description = "What came of it; `ETag` is the revision", body = ChangeMade), DocumentRefused)
))]
pub(in super::super) async fn handle_patch(Path(id): Path<String>, request: EditRequest) -> EditAnswer {
    request.patch(ThingPath::Carrier(id)).await
}

/// Removes a carrier
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/carriers/{id}", tag = "provisioning", operation_id = "remove_carrier",
    params(("id" = String, Path, description = "Its id"), IfMatch, AllowRemovals),
    responses((status = 200, description = "What came of it; `ETag` is the revision", body = ChangeMade), RemovalRefused)
))]
pub(in super::super) async fn handle_remove(Path(id): Path<String>, request: EditRequest) -> EditAnswer {
    request.remove(ThingPath::Carrier(id)).await
}
