//! `GET /api/v1/accounts`: the accounts, by name.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use posthouse_api::{AccountView, PageOf};
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

/// Accounts, by name
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/accounts", tag = "provisioning", operation_id = "list_accounts",
    params(TextCursor, Limit),
    responses((status = 200, description = "A page of accounts", body = PageOf<AccountView>))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    asked: PageAsked,
) -> Result<Response, ProblemAnswer> {
    Ok(asked.answer(list(&*state.store, asked.after.as_deref(), asked.limit).await?))
}

/// A page of them: those whose names are behind `after`.
///
/// # Errors
/// What the store says.
pub async fn list<S: NumberStore + ?Sized>(
    store: &S,
    after: Option<&str>,
    limit: usize,
) -> StoreResult<PageOf<AccountView>> {
    let accounts = store.without_numbers().await?.accounts;
    Ok(page_behind(&accounts, after, limit, |one| &one.name.0, view))
}
