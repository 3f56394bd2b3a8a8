//! `POST /api/v1/endpoints/{account}/pause`: an account gets no callbacks till it is resumed. Nothing that is owed is lost.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, State},
};
use http::Uri;
use jiff::Timestamp;
use posthouse_api::EndpointView;
use posthouse_core::{account::AccountName, actor::Actor, provisioning::Snapshot, store::Store};

use super::{
    super::{
        AdminState, VerbError,
        answer::{JsonAnswer, ProblemAnswer},
        connections::seen,
        patiently,
        query::Parameters,
    },
    account_of, list, no_account,
};

/// Holds back what is owed to an account, till it is resumed
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/endpoints/{account}/pause", tag = "endpoints", operation_id = "pause_endpoint",
    params(("account" = String, Path, description = "The account's name")),
    responses((status = 200, description = "The endpoint, as it stands then", body = EndpointView))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Path(account): Path<String>,
    Extension(by): Extension<Actor>,
    uri: Uri,
) -> Result<JsonAnswer<EndpointView>, ProblemAnswer> {
    Parameters::of(&uri).finish()?;
    let (snapshot, now) = (state.snapshot.get(), state.clock.now());
    let paused = pause(&*state.store, &snapshot, &account, &by, now).await?;
    seen(&state).await;
    Ok(JsonAnswer(paused))
}

/// Pauses it, for the reason that the caller gave. It is shown as it stands then; the name of the first who paused it stays.
///
/// # Errors
/// There is no such account, or what the store says.
pub async fn pause(
    store: &dyn Store,
    snapshot: &Snapshot,
    account: &str,
    by: &Actor,
    now: Timestamp,
) -> Result<EndpointView, VerbError> {
    let account = account_of(store, snapshot, account).await?;
    if patiently(|| store.pause(&account, by, now)).await? {
        tracing::warn!(%account, by = by.name, reason = by.reason, "callbacks are paused");
    }
    shown(store, snapshot, &account).await
}

/// How an endpoint stands.
pub(super) async fn shown(
    store: &dyn Store,
    snapshot: &Snapshot,
    account: &AccountName,
) -> Result<EndpointView, VerbError> {
    let found = list::list(store, snapshot, Some(&account.0), None, 1).await?.items;
    Ok(found.into_iter().next().ok_or_else(|| no_account(&account.0))?)
}
