//! Accounts: what each may do, and how it fares.

use std::{collections::BTreeMap, sync::Arc};

use askama::Template;
use axum::{
    extract::{Path, Request, State},
    response::Response,
};
use http::{Method, Uri};
use jiff::{SignedDuration, Timestamp};
use posthouse_api::{
    AccountQueue, AccountView, ChangeMade, EndpointView, MessageShare, MessageSummary, PageOf,
    ProblemDetails, RefusalView,
};
use posthouse_core::actor::Right;

use super::{
    super::body,
    PageState,
    ask::{query, segment},
    frame::{Frame, ok},
    see_other,
    sessions::SignedIn,
    sign_in::field,
    words::{self, Fact},
};

/// How far back an account's messages are counted: those of a whole day are looked at one by one where there are millions of others'.
const COUNTED: SignedDuration = SignedDuration::from_hours(1);

#[derive(Template)]
#[template(path = "accounts.html")]
struct AccountsPage {
    frame: Frame,
    items: Vec<(AccountView, Option<AccountQueue>)>,
    next: Option<String>,
}

pub(super) async fn list(State(pages): State<Arc<PageState>>, by: SignedIn, uri: Uri) -> Response {
    let frame = Frame::of(&by.visitor, "/accounts");
    let cursor = field(uri.query().unwrap_or_default().as_bytes(), "cursor");
    let cursor = cursor.map(|cursor| format!("?{}", query([("cursor", &*cursor)]))).unwrap_or_default();
    let accounts = pages.api.get::<PageOf<AccountView>>(&by.actor, &format!("/accounts{cursor}")).await;
    let queues = pages.api.get::<PageOf<AccountQueue>>(&by.actor, "/queues?by=account").await;
    match (accounts, queues) {
        (Ok(accounts), Ok(queues)) => {
            let mut of: BTreeMap<String, AccountQueue> =
                queues.items.into_iter().map(|queue| (queue.account.clone(), queue)).collect();
            let with_queue = |account: AccountView| {
                let queue = of.remove(&account.name);
                (account, queue)
            };
            let items = accounts.items.into_iter().map(with_queue).collect();
            ok(&AccountsPage { frame, items, next: accounts.next })
        }
        (Err(problem), _) | (_, Err(problem)) => frame.trouble(&problem),
    }
}

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    frame: Frame,
    account: AccountView,
    facts: Vec<Fact>,
    endpoint: Option<EndpointView>,
    /// How what was accepted in a day stands or ended; or why that is not known.
    traffic: Result<Vec<MessageShare>, String>,
    refusals: Vec<RefusalView>,
    document: String,
    may_disable: bool,
    may_provision: bool,
    may_submit: bool,
    may_capture: bool,
    /// What was just done, as a sentence.
    done: Option<&'static str>,
}

pub(super) async fn one(
    State(pages): State<Arc<PageState>>,
    by: SignedIn,
    Path(name): Path<String>,
    uri: Uri,
) -> Response {
    let done = field(uri.query().unwrap_or_default().as_bytes(), "done");
    let done = done.and_then(|verb| words::done("/accounts", &verb));
    let frame = Frame::of(&by.visitor, "/accounts");
    match shown(&pages, &by, &name).await {
        Ok(page) => ok(&AccountPage { frame, done, ..page }),
        Err(problem) => frame.trouble(&problem),
    }
}

async fn shown(pages: &PageState, by: &SignedIn, name: &str) -> Result<AccountPage, ProblemDetails> {
    let api = &pages.api;
    let account: AccountView = api.get(&by.actor, &format!("/accounts/{}", segment(name))).await?;
    let of = query([("account", name)]);
    let queues: PageOf<AccountQueue> = api.get(&by.actor, &format!("/queues?by=account&{of}")).await?;
    let endpoints: PageOf<EndpointView> = api.get(&by.actor, "/endpoints").await?;
    let since = pages.admin.clock.now().checked_sub(COUNTED).unwrap_or(Timestamp::MIN).to_string();
    let window = query([("account", name), ("since", &*since)]);
    let traffic = api.get::<MessageSummary>(&by.actor, &format!("/messages/summary?by=state&{window}")).await;
    let refusals: PageOf<RefusalView> = api.get(&by.actor, &format!("/refusals?limit=5&{of}")).await?;
    Ok(AccountPage {
        frame: Frame::of(&by.visitor, "/accounts"),
        facts: words::facts_of_account(&account, queues.items.first()),
        endpoint: endpoints.items.into_iter().find(|one| one.account == name),
        traffic: traffic.map(|counted| counted.items).map_err(|problem| problem.to_string()),
        refusals: refusals.items,
        document: serde_json::to_string_pretty(&account.document).unwrap_or_default(),
        may_disable: by.actor.may(Right::Disable),
        may_provision: by.actor.may(Right::Provision),
        may_submit: by.actor.may(Right::Submit),
        may_capture: by.actor.may(Right::Capture),
        done: None,
        account,
    })
}

/// Disables an account, enables it, or changes who it may send as; leads back to it.
pub(super) async fn act(
    State(pages): State<Arc<PageState>>,
    by: SignedIn,
    Path((name, verb)): Path<(String, String)>,
    request: Request,
) -> Response {
    let form = body::bytes(request.into_body()).await;
    let actor = by.actor.clone().because(&field(&form, "reason").unwrap_or_default());
    let path = format!("/accounts/{}", segment(&name));
    let done = match verb.as_str() {
        "disable" | "enable" => {
            pages.api.send::<ChangeMade>(&actor, Method::POST, &format!("{path}/{verb}")).await
        }
        "senders" => {
            let text = |name: &str| field(&form, name).unwrap_or_default().trim().to_owned();
            let (vasid, sender) = (segment(&text("vasid")), segment(&text("sender")));
            let method = if text("do") == "remove" { Method::DELETE } else { Method::PUT };
            pages.api.send(&actor, method, &format!("{path}/services/{vasid}/senders/{sender}")).await
        }
        _ => Err(words::no_verb("an account", &verb)),
    };
    match done {
        Ok(_) => see_other(&format!("{path}?done={verb}")),
        Err(problem) => Frame::of(&by.visitor, "/accounts").trouble(&problem),
    }
}
