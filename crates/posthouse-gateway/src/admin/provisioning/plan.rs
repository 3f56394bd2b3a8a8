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
    },
    answer, document, expect, refused, wait,
};
use crate::config::{self, Applied};

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
    let planned = wait(config::prepare(&*state.store, &document, &environment, request.prune));
    let planned = planned.map_err(refused)?;
    expect(request, planned.revision)?;
    Ok(planned)
}
