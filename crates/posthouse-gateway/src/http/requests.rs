//! Requests on their way to hyper: where each begins and ends, and heads as hyper takes them.
//!
//! hyper answers a head that it cannot read with a bare 400 before anybody else sees it, and takes no folded lines. So heads are
//! read here first ([`mm7::http1`]), and hyper sees one of these:
//!
//! * the head as it came, its folded lines joined;
//! * where its length cannot be used, the same with those lines renamed ([`UNUSABLE_LENGTH`], [`UNUSABLE_CODING`]);
//! * where it cannot be read, one of our own with [`UNUSABLE_HEAD`] in it.
//!
//! Bodies pass as they are, counted by the same rules as hyper counts them, so that only what stands where a head stands is taken for
//! one. Behind a request whose end is not known hyper gets nothing more: the connection is closed, once the peer had time to read
//! the answer.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use http::{HeaderMap, HeaderName, Request, Uri, header};
use mm7::http1::{
    BodyLength, Chunks, HeadEnd, HeadFaultKind, RequestLine, is_identity, judge, request_line, unfold,
};
use posthouse_core::submit::ContentLength;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

use super::heads::HeadRoom;

/// The name under which a Content-Length arrives that cannot be used.
pub const UNUSABLE_LENGTH: HeaderName = HeaderName::from_static("unusable-content-length");
/// The name under which a Transfer-Encoding arrives that cannot be used.
pub const UNUSABLE_CODING: HeaderName = HeaderName::from_static("unusable-transfer-encoding");
/// The header that stands for a head that cannot be read. Its value says why, see [`head_fault`].
pub const UNUSABLE_HEAD: HeaderName = HeaderName::from_static("unusable-head");
/// The target of a request whose own could not be read.
pub const NO_TARGET: &str = "*";

/// What is put before the name of a header that shall not count.
const RENAMED: &[u8] = b"unusable-";
/// How much is read at a time while a head is put together, or the size of a chunk.
const PIECE: usize = 8 << 10;
/// How much is read at a time otherwise. hyper reads into a buffer that doubles whenever a read fills it, as long as heads may be: a
/// peer that sends fast would be given megabytes for each of its connections, beside its body, that nobody counts.
const READ_AT_MOST: u64 = 64 << 10;
/// How much of a request is read at first. What fills hyper's buffer doubles it, and a long body that came with its head would
/// do so at each request.
const BEGINNING: u64 = 8 << 10;
/// The most room that is kept between requests.
const KEPT: usize = 16 << 10;
/// How much of what follows a request without an end is still read, so that the peer gets to read the answer instead of a reset.
const LINGER_BYTES: usize = 16 << 20;
/// For how long it is read.
const LINGER_TIME: Duration = Duration::from_secs(5);

/// Why a request has a head that cannot be read, if it has one.
pub fn head_fault(headers: &HeaderMap) -> Option<HeadFaultKind> {
    let number: usize = headers.get(UNUSABLE_HEAD)?.to_str().ok()?.parse().ok()?;
    HeadFaultKind::ALL.get(number).copied()
}

/// Whether a request is for a place: also where its own target could not be read.
pub fn is_for<B>(request: &Request<B>, is_it: impl Fn(&str) -> bool) -> bool {
    let path = request.uri().path();
    is_it(path) || (path == NO_TARGET && head_fault(request.headers()).is_some())
}

/// Whether two paths name the same place: a slash at the end does not count.
pub fn is_same_place(path: &str, other: &str) -> bool {
    let without_slash = |path: &'_ str| path.len() - usize::from(path.ends_with('/'));
    path.get(..without_slash(path)) == other.get(..without_slash(other))
}

/// How long the body is.
pub fn content_length(headers: &HeaderMap) -> ContentLength {
    if headers.contains_key(UNUSABLE_LENGTH) || headers.contains_key(UNUSABLE_CODING) {
        return ContentLength::Malformed;
    }
    if headers.contains_key(header::TRANSFER_ENCODING) {
        return ContentLength::Chunked;
    }
    let Some(value) = headers.get(header::CONTENT_LENGTH) else { return ContentLength::Missing };
    let parsed = value.to_str().ok().and_then(|text| text.trim().parse().ok());
    parsed.map_or(ContentLength::Malformed, ContentLength::Bytes)
}

