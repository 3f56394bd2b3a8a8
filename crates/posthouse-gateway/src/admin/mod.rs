//! The door for operators: health, readiness, metrics, and the API under `/api/v1` (docs/api.md).
//!
//! One verb a file. A verb under the API reads its parameters, asks the core or the store, and says what came of it in the types of
//! `posthouse-api`; no rule is made here. What a command does without a gateway is the same functions on the store that it opened.

pub mod accounts;
mod answer;
pub mod audit;
pub mod blacklist;
mod body;
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
pub mod find;
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
pub mod operations;
mod pages;
mod principal;
pub mod provisioning;
mod query;
pub mod queues;
mod ready;
pub mod refusals;
mod reveal;
mod router;
pub mod run_token;
mod sandbox;
pub mod services;
pub mod sessions;
pub(crate) mod stats;
mod stream;
mod submissions;
pub mod tokens;
pub mod unmatched_reports;
pub mod unreadable;
pub mod users;
mod version;

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use axum::{Router, body::Body};
use http::{Method, Request, Response, StatusCode as HttpStatus};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Incoming};
use posthouse_api::{MAX_PROVISIONING_BYTES, ProblemCode, ProblemDetails};
use posthouse_core::{
    actor::Actor,
    address::Msisdn,
    store::{Store, StoreError, StoreResult},
    submit::ContentLength,
    time::Clock,
};
use tokio::{sync::Semaphore, time::timeout};
use tower_service::Service as _;
use tracing::Instrument as _;

use self::{answer::problem, pages::Pages, router::Rights, stream::Streams};
use crate::{
    auth::{Verifier, key_uses::KeyUses},
    bell::Bell,
    carrier::{board::LinkBoard, overrides::OverrideFollower},
    config::OidcSection,
    doors::mm7::Mm7Door,
    drain::DrainState,
    handoff::callbacks::CallbackHandoff,
    http::{
        answer_body::AnswerBody,
        body::drain,
        memory::Memory,
        peer::Peer,
        requests::{content_length, head_fault},
        server::{HttpAnswer, plain},
    },
    ids::MessageIds,
    lookup::Directory,
    node::ClusterNode,
    secrets::Secret,
    snapshot::SnapshotCell,
    telemetry::{Metrics, levels::LogLevels, series::SeriesRing},
};

/// How long an answer may take to be made.
const ANSWER_TIME: Duration = Duration::from_secs(60);
/// The same of provisioning: a document may name a hundred thousand numbers.
const PROVISIONING_TIME: Duration = Duration::from_secs(300);
/// How many bytes of bodies may be in memory at a time.
const BODY_MEMORY: usize = 4 * MAX_PROVISIONING_BYTES;

/// What the verbs work with.
pub struct AdminState {
    /// The configured bearer token, if any: metrics ask for it.
    pub token: Option<Secret>,
    /// The token that the API requires: the configured one, or the token of this run, which only the store's own user can read. `None`
    /// shuts the API.
    pub api_token: Option<Secret>,
    /// Guards the tokens.
    pub verifier: Arc<Verifier>,
    /// Whether everything but health and readiness asks for a verified client certificate.
    pub asks_for_certificates: bool,
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
    /// Told which accounts are paused.
    pub callbacks: Arc<CallbackHandoff>,
    /// Makes MessageIDs, for messages that are sent again.
    pub ids: Arc<MessageIds>,
    /// Provisioning.
    pub snapshot: Arc<SnapshotCell>,
    /// Which carrier has a number.
    pub directory: Arc<Directory>,
    /// Wakes lanes for what an operator made due.
    pub bell: Arc<Bell>,
    /// The connections to carriers that are in use.
    pub board: Arc<LinkBoard>,
    /// Which keys were used a moment ago.
    pub key_uses: Arc<KeyUses>,
    /// Told when an operator decided something about them, or about callbacks.
    pub overrides: Arc<OverrideFollower>,
    /// Whether this node takes anything new.
    pub drain: Arc<DrainState>,
    /// How it was in the last hours.
    pub(crate) series: Arc<SeriesRing>,
    /// The metrics that `/metrics` shows.
    pub metrics: Arc<Metrics>,
    /// Whether the store hears this node, and its clock is right.
    pub node: Arc<ClusterNode>,
    /// The time, which may be in doubt.
    pub clock: Arc<dyn Clock>,
    /// The door that VASPs submit at, by which what is submitted here goes, too.
    pub(crate) mm7: Arc<Mm7Door>,
    /// Where VASPs find it.
    pub mm7_url: String,
    /// The longest request that the MM7 door takes, in bytes.
    pub max_request_bytes: u64,
    /// The header in which VASPs name the carrier.
    pub carrier_id_header: String,
    /// For how long messages are kept after their end.
    pub messages_kept: Duration,
    /// Where carriers post: a plan warns of carriers in whose name anybody may post there.
    pub carriers_listen: SocketAddr,
    /// Who else says who somebody is that looks at pages.
    pub oidc: Option<OidcSection>,
    /// What is logged, where that can be changed.
    pub log_levels: Option<Arc<LogLevels>>,
    /// What was told once lately.
    pub(crate) told_once: idempotency::ToldOnceAnswers,
    /// Whether there are pages, too.
    pub has_pages: bool,
    /// The memory of each door's bodies, by the door's name.
    pub memory: Vec<(&'static str, Memory)>,
    /// The folder of CDR files, where they are asked for.
    pub cdr: Option<PathBuf>,
    /// The database's file.
    pub database: PathBuf,
    /// The folder of media, where they lie in one.
    pub media: Option<PathBuf>,
}

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
        let is_api = is_api(request.uri().path());
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
            && !router::is_plain(request.uri().path())
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

