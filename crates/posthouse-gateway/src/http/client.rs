//! The HTTP client for carriers and VASPs. It tells apart what was provably never sent from what may have arrived.

use std::{pin::pin, sync::atomic::Ordering, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header};
use posthouse_core::{Id, tls::PeerTls};
use tokio::time::Instant;

use super::{
    body::{BodyChunks, Read},
    connect::PeerConnector,
    liveness::Unwritten,
    pool::{IdlePool, PeerConnection},
};
use crate::{patience::within, telemetry::captures::answer_text, tls::client::PeerTlsFailure};

/// The longest answer that is read, in bytes.
const MAX_ANSWER_BYTES: u64 = 256 << 10;
/// How often a request is sent at most on a new connection, each time that it turned out to be closed before any of it was written.
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

/// What was answered about a message, as it may be shown.
pub(crate) fn reply_text(answer: &Result<HttpReply, NoAnswer>, about: Id) -> String {
    match answer {
        Ok(reply) => answer_text(reply.status, &reply.headers, &reply.body, Some(about)),
        Err(error) => format!("[{error}]"),
    }
}

/// A client with connections of its own. Clones share them.
#[derive(Clone, Debug)]
pub struct HttpClient {
    connector: PeerConnector,
    pub(super) pool: IdlePool,
    timeout: Duration,
}

impl HttpClient {
    /// A client that waits for each answer at most `timeout` and keeps at most `idle` idle connections to a host. `tls` counts for
    /// `https` URLs; without it, the authorities that the system trusts.
    pub fn new(timeout: Duration, idle: usize, tls: Option<&PeerTls>) -> Self {
        // Within half of the time, so that a peer that cannot be reached is told from one that does not answer.
        Self { connector: PeerConnector::new(timeout / 2, tls), pool: IdlePool::new(idle), timeout }
    }

    /// Posts a body and reads the answer. Where a connection that was kept turns out to be closed before anything was written,
    /// the request goes out on another.
    ///
    /// # Errors
    /// [`NoAnswer`], within the client's time-out.
    pub fn post(
        &self,
        uri: &Uri,
        headers: HeaderMap,
        chunks: Vec<Bytes>,
    ) -> impl Future<Output = Result<HttpReply, NoAnswer>> + Send {
        self.exchange(Method::POST, uri, headers, chunks)
    }

    /// Gets what a URI names.
    ///
    /// # Errors
    /// [`NoAnswer`], within the client's time-out. Which of both is of no interest: it changes nothing.
    pub async fn get(&self, uri: &Uri, headers: HeaderMap) -> Result<HttpReply, NoAnswer> {
        self.exchange(Method::GET, uri, headers, Vec::new()).await
    }

    async fn exchange(
        &self,
        method: Method,
        uri: &Uri,
        mut headers: HeaderMap,
        chunks: Vec<Bytes>,
    ) -> Result<HttpReply, NoAnswer> {
        let deadline = Instant::now() + self.timeout;
        let (host, path) = host_and_path(uri).map_err(|error| NoAnswer::Unreached(error.to_string()))?;
        headers.entry(header::HOST).or_insert(host);
        let mut tries = 1;
        loop {
            let body = BodyChunks::new(chunks.clone());
            let begun = body.begun();
            let mut request = Request::new(body);
            *request.method_mut() = method.clone();
            *request.uri_mut() = path.clone();
            *request.headers_mut() = headers.clone();
            let late = |_| Err(format!("nothing within {} ms", self.timeout.as_millis()).into());
            // By reference: what is handed over would be there twice, in what awaits it.
            let answering = pin!(self.answer(uri, request, deadline));
            match within(deadline, answering).await.unwrap_or_else(late) {
                Ok(answer) => return Ok(answer),
                // Of those that were kept, there are only so many.
                Err(failed) if failed.may_try_again() && failed.on_kept => {}
                Err(failed) if failed.may_try_again() && tries < TRIES => tries += 1,
                Err(failed) if failed.is_sure() || !begun.load(Ordering::Acquire) => {
                    return Err(NoAnswer::Unreached(failed.words));
                }
                Err(failed) => return Err(NoAnswer::Unknown(failed.words)),
            }
        }
    }

    async fn answer(
        &self,
        uri: &Uri,
        request: Request<BodyChunks>,
        deadline: Instant,
    ) -> Result<HttpReply, Failed> {
        let mut connection = match self.pool.take(uri) {
            Some(connection) => connection,
            None => {
                // Rare, and a large future.
                let opening = Box::pin(PeerConnection::open(&self.connector, uri));
                opening.await.map_err(|error| Failed::from_error(&*error))?
            }
        };
        let on_kept = connection.was_used();
        let asked = connection.ask(request, MAX_ANSWER_BYTES, deadline).await;
        let (head, body) = asked.map_err(|mut error| {
            let was_taken = error.take_message().is_none();
            let failed = Failed::from_error(&error.into_error());
            Failed { is_unwritten: failed.is_unwritten || (on_kept && !was_taken), on_kept, ..failed }
        })?;
        match body {
            Read::Whole(body) => {
                self.pool.put(uri, connection, deadline).await;
                Ok(HttpReply { status: head.status, headers: head.headers, body })
            }
            Read::TooLong(_) => Err(format!("an answer of more than {MAX_ANSWER_BYTES} bytes").into()),
            Read::Broken | Read::Misframed => Err("the connection broke in mid-answer".to_owned().into()),
            Read::TooLate => Err("the answer stopped in the middle".to_owned().into()),
        }
    }
}

/// What a request to a URI says of where it goes: the header `Host`, and its target.
fn host_and_path(uri: &Uri) -> Result<(HeaderValue, Uri), http::Error> {
    let host = uri.host().unwrap_or_default();
    let usual = if uri.scheme_str() == Some("https") { 443 } else { 80 };
    let host = match uri.port_u16() {
        Some(port) if port != usual => HeaderValue::try_from(format!("{host}:{port}")),
        _ => HeaderValue::from_str(host),
    };
    let path = uri
        .path_and_query()
        .cloned()
        .map_or_else(|| Ok(Uri::default()), |path| Uri::builder().path_and_query(path).build());
    Ok((host?, path?))
}

/// How an exchange failed.
struct Failed {
    words: String,
    /// The peer gave up the TLS handshake, though our side was through with it: nothing of the request was read.
    in_handshake: bool,
    /// The connection was closed already when the request was about to go out on it.
    is_unwritten: bool,
    /// It was one that had been kept.
    on_kept: bool,
}

impl From<String> for Failed {
    fn from(words: String) -> Self {
        Self { words, in_handshake: false, is_unwritten: false, on_kept: false }
    }
}

impl Failed {
    fn from_error(error: &(dyn std::error::Error + 'static)) -> Self {
        let is_unwritten = Unwritten::caused(error);
        match PeerTlsFailure::find(error) {
            Some(broken) => Self {
                words: broken.to_string(),
                in_handshake: broken.refuses_us(),
                is_unwritten,
                on_kept: false,
            },
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

#[cfg(test)]
mod tests {
    use super::*;

    /// It lies in the task of whoever awaits it, of which there are thousands, and is moved with that.
    #[test]
    fn an_exchange_that_is_awaited_is_no_larger_than_it_has_to_be() {
        let client = HttpClient::new(Duration::from_secs(1), 1, None);
        let (uri, headers) = (Uri::from_static("http://vasp.example/"), HeaderMap::new());
        assert!(size_of_val(&client.post(&uri, headers, Vec::new())) <= 3 << 10);
    }
}
