//! `GET /api/v1/accounts`: the accounts, by name.

use super::super::parameters::Limit;
use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::Uri;
use posthouse_api::{AccountView, PageOf};
use posthouse_core::store::{NumberStore, StoreResult};

use super::{
    super::{
        AdminState,
        answer::{self, ProblemAnswer},
        query::Parameters,
    },
    view,
};

/// Accounts, by name
#[utoipa::path(
    get, path = "/accounts", tag = "provisioning", operation_id = "list_accounts",
    params(("cursor" = Option<String>, Query, description = "`next` of the page before"), Limit),
    responses((status = 200, description = "A page of accounts", body = PageOf<AccountView>))
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
    Ok(answer::page_behind(&accounts, after, limit, |one| &one.name.0, view))
}
