//! `GET /api/v1/refusals`: refusals that match, the newest first.

use std::sync::Arc;

use axum::{Extension, extract::State, response::Response};
use http::Uri;
use mm7::StatusCode;
use posthouse_api::{MessageQuery, PageOf, ProblemCode, ProblemDetails, RefusalQuery, RefusalView};
use posthouse_core::{
    account::AccountName,
    actor::Actor,
    address::typed,
    mistake::Mistake,
    store::{RefusalFilter, Store},
};

use super::{
    super::{
        AdminState, VerbError,
        answer::{self, ProblemAnswer},
        context::confined,
        messages::selection,
        parameters::{Cursor, Limit},
        query::{NO_CURSOR, Parameters, in_parameter, unknown_code},
    },
    views,
};
use crate::secrets::number_hash;

/// Requests of VASPs that were refused, the newest first
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/refusals", tag = "refusals", operation_id = "list_refusals",
    params(RefusalQuery, Cursor, Limit),
    responses((status = 200, description = "A page of refusals", body = PageOf<RefusalView>))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Extension(by): Extension<Actor>,
    uri: Uri,
) -> Result<Response, ProblemAnswer> {
    let code = |text: &str| {
        text.parse().map_err(|_| (format!("{text:?} is no code"), "write a number, such as 2513"))
    };
    let mut given = Parameters::of(&uri);
    let (since, until) = given.window();
    let mut query = RefusalQuery {
        account: given.one("account"),
        code: given.read("code", code),
        peer: given.one("peer"),
        transaction_id: given.one("transaction_id"),
        to: given.one("to"),
        since,
        until,
        unprovisioned: given.flag("unprovisioned"),
    };
    let (cursor, limit) = (given.one("cursor"), given.limit());
    given.finish()?;
    query.account = confined(&by, query.account, uri.path())?;
    if !query.unprovisioned {
        selection::provisioned(&state.snapshot.get(), query.account.as_deref(), None)?;
    }
    let page = find(&*state.store, &query, cursor.as_deref(), limit).await?;
    Ok(answer::page(page, &uri))
}

/// A page of the refusals that match. It has a next one when it is full.
///
/// # Errors
/// The query cannot be read, or what the store says.
pub async fn find(
    store: &dyn Store,
    query: &RefusalQuery,
    cursor: Option<&str>,
    limit: usize,
) -> Result<PageOf<RefusalView>, VerbError> {
    let filter = filter(store, query, cursor).await?;
    let kept = store.refusals(&filter, limit).await?;
    Ok(answer::page_of(kept, limit, |last| last.number.to_string(), |kept| views::refusal(&kept, false)))
}

/// The same on the store alone, where what is named has to be provisioned.
///
/// # Errors
/// As [`find`]; or the account is not provisioned.
pub async fn find_provisioned(
    store: &dyn Store,
    query: &RefusalQuery,
    cursor: Option<&str>,
    limit: usize,
) -> Result<PageOf<RefusalView>, VerbError> {
    let named = MessageQuery {
        account: query.account.clone(),
        unprovisioned: query.unprovisioned,
        ..MessageQuery::default()
    };
    selection::provisioned_in(store, &named).await?;
    find(store, query, cursor, limit).await
}

async fn filter(
    store: &dyn Store,
    query: &RefusalQuery,
    cursor: Option<&str>,
) -> Result<RefusalFilter, VerbError> {
    let wrong = |name: &str, what: Mistake| {
        ProblemDetails::new(ProblemCode::InvalidParameter).error(in_parameter(name, what))
    };
    let code =
        query.code.map(|code| StatusCode::from_code(code).ok_or_else(|| wrong("code", unknown_code(code))));
    let below = cursor.map(|cursor| cursor.parse().map_err(|_| wrong("cursor", NO_CURSOR.into())));
    let recipient_hash = match &query.to {
        Some(to) => Some(number_hash(&store.key().await?, &typed(to))),
        None => None,
    };
    Ok(RefusalFilter {
        since: query.since,
        before: query.until,
        below: below.transpose()?,
        account: query.account.clone().map(AccountName),
        code: code.transpose()?,
        peer: query.peer.clone(),
        transaction_id: query.transaction_id.clone(),
        recipient_hash,
    })
}
