//! `GET /api/v1/messages/count`: how many messages match.

use std::{sync::Arc, time::Duration};

use axum::{Extension, extract::State};
use http::Uri;
use jiff::Timestamp;
use posthouse_api::{MessageQuery, MessageTotal, ProblemCode, ProblemDetails, ProblemError};
use posthouse_core::{
    actor::Actor,
    store::{MessageFilter, Store},
};

use super::{
    super::{
        AdminState, VerbError,
        answer::{JsonAnswer, ProblemAnswer},
        context::confined,
        query::Parameters,
    },
    selection,
};

/// What is counted where nothing says how far back.
const WINDOW: Duration = Duration::from_secs(24 * 60 * 60);

/// How many messages match: of the last 24 hours, unless it says which
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/messages/count", tag = "messages", operation_id = "count_messages",
    params(MessageQuery),
    responses((status = 200, description = "How many", body = MessageTotal))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Extension(by): Extension<Actor>,
    uri: Uri,
) -> Result<JsonAnswer<MessageTotal>, ProblemAnswer> {
    let mut given = Parameters::of(&uri);
    let mut query = selection::query(&mut given);
    given.finish()?;
    query.account = confined(&by, query.account, uri.path())?;
    selection::all_provisioned(&state.snapshot.get(), &query)?;
    Ok(JsonAnswer(count(&*state.store, query, state.clock.now()).await?))
}

/// Counts messages: those of the last 24 hours, unless the query says which window, or names one number or TransactionID.
///
/// # Errors
/// The query cannot be read, or what the store says.
pub async fn count(
    store: &dyn Store,
    query: MessageQuery,
    now: Timestamp,
) -> Result<MessageTotal, VerbError> {
    let query = windowed(query, now);
    let counted = store.count(&filter(&query)?, &[], 1).await?;
    let messages = counted.first().map_or(0, |counted| counted.messages);
    Ok(MessageTotal { messages, since: query.since, until: query.until })
}

/// The query, with a window.
pub(super) fn windowed(query: MessageQuery, now: Timestamp) -> MessageQuery {
    let is_narrow = query.since.is_some()
        || query.until.is_some()
        || query.to.is_some()
        || query.transaction_id.is_some();
    match is_narrow {
        true => query,
        false => MessageQuery { since: now.checked_sub(WINDOW).ok(), ..query },
    }
}

pub(super) fn filter(query: &MessageQuery) -> Result<MessageFilter, ProblemDetails> {
    let invalid = |errors| ProblemDetails::new(ProblemCode::InvalidParameter).with_errors(errors);
    selection::filter(query, None, ProblemError::in_parameter).map_err(invalid)
}
