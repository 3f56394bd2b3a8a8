//! A small HTTP/1.1 client that gives up in time and reads no more than it was told to.

use std::{error::Error, io, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http::Response;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use rustls::ClientConfig;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::http::Request;

/// Why a request brought no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The URL is not one that the client can call.
    #[error(
        "{url} cannot be called: a URL has the form http://host:port/path, and https:// only where TLS is set up"
    )]
    Url {
        /// The URL as it was given.
        url: String,
    },
    /// No connection could be made.
    #[error("no connection to {url}")]
    Connect {
        /// The URL.
        url: String,
        /// What the operating system says.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The connection broke, or what came back is no HTTP.
    #[error("the connection to {url} broke before the answer was complete")]
    Broken {
        /// The URL.
        url: String,
        /// What broke.
        source: Box<dyn Error + Send + Sync>,
    },
    /// No whole answer came in time.
    #[error("no answer from {url} within {after:?}")]
    TimedOut {
        /// The URL.
        url: String,
        /// How long was waited.
        after: Duration,
    },
    /// The answer is longer than is taken.
    #[error("the answer of {url} is longer than {limit} bytes")]
    TooLong {
        /// The URL.
        url: String,
        /// The limit, in bytes.
        limit: usize,
    },
}

/// A client with a pool of connections; cloning it shares the pool.
#[derive(Clone, Debug)]
pub struct Client {
    pool: legacy::Client<HttpConnector, Full<Bytes>>,
    /// For `https` URLs.
    secure: Option<legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>>,
    timeout: Duration,
    max_answer: usize,
}

impl Client {
    /// A client that waits `timeout` for a whole answer, connecting included, and takes answers of up to 4 MiB.
    pub fn new(timeout: Duration) -> Self {
        let pool = builder().build(connector(timeout));
        Self { pool, secure: None, timeout, max_answer: 4 * 1024 * 1024 }
    }

    /// The same, which calls `https` URLs too, over this TLS.
    #[must_use]
    pub fn with_tls(mut self, config: Arc<ClientConfig>) -> Self {
        let mut connector = connector(self.timeout);
        connector.enforce_http(false);
        self.secure = Some(builder().build(HttpsConnector::from((connector, config))));
        self
    }

    /// The same with another limit for answers, in bytes.
    #[must_use]
    pub const fn with_max_answer(mut self, bytes: usize) -> Self {
        self.max_answer = bytes;
        self
    }

    /// Sends a request as it is and reads the whole answer.
    ///
    /// # Errors
    /// Every [`ClientError`].
    pub async fn send(&self, request: Request) -> Result<Response<Bytes>, ClientError> {
        let url = request.uri().to_string();
        let is_callable = match request.uri().scheme_str() {
            Some("http") => true,
            Some("https") => self.secure.is_some(),
            _ => false,
        };
        if !is_callable || request.uri().host().is_none() {
            return Err(ClientError::Url { url });
        }
        match timeout(self.timeout, self.round_trip(request, &url)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(ClientError::TimedOut { url, after: self.timeout }),
        }
    }

    async fn round_trip(&self, request: Request, url: &str) -> Result<Response<Bytes>, ClientError> {
        let request = request.map(Full::new);
        let answering = match &self.secure {
            Some(secure) if request.uri().scheme_str() == Some("https") => secure.request(request),
            _ => self.pool.request(request),
        };
        let answer = answering.await.map_err(|source| {
            let url = url.to_owned();
            if source.is_connect() {
                ClientError::Connect { url, source: source.into() }
            } else {
                ClientError::Broken { url, source: source.into() }
            }
        })?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, self.max_answer).collect().await.map_err(|source| {
            let url = url.to_owned();
            if source.is::<LengthLimitError>() {
                ClientError::TooLong { url, limit: self.max_answer }
            } else {
                ClientError::Broken { url, source }
            }
        })?;
        Ok(Response::from_parts(head, body.to_bytes()))
    }
}

fn builder() -> legacy::Builder {
    let mut builder = legacy::Client::builder(TokioExecutor::new());
    builder.pool_timer(TokioTimer::new()).pool_idle_timeout(Duration::from_secs(20));
    // As they are written in every specification, and by most software.
    builder.http1_title_case_headers(true);
    builder
}

fn connector(timeout: Duration) -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(timeout));
    connector
}

/// Writes raw bytes to a server and gives back all that comes until it closes the connection: for requests that no
/// client would write. At most 4 MiB are read.
///
/// # Errors
/// Those of the connection; [`io::ErrorKind::TimedOut`] when it is not closed in time.
pub async fn exchange(server: SocketAddr, request: &[u8], wait: Duration) -> io::Result<Vec<u8>> {
    let exchanging = async {
        let mut stream = TcpStream::connect(server).await?;
        stream.write_all(request).await?;
        let mut answer = Vec::new();
        stream.take(4 * 1024 * 1024).read_to_end(&mut answer).await?;
        Ok(answer)
    };
    timeout(wait, exchanging).await?
}
