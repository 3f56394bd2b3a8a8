//! The keys of an account: VASPIDs and passwords, when each was last used, new ones, and the end of old ones.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, Request, State},
    response::Response,
};
use http::{StatusCode as HttpStatus, Uri};
use posthouse_api::{
    AccountView, ChangeMade, IssuedKey, KeyKind, KeyRequest, KeyView, PageOf, ProblemDetails,
};
use posthouse_core::actor::Right;

use super::{
    PageState,
    ask::{query, segment},
    forms::SentForm,
    frame::{Frame, html, ok},
    see_other,
    sessions::SignedIn,
    sign_in::field,
    words,
};

/// Where they are.
const PLACE: &str = "/keys";

#[derive(Template)]
#[template(path = "keys.html")]
struct KeysPage {
    frame: Frame,
    is_own: bool,
    /// Whose they are; `None`: that is to be chosen.
    account: Option<String>,
    choices: Vec<String>,
    items: Vec<KeyView>,
    may: bool,
    /// The text of a key that was made just now, with what kind it is.
    told: Option<(&'static str, String)>,
    done: Option<&'static str>,
    fault: Option<String>,
}

pub(super) async fn handle(State(pages): State<Arc<PageState>>, by: SignedIn, uri: Uri) -> Response {
    let asked = |name| field(uri.query().unwrap_or_default().as_bytes(), name);
    let mut page = page(&by, asked("account"));
    page.done = asked("done").and_then(|verb| words::done(PLACE, &verb));
    match listed(&pages, &by, &mut page).await {
        Ok(()) => ok(&page),
        Err(problem) => page.frame.trouble(&problem),
    }
}

fn page(by: &SignedIn, account: Option<String>) -> KeysPage {
    let own = by.actor.account().map(|own| own.0.clone());
    KeysPage {
        frame: Frame::of(&by.visitor, PLACE),
        is_own: own.is_some(),
        account: own.or_else(|| account.filter(|account| !account.is_empty())),
        choices: Vec::new(),
        items: Vec::new(),
        may: by.actor.may(Right::Keys),
        told: None,
        done: None,
        fault: None,
    }
}

async fn listed(pages: &PageState, by: &SignedIn, page: &mut KeysPage) -> Result<(), ProblemDetails> {
    match &page.account {
        Some(account) => {
            let path = format!("/accounts/{}/keys", segment(account));
            page.items = pages.api.get::<PageOf<KeyView>>(&by.actor, &path).await?.items;
        }
        None => {
            let accounts = pages.api.get::<PageOf<AccountView>>(&by.actor, "/accounts?limit=200").await?;
            page.choices = accounts.items.into_iter().map(|account| account.name).collect();
        }
    }
    Ok(())
}

/// Gives the account another key, and tells its text this once.
pub(super) async fn add(State(pages): State<Arc<PageState>>, by: SignedIn, request: Request) -> Response {
    let form = match SentForm::read(request).await {
        Ok(form) => form,
        Err(problem) => return Frame::of(&by.visitor, PLACE).trouble(&problem),
    };
    let mut page = page(&by, form.filled("account"));
    let Some(account) = page.account.clone() else { return see_other(PLACE) };
    let kind = if form.text("kind") == "password" { KeyKind::Password } else { KeyKind::Vaspid };
    let request = KeyRequest {
        kind,
        value: form.filled("value"),
        username: form.filled("username").filter(|_| kind == KeyKind::Password),
        overlap: form.filled("overlap"),
    };
    let actor = by.actor.clone().because(&form.text("reason"));
    let path = format!("/accounts/{}/keys", segment(&account));
    match pages.api.post::<IssuedKey>(&actor, &path, &request).await {
        Ok(issued) => {
            let kind = if kind == KeyKind::Password { "password" } else { "VASPID" };
            page.done = words::done(PLACE, "add");
            page.told = issued.value.map(|value| (kind, value));
        }
        Err(problem) if matches!(problem.status, 400 | 409) => page.fault = Some(problem.to_string()),
        Err(problem) => return page.frame.trouble(&problem),
    }
    let status = if page.fault.is_some() { HttpStatus::BAD_REQUEST } else { HttpStatus::OK };
    match listed(&pages, &by, &mut page).await {
        Ok(()) => html(status, &page),
        Err(problem) => page.frame.trouble(&problem),
    }
}

/// Ends a key.
pub(super) async fn remove(
    State(pages): State<Arc<PageState>>,
    by: SignedIn,
    Path(key): Path<String>,
    request: Request,
) -> Response {
    let form = match SentForm::read(request).await {
        Ok(form) => form,
        Err(problem) => return Frame::of(&by.visitor, PLACE).trouble(&problem),
    };
    let page = page(&by, form.filled("account"));
    let Some(account) = page.account else { return see_other(PLACE) };
    let path = format!("/accounts/{}/keys/{}", segment(&account), segment(&key));
    match pages.api.delete::<ChangeMade>(&by.actor, &path).await {
        Ok(_) => {
            see_other(&format!("{PLACE}?{}", query([("account", account.as_str()), ("done", "remove")])))
        }
        Err(problem) => page.frame.trouble(&problem),
    }
}
