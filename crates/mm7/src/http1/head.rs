//! The head of a request: where it ends, its folded lines, how long the body behind it is, and what is wrong with it.

use std::{fmt, mem::MaybeUninit};

use memchr::memchr;

/// The most header lines of a head, folded ones counted once. As many as hyper reads without keeping them on the heap.
pub const MAX_HEADER_LINES: usize = 100;
/// The longest header name, in bytes.
const MAX_NAME: usize = u16::MAX as usize;

/// Looks for the end of a head in bytes that grow. Empty lines before a head do not count (RFC 9112 clause 2.2).
///
/// ```
/// use mm7::http1::HeadEnd;
/// let mut end = HeadEnd::default();
/// assert_eq!(end.find(b"\r\nGET / HTTP/1.1\r\nHost: a"), None);
/// assert_eq!(end.find(b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\nbody"), Some(29));
/// ```
#[derive(Clone, Debug, Default)]
pub struct HeadEnd {
    /// Where the line begins that is not over yet.
    line: usize,
    looked_at: usize,
    begun: bool,
    folded: bool,
}

impl HeadEnd {
    /// Where the head ends that begins with these bytes, once it is whole. Every call gives the bytes of the one before and those
    /// that came since.
    pub fn find(&mut self, bytes: &[u8]) -> Option<usize> {
        while let Some(at) = memchr(b'\n', bytes.get(self.looked_at..)?) {
            let end = self.looked_at + at + 1;
            let line = bytes.get(self.line..end)?;
            (self.line, self.looked_at) = (end, end);
            match (is_empty(line), self.begun) {
                (true, true) => return Some(end),
                (true, false) => {}
                (false, begun) => {
                    self.folded |= begun && is_continuation(line);
                    self.begun = true;
                }
            }
        }
        self.looked_at = bytes.len();
        None
    }

    /// Whether anything of a head has come but empty lines.
    pub fn has_begun(&self, bytes: &[u8]) -> bool {
        self.begun || bytes.get(self.line..).is_some_and(|line| !matches!(line, b"" | b"\r"))
    }

    /// Whether the request line is whole.
    pub const fn has_request_line(&self) -> bool {
        self.begun
    }

    /// Whether there are folded lines.
    pub const fn is_folded(&self) -> bool {
        self.folded
    }
}

fn is_empty(line: &[u8]) -> bool {
    matches!(line, b"\n" | b"\r\n")
}

fn is_continuation(line: &[u8]) -> bool {
    line.first().copied().is_some_and(is_blank)
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn without_blanks_behind(line: &[u8]) -> &[u8] {
    let blanks = line.iter().rev().take_while(|byte| is_blank(**byte)).count();
    line.get(..line.len() - blanks).unwrap_or_default()
}

/// A head with every fold (RFC 9112 clause 5.2) replaced by one blank. A folded line behind the request line has no header to
/// belong to, and stays.
///
/// ```
/// let head = b"GET / HTTP/1.1\r\nA: b; \r\n\tc\r\n \r\nD: e\r\n\r\n";
/// assert_eq!(mm7::http1::unfold(head), b"GET / HTTP/1.1\r\nA: b; c \r\nD: e\r\n\r\n");
/// ```
pub fn unfold(head: &[u8]) -> Vec<u8> {
    let mut unfolded = Vec::with_capacity(head.len());
    let mut headers = false;
    let mut begun = false;
    for line in lines(head) {
        let folds = headers && is_continuation(line);
        if folds {
            let kept = without_blanks_behind(without_end(&unfolded)).len();
            unfolded.truncate(kept);
            unfolded.push(b' ');
            let skipped = line.iter().take_while(|byte| is_blank(**byte)).count();
            unfolded.extend_from_slice(line.get(skipped..).unwrap_or_default());
        } else {
            unfolded.extend_from_slice(line);
            headers = begun && !is_continuation(line);
            begun |= !is_empty(line);
        }
    }
    unfolded
}

/// The lines of a head, each with its end.
fn lines(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    head.split_inclusive(|byte| *byte == b'\n')
}

/// What is wrong with a head that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadFaultKind {
    /// The request line is not `METHOD target HTTP/1.0` or `HTTP/1.1`.
    RequestLine,
    /// A folded line stands before any header.
    FoldedFirst,
    /// A line has no colon.
    NoColon,
    /// A blank stands before the colon (RFC 9112 clause 5.1: a request with one is refused).
    BlankBeforeColon,
    /// A header's name has a character that none may have, or is empty or too long.
    Name,
    /// A header's value has a control character, NUL or a CR of its own among them.
    Value,
    /// There are more than [`MAX_HEADER_LINES`].
    TooManyLines,
    /// The head is longer than is taken.
    TooLong,
    /// The connection ended within the head.
    BreaksOff,
}

