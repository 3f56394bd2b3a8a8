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
use super::AdminState;
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
            .route("/", get(overview::handle))
            .route("/find", get(find::handle))
            .route("/messages", get(messages::handle))
            .route("/messages/{id}", get(message::handle))
            .route("/messages/{id}/{verb}", post(message::act))
            .route("/refusals", get(refusals::list))
            .route("/refusals/{id}", get(refusals::one))
            .route("/operations", get(operations::list).post(operations::plan))
            .route("/operations/{id}", get(operations::one))
            .route("/operations/{id}/{verb}", post(operations::act))
            .route("/mo", get(mo::list))
            .route("/mo/for-nobody", get(mo::for_nobody))
            .route("/mo/{id}", get(mo::one))
            .route("/mo/{id}/resend", post(mo::resend))
            .route("/unmatched-reports", get(mo::unmatched))
            .route("/accounts", get(accounts::list))
            .route("/accounts/{name}", get(accounts::one))
            .route("/accounts/{name}/{verb}", post(accounts::act))
            .route("/carriers", get(carriers::list))
            .route("/carriers/{id}", get(carriers::one))
            .route("/carriers/{id}/connections/{name}/{verb}", post(carriers::act))
            .route("/numbers", get(numbers::handle).post(numbers::act))
            .route("/nodes", get(nodes::list))
            .route("/nodes/{node}/{verb}", post(nodes::act))
            .route("/media/{id}/{number}", get(media::handle))
            .route("/sandbox", get(sandbox::handle))
            .route("/sandbox/{verb}", post(sandbox::act))
            .route("/lint", get(lint::form).post(lint::judge))
            .route("/try", get(try_it::form).post(try_it::submit).layer(DefaultBodyLimit::disable()))
            .route("/keys", get(keys::handle))
            .route("/keys/add", post(keys::add))
            .route("/keys/{id}/remove", post(keys::remove))
            .route("/queues", get(queues::handle))
            .route("/callbacks", get(callbacks::list))
            .route("/callbacks/{id}", get(callbacks::one))
            .route("/callbacks/{id}/{verb}", post(callbacks::act))
            .route("/provisioning", get(revisions::list))
            .route("/provisioning/{number}", get(revisions::one))
            .route("/provisioning/{number}/rollback", post(revisions::rollback))
            .route("/audit", get(audit::handle))
            .route("/captures", get(captures::list).post(captures::begin))
            .route("/captures/{id}", get(captures::one))
            .route("/captures/{id}/remove", post(captures::remove))
            .route("/users", get(users::handle))
            .route("/users/add/{kind}", post(users::add))
            .route("/users/{name}/{verb}", post(users::act))
            .route("/set-password", get(passwords::form).post(passwords::set))
            .route("/codes", get(codes::all))
            .route("/codes/{code}", get(codes::one))
            .route(
                "/live/{topic}",
                get(async |visitor: Visitor| Frame::of(&visitor, "").trouble(&live::refused())),
            )
            .route("/sign-in", get(sign_in::form).post(sign_in::sign_in))
            .route("/oidc/sign-in", get(oidc::begin))
            .route(OIDC_CALLBACK, get(oidc::callback))
            .route("/sign-out", post(sign_in::sign_out))
            .route("/assets/{name}", get(assets::handle))
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
