//! Content by URL (contract 4.1, row 31): fetched before 1000 is sent, from addresses that were vetted.
//!
//! A name is resolved once for each request; all its addresses must pass the [`AllowList`]; the connection goes to one of those
//! addresses, so that a name that means something else a moment later gains nothing. A redirect is a new URL, judged as the first
//! was. No proxy is asked, no cookie or credential sent, no compression taken.

mod allowed;
mod network;
#[cfg(test)]
mod tests;

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body::Body;
use http_body_util::{BodyExt, Empty};
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use mm7::mime::ContentType;
use posthouse_core::{
    submit::Fetched,
    url::{Host, HttpUrl, UrlError},
};
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    task::JoinSet,
    time::{Instant, timeout},
};

pub use self::{
    allowed::AllowList,
    network::{Network, SystemNetwork, Trust},
};
use crate::{
    config::settings,
    http::mended::Mended,
    patience::within,
    shares::{Claim, ShareRule, Shares},
};

/// How many URLs the content of one message may name.
pub const MAX_URLS: usize = 32;
/// How many redirects are followed from one URL.
pub const MAX_REDIRECTS: usize = 3;
/// How many URLs are fetched at a time, of all messages; an account's are as many as they leave free.
const AT_A_TIME: usize = 256;
/// How many bytes of fetched content may be in memory at a time; the same.
const MEMORY: usize = 256 << 20;
/// How many addresses of a name are tried.
const MAX_ADDRESSES: usize = 4;
/// The longest head of an answer, in bytes.
const MAX_HEAD_BYTES: usize = 64 << 10;
/// How many header lines of an answer are read.
const MAX_HEADERS: usize = 128;

/// Why content could not be fetched. For the operator: a VASP learns only that it failed, or it could ask its way through the
/// gateway's own network.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// More than [`MAX_URLS`].
    #[error("the content names more than {MAX_URLS} URLs")]
    TooManyUrls,
    /// It is no URL to fetch from.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// An address of the host is not public, nor in `allow_private`.
    #[error("{0} is not a public address; [fetch] allow_private may allow it")]
    Address(IpAddr),
    /// The name could not be resolved.
    #[error("the name cannot be resolved: {0}")]
    Resolve(io::Error),
    /// The name has no addresses.
    #[error("the name has no addresses")]
    NoAddress,
    /// No address could be connected to; what the last one said.
    #[error("no connection: {0}")]
    Connect(io::Error),
    /// TLS could not be opened: often a certificate that is not trusted.
    #[error("no TLS: {0}")]
    Tls(io::Error),
    /// The server does not speak HTTP/1, or broke off.
    #[error("no answer that can be read: {0}")]
    Http(#[from] hyper::Error),
    /// An answer other than 200.
    #[error("the answer is HTTP {0}")]
    Status(StatusCode),
    /// A redirect without a Location that can be read.
    #[error("a redirect that leads nowhere")]
    Redirect,
    /// More than [`MAX_REDIRECTS`].
    #[error("more than {MAX_REDIRECTS} redirects")]
    TooManyRedirects,
    /// The answer is compressed, which was not asked for.
    #[error("the answer has a Content-Encoding, which was not asked for")]
    Encoded,
    /// The answer is a multipart, which is no content but holds some.
    #[error("the answer is a multipart")]
    Multipart,
    /// Longer than `max_bytes`.
    #[error("the content is longer than {0} bytes ([fetch] max_bytes)")]
    TooLong(u64),
    /// No bytes.
    #[error("the content is empty")]
    Empty,
    /// Not there within `timeout`.
    #[error("it took too long ([fetch] timeout)")]
    TooSlow,
    /// The fetches under way take all the memory that there is for them.
    #[error("too much is being fetched at a time")]
    NoRoom,
    /// A task of our own broke off.
    #[error("fetching broke off")]
    BrokeOff,
}

/// What could not be fetched, without the rest of the URL, which may hold a secret.
#[derive(Debug, thiserror::Error)]
#[error("content from {host} was not fetched")]
pub struct Failure {
    /// The host that was asked last; empty where the URL names none.
    pub host: String,
    /// Why it was not fetched.
    pub source: FetchError,
}

impl Failure {
    fn of(host: Option<&HttpUrl>, source: FetchError) -> Self {
        Self { host: host.map(|url| url.host().to_string()).unwrap_or_default(), source }
    }
}

/// What was fetched, and the memory that it takes while this lives.
#[derive(Debug, Default)]
pub struct Haul {
    /// What each URL gave, in their order.
    pub fetched: Vec<Fetched>,
    /// The memory.
    pub memory: Vec<Claim<String>>,
}

