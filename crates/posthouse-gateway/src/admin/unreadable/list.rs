//! `GET /api/v1/unreadable`: the requests of carriers that could not be read, the newest first.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::Uri;
use posthouse_api::{PageOf, UnreadableQuery, UnreadableRequest};
use posthouse_core::{
    carrier::CarrierId,
    store::{Store, StoreResult},
};

use super::{
    super::{
        AdminState,
        answer::{self, ProblemAnswer},
        not_provisioned,
        query::{NO_CURSOR, Parameters},
    },
    views,
};

/// Requests of carriers that could not be read, the newest first
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/unreadable", tag = "unreadable", operation_id = "list_unreadable",
    params(UnreadableQuery),
    responses((status = 200, description = "A page of requests", body = PageOf<UnreadableRequest>))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    uri: Uri,
) -> Result<Response, ProblemAnswer> {
    let number = |text: &str| text.parse::<i64>().map_err(|_| NO_CURSOR);
    let mut given = Parameters::of(&uri);
    let carrier = given.one("carrier").map(CarrierId);
    let (below, limit) = (given.read("cursor", number), given.limit());
    given.finish()?;
    if let Some(carrier) = &carrier
        && state.snapshot.get().carrier(carrier).is_none()
    {
        return Err(not_provisioned("carrier", carrier.as_str()).into());
    }
    Ok(answer::page(list(&*state.store, carrier.as_ref(), below, limit).await?, &uri))
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
) -> StoreResult<PageOf<UnreadableRequest>> {
    let kept = store.unreadable(carrier, below, limit).await?;
    Ok(answer::page_of(kept, limit, |last| last.number.to_string(), |kept| views::request(&kept, false)))
}
