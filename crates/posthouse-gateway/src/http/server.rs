//! The accept loop: connection caps, deadlines for handshakes, heads and for what is sent, graceful stop.

use std::{
    convert::Infallible,
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use posthouse_core::Id;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpSocket, TcpStream},
    task::JoinSet,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    answer_body::AnswerBody,
    handshake::Handshakes,
    heads::{HeadRoom, Heads},
    limits::ConnectionLimits,
    patience::Patience,
    peer::Peer,
    proxies::Proxies,
    requests::Requests,
    seats::{Entered, Seat, Seats},
};
use crate::{telemetry::captures::answer_text, tls::door::DoorTls};

/// The longest request head, in bytes. Long enough for an Authorization header of a megabyte to be refused by a code of the
/// table, and not by a closed connection.
const MAX_HEAD_BYTES: usize = 2 << 20;
/// By how much a head may be longer as hyper sees it: lines that tell no usable length have longer names then.
const LONGER_NAMES: usize = 4 << 10;
/// How many connections the kernel holds till they are accepted, as far as the system lets it: what comes on top tries again after a
/// second. The usual 128 are fewer than come at once when a gateway starts again and all its peers are back.
const BACKLOG: u32 = 4096;
/// The wait after an accept that failed for want of file descriptors or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What almost every request is answered with: bodies are small and whole.
pub type HttpAnswer = Response<Full<Bytes>>;

/// What is done behind a pointer: it is compiled where it is written.
type Work<T> = Pin<Box<dyn Future<Output = T> + Send>>;
/// Answers the requests of a door.
type Handler = Arc<dyn Fn(Request<Incoming>, Peer) -> Work<Response<AnswerBody>> + Send + Sync>;

/// Also where connections of an earlier process linger.
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// A bound door, not yet open.
#[derive(Debug)]
pub struct Door {
    listener: TcpListener,
    limits: ConnectionLimits,
    tls: Option<Arc<DoorTls>>,
    proxies: Proxies,
}

impl Door {
    /// Binds an address; port 0 takes a free one. With `tls` nothing else is spoken there.
    ///
    /// # Errors
    /// What the system says.
    pub fn bind(
        address: SocketAddr,
        limits: ConnectionLimits,
        tls: Option<Arc<DoorTls>>,
    ) -> io::Result<Self> {
        Ok(Self { listener: listen(address)?, limits, tls, proxies: Proxies::default() })
    }

    /// With proxies of ours, which may have any number of its connections.
    #[must_use]
    pub fn behind(self, proxies: Proxies) -> Self {
        Self { proxies, ..self }
    }

    /// What it shows in TLS.
    pub const fn tls(&self) -> Option<&Arc<DoorTls>> {
        self.tls.as_ref()
    }

    /// `https` or `http`.
    pub const fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// The address, with the port taken.
    ///
    /// # Errors
    /// What the system says.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop`; then finishes the requests under way.
    ///
    /// Whatever the handler is, it is the same code from here on: one HTTP stack for all doors, compiled with this crate and not again
    /// with each that opens a door.
    pub fn serve<H, F, B>(
        self,
        handler: H,
        stop: CancellationToken,
    ) -> Pin<Box<dyn Future<Output = ()> + Send>>
    where
        H: Fn(Request<Incoming>, Peer) -> F + Send + Sync + 'static,
        F: Future<Output = Response<B>> + Send + 'static,
        B: Into<AnswerBody>,
    {
        let handler = Arc::new(handler);
        let answered = move |request, peer| -> Work<Response<AnswerBody>> {
            let handler = Arc::clone(&handler);
            // The answer is begun in its place: it has some kilobytes, which would be moved there.
            Box::pin(async move { handler(request, peer).await.map(B::into) })
        };
        self.serve_all(Arc::new(answered), stop)
    }

    fn serve_all(self, handler: Handler, stop: CancellationToken) -> Work<()> {
        Box::pin(self.accept(handler, stop))
    }