/// Whether a Content-Encoding stands between the body and what is to be read.
pub fn is_encoded(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::CONTENT_ENCODING).iter();
    values.into_iter().any(|value| !matches!(value.to_str(), Ok(text) if is_identity(text)))
}

/// What stands where a connection is read.
#[derive(Debug)]
enum At {
    Head(Beginning),
    /// A body of which this many bytes are still to come.
    Body(u64),
    Chunks(Chunks),
    /// Nothing that hyper gets: the request before has no end that is known.
    Over,
    /// The framing of a chunked body broke.
    Broken,
}

/// A head of which not all has come.
#[derive(Debug, Default)]
struct Beginning {
    end: HeadEnd,
    /// With how many bytes the request line is looked at next. It doubles, so that a line that comes byte by byte costs no more
    /// than its length.
    look_at: usize,
}

impl At {
    fn head() -> Self {
        Self::Head(Beginning::default())
    }

    fn body(left: u64) -> Self {
        if left == 0 { Self::head() } else { Self::Body(left) }
    }

    fn chunks(chunks: Chunks) -> Self {
        if chunks.is_over() { Self::head() } else { Self::Chunks(chunks) }
    }
}

/// What a whole head means.
enum Meaning {
    /// It passes, and this comes behind it.
    Passes(At),
    /// Its length cannot be used.
    NoLength,
    Fault(HeadFaultKind),
}

fn meaning(head: &[u8]) -> Meaning {
    let judged = match judge(head) {
        Ok(judged) if is_target(judged.target) => judged,
        Ok(_) => return Meaning::Fault(HeadFaultKind::RequestLine),
        Err(fault) => return Meaning::Fault(fault.kind),
    };
    match judged.length {
        BodyLength::Bytes(length) => Meaning::Passes(At::body(length)),
        BodyLength::Chunked => Meaning::Passes(At::chunks(Chunks::default())),
        BodyLength::Unsaid if judged.is_without_body() => Meaning::Passes(At::head()),
        BodyLength::Unsaid => Meaning::Passes(At::Over),
        BodyLength::Unusable(_) => Meaning::NoLength,
    }
}

/// Whether hyper takes this for a target.
fn is_target(target: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
    (target.len() < 1024 && target.starts_with('/') && target.bytes().all(is_plain))
        || Uri::try_from(target).is_ok()
}

/// The head with the lines that tell its length renamed.
fn without_length(head: &[u8]) -> Vec<u8> {
    let mut renamed = Vec::with_capacity(head.len() + 4 * RENAMED.len());
    for line in head.split_inclusive(|byte| *byte == b'\n') {
        let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
        let lengths: [&[u8]; 2] = [b"content-length", b"transfer-encoding"];
        if lengths.iter().any(|length| name.eq_ignore_ascii_case(length)) {
            renamed.extend_from_slice(RENAMED);
        }
        renamed.extend_from_slice(line);
    }
    renamed
}

/// What hyper sees of a head that cannot be read: its request line, as far as there is one, and why.
fn standing_in(bytes: &[u8], fault: HeadFaultKind) -> Vec<u8> {
    let line = request_line(bytes).ok().flatten().filter(|line| is_target(line.target));
    let line = line.filter(|_| fault != HeadFaultKind::RequestLine);
    let line = line.unwrap_or(RequestLine { method: "POST", target: NO_TARGET, minor: 1 });
    let number = HeadFaultKind::ALL.iter().position(|known| *known == fault).unwrap_or_default();
    let RequestLine { method, target, minor } = line;
    format!("{method} {target} HTTP/1.{minor}\r\n{UNUSABLE_HEAD}: {number}\r\n\r\n").into_bytes()
}

