//! `GET /api/v1/callbacks`: what is owed to VASPs, and what failed for good; the newest first.

use super::super::parameters::{Cursor, Limit};
use std::sync::Arc;

use axum::{Extension, extract::State, response::Response};
use http::Uri;
use jiff::Timestamp;
use posthouse_api::{CallbackQuery, CallbackView, PageOf, ProblemCode, ProblemDetails, ProblemError};
use posthouse_core::{
    Id,
    account::AccountName,
    actor::Actor,
    carrier::CarrierId,
    life::intervention::FailedFilter,
    mistake::Mistake,
    store::{KeptFilter, Store},
};

use super::{
    super::{
        AdminState, VerbError,
        answer::{ProblemAnswer, page, page_of},
        context::confined,
        messages::selection,
        query::{Parameters, in_parameter},
    },
    views,
};

/// What is owed to VASPs, and what failed for good, the newest first
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/callbacks", tag = "callbacks", operation_id = "list_callbacks",
    params(CallbackQuery, Cursor, Limit),
    responses((status = 200, description = "A page of callbacks", body = PageOf<CallbackView>))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Extension(by): Extension<Actor>,
    uri: Uri,
) -> Result<Response, ProblemAnswer> {
    let mut given = Parameters::of(&uri);
    let (since, until) = given.window();
    let mut query = CallbackQuery {
        account: given.one("account"),
        carrier: given.one("carrier"),
        message_id: given.one("message_id"),
        only: given.one("only"),
        state: given.one("state"),
        since,
        until,
        unprovisioned: given.flag("unprovisioned"),
    };
    let (cursor, limit) = (given.one("cursor"), given.limit());
    query.account = confined(&by, query.account, uri.path())?;
    let filter = filter(&query, cursor.as_deref()).unwrap_or_else(|errors| {
        given.add(errors);
        KeptFilter::default()
    });
    given.finish()?;
    if !query.unprovisioned {
        let (account, carrier) = (query.account.as_deref(), query.carrier.as_deref());
        selection::provisioned(&state.snapshot.get(), account, carrier)?;
    }
    let found = list(&*state.store, &filter, limit, state.clock.now()).await?;
    Ok(page(found, &uri))
}

/// A page of them, by a query and a cursor as they are written.
///
/// # Errors
/// They cannot be read, or what the store says.
pub async fn find(
    store: &dyn Store,
    query: &CallbackQuery,
    cursor: Option<&str>,
    limit: u16,
    now: Timestamp,
) -> Result<PageOf<CallbackView>, VerbError> {
    let invalid = |errors| ProblemDetails::new(ProblemCode::InvalidParameter).with_errors(errors);
    list(store, &filter(query, cursor).map_err(invalid)?, limit.into(), now).await
}

async fn list(
    store: &dyn Store,
    filter: &KeptFilter,
    limit: usize,
    now: Timestamp,
) -> Result<PageOf<CallbackView>, VerbError> {
    let found = store.kept_callbacks(filter, limit).await?;
    Ok(page_of(found, limit, |last| last.id.to_string(), |kept| views::callback(&kept, now)))
}

fn filter(query: &CallbackQuery, cursor: Option<&str>) -> Result<KeptFilter, Vec<ProblemError>> {
    let mut errors = Vec::new();
    let mut wrong = |name: &str, what: Mistake| errors.push(in_parameter(name, what));
    let kind = query.only.as_deref().map(selection::kind).transpose().unwrap_or_else(|what| {
        wrong("only", what);
        None
    });
    let failed = match query.state.as_deref() {
        None => None,
        Some("owed") => Some(false),
        Some("failed") => Some(true),
        Some(other) => {
            wrong("state", (format!("{other:?} is neither owed nor failed"), "write one of them").into());
            None
        }
    };
    let below = cursor.map(selection::cursor).transpose().unwrap_or_else(|what| {
        wrong("cursor", what);
        None
    });
    let message = query.message_id.as_deref().map(str::parse::<Id>).transpose().unwrap_or_else(|_| {
        wrong("message_id", ("it is no MessageID", "write a decimal number of up to 19 digits").into());
        None
    });
    if !errors.is_empty() {
        return Err(errors);
    }
    let which = FailedFilter {
        messages: message.into_iter().collect(),
        since: query.since,
        before: query.until,
        below,
        account: query.account.clone().map(AccountName),
        carrier: query.carrier.clone().map(CarrierId),
        kind,
    };
    Ok(KeptFilter { which, failed })
}
