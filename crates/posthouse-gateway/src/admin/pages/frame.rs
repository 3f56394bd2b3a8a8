//! What is the same on every page: who looks, where one is, and how a page becomes an answer.

use std::sync::Arc;

use askama::Template;
use axum::{body::Body, response::Response};
use http::{HeaderValue, Method, StatusCode as HttpStatus, header};
use posthouse_api::{BASE, ProblemCode, ProblemDetails};
use posthouse_core::actor::Actor;

use super::{
    super::{context::authorize, rights::Rights},
    assets,
    sessions::Visitor,
    words,
};

/// A page of the menu.
pub(super) struct PlaceLink {
    pub href: &'static str,
    pub name: &'static str,
    /// The key that leads there after `g`.
    pub key: char,
    /// Whether it begins another group.
    pub group: bool,
}

const fn place(href: &'static str, name: &'static str, key: char) -> PlaceLink {
    PlaceLink { href, name, key, group: false }
}

/// The same, the first of a group.
const fn group(href: &'static str, name: &'static str, key: char) -> PlaceLink {
    PlaceLink { href, name, key, group: true }
}

/// The menu. Codes are for everybody.
const PLACES: &[PlaceLink] = &[
    place("/", "Overview", 'h'),
    group("/messages", "Messages", 'm'),
    place("/refusals", "Refusals", 'r'),
    place("/mo", "From handsets", 'i'),
    place("/unmatched-reports", "Unmatched reports", 'u'),
    place("/callbacks", "Callbacks", 'c'),
    place("/operations", "Operations", 'o'),
    group("/queues", "Queues", 'q'),
    place("/carriers", "Carriers", 'k'),
    place("/accounts", "Accounts", 'v'),
    place("/keys", "Keys", 'y'),
    place("/numbers", "Numbers", 'n'),
    group("/try", "Try it", 't'),
    place("/lint", "Lint", 'l'),
    place("/sandbox", "Sandbox", 'b'),
    place("/codes", "Codes", 'd'),
    group("/provisioning", "Provisioning", 'p'),
    place("/audit", "Audit", 'a'),
    place("/captures", "Captures", 'e'),
    place("/nodes", "Nodes", 's'),
    place("/users", "Users and tokens", 'w'),
];

/// The verb that a page of the menu shows the answer of; `None`: it is for everybody.
fn asks(href: &'static str) -> Option<(Method, &'static str)> {
    match href {
        "/codes" => None,
        "/" => Some((Method::GET, "/me")),
        "/lint" => Some((Method::POST, "/lint")),
        "/try" => Some((Method::POST, "/submissions")),
        "/keys" => Some((Method::GET, "/accounts/1/keys")),
        "/sandbox" => Some((Method::GET, "/sandbox/messages")),
        "/numbers" => Some((Method::GET, "/lookups/1")),
        "/provisioning" => Some((Method::GET, "/provisioning/revisions")),
        other => Some((Method::GET, other)),
    }
}

/// What the layout asks of every page.
pub(super) struct Frame {
    pub who: Option<Actor>,
    /// What each verb of the API asks for.
    pub rights: Option<Arc<Rights>>,
    pub here: &'static str,
    pub version: &'static str,
    /// Where the part of it comes from that is live.
    pub stream: Option<String>,
    /// What stands in the find box.
    pub query: String,
}

impl Frame {
    /// A page for this visitor, at this place of the menu.
    pub fn of(visitor: &Visitor, here: &'static str) -> Self {
        Self { who: visitor.actor.clone(), rights: visitor.rights.clone(), ..Self::public(here) }
    }

    /// A page for nobody in particular.
    pub const fn public(here: &'static str) -> Self {
        Self {
            who: None,
            rights: None,
            here,
            version: env!("CARGO_PKG_VERSION"),
            stream: None,
            query: String::new(),
        }
    }