    async fn accept(self, handler: Handler, stop: CancellationToken) {
        let handshakes = Arc::new(Handshakes::new(self.limits.handshakes, self.limits.handshake));
        let seats = Seats::new(self.limits.connections, self.proxies);
        let heads = Heads::default();
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = stop.cancelled() => break,
                Some(_) = connections.join_next() => continue,
            };
            match accepted {
                Ok((stream, address)) => {
                    let seat = seats.enter(address);
                    let opened = Opened {
                        address,
                        limits: self.limits,
                        tls: self.tls.clone(),
                        handshakes: Arc::clone(&handshakes),
                        heads: heads.clone(),
                        stop: stop.clone(),
                    };
                    let handler = Arc::clone(&handler);
                    connections.spawn(async move {
                        // What there is no room for is closed at once.
                        if let Some(seat) = seated(seat, &opened).await {
                            opened.serve(stream, seat, handler).await;
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "accept failed");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(self.listener);
        let finished = async { while connections.join_next().await.is_some() {} };
        if timeout(self.limits.stop, finished).await.is_err() {
            tracing::warn!(left = connections.len(), "connections were cut at stop");
        }
    }
}

/// A connection that came.
struct Opened {
    address: SocketAddr,
    limits: ConnectionLimits,
    tls: Option<Arc<DoorTls>>,
    handshakes: Arc<Handshakes>,
    heads: Heads,
    stop: CancellationToken,
}

/// Its seat, once it has one. On the porch it waits as long as for a head.
async fn seated(entered: Entered, opened: &Opened) -> Option<Seat> {
    match entered {
        Entered::Seat(seat) => Some(seat),
        Entered::Full => None,
        Entered::Porch(porch) => tokio::select! {
            seat = porch.seat(Instant::now() + opened.limits.head) => seat,
            () = opened.stop.cancelled() => None,
        },
    }
}

impl Opened {
    /// Serves it till it ends, or till it has to leave its seat to others.
    async fn serve(self, stream: TcpStream, mut seat: Seat, handler: Handler) {
        let (stream, from) = (prepare(stream, self.limits), self.address);
        let progress = seat.progress();
        let handler = |request, peer: Peer| {
            let progress = peer.progress.clone();
            progress.arriving();
            let answer = handler(request, peer);
            async move {
                let answer = answer.await;
                progress.open();
                answer
            }
        };
        let serving = async {
            let Self { address, limits, tls, handshakes, heads, stop } = self;
            let room = heads.of(address.ip());
            match tls {
                None => {
                    let peer = Peer { address, tls: false, certificate: None, progress };
                    serve_connection(stream, room, peer, handler, limits, stop).await;
                }
                Some(tls) => {
                    let shaken = handshakes.shake(tls.config(), stream, address, &stop).await;
                    if let Some((stream, peer)) = shaken {
                        let peer = Peer { progress, ..peer };
                        serve_connection(stream, room, peer, handler, limits, stop).await;
                    }
                }
            }
        };
        tokio::select! {
            () = serving => {}
            () = seat.ended() => {
                tracing::debug!(address = %from, "a connection was ended: there are too many, and most are of its address");
            }
        }
    }
}

fn prepare(stream: TcpStream, limits: ConnectionLimits) -> Patience<TcpStream> {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    Patience::new(stream, limits.stalled)
}

async fn serve_connection<S, H, F>(
    stream: S,
    room: HeadRoom,
    peer: Peer,
    handler: H,
    limits: ConnectionLimits,
    stop: CancellationToken,
) where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    H: Fn(Request<Incoming>, Peer) -> F,
    F: Future<Output = Response<AnswerBody>>,
{
    let stream = Requests::new(stream, MAX_HEAD_BYTES).within(room);
    let is_over = stream.is_over();
    let service = service_fn(|request| {
        let (answer, is_over) = (handler(request, peer.clone()), Arc::clone(&is_over));
        async move {
            let mut answer = answer.await;
            if is_over.load(Ordering::Acquire) {
                answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            Ok::<_, Infallible>(answer)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        // Of header lines a hundred are read, hyper's own bound: with any other it keeps them on the heap, 10 KB for each request.
        // A peer that has sent all it has to send may say so, and still waits for its answer.
        .half_close(true)
        // Some peers look for `Content-Type` as it is written in every specification.
        .title_case_headers(true)
        .max_buf_size(MAX_HEAD_BYTES + LONGER_NAMES)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        // Peers hang up and break HTTP all day long: nothing for the log of a healthy gateway.
        tracing::debug!(%error, "connection ended");
    }
}

/// The refusal of a request whose method a resource does not take: it says which it takes (RFC 9110, 15.5.6).
pub fn method_not_allowed(allow: &'static str, text: &'static str) -> HttpAnswer {
    let mut answer = plain(http::StatusCode::METHOD_NOT_ALLOWED, text);
    answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
    answer
}

/// An answer, `about` this message where that is known, and how it may be shown: its body is in memory.
pub(crate) async fn shown(answer: HttpAnswer, about: Option<Id>) -> (HttpAnswer, String) {
    let (head, body) = answer.into_parts();
    // What is in memory cannot fail.
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let text = answer_text(head.status, &head.headers, &body, about);
    (Response::from_parts(head, Full::new(body)), text)
}

/// An answer without MM7 in it, for what never was an MM7 request.
pub fn plain(status: http::StatusCode, text: &'static str) -> HttpAnswer {
    let mut answer = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *answer.status_mut() = status;
    let content_type = HeaderValue::from_static("text/plain; charset=utf-8");
    answer.headers_mut().insert(header::CONTENT_TYPE, content_type);
    answer
}
