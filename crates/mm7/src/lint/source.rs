//! The envelope as it stands in the file: places in it, and the text of its elements.

use bytes::Bytes;
use encoding_rs::{Encoding, UTF_8};

use super::finding::{Place, Position};
use super::raw::Raw;
use crate::mime::Part;
use crate::xml::Element;
use crate::xml::charset;

/// How much of an element is quoted, in characters.
const MAX_QUOTED: usize = 200;

/// An envelope's text beside the bytes that it came as.
#[derive(Clone, Debug)]
pub(super) struct Source {
    /// The text, without byte order mark; bytes of no encoding are U+FFFD.
    pub text: String,
    xml: Bytes,
    encoding: &'static Encoding,
    /// The length of the byte order mark.
    mark: usize,
    /// Where the envelope begins in the file.
    offset: usize,
    /// The line and column of that place.
    begins: Position,
    /// Where it stands in pieces: the file, and where the envelope begins in its body.
    in_chunks: Option<(Raw, usize)>,
    /// Whether the part is transfer-encoded, so that its text does not stand in the file.
    is_encoded: bool,
}

impl Source {
    /// The envelope in the root part of a file.
    pub fn of(root: &Part, xml: Bytes, raw: &Raw) -> Self {
        let charset = root.content_type.as_ref().and_then(|content_type| content_type.param("charset"));
        let (text, encoding, mark) = match charset::to_text(&xml, charset) {
            Ok(text) => (text.text.into_owned(), text.encoding, text.start),
            Err(_) => (String::from_utf8_lossy(&xml).into_owned(), UTF_8, 0),
        };
        let offset = raw.in_file(root.body_offset);
        let before = String::from_utf8_lossy(raw.file.get(..offset).unwrap_or_default());
        let begins = if root.is_encoded() { Position::START } else { Position::START.after(&before) };
        let in_chunks = raw.is_in_pieces().then(|| (raw.clone(), root.body_offset));
        Self { text, xml, encoding, mark, offset, begins, in_chunks, is_encoded: root.is_encoded() }
    }

    /// Where in the text a byte of the envelope stands.
    pub fn text_offset(&self, byte: usize) -> usize {
        self.before(byte).len()
    }

    fn before(&self, byte: usize) -> std::borrow::Cow<'_, str> {
        let bytes = self.xml.get(self.mark..byte.min(self.xml.len())).unwrap_or_default();
        if self.encoding == UTF_8 {
            return String::from_utf8_lossy(bytes);
        }
        self.encoding.decode_without_bom_handling(bytes).0
    }

    /// The place of a byte of the envelope.
    pub fn place(&self, byte: usize) -> Place {
        if let Some((raw, in_body)) = self.in_chunks.as_ref().filter(|_| !self.is_encoded) {
            let offset = raw.in_file(in_body + byte);
            let before = String::from_utf8_lossy(raw.file.get(..offset).unwrap_or_default());
            return Place { offset, position: Some(Position::START.after(&before)), is_decoded: false };
        }
        let offset = if self.is_encoded { self.offset } else { self.offset + byte };
        let position = self.begins.after(&self.before(byte));
        Place { offset, position: Some(position), is_decoded: self.is_encoded }
    }

    /// The place of a character of the text.
    pub fn place_in_text(&self, at: usize) -> Place {
        self.place(self.mark + charset::byte_length(self.encoding, self.text.get(..at).unwrap_or_default()))
    }

    /// The element that begins at a place in the text, in one line, cut where it is long.
    pub fn element(&self, at: usize) -> Option<String> {
        element_text(&self.text, at).map(quoted)
    }

    /// The start tag that begins at a place in the text.
    pub fn start_tag(&self, at: usize) -> Option<String> {
        let rest = self.text.get(at..)?;
        Some(quoted(rest.get(..start_tag_length(rest)?)?))
    }

    /// The prefix of the element that begins at a place in the text.
    pub fn prefix(&self, at: usize) -> Option<&str> {
        let (prefix, local) = self.text.get(at..)?.strip_prefix('<')?.split_once(':')?;
        let is_name = |text: &str| text.chars().all(|c| c.is_alphanumeric() || "._-".contains(c));
        (is_name(prefix) && local.starts_with(char::is_alphabetic)).then_some(prefix)
    }
}

/// The elements from the document element down to the one that begins at a place.
pub(super) fn path_to(root: Element<'_>, offset: usize) -> Vec<Element<'_>> {
    let mut path = vec![root];
    while let Some(last) = path.last().filter(|last| last.offset() < offset) {
        match last.children().take_while(|child| child.offset() <= offset).last() {
            Some(child) => path.push(child),
            None => break,
        }
    }
    path
}

/// The element that begins at a place, from its start tag to its end tag.
pub(super) fn element_text(text: &str, at: usize) -> Option<&str> {
    let rest = text.get(at..)?;
    let opened = start_tag_length(rest)?;
    if rest.get(..opened)?.ends_with("/>") {
        return rest.get(..opened);
    }
    let name = rest.get(1..)?.split([' ', '\t', '\r', '\n', '>']).next()?;
    let end_tag = format!("</{name}");
    let end = opened + rest.get(opened..)?.find(&end_tag)?;
    let length = end + rest.get(end..)?.find('>')? + 1;
    rest.get(..length)
}

/// The length of the tag that a text begins with; `>` in an attribute does not end it.
fn start_tag_length(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return Some(at + 1),
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), byte) if open == byte => quote = None,
            _ => {}
        }
    }
    None
}

/// A piece of the file in one line.
pub(super) fn quoted(text: &str) -> String {
    let mut line = String::new();
    for (count, c) in text.trim().chars().enumerate() {
        if count == MAX_QUOTED {
            line.push('…');
            break;
        }
        let blank = c.is_whitespace() || c.is_control();
        match blank {
            true if line.ends_with(' ') => {}
            true => line.push(' '),
            false => line.push(c),
        }
    }
    line.replace("> <", "><")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_found_by_their_tags() {
        for (text, expected) in [
            ("<a/><b/>", Some("<a/>")),
            ("<a b='>'>c</a>d", Some("<a b='>'>c</a>")),
            ("<p:a><b/></p:a >x", Some("<p:a><b/></p:a >")),
            ("<a>", None),
            ("<a", None),
            ("", None),
        ] {
            assert_eq!(element_text(text, 0), expected, "{text}");
        }
    }

    #[test]
    fn quotes_are_one_short_line() {
        assert_eq!(quoted(" <a>\r\n  <b>c\t d</b>\n</a> "), "<a><b>c d</b></a>");
        assert_eq!(quoted(&"x".repeat(500)).chars().count(), MAX_QUOTED + 1);
    }
}
