//! The body of an answer: whole, or cut off on purpose.

use std::{
    fmt, io,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// The body of an answer.
#[derive(Debug)]
pub struct Payload {
    bytes: Option<Bytes>,
    end: End,
    then: Then,
}

/// What is done when the body has been handed on, or its reader is gone.
#[derive(Default)]
struct Then(Option<Box<dyn FnOnce() + Send>>);

impl Drop for Then {
    fn drop(&mut self) {
        if let Some(then) = self.0.take() {
            then();
        }
    }
}

impl fmt::Debug for Then {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Then")
    }
}

/// What follows the bytes.
#[derive(Debug)]
enum End {
    /// Nothing: the body is complete.
    Complete,
    /// The connection breaks, but not before the bytes had their chance to be written.
    Cut { flushed: bool },
}

impl Payload {
    /// A body that is sent whole.
    pub fn whole(bytes: impl Into<Bytes>) -> Self {
        Self { bytes: Some(bytes.into()), end: End::Complete, then: Then::default() }
    }

    /// A body after whose bytes the connection is closed. The headers must announce a Content-Length beyond them.
    pub fn cut(bytes: impl Into<Bytes>) -> Self {
        Self { bytes: Some(bytes.into()), end: End::Cut { flushed: false }, then: Then::default() }
    }

    /// The same body, behind which something is done: once it has been handed on to be written.
    #[must_use]
    pub fn then(mut self, then: impl FnOnce() + Send + 'static) -> Self {
        self.then = Then(Some(Box::new(then)));
        self
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(bytes) = self.bytes.take().filter(|bytes| !bytes.is_empty()) {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        match &mut self.end {
            End::Complete => Poll::Ready(None),
            // Not being ready once makes the connection write what it has buffered.
            End::Cut { flushed } if !*flushed => {
                *flushed = true;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            End::Cut { .. } => Poll::Ready(Some(Err(io::Error::other("the answer is cut off on purpose")))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.end, End::Complete) && self.bytes.as_ref().is_none_or(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        match self.end {
            End::Complete => SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            End::Cut { .. } => SizeHint::default(),
        }
    }
}
