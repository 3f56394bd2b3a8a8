//! `GET /api/v1/endpoints`: one for each account, by name: what is owed, since when it fails, what it said last, whether it is paused.

use super::super::parameters::{Limit, TextCursor};
use std::{collections::BTreeMap, sync::Arc};

use axum::{Extension, extract::State, response::Response};
use http::Uri;
use posthouse_api::{EndpointView, LastAnswer, PageOf, PausedView};
use posthouse_core::{
    account::AccountName,
    actor::Actor,
    provisioning::Snapshot,
    store::{Endpoint, Store, StoreResult},
};

use super::super::{
    AdminState,
    answer::{ProblemAnswer, page},
    context::confined,
    messages::selection,
    query::Parameters,
    unreadable::escaped,
};

/// Where accounts take callbacks, and how that goes
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/endpoints", tag = "endpoints", operation_id = "list_endpoints",
    params(("account" = Option<String>, Query, description = "Only this account's"), TextCursor, Limit),
    responses((status = 200, description = "A page of endpoints, by name", body = PageOf<EndpointView>))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Extension(by): Extension<Actor>,
    uri: Uri,
) -> Result<Response, ProblemAnswer> {
    let mut given = Parameters::of(&uri);
    let (account, cursor, limit) = (given.one("account"), given.one("cursor"), given.limit());
    given.finish()?;
    let account = confined(&by, account, uri.path())?;
    let snapshot = state.snapshot.get();
    selection::provisioned(&snapshot, account.as_deref(), None)?;
    let found = list(&*state.store, &snapshot, account.as_deref(), cursor.as_deref(), limit).await?;
    Ok(page(found, &uri))
}

/// A page of the endpoints behind the account that `cursor` names: of accounts that have a URL, and of those that are owed something or
/// are paused all the same. With `account` only that one's.
///
/// # Errors
/// What the store says.
pub async fn list(
    store: &dyn Store,
    snapshot: &Snapshot,
    account: Option<&str>,
    cursor: Option<&str>,
    limit: usize,
) -> StoreResult<PageOf<EndpointView>> {
    let provisioned = snapshot
        .accounts()
        .filter(|account| account.callbacks.report_url.is_some() || account.callbacks.deliver_url.is_some());
    let mut all: BTreeMap<AccountName, Endpoint> =
        provisioned.map(|account| (account.name.clone(), Endpoint::idle(account.name.clone()))).collect();
    all.extend(store.endpoints().await?.into_iter().map(|one| (one.account.clone(), one)));
    let is_meant = |one: &&Endpoint| account.is_none_or(|account| one.account.0 == account);
    let is_behind = |one: &&Endpoint| cursor.is_none_or(|cursor| one.account.0.as_str() > cursor);
    let mut items: Vec<_> = all.values().filter(is_meant).filter(is_behind).take(limit + 1).collect();
    let has_more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| has_more).map(|last| last.account.0.clone());
    Ok(PageOf { items: items.into_iter().map(|one| view(one, snapshot)).collect(), next })
}

/// An endpoint as it is shown.
pub(super) fn view(endpoint: &Endpoint, snapshot: &Snapshot) -> EndpointView {
    let callbacks = snapshot.account(&endpoint.account).map(|account| &account.callbacks);
    let url = |url: Option<&posthouse_core::url::PeerUrl>| url.map(|url| url.as_str().to_owned());
    EndpointView {
        account: endpoint.account.0.clone(),
        report_url: callbacks.and_then(|callbacks| url(callbacks.report_url.as_ref())),
        deliver_url: callbacks.and_then(|callbacks| url(callbacks.deliver_url.as_ref())),
        owed: endpoint.owed,
        oldest: endpoint.oldest,
        failed: endpoint.failed,
        failing_since: endpoint.failing_since,
        last_answer: endpoint.last_failure.as_ref().map(|last| LastAnswer {
            at: last.at,
            http_status: last.http_status,
            said: escaped(last.words.as_bytes()),
        }),
        paused: endpoint.paused.as_ref().map(|pause| PausedView {
            since: pause.at,
            by: pause.by.clone(),
            reason: pause.reason.clone(),
        }),
    }
}
