//! `GET /api/v1/messages/{id}/exchanges`: what captures have of one message.

use std::sync::Arc;

use axum::extract::{Path, State};
use http::Uri;
use posthouse_api::{CapturedExchange, PageOf};

use super::{
    super::{
        AdminState,
        answer::{JsonAnswer, ProblemAnswer},
        captures::exchange_view,
        query::Parameters,
    },
    id_of, no_message,
};

/// How many are told: as many as a page of a capture has. A message has one for each attempt, each report and each try of a callback.
const MOST: usize = 50;

/// Requests and answers about one message, as captures on this node have them
///
/// What its VASP sent, each attempt, the reports of its carrier and each callback, the oldest first, at most 50; none where nobody
/// captures. What more than one capture has is told once. A carrier's reports are in captures of that carrier; one that came before the
/// carrier's MessageID was known is in the capture alone.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/messages/{id}/exchanges", tag = "messages", operation_id = "list_exchanges",
    params(("id" = String, Path, description = "The MessageID")),
    responses((status = 200, description = "All of them; there is no further page", body = PageOf<CapturedExchange>))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<JsonAnswer<PageOf<CapturedExchange>>, ProblemAnswer> {
    Parameters::of(&uri).finish()?;
    let id = id_of(&id)?;
    if state.store.message(id).await?.is_none() {
        return Err(no_message(id).into());
    }
    let found = state.metrics.captures().about(id, MOST);
    let items = found.into_iter().map(|(capture, exchange)| exchange_view(capture, exchange)).collect();
    Ok(JsonAnswer(PageOf { items, next: None }))
}
