//! The sandbox: what the handset of a sandbox account shows, and messages from it.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, Request, State},
    response::Response,
};
use http::Uri;
use posthouse_api::{
    AccountView, PageOf, SandboxClear, SandboxCleared, SandboxDelivered, SandboxDelivery, SandboxMessage,
};

use super::{
    super::body,
    PageState,
    ask::query,
    frame::{Frame, ok},
    see_other,
    sessions::SignedIn,
    sign_in::field,
    words,
};

#[derive(Template)]
#[template(path = "sandbox.html")]
struct SandboxPage {
    frame: Frame,
    /// Whose it is; `None`: that is to be chosen.
    account: Option<String>,
    /// The accounts that have one, to choose from.
    choices: Vec<String>,
    to: String,
    items: Vec<SandboxMessage>,
    next: Option<String>,
    done: Option<&'static str>,
    /// What these numbers do.
    numbers: &'static [(&'static str, &'static str)],
}

pub(super) async fn handle(State(pages): State<Arc<PageState>>, by: SignedIn, uri: Uri) -> Response {
    let frame = Frame::of(&by.visitor, "/sandbox");
    let asked = |name: &str| field(uri.query().unwrap_or_default().as_bytes(), name);
    let own = by.actor.account().map(|account| account.0.clone());
    let account = own.or_else(|| asked("account").filter(|account| !account.is_empty()));
    let to = asked("to").unwrap_or_default();
    let done = asked("done").and_then(|verb| words::done("/sandbox", &verb));
    let mut page = SandboxPage {
        frame,
        account,
        choices: Vec::new(),
        to,
        items: Vec::new(),
        next: None,
        done,
        numbers: words::SANDBOX_NUMBERS,
    };
    let found = match &page.account {
        None => {
            pages.api.get::<PageOf<AccountView>>(&by.actor, "/accounts?limit=200").await.map(|accounts| {
                let sandboxes = accounts.items.into_iter().filter(|account| account.status == "sandbox");
                page.choices = sandboxes.map(|account| account.name).collect();
            })
        }
        Some(account) => {
            let cursor = asked("cursor").unwrap_or_default();
            let filters = [("account", account.as_str()), ("to", &page.to), ("cursor", &cursor)];
            let filters = query(filters.into_iter().filter(|(_, value)| !value.is_empty()));
            let path = format!("/sandbox/messages?{filters}");
            pages.api.get::<PageOf<SandboxMessage>>(&by.actor, &path).await.map(|found| {
                (page.items, page.next) = (found.items, found.next);
            })
        }
    };
    match found {
        Ok(()) => ok(&page),
        Err(problem) => page.frame.trouble(&problem),
    }
}

/// Clears an inbox, or has its handset write.
pub(super) async fn act(
    State(pages): State<Arc<PageState>>,
    by: SignedIn,
    Path(verb): Path<String>,
    request: Request,
) -> Response {
    let form = body::bytes(request.into_body()).await;
    let value = |name: &str| field(&form, name).filter(|value| !value.is_empty());
    let account = value("account");
    let done = match verb.as_str() {
        "clear" => {
            let request = SandboxClear { account: account.clone() };
            pages.api.post::<SandboxCleared>(&by.actor, "/sandbox/clear", &request).await.map(drop)
        }
        "deliver" => {
            let request = SandboxDelivery {
                account: account.clone(),
                from: value("from").unwrap_or_default(),
                to: value("to"),
                subject: value("subject"),
                text: value("text").unwrap_or_default(),
            };
            pages.api.post::<SandboxDelivered>(&by.actor, "/sandbox/deliver", &request).await.map(drop)
        }
        _ => Err(words::no_verb("a sandbox", &verb)),
    };
    match done {
        Ok(()) => {
            let account = account.unwrap_or_default();
            see_other(&format!(
                "/sandbox?{}",
                query([("account", account.as_str()), ("done", verb.as_str())])
            ))
        }
        Err(problem) => Frame::of(&by.visitor, "/sandbox").trouble(&problem),
    }
}