impl HeadFaultKind {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::RequestLine,
        Self::FoldedFirst,
        Self::NoColon,
        Self::BlankBeforeColon,
        Self::Name,
        Self::Value,
        Self::TooManyLines,
        Self::TooLong,
        Self::BreaksOff,
    ];

    /// What it is, in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::RequestLine => "the request line is not METHOD target HTTP/1.1",
            Self::FoldedFirst => "a folded line stands before any header",
            Self::NoColon => "a header line has no colon",
            Self::BlankBeforeColon => "a blank stands before the colon of a header line",
            Self::Name => "a header's name has a character that none may have",
            Self::Value => "a header's value has a control character",
            Self::TooManyLines => "there are more than 100 header lines",
            Self::TooLong => "the head is longer than is taken",
            Self::BreaksOff => "the connection ended within the head",
        }
    }
}

impl fmt::Display for HeadFaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

/// What is wrong with a head, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct HeadFault {
    /// What is wrong.
    pub kind: HeadFaultKind,
    /// Where the line that is wrong begins: a byte offset in the head.
    pub offset: usize,
}

/// Why it cannot be known how long a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LengthFault {
    /// A Content-Length is not a number, or too large a one.
    NoNumber,
    /// Two of them differ.
    Differ,
    /// There are a Content-Length and a Transfer-Encoding: readers may go by either.
    Both,
    /// Transfer-Encoding is not `chunked`, once and alone, or came with HTTP/1.0.
    Coding,
}

impl LengthFault {
    /// What it is, in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::NoNumber => "Content-Length is no number",
            Self::Differ => "two Content-Length headers differ",
            Self::Both => "there are both a Content-Length and a Transfer-Encoding",
            Self::Coding => "Transfer-Encoding is not chunked alone",
        }
    }
}

/// How long the body behind a head is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyLength {
    /// This many bytes.
    Bytes(u64),
    /// As the chunks say.
    Chunked,
    /// The head does not say. By RFC 9112 clause 6.3 there is no body then, though a sender of HTTP/1.0 may send one.
    Unsaid,
    /// What there is cannot be used.
    Unusable(LengthFault),
}

/// What a head says that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judged<'h> {
    /// The method.
    pub method: &'h str,
    /// The target as it came.
    pub target: &'h str,
    /// How long the body is.
    pub length: BodyLength,
}

impl Judged<'_> {
    /// Whether the request ends with its head.
    pub fn is_without_body(&self) -> bool {
        let may_have_body = matches!(self.method, "POST" | "PUT" | "PATCH");
        matches!(self.length, BodyLength::Bytes(0)) || self.length == BodyLength::Unsaid && !may_have_body
    }
}

