//! Connections that tell when a request provably never went out on them.
//!
//! A peer may close a connection that is kept for the next request at any time, without saying so. What is written to it then is
//! lost, and nobody can tell it from a request that was read and not answered. So before a request's first byte goes out on a
//! connection that was used before, we check whether the peer has closed it; if so, the write fails with [`Unwritten`], and the
//! request may go out again on another. A peer that closes right after its answer is given a moment to do so.
//!
//! TLS is beneath this: its own records, such as tickets, are read and mean nothing; a close_notify means that the peer has closed. A
//! handshake counts as an answer, since a peer may refuse us after it.

use std::{
    fmt,
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use hyper_rustls::MaybeHttpsStream;
use hyper_util::rt::TokioIo;
use rustix::net::{RecvFlags, recv};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep, sleep_until},
};

use super::mended::Mended;

/// How long a connection rests after an answer: a peer that closes it then does so at once.
pub(super) const REST: Duration = Duration::from_millis(2);

/// Nothing of the request was written, for the peer had closed the connection.
#[derive(Debug, thiserror::Error)]
#[error("the peer had closed the connection")]
pub struct Unwritten {
    /// What the connection said instead.
    source: Option<io::Error>,
}

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

    fn error(source: Option<io::Error>) -> io::Error {
        io::Error::new(io::ErrorKind::NotConnected, Self { source })
    }
}

type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;

/// A connection over which requests go one after the other.
pub struct LiveStream {
    stream: Mended<TokioIo<Stream>>,
    /// When something last came, if nothing was written since: what is written next begins another request.
    read_at: Option<Instant>,
    /// What is written waits for this.
    rest: Option<Pin<Box<Sleep>>>,
    /// Whether a request waits to be written: nothing that comes can be its answer.
    waits: bool,
}

impl fmt::Debug for LiveStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveStream")
            .field("read_at", &self.read_at)
            .field("waits", &self.waits)
            .finish_non_exhaustive()
    }
}

/// What a socket has that nobody has read.
enum Unread {
    Nothing,
    Something,
    /// Its end, or an error.
    End,
}

impl LiveStream {
    /// A connection that was just made.
    pub fn new(stream: Stream) -> Self {
        let shook_hands = matches!(stream, MaybeHttpsStream::Https(_));
        let read_at = shook_hands.then(Instant::now);
        Self { stream: Mended::new(TokioIo::new(stream)), read_at, rest: None, waits: false }
    }

    /// Waits till something may be written.
    fn poll_clear(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(read_at) = self.read_at else { return Poll::Ready(Ok(())) };
        self.waits = true;
        if self.rest.is_none() && read_at.elapsed() < REST {
            self.rest = Some(Box::pin(sleep_until(read_at + REST)));
        }
        if let Some(rest) = &mut self.rest {
            ready!(rest.as_mut().poll(cx));
            self.rest = None;
        }
        ready!(self.poll_silence(cx))?;
        self.waits = false;
        Poll::Ready(Ok(()))
    }

    /// Waits till it is sure that the peer has neither closed the connection nor said what can only be a good-bye.
    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut byte = [0; 1];
        if !self.stream.is_drained() {
            return Poll::Ready(Err(Unwritten::error(None)));
        }
        match Pin::new(self.stream.get_mut()).poll_read(cx, &mut ReadBuf::new(&mut byte)) {
            Poll::Ready(read) => return Poll::Ready(Err(Unwritten::error(read.err()))),
            Poll::Pending => {}
        }
        match (self.unread(), self.stream()) {
            (Unread::Nothing, _) => Poll::Ready(Ok(())),
            // The runtime is about to hear of it, and wakes whoever just tried to read.
            (Unread::Something, MaybeHttpsStream::Https(_)) => Poll::Pending,
            (Unread::Something | Unread::End, _) => Poll::Ready(Err(Unwritten::error(None))),
        }
    }

    /// What the system knows, which the runtime may not have heard of.
    fn unread(&self) -> Unread {
        match recv(self.socket(), &mut [0; 1], RecvFlags::PEEK | RecvFlags::DONTWAIT) {
            Ok((0, _)) => Unread::End,
            Ok(_) => Unread::Something,
            Err(error) if error == rustix::io::Errno::AGAIN => Unread::Nothing,
            Err(_) => Unread::End,
        }
    }

    fn stream(&self) -> &Stream {
        self.stream.get_ref().inner()
    }

    fn socket(&self) -> &TcpStream {
        match self.stream() {
            MaybeHttpsStream::Http(socket) => socket.inner(),
            MaybeHttpsStream::Https(tls) => tls.inner().get_ref().0.inner().inner(),
        }
    }

    /// Notes what came of writing. Of what TLS writes, some may have gone out before it failed.
    fn wrote(&mut self, written: io::Result<usize>) -> io::Result<usize> {
        match written {
            Err(error) if self.read_at.is_some() && matches!(self.stream(), MaybeHttpsStream::Http(_)) => {
                Err(Unwritten::error(Some(error)))
            }
            written => {
                self.read_at = None;
                written
            }
        }
    }
}

impl AsyncRead for LiveStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = ready!(Pin::new(&mut self.stream).poll_read(cx, buf));
        let came = buf.filled().len() > before;
        if self.waits {
            // It answers nothing: the request that waits was not written yet.
            return Poll::Ready(Err(Unwritten::error(read.err())));
        }
        if came {
            self.read_at = Some(Instant::now());
        }
        Poll::Ready(read)
    }
}

impl AsyncWrite for LiveStream {
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

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tls_tests;