/// A connection's stream, as hyper reads it: never further than to the end of the request that it is about.
#[derive(Debug)]
pub struct Requests<S> {
    stream: S,
    max_head: usize,
    at: At,
    /// What was read and is not given out: up to `clear` it may be, behind that it has not been looked at to the end.
    held: Vec<u8>,
    given: usize,
    clear: usize,
    is_over: Arc<AtomicBool>,
    /// For heads that do not come at once.
    room: HeadRoom,
    /// What lingering may still read, and how long.
    linger: Option<(usize, Pin<Box<Sleep>>)>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Requests<S> {
    /// Reads the requests of a stream, with heads of at most `max_head` bytes.
    pub fn new(stream: S, max_head: usize) -> Self {
        Self {
            stream,
            max_head,
            at: At::head(),
            held: Vec::new(),
            given: 0,
            clear: 0,
            is_over: Arc::default(),
            room: HeadRoom::default(),
            linger: None,
        }
    }

    /// With the room that long heads have to wait for.
    #[must_use]
    pub fn within(self, room: HeadRoom) -> Self {
        Self { room, ..self }
    }

    /// Set once the request under way is the last that can be told from what follows it.
    pub fn is_over(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.is_over)
    }

    fn end_with(&mut self, at: At) {
        if matches!(at, At::Over | At::Broken) {
            self.is_over.store(true, Ordering::Release);
            self.held.truncate(self.clear);
        }
        self.at = at;
    }

    fn unread(&self) -> &[u8] {
        self.held.get(self.clear..).unwrap_or_default()
    }

    fn give(&mut self, buffer: &mut ReadBuf<'_>) {
        let left = self.held.get(self.given..self.clear).unwrap_or_default();
        let (now, _) = left.split_at(left.len().min(buffer.remaining()));
        buffer.put_slice(now);
        self.given += now.len();
        if self.given == self.held.len() {
            (self.given, self.clear) = (0, 0);
            self.held.clear();
            self.held.shrink_to(KEPT);
        }
    }

    /// Looks at what is held. Whether anything came of it.
    fn look(&mut self) -> bool {
        let unread = self.held.get(self.clear..).unwrap_or_default();
        match &mut self.at {
            At::Over | At::Broken => false,
            _ if unread.is_empty() => false,
            At::Head(beginning) => match beginning.end.find(unread) {
                Some(length) => {
                    let folded = beginning.end.is_folded();
                    self.take_head(length, folded);
                    true
                }
                None => self.look_at_beginning(),
            },
            At::Body(left) => {
                let now = unread.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                self.clear += now;
                self.at = At::body(*left - now as u64);
                true
            }
            At::Chunks(_) => {
                self.take_chunks();
                true
            }
        }
    }

    /// Whether the beginning of a head shows already that it cannot be read.
    fn look_at_beginning(&mut self) -> bool {
        let length = self.unread().len();
        let is_long = length > self.max_head;
        let At::Head(beginning) = &mut self.at else { return false };
        if length < beginning.look_at && !beginning.end.has_request_line() && !is_long {
            return false;
        }
        let is_looked_at = beginning.look_at == usize::MAX;
        beginning.look_at = if beginning.end.has_request_line() { usize::MAX } else { 2 * length };
        if !is_looked_at && request_line(self.unread()).is_err() {
            self.refuse(HeadFaultKind::RequestLine);
        } else if is_long {
            self.refuse(HeadFaultKind::TooLong);
        } else {
            return false;
        }
        true
    }

    fn take_head(&mut self, length: usize, folded: bool) {
        let head = self.unread().get(..length).unwrap_or_default();
        if length > self.max_head {
            let fault = request_line(head).map_or(HeadFaultKind::RequestLine, |_| HeadFaultKind::TooLong);
            return self.refuse(fault);
        }
        let unfolded = folded.then(|| unfold(head));
        match meaning(unfolded.as_deref().unwrap_or(head)) {
            Meaning::Passes(at) => {
                self.put(length, unfolded);
                self.end_with(at);
            }
            Meaning::NoLength => {
                let renamed = without_length(unfolded.as_deref().unwrap_or(head));
                self.put(length, Some(renamed));
                self.end_with(At::Over);
            }
            Meaning::Fault(fault) => self.refuse(fault),
        }
    }

