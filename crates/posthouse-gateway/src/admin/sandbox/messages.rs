//! `GET /api/v1/sandbox/messages`: the inbox of a sandbox, the newest first.

use std::sync::Arc;

use axum::{Extension, extract::State, response::Response};
use http::Uri;
use jiff::Timestamp;
use posthouse_api::{PageOf, SandboxMessage};
use posthouse_core::{
    actor::Actor,
    address::typed,
    audit::{AuditFilter, AuditVerb},
    carrier::{CarrierId, SANDBOX},
    life::state::{State as MessageState, Terminal},
    message::StoredMessage,
    store::{MessageFilter, Store, StoreResult},
};

use super::{
    super::{
        AdminState, VerbError,
        answer::{self, ProblemAnswer},
        messages::{
            content::{media_of, preview},
            selection,
        },
        parameters::{Cursor, Limit},
        query::Parameters,
    },
    account_of,
};

/// The most messages of a page: each brings its content.
const MOST: usize = 20;

/// The inbox of a sandbox, the newest first
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/sandbox/messages", tag = "sandbox", operation_id = "list_sandbox_messages",
    params(
        ("account" = Option<String>, Query, description = "Whose sandbox; an account's own people need not say"),
        ("to" = Option<String>, Query, description = "Only to this number"), Cursor, Limit),
    responses(
        (status = 200, description = "A page of at most 20 messages, with what the handset shows", body = PageOf<SandboxMessage>),
        (status = 409, description = "The account is no sandbox"))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Extension(by): Extension<Actor>,
    uri: Uri,
) -> Result<Response, ProblemAnswer> {
    let mut given = Parameters::of(&uri);
    let (account, to) = (given.one("account"), given.one("to"));
    let below = given.read("cursor", selection::cursor);
    let limit = given.limit().min(MOST);
    given.finish()?;
    let account = account_of(&state, &by, account, uri.path())?;
    let filter = MessageFilter {
        since: cleared_at(&*state.store, &account.name.0).await?,
        below,
        recipient: to.as_deref().map(typed),
        account: Some(account.name.clone()),
        carrier: Some(CarrierId(SANDBOX.to_owned())),
        ..MessageFilter::default()
    };
    let messages = state.store.messages(&filter, limit).await?;
    let next = messages.last().filter(|_| messages.len() == limit).map(|last| last.id.to_string());
    let mut items = Vec::new();
    for message in &messages {
        items.push(view(&*state.store, message).await?);
    }
    Ok(answer::page(PageOf { items, next }, &uri))
}

/// When the inbox was cleared last: the audit has it.
async fn cleared_at(store: &dyn Store, account: &str) -> StoreResult<Option<Timestamp>> {
    let filter = AuditFilter {
        verb: Some(AuditVerb::ClearSandbox.to_string()),
        target: Some(account.to_owned()),
        ..AuditFilter::default()
    };
    Ok(store.audit(&filter, 1).await?.first().map(|row| row.entry.at))
}

async fn view(store: &dyn Store, message: &StoredMessage) -> Result<SandboxMessage, VerbError> {
    let submission = &message.submission;
    let is_there = message.state == MessageState::Ended(Terminal::Retrieved);
    let shown = match is_there {
        true => {
            let media = media_of(store, message.id, &submission.parts).await?;
            Some(preview(submission.subject.clone(), media).await?)
        }
        false => None,
    };
    Ok(SandboxMessage {
        message_id: message.id.to_string(),
        state: message.state.as_str().to_owned(),
        reason: message.reason.map(|reason| reason.to_string()),
        from: submission.sender.clone(),
        to: submission.recipient.as_str().to_owned(),
        accepted_at: message.accepted_at,
        shown,
    })
}
