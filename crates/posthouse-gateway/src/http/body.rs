//! Bodies: reading one within a limit, writing one in pieces.

use std::{
    collections::VecDeque,
    convert::Infallible,
    error::Error,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::{Instant, timeout};

use super::memory::MemoryShare;
use crate::{patience::within, spawn::spawn};

/// How much of a body that is refused is still read, so that the peer gets to read the answer instead of a reset.
const DRAIN_BYTES: u64 = 16 << 20;
/// For how long it is read.
const DRAIN_TIME: Duration = Duration::from_secs(5);
/// What is reserved for a body before any of it came: never as much as its length claims.
const FIRST_RESERVE: usize = 128 << 10;

/// How reading a body ended.
#[derive(Debug)]
pub enum Read {
    /// All of it came.
    Whole(Bytes),
    /// It is longer than the limit. What is left of it is returned unread.
    TooLong(Incoming),
    /// It is not as long as was said, or its chunks are none.
    Misframed,
    /// The connection broke before all of it came.
    Broken,
    /// The deadline passed before all of it came, or before there was memory for it.
    TooLate,
}

/// Reads a body of at most `limit` bytes until `deadline`, into a share of memory that grows with what comes.
pub async fn read(mut body: Incoming, limit: u64, deadline: Instant, share: &mut MemoryShare) -> Read {
    let announced = usize::try_from(body.size_hint().lower().min(limit)).unwrap_or(0);
    let longest = body.size_hint().upper().unwrap_or(limit).min(limit);
    let mut whole = BytesMut::with_capacity(announced.min(FIRST_RESERVE));
    loop {
        let frame = match within(deadline, body.frame()).await {
            Err(_) => return Read::TooLate,
            Ok(None) => return Read::Whole(whole.freeze()),
            Ok(Some(Err(error))) => return if is_misframed(&error) { Read::Misframed } else { Read::Broken },
            Ok(Some(Ok(frame))) => frame,
        };
        let Ok(data) = frame.into_data() else { continue };
        if (whole.len() + data.len()) as u64 > limit {
            return Read::TooLong(body);
        }
        if !share.grow(whole.len() + data.len(), longest, deadline).await {
            return Read::TooLate;
        }
        if whole.capacity() - whole.len() < data.len() {
            // Once, for all that is announced: growing by and by would copy it by and by, and keep what it grew out of. These are
            // addresses; of memory it takes what comes.
            whole.reserve(announced.saturating_sub(whole.len()).max(data.len()));
        }
        whole.extend_from_slice(&data);
    }
}

/// Whether the bytes that came are at fault, and not the connection.
fn is_misframed(error: &hyper::Error) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    let causes = std::iter::successors(error.source(), |error| (*error).source());
    let mut kinds = causes.filter_map(|error| error.downcast_ref::<io::Error>()).map(io::Error::kind);
    kinds.any(|kind| matches!(kind, InvalidData | InvalidInput | UnexpectedEof))
}

/// Reads and forgets what is left of a refused body, within bounds, while the answer is being sent: closing a socket that has
/// unread bytes resets it, and the peer may never see the answer.
pub fn drain(mut body: Incoming) {
    let rest = async move {
        let mut left = DRAIN_BYTES;
        while let Some(Ok(frame)) = body.frame().await {
            let length = frame.data_ref().map_or(0, Bytes::len) as u64;
            match left.checked_sub(length) {
                Some(less) => left = less,
                None => return,
            }
        }
    };
    // Whether it was drained to the end or the time ran out makes no difference.
    spawn(async move { drop(timeout(DRAIN_TIME, rest).await) });
}

/// A body made of pieces that are shared, not copied, and that tells whether it was begun.
#[derive(Debug)]
pub struct BodyChunks {
    chunks: VecDeque<Bytes>,
    length: u64,
    begun: Arc<AtomicBool>,
}

impl BodyChunks {
    /// A body of these pieces.
    pub fn new(chunks: Vec<Bytes>) -> Self {
        let length = chunks.iter().map(|chunk| chunk.len() as u64).sum();
        Self { chunks: chunks.into(), length, begun: Arc::default() }
    }

    /// A flag that is set before the first byte of the request, its head included, can have gone out: HTTP/1 writes the head
    /// together with the first piece of the body.
    pub fn begun(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.begun)
    }
}

impl Body for BodyChunks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        this.begun.store(true, Ordering::Release);
        let next = this.chunks.pop_front();
        if let Some(chunk) = &next {
            this.length -= chunk.len() as u64;
        }
        Poll::Ready(next.map(|chunk| Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.chunks.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}
