//! The web UI: pages over the API, for those who would rather look than type.
//!
//! A page is a GET that works without JavaScript. It asks the verbs of the API in this process, with the rights of whoever looks
//! ([`ask`]), and puts their answers into a template: what a page shows, and what it hides, is what the API says. No page has a rule.

mod accounts;
mod ask;
mod assets;
mod audit;
mod callbacks;
mod captures;
mod carriers;
mod chart;
mod codes;
mod filters;
mod find;
mod forms;
mod frame;
mod guard;
mod home;
mod keys;
mod lint;
mod live;
mod media;
mod message;
mod messages;
mod mo;
mod nodes;
mod numbers;
mod oidc;
mod operations;
mod overview;
mod passwords;
mod queues;
mod refusals;
mod revisions;
mod sandbox;
mod sessions;
mod sign_in;
mod state;
mod topics;
mod try_it;
mod users;
mod words;

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{DefaultBodyLimit, Request},
    response::Response,
    routing::{get, post},
};
use http::{HeaderMap, Method, Uri};
use posthouse_api::{ProblemCode, ProblemDetails};

pub(super) use self::{
    ask::{Api, query},
    state::{PageState, see_other},
};
use self::{frame::Frame, sessions::Visitor};
use super::{AdminState, erased::erased};
use crate::{
    config::OIDC_CALLBACK,
    http::{answer_body::AnswerBody, peer::Peer},
};

/// The pages.
pub(super) struct Pages {
    state: Arc<PageState>,
    router: Router,
}

impl Pages {
    /// Pages over these verbs.
    pub fn new(admin: Arc<AdminState>, api: Api) -> Self {
        let oidc = admin.oidc.clone().map(oidc::Issuer::new);
        let state = Arc::new(PageState { api, live: Arc::default(), oidc, admin });
        let router = Router::new()
            .route("/", get(erased!(overview::handle)))
            .route("/find", get(erased!(find::handle)))
            .route("/messages", get(erased!(messages::handle)))
            .route("/messages/{id}", get(erased!(message::handle)))
            .route("/messages/{id}/{verb}", post(erased!(message::act)))
            .route("/refusals", get(erased!(refusals::list)))
            .route("/refusals/{id}", get(erased!(refusals::one)))
            .route("/operations", get(erased!(operations::list)).post(erased!(operations::plan)))
            .route("/operations/{id}", get(erased!(operations::one)))
            .route("/operations/{id}/{verb}", post(erased!(operations::act)))
            .route("/mo", get(erased!(mo::list)))
            .route("/mo/for-nobody", get(erased!(mo::for_nobody)))
            .route("/mo/{id}", get(erased!(mo::one)))
            .route("/mo/{id}/resend", post(erased!(mo::resend)))
            .route("/unmatched-reports", get(erased!(mo::unmatched)))
            .route("/accounts", get(erased!(accounts::list)))
            .route("/accounts/{name}", get(erased!(accounts::one)))
            .route("/accounts/{name}/{verb}", post(erased!(accounts::act)))
            .route("/carriers", get(erased!(carriers::list)))
            .route("/carriers/{id}", get(erased!(carriers::one)))
            .route("/carriers/{id}/connections/{name}/{verb}", post(erased!(carriers::act)))
            .route("/numbers", get(erased!(numbers::handle)).post(erased!(numbers::act)))
            .route("/nodes", get(erased!(nodes::list)))
            .route("/nodes/{node}/{verb}", post(erased!(nodes::act)))
            .route("/media/{id}/{number}", get(erased!(media::handle)))
            .route("/sandbox", get(erased!(sandbox::handle)))
            .route("/sandbox/{verb}", post(erased!(sandbox::act)))
            .route("/lint", get(erased!(lint::form)).post(erased!(lint::judge)))
            .route(
                "/try",
                get(erased!(try_it::form)).post(erased!(try_it::submit)).layer(DefaultBodyLimit::disable()),
            )
            .route("/keys", get(erased!(keys::handle)))
            .route("/keys/add", post(erased!(keys::add)))
            .route("/keys/{id}/remove", post(erased!(keys::remove)))
            .route("/queues", get(erased!(queues::handle)))
            .route("/callbacks", get(erased!(callbacks::list)))
            .route("/callbacks/{id}", get(erased!(callbacks::one)))
            .route("/callbacks/{id}/{verb}", post(erased!(callbacks::act)))
            .route("/provisioning", get(erased!(revisions::list)))
            .route("/provisioning/{number}", get(erased!(revisions::one)))
            .route("/provisioning/{number}/rollback", post(erased!(revisions::rollback)))
            .route("/audit", get(erased!(audit::handle)))
            .route("/captures", get(erased!(captures::list)).post(erased!(captures::begin)))
            .route("/captures/{id}", get(erased!(captures::one)))
            .route("/captures/{id}/remove", post(erased!(captures::remove)))
            .route("/users", get(erased!(users::handle)))
            .route("/users/add/{kind}", post(erased!(users::add)))
            .route("/users/{name}/{verb}", post(erased!(users::act)))
            .route("/set-password", get(erased!(passwords::form)).post(erased!(passwords::set)))
            .route("/codes", get(erased!(codes::all)))
            .route("/codes/{code}", get(erased!(codes::one)))
            .route(
                "/live/{topic}",
                get(async |visitor: Visitor| Frame::of(&visitor, "").trouble(&live::refused())),
            )
            .route("/sign-in", get(erased!(sign_in::form)).post(erased!(sign_in::sign_in)))
            .route("/oidc/sign-in", get(erased!(oidc::begin)))
            .route(OIDC_CALLBACK, get(erased!(oidc::callback)))
            .route("/sign-out", post(erased!(sign_in::sign_out)))
            .route("/assets/{name}", get(erased!(assets::handle)))
            .method_not_allowed_fallback(not_allowed)
            .fallback(not_found)
            .with_state(Arc::clone(&state));
        Self { state, router }
    }

