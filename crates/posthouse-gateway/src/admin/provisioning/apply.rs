//! `POST /api/v1/provisioning/apply`: makes provisioning what a document says, all of it or nothing.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Request, State},
};
use posthouse_api::{ProvisioningPlan, ProvisioningRequest};
use posthouse_core::actor::Actor;

use super::{
    super::{
        AdminState, VerbError,
        answer::{JsonAnswer, ProblemAnswer},
        parameters::IfMatch,
    },
    Prune, answer, document, mode, refused, wait,
};
use crate::config::{self, Applied};

/// Makes provisioning what a document says: all of it, or nothing
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/provisioning/apply", tag = "provisioning", operation_id = "apply",
    params(Prune, IfMatch),
    request_body(content((String = "application/toml"), (ProvisioningRequest = "application/json"))),
    responses(
        (status = 200, description = "What was changed", body = ProvisioningPlan),
        (status = 412, description = "Provisioning is at another revision"),
        (status = 422, description = "The document has mistakes"))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Extension(by): Extension<Actor>,
    request: Request,
) -> Result<JsonAnswer<ProvisioningPlan>, ProblemAnswer> {
    answer(state, by, request, apply).await
}

fn apply(state: &AdminState, request: &ProvisioningRequest, by: &Actor) -> Result<Applied, VerbError> {
    let environment = |name: &str| request.environment.get(name).cloned();
    let (document, now) = (document(request), state.clock.now());
    let applied = wait(config::apply_in(&*state.store, &document, &environment, mode(request), by, now));
    applied.map_err(refused)
}
