//! `GET /api/v1/mo/for-nobody`: messages from handsets that were for no service that is provisioned, the newest first.

use super::super::parameters::{Cursor, Limit, Reveal};
use std::sync::Arc;

use axum::{Extension, extract::State, response::Response};
use http::Uri;
use posthouse_api::{ForNobodyView, PageOf};
use posthouse_core::{
    actor::{Actor, Right},
    carrier::CarrierId,
    store::{Store, StoreResult},
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

/// Messages from handsets that were for no account, the newest first
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/mo/for-nobody", tag = "mo", operation_id = "list_mo_for_nobody",
    params(("carrier" = Option<String>, Query, description = "Only from this carrier"), Cursor, Limit, Reveal),
    responses((status = 200, description = "A page of them", body = PageOf<ForNobodyView>))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Extension(by): Extension<Actor>,
    uri: Uri,
) -> Result<Response, ProblemAnswer> {
    let number = |text: &str| text.parse::<i64>().map_err(|_| NO_CURSOR);
    let mut given = Parameters::of(&uri);
    let (carrier, below) = (given.one("carrier"), given.read("cursor", number));
    let (limit, reveal) = (given.limit(), given.flag("reveal"));
    given.finish()?;
    if reveal {
        need(&by, Right::Reveal)?;
    }
    selection::provisioned(&state.snapshot.get(), None, carrier.as_deref())?;
    let carrier = carrier.map(CarrierId);
    Ok(answer::page(list(&*state.store, carrier.as_ref(), below, limit, reveal).await?, &uri))
}

/// A page of them. It has a next one when it is full.
///
/// # Errors
/// What the store says.
pub async fn list(
    store: &dyn Store,
    carrier: Option<&CarrierId>,
    below: Option<i64>,
    limit: usize,
    reveal: bool,
) -> StoreResult<PageOf<ForNobodyView>> {
    let found = store.for_nobody(carrier, below, limit).await?;
    let view = |(number, mo): (i64, _)| views::for_nobody(number, &mo, reveal);
    Ok(answer::page_of(found, limit, |(number, _)| number.to_string(), view))
}
