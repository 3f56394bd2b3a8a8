//! `GET /api/v1/messages/summary`: how many messages match, told apart by state, carrier, code and account.

use std::sync::Arc;

use axum::{Extension, extract::State};
use http::Uri;
use jiff::Timestamp;
use posthouse_api::{
    MAX_PAGE, MessageQuery, MessageShare, MessageSummary, ProblemCode, ProblemDetails, ProblemError,
};
use posthouse_core::{
    actor::Actor,
    store::{CountBy, MessageCount, Store},
};

use super::{
    super::{
        AdminState, VerbError,
        answer::{JsonAnswer, ProblemAnswer},
        context::confined,
        query::Parameters,
    },
    count, selection,
};

/// How many messages match, told apart
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/messages/summary", tag = "messages", operation_id = "summarize_messages",
    params(MessageQuery, ("by" = Option<String>, Query, description = "By what, with commas: `state`, `carrier`, `code`, `account`", pattern = "^(state|carrier|code|account)(,(state|carrier|code|account))*$")),
    responses((status = 200, description = "How many of each", body = MessageSummary))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Extension(actor): Extension<Actor>,
    uri: Uri,
) -> Result<JsonAnswer<MessageSummary>, ProblemAnswer> {
    let mut given = Parameters::of(&uri);
    let mut query = selection::query(&mut given);
    let by = given.one("by").unwrap_or_default();
    given.finish()?;
    query.account = confined(&actor, query.account, uri.path())?;
    selection::all_provisioned(&state.snapshot.get(), &query)?;
    let by: Vec<String> = by.split(',').map(str::to_owned).collect();
    Ok(JsonAnswer(summary(&*state.store, query, &by, state.clock.now()).await?))
}

/// Counts messages by what they are told apart by, in the window that [`count`](count::count) counts.
///
/// # Errors
/// The query cannot be read, or what the store says.
pub async fn summary(
    store: &dyn Store,
    query: MessageQuery,
    by: &[String],
    now: Timestamp,
) -> Result<MessageSummary, VerbError> {
    let by = by.iter().map(|name| told_apart_by(name)).collect::<Result<Vec<_>, _>>()?;
    let query = count::windowed(query, now);
    let counted = store.count(&count::filter(&query)?, &by, usize::from(MAX_PAGE)).await?;
    let items = counted.into_iter().map(share).collect();
    Ok(MessageSummary { items, next: None, since: query.since, until: query.until })
}

fn told_apart_by(name: &str) -> Result<CountBy, ProblemDetails> {
    let known = CountBy::ALL.iter().copied().find(|by| by.as_str() == name.trim());
    known.ok_or_else(|| {
        let all: Vec<_> = CountBy::ALL.iter().map(|by| by.as_str()).collect();
        ProblemDetails::new(ProblemCode::InvalidParameter).error(
            ProblemError::in_parameter("by", format!("messages are not told apart by {name:?}"))
                .with_remedy(format!("write some of {}, with commas between", all.join(", "))),
        )
    })
}

fn share(counted: MessageCount) -> MessageShare {
    MessageShare {
        state: counted.state.map(|state| state.as_str().to_owned()),
        carrier: counted.carrier.map(|carrier| carrier.0),
        code: counted.code.map(|code| code.code().into()),
        account: counted.account.map(|account| account.0),
        messages: counted.messages,
    }
}
