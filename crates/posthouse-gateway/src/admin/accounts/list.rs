//! `GET /api/v1/accounts`: the accounts, by name.

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
    let mut left = accounts.iter().filter(|account| after.is_none_or(|after| *account.name.0 > *after));
    let items: Vec<_> = left.by_ref().take(limit).map(view).collect();
    let next = left.next().and(items.last()).map(|last| last.name.clone());
    Ok(PageOf { items, next })
}