    /// A request of the API, once it is known who asks.
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
        let is_provisioning = router::is_provisioning(request.method(), request.uri().path());
        // Held till it is answered: a document and what it is read into may take some times its length.
        let _turn = match is_provisioning && request.method() != Method::GET {
            true => Some(self.turn().await?),
            false => None,
        };
        let limit = router::body_limit(request.method(), request.uri().path());
        let mut request = body::read(request, &self.memory, limit, peer.address.ip()).await?;
        request.extensions_mut().insert(by);
        peer.progress.working();
        let time = if is_provisioning { PROVISIONING_TIME } else { ANSWER_TIME };
        Ok(self.route(self.router.clone(), request, time).await)
    }

    /// Who asks, where it may ask for this.
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
        let limit = router::body_limit(request.method(), request.uri().path());
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
        let (method, is_api) = (request.method().clone(), is_api(request.uri().path()));
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

/// How many times a store that is busy is asked. Each time it is waited for by itself.
const TRIES: usize = 5;

/// Does it once more while the store is busy with what VASPs send.
async fn patiently<T, F: Future<Output = StoreResult<T>>>(work: impl Fn() -> F) -> StoreResult<T> {
    for _ in 1..TRIES {
        match work().await {
            Err(StoreError::Overloaded) => {}
            done => return done,
        }
    }
    work().await
}

fn late() -> ProblemDetails {
    ProblemDetails::new(ProblemCode::Unavailable)
        .detail("it took too long; whether it was carried out is unknown")
        .remedy("look, and try again")
}

fn is_api(path: &str) -> bool {
    path.strip_prefix("/api").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn malformed(is_api: bool, line: &'static str) -> HttpAnswer {
    match is_api {
        true => problem(&ProblemDetails::new(ProblemCode::Malformed).detail(line.trim_end())),
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

/// There is nothing of this name.
fn unknown(kind: &str, name: &str) -> ProblemDetails {
    ProblemDetails::new(ProblemCode::NotFound).detail(format!("no {kind} {name} is provisioned"))
}

/// A filter names nothing that there is.
fn not_provisioned(kind: &str, name: &str) -> ProblemDetails {
    ProblemDetails::new(ProblemCode::NotProvisioned).detail(format!("no {kind} {name} is provisioned"))
}

/// A phone number, in any usual spelling.
///
/// # Errors
/// It is none.
pub fn number_of(text: &str) -> Result<Msisdn, ProblemDetails> {
    let digits: String = text.chars().filter(|character| !" -.()\u{a0}".contains(*character)).collect();
    Msisdn::parse(&digits, true).ok_or_else(|| {
        ProblemDetails::new(ProblemCode::InvalidParameter)
            .detail("this is no international number")
            .remedy("write 7 to 15 digits that begin with the country code, such as 16175550100")
    })
}

/// Why a verb was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum VerbError {
    /// The request is at fault.
    #[error(transparent)]
    Refused(#[from] ProblemDetails),
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}
