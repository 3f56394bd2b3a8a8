//! `POST /api/v1/endpoints/{account}/resume`: a pause ends, and what is owed goes out.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, State},
};
use http::Uri;
use jiff::Timestamp;
use posthouse_api::EndpointView;
use posthouse_core::{
    actor::Actor,
    provisioning::Snapshot,
    store::{Endpoint, Store},
};

use super::{
    super::{
        AdminState, VerbError,
        answer::{JsonAnswer, ProblemAnswer},
        connections::seen,
        patiently,
        query::Parameters,
    },
    account_of, list,
    pause::shown,
};

/// Ends the pause of an account: what is owed goes out at once
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/endpoints/{account}/resume", tag = "endpoints", operation_id = "resume_endpoint",
    params(("account" = String, Path, description = "The account's name")),
    responses(
        (status = 200, description = "The endpoint, as it stands then", body = EndpointView),
        (status = 409, description = "It was left alone"))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Path(account): Path<String>,
    Extension(by): Extension<Actor>,
    uri: Uri,
) -> Result<JsonAnswer<EndpointView>, ProblemAnswer> {
    Parameters::of(&uri).finish()?;
    let (snapshot, now) = (state.snapshot.get(), state.clock.now());
    let resumed = resume(&*state.store, &snapshot, &account, &by, now).await?;
    seen(&state).await;
    state.bell.ring();
    Ok(JsonAnswer(resumed))
}

/// Ends a pause, if there is one. The endpoint is shown as it stands then.
///
/// # Errors
/// There is no such account, or what the store says.
pub async fn resume(
    store: &dyn Store,
    snapshot: &Snapshot,
    account: &str,
    by: &Actor,
    now: Timestamp,
) -> Result<EndpointView, VerbError> {
    let account = account_of(store, snapshot, account).await?;
    if patiently(|| store.resume(&account, by, now)).await? {
        tracing::info!(%account, by = by.name, "callbacks are resumed");
    }
    match shown(store, snapshot, &account).await {
        // It has no URL, and nothing is owed: there was nothing but the pause.
        Err(VerbError::Refused(_)) => Ok(list::view(&Endpoint::idle(account), snapshot)),
        shown => shown,
    }
}