/// Fetches.
pub struct Fetcher {
    settings: settings::FetchSection,
    allowed: AllowList,
    network: Box<dyn Network>,
    trust: Trust,
    turns: Shares<String>,
    memory: Shares<String>,
}

/// What a request gave.
enum Got {
    Content { declared: Option<ContentType>, bytes: Bytes, memory: Claim<String> },
    Elsewhere(HttpUrl),
}

impl Fetcher {
    /// A fetcher on a network.
    pub fn new(settings: settings::FetchSection, network: Box<dyn Network>, trust: Trust) -> Self {
        Self {
            allowed: AllowList::new(settings.allow_private.clone()),
            settings,
            network,
            trust,
            turns: Shares::new(ShareRule::as_much_as_is_left(AT_A_TIME)),
            memory: Shares::new(ShareRule::as_much_as_is_left(MEMORY)),
        }
    }

    /// Until when what is begun now must be done.
    pub fn deadline(&self) -> Instant {
        Instant::now() + self.settings.timeout
    }

    /// Fetches the content of one message of an account, all URLs at a time. The first that fails ends all of it; so does dropping the future.
    ///
    /// # Errors
    /// [`Failure`], within the deadline.
    pub async fn fetch(
        self: &Arc<Self>,
        urls: &[String],
        account: &str,
        deadline: Instant,
    ) -> Result<Haul, Failure> {
        if urls.len() > MAX_URLS {
            return Err(Failure::of(None, FetchError::TooManyUrls));
        }
        let mut tasks = JoinSet::new();
        for (place, url) in urls.iter().cloned().enumerate() {
            let (fetcher, account) = (Arc::clone(self), account.to_owned());
            tasks.spawn(async move { (place, fetcher.fetch_one(url, &account, deadline).await) });
        }
        let mut done = Vec::new();
        while let Some(joined) = tasks.join_next().await {
            let (place, outcome) = joined.map_err(|_| Failure::of(None, FetchError::BrokeOff))?;
            done.push((place, outcome?));
        }
        done.sort_by_key(|(place, _)| *place);
        let (fetched, memory): (Vec<_>, Vec<_>) = done.into_iter().map(|(_, one)| one).unzip();
        Ok(Haul { fetched, memory })
    }

    async fn fetch_one(
        &self,
        url: String,
        account: &str,
        deadline: Instant,
    ) -> Result<(Fetched, Claim<String>), Failure> {
        let mut at = HttpUrl::parse(&url).map_err(|error| Failure::of(None, error.into()))?;
        for _ in 0..=MAX_REDIRECTS {
            let got =
                within(deadline, self.get(&at, account, deadline)).await.unwrap_or(Err(FetchError::TooSlow));
            match got.map_err(|error| Failure::of(Some(&at), error))? {
                Got::Content { declared, bytes, memory } => {
                    return Ok((Fetched { url, found_at: at, declared, bytes }, memory));
                }
                Got::Elsewhere(location) => at = location,
            }
        }
        Err(Failure::of(Some(&at), FetchError::TooManyRedirects))
    }

    async fn get(&self, url: &HttpUrl, account: &str, deadline: Instant) -> Result<Got, FetchError> {
        let _turn = self.turns.one(account.to_owned(), deadline).await.map_err(|_| FetchError::NoRoom)?;
        let addresses = self.vetted(url.host(), account).await?;
        let stream = self.connect(&addresses, url.port(), deadline).await?;
        if !url.is_secure() {
            return self.exchange(url, account, stream).await;
        }
        let connector = self.trust.connector().await.map_err(FetchError::Tls)?;
        let stream = connector.connect(server_name(url.host())?, stream).await.map_err(FetchError::Tls)?;
        self.exchange(url, account, stream).await
    }

    /// The addresses of a host, which all passed: a name that also leads somewhere private is not trusted with the rest.
    async fn vetted(&self, host: &Host, account: &str) -> Result<Vec<IpAddr>, FetchError> {
        let addresses = match host {
            Host::Address(address) => vec![*address],
            Host::Name(name) => self.network.resolve(name, account).await.map_err(FetchError::Resolve)?,
        };
        let passed = |address: IpAddr| self.allowed.passed(address).ok_or(FetchError::Address(address));
        addresses.into_iter().map(passed).collect()
    }

