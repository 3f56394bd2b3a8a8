//! A message as it lies in a file: with the HTTP head that came before it, or bare.

use bytes::Bytes;
use memchr::memchr;

use crate::http1::{BodyLength, Chunks, HeadFault, HeadFaultKind, first_fault, is_identity, judge, unfold};
use crate::mime::ContentType;

/// The longest boundary that is looked for where none is declared, in bytes.
const MAX_BOUNDARY: usize = 200;

/// How a message in a file begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// With a request line.
    Request {
        /// The method as it came.
        method: String,
        /// The path as it came.
        target: String,
    },
    /// With the status line of an answer.
    Response {
        /// The HTTP status.
        status: u16,
    },
    /// With headers: the first line was left out.
    Headers,
    /// With the body.
    Bare,
}

/// One header of the HTTP head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The name as it came.
    pub name: String,
    /// The value, unfolded and trimmed. Bytes that are not UTF-8 become U+FFFD.
    pub value: String,
    /// Where its line begins in the file.
    pub offset: usize,
}

/// A message in a file, taken apart at the blank line. Heads may end their lines with CRLF or with LF alone.
#[derive(Clone, Debug)]
pub struct Raw {
    /// The whole file.
    pub file: Bytes,
    /// How it begins.
    pub start: Start,
    /// The headers in order; none for a bare body.
    pub headers: Vec<Header>,
    /// Where the body begins in the file.
    pub body_offset: usize,
    /// Whether the head ends with an empty line.
    is_whole: bool,
    body: Bytes,
    /// Where pieces of the body begin: in the body, and in the file. One, but for a chunked body.
    pieces: Vec<(usize, usize)>,
    has_broken_chunks: bool,
    effective_type: ContentType,
}

impl Raw {
    /// Takes a file apart. Whatever is in it, something is read: what has no head is a body.
    ///
    /// ```
    /// use mm7::lint::{Raw, Start};
    /// let raw = Raw::read("Content-Type: text/xml\nContent-Length: 4\n\n<a/>".into());
    /// assert_eq!(raw.start, Start::Headers);
    /// assert_eq!(raw.body(), "<a/>");
    /// assert_eq!(raw.header("content-length").map(|header| header.value.as_str()), Some("4"));
    /// ```
    pub fn read(file: Bytes) -> Self {
        let mut raw = Self {
            file,
            start: Start::Bare,
            headers: Vec::new(),
            body_offset: 0,
            is_whole: false,
            body: Bytes::new(),
            pieces: Vec::new(),
            has_broken_chunks: false,
            effective_type: ContentType::new("text/xml"),
        };
        raw.read_head();
        raw.read_body();
        raw.effective_type = raw.find_type();
        raw
    }

    fn read_head(&mut self) {
        let file = self.file.clone();
        // Empty lines before a request do not count (RFC 9112 clause 2.2).
        let begin = file.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let Some(first) = line_at(&file, begin) else { return };
        let headers_from = match start_line(first.text) {
            Some(start) => {
                self.start = start;
                first.end
            }
            None if begin == 0 && split_header(first.text).is_some() && !looks_like_body(&file) => {
                self.start = Start::Headers;
                0
            }
            None => return,
        };
        self.read_headers(headers_from);
    }

    fn read_headers(&mut self, from: usize) {
        let file = self.file.clone();
        self.body_offset = from;
        while let Some(line) = line_at(&file, self.body_offset) {
            let offset = std::mem::replace(&mut self.body_offset, line.end);
            if line.text.is_empty() {
                self.is_whole = true;
                break;
            }
            let text = String::from_utf8_lossy(line.text);
            match self.headers.last_mut() {
                Some(last) if text.starts_with([' ', '\t']) => {
                    last.value.push(' ');
                    last.value.push_str(text.trim());
                }
                _ => self.headers.extend(split_header(line.text).map(|(name, value)| Header {
                    name: String::from_utf8_lossy(name).into_owned(),
                    value: String::from_utf8_lossy(value.trim_ascii()).into_owned(),
                    offset,
                })),
            }
        }
        for header in &mut self.headers {
            header.value.truncate(header.value.trim_end().len());
        }
    }

    fn read_body(&mut self) {
        if self.length() == Some(BodyLength::Chunked) {
            return self.read_chunks();
        }
        self.body = self.file.slice(self.body_offset.min(self.file.len())..);
        self.pieces.push((0, self.body_offset));
    }

