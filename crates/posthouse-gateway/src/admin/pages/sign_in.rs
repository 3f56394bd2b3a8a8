//! Signing in with a password or a token, and out again.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Request, State},
    response::Response,
};
use http::{HeaderMap, HeaderValue, StatusCode as HttpStatus, Uri, header};
use posthouse_api::{ProblemCode, ProblemDetails};
use posthouse_core::{
    actor::{Credential, MAX_NAME},
    user::SessionOrigin,
};

use super::{
    super::{AdminState, answer::of_store, body, context},
    PageState,
    frame::{Frame, html, ok},
    see_other,
    sessions::{self, Beginning, Visitor},
    words,
};
use crate::{auth::PasswordVerdict, http::peer::Peer, secrets::vasp_hash};

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    frame: Frame,
    next: String,
    name: String,
    /// What the button says that leads to the issuer, where there is one.
    issuer: Option<String>,
    fault: Option<String>,
}

/// What a form or a query says under a name.
pub(super) fn field(encoded: &[u8], name: &str) -> Option<String> {
    form_urlencoded::parse(encoded).find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

/// Where to go once signed in: a page of ours, and nothing else.
pub(super) fn place(next: Option<String>) -> String {
    let is_ours = |next: &String| {
        next.starts_with('/') && !next.starts_with("//") && !next.contains(['\\', '\r', '\n', '\t'])
    };
    next.filter(is_ours).unwrap_or_else(|| "/".to_owned())
}

pub(super) async fn form(State(pages): State<Arc<PageState>>, visitor: Visitor, uri: Uri) -> Response {
    let next = place(field(uri.query().unwrap_or_default().as_bytes(), "next"));
    if visitor.actor.is_some() {
        return see_other(&next);
    }
    ok(&page(&pages, next))
}

fn page(pages: &PageState, next: String) -> SignInPage {
    SignInPage {
        frame: Frame::public("/sign-in"),
        next,
        name: String::new(),
        issuer: pages.oidc.as_ref().map(|issuer| issuer.section.name.clone()),
        fault: None,
    }
}

/// The page with why somebody was not signed in.
pub(super) fn refused(pages: &PageState, status: HttpStatus, next: String, fault: String) -> Response {
    html(status, &SignInPage { fault: Some(fault), ..page(pages, next) })
}

pub(super) async fn sign_in(State(pages): State<Arc<PageState>>, request: Request) -> Response {
    let (head, whole) = request.into_parts();
    let form = body::bytes(whole).await;
    let next = place(field(&form, "next"));
    let name = field(&form, "name").unwrap_or_default();
    match begun(&pages.admin, head.extensions.get::<Peer>(), &form).await {
        Ok(cookie) => with_cookie(see_other(&next), &cookie),
        Err(problem) => {
            let fault = Some(match (problem.status, field(&form, "password")) {
                (401, Some(_)) => words::WRONG_PASSWORD.to_owned(),
                (401, None) => words::WRONG_TOKEN.to_owned(),
                _ => problem.to_string(),
            });
            let status = HttpStatus::from_u16(problem.status).unwrap_or(HttpStatus::UNAUTHORIZED);
            html(status, &SignInPage { name, fault, ..page(&pages, next) })
        }
    }
}

/// A session for whoever fills in this form: its cookie.
async fn begun(admin: &AdminState, peer: Option<&Peer>, form: &[u8]) -> Result<String, ProblemDetails> {
    let peer = peer.ok_or_else(|| ProblemDetails::new(ProblemCode::Internal))?;
    let address = peer.address.ip().to_canonical();
    let beginning = match (field(form, "name"), field(form, "password")) {
        (Some(name), Some(password)) => of_user(admin, peer, &name, &password).await?,
        _ => of_token(admin, peer, field(form, "token").as_deref().unwrap_or_default()).await?,
    };
    let (name, role) = (beginning.name.clone(), beginning.role.clone());
    let cookie = sessions::begin(admin, beginning, address).await?;
    let cookie = cookie.ok_or_else(|| ProblemDetails::new(ProblemCode::Unauthorized))?;
    tracing::info!(%address, name, %role, "signed in");
    Ok(cookie)
}

/// Who has this name and password. Wrong ones are counted by name and address.
async fn of_user(
    admin: &AdminState,
    peer: &Peer,
    name: &str,
    password: &str,
) -> Result<Beginning, ProblemDetails> {
    let name = name.trim();
    let user = match name.len() <= MAX_NAME {
        true => admin.store.user(name).await.map_err(|error| of_store(&error))?,
        false => None,
    };
    let expected = user.as_ref().and_then(|user| user.password_hash.as_deref());
    let address = peer.address.ip().to_canonical();
    let verdict = admin.verifier.judge_user(name, password, expected, address).await;
    let wrong = || ProblemDetails::new(ProblemCode::Unauthorized);
    match (verdict, user) {
        (PasswordVerdict::Right, Some(user)) => {
            let origin = SessionOrigin::User(user.name.clone());
            Ok(Beginning { name: user.name, role: user.role, origin, expires_at: None })
        }
        (PasswordVerdict::NoTurn, _) => Err(ProblemDetails::new(ProblemCode::Unavailable)
            .detail("too many passwords are being checked")
            .remedy("try again in a minute")),
        _ => Err(wrong()),
    }
}

/// Who shows this token. It is judged, and wrong ones are counted, as at the API.
async fn of_token(admin: &AdminState, peer: &Peer, token: &str) -> Result<Beginning, ProblemDetails> {
    let token = token.trim();
    let shown = HeaderValue::from_str(&format!("Bearer {token}"));
    let headers = HeaderMap::from_iter(shown.ok().map(|shown| (header::AUTHORIZATION, shown)));
    let actor = context::admit(admin, &headers, peer).await?;
    let (origin, expires_at) = match actor.credential {
        Credential::Token(id) => {
            let key = admin.store.key().await.map_err(|error| of_store(&error))?;
            let known = admin.store.token(&vasp_hash(&key, token)).await.map_err(|error| of_store(&error))?;
            (SessionOrigin::Token(id), known.and_then(|known| known.expires_at))
        }
        _ => {
            let hash = sessions::admin_hash(admin).await?;
            let hash = hash.ok_or_else(|| ProblemDetails::new(ProblemCode::Unauthorized))?;
            (SessionOrigin::Admin(hash), None)
        }
    };
    Ok(Beginning { name: actor.name, role: actor.role, origin, expires_at })
}

/// The same answer, which sets a cookie.
pub(super) fn with_cookie(mut answer: Response, cookie: &str) -> Response {
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        answer.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    answer
}

pub(super) async fn sign_out(State(pages): State<Arc<PageState>>, visitor: Visitor) -> Response {
    match sessions::end(&pages.admin, &visitor).await {
        Ok(cookie) => with_cookie(see_other("/sign-in"), &cookie),
        Err(problem) => Frame::of(&visitor, "").trouble(&problem),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_sent_back_to_a_page_of_ours_only() {
        let place = |next: &str| place(Some(next.to_owned()));
        assert_eq!(place("/messages?state=Parked"), "/messages?state=Parked");
        for elsewhere in
            ["https://evil.example/", "//evil.example/", "/\\evil.example", "", "messages", "/a\r\nb"]
        {
            assert_eq!(place(elsewhere), "/", "{elsewhere}");
        }
    }
}