/// Reads a head that is whole, up to its empty line, and unfolded.
///
/// # Errors
/// The first fault, with its place in these bytes.
pub fn judge(head: &[u8]) -> Result<Judged<'_>, HeadFault> {
    let mut headers = [const { MaybeUninit::uninit() }; MAX_HEADER_LINES];
    let mut request = httparse::Request::new(&mut []);
    let parsed = request.parse_with_uninit_headers(head, &mut headers);
    let whole = matches!(parsed, Ok(httparse::Status::Complete(length)) if length == head.len());
    let has_long_name = request.headers.iter().any(|header| header.name.len() > MAX_NAME);
    match (request.method, request.path, request.version) {
        (Some(method), Some(target), Some(minor)) if whole && !has_long_name => {
            Ok(Judged { method, target, length: body_length(request.headers, minor) })
        }
        _ => Err(first_fault(head).unwrap_or(HeadFault { kind: HeadFaultKind::RequestLine, offset: 0 })),
    }
}

fn body_length(headers: &[httparse::Header<'_>], minor: u8) -> BodyLength {
    let mut length = None;
    let mut codings = 0_usize;
    let mut is_chunked = true;
    for header in headers {
        if header.name.eq_ignore_ascii_case("content-length") {
            let Some(number) = number(header.value) else {
                return BodyLength::Unusable(LengthFault::NoNumber);
            };
            if length.replace(number).is_some_and(|first| first != number) {
                return BodyLength::Unusable(LengthFault::Differ);
            }
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            codings += 1;
            is_chunked &= header.value.eq_ignore_ascii_case(b"chunked");
        }
    }
    match (length, codings) {
        (Some(_), 1..) => BodyLength::Unusable(LengthFault::Both),
        (Some(length), 0) => BodyLength::Bytes(length),
        (None, 0) => BodyLength::Unsaid,
        (None, 1) if is_chunked && minor == 1 => BodyLength::Chunked,
        (None, _) => BodyLength::Unusable(LengthFault::Coding),
    }
}

/// Digits that HTTP can count to. hyper keeps the highest two for itself.
fn number(value: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(value).ok().filter(|text| text.bytes().all(|c| c.is_ascii_digit()))?;
    digits.parse().ok().filter(|number| *number < u64::MAX - 2)
}

/// A request line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestLine<'h> {
    /// The method.
    pub method: &'h str,
    /// The target as it came.
    pub target: &'h str,
    /// The version behind `HTTP/1.`: 0 or 1.
    pub minor: u8,
}

/// Reads the request line at the beginning of a head of which all need not be there. `None`: not all of the line is.
///
/// # Errors
/// It is no request line, whatever comes behind.
pub fn request_line(bytes: &[u8]) -> Result<Option<RequestLine<'_>>, HeadFault> {
    let mut offset = 0;
    let line = lines(bytes).find(|line| {
        let skipped = is_empty(line);
        offset += if skipped { line.len() } else { 0 };
        !skipped
    });
    let line = line.unwrap_or_default();
    let mut request = httparse::Request::new(&mut []);
    if request.parse(line).is_err() {
        return Err(HeadFault { kind: HeadFaultKind::RequestLine, offset });
    }
    let read = request.method.zip(request.path).zip(request.version).filter(|_| line.ends_with(b"\n"));
    Ok(read.map(|((method, target), minor)| RequestLine { method, target, minor }))
}

/// The first fault of a head that is whole, folded lines and all.
pub fn first_fault(head: &[u8]) -> Option<HeadFault> {
    if let Err(fault) = request_line(head) {
        return Some(fault);
    }
    let (mut offset, mut begun, mut count) = (0, false, 0);
    for line in lines(head) {
        let kind = match (begun, is_empty(line)) {
            (_, true) => None,
            (false, false) => None,
            (true, false) if is_continuation(line) => continued_fault(line, count),
            (true, false) => {
                count += 1;
                line_fault(line, count)
            }
        };
        if let Some(kind) = kind {
            return Some(HeadFault { kind, offset });
        }
        begun |= !is_empty(line);
        offset += line.len();
    }
    None
}

fn continued_fault(line: &[u8], count: usize) -> Option<HeadFaultKind> {
    if count == 0 {
        return Some(HeadFaultKind::FoldedFirst);
    }
    value_fault(without_end(line))
}

