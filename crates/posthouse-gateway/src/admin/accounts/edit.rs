//! `PUT`, `PATCH` and `DELETE /api/v1/accounts/{name}`: an account as a document of its own says.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, Request, State},
    response::Response,
};
use posthouse_api::ChangeMade;
use posthouse_core::actor::Actor;

use super::super::{
    AdminState,
    answer::ProblemAnswer,
    edit::{self, AllowRemovals},
};
use crate::config::edit::ThingPath;

/// Makes an account what the body says, all of it: a new one where there is none
#[utoipa::path(
    put, path = "/accounts/{name}", tag = "provisioning", operation_id = "put_account",
    params(("name" = String, Path, description = "Its name"), ("if-match" = Option<String>, Header, description = "The revision that is expected", pattern = "^\"?[0-9]{1,18}\"?$"), AllowRemovals),
    request_body(content = serde_json::Value, description = "As `document` of GET", content_type = "application/json"),
    responses(
        (status = 200, description = "What came of it; `ETag` is the revision", body = ChangeMade),
        (status = 409, description = "It would end what somebody may depend on"),
        (status = 412, description = "Provisioning is at another revision"),
        (status = 422, description = "The document has mistakes"))
)]
pub(in super::super) async fn handle_put(
    State(state): State<Arc<AdminState>>,
    Path(name): Path<String>,
    Extension(by): Extension<Actor>,
    request: Request,
) -> Result<Response, ProblemAnswer> {
    edit::put(state, by, ThingPath::Account(name), request).await
}

/// Changes what the body says of an account; null takes a member away, and the rest stays
#[utoipa::path(
    patch, path = "/accounts/{name}", tag = "provisioning", operation_id = "patch_account",
    params(("name" = String, Path, description = "Its name"), ("if-match" = Option<String>, Header, description = "The revision that is expected", pattern = "^\"?[0-9]{1,18}\"?$"), AllowRemovals),
    request_body(content((serde_json::Value = "application/merge-patch+json"), (serde_json::Value = "application/json"))),
    responses(
        (status = 200, description = "What came of it; `ETag` is the revision", body = ChangeMade),
        (status = 409, description = "It would end what somebody may depend on"),
        (status = 412, description = "Provisioning is at another revision"),
        (status = 422, description = "The document has mistakes"))
)]
pub(in super::super) async fn handle_patch(
    State(state): State<Arc<AdminState>>,
    Path(name): Path<String>,
    Extension(by): Extension<Actor>,
    request: Request,
) -> Result<Response, ProblemAnswer> {
    edit::patch(state, by, ThingPath::Account(name), request).await
}

/// Removes an account
#[utoipa::path(
    delete, path = "/accounts/{name}", tag = "provisioning", operation_id = "remove_account",
    params(("name" = String, Path, description = "Its name"), ("if-match" = Option<String>, Header, description = "The revision that is expected", pattern = "^\"?[0-9]{1,18}\"?$"), AllowRemovals),
    responses(
        (status = 200, description = "What came of it; `ETag` is the revision", body = ChangeMade),
        (status = 409, description = "Somebody may depend on it"),
        (status = 412, description = "Provisioning is at another revision"),
        (status = 422, description = "Something else names it"))
)]
pub(in super::super) async fn handle_remove(
    State(state): State<Arc<AdminState>>,
    Path(name): Path<String>,
    Extension(by): Extension<Actor>,
    request: Request,
) -> Result<Response, ProblemAnswer> {
    edit::remove(state, by, ThingPath::Account(name), request).await
}
