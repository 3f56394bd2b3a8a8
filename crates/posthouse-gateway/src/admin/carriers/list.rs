//! `GET /api/v1/carriers`: the carriers, by id.

use super::super::parameters::Limit;
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
    Ok(answer::page_behind(&carriers, after, limit, |one| &one.id.0, view))
}
