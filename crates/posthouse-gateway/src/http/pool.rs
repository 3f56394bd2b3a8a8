//! Connections to peers: made, used by one request after the other, and kept for a moment between them.
//!
//! A connection is driven by whoever asks over it, in the same task, so that a request and its answer pass through no other. One that is
//! kept is driven by nobody: what its peer says meanwhile, or that it closed it, is seen when the next request is about to go out
//! ([`LiveStream`]).

use std::{
    error::Error,
    fmt,
    future::poll_fn,
    pin::{Pin, pin},
    sync::{Arc, Weak},
    task::{Context, Poll},
    time::Duration,
};

use http::{Request, Uri, response, uri::Authority};
use hyper::client::conn::{
    TrySendError,
    http1::{Builder, Connection, SendRequest},
};
use hyper_util::rt::TokioIo;
use posthouse_core::lock::Mutex;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::{
    body::{self, BodyChunks, Read},
    connect::PeerConnector,
    liveness::{LiveStream, REST},
    memory::MemoryShare,
};
use crate::spawn::spawn;

/// How long an idle connection is kept. Shorter than what servers commonly keep theirs, so that one rarely goes stale.
const IDLE: Duration = Duration::from_secs(4);
/// How often we look for those that were idle too long.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long the end of a connection may take that is closed in order.
const CLOSING: Duration = Duration::from_secs(1);

/// A connection over which requests go one after the other.
pub(super) struct PeerConnection {
    sender: SendRequest<BodyChunks>,
    /// None once it is over: what it was asked for and did not take fails by its end.
    connection: Option<Connection<TokioIo<LiveStream>, BodyChunks>>,
    was_used: bool,
}

impl PeerConnection {
    /// Makes one.
    ///
    /// # Errors
    /// What the system says, or the peer's TLS.
    pub async fn open(
        connector: &PeerConnector,
        to: &Uri,
    ) -> Result<Box<Self>, Box<dyn Error + Send + Sync>> {
        let stream = connector.connect(to.clone()).await?;
        // Some peers look for `Content-Type` as it is written in every specification.
        let (sender, connection) =
            Builder::new().title_case_headers(true).handshake(TokioIo::new(stream)).await?;
        Ok(Box::new(Self { sender, connection: Some(connection), was_used: false }))
    }

    /// Whether a request went over it before.
    pub const fn was_used(&self) -> bool {
        self.was_used
    }

    /// Sends a request, and reads an answer whose body has at most `limit` bytes.
    ///
    /// # Errors
    /// What hyper says; with the request, where nothing of it was taken.
    pub async fn ask(
        &mut self,
        request: Request<BodyChunks>,
        limit: u64,
        deadline: Instant,
    ) -> Result<(response::Parts, Read), TrySendError<Request<BodyChunks>>> {
        let answered = self.sender.try_send_request(request);
        let (head, body) = self.driving(answered).await?.into_parts();
        let mut share = MemoryShare::unbounded();
        let body = self.driving(body::read(body, limit, deadline, &mut share)).await;
        Ok((head, body))
    }

    /// Awaits what comes of driving it.
    async fn driving<T>(&mut self, future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        poll_fn(|context| {
            // What it asks for may be there at once.
            if let Poll::Ready(done) = future.as_mut().poll(context) {
                return Poll::Ready(done);
            }
            self.poll_connection(context);
            future.as_mut().poll(context)
        })
        .await
    }

    fn poll_connection(&mut self, context: &mut Context<'_>) {
        if let Some(connection) = &mut self.connection
            && Pin::new(connection).poll(context).is_ready()
        {
            self.connection = None;
        }
    }

    /// Whether another request may go over it now.
    async fn is_ready(&mut self) -> bool {
        if !self.sender.is_ready() {
            self.drive(|_| true).await;
        }
        self.connection.is_some() && self.sender.is_ready()
    }

