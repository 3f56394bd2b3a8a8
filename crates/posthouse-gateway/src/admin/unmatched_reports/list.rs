//! `GET /api/v1/unmatched-reports`: reports and read replies whose message is not known, the newest first.

use super::super::parameters::{Cursor, Limit, Reveal};
use std::sync::Arc;

use axum::{Extension, extract::State, response::Response};
use http::Uri;
use posthouse_api::{PageOf, UnmatchedQuery, UnmatchedView};
use posthouse_core::{
    actor::{Actor, Right},
    address::typed,
    carrier::CarrierId,
    store::{Store, StoreResult, UnmatchedFilter},
};

use super::{
    super::{
        AdminState,
        answer::{self, ProblemAnswer},
        context::need,
        messages::selection,
        query::{NO_CURSOR, Parameters},
    },
    views,
};

/// Reports whose message is not known, the newest first
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/unmatched-reports", tag = "unmatched-reports", operation_id = "list_unmatched_reports",
    params(UnmatchedQuery, Cursor, Limit, Reveal),
    responses((status = 200, description = "A page of them", body = PageOf<UnmatchedView>))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Extension(by): Extension<Actor>,
    uri: Uri,
) -> Result<Response, ProblemAnswer> {
    let number = |text: &str| text.parse::<i64>().map_err(|_| NO_CURSOR);
    let mut given = Parameters::of(&uri);
    let (since, until) = given.window();
    let query = UnmatchedQuery {
        carrier: given.one("carrier"),
        carrier_message_id: given.one("carrier_message_id"),
        to: given.one("to"),
        since,
        until,
    };
    let below = given.read("cursor", number);
    let (limit, reveal) = (given.limit(), given.flag("reveal"));
    given.finish()?;
    if reveal {
        need(&by, Right::Reveal)?;
    }
    selection::provisioned(&state.snapshot.get(), None, query.carrier.as_deref())?;
    Ok(answer::page(list(&*state.store, &query, below, limit, reveal).await?, &uri))
}

/// A page of them. It has a next one when it is full.
///
/// # Errors
/// What the store says.
pub async fn list(
    store: &dyn Store,
    query: &UnmatchedQuery,
    below: Option<i64>,
    limit: usize,
    reveal: bool,
) -> StoreResult<PageOf<UnmatchedView>> {
    let filter = UnmatchedFilter {
        carrier: query.carrier.clone().map(CarrierId),
        carrier_message_id: query.carrier_message_id.clone(),
        recipient: query.to.as_deref().map(typed),
        since: query.since,
        before: query.until,
        below,
    };
    let found = store.unmatched(&filter, limit).await?;
    Ok(answer::page_of(found, limit, |last| last.number.to_string(), |one| views::report(&one, reveal)))
}
