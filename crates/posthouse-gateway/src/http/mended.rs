//! The heads of peers' answers, mended before anybody else reads them.
//!
//! What real stacks write is not always what RFC 9112 asks for, and an answer that cannot be read counts as none: a message that the
//! carrier took is parked, or sent again. So lines that are folded are made one, lines that are none are left out, and of lengths
//! the first that can be used counts. The body passes as it is.
//!
//! An answer begins with the first bytes that come after some were written. What does not look like one passes as it is, too.

use std::{
    borrow::Cow,
    io,
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The longest head that is mended, in bytes; a longer one passes as it is, to be refused or not by whoever reads it.
const MAX_HEAD: usize = 64 << 10;
/// How much is read at a time while a head is looked for.
const PIECE: usize = 8 << 10;
/// How an answer begins.
const BEGINS: &[u8] = b"HTTP/";

/// A stream on which answers come whose heads are mended.
#[derive(Debug)]
pub struct Mended<S> {
    stream: S,
    /// What came of a head that is not whole yet.
    held: Vec<u8>,
    /// Where in `held` the line begins that is not whole yet.
    line: usize,
    /// How much of `held` was searched for the end of that line.
    searched: usize,
    /// Whether the rest of what comes is none of a head.
    is_through: bool,
    /// What is to be given out before anything else is read.
    out: Vec<u8>,
    given: usize,
}

impl<S> Mended<S> {
    /// A stream whose first bytes are an answer's.
    pub const fn new(stream: S) -> Self {
        Self { stream, held: Vec::new(), line: 0, searched: 0, is_through: false, out: Vec::new(), given: 0 }
    }

    /// What it reads from.
    pub const fn get_ref(&self) -> &S {
        &self.stream
    }

    /// The same, to read around it: of what comes then, nothing is mended.
    pub const fn get_mut(&mut self) -> &mut S {
        &mut self.stream
    }

    /// Whether all that came was given out.
    pub fn is_drained(&self) -> bool {
        self.held.is_empty() && self.given >= self.out.len()
    }

    /// Gives out what is ready. Whether there was anything.
    fn give(&mut self, buf: &mut ReadBuf<'_>) -> bool {
        let ready = self.out.get(self.given..).unwrap_or_default();
        if ready.is_empty() {
            return false;
        }
        let piece = ready.get(..buf.remaining()).unwrap_or(ready);
        buf.put_slice(piece);
        self.given += piece.len();
        if self.given >= self.out.len() {
            self.out.clear();
            self.given = 0;
        }
        true
    }

    /// Something is written: what comes next is an answer.
    fn expect_answer(&mut self, written: &io::Result<usize>) {
        if self.is_through && matches!(written, Ok(1..)) {
            self.is_through = false;
            self.forget();
        }
    }

    fn forget(&mut self) {
        self.held.clear();
        (self.line, self.searched) = (0, 0);
    }

    /// Lets all that is held pass as it is, and what follows too.
    fn let_pass(&mut self) {
        self.out.append(&mut self.held);
        self.forget();
        self.is_through = true;
    }

    /// Looks at what is held for the end of a head.
    fn judge(&mut self) {
        while let Some(end) = self.find_end() {
            let head = self.held.get(..end).unwrap_or_default();
            let is_last = !is_interim(head);
            mend(head, &mut self.out);
            self.held.drain(..end);
            (self.line, self.searched) = (0, 0);
            if is_last {
                return self.let_pass();
            }
        }
        if self.held.len() > MAX_HEAD || !may_be_answer(&self.held) {
            self.let_pass();
        }
    }

    /// Where the head ends that is held: behind the first empty line that is not its first.
    fn find_end(&mut self) -> Option<usize> {
        loop {
            let rest = self.held.get(self.searched..).unwrap_or_default();
            let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
                self.searched = self.held.len();
                return None;
            };
            let next = self.searched + end + 1;
            let line = self.held.get(self.line..next).unwrap_or_default();
            let is_empty = without_end(line).is_empty();
            let is_first = self.held.get(..self.line).unwrap_or_default().iter().all(|byte| is_end(*byte));
            (self.line, self.searched) = (next, next);
            if is_empty && !is_first {
                return Some(next);
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Mended<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while !this.give(buf) {
            if this.is_through {
                return Pin::new(&mut this.stream).poll_read(cx, buf);
            }
            let mut piece = [MaybeUninit::uninit(); PIECE];
            let mut piece = ReadBuf::uninit(&mut piece);
            ready!(Pin::new(&mut this.stream).poll_read(cx, &mut piece))?;
            if piece.filled().is_empty() {
                // It breaks off here, whatever it was.
                this.let_pass();
                this.give(buf);
                break;
            }
            this.held.extend_from_slice(piece.filled());
            this.judge();
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Mended<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = ready!(Pin::new(&mut this.stream).poll_write(cx, buf));
        this.expect_answer(&written);
        Poll::Ready(written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = ready!(Pin::new(&mut this.stream).poll_write_vectored(cx, bufs));
        this.expect_answer(&written);
        Poll::Ready(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

const fn is_end(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

/// A line without what ends it, however often.
fn without_end(mut line: &[u8]) -> &[u8] {
    while let [before @ .., last] = line {
        if !is_end(*last) {
            break;
        }
        line = before;
    }
    line
}

/// Whether bytes are, or may become, an answer's head.
fn may_be_answer(bytes: &[u8]) -> bool {
    let begins = bytes.iter().copied().skip_while(|byte| is_end(*byte));
    begins.zip(BEGINS).all(|(byte, expected)| byte == *expected)
}

/// Whether a head is of an answer that another one follows (1xx).
fn is_interim(head: &[u8]) -> bool {
    let first = head.split(|byte| *byte == b'\n').map(without_end).find(|line| !line.is_empty());
    let code = first.and_then(StatusLine::read).map(|line| line.code);
    code.is_some_and(|[first, rest @ ..]| first == b'1' && rest != *b"01")
}

/// The first line of an answer.
struct StatusLine<'a> {
    is_1_0: bool,
    code: [u8; 3],
    reason: &'a [u8],
}

impl<'a> StatusLine<'a> {
    /// `None` where it has no code of three digits.
    fn read(line: &'a [u8]) -> Option<Self> {
        let line = line.strip_prefix(BEGINS)?;
        let blank = line.iter().position(|byte| is_blank(*byte))?;
        let (version, rest) = line.split_at_checked(blank)?;
        let (code, reason) = rest.trim_ascii_start().split_first_chunk::<3>()?;
        let is_longer = reason.first().is_some_and(u8::is_ascii_digit);
        let is_code = code.iter().all(u8::is_ascii_digit) && !is_longer;
        is_code.then(|| Self { is_1_0: version == b"1.0", code: *code, reason: reason.trim_ascii() })
    }

    fn write(&self, is_chunked: bool, out: &mut Vec<u8>) {
        // HTTP/1.0 has no chunks; what has them is no HTTP/1.0.
        out.extend_from_slice(if self.is_1_0 && !is_chunked { b"HTTP/1.0 " } else { b"HTTP/1.1 " });
        out.extend_from_slice(&self.code);
        out.push(b' ');
        if is_clean(self.reason) {
            out.extend_from_slice(self.reason);
        }
        out.extend_from_slice(b"\r\n");
    }
}

/// A header line that can be read, with all that is folded onto it.
struct Field<'a> {
    name: &'a [u8],
    value: Cow<'a, [u8]>,
}

impl<'a> Field<'a> {
    fn read(line: &'a [u8]) -> Option<Self> {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let (name, value) = (line.get(..colon)?.trim_ascii_end(), line.get(colon + 1..)?.trim_ascii());
        let is_name = !name.is_empty() && name.iter().all(|byte| is_token(*byte));
        (is_name && is_clean(value)).then_some(Self { name, value: Cow::Borrowed(value) })
    }

    /// Adds a line that is folded onto it.
    fn fold(&mut self, line: &[u8]) {
        let value = self.value.to_mut();
        if !line.is_empty() && !value.is_empty() {
            value.push(b' ');
        }
        value.extend_from_slice(line);
    }

    fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// The length that it gives, also where it gives the same one several times.
    fn length(&self) -> Option<u64> {
        let mut given = self.value.split(|byte| *byte == b',').map(|one| length(one.trim_ascii()));
        let first = given.next()??;
        given.all(|other| other == Some(first)).then_some(first)
    }
}

fn length(digits: &[u8]) -> Option<u64> {
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(digits).ok().filter(|_| is_number)?.parse().ok()
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~')
}

/// Whether there are no control characters but tabs.
fn is_clean(value: &[u8]) -> bool {
    value.iter().all(|byte| *byte == b'\t' || !byte.is_ascii_control())
}

/// Writes a head as it should have been. One without a status that can be read passes as it is.
pub fn mend(head: &[u8], out: &mut Vec<u8>) {
    let mut lines = head.split(|byte| *byte == b'\n').map(without_end).skip_while(|line| line.is_empty());
    let Some(status) = lines.next().and_then(StatusLine::read) else {
        return out.extend_from_slice(head);
    };
    let mut fields = fields(lines);
    let is_chunked = fields.iter().any(is_chunked);
    let is_ambiguous = mend_lengths(&mut fields, is_chunked);
    status.write(is_chunked, out);
    for field in &fields {
        for piece in [field.name, b": ", &field.value, b"\r\n"] {
            out.extend_from_slice(piece);
        }
    }
    let is_silent = !fields.iter().any(|field| field.is("connection"));
    if is_ambiguous || (status.is_1_0 && is_chunked && is_silent) {
        out.extend_from_slice(b"Connection: close\r\n");
    }
    out.extend_from_slice(b"\r\n");
}

/// The header lines that can be read. What is folded onto one that cannot goes with it.
fn fields<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Vec<Field<'a>> {
    let mut fields: Vec<Field<'_>> = Vec::new();
    let mut is_kept = false;
    for line in lines.filter(|line| !line.is_empty()) {
        if !line.first().is_some_and(|byte| is_blank(*byte)) {
            let field = Field::read(line);
            is_kept = field.is_some();
            fields.extend(field);
        } else if is_kept {
            let line = line.trim_ascii();
            is_kept = is_clean(line);
            match fields.last_mut() {
                Some(last) if is_kept => last.fold(line),
                _ => drop(fields.pop()),
            }
        }
    }
    fields
}

fn is_chunked(field: &Field<'_>) -> bool {
    let last = field.value.rsplit(|byte| *byte == b',').next();
    field.is("transfer-encoding")
        && last.is_some_and(|last| last.trim_ascii().eq_ignore_ascii_case(b"chunked"))
}

/// Leaves one length where one counts, and none beside chunks. Whether there were several that differ: then nobody knows where the
/// answer ends.
fn mend_lengths(fields: &mut Vec<Field<'_>>, is_chunked: bool) -> bool {
    let mut known = None;
    let mut is_ambiguous = false;
    fields.retain_mut(|field| {
        if field.is("transfer-encoding") {
            // It says that nothing is done, and hyper would wait for the end of the connection.
            return !field.value.eq_ignore_ascii_case(b"identity");
        }
        if !field.is("content-length") {
            return true;
        }
        let Some(length) = field.length().filter(|_| !is_chunked) else { return false };
        match known {
            None => {
                known = Some(length);
                field.value = Cow::Owned(length.to_string().into_bytes());
                true
            }
            Some(known) => {
                is_ambiguous |= known != length;
                false
            }
        }
    });
    is_ambiguous
}

#[cfg(test)]
mod tests;
