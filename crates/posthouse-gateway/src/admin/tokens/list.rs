//! `GET /api/v1/tokens`: the tokens that there are, without their texts.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use posthouse_api::{PageOf, TokenView};
use posthouse_core::store::{Store, StoreResult};

use super::{
    super::{
        AdminState,
        answer::{ProblemAnswer, page_of},
        parameters::{Limit, TextCursor},
        query::PageAsked,
    },
    view,
};

/// Tokens of principals, without their texts
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/tokens", tag = "tokens", operation_id = "list_tokens",
    params(TextCursor, Limit),
    responses((status = 200, description = "A page of tokens, by id", body = PageOf<TokenView>))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    asked: PageAsked,
) -> Result<Response, ProblemAnswer> {
    Ok(asked.answer(list(&*state.store, asked.after.as_deref(), asked.limit).await?))
}

/// A page of them, by id: those behind `after`. It has a next one when it is full.
///
/// # Errors
/// What the store says.
pub async fn list(store: &dyn Store, after: Option<&str>, limit: usize) -> StoreResult<PageOf<TokenView>> {
    let tokens = store.tokens(after, limit).await?;
    Ok(page_of(tokens, limit, |last| last.id.clone(), view))
}
