//! `PUT`, `PATCH` and `DELETE /api/v1/accounts/{name}/services/{vasid}`: a service as a document of its own says.

use axum::extract::Path;
use posthouse_api::ChangeMade;

use super::super::{
    edit::{AllowRemovals, DocumentRefused, EditAnswer, EditRequest, RemovalRefused},
    parameters::IfMatch,
};
use crate::config::edit::ThingPath;

/// Makes a service what the body says, all of it: a new one where there is none
#[cfg_attr(feature = "openapi", utoipa::path(
    put, path = "/accounts/{name}/services/{vasid}", tag = "provisioning", operation_id = "put_service",
    params(("name" = String, Path, description = "The account's name"), ("vasid" = String, Path, description = "Its VASID"), IfMatch, AllowRemovals),
    request_body(content = serde_json::Value, description = "As its member of `service` in `document` of the account", content_type = "application/json"),
    responses((status = 200, description = "What came of it; `ETag` is the revision", body = ChangeMade), DocumentRefused)
))]
pub(in super::super) async fn handle_put(
    Path((name, vasid)): Path<(String, String)>,
    request: EditRequest,
) -> EditAnswer {
    request.put(ThingPath::Service(name, vasid)).await
}

/// Changes what the body says of a service; null takes a member away, and the rest stays
#[cfg_attr(feature = "openapi", utoipa::path(
    patch, path = "/accounts/{name}/services/{vasid}", tag = "provisioning", operation_id = "patch_service",
    params(("name" = String, Path, description = "The account's name"), ("vasid" = String, Path, description = "Its VASID"), IfMatch, AllowRemovals),
    request_body(content((serde_json::Value = "application/merge-patch+json"), (serde_json::Value = "application/json"))),
    responses((status = 200, description = "What came of it; `ETag` is the revision", body = ChangeMade), DocumentRefused)
))]
pub(in super::super) async fn handle_patch(
    Path((name, vasid)): Path<(String, String)>,
    request: EditRequest,
) -> EditAnswer {
    request.patch(ThingPath::Service(name, vasid)).await
}

/// Removes a service
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/accounts/{name}/services/{vasid}", tag = "provisioning", operation_id = "remove_service",
    params(("name" = String, Path, description = "The account's name"), ("vasid" = String, Path, description = "Its VASID"), IfMatch, AllowRemovals),
    responses((status = 200, description = "What came of it; `ETag` is the revision", body = ChangeMade), RemovalRefused)
))]
pub(in super::super) async fn handle_remove(
    Path((name, vasid)): Path<(String, String)>,
    request: EditRequest,
) -> EditAnswer {
    request.remove(ThingPath::Service(name, vasid)).await
}