fn line_fault(line: &[u8], count: usize) -> Option<HeadFaultKind> {
    let line = without_end(line);
    if count > MAX_HEADER_LINES {
        return Some(HeadFaultKind::TooManyLines);
    }
    let Some((name, value)) = memchr(b':', line).and_then(|colon| line.split_at_checked(colon)) else {
        return Some(HeadFaultKind::NoColon);
    };
    if !is_token(name) || name.len() > MAX_NAME {
        let trimmed = without_blanks_behind(name);
        let has_blanks = trimmed.len() < name.len() && is_token(trimmed);
        return Some(if has_blanks { HeadFaultKind::BlankBeforeColon } else { HeadFaultKind::Name });
    }
    value_fault(value)
}

fn value_fault(value: &[u8]) -> Option<HeadFaultKind> {
    let is_control = |byte: &u8| byte.is_ascii_control() && *byte != b'\t';
    value.iter().any(is_control).then_some(HeadFaultKind::Value)
}

fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// A token of RFC 9110 clause 5.6.2.
fn is_token(name: &[u8]) -> bool {
    let is_tchar = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !name.is_empty() && name.iter().all(is_tchar)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn length(lines: &str) -> BodyLength {
        let head = format!("POST /mm7/v1 HTTP/1.1\r\n{lines}\r\n");
        judge(head.as_bytes()).unwrap().length
    }

    #[test]
    fn heads_end_at_their_empty_line_in_any_pieces() {
        for (head, folded) in [
            ("GET / HTTP/1.1\r\n\r\n", false),
            ("GET / HTTP/1.1\n\n", false),
            ("\r\n\n\r\nGET / HTTP/1.1\r\nA: b\n\r\n", false),
            ("GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", true),
            ("GET / HTTP/1.1\r\nA: b\r\n \t \r\nC: d\r\n\r\n", true),
            ("GET / HTTP/1.1\r\n A: b\r\n\r\n", true),
        ] {
            let whole = format!("{head}\r\nbody\r\n\r\n");
            for piece in [1, 2, 3, 1000] {
                let mut end = HeadEnd::default();
                let found = (0..=whole.len())
                    .step_by(piece)
                    .chain([whole.len()])
                    .find_map(|length| end.find(&whole.as_bytes()[..length]));
                assert_eq!(found, Some(head.len()), "{head:?} in pieces of {piece}");
                assert_eq!(end.is_folded(), folded, "{head:?}");
            }
        }
    }

    #[test]
    fn empty_lines_alone_are_no_head() {
        for (bytes, begun) in [("", false), ("\r", false), ("\r\n\n", false), ("\r\nG", true), (" ", true)] {
            let mut end = HeadEnd::default();
            assert_eq!(end.find(bytes.as_bytes()), None);
            assert_eq!(end.has_begun(bytes.as_bytes()), begun, "{bytes:?}");
        }
    }

    #[test]
    fn folds_become_one_blank() {
        for (head, unfolded) in [
            ("G / HTTP/1.1\r\nA: b\r\n\r\n", "G / HTTP/1.1\r\nA: b\r\n\r\n"),
            ("G / HTTP/1.1\r\nA: b \t\r\n \t c\r\n\r\n", "G / HTTP/1.1\r\nA: b c\r\n\r\n"),
            ("G / HTTP/1.1\nA:\n b\n c\n\n", "G / HTTP/1.1\nA: b c\n\n"),
            ("G / HTTP/1.1\r\nA: b\r\r\n c\r\n\r\n", "G / HTTP/1.1\r\nA: b\r c\r\n\r\n"),
            ("G / HTTP/1.1\r\nA: b\x0c\r\n c\r\n\r\n", "G / HTTP/1.1\r\nA: b\x0c c\r\n\r\n"),
            ("G / HTTP/1.1\r\nA: b\r\n \r\n\tc\r\nD: e\r\n\r\n", "G / HTTP/1.1\r\nA: b c\r\nD: e\r\n\r\n"),
            // There is nothing that these could belong to.
            ("G / HTTP/1.1\r\n A: b\r\n\tc\r\n\r\n", "G / HTTP/1.1\r\n A: b\r\n\tc\r\n\r\n"),
            ("\r\nG / HTTP/1.1\r\n A: b\r\n\r\n", "\r\nG / HTTP/1.1\r\n A: b\r\n\r\n"),
            ("\r\nG / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", "\r\nG / HTTP/1.1\r\nA: b c\r\n\r\n"),
        ] {
            assert_eq!(String::from_utf8(unfold(head.as_bytes())).unwrap(), unfolded, "{head:?}");
        }
    }

    #[test]
    fn lengths_are_taken_where_every_reader_takes_the_same() {
        use LengthFault::{Both, Coding, Differ, NoNumber};
        for (lines, expected) in [
            ("", BodyLength::Unsaid),
            ("content-LENGTH:12 \r\n", BodyLength::Bytes(12)),
            ("Content-Length: 5\r\nContent-Length: 05\r\n", BodyLength::Bytes(5)),
            ("Content-Length: 18446744073709551612\r\n", BodyLength::Bytes(u64::MAX - 3)),
            ("Transfer-Encoding: Chunked\r\n", BodyLength::Chunked),
            ("Content-Length: 18446744073709551613\r\n", BodyLength::Unusable(NoNumber)),
            ("Content-Length: 18446744073709551616\r\n", BodyLength::Unusable(NoNumber)),
            ("Content-Length:\r\n", BodyLength::Unusable(NoNumber)),
            ("Content-Length: +1\r\n", BodyLength::Unusable(NoNumber)),
            ("Content-Length: 1 2\r\n", BodyLength::Unusable(NoNumber)),
            ("Content-Length: 5, 5\r\n", BodyLength::Unusable(NoNumber)),
            ("Content-Length: \u{0661}\r\n", BodyLength::Unusable(NoNumber)),
            ("Content-Length: 1\r\nContent-Length: 2\r\n", BodyLength::Unusable(Differ)),
            ("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", BodyLength::Unusable(Both)),
            ("Transfer-Encoding: chunked\r\nContent-Length: 1\r\n", BodyLength::Unusable(Both)),
            ("Transfer-Encoding: gzip, chunked\r\n", BodyLength::Unusable(Coding)),
            ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", BodyLength::Unusable(Coding)),
            ("Transfer-Encoding: identity\r\n", BodyLength::Unusable(Coding)),
            ("Transfer-Encoding: \"chunked\"\r\n", BodyLength::Unusable(Coding)),
            ("Transfer-Encoding:\r\n", BodyLength::Unusable(Coding)),
        ] {
            assert_eq!(length(lines), expected, "{lines:?}");
        }
        let old = judge(b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
        assert_eq!(old.length, BodyLength::Unusable(Coding));
    }

    #[test]
    fn only_what_may_have_a_body_needs_a_length() {
        for (head, without) in [
            ("GET / HTTP/1.1\r\n\r\n", true),
            ("DELETE / HTTP/1.1\r\n\r\n", true),
            ("GET / HTTP/1.1\r\nContent-Length: 1\r\n\r\n", false),
            ("POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n", true),
            ("POST / HTTP/1.1\r\n\r\n", false),
            ("PUT / HTTP/1.1\r\n\r\n", false),
        ] {
            assert_eq!(judge(head.as_bytes()).unwrap().is_without_body(), without, "{head:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_says_what_and_where() {
        use HeadFaultKind::*;
        let many = "A: b\r\n".repeat(MAX_HEADER_LINES);
        for (head, kind, at) in [
            ("POST\r\n\r\n".to_owned(), RequestLine, "POST"),
            ("POST /a\r\n\r\n".to_owned(), RequestLine, "POST"),
            ("\r\nPOST  /a HTTP/1.1\r\n\r\n".to_owned(), RequestLine, "POST"),
            ("POST /a b HTTP/1.1\r\n\r\n".to_owned(), RequestLine, "POST"),
            ("POST /a HTTP/1.2\r\n\r\n".to_owned(), RequestLine, "POST"),
            ("PRI * HTTP/2.0\r\n\r\n".to_owned(), RequestLine, "PRI"),
            (" POST /a HTTP/1.1\r\n\r\n".to_owned(), RequestLine, " POST"),
            ("P /a HTTP/1.1\r\n A: b\r\nC: d\r\n\r\n".to_owned(), FoldedFirst, " A"),
            ("P /a HTTP/1.1\r\nA: b\r\nno colon\r\n\r\n".to_owned(), NoColon, "no colon"),
            ("P /a HTTP/1.1\r\nA: b\r\nC : d\r\n\r\n".to_owned(), BlankBeforeColon, "C :"),
            ("P /a HTTP/1.1\r\nA: b\r\nC\u{e9}: d\r\n\r\n".to_owned(), Name, "C\u{e9}"),
            ("P /a HTTP/1.1\r\n: d\r\n\r\n".to_owned(), Name, ": d"),
            (format!("P /a HTTP/1.1\r\n{}: d\r\n\r\n", "n".repeat(MAX_NAME + 1)), Name, "nn"),
            ("P /a HTTP/1.1\r\nA: b\0c\r\n\r\n".to_owned(), Value, "A: b"),
            ("P /a HTTP/1.1\r\nA: b\rc: d\r\n\r\n".to_owned(), Value, "A: b"),
            ("P /a HTTP/1.1\r\nA: b\x7f\r\n\r\n".to_owned(), Value, "A: b"),
            (format!("P /a HTTP/1.1\r\n{many}Z: z\r\n\r\n"), TooManyLines, "Z: z"),
        ] {
            let fault = judge(head.as_bytes()).unwrap_err();
            assert_eq!(fault.kind, kind, "{head:?}");
            assert!(head[fault.offset..].starts_with(at), "{fault:?} in {head:?}");
            assert_eq!(first_fault(head.as_bytes()), Some(fault));
        }
        assert!(judge(format!("P /a HTTP/1.1\r\n{many}\r\n").as_bytes()).is_ok());
    }

    #[test]
    fn faults_of_folded_heads_are_told_where_they_stand() {
        let head = b"P /a HTTP/1.1\r\nA: b;\r\n\tc\r\nD: e\r\n f\0\r\n\r\n";
        let fault = first_fault(head).unwrap();
        assert_eq!((fault.kind, &head[fault.offset..][..2]), (HeadFaultKind::Value, &b" f"[..]));
        assert_eq!(judge(&unfold(head)).unwrap_err().kind, HeadFaultKind::Value);
    }

    #[test]
    fn a_line_that_is_no_request_line_shows_before_the_head_is_whole() {
        for (bytes, is_fault) in [
            (&b""[..], false),
            (b"\r\n\r\nPO", false),
            (b"POST /mm7/v1 HTT", false),
            (b"POST /mm7/v1 HTTP/1.1\r\nbroken", false),
            (b"\x16\x03\x01", true),
            (b"<Envelope", true),
            (b"POST /mm7/v1 HTTX", true),
            (b"\r\nPOST /mm7/v1\r\n", true),
        ] {
            assert_eq!(request_line(bytes).is_err(), is_fault, "{}", bytes.escape_ascii());
        }
        let line = request_line(b"\nGET /a HTTP/1.0\r\nA").unwrap().unwrap();
        assert_eq!((line.method, line.target, line.minor), ("GET", "/a", 0));
        assert_eq!(request_line(b"\nGET /a HTTP/1.0\r").unwrap(), None);
    }
}
