//! `GET /api/v1/messages`: messages that match, the newest first.

use std::sync::Arc;

use axum::{Extension, extract::State, response::Response};
use http::Uri;
use posthouse_api::{MessageQuery, MessageView, PageOf, ProblemCode, ProblemDetails, ProblemError};
use posthouse_core::{
    Id,
    account::AccountName,
    actor::Actor,
    store::{MessageFilter, Store, StoreResult},
};

use super::{
    super::{
        AdminState, VerbError,
        answer::{self, ProblemAnswer},
        context::confined,
        parameters::{Cursor, Limit, Reveal},
        query::{Parameters, in_parameter},
    },
    selection, views,
};

/// What is wrong with what is no MessageID.
const NO_MESSAGE_ID: (&str, &str) = ("this is no MessageID", "write a decimal number of up to 19 digits");

/// What is asked for.
struct Asked {
    query: MessageQuery,
    filter: MessageFilter,
    limit: usize,
    reveal: bool,
}

/// Messages that match, the newest first
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/messages", tag = "messages", operation_id = "list_messages",
    params(
        MessageQuery,
        ("above" = Option<String>, Query, description = "Only MessageIDs above this one: what was accepted since, of whoever has seen it", pattern = "^[0-9]{1,18}$"),
        Cursor,
        Limit,
        Reveal
    ),
    responses((status = 200, description = "A page of messages", body = PageOf<MessageView>))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Extension(by): Extension<Actor>,
    uri: Uri,
) -> Result<Response, ProblemAnswer> {
    let mut asked = read(&uri)?;
    asked.query.account = confined(&by, asked.query.account, uri.path())?;
    asked.filter.account = asked.query.account.clone().map(AccountName);
    selection::all_provisioned(&state.snapshot.get(), &asked.query)?;
    let page = list(&*state.store, &asked.filter, asked.limit, asked.reveal).await?;
    Ok(answer::page(page, &uri))
}

/// A page of the messages that match. It has a next one when it is full.
///
/// # Errors
/// What the store says.
pub async fn list(
    store: &dyn Store,
    filter: &MessageFilter,
    limit: usize,
    reveal: bool,
) -> StoreResult<PageOf<MessageView>> {
    let messages = store.messages(filter, limit).await?;
    let view = |message| views::message(&message, reveal);
    Ok(answer::page_of(messages, limit, |last| last.id.to_string(), view))
}

/// The same by a query and a cursor as they are written.
///
/// # Errors
/// They cannot be read, or what the store says.
pub async fn find(
    store: &dyn Store,
    query: &MessageQuery,
    cursor: Option<&str>,
    limit: u16,
) -> Result<PageOf<MessageView>, VerbError> {
    let invalid = |errors| ProblemDetails::new(ProblemCode::InvalidParameter).with_errors(errors);
    let below = cursor.map(selection::cursor).transpose();
    let below = below.map_err(|what| invalid(vec![in_parameter("cursor", what)]))?;
    let filter = selection::filter(query, below, ProblemError::in_parameter);
    Ok(list(store, &filter.map_err(invalid)?, limit.into(), true).await?)
}

fn read(uri: &Uri) -> Result<Asked, ProblemDetails> {
    let mut given = Parameters::of(uri);
    let query = selection::query(&mut given);
    let below = given.read("cursor", selection::cursor);
    let above = given.read("above", |text| text.parse::<Id>().map_err(|_| NO_MESSAGE_ID));
    let (limit, reveal) = (given.limit(), given.flag("reveal"));
    let filter = match selection::filter(&query, below, ProblemError::in_parameter) {
        Ok(filter) => MessageFilter { above, ..filter },
        Err(errors) => {
            given.add(errors);
            MessageFilter::default()
        }
    };
    given.finish()?;
    Ok(Asked { query, filter, limit, reveal })
}