    /// Connects to the first address that answers, each within its share of the time.
    async fn connect(
        &self,
        addresses: &[IpAddr],
        port: u16,
        deadline: Instant,
    ) -> Result<TcpStream, FetchError> {
        let mut failed = FetchError::NoAddress;
        let tried = addresses.len().min(MAX_ADDRESSES);
        for (address, left) in addresses.iter().zip((1..=tried).rev()) {
            let left = u32::try_from(left).unwrap_or(u32::MAX);
            let share = deadline.saturating_duration_since(Instant::now()) / left;
            match timeout(share, self.network.connect(SocketAddr::new(*address, port))).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => failed = FetchError::Connect(error),
                Err(_) => failed = FetchError::TooSlow,
            }
        }
        Err(failed)
    }

    async fn exchange<S>(&self, url: &HttpUrl, account: &str, stream: S) -> Result<Got, FetchError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut builder = http1::Builder::new();
        builder.max_buf_size(MAX_HEAD_BYTES).max_headers(MAX_HEADERS).title_case_headers(true);
        let (mut sender, connection) = builder.handshake(TokioIo::new(Mended::new(stream))).await?;
        // Ends with this request: a set of tasks aborts them when it is dropped.
        let mut driver = JoinSet::new();
        driver.spawn(connection);
        let response = sender.send_request(request(url)).await?;
        self.read(url, account, response).await
    }

    async fn read(
        &self,
        url: &HttpUrl,
        account: &str,
        response: Response<Incoming>,
    ) -> Result<Got, FetchError> {
        let (head, body) = response.into_parts();
        match head.status {
            StatusCode::OK => {}
            StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::SEE_OTHER
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT => return Ok(Got::Elsewhere(location(url, &head.headers)?)),
            status => return Err(FetchError::Status(status)),
        }
        let plain = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
        if !head.headers.get_all(header::CONTENT_ENCODING).iter().all(plain) {
            return Err(FetchError::Encoded);
        }
        let declared = declared(&head.headers);
        if declared.as_ref().is_some_and(ContentType::is_multipart) {
            return Err(FetchError::Multipart);
        }
        let (bytes, memory) = self.read_body(body, account).await?;
        Ok(Got::Content { declared, bytes, memory })
    }

    /// Reads a body within the limit, taking memory for what came and not for what was announced.
    async fn read_body(
        &self,
        mut body: Incoming,
        account: &str,
    ) -> Result<(Bytes, Claim<String>), FetchError> {
        let limit = self.settings.max_bytes;
        if body.size_hint().lower() > limit {
            return Err(FetchError::TooLong(limit));
        }
        let mut memory = self.memory.claim(account.to_owned());
        let mut whole = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame?.into_data() else { continue };
            if (whole.len() + data.len()) as u64 > limit {
                return Err(FetchError::TooLong(limit));
            }
            // At once or not at all: messages that wait for each other's would wait for nothing.
            if !memory.grow_now(data.len()) {
                return Err(FetchError::NoRoom);
            }
            whole.extend_from_slice(&data);
        }
        if whole.is_empty() { Err(FetchError::Empty) } else { Ok((whole.freeze(), memory)) }
    }
}

fn server_name(host: &Host) -> Result<ServerName<'static>, FetchError> {
    match host {
        Host::Address(address) => Ok(ServerName::IpAddress((*address).into())),
        Host::Name(name) => ServerName::try_from(name.clone()).map_err(|_| UrlError::Host.into()),
    }
}

fn request(url: &HttpUrl) -> Request<Empty<Bytes>> {
    let mut request = Request::new(Empty::new());
    // Both are made of the few characters that a URL keeps as they are; an empty path would be refused by the server.
    *request.uri_mut() = url.path_and_query().parse().unwrap_or_default();
    let host = HeaderValue::from_str(&url.authority()).unwrap_or_else(|_| HeaderValue::from_static(""));
    let agent = HeaderValue::from_static(concat!("posthouse/", env!("CARGO_PKG_VERSION")));
    let headers = request.headers_mut();
    headers.insert(header::HOST, host);
    headers.insert(header::USER_AGENT, agent);
    headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    request
}

fn location(url: &HttpUrl, headers: &HeaderMap) -> Result<HttpUrl, FetchError> {
    let location = headers.get(header::LOCATION).ok_or(FetchError::Redirect)?;
    let location = std::str::from_utf8(location.as_bytes()).map_err(|_| FetchError::Redirect)?;
    Ok(url.join(location)?)
}

fn declared(headers: &HeaderMap) -> Option<ContentType> {
    ContentType::parse(&String::from_utf8_lossy(headers.get(header::CONTENT_TYPE)?.as_bytes())).ok()
}
