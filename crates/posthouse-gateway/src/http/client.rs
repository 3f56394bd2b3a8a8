//! The HTTP client for carriers and VASPs. It tells apart what was provably never sent from what may have arrived.

use std::{sync::atomic::Ordering, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, Uri};
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioTimer},
};
use posthouse_core::tls::PeerTls;
use tokio::time::Instant;

use super::{
    body::{self, BodyChunks, Read},
    connect::PeerConnector,
    liveness::Unwritten,
    memory::MemoryShare,
};
use crate::{patience::within, tls::client::PeerTlsFailure};

/// The longest answer that is read, in bytes.
const MAX_ANSWER_BYTES: u64 = 256 << 10;
/// How long an idle connection is kept. Shorter than what servers commonly keep theirs, so that one rarely goes stale.
const IDLE: Duration = Duration::from_secs(4);
/// How often a request is sent at most, each time that the connection turned out to be closed before any of it was written.
const TRIES: usize = 4;

/// What a peer answered.
#[derive(Clone, Debug)]
pub struct HttpReply {
    /// The HTTP status.
    pub status: StatusCode,
    /// The HTTP headers.
    pub headers: HeaderMap,
    /// The body, whole.
    pub body: Bytes,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// Nothing was written: the request has provably not arrived.
    #[error("no connection: {0}")]
    Unreached(String),
    /// The request may have arrived.
    #[error("no answer: {0}")]
    Unknown(String),
}

/// A client with connections of its own.
#[derive(Clone, Debug)]
pub struct HttpClient {
    client: Client<PeerConnector, BodyChunks>,
    timeout: Duration,
}

impl HttpClient {
    /// A client that waits for each answer at most `timeout` and keeps at most `idle` idle connections. `tls` counts for
    /// `https` URLs; without it, those are trusted in whom the system trusts.
    pub fn new(timeout: Duration, idle: usize, tls: Option<&PeerTls>) -> Self {
        // Within half of the time, so that a peer that cannot be reached is told from one that does not answer.
        let connector = PeerConnector::new(timeout / 2, tls);
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE)
            .pool_timer(TokioTimer::new())
            .pool_max_idle_per_host(idle)
            // Some peers look for `Content-Type` as it is written in every specification.
            .http1_title_case_headers(true)
            .build(connector);
        Self { client, timeout }
    }

    /// Posts a body and reads the answer. Where a connection that was kept turns out to be closed before anything was written,
    /// the request goes out on another.
    ///
    /// # Errors
    /// [`NoAnswer`], within the client's time-out.
    pub async fn post(
        &self,
        uri: &Uri,
        headers: HeaderMap,
        chunks: Vec<Bytes>,
    ) -> Result<HttpReply, NoAnswer> {
        let deadline = Instant::now() + self.timeout;
        let mut tries = 1;
        loop {
            let body = BodyChunks::new(chunks.clone());
            let begun = body.begun();
            let request = request(Method::POST, uri, headers.clone(), body);
            match self.exchange(request, deadline).await {
                Ok(answer) => return Ok(answer),
                Err(failed) if failed.may_try_again() && tries < TRIES => tries += 1,
                Err(failed) if failed.is_sure() || !begun.load(Ordering::Acquire) => {
                    return Err(NoAnswer::Unreached(failed.words));
                }
                Err(failed) => return Err(NoAnswer::Unknown(failed.words)),
            }
        }
    }

    /// Gets what a URI names. Whether a request that failed arrived is of no interest: it changes nothing.
    ///
    /// # Errors
    /// [`NoAnswer::Unknown`], within the client's time-out.
    pub async fn get(&self, uri: &Uri, headers: HeaderMap) -> Result<HttpReply, NoAnswer> {
        let deadline = Instant::now() + self.timeout;
        let request = request(Method::GET, uri, headers, BodyChunks::new(Vec::new()));
        self.exchange(request, deadline).await.map_err(|failed| NoAnswer::Unknown(failed.words))
    }

    async fn exchange(&self, request: Request<BodyChunks>, deadline: Instant) -> Result<HttpReply, Failed> {
        let late = |_| Err(format!("nothing within {} ms", self.timeout.as_millis()).into());
        within(deadline, self.answer(request, deadline)).await.unwrap_or_else(late)
    }

    async fn answer(&self, request: Request<BodyChunks>, deadline: Instant) -> Result<HttpReply, Failed> {
        let response = self.client.request(request).await.map_err(|error| Failed::from_error(&error))?;
        let (head, body) = response.into_parts();
        match body::read(body, MAX_ANSWER_BYTES, deadline, &mut MemoryShare::unbounded()).await {
            Read::Whole(body) => Ok(HttpReply { status: head.status, headers: head.headers, body }),
            Read::TooLong(_) => Err(format!("an answer of more than {MAX_ANSWER_BYTES} bytes").into()),
            Read::Broken | Read::Misframed => Err("the connection broke in mid-answer".to_owned().into()),
            Read::TooLate => Err("the answer stopped in the middle".to_owned().into()),
        }
    }
}

/// How an exchange failed.
struct Failed {
    words: String,
    /// The peer gave up the TLS handshake, though our side was through with it: nothing of the request was read.
    in_handshake: bool,
    /// The connection was closed already when the request was about to go out on it.
    is_unwritten: bool,
}

impl From<String> for Failed {
    fn from(words: String) -> Self {
        Self { words, in_handshake: false, is_unwritten: false }
    }
}

impl Failed {
    fn from_error(error: &(dyn std::error::Error + 'static)) -> Self {
        let is_unwritten = Unwritten::caused(error);
        match PeerTlsFailure::find(error) {
            Some(broken) => {
                Self { words: broken.to_string(), in_handshake: broken.refuses_us(), is_unwritten }
            }
            None => Self { is_unwritten, ..with_causes(error).into() },
        }
    }

    /// Whether another connection may do better at once.
    const fn may_try_again(&self) -> bool {
        self.is_unwritten && !self.in_handshake
    }

    /// Whether it is sure that the request was not read.
    const fn is_sure(&self) -> bool {
        self.in_handshake || self.is_unwritten
    }
}

fn request(method: Method, uri: &Uri, headers: HeaderMap, body: BodyChunks) -> Request<BodyChunks> {
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = uri.clone();
    *request.headers_mut() = headers;
    request
}

/// An error with its causes, in one line.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
