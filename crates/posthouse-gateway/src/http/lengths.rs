//! Requests of which nobody knows where they end.
//!
//! A length that is no number, and two that differ, are refused by a code of the table (2500) like any other mistake. hyper
//! answers them with a bare 400 before anybody else sees the request. So such a line is renamed on its way in: the request
//! arrives without it, with [`UNUSABLE_LENGTH`] to tell.
//!
//! Behind such a request, and behind one without any length, the next one cannot be found: the connection is closed, once the
//! peer had time to read the answer.

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

use http::{HeaderMap, HeaderName, Method, header};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// The name under which a Content-Length arrives that cannot be used.
pub const UNUSABLE_LENGTH: HeaderName = HeaderName::from_static("unusable-content-length");

const NAME: &[u8] = b"content-length";
/// The longest line that is looked at whole; no number is longer.
const MAX_LINE: usize = 128;
/// How much is read at a time while a head is looked at.
const PIECE: usize = 8 << 10;
/// How much is read at a time otherwise. hyper reads into a buffer that doubles whenever a read fills it, as long as heads may be: a
/// peer that sends fast would be given megabytes for each of its connections, beside its body, that nobody counts.
const READ_AT_MOST: u64 = 64 << 10;
/// How much of what follows an unusable length is still read, so that the peer gets to read the answer instead of a reset.
const LINGER_BYTES: usize = 16 << 20;
/// For how long it is read.
const LINGER_TIME: Duration = Duration::from_secs(5);

/// Looks at the lines of one head after the other.
#[derive(Debug, Default)]
struct Screen {
    /// The beginning of a line that may be a Content-Length, or the empty line.
    held: Vec<u8>,
    /// Whether the rest of this line is of no interest.
    passing: bool,
    /// The length that this head gave.
    length: Option<Vec<u8>>,
    /// Whether the head is over.
    over: bool,
}

impl Screen {
    /// Takes bytes of a head in and gives them out as they shall arrive.
    fn pass(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        for (at, byte) in bytes.iter().enumerate() {
            if self.over {
                out.extend_from_slice(bytes.get(at..).unwrap_or_default());
                return;
            }
            self.pass_byte(*byte, out);
        }
    }

    fn pass_byte(&mut self, byte: u8, out: &mut Vec<u8>) {
        if self.passing {
            out.push(byte);
            self.passing = byte != b'\n';
            return;
        }
        self.held.push(byte);
        if byte == b'\n' {
            self.end_line(out);
        } else if !self.may_matter() {
            self.passing = true;
            self.release(out);
        }
    }

    /// Whether the line that is held may still be the empty one or a Content-Length.
    fn may_matter(&self) -> bool {
        let known = self.held.iter().zip(NAME);
        self.held == b"\r"
            || (self.held.len() <= MAX_LINE && known.clone().all(|(a, b)| a.eq_ignore_ascii_case(b)))
    }

    fn end_line(&mut self, out: &mut Vec<u8>) {
        self.over = self.held.trim_ascii().is_empty();
        self.release(out);
    }

    /// Gives the held line out, renamed if it is a length that cannot be used.
    fn release(&mut self, out: &mut Vec<u8>) {
        if let Some(value) = length_value(&self.held) {
            let is_number = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
            let usable =
                is_number && parses(value) && self.length.as_deref().is_none_or(|first| first == value);
            if usable {
                self.length = Some(value.to_vec());
            } else {
                out.extend_from_slice(b"unusable-");
            }
        }
        out.append(&mut self.held);
    }
}

/// The value of a Content-Length line.
fn length_value(line: &[u8]) -> Option<&[u8]> {
    let (name, rest) = line.split_at_checked(NAME.len())?;
    let value = rest.trim_ascii_start().strip_prefix(b":")?;
    name.eq_ignore_ascii_case(NAME).then(|| value.trim_ascii())
}

/// Whether digits are a length that HTTP can count to.
fn parses(digits: &[u8]) -> bool {
    let number = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse::<u64>().ok());
    // hyper keeps the highest two for itself.
    number.is_some_and(|number| number < u64::MAX - 2)
}

/// Tells a connection's stream how its requests go on.
#[derive(Debug, Default)]
pub struct Signals {
    /// A request was answered: what comes now is a head again.
    next: AtomicBool,
    /// What comes now is the body of a request without an end.
    endless: AtomicBool,
}

impl Signals {
    /// Says that a request was answered, and whether its end was known.
    pub fn answered(&self, had_end: bool) {
        self.endless.store(!had_end, Ordering::Release);
        self.next.store(true, Ordering::Release);
    }
}

/// Whether it can be known where a request ends that has this head.
pub fn has_end(method: &Method, headers: &HeaderMap) -> bool {
    let says = |name: HeaderName| headers.contains_key(name);
    let may_have_body = *method == Method::POST || *method == Method::PUT || *method == Method::PATCH;
    let has_length = says(header::CONTENT_LENGTH) || says(header::TRANSFER_ENCODING);
    !says(UNUSABLE_LENGTH) && (has_length || !may_have_body)
}