    /// Drives it till it is over, or this holds of it.
    async fn drive(&mut self, until: impl Fn(&SendRequest<BodyChunks>) -> bool) {
        poll_fn(|context| {
            self.poll_connection(context);
            if self.connection.is_none() || until(&self.sender) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// Ends it in order: over TLS the peer is told.
    async fn close(self: Box<Self>) {
        let Self { sender, connection, .. } = *self;
        drop(sender);
        if let Some(connection) = connection {
            // Whatever comes of it, the connection is over.
            drop(timeout(CLOSING, connection).await);
        }
    }
}

/// A client's connections that wait for their next request.
#[derive(Clone)]
pub(super) struct IdlePool {
    idle: Arc<Mutex<IdleConnections>>,
    most: usize,
}

#[derive(Default)]
struct IdleConnections {
    hosts: Vec<IdleHost>,
    /// Whether a task closes those that are idle for too long.
    is_watched: bool,
}

/// Those of one host, with the time since when each is idle; the oldest first.
struct IdleHost {
    is_tls: bool,
    authority: Authority,
    kept: Vec<(Instant, Box<PeerConnection>)>,
}

impl fmt::Debug for IdlePool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdlePool").field("most", &self.most).finish_non_exhaustive()
    }
}

fn is_tls(uri: &Uri) -> bool {
    uri.scheme_str() == Some("https")
}

impl IdleHost {
    fn is_of(&self, uri: &Uri) -> bool {
        self.is_tls == is_tls(uri) && Some(&self.authority) == uri.authority()
    }
}

impl IdlePool {
    /// A pool that keeps at most so many for each host.
    pub fn new(most: usize) -> Self {
        Self { idle: Arc::default(), most }
    }

    /// One that leads where this URI does, if there is one: of those that have rested after their last answer the one that was used last, so
    /// that others may be closed; where none has, the one that will have first.
    pub fn take(&self, uri: &Uri) -> Option<Box<PeerConnection>> {
        let mut idle = self.idle.lock();
        let kept = &mut idle.hosts.iter_mut().find(|host| host.is_of(uri))?.kept;
        let now = Instant::now();
        let stale = kept.partition_point(|(since, _)| now.duration_since(*since) >= IDLE);
        drop(kept.drain(..stale));
        let rested = kept.partition_point(|(since, _)| now.duration_since(*since) >= REST);
        let at = rested.saturating_sub(1);
        (at < kept.len()).then(|| kept.remove(at).1)
    }

    /// Keeps a connection to where this URI leads. One that is not through with its last request finishes it, till the deadline, and is
    /// closed.
    pub async fn put(&self, uri: &Uri, mut connection: Box<PeerConnection>, deadline: Instant) {
        connection.was_used = true;
        if connection.is_ready().await {
            self.keep(uri, connection);
        } else if connection.connection.is_some() {
            spawn(async move {
                // In time or not, it is closed.
                drop(timeout_at(deadline, connection.drive(SendRequest::is_ready)).await);
                connection.close().await;
            });
        }
    }

    fn keep(&self, uri: &Uri, connection: Box<PeerConnection>) {
        let Some(authority) = uri.authority() else { return };
        let mut idle = self.idle.lock();
        if !idle.hosts.iter().any(|host| host.is_of(uri)) {
            let host = IdleHost { is_tls: is_tls(uri), authority: authority.clone(), kept: Vec::new() };
            idle.hosts.push(host);
        }
        let Some(host) = idle.hosts.iter_mut().find(|host| host.is_of(uri)) else { return };
        if host.kept.len() < self.most {
            host.kept.push((Instant::now(), connection));
        }
        if !std::mem::replace(&mut idle.is_watched, true) {
            spawn(watch(Arc::downgrade(&self.idle)));
        }
    }
}

/// Closes connections that are idle for too long, as long as there are any.
async fn watch(pool: Weak<Mutex<IdleConnections>>) {
    loop {
        sleep(LOOK_EVERY).await;
        let Some(pool) = pool.upgrade() else { return };
        let mut stale = Vec::new();
        let mut idle = pool.lock();
        for host in &mut idle.hosts {
            let kept = host.kept.partition_point(|(since, _)| since.elapsed() >= IDLE);
            stale.extend(host.kept.drain(..kept));
        }
        idle.hosts.retain(|host| !host.kept.is_empty());
        idle.is_watched = !idle.hosts.is_empty();
        let is_watched = idle.is_watched;
        drop(idle);
        for (_, connection) in stale {
            spawn(connection.close());
        }
        if !is_watched {
            return;
        }
    }
}

#[cfg(test)]
mod tests;