    /// Clears a head to be given out, in other words where there are some.
    fn put(&mut self, length: usize, instead: Option<Vec<u8>>) {
        let end = (self.clear + length).min(self.held.len());
        match instead {
            Some(instead) => {
                let put = instead.len();
                self.held.splice(self.clear..end, instead);
                self.clear += put;
            }
            None => self.clear = end,
        }
    }

    fn refuse(&mut self, fault: HeadFaultKind) {
        let instead = standing_in(self.unread(), fault);
        self.put(self.unread().len(), Some(instead));
        self.end_with(At::Over);
    }

    fn take_chunks(&mut self) {
        let At::Chunks(chunks) = &mut self.at else { return };
        while !chunks.is_over() {
            let unread = self.held.get(self.clear..).unwrap_or_default();
            if unread.is_empty() {
                return;
            }
            let Ok(taken) = chunks.take(unread) else { return self.end_with(At::Broken) };
            self.clear += taken.pass;
            let skipped = (self.clear + taken.skip).min(self.held.len());
            self.held.drain(self.clear..skipped);
        }
        self.at = At::head();
    }

    /// Reads more of what has to be looked at. Whether anything came.
    fn poll_more(&mut self, context: &mut Context<'_>) -> Poll<io::Result<bool>> {
        if matches!(self.at, At::Head(_)) {
            ready!(self.room.poll(context, self.held.len() + PIECE))?;
        }
        let mut piece = [0; PIECE];
        let mut read = ReadBuf::new(&mut piece);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut read))?;
        self.held.drain(..self.given);
        self.clear -= self.given;
        self.given = 0;
        self.held.extend_from_slice(read.filled());
        Poll::Ready(Ok(!read.filled().is_empty()))
    }

    /// Reads what need not be examined straight to where it is wanted, up to this length. Returns how much came.
    fn poll_through(
        &mut self,
        context: &mut Context<'_>,
        most: u64,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<usize>> {
        let before = buffer.filled().len();
        let most = most.min(READ_AT_MOST);
        ready!(Pin::new(&mut (&mut self.stream).take(most)).poll_read(context, buffer))?;
        Poll::Ready(Ok(buffer.filled().len() - before))
    }

    /// Reads the beginning of a request straight to where it is wanted; back it comes only where there is something to do about its
    /// head, or it is not whole. Whether anything came.
    fn poll_request(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<bool>> {
        let before = buffer.filled().len();
        let came = ready!(self.poll_through(context, BEGINNING, buffer))?;
        // The request before was answered.
        self.room.leave();
        let bytes = buffer.filled().get(before..).unwrap_or_default();
        let mut end = HeadEnd::default();
        let head = end.find(bytes).filter(|length| !end.is_folded() && *length <= self.max_head);
        let passing = head.and_then(|length| match meaning(bytes.get(..length)?) {
            Meaning::Passes(at) => Some((length, at)),
            Meaning::NoLength | Meaning::Fault(_) => None,
        });
        let (keep, at) = match passing {
            Some((length, At::Body(left))) => {
                let now = (came - length).min(usize::try_from(left).unwrap_or(usize::MAX));
                (length + now, At::body(left - now as u64))
            }
            Some((length, at)) => (length, at),
            None => (0, At::head()),
        };
        self.held.extend_from_slice(bytes.get(keep..).unwrap_or_default());
        buffer.set_filled(before + keep);
        self.end_with(at);
        Poll::Ready(Ok(came > 0))
    }

    /// The peer sends nothing more.
    fn ended(&mut self) {
        let At::Head(beginning) = &self.at else { return };
        if beginning.end.has_begun(self.unread()) {
            let is_line = request_line(self.unread()).is_ok();
            self.refuse(if is_line { HeadFaultKind::BreaksOff } else { HeadFaultKind::RequestLine });
        }
    }

    /// Reads and forgets what still comes, within bounds.
    fn poll_linger(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let (left, late) = self.linger.get_or_insert_with(|| (LINGER_BYTES, Box::pin(sleep(LINGER_TIME))));
        let mut piece = [0; PIECE];
        while *left > 0 && late.as_mut().poll(context).is_pending() {
            let mut buffer = ReadBuf::new(&mut piece);
            let read = ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                break;
            }
            *left = left.saturating_sub(buffer.filled().len());
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Requests<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            if this.given < this.clear {
                this.give(buffer);
                return Poll::Ready(Ok(()));
            }
            if this.look() {
                continue;
            }
            let before = buffer.filled().len();
            match &mut this.at {
                At::Over => return Poll::Ready(Ok(())),
                At::Broken => {
                    return Poll::Ready(Err(io::Error::new(
                        io::ErrorKind::InvalidData,
                        mm7::http1::BadChunk,
                    )));
                }
                At::Body(left) => {
                    let left = *left;
                    let came = ready!(this.poll_through(context, left, buffer))?;
                    this.at = At::body(left - came as u64);
                    return Poll::Ready(Ok(()));
                }
                At::Chunks(chunks) if chunks.left() > 0 => {
                    let left = chunks.left();
                    ready!(this.poll_through(context, left, buffer))?;
                    if let At::Chunks(chunks) = &mut this.at {
                        // Bytes of a chunk are what it takes without looking.
                        let came = buffer.filled().get(before..).unwrap_or_default();
                        let _ = chunks.take(came);
                    }
                    return Poll::Ready(Ok(()));
                }
                At::Head(_) if this.held.is_empty() => {
                    let came = ready!(this.poll_request(context, buffer))?;
                    if !came || buffer.filled().len() > before {
                        return Poll::Ready(Ok(()));
                    }
                }
                At::Head(_) | At::Chunks(_) => {
                    if ready!(this.poll_more(context))? {
                        continue;
                    }
                    this.ended();
                    if this.given == this.clear {
                        return Poll::Ready(Ok(()));
                    }
                }
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Requests<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.linger.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
        }
        if self.is_over.load(Ordering::Acquire) { self.poll_linger(context) } else { Poll::Ready(Ok(())) }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use tokio::io::AsyncWriteExt as _;

    use super::*;

    const MAX_HEAD: usize = 1000;

    /// A peer that sends this, piece by piece.
    struct Pieces(VecDeque<Vec<u8>>);

    impl AsyncRead for Pieces {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            let Some(mut piece) = self.0.pop_front() else { return Poll::Ready(Ok(())) };
            let rest = piece.split_off(piece.len().min(buffer.remaining()));
            buffer.put_slice(&piece);
            if !rest.is_empty() {
                self.0.push_front(rest);
            }
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncWrite for Pieces {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    /// What hyper gets of bytes that come in pieces of so many, whether anything can come behind it, and how reading ended.
    async fn arrives(bytes: &[u8], piece: usize) -> (String, bool, io::Result<usize>) {
        let pieces = bytes.chunks(piece).map(<[u8]>::to_vec).collect();
        let mut requests = Requests::new(Pieces(pieces), MAX_HEAD);
        let mut arrived = Vec::new();
        let ended = requests.read_to_end(&mut arrived).await;
        let is_over = requests.is_over().load(Ordering::Acquire);
        (String::from_utf8(arrived).unwrap(), is_over, ended)
    }

    async fn assert_arrives(bytes: &str, expected: &str, over: bool) {
        for piece in [1, 2, 3, 7, 100, 1 << 20] {
            let (arrived, is_over, ended) = arrives(bytes.as_bytes(), piece).await;
            assert_eq!((arrived.as_str(), is_over), (expected, over), "{bytes:?} in pieces of {piece}");
            assert!(ended.is_ok());
        }
    }

    #[tokio::test]
    async fn what_needs_nothing_passes_as_it_is() {
        for bytes in [
            "",
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "\r\n\nPOST /a HTTP/1.1\nContent-Length: 5\n\nhelloGET /b HTTP/1.0\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 40\r\n\r\nContent-Length: x\r\nPOST / HTTP/1.1\r\n\r\n a\r\nGET / HTTP/1.1\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;a\r\n\r\n \r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\nnot all of it",
        ] {
            assert_arrives(bytes, bytes, false).await;
        }
    }

    #[tokio::test]
    async fn folds_are_joined_in_heads_alone() {
        for (bytes, expected) in [
            (
                "POST / HTTP/1.1\r\nA: b\r\n\tc\r\nContent-Length:\r\n 3\r\n\r\n\r\n GET / HTTP/1.1\r\nA: b\n c\n\n",
                "POST / HTTP/1.1\r\nA: b c\r\nContent-Length: 3\r\n\r\n\r\n GET / HTTP/1.1\r\nA: b c\n\n",
            ),
            (
                "POST / HTTP/1.1\r\nTransfer-Encoding:\r\n chunked\r\n\r\n3\r\n\r\n \r\n0\r\nA: b\r\n c\r\n\r\nGET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n",
                "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n\r\n \r\n0\r\n\r\nGET / HTTP/1.1\r\nA: b c\r\n\r\n",
            ),
        ] {
            assert_arrives(bytes, expected, false).await;
        }
    }

    #[tokio::test]
    async fn behind_a_length_that_cannot_be_used_nothing_comes() {
        for (lines, renamed) in [
            ("Content-Length: abc\r\n", "unusable-Content-Length: abc\r\n"),
            ("A: b\r\ncontent-length: 1\n\n", "A: b\r\nunusable-content-length: 1\nContent-Length: 2\r\n"),
            ("Content-Length: 1\r\n 2\r\n", "unusable-Content-Length: 1 2\r\n"),
            (
                "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
                "unusable-Content-Length: 1\r\nunusable-Transfer-Encoding: chunked\r\n",
            ),
            ("Transfer-Encoding: gzip, chunked\r\n", "unusable-Transfer-Encoding: gzip, chunked\r\n"),
        ] {
            let lines = lines.replace("\n\n", "\nContent-Length: 2\r\n");
            let renamed = renamed.replace("\nContent-Length: 2", "\nunusable-Content-Length: 2");
            let head = |lines: &str| format!("POST / HTTP/1.1\r\n{lines}\r\n");
            let bytes = head(&lines) + "GET /smuggled HTTP/1.1\r\n\r\n";
            assert_arrives(&bytes, &head(&renamed), true).await;
        }
        let unsaid = "POST / HTTP/1.1\r\nHost: a\r\n\r\n";
        assert_arrives(&format!("{unsaid}GET /smuggled HTTP/1.1\r\n\r\n"), unsaid, true).await;
    }

    #[tokio::test]
    async fn for_a_head_that_cannot_be_read_another_stands_in() {
        let long = "x".repeat(MAX_HEAD);
        for (bytes, line, fault) in [
            ("GET /a HTTP/1.0\r\nno colon\r\n\r\n".to_owned(), "GET /a HTTP/1.0", HeadFaultKind::NoColon),
            ("PUT /a HTTP/1.1\r\n A: b\r\n\r\nx".to_owned(), "PUT /a HTTP/1.1", HeadFaultKind::FoldedFirst),
            ("\r\nGET /a b HTTP/1.1\r\n\r\n".to_owned(), "POST * HTTP/1.1", HeadFaultKind::RequestLine),
            ("GET http:// HTTP/1.1\r\n\r\n".to_owned(), "POST * HTTP/1.1", HeadFaultKind::RequestLine),
            ("\x16\x03\x01".to_owned(), "POST * HTTP/1.1", HeadFaultKind::RequestLine),
            (format!("GET /a HTTP/1.1\r\nA: {long}\r\n\r\n"), "GET /a HTTP/1.1", HeadFaultKind::TooLong),
            (format!("GET /a HTTP/1.1\r\nA: {long}"), "GET /a HTTP/1.1", HeadFaultKind::TooLong),
            (format!("GET /{long}"), "POST * HTTP/1.1", HeadFaultKind::TooLong),
            (format!("GET /\t{long}"), "POST * HTTP/1.1", HeadFaultKind::RequestLine),
            ("GET /a HTTP/1.1\r\nA: b\r\n".to_owned(), "GET /a HTTP/1.1", HeadFaultKind::BreaksOff),
            ("GET /a HTTP".to_owned(), "POST * HTTP/1.1", HeadFaultKind::BreaksOff),
        ] {
            let number = HeadFaultKind::ALL.iter().position(|known| *known == fault).unwrap();
            let expected = format!("{line}\r\nunusable-head: {number}\r\n\r\n");
            assert_arrives(&bytes, &expected, true).await;
            let good = "POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\nx";
            assert_arrives(&format!("{good}{bytes}"), &format!("{good}{expected}"), true).await;
        }
    }

    #[tokio::test]
    async fn broken_chunks_are_an_error_behind_what_came_before() {
        let bytes =
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nx\r\nGET / HTTP/1.1\r\n\r\n";
        for piece in [1, 5, 1000] {
            let (arrived, is_over, ended) = arrives(bytes, piece).await;
            assert!(
                arrived.ends_with("\r\n\r\n3\r\nabc") || arrived.ends_with("\r\n\r\n3\r\nabc\r\n"),
                "{arrived}"
            );
            assert_eq!((is_over, ended.unwrap_err().kind()), (true, io::ErrorKind::InvalidData));
        }
    }

    #[tokio::test]
    async fn a_request_is_read_no_further_than_to_its_end() {
        let requests = [
            "POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\nx",
            "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n",
            "GET /c HTTP/1.1\r\n\r\n",
        ];
        let bytes = requests.concat().into_bytes();
        let mut stream = Requests::new(Pieces([bytes].into()), MAX_HEAD);
        let mut buffer = [0; 1000];
        for request in requests {
            let length = stream.read(&mut buffer).await.unwrap();
            assert_eq!(std::str::from_utf8(&buffer[..length]).unwrap(), request.replace("\r\n c", " c"));
        }
    }

    #[tokio::test]
    async fn a_body_is_read_a_little_at_a_time() {
        const BODY: usize = 1 << 20;
        let (mut peer, stream) = tokio::io::duplex(2 * BODY);
        let head = format!("POST / HTTP/1.1\r\nContent-Length: {BODY}\r\n\r\n");
        peer.write_all(head.as_bytes()).await.unwrap();
        let mut stream = Requests::new(stream, MAX_HEAD);
        let mut buffer = vec![0; 2 * BODY];
        assert_eq!(stream.read(&mut buffer).await.unwrap(), head.len());
        peer.write_all(&vec![b'x'; BODY]).await.unwrap();
        drop(peer);
        let (mut whole, mut most) = (0, 0);
        loop {
            match stream.read(&mut buffer).await.unwrap() {
                0 => break,
                read => (whole, most) = (whole + read, most.max(read)),
            }
        }
        assert_eq!((whole, most as u64), (BODY, READ_AT_MOST));
    }

    #[tokio::test]
    async fn a_line_that_comes_byte_by_byte_is_looked_at_seldom() {
        let mut requests = Requests::new(Pieces(VecDeque::new()), MAX_HEAD);
        let mut looks = 0;
        for _ in 0..MAX_HEAD {
            requests.held.push(b'A');
            let before = match &requests.at {
                At::Head(beginning) => beginning.look_at,
                _ => 0,
            };
            assert!(!requests.look());
            let after = match &requests.at {
                At::Head(beginning) => beginning.look_at,
                _ => 0,
            };
            looks += usize::from(before != after);
        }
        assert!(looks <= 11, "{looks}");
    }

    #[test]
    fn a_slash_at_the_end_does_not_count() {
        for (path, other, same) in [
            ("/mm7/v1", "/mm7/v1", true),
            ("/mm7/v1/", "/mm7/v1", true),
            ("/mm7/v1", "/mm7/v1/", true),
            ("/mm7/v1//", "/mm7/v1", false),
            ("/", "/", true),
            ("/mm7", "/mm7/v1", false),
        ] {
            assert_eq!(is_same_place(path, other), same, "{path} {other}");
        }
    }
}
