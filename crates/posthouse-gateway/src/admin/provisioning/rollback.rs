//! `POST /api/v1/provisioning/rollback`: brings provisioning back to what it was at a revision.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Request, State},
};
use jiff::Timestamp;
use posthouse_api::{ProvisioningPlan, RollbackRequest};
use posthouse_core::{actor::Actor, store::Store};

use super::{
    super::{
        AdminState, VerbError,
        answer::{JsonAnswer, ProblemAnswer},
        body,
        parameters::{IfMatch, Reveal},
        query::Parameters,
    },
    differences, if_match, unrevised,
};
use crate::config::revisions;

/// Brings provisioning back to what it was at a revision
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/provisioning/rollback", tag = "provisioning", operation_id = "rollback",
    params(Reveal, IfMatch),
    request_body = RollbackRequest,
    responses(
        (status = 200, description = "What was changed", body = ProvisioningPlan),
        (status = 412, description = "Provisioning is at another revision"),
        (status = 422, description = "It is not allowed as it is"))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Extension(by): Extension<Actor>,
    request: Request,
) -> Result<JsonAnswer<ProvisioningPlan>, ProblemAnswer> {
    let expected = if_match(request.headers())?;
    let mut given = Parameters::of(request.uri());
    let reveal = given.flag("reveal");
    given.finish()?;
    let mut request: RollbackRequest = body::required(request).await?;
    request.expect_revision = request.expect_revision.or(expected);
    Ok(JsonAnswer(rollback(&*state.store, &request, reveal, &by, state.clock.now()).await?))
}

/// Does it, as a new revision; or, asked to, only says what it would change. Numbers are whole where they are to be revealed: who may see
/// that is for the caller to know.
///
/// # Errors
/// There is no such revision, or it is not kept any more; provisioning is at another one than was expected; the store fails.
pub async fn rollback(
    store: &dyn Store,
    request: &RollbackRequest,
    reveal: bool,
    by: &Actor,
    now: Timestamp,
) -> Result<ProvisioningPlan, VerbError> {
    let &RollbackRequest { to, dry_run, expect_revision } = request;
    let by = match &by.reason {
        Some(reason) => by.clone().because(&format!("rollback to {to}: {reason}")),
        None => by.clone().because(&format!("rollback to {to}")),
    };
    let done =
        revisions::roll_back(store, to, expect_revision, dry_run, &by, now).await.map_err(unrevised)?;
    Ok(differences(&done.plan, done.revision, reveal))
}