    fn read_chunks(&mut self) {
        let (mut chunks, mut body, mut at) = (Chunks::default(), Vec::new(), self.body_offset);
        while !chunks.is_over() {
            let rest = self.file.get(at..).unwrap_or_default();
            let Ok(taken) = chunks.take(rest) else { break };
            if rest.is_empty() {
                break;
            }
            if taken.data > 0 {
                self.pieces.push((body.len(), at));
                body.extend_from_slice(rest.get(..taken.data).unwrap_or_default());
            }
            at += taken.pass + taken.skip;
        }
        self.has_broken_chunks = !chunks.is_over();
        self.body = body.into();
    }

    /// The head of a request as it would come over a connection, and by how much it is longer than in the file.
    fn request_head(&self) -> Option<(std::borrow::Cow<'_, [u8]>, usize)> {
        const LEFT_OUT: &[u8] = b"POST / HTTP/1.1\r\n";
        let head = self.file.get(..self.body_offset)?;
        let (mut head, more) = match self.start {
            Start::Request { .. } => (std::borrow::Cow::Borrowed(head), 0),
            Start::Headers => ([LEFT_OUT, head].concat().into(), LEFT_OUT.len()),
            Start::Response { .. } | Start::Bare => return None,
        };
        if !self.is_whole {
            let end: &[u8] = if head.ends_with(b"\n") { b"\n" } else { b"\n\n" };
            head.to_mut().extend_from_slice(end);
        }
        Some((head, more))
    }

    /// What keeps a door from reading the head of a request; `None` also where there is no such head.
    pub fn head_fault(&self) -> Option<HeadFault> {
        let (head, more) = self.request_head()?;
        if let Some(fault) = first_fault(&head) {
            return Some(HeadFault { offset: fault.offset.saturating_sub(more), ..fault });
        }
        let breaks_off = !self.is_whole && matches!(self.start, Start::Request { .. });
        breaks_off.then_some(HeadFault { kind: HeadFaultKind::BreaksOff, offset: self.file.len() })
    }

    /// How long the body of a request is, by its head; `None` where no head of one can be read.
    pub fn length(&self) -> Option<BodyLength> {
        let (head, _) = self.request_head()?;
        judge(&unfold(&head)).ok().map(|judged| judged.length)
    }

    /// Whether the body is said to come in chunks, and they are malformed or incomplete.
    pub const fn has_broken_chunks(&self) -> bool {
        self.has_broken_chunks
    }

    /// The first Content-Encoding that stands between the body and what it holds.
    pub fn encoding(&self) -> Option<&Header> {
        let is_it = |header: &&Header| {
            header.name.eq_ignore_ascii_case("content-encoding") && !is_identity(&header.value)
        };
        self.headers.iter().find(is_it)
    }

    /// Whether the body stands in several pieces in the file: in chunks.
    pub(super) const fn is_in_pieces(&self) -> bool {
        self.pieces.len() > 1
    }

    /// Where in the file a byte of the body stands.
    pub fn in_file(&self, offset: usize) -> usize {
        let piece = self.pieces.iter().rev().find(|(in_body, _)| *in_body <= offset);
        let (in_body, in_file) = piece.copied().unwrap_or((0, self.body_offset));
        in_file + (offset - in_body)
    }

    /// The boundary that the body shows though its Content-Type says that it is an envelope alone.
    pub fn hidden_boundary(&self) -> Option<String> {
        self.declared_type().filter(ContentType::is_bare_envelope)?;
        guess_boundary(&self.body)
    }

    /// What follows the head, its chunks put together.
    pub fn body(&self) -> Bytes {
        self.body.clone()
    }

    /// The first header of this name, in any case.
    pub fn header(&self, name: &str) -> Option<&Header> {
        self.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))
    }

    /// Whether there is an HTTP head.
    pub fn has_head(&self) -> bool {
        self.start != Start::Bare
    }

    /// Whether the file holds an HTTP answer.
    pub const fn is_response(&self) -> bool {
        matches!(self.start, Start::Response { .. })
    }

    /// The Content-Type header; `None` where there is none, or none that can be read.
    pub fn declared_type(&self) -> Option<ContentType> {
        ContentType::parse(&self.header("content-type")?.value).ok()
    }

    /// The Content-Type by which the body is read: the header's, or what the body itself shows where the header does
    /// not tell how to take the body apart.
    pub const fn effective_type(&self) -> &ContentType {
        &self.effective_type
    }

    fn find_type(&self) -> ContentType {
        let declared = self.declared_type();
        match declared {
            Some(declared) if !declared.is_multipart() || declared.param("boundary").is_some() => declared,
            declared => self.guessed_type(declared.as_ref()),
        }
    }

    fn guessed_type(&self, declared: Option<&ContentType>) -> ContentType {
        let body = self.body();
        let Some(boundary) = guess_boundary(&body) else { return ContentType::new("text/xml") };
        let essence = declared.map_or("multipart/related", ContentType::essence);
        let start = declared.and_then(|declared| declared.param("start"));
        let guessed = ContentType::new(essence).with_param("boundary", &boundary);
        match start {
            Some(start) => guessed.with_param("start", start),
            None => guessed,
        }
    }
}

