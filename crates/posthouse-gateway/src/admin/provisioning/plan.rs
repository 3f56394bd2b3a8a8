//! `POST /api/v1/provisioning/plan`: what a document would change. Nothing is changed.

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

/// What a document would change
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/provisioning/plan", tag = "provisioning", operation_id = "plan",
    params(Prune, IfMatch),
    request_body(content((String = "application/toml"), (ProvisioningRequest = "application/json"))),
    responses(
        (status = 200, description = "What would change", body = ProvisioningPlan),
        (status = 412, description = "Provisioning is at another revision"),
        (status = 422, description = "The document has mistakes"))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Extension(by): Extension<Actor>,
    request: Request,
) -> Result<JsonAnswer<ProvisioningPlan>, ProblemAnswer> {
    answer(state, by, request, plan).await
}

fn plan(state: &AdminState, request: &ProvisioningRequest, _by: &Actor) -> Result<Applied, VerbError> {
    let environment = |name: &str| request.environment.get(name).cloned();
    let document = document(request);
    let planned = wait(config::prepare(&*state.store, &document, &environment, mode(request)));
    planned.map_err(refused)
}
