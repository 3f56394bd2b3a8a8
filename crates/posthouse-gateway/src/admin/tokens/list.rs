//! `GET /api/v1/tokens`: the tokens that there are, without their texts.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::Uri;
use posthouse_api::{PageOf, TokenView};
use posthouse_core::store::{Store, StoreResult};

use super::{
    super::{
        AdminState,
        answer::{self, ProblemAnswer},
        parameters::Limit,
        query::Parameters,
    },
    view,
};

/// Tokens of principals, without their texts
#[utoipa::path(
    get, path = "/tokens", tag = "tokens", operation_id = "list_tokens",
    params(("cursor" = Option<String>, Query, description = "`next` of the page before"), Limit),
    responses((status = 200, description = "A page of tokens, by id", body = PageOf<TokenView>))
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

/// A page of them, by id: those behind `after`. It has a next one when it is full.
///
/// # Errors
/// What the store says.
pub async fn list(store: &dyn Store, after: Option<&str>, limit: usize) -> StoreResult<PageOf<TokenView>> {
    let tokens = store.tokens(after, limit).await?;
    let is_full = tokens.len() == limit;
    let next = tokens.last().filter(|_| is_full).map(|last| last.id.clone());
    Ok(PageOf { items: tokens.into_iter().map(view).collect(), next })
}
