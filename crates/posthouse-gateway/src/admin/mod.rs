//! The door for operators: health, readiness, metrics, and the API under `/api/v1` (docs/api.md).
//!
//! One verb a file. A verb under the API reads its parameters, asks the core or the store, and says what came of it in the types of
//! `posthouse-api`; no rule is made here. What a command does without a gateway is the same functions on the store that it opened.

#![cfg_attr(
    not(feature = "openapi"),
    allow(unused_imports, reason = "types that only the document of the API names")
)]

pub mod accounts;
mod answer;
pub mod audit;
pub mod blacklist;
mod body;
mod by_name;
pub mod callbacks;
mod captures;
pub mod carriers;
mod certificates;
pub mod change;
mod codes;
pub mod connections;
mod context;
mod edit;
pub mod endpoints;
mod erased;
pub mod find;
mod followed;
mod health;
pub(crate) mod idempotency;
mod lint;
pub mod lookups;
mod me;
pub mod messages;
mod metrics;
pub mod mo;
mod nodes;
pub mod numbers;
pub mod openapi;
#[cfg(feature = "openapi")]
pub mod openapi_writer;
pub mod operations;
mod pages;
mod parameters;
mod patiently;
mod principal;
pub mod provisioning;
mod query;
pub mod queues;
mod ready;
pub mod refusals;
mod reveal;
mod rights;
mod router;
pub mod run_token;
mod sandbox;
pub mod services;
pub mod sessions;
mod state;
pub(crate) mod stats;
mod stream;
mod submissions;
pub mod tokens;
pub mod unmatched_reports;
pub mod unreadable;
pub mod users;
mod verb_error;
mod version;

use std::{sync::Arc, time::Duration};

use axum::{Router, body::Body};
use http::{Method, Request, Response, StatusCode as HttpStatus};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Incoming};
use posthouse_api::{MAX_PROVISIONING_BYTES, ProblemCode, ProblemDetails};
use posthouse_core::{actor::Actor, submit::ContentLength};
use tokio::{sync::Semaphore, time::timeout};
use tower_service::Service as _;
use tracing::Instrument as _;

use self::{answer::problem, pages::Pages, rights::Rights, stream::Streams};
pub(crate) use self::{
    patiently::patiently,
    verb_error::{listed, not_provisioned, unknown},
};
pub use self::{
    state::AdminState,
    verb_error::{VerbError, number_of},
};
use crate::http::{
    answer_body::AnswerBody,
    body::drain,
    memory::Memory,
    peer::Peer,
    requests::{content_length, head_fault},
    server::{HttpAnswer, plain},
};

/// How long an answer may take to be made.
const ANSWER_TIME: Duration = Duration::from_secs(60);
/// The same of provisioning: a document may name a hundred thousand numbers.
const PROVISIONING_TIME: Duration = Duration::from_secs(300);
/// How many bytes of bodies may be in memory at a time.
const BODY_MEMORY: usize = 4 * MAX_PROVISIONING_BYTES;

/// The door for operators.
pub struct AdminDoor {
    state: Arc<AdminState>,
    router: Router,
    rights: Arc<Rights>,
    /// The web UI, unless it is turned off.
    pages: Option<Pages>,
    /// Who follows what changes.
    streams: Streams,
    memory: Memory,
    /// Permits to work on a provisioning document: one at a time.
    documents: Semaphore,
}

impl AdminDoor {
    /// A door to these verbs.
    pub fn new(state: AdminState) -> Self {
        let state = Arc::new(state);
        let verbs = router::verbs();
        let rights = Arc::new(Rights::of(&verbs));
        let router = router::router(Arc::clone(&state), verbs);
        let pages = state.has_pages.then(|| {
            let api = pages::Api::new(router.clone(), Arc::clone(&rights));
            Pages::new(Arc::clone(&state), api)
        });
        let streams = Streams::default();
        Self {
            state,
            router,
            rights,
            pages,
            streams,
            memory: Memory::new(BODY_MEMORY),
            documents: Semaphore::new(1),
        }
    }

    /// Answers one HTTP request.
    pub async fn answer(self: Arc<Self>, request: Request<Incoming>, peer: Peer) -> Response<AnswerBody> {
        if let Some(pages) = &self.pages
            && context::with_certificate(&self.state, &peer).is_ok()
            && let Some(stream) =
                pages::stream(pages, (request.method(), request.uri(), request.headers()), &peer).await
        {
            return stream;
        }
        if stream::is_asked(request.method(), request.uri().path()) {
            peer.progress.working();
            return self.streamed(request, peer).await;
        }
        self.answered(request, peer).await.map(AnswerBody::from)
    }

    async fn streamed(&self, request: Request<Incoming>, peer: Peer) -> Response<AnswerBody> {
        match self.authorized(&request, &peer).await {
            Ok(by) => {
                let api = pages::Api::new(self.router.clone(), Arc::clone(&self.rights));
                self.streams.open(&self.state, api, (request.headers(), request.uri()), (by, peer)).await
            }
            Err(refused) => problem(&refused).map(AnswerBody::from),
        }
    }

