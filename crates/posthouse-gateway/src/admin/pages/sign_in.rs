//! Signing in with a token, and out again.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Request, State},
    response::Response,
};
use http::{HeaderMap, HeaderValue, StatusCode as HttpStatus, Uri, header};
use posthouse_api::ProblemDetails;

use super::{
    super::{body, context},
    PageState,
    frame::{Frame, html, ok},
    see_other,
    sessions::Visitor,
};
use crate::http::peer::Peer;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    frame: Frame,
    next: String,
    fault: Option<String>,
}

/// What a form or a query says under a name.
pub(super) fn field(encoded: &[u8], name: &str) -> Option<String> {
    form_urlencoded::parse(encoded).find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

/// Where to go once signed in: a page of ours, and nothing else.
fn place(next: Option<String>) -> String {
    let is_ours = |next: &String| {
        next.starts_with('/') && !next.starts_with("//") && !next.contains(['\\', '\r', '\n', '\t'])
    };
    next.filter(is_ours).unwrap_or_else(|| "/".to_owned())
}

pub(super) async fn form(visitor: Visitor, uri: Uri) -> Response {
    let next = place(field(uri.query().unwrap_or_default().as_bytes(), "next"));
    if visitor.actor.is_some() {
        return see_other(&next);
    }
    ok(&SignInPage { frame: Frame::public("/sign-in"), next, fault: None })
}

pub(super) async fn sign_in(State(pages): State<Arc<PageState>>, request: Request) -> Response {
    let (head, whole) = request.into_parts();
    let form = body::bytes(whole).await;
    let next = place(field(&form, "next"));
    match actor_of(&pages, &head.extensions, field(&form, "token").as_deref().unwrap_or_default()).await {
        Ok(cookie) => {
            let mut answer = see_other(&next);
            if let Ok(cookie) = HeaderValue::from_str(&cookie) {
                answer.headers_mut().insert(header::SET_COOKIE, cookie);
            }
            answer
        }
        Err(problem) => {
            let fault = Some(match problem.status {
                401 => "This token is wrong, or it is over.".to_owned(),
                _ => problem.to_string(),
            });
            let status = HttpStatus::from_u16(problem.status).unwrap_or(HttpStatus::UNAUTHORIZED);
            html(status, &SignInPage { frame: Frame::public("/sign-in"), next, fault })
        }
    }
}

/// A session for whoever shows this token: its cookie. The token is judged, and wrong ones are counted, as at the API.
async fn actor_of(
    pages: &PageState,
    extensions: &http::Extensions,
    token: &str,
) -> Result<String, ProblemDetails> {
    let internal = || ProblemDetails::new(posthouse_api::ProblemCode::Internal);
    let peer = extensions.get::<Peer>().ok_or_else(internal)?;
    let shown = HeaderValue::from_str(&format!("Bearer {}", token.trim()));
    let headers = HeaderMap::from_iter(shown.ok().map(|shown| (header::AUTHORIZATION, shown)));
    let actor = context::admit(&pages.admin, &headers, peer).await?;
    tracing::info!(address = %peer.address, name = actor.name, role = %actor.role, "signed in");
    pages.sessions.begin(actor, pages.admin.clock.now()).map_err(|error| {
        tracing::error!(%error, "no session can be begun");
        internal()
    })
}

pub(super) async fn sign_out(State(pages): State<Arc<PageState>>, headers: HeaderMap) -> Response {
    let cookie = pages.sessions.end(&headers);
    let mut answer = see_other("/sign-in");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        answer.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    answer
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
