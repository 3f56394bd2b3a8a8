//! A small HTTP/1.1 server: one handler for every request, with limits on all that peers can make it wait for or
//! hold.

use std::{convert::Infallible, io, net::SocketAddr, pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::{JoinHandle, JoinSet},
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::http::Payload;

/// A request with its body read.
pub type Request = http::Request<Bytes>;

/// An answer.
pub type Reply = Response<Payload>;

/// What is done behind a pointer: it is compiled where it is written, once for all servers.
type Work<T> = Pin<Box<dyn Future<Output = T> + Send>>;
/// Answers the requests of a server.
type Handler = Arc<dyn Fn(Request) -> Work<Reply> + Send + Sync>;

/// How long connections may finish what they are at when the server stops.
const GRACE: Duration = Duration::from_millis(500);

/// What a server takes from its peers.
#[derive(Clone, Debug)]
pub struct ServerLimits {
    /// The longest request body, in bytes; beyond it the answer is 413.
    pub max_body: usize,
    /// How long a request's head may take, and how long a connection may idle.
    pub head_timeout: Duration,
    /// How long a request's body may take; beyond it the answer is 408.
    pub body_timeout: Duration,
    /// Open connections; more wait to be accepted.
    pub max_connections: usize,
}

impl Default for ServerLimits {
    /// Bodies of 32 MiB, 60 s for the head, 60 s for the body, 4096 connections.
    fn default() -> Self {
        Self {
            max_body: 32 * 1024 * 1024,
            head_timeout: Duration::from_secs(60),
            body_timeout: Duration::from_secs(60),
            max_connections: 4096,
        }
    }
}

/// A running server. Dropping it ends it at once; [`Server::stop`] lets answers be finished.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

impl Server {
    /// Binds (port 0 takes a free one) and answers requests with `handler` until stopped.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub async fn start<H, F>(listen: SocketAddr, limits: ServerLimits, handler: H) -> io::Result<Self>
    where
        H: Fn(Request) -> F + Send + Sync + 'static,
        F: Future<Output = Reply> + Send + 'static,
    {
        Self::start_over(None, listen, limits, handler).await
    }

    /// The same over TLS, if there is some; then nothing else is spoken there.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub async fn start_over<H, F>(
        tls: Option<Arc<ServerConfig>>,
        listen: SocketAddr,
        limits: ServerLimits,
        handler: H,
    ) -> io::Result<Self>
    where
        H: Fn(Request) -> F + Send + Sync + 'static,
        F: Future<Output = Reply> + Send + 'static,
    {
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        let (stop, stopped) = watch::channel(false);
        let handler: Handler = Arc::new(move |request| Box::pin(handler(request)));
        let accepting = tokio::spawn(accepting(listener, tls, Arc::new(limits), handler, stopped));
        Ok(Self { address, stop, accepting })
    }

    /// The address that was bound.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more requests, and waits a moment for those that are being answered.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        // The accept loop ends within the grace it gives to connections.
        let _ = timeout(GRACE * 2, &mut self.accepting).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn accepting(
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    limits: Arc<ServerLimits>,
    handler: Handler,
    stopped: watch::Receiver<bool>,
) -> Work<()> {
    Box::pin(accept(listener, tls, limits, handler, stopped))
}

/// Accepts until told to stop; dropping the set of connections ends what is left.
async fn accept(
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    limits: Arc<ServerLimits>,
    handler: Handler,
    mut stopped: watch::Receiver<bool>,
) {
    let room = Arc::new(Semaphore::new(limits.max_connections));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = told(&mut stopped) => break,
            accepted = next(&listener, &room) => accepted,
        };
        while connections.try_join_next().is_some() {}
        if let Some((stream, place)) = accepted {
            // Answers are small: waiting to fill a packet would only add latency.
            let _ = stream.set_nodelay(true);
            let (limits, handler, tls, stopped) =
                (limits.clone(), handler.clone(), tls.clone(), stopped.clone());
            connections.spawn(async move {
                match tls {
                    None => serve(stream, limits, handler, stopped).await,
                    Some(tls) => {
                        if let Some(stream) = shake_hands(stream, tls, &limits, stopped.clone()).await {
                            serve(stream, limits, handler, stopped).await;
                        }
                    }
                }
                drop(place);
            });
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// The next connection, once there is room for it; `None` where the peer was gone already.
async fn next(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> Option<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let place = room.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => Some((stream, place)),
        Err(_) => {
            // Out of file descriptors, mostly: trying again at once would spin.
            tokio::time::sleep(Duration::from_millis(20)).await;
            None
        }
    }
}

/// Waits until the server is told to stop, or is gone.
async fn told(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stop| *stop).await;
}

/// `None`: the peer does not speak TLS, is too slow with it, or the server stops. Boxed: it is large.
async fn shake_hands(
    stream: TcpStream,
    tls: Arc<ServerConfig>,
    limits: &ServerLimits,
    mut stopped: watch::Receiver<bool>,
) -> Option<Box<TlsStream<TcpStream>>> {
    tokio::select! {
        shaken = timeout(limits.head_timeout, TlsAcceptor::from(tls).accept(stream)) => {
            shaken.ok()?.ok().map(Box::new)
        }
        () = told(&mut stopped) => None,
    }
}

async fn serve<S>(stream: S, limits: Arc<ServerLimits>, handler: Handler, mut stopped: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let service = service_fn(|request| {
        let (limits, handler) = (limits.clone(), handler.clone());
        async move { Ok::<_, Infallible>(answer(request, &limits, &handler).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_timeout)
        // As they are written in every specification, and by most software.
        .title_case_headers(true)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        // How a connection ended is the peer's affair.
        _ = connection.as_mut() => {}
        () = told(&mut stopped) => {
            connection.as_mut().graceful_shutdown();
            let _ = timeout(GRACE, connection).await;
        }
    }
}

async fn answer(request: http::Request<Incoming>, limits: &ServerLimits, handler: &Handler) -> Reply {
    let (head, body) = request.into_parts();
    let reading = Limited::new(body, limits.max_body).collect();
    match timeout(limits.body_timeout, reading).await {
        Ok(Ok(body)) => handler(Request::from_parts(head, body.to_bytes())).await,
        Ok(Err(_)) => refusal(StatusCode::PAYLOAD_TOO_LARGE, "the body is broken or too long\n"),
        Err(_) => refusal(StatusCode::REQUEST_TIMEOUT, "the body took too long\n"),
    }
}

/// An answer after which the connection closes, since the rest of the body is not read.
fn refusal(status: StatusCode, why: &'static str) -> Reply {
    let mut refusal = reply(status, "text/plain; charset=utf-8", why);
    refusal.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    refusal
}

/// An answer with a body. A content type that can be no header value is left out.
pub fn reply(status: StatusCode, content_type: &str, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(Payload::whole(body));
    *reply.status_mut() = status;
    if let Ok(content_type) = HeaderValue::try_from(content_type) {
        reply.headers_mut().insert(header::CONTENT_TYPE, content_type);
    }
    reply
}
