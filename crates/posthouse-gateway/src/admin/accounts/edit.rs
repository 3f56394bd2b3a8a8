//! `PUT`, `PATCH` and `DELETE /api/v1/accounts/{name}`: an account as a document of its own says.

use axum::extract::Path;
use posthouse_api::ChangeMade;

use super::super::{
    edit::{AllowRemovals, DocumentRefused, EditAnswer, EditRequest, RemovalRefused},
    parameters::IfMatch,
};
use crate::config::edit::ThingPath;

/// Makes an account what the body says, all of it: a new one where there is none
#[cfg_attr(feature = "openapi", utoipa::path(
    put, path = "/accounts/{name}", tag = "provisioning", operation_id = "put_account",
    params(("name" = String, Path, description = "Its name"), IfMatch, AllowRemovals),
    request_body(content = serde_json::Value, description = "As `document` of GET", content_type = "application/json"),
    responses((status = 200, description = "What came of it; `ETag` is the revision", body = ChangeMade), DocumentRefused)
))]
pub(in super::super) async fn handle_put(Path(name): Path<String>, request: EditRequest) -> EditAnswer {
    request.put(ThingPath::Account(name)).await
}

/// Changes what the body says of an account; null takes a member away, and the rest stays
#[cfg_attr(feature = "openapi", utoipa::path(
    patch, path = "/accounts/{name}", tag = "provisioning", operation_id = "patch_account",
    params(("name" = String, Path, description = "Its name"), IfMatch, AllowRemovals),
    request_body(content((serde_json::Value = "application/merge-patch+json"), (serde_json::Value = "application/json"))),
    responses((status = 200, description = "What came of it; `ETag` is the revision", body = ChangeMade), DocumentRefused)
))]
pub(in super::super) async fn handle_patch(Path(name): Path<String>, request: EditRequest) -> EditAnswer {
    request.patch(ThingPath::Account(name)).await
}

/// Removes an account
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/accounts/{name}", tag = "provisioning", operation_id = "remove_account",
    params(("name" = String, Path, description = "Its name"), IfMatch, AllowRemovals),
    responses((status = 200, description = "What came of it; `ETag` is the revision", body = ChangeMade), RemovalRefused)
))]
pub(in super::super) async fn handle_remove(Path(name): Path<String>, request: EditRequest) -> EditAnswer {
    request.remove(ThingPath::Account(name)).await
}
