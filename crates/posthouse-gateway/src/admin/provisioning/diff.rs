//! `GET /api/v1/provisioning/revisions/{number}/diff`: what a revision changed, or what changed from it to another one.

use std::sync::Arc;

use axum::extract::{Path, State};
use http::Uri;
use posthouse_api::{ProblemCode, ProblemDetails, ProvisioningPlan};
use posthouse_core::{mistake::Mistake, store::Store};

use super::{
    super::{
        AdminState, VerbError,
        answer::{JsonAnswer, ProblemAnswer},
        parameters::Reveal,
        query::Parameters,
    },
    differences, listed_revisions, unrevised,
};
use crate::config::revisions::{between, steps_of};

/// What a revision changed, or what changed from it to another one
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/provisioning/revisions/{number}/diff", tag = "provisioning", operation_id = "diff_revisions",
    params(("number" = u64, Path, description = "The revision's number"), ("to" = Option<u64>, Query, description = "The other revision, which may be the older"), Reveal),
    responses((status = 200, description = "What changed", body = ProvisioningPlan))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Path(number): Path<String>,
    uri: Uri,
) -> Result<JsonAnswer<ProvisioningPlan>, ProblemAnswer> {
    let mut given = Parameters::of(&uri);
    let read =
        |text: &str| text.parse::<u64>().map_err(|_| Mistake::from((unnumbered(text), listed_revisions())));
    let (to, reveal) = (given.read("to", read), given.flag("reveal"));
    given.finish()?;
    let number = number.parse().map_err(|_| {
        ProblemDetails::new(ProblemCode::NotFound).detail(unnumbered(&number)).remedy(listed_revisions())
    })?;
    Ok(JsonAnswer(diff(&*state.store, number, to, reveal).await?))
}

fn unnumbered(text: &str) -> String {
    format!("{text:?} is no number of a revision")
}

/// What a revision changed; with `to`, what changed from it to that one, which may be the older. Numbers are whole where they are to be
/// revealed: who may see that is for the caller to know.
///
/// # Errors
/// There is no such revision, or it is not kept any more, or the store fails.
pub async fn diff(
    store: &dyn Store,
    number: u64,
    to: Option<u64>,
    reveal: bool,
) -> Result<ProvisioningPlan, VerbError> {
    let (from, to) = match to {
        Some(to) => (number, to),
        None => (number.saturating_sub(1), number),
    };
    let revised = between(store, from, to).await.map_err(unrevised)?;
    Ok(differences(&steps_of(&revised), to, reveal))
}
