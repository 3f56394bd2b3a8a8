//! The first page of an account's own people: how their callbacks do, what was refused, what they sent last.

use askama::Template;
use axum::response::Response;
use posthouse_api::{AccountView, EndpointView, MessageView, PageOf, RefusalView};
use posthouse_core::account::AccountName;

use super::{
    PageState,
    ask::{query, segment},
    frame::{Frame, ok},
    sessions::SignedIn,
    words,
};

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage {
    frame: Frame,
    account: AccountView,
    endpoint: Option<EndpointView>,
    messages: Vec<MessageView>,
    refusals: Option<Vec<RefusalView>>,
    says: Vec<(&'static str, String, &'static str)>,
}

/// The page of this account.
pub(super) async fn of_account(pages: &PageState, by: SignedIn, own: &AccountName) -> Response {
    let frame = Frame::of(&by.visitor, "/");
    let account = pages.api.get::<AccountView>(&by.actor, &format!("/accounts/{}", segment(&own.0))).await;
    let endpoints = format!("/endpoints?{}", query([("account", own.0.as_str())]));
    let endpoints = pages.api.get::<PageOf<EndpointView>>(&by.actor, &endpoints).await;
    let messages = pages.api.get::<PageOf<MessageView>>(&by.actor, "/messages?limit=10").await;
    let refusals = pages.api.get::<PageOf<RefusalView>>(&by.actor, "/refusals?limit=5").await;
    // They are not there as long as no verb shows them to an account.
    let refusals = match refusals {
        Err(problem) if problem.status == 404 => Ok(None),
        other => other.map(|page| Some(page.items)),
    };
    let (account, endpoint, messages, refusals) = match (account, endpoints, messages, refusals) {
        (Ok(account), Ok(endpoints), Ok(messages), Ok(refusals)) => {
            (account, endpoints.items.into_iter().next(), messages.items, refusals)
        }
        (Err(problem), ..) | (_, Err(problem), ..) | (.., Err(problem), _) | (.., Err(problem)) => {
            return frame.trouble(&problem);
        }
    };
    let says = words::of_account(&account, endpoint.as_ref(), refusals.iter().flatten().next());
    ok(&HomePage { frame, account, endpoint, messages, refusals, says })
}