/// The boundary that the first delimiter in a body shows: a line that begins with two dashes, before any that begins
/// with `<`.
pub(super) fn guess_boundary(body: &[u8]) -> Option<String> {
    let mut at = 0;
    while let Some(line) = line_at(body, at) {
        at = line.end;
        let text = line.text.trim_ascii_end();
        if let Some(boundary) = text.strip_prefix(b"--").filter(|boundary| !boundary.is_empty()) {
            let text = std::str::from_utf8(boundary).ok()?;
            return (text.len() <= MAX_BOUNDARY).then(|| text.to_owned());
        }
        if text.trim_ascii_start().starts_with(b"<") {
            return None;
        }
    }
    None
}

struct Line<'a> {
    /// Without its line break.
    text: &'a [u8],
    /// Where the next one begins.
    end: usize,
}

fn line_at(bytes: &[u8], start: usize) -> Option<Line<'_>> {
    let rest = bytes.get(start..).filter(|rest| !rest.is_empty())?;
    let length = memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
    let text = rest.get(..length)?;
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    Some(Line { text: text.strip_suffix(b"\r").unwrap_or(text), end: start + length })
}

/// A request line or a status line of HTTP/1.
fn start_line(line: &[u8]) -> Option<Start> {
    let line = std::str::from_utf8(line).ok()?;
    if let Some(rest) = line.strip_prefix("HTTP/1.") {
        let status = rest.split(' ').nth(1)?;
        return Some(Start::Response { status: status.parse().ok()? });
    }
    let line = line.trim();
    let (method, rest) = line.split_once(' ')?;
    let is_method = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase());
    let rest = rest.trim();
    let target = match rest.rsplit_once(' ') {
        Some((target, version)) if version.starts_with("HTTP/") => Some(target.trim()),
        // Without a version it is not a request line, but what it should be is plain.
        _ => Some(rest).filter(|target| target.starts_with('/')),
    };
    let target = target.filter(|_| is_method)?;
    Some(Start::Request { method: method.to_owned(), target: target.to_owned() })
}

/// `Name: value`, where the name is a token of RFC 9110 clause 5.6.2.
fn split_header(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let (name, rest) = line.split_at_checked(memchr(b':', line)?)?;
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    (!name.is_empty() && name.iter().all(is_token)).then_some((name, rest.get(1..)?))
}

