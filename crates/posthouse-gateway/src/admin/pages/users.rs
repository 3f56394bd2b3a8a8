//! Users, who is signed in, and tokens.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, Request, State},
    response::Response,
};
use http::{HeaderMap, Uri, header};
use posthouse_api::{
    IssuedLink, IssuedToken, PageOf, ProblemCode, ProblemDetails, Revoked, RoleRequest, SessionEnded,
    SessionView, TokenRequest, TokenView, UserRemoved, UserRequest, UserView,
};
use posthouse_core::actor::Actor;

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

/// Where they are.
const PLACE: &str = "/users";

#[derive(Template)]
#[template(path = "users.html")]
struct UsersPage {
    frame: Frame,
    users: PageOf<UserView>,
    sessions: PageOf<SessionView>,
    tokens: PageOf<TokenView>,
    /// What is told this once.
    told: Option<Told>,
}

/// A secret that is told this once.
struct Told {
    heading: String,
    secret: String,
    what: &'static str,
}

pub(super) async fn handle(State(pages): State<Arc<PageState>>, by: SignedIn, uri: Uri) -> Response {
    shown(&pages, &by, uri.query().unwrap_or_default(), None).await
}

async fn shown(pages: &PageState, by: &SignedIn, asked: &str, told: Option<Told>) -> Response {
    let frame = Frame::of(&by.visitor, PLACE);
    let page = |name| match field(asked.as_bytes(), name) {
        Some(cursor) => format!("?{}", query([("cursor", cursor.as_str())])),
        None => String::new(),
    };
    let users = pages.api.get(&by.actor, &format!("/users{}", page("users"))).await;
    let sessions = pages.api.get(&by.actor, &format!("/sessions{}", page("sessions"))).await;
    let tokens = pages.api.get(&by.actor, &format!("/tokens{}", page("tokens"))).await;
    match (users, sessions, tokens) {
        (Ok(users), Ok(sessions), Ok(tokens)) => ok(&UsersPage { frame, users, sessions, tokens, told }),
        (Err(problem), ..) | (_, Err(problem), _) | (.., Err(problem)) => frame.trouble(&problem),
    }
}

/// Adds a user or a token.
pub(super) async fn add(
    State(pages): State<Arc<PageState>>,
    by: SignedIn,
    Path(kind): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let form = body::bytes(request.into_body()).await;
    let text = |name| field(&form, name).unwrap_or_default().trim().to_owned();
    let (name, role) = (text("name"), text("role"));
    let told = match kind.as_str() {
        "user" => {
            let asked = pages.api.post(&by.actor, "/users", &UserRequest { name, role }).await;
            asked.map(|issued| of_link(issued, &headers))
        }
        "token" => {
            let request = TokenRequest { name, role, expires_at: None };
            pages.api.post::<IssuedToken>(&by.actor, "/tokens", &request).await.map(|issued| Told {
                heading: words::token_of(&issued.view.name),
                secret: issued.token,
                what: words::TOKEN_IS_TOLD_ONCE,
            })
        }
        other => Err(no_verb(other)),
    };
    match told {
        Ok(told) => shown(&pages, &by, "", Some(told)).await,
        Err(problem) => Frame::of(&by.visitor, PLACE).trouble(&problem),
    }
}

/// Changes, resets or removes a user, ends a session, or revokes a token.
pub(super) async fn act(
    State(pages): State<Arc<PageState>>,
    by: SignedIn,
    Path((name, verb)): Path<(String, String)>,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let form = body::bytes(request.into_body()).await;
    let (api, actor, name) = (&pages.api, &by.actor, segment(&name));
    let done = match verb.as_str() {
        "reset" => {
            let nothing = serde_json::Map::new();
            match api.post::<IssuedLink>(actor, &format!("/users/{name}/reset"), &nothing).await {
                Ok(issued) => return shown(&pages, &by, "", Some(of_link(issued, &headers))).await,
                Err(problem) => Err(problem),
            }
        }
        "role" => {
            let request = RoleRequest { role: field(&form, "role").unwrap_or_default().trim().to_owned() };
            api.patch::<UserView>(actor, &format!("/users/{name}"), &request).await.map(drop)
        }
        _ => removed(&pages, actor, &name, &verb).await,
    };
    match done {
        Ok(()) => see_other(PLACE),
        Err(problem) => Frame::of(&by.visitor, PLACE).trouble(&problem),
    }
}

async fn removed(pages: &PageState, actor: &Actor, name: &str, verb: &str) -> Result<(), ProblemDetails> {
    let api = &pages.api;
    match verb {
        "remove" => api.delete::<UserRemoved>(actor, &format!("/users/{name}")).await.map(drop),
        "end" => api.delete::<SessionEnded>(actor, &format!("/sessions/{name}")).await.map(drop),
        "revoke" => api.delete::<Revoked>(actor, &format!("/tokens/{name}")).await.map(drop),
        other => Err(no_verb(other)),
    }
}

fn no_verb(verb: &str) -> ProblemDetails {
    ProblemDetails::new(ProblemCode::NotFound).detail(format!("there is nothing to {verb} here"))
}

/// The link as it is passed on: whole, where the browser says where it is.
fn of_link(issued: IssuedLink, headers: &HeaderMap) -> Told {
    let here = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    let here = here.filter(|origin| origin.contains("://")).unwrap_or_default();
    Told {
        heading: words::link_of(&issued.view.name),
        secret: format!("{here}{}", issued.link),
        what: words::LINK_IS_TOLD_ONCE,
    }
}
