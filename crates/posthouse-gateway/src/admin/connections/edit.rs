//! `PUT`, `PATCH` and `DELETE /api/v1/carriers/{id}/connections/{name}`: a connection as a document of its own says.

use axum::extract::Path;
use posthouse_api::ChangeMade;

use super::super::{
    edit::{AllowRemovals, DocumentRefused, EditAnswer, EditRequest, RemovalRefused},
    parameters::IfMatch,
};
use crate::config::edit::ThingPath;

/// Makes a connection what the body says, all of it: a new one where there is none
#[cfg_attr(feature = "openapi", utoipa::path(
    put, path = "/carriers/{id}/connections/{name}", tag = "provisioning", operation_id = "put_connection",
    params(("id" = String, Path, description = "The carrier's id"), ("name" = String, Path, description = "Its name"), IfMatch, AllowRemovals),
    request_body(content = serde_json::Value, description = "As its member of `connection` in `document` of the carrier", content_type = "application/json"),
    responses((status = 200, description = "What came of it; `ETag` is the revision", body = ChangeMade), DocumentRefused)
))]
pub(in super::super) async fn handle_put(
    Path((id, name)): Path<(String, String)>,
    request: EditRequest,
) -> EditAnswer {
    request.put(ThingPath::Connection(id, name)).await
}

/// Changes what the body says of a connection; null takes a member away, and the rest stays
#[cfg_attr(feature = "openapi", utoipa::path(
    patch, path = "/carriers/{id}/connections/{name}", tag = "provisioning", operation_id = "patch_connection",
    params(("id" = String, Path, description = "The carrier's id"), ("name" = String, Path, description = "Its name"), IfMatch, AllowRemovals),
    request_body(content((serde_json::Value = "application/merge-patch+json"), (serde_json::Value = "application/json"))),
    responses((status = 200, description = "What came of it; `ETag` is the revision", body = ChangeMade), DocumentRefused)
))]
pub(in super::super) async fn handle_patch(
    Path((id, name)): Path<(String, String)>,
    request: EditRequest,
) -> EditAnswer {
    request.patch(ThingPath::Connection(id, name)).await
}

/// Removes a connection
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/carriers/{id}/connections/{name}", tag = "provisioning", operation_id = "remove_connection",
    params(("id" = String, Path, description = "The carrier's id"), ("name" = String, Path, description = "Its name"), IfMatch, AllowRemovals),
    responses((status = 200, description = "What came of it; `ETag` is the revision", body = ChangeMade), RemovalRefused)
))]
pub(in super::super) async fn handle_remove(
    Path((id, name)): Path<(String, String)>,
    request: EditRequest,
) -> EditAnswer {
    request.remove(ThingPath::Connection(id, name)).await
}
