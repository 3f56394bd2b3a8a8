//! `GET /api/v1/mo`: messages from handsets that match, the newest first.

use super::super::parameters::{Cursor, Limit, Reveal};
use std::sync::Arc;

use axum::{Extension, extract::State, response::Response};
use http::Uri;
use posthouse_api::{MoQuery, MoView, PageOf, ProblemCode, ProblemDetails};
use posthouse_core::{
    account::AccountName,
    actor::{Actor, Right},
    address::typed,
    carrier::CarrierId,
    store::{MoFilter, Store},
};

use super::{
    super::{
        AdminState, VerbError,
        answer::{self, ProblemAnswer},
        context::{confined, need},
        messages::selection,
        query::{Parameters, in_parameter},
    },
    views,
};

/// Messages from handsets, the newest first
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/mo", tag = "mo", operation_id = "list_mo",
    params(MoQuery, Cursor, Limit, Reveal),
    responses((status = 200, description = "A page of them", body = PageOf<MoView>))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Extension(by): Extension<Actor>,
    uri: Uri,
) -> Result<Response, ProblemAnswer> {
    let mut given = Parameters::of(&uri);
    let (since, until) = given.window();
    let mut query = MoQuery {
        account: given.one("account"),
        carrier: given.one("carrier"),
        from: given.one("from"),
        since,
        until,
        unprovisioned: given.flag("unprovisioned"),
    };
    let (cursor, limit, reveal) = (given.one("cursor"), given.limit(), given.flag("reveal"));
    given.finish()?;
    query.account = confined(&by, query.account, uri.path())?;
    if reveal {
        need(&by, Right::Reveal)?;
    }
    if !query.unprovisioned {
        let (account, carrier) = (query.account.as_deref(), query.carrier.as_deref());
        selection::provisioned(&state.snapshot.get(), account, carrier)?;
    }
    Ok(answer::page(list(&*state.store, &query, cursor.as_deref(), limit, reveal).await?, &uri))
}

/// A page of them. It has a next one when it is full.
///
/// # Errors
/// The cursor is none, or what the store says.
pub async fn list(
    store: &dyn Store,
    query: &MoQuery,
    cursor: Option<&str>,
    limit: usize,
    reveal: bool,
) -> Result<PageOf<MoView>, VerbError> {
    let below = cursor.map(selection::cursor).transpose().map_err(|what| {
        let error = in_parameter("cursor", what);
        ProblemDetails::new(ProblemCode::InvalidParameter).error(error)
    })?;
    let filter = MoFilter {
        account: query.account.clone().map(AccountName),
        carrier: query.carrier.clone().map(CarrierId),
        sender: query.from.as_deref().map(typed),
        since: query.since,
        before: query.until,
        below,
        ..MoFilter::default()
    };
    let found = store.mos(&filter, limit).await?;
    Ok(answer::page_of(found, limit, |last| last.id.to_string(), |mo| views::mo(&mo, reveal)))
}
