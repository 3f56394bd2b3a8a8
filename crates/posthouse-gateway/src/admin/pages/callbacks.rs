//! Callbacks: the endpoints of accounts, what is not delivered, and what the VASP said to it.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, Request, State},
    response::Response,
};
use http::Uri;
use posthouse_api::{CallbackTries, CallbackTry, CallbackView, EndpointTested, EndpointView, PageOf};
use posthouse_core::actor::Right;

use super::{
    super::body,
    PageState,
    ask::{query, segment},
    frame::{Frame, ok},
    see_other,
    sessions::SignedIn,
    sign_in::field,
    words,
};

#[derive(Template)]
#[template(path = "callbacks.html")]
struct CallbacksPage {
    frame: Frame,
    endpoints: Vec<EndpointView>,
    items: Vec<CallbackView>,
    next: Option<String>,
    may_suspend: bool,
    may_test: bool,
    done: Option<String>,
}

pub(super) async fn list(State(pages): State<Arc<PageState>>, by: SignedIn, uri: Uri) -> Response {
    let asked = |name: &str| field(uri.query().unwrap_or_default().as_bytes(), name);
    let done = asked("done").and_then(|verb| words::done("/callbacks", &verb));
    shown(&pages, by, asked("cursor"), done.map(str::to_owned)).await
}

async fn shown(pages: &PageState, by: SignedIn, cursor: Option<String>, done: Option<String>) -> Response {
    let frame = Frame::of(&by.visitor, "/callbacks");
    let path = match cursor {
        Some(cursor) => format!("/callbacks?{}", query([("cursor", cursor.as_str())])),
        None => "/callbacks".to_owned(),
    };
    let endpoints = pages.api.get::<PageOf<EndpointView>>(&by.actor, "/endpoints").await;
    let owed = pages.api.get::<PageOf<CallbackView>>(&by.actor, &path).await;
    match (endpoints, owed) {
        (Ok(endpoints), Ok(owed)) => ok(&CallbacksPage {
            frame,
            endpoints: endpoints.items,
            items: owed.items,
            next: owed.next,
            may_suspend: by.actor.may(Right::Suspend),
            may_test: by.actor.may(Right::Resend),
            done,
        }),
        (Err(problem), _) | (_, Err(problem)) => frame.trouble(&problem),
    }
}

/// Pauses, resumes or tests an account's endpoint, or has a callback sent again.
pub(super) async fn act(
    State(pages): State<Arc<PageState>>,
    by: SignedIn,
    Path((name, verb)): Path<(String, String)>,
    request: Request,
) -> Response {
    let form = body::bytes(request.into_body()).await;
    let actor = by.actor.clone().because(&field(&form, "reason").unwrap_or_default());
    let nothing = serde_json::Map::new();
    let name = segment(&name);
    let done = match verb.as_str() {
        "pause" | "resume" => {
            let path = format!("/endpoints/{name}/{verb}");
            pages.api.post::<EndpointView>(&actor, &path, &nothing).await.map(drop)
        }
        "test" => {
            let path = format!("/endpoints/{name}/test");
            match pages.api.post::<EndpointTested>(&actor, &path, &nothing).await {
                // What was said cannot be told by the page that one is sent to.
                Ok(tested) => return shown(&pages, by, None, Some(words::of_test(&tested))).await,
                Err(problem) => Err(problem),
            }
        }
        "resend" => {
            let path = format!("/callbacks/{name}/resend");
            pages.api.post::<CallbackView>(&actor, &path, &nothing).await.map(drop)
        }
        _ => Err(words::no_verb("callbacks", &verb)),
    };
    match done {
        Ok(()) => see_other(&format!("/callbacks?done={verb}")),
        Err(problem) => Frame::of(&by.visitor, "/callbacks").trouble(&problem),
    }
}

#[derive(Template)]
#[template(path = "callback.html")]
struct CallbackPage {
    frame: Frame,
    shown: CallbackView,
    tries: Vec<CallbackTry>,
    may_resend: bool,
}

pub(super) async fn one(
    State(pages): State<Arc<PageState>>,
    by: SignedIn,
    Path(id): Path<String>,
) -> Response {
    let frame = Frame::of(&by.visitor, "/callbacks");
    let path = format!("/callbacks/{}", segment(&id));
    let shown = pages.api.get::<CallbackView>(&by.actor, &path).await;
    let tries = pages.api.get::<CallbackTries>(&by.actor, &format!("{path}/attempts")).await;
    match (shown, tries) {
        (Ok(shown), Ok(tries)) => {
            ok(&CallbackPage { frame, shown, tries: tries.items, may_resend: by.actor.may(Right::Resend) })
        }
        (Err(problem), _) | (_, Err(problem)) => frame.trouble(&problem),
    }
}