    /// What goes with each request: who looks, and the routes.
    ///
    /// # Errors
    /// The store cannot tell who looks.
    pub async fn prepared(
        &self,
        mut request: Request<Body>,
        peer: Peer,
    ) -> Result<(Router, Request<Body>), ProblemDetails> {
        let address = peer.address.ip().to_canonical();
        let mut visitor = match request.uri().path().starts_with(assets::BASE) {
            true => Visitor::default(),
            false => sessions::visitor(&self.state.admin, request.headers(), address).await?,
        };
        visitor.rights = Some(self.state.api.rights());
        request.extensions_mut().insert(peer);
        request.extensions_mut().insert(visitor);
        Ok((self.router.clone(), request))
    }
}

/// A stream of what changes on a page, where the request is for one and may have it.
pub(super) async fn stream(
    pages: &Pages,
    (method, uri, headers): (&Method, &Uri, &HeaderMap),
    peer: &Peer,
) -> Option<http::Response<AnswerBody>> {
    if *method != Method::GET || !uri.path().starts_with("/live/") {
        return None;
    }
    let address = peer.address.ip().to_canonical();
    let visitor = sessions::visitor(&pages.state.admin, headers, address).await;
    let visitor = visitor.unwrap_or_default();
    let mut stream = live::stream(&pages.state, &visitor, (headers, uri))?;
    guard::headers(stream.headers_mut());
    Some(stream)
}

/// Refuses what another site has a browser do.
///
/// # Errors
/// That it did.
pub(super) fn own<B>(request: &Request<B>) -> Result<(), ProblemDetails> {
    if guard::is_own(request.method(), request.headers()) {
        return Ok(());
    }
    Err(ProblemDetails::new(ProblemCode::Forbidden)
        .detail("another site sent this request")
        .remedy("open the page here, and press the button there"))
}

/// The page of a problem, for nobody in particular.
pub(super) fn trouble(problem: &ProblemDetails) -> Response {
    let mut answer = Frame::public("").trouble(problem);
    guard::headers(answer.headers_mut());
    answer
}

/// With the headers that keep a page to itself.
pub(super) fn guarded<B>(mut answer: http::Response<B>) -> http::Response<B> {
    guard::headers(answer.headers_mut());
    answer
}

async fn not_allowed(visitor: Visitor) -> Response {
    let problem = ProblemDetails::new(ProblemCode::MethodNotAllowed);
    Frame::of(&visitor, "").trouble(&problem)
}

async fn not_found(visitor: Visitor, request: Request) -> Response {
    Frame::of(&visitor, "").trouble(&words::no_page(request.uri().path()))
}
