//! How the bytes of an input are read: as the vectors are written.

use bytes::Bytes;
use mm7::DecodeError;
use mm7::mime::ContentType;

/// An HTTP request as far as MM7 is concerned.
pub struct Input {
    /// The Content-Type header, unless it is missing or malformed.
    pub content_type: Option<ContentType>,
    /// What follows the head.
    pub body: Bytes,
}

impl Input {
    /// What begins with a letter is an HTTP head, a blank line and a body; anything else is an envelope alone.
    pub fn read(data: &[u8]) -> Self {
        let (head, body) = match data.first() {
            Some(first) if first.is_ascii_alphabetic() => split_head(data),
            _ => (&b"Content-Type: text/xml"[..], data),
        };
        Self { content_type: content_type(head), body: Bytes::copy_from_slice(body) }
    }
}

fn split_head(data: &[u8]) -> (&[u8], &[u8]) {
    let end = |blank: &[u8]| data.windows(blank.len()).position(|window| window == blank);
    let blank: &[u8] = if end(b"\r\n\r\n").is_some() { b"\r\n\r\n" } else { b"\n\n" };
    match end(blank) {
        Some(at) => (&data[..at], &data[at + blank.len()..]),
        None => (data, &[]),
    }
}

fn content_type(head: &[u8]) -> Option<ContentType> {
    let head = std::str::from_utf8(head).ok()?;
    let fields = head.lines().filter_map(|line| line.split_once(':'));
    let value = fields.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"))?.1;
    ContentType::parse(value).ok()
}

/// What has to hold for every finding: its place is in the input, and its words are short and go into one line of a log.
pub fn check_error(error: &DecodeError, length: usize) {
    assert!(error.offset <= length, "{error:?} is outside {length} bytes");
    assert!(error.what.len() <= DecodeError::MAX_WORDS, "{error:?} is too long for a sentence");
    assert!(!error.what.chars().any(char::is_control), "{error:?} breaks the line");
}