    async fn answered(&self, request: Request<Incoming>, peer: Peer) -> HttpAnswer {
        let is_api = rights::is_api(request.uri().path());
        if let Some(fault) = head_fault(request.headers()) {
            tracing::info!(address = %peer.address, reason = fault.words(), "a request at the admin door was refused");
            peer.progress.working();
            return malformed(is_api, "the head of this request cannot be read\n");
        }
        if content_length(request.headers()) == ContentLength::Malformed {
            peer.progress.working();
            return malformed(is_api, "the length of this request cannot be told\n");
        }
        if let Some(pages) = &self.pages
            && !rights::is_plain(request.uri().path())
            && !is_api
        {
            return self.page(pages, request, peer).await;
        }
        if !is_api {
            peer.progress.working();
            let mut request = request.map(|_| Body::empty());
            request.extensions_mut().insert(peer);
            return self.route(self.router.clone(), request, ANSWER_TIME).await;
        }
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let answer = match self.admitted(request, &peer).await {
            Ok(answer) => answer,
            Err(refused) => problem(&refused),
        };
        if method != Method::GET && method != Method::HEAD {
            let status = answer.status().as_u16();
            tracing::info!(address = %peer.address, %method, path, status, "a request at the admin API");
        }
        answer
    }

    /// A request of the API, once the caller is known.
    async fn admitted(&self, request: Request<Incoming>, peer: &Peer) -> Result<HttpAnswer, ProblemDetails> {
        let by = match self.authorized(&request, peer).await {
            Ok(by) => by,
            Err(refused) => {
                if !request.body().is_end_stream() {
                    drain(request.into_body());
                }
                return Err(refused);
            }
        };
        let is_provisioning = rights::is_provisioning(request.method(), request.uri().path());
        // Held till it is answered: a document and what it is read into may take some times its length.
        let _turn = match is_provisioning && request.method() != Method::GET {
            true => Some(self.turn().await?),
            false => None,
        };
        let limit = rights::body_limit(request.method(), request.uri().path());
        let mut request = body::read(request, &self.memory, limit, peer.address.ip()).await?;
        request.extensions_mut().insert(by);
        peer.progress.working();
        let time = if is_provisioning { PROVISIONING_TIME } else { ANSWER_TIME };
        Ok(self.route(self.router.clone(), request, time).await)
    }

    /// The caller, where it may ask for this.
    async fn authorized(&self, request: &Request<Incoming>, peer: &Peer) -> Result<Actor, ProblemDetails> {
        let by = context::admit(&self.state, request.headers(), peer).await?;
        let path = request.uri().path();
        context::authorize(&by, self.rights.access(request.method(), path), path)?;
        Ok(by)
    }

    async fn turn(&self) -> Result<tokio::sync::SemaphorePermit<'_>, ProblemDetails> {
        let busy = || {
            ProblemDetails::new(ProblemCode::Unavailable)
                .detail("another document is being worked on")
                .remedy("try again later")
        };
        timeout(ANSWER_TIME, self.documents.acquire()).await.map_err(|_| busy())?.map_err(|_| busy())
    }

    /// A request for a page.
    async fn page(&self, pages: &Pages, request: Request<Incoming>, peer: Peer) -> HttpAnswer {
        let method = request.method().clone();
        let admitted = context::with_certificate(&self.state, &peer).and_then(|()| pages::own(&request));
        if let Err(refused) = admitted {
            if !request.body().is_end_stream() {
                drain(request.into_body());
            }
            return whole(pages::trouble(&refused), &method).await;
        }
        let limit = rights::body_limit(request.method(), request.uri().path());
        let request = match body::read(request, &self.memory, limit, peer.address.ip()).await {
            Ok(request) => request,
            Err(problem) => return whole(pages::trouble(&problem), &method).await,
        };
        peer.progress.working();
        let (router, request) = match pages.prepared(request, peer).await {
            Ok(prepared) => prepared,
            Err(problem) => return whole(pages::trouble(&problem), &method).await,
        };
        pages::guarded(self.route(router, request, ANSWER_TIME).await)
    }

    async fn route(&self, mut router: Router, request: Request<Body>, time: Duration) -> HttpAnswer {
        let (method, is_api) = (request.method().clone(), rights::is_api(request.uri().path()));
        let span = tracing::debug_span!("admin_request", %method, path = request.uri().path());
        let Ok(answered) = timeout(time, router.call(request)).instrument(span).await else {
            return match is_api {
                true => problem(&late()),
                false => plain(HttpStatus::SERVICE_UNAVAILABLE, "this took too long\n"),
            };
        };
        let Ok(answered) = answered;
        whole(answered, &method).await
    }
}

fn late() -> ProblemDetails {
    ProblemDetails::new(ProblemCode::Unavailable)
        .detail("it took too long; whether it was carried out is unknown")
        .remedy("look, and try again")
}

fn malformed(is_api: bool, line: &'static str) -> HttpAnswer {
    match is_api {
        true => {
            let refused = ProblemDetails::new(ProblemCode::Malformed).detail(line.trim_end());
            problem(
                &refused.remedy(
                    "mend the head: lines of name: value, and one length, or Transfer-Encoding: chunked",
                ),
            )
        }
        false => plain(HttpStatus::BAD_REQUEST, line),
    }
}

/// The door sends whole bodies, and all that verbs write are in memory.
async fn whole(answered: Response<Body>, method: &Method) -> HttpAnswer {
    let (head, body) = answered.into_parts();
    if *method == Method::HEAD {
        return Response::from_parts(head, Full::default());
    }
    match body.collect().await {
        Ok(body) => Response::from_parts(head, Full::new(body.to_bytes())),
        Err(error) => {
            tracing::error!(%error, "an answer of the admin door broke off");
            problem(&ProblemDetails::new(ProblemCode::Internal))
        }
    }
}
