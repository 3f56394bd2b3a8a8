//! `GET /api/v1/carriers`: the carriers, by id.

use super::super::openapi::Limit;
use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::Uri;
use posthouse_api::{CarrierView, PageOf};
use posthouse_core::store::{NumberStore, StoreResult};

use super::{
    super::{
        AdminState,
        answer::{self, ProblemAnswer},
        query::Parameters,
    },
    view,
};

/// Carriers, by id
#[utoipa::path(
    get, path = "/carriers", tag = "provisioning", operation_id = "list_carriers",
    params(("cursor" = Option<String>, Query, description = "`next` of the page before"), Limit),
    responses((status = 200, description = "A page of carriers", body = PageOf<CarrierView>))
)]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    uri: Uri,
) -> Result<Response, ProblemAnswer> {
    let mut given = Parameters::of(&uri);
    let (after, limit) = (given.one("cursor"), given.limit());
    given.finish()?;
    Ok(answer::page(list(&*state.store, after.as_deref(), limit).await?, &uri))
}

/// A page of them: those whose ids are behind `after`.
///
/// # Errors
/// What the store says.
pub async fn list<S: NumberStore + ?Sized>(
    store: &S,
    after: Option<&str>,
    limit: usize,
) -> StoreResult<PageOf<CarrierView>> {
    let carriers = store.without_numbers().await?.carriers;
    let mut left = carriers.iter().filter(|carrier| after.is_none_or(|after| *carrier.id.0 > *after));
    let items: Vec<_> = left.by_ref().take(limit).map(view).collect();
    let next = left.next().and(items.last()).map(|last| last.id.clone());
    Ok(PageOf { items, next })
}