    /// Which files the page loads.
    #[expect(clippy::unused_self, reason = "templates ask their frame")]
    pub fn assets(&self) -> &'static str {
        assets::revision()
    }

    /// Who is signed in.
    pub fn called(&self) -> Option<String> {
        self.who.as_ref().map(words::who)
    }

    /// The menu, as far as it is for whoever looks.
    pub fn places(&self) -> impl Iterator<Item = &'static PlaceLink> {
        PLACES.iter().filter(move |place| self.leads_to(place.href))
    }

    /// Whether the verb that a page asks would answer whoever looks.
    fn leads_to(&self, href: &'static str) -> bool {
        let Some((method, path)) = asks(href) else { return true };
        let (Some(by), Some(rights)) = (&self.who, &self.rights) else { return false };
        let path = format!("{BASE}{path}");
        authorize(by, rights.access(&method, &path), &path).is_ok()
    }

    /// The page of a problem, with its status.
    pub fn trouble(self, problem: &ProblemDetails) -> Response {
        let status = HttpStatus::from_u16(problem.status).unwrap_or(HttpStatus::INTERNAL_SERVER_ERROR);
        let errors = problem.errors.iter().map(|error| match &error.remedy {
            Some(remedy) => format!("{}: {}; {remedy}", spot(error), error.detail),
            None => format!("{}: {}", spot(error), error.detail),
        });
        let page = TroublePage {
            heading: problem.title.to_string(),
            detail: problem.detail.as_deref().unwrap_or_default().to_owned(),
            errors: errors.collect(),
            remedy: problem.remedy.as_deref().map(str::to_owned),
            frame: self,
        };
        html(status, &page)
    }
}

fn spot(error: &posthouse_api::ProblemError) -> &str {
    error.parameter.as_deref().or(error.pointer.as_deref()).unwrap_or("here")
}

#[derive(Template)]
#[template(path = "trouble.html")]
struct TroublePage {
    frame: Frame,
    heading: String,
    detail: String,
    errors: Vec<String>,
    remedy: Option<String>,
}

/// A page as an answer.
pub(super) fn html(status: HttpStatus, page: &impl Template) -> Response {
    let mut answer = match page.render() {
        Ok(text) => Response::new(Body::from(text)),
        Err(error) => {
            tracing::error!(%error, "a page cannot be written");
            Response::new(Body::from("this page cannot be written\n"))
        }
    };
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    // Whoever uses the browser next does not see it by going back.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// A part of a page.
///
/// # Errors
/// It cannot be written.
pub(super) fn written(part: &impl Template) -> Result<String, ProblemDetails> {
    part.render().map_err(|error| {
        tracing::error!(%error, "a part of a page cannot be written");
        ProblemDetails::new(ProblemCode::Internal)
    })
}

/// A page that is as it should be.
pub(super) fn ok(page: &impl Template) -> Response {
    html(HttpStatus::OK, page)
}

#[cfg(test)]
mod tests {
    use posthouse_core::{
        account::AccountName,
        actor::{Credential, Role},
    };

    use super::*;
    use crate::admin::router::verbs;

    #[test]
    fn the_menu_leads_where_one_may_go() {
        let rights = Arc::new(Rights::of(&verbs()));
        for place in PLACES {
            if let Some((method, path)) = asks(place.href) {
                assert!(
                    rights.access(&method, &format!("{BASE}{path}")).is_some(),
                    "{} asks {path}",
                    place.href
                );
            }
        }
        let menu = |role: Option<Role>| -> Vec<&str> {
            let actor = role.map(|role| Actor::new("ann", role, Credential::Run));
            let frame = Frame::of(&Visitor { actor, rights: Some(Arc::clone(&rights)) }, "/");
            frame.places().map(|place| place.href).collect()
        };
        assert_eq!(menu(None), ["/codes"]);
        assert!(menu(Some(Role::Viewer)).contains(&"/queues"));
        let theirs = menu(Some(Role::Vasp(AccountName("acme".into()))));
        for href in ["/", "/messages", "/callbacks", "/try", "/lint", "/keys", "/codes"] {
            assert!(theirs.contains(&href), "{href}: {theirs:?}");
        }
        for href in ["/queues", "/provisioning", "/audit"] {
            assert!(!theirs.contains(&href), "{href}: {theirs:?}");
        }
    }
}
