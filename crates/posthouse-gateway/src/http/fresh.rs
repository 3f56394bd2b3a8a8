//! Connections that tell when a request provably never went out on them.
//!
//! A peer may close a connection that is kept for the next request at any time, without saying so. What is written to it then is
//! lost, and nobody can tell it from a request that was read and not answered. So before a request's first byte goes out on a
//! connection that was used before, it is looked whether the peer has closed it; if so, the write fails with [`Unwritten`], and the
//! request may go out again on another. A peer that closes right after its answer is given a moment to do so.

use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use http::Uri;
use hyper_util::{
    client::legacy::connect::{Connected, Connection, HttpConnector},
    rt::TokioIo,
};
use rustix::net::{RecvFlags, recv};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep, sleep_until},
};
use tower_service::Service;

/// How long a connection rests after an answer: a peer that closes it then does so at once.
const REST: Duration = Duration::from_millis(2);

/// Nothing of the request was written, for the peer had closed the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the peer had closed the connection")]
pub struct Unwritten;

impl Unwritten {
    /// Whether this is what an error comes from.
    pub fn caused(error: &(dyn std::error::Error + 'static)) -> bool {
        let mut cause = Some(error);
        while let Some(error) = cause {
            let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
            if inner.is_some_and(|inner| inner.is::<Self>()) {
                return true;
            }
            cause = error.source();
        }
        false
    }

    fn error() -> io::Error {
        io::Error::new(io::ErrorKind::NotConnected, Self)
    }
}

/// Connects as [`HttpConnector`] does.
#[derive(Clone, Debug)]
pub struct FreshConnector(HttpConnector);

impl FreshConnector {
    /// Connects by this one.
    pub const fn new(connector: HttpConnector) -> Self {
        Self(connector)
    }
}

impl Service<Uri> for FreshConnector {
    type Response = TokioIo<Fresh>;
    type Error = <HttpConnector as Service<Uri>>::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let is_plain = uri.scheme_str() != Some("https");
        let connecting = self.0.call(uri);
        Box::pin(async move { Ok(TokioIo::new(Fresh::new(connecting.await?.into_inner(), is_plain))) })
    }
}

/// A connection over which requests go one after the other.
#[derive(Debug)]
pub struct Fresh {
    stream: TcpStream,
    /// Without TLS round it, in which peers say things that nobody asked for.
    is_plain: bool,
    /// When something last came, if nothing was written since: what is written next begins another request.
    read_at: Option<Instant>,
    /// What is written waits for this.
    rest: Option<Pin<Box<Sleep>>>,
}

impl Fresh {
    const fn new(stream: TcpStream, is_plain: bool) -> Self {
        Self { stream, is_plain, read_at: None, rest: None }
    }

    /// Waits till something may be written.
    fn poll_clear(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(read_at) = self.read_at else { return Poll::Ready(Ok(())) };
        if self.rest.is_none() && read_at.elapsed() < REST {
            self.rest = Some(Box::pin(sleep_until(read_at + REST)));
        }
        if let Some(rest) = &mut self.rest {
            ready!(rest.as_mut().poll(cx));
            self.rest = None;
        }
        Poll::Ready(if self.may_write() { Ok(()) } else { Err(Unwritten::error()) })
    }

    /// Whether the peer has neither closed the connection nor said what can only be a good-bye. Within TLS that is for TLS to
    /// understand.
    fn may_write(&self) -> bool {
        match recv(&self.stream, &mut [0; 1], RecvFlags::PEEK | RecvFlags::DONTWAIT) {
            Ok((came, _)) => came > 0 && !self.is_plain,
            Err(error) => error == rustix::io::Errno::AGAIN,
        }
    }

    /// Notes what came of writing.
    fn wrote(&mut self, written: io::Result<usize>) -> io::Result<usize> {
        match written {
            Err(_) if self.read_at.is_some() => Err(Unwritten::error()),
            written => {
                self.read_at = None;
                written
            }
        }
    }
}

impl AsyncRead for Fresh {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = ready!(Pin::new(&mut self.stream).poll_read(cx, buf));
        let came = buf.filled().len() > before;
        if self.rest.is_some() && (self.is_plain || !came) {
            // It answers nothing: the request that waits was not written yet.
            return Poll::Ready(Err(Unwritten::error()));
        }
        if came {
            self.read_at = Some(Instant::now());
        }
        Poll::Ready(read)
    }
}

impl AsyncWrite for Fresh {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_clear(cx))?;
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, buf));
        Poll::Ready(self.wrote(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_clear(cx))?;
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, bufs));
        Poll::Ready(self.wrote(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl Connection for Fresh {
    fn connected(&self) -> Connected {
        self.stream.connected()
    }
}

#[cfg(test)]
mod tests;