/// A stream whose heads are looked at: the first, and each that comes after a request was answered.
#[derive(Debug)]
pub struct Lengths<S> {
    stream: S,
    screen: Screen,
    signals: Arc<Signals>,
    /// What was read and not yet given out.
    ready: Vec<u8>,
    given: usize,
    /// What lingering may still read, and how long.
    linger: Option<(usize, Pin<Box<Sleep>>)>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Lengths<S> {
    /// Looks at the heads that come over a stream.
    pub fn new(stream: S) -> Self {
        let (screen, signals) = (Screen::default(), Arc::default());
        Self { stream, screen, signals, ready: Vec::new(), given: 0, linger: None }
    }

    /// To be told of each answer.
    pub fn signals(&self) -> Arc<Signals> {
        Arc::clone(&self.signals)
    }

    fn give(&mut self, buffer: &mut ReadBuf<'_>) {
        let left = self.ready.get(self.given..).unwrap_or_default();
        let (now, _) = left.split_at(left.len().min(buffer.remaining()));
        buffer.put_slice(now);
        self.given += now.len();
        if self.given == self.ready.len() {
            self.ready.clear();
            self.given = 0;
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

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Lengths<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if !this.ready.is_empty() {
            this.give(buffer);
            return Poll::Ready(Ok(()));
        }
        if this.signals.next.swap(false, Ordering::AcqRel) {
            this.screen = Screen::default();
        }
        if this.screen.over {
            return Pin::new(&mut (&mut this.stream).take(READ_AT_MOST)).poll_read(context, buffer);
        }
        loop {
            let mut piece = [0; PIECE];
            let mut read = ReadBuf::new(&mut piece);
            ready!(Pin::new(&mut this.stream).poll_read(context, &mut read))?;
            if read.filled().is_empty() {
                this.screen.release(&mut this.ready);
                this.screen.over = true;
            } else {
                this.screen.pass(read.filled(), &mut this.ready);
            }
            // A line that is held back alone is not the end of the stream, as nothing read would say.
            if this.screen.over || !this.ready.is_empty() {
                this.give(buffer);
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Lengths<S> {
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
        if self.signals.endless.load(Ordering::Acquire) {
            self.poll_linger(context)
        } else {
            Poll::Ready(Ok(()))
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;

    use super::*;

    /// What arrives of a head that comes in pieces of so many bytes.
    fn arrives(head: &str, piece: usize) -> (String, Screen) {
        let (mut screen, mut out) = (Screen::default(), Vec::new());
        head.as_bytes().chunks(piece).for_each(|bytes| screen.pass(bytes, &mut out));
        (String::from_utf8(out).unwrap(), screen)
    }

    #[test]
    fn only_a_length_that_cannot_be_used_is_renamed() {
        for (lines, renamed) in [
            ("Content-Length: 12\r\n", "Content-Length: 12\r\n"),
            ("content-length:12\r\nHost: h\r\n", "content-length:12\r\nHost: h\r\n"),
            ("CONTENT-LENGTH: abc\r\n", "unusable-CONTENT-LENGTH: abc\r\n"),
            ("Content-Length:\r\n", "unusable-Content-Length:\r\n"),
            ("Content-Length: +1\n", "unusable-Content-Length: +1\n"),
            ("Content-Length: 18446744073709551616\r\n", "unusable-Content-Length: 18446744073709551616\r\n"),
            (
                "Content-Length: 1\r\nContent-Length: 1\r\nContent-Length: 2\r\n",
                "Content-Length: 1\r\nContent-Length: 1\r\nunusable-Content-Length: 2\r\n",
            ),
            ("Content-Lengthy: abc\r\n", "Content-Lengthy: abc\r\n"),
            ("Content-Type: a\r\nConnection: b\r\nC: c\r\n", "Content-Type: a\r\nConnection: b\r\nC: c\r\n"),
        ] {
            for piece in [1, 2, 5, 1000] {
                let head = format!("POST / HTTP/1.1\r\n{lines}\r\nContent-Length: body\r\n");
                let expected = format!("POST / HTTP/1.1\r\n{renamed}\r\nContent-Length: body\r\n");
                let (arrived, screen) = arrives(&head, piece);
                assert_eq!(arrived, expected, "in pieces of {piece}");
                assert!(screen.over, "{lines}");
            }
        }
    }

    #[tokio::test]
    async fn a_body_is_read_a_little_at_a_time() {
        const BODY: usize = 1 << 20;
        let (mut peer, stream) = tokio::io::duplex(2 * BODY);
        let head = format!("POST / HTTP/1.1\r\nContent-Length: {BODY}\r\n\r\n");
        peer.write_all(head.as_bytes()).await.unwrap();
        let mut stream = Lengths::new(stream);
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

    #[test]
    fn a_long_line_is_not_held_back() {
        let long = "x".repeat(10_000);
        for (line, expected) in [
            (format!("Content-Length: {long}"), format!("unusable-Content-Length: {long}")),
            (format!("Authorization: {long}"), format!("Authorization: {long}")),
        ] {
            let (arrived, screen) = arrives(&format!("POST / HTTP/1.1\r\n{line}"), 1000);
            assert_eq!(arrived, format!("POST / HTTP/1.1\r\n{expected}"));
            assert!(!screen.over && screen.held.is_empty());
        }
    }
}
