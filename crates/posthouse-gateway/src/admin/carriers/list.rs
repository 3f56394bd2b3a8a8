//! `GET /api/v1/carriers`: the carriers, by id.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use posthouse_api::{CarrierView, PageOf};
use posthouse_core::store::{NumberStore, StoreResult};

use super::{
    super::{
        AdminState,
        answer::{ProblemAnswer, page_behind},
        parameters::{Limit, TextCursor},
        query::PageAsked,
    },
    view,
};

/// Carriers, by id
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/carriers", tag = "provisioning", operation_id = "list_carriers",
    params(TextCursor, Limit),
    responses((status = 200, description = "A page of carriers", body = PageOf<CarrierView>))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    asked: PageAsked,
) -> Result<Response, ProblemAnswer> {
    Ok(asked.answer(list(&*state.store, asked.after.as_deref(), asked.limit).await?))
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
    Ok(page_behind(&carriers, after, limit, |one| &one.id.0, view))
}