/// A delimiter is no header, though its boundary may have a colon.
fn looks_like_body(file: &[u8]) -> bool {
    file.starts_with(b"--")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(file: &str) -> Raw {
        Raw::read(Bytes::copy_from_slice(file.as_bytes()))
    }

    #[test]
    fn heads_of_every_kind() {
        let request = Start::Request { method: "POST".to_owned(), target: "/mm7/v1".to_owned() };
        for (file, start) in [
            ("POST /mm7/v1 HTTP/1.1\r\nA: b\r\n\r\n<a/>", request.clone()),
            ("POST /mm7/v1 HTTP/1.0\nA: b\n\n<a/>", request),
            ("HTTP/1.1 200 OK\r\nA: b\r\n\r\n<a/>", Start::Response { status: 200 }),
            ("HTTP/1.1 500\r\nA:b\r\n\r\n<a/>", Start::Response { status: 500 }),
            ("A: b\r\n\r\n<a/>", Start::Headers),
        ] {
            let raw = read(file);
            assert_eq!(raw.start, start, "{file:?}");
            assert_eq!(raw.header("a").map(|header| header.value.as_str()), Some("b"), "{file:?}");
            assert_eq!(raw.body(), "<a/>", "{file:?}");
        }
    }

    #[test]
    fn chunks_are_put_together_and_say_where_they_stand() {
        let head = "POST / HTTP/1.1\r\nTransfer-Encoding:\r\n chunked\r\n\r\n";
        let file = format!("{head}3;x\r\n<a>\r\n4\r\n</a>\r\n0\r\nA: b\r\n\r\nGET");
        let raw = read(&file);
        assert_eq!((raw.body().as_ref(), raw.has_broken_chunks()), (&b"<a></a>"[..], false));
        for (in_body, text) in [(0, "<a>"), (2, ">\r\n4"), (3, "</a>"), (7, "\r\n0")] {
            assert!(file[raw.in_file(in_body)..].starts_with(text), "{in_body}");
        }
        for broken in ["3\r\n<a", "3\n<a>\n0\n\n", "3\r\n<a>\r\n"] {
            assert!(read(&format!("{head}{broken}")).has_broken_chunks(), "{broken:?}");
        }
        assert_eq!(read("POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\nab").in_file(1), 39);
    }

    #[test]
    fn what_a_door_cannot_read_of_a_head_is_told() {
        use HeadFaultKind::{BlankBeforeColon, BreaksOff, FoldedFirst, NoColon, RequestLine, Value};
        for (file, expected) in [
            ("POST /mm7/v1\r\nA: b\r\n\r\n<a/>", Some((RequestLine, 0))),
            ("\r\nPOST  /mm7/v1 HTTP/1.1\r\n\r\n<a/>", Some((RequestLine, 2))),
            ("POST / HTTP/1.1\r\n A: b\r\n\r\n<a/>", Some((FoldedFirst, 17))),
            ("POST / HTTP/1.1\nA: b\nnone\n\n<a/>", Some((NoColon, 21))),
            ("POST / HTTP/1.1\r\nA : b\r\n\r\n<a/>", Some((BlankBeforeColon, 17))),
            ("A: b\r\nC: \u{1}\r\n\r\n<a/>", Some((Value, 6))),
            ("POST / HTTP/1.1\r\nA: b\r\n", Some((BreaksOff, 23))),
            ("POST / HTTP/1.1\r\nA: b\r\n c\r\n\r\n<a/>", None),
            ("\r\n\nPOST / HTTP/1.1\nA: b\n\n<a/>", None),
            ("A: b\n c\n\n<a/>", None),
            ("HTTP/1.1 200 OK\r\nnone\r\n\r\n<a/>", None),
            ("<a/>", None),
        ] {
            let fault = read(file).head_fault();
            assert_eq!(fault.map(|fault| (fault.kind, fault.offset)), expected, "{file:?}");
        }
    }

    #[test]
    fn bodies_without_a_head() {
        for file in
            ["<a/>", "", "\u{feff}<a/>", "--b\r\n\r\n<a/>\r\n--b--", "--b:c\r\n", "no head here", "\0\0"]
        {
            let raw = read(file);
            assert_eq!((&raw.start, raw.body_offset), (&Start::Bare, 0), "{file:?}");
            assert_eq!(raw.body(), file);
        }
    }

    #[test]
    fn headers_are_unfolded_and_say_where_they_are() {
        let raw = read("POST / HTTP/1.1\nA: b;\n\tc\nno header\nD:e\n");
        let headers: Vec<_> = raw
            .headers
            .iter()
            .map(|header| (header.name.as_str(), header.value.as_str(), header.offset))
            .collect();
        assert_eq!(headers, [("A", "b; c", 16), ("D", "e", 35)]);
        assert_eq!(raw.body(), "", "a head that never ends has no body");
    }

    #[test]
    fn a_type_is_guessed_only_where_the_header_does_not_tell() {
        let multipart = "--b=1\r\nContent-Type: text/xml\r\n\r\n<a/>\r\n--b=1--";
        for (head, body, expected) in [
            ("", multipart, "multipart/related; boundary=\"b=1\""),
            ("", "<a/>", "text/xml"),
            ("A: b\n\n", "preamble\n\n--b\n", "multipart/related; boundary=b"),
            ("Content-Type: text/html\n\n", multipart, "text/html"),
            ("Content-Type: ;\n\n", multipart, "multipart/related; boundary=\"b=1\""),
            (
                "Content-Type: multipart/mixed; start=s\n\n",
                multipart,
                "multipart/mixed; boundary=\"b=1\"; start=s",
            ),
            ("Content-Type: multipart/mixed; boundary=c\n\n", multipart, "multipart/mixed; boundary=c"),
        ] {
            let raw = read(&format!("{head}{body}"));
            assert_eq!(raw.effective_type().to_string(), expected, "{head}");
        }
    }
}
