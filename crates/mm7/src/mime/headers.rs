//! The header block of a part (RFC 822 clause 3, RFC 2045 clause 3): folded or not, with CRLF or bare LF, names in
//! any case.

use std::borrow::Cow;

use memchr::memchr;

/// The fields that mean something here. Others are passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    ContentType,
    ContentId,
    ContentLocation,
    ContentDisposition,
    TransferEncoding,
}

impl Name {
    fn of(name: &[u8]) -> Option<Self> {
        const NAMES: [(&str, Name); 5] = [
            ("content-type", Name::ContentType),
            ("content-id", Name::ContentId),
            ("content-location", Name::ContentLocation),
            ("content-disposition", Name::ContentDisposition),
            ("content-transfer-encoding", Name::TransferEncoding),
        ];
        let found = NAMES.iter().find(|(known, _)| name.eq_ignore_ascii_case(known.as_bytes()));
        found.map(|(_, name)| *name)
    }
}

/// One field, and where it begins in the part. Its value is copied only where it is folded.
#[derive(Debug)]
struct Field<'a> {
    name: Name,
    value: Cow<'a, [u8]>,
    offset: usize,
}

/// What the header block of a part holds.
#[derive(Debug, Default)]
pub(super) struct PartHead<'a> {
    fields: Vec<Field<'a>>,
    /// Where the body begins, in the bytes of the part.
    pub body: usize,
    /// The first thing that is wrong, and where.
    pub fault: Option<(usize, &'static str)>,
}

impl<'a> PartHead<'a> {
    /// Reads the headers at the start of a part, of which at most `limit` bytes are looked at.
    ///
    /// The block ends at a blank line, at the end of the part (a part may consist of headers only), or at a line that
    /// is no header, which then is the first of the body: peers forget the blank line.
    pub(super) fn read(part: &'a [u8], limit: usize) -> Self {
        let mut head = Self { fields: Vec::with_capacity(4), ..Self::default() };
        let window = part.get(..limit).unwrap_or(part);
        // The field that a continuation line belongs to: `None` before the first, `Some(None)` for one passed over.
        let mut open: Option<Option<usize>> = None;
        while let Some(line) = Line::at(window, head.body) {
            let cut_off = !line.terminated && window.len() < part.len();
            if cut_off {
                break;
            }
            if line.text.trim_ascii().is_empty() {
                head.body += line.length;
                return head;
            }
            match open {
                Some(field) if line.is_continuation() => head.unfold(field, line.text),
                _ => match split_field(line.text) {
                    Some((name, value)) => open = Some(name.map(|name| head.add(name, value))),
                    None => {
                        head.fault = Some((head.body, "a line among the headers of a part is no header"));
                        return head;
                    }
                },
            }
            head.body += line.length;
        }
        if window.len() < part.len() {
            head.fault = Some((head.body, "the headers of a part are too long"));
        }
        head
    }

    /// The first field of that name, unfolded and trimmed. Bytes that are not UTF-8 become U+FFFD.
    pub(super) fn get(&self, name: Name) -> Option<Cow<'_, str>> {
        let value = self.field(name)?.value.trim_ascii();
        Some(std::str::from_utf8(value).map_or_else(|_| String::from_utf8_lossy(value), Cow::Borrowed))
    }

    /// Where the first field of that name begins, in the bytes of the part.
    pub(super) fn offset(&self, name: Name) -> Option<usize> {
        self.field(name).map(|field| field.offset)
    }

    fn field(&self, name: Name) -> Option<&Field<'a>> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Keeps a field; says at which place.
    fn add(&mut self, name: Name, value: &'a [u8]) -> usize {
        self.fields.push(Field { name, value: Cow::Borrowed(value.trim_ascii()), offset: self.body });
        self.fields.len() - 1
    }

    fn unfold(&mut self, field: Option<usize>, line: &[u8]) {
        if let Some(field) = field.and_then(|field| self.fields.get_mut(field)) {
            let value = field.value.to_mut();
            value.push(b' ');
            value.extend_from_slice(line.trim_ascii());
        }
    }
}

struct Line<'a> {
    text: &'a [u8],
    /// With its line break.
    length: usize,
    terminated: bool,
}

impl<'a> Line<'a> {
    fn at(bytes: &'a [u8], start: usize) -> Option<Self> {
        let rest = bytes.get(start..).filter(|rest| !rest.is_empty())?;
        let end = memchr(b'\n', rest);
        let text = end.and_then(|end| rest.get(..end)).unwrap_or(rest);
        Some(Self {
            text: text.strip_suffix(b"\r").unwrap_or(text),
            length: end.map_or(rest.len(), |end| end + 1),
            terminated: end.is_some(),
        })
    }

    fn is_continuation(&self) -> bool {
        self.text.starts_with(b" ") || self.text.starts_with(b"\t")
    }
}

/// `Name: value`, with the white space around the name that some peers put there; the name where it means something.
fn split_field(line: &[u8]) -> Option<(Option<Name>, &[u8])> {
    let (name, rest) = line.split_at_checked(line.iter().position(|byte| *byte == b':')?)?;
    let name = name.trim_ascii();
    let known = Name::of(name);
    (known.is_some() || super::content_type::is_token(name)).then_some((known, rest.get(1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(part: &[u8]) -> PartHead<'_> {
        PartHead::read(part, 16 * 1024)
    }

    #[test]
    fn fields_are_found_in_any_spelling() {
        for part in [
            &b"Content-Type: text/plain\r\n\r\nbody"[..],
            b"content-type:text/plain\n\nbody",
            b"CONTENT-TYPE : text/plain  \r\n\r\nbody",
            b" Content-Type: text/plain\r\n\r\nbody",
            b"X-Other: a: b\r\n  folded\r\nContent-Type:\ttext/plain\r\n \t\r\nbody",
            b"Content-Type: text/plain\r\nContent-Type: text/html\r\n\r\nbody",
        ] {
            let head = read(part);
            assert_eq!(head.get(Name::ContentType).as_deref(), Some("text/plain"), "{}", part.escape_ascii());
            assert_eq!(part.get(head.body..), Some(&b"body"[..]), "{}", part.escape_ascii());
            assert_eq!(head.fault, None);
        }
    }

    #[test]
    fn every_field_of_a_part_is_read() {
        let head = read(
            b"Content-Id: <a>\nContent-Location: b\nContent-Disposition: c\nContent-Transfer-Encoding: d\n\n",
        );
        let values =
            [Name::ContentId, Name::ContentLocation, Name::ContentDisposition, Name::TransferEncoding]
                .map(|name| head.get(name).unwrap());
        assert_eq!(values, ["<a>", "b", "c", "d"]);
        assert_eq!(head.get(Name::ContentType), None);
    }

    #[test]
    fn folded_fields_become_one_line() {
        let head = read(b"Content-Type: multipart/related;\r\n\tboundary=a;\r\n   start=b\r\n\r\n");
        assert_eq!(head.get(Name::ContentType).unwrap(), "multipart/related; boundary=a; start=b");
    }

    #[test]
    fn a_part_may_have_no_headers_or_nothing_else() {
        assert_eq!(read(b"\r\nbody").body, 2);
        assert_eq!(read(b"").body, 0);
        let head = read(b"Content-Type: text/plain\r\n");
        assert_eq!((head.body, head.fault), (26, None));
        let head = read(b"Content-Type: text/plain");
        assert_eq!((head.body, head.get(Name::ContentType).as_deref()), (24, Some("text/plain")));
    }

    #[test]
    fn without_a_blank_line_the_body_begins_where_headers_end() {
        for part in [
            &b"Content-Type: text/xml\r\n<?xml version=\"1.0\"?><a:b xmlns:a='c'/>"[..],
            b"Content-Type: text/xml\n<a:b xmlns:a='c'/>",
            b"Content-Type: text/xml\n\x89PNG\r\n",
            b"Content-Type: text/xml\nno colon here",
        ] {
            let head = read(part);
            let start = memchr(b'\n', part).unwrap() + 1;
            assert_eq!(head.body, start, "{}", part.escape_ascii());
            assert_eq!(head.fault, Some((start, "a line among the headers of a part is no header")));
            assert_eq!(head.get(Name::ContentType).as_deref(), Some("text/xml"));
        }
    }

    #[test]
    fn headers_without_end_are_given_up() {
        for part in ["X: y\r\n".repeat(4000), format!("X: {}", "y".repeat(20_000))] {
            let head = read(part.as_bytes());
            assert_eq!(head.fault.unwrap().1, "the headers of a part are too long");
            assert!(head.body <= 16 * 1024);
        }
        let fits = format!("{}\r\nbody", "X: y\r\n".repeat(2730));
        assert_eq!(PartHead::read(fits.as_bytes(), 16 * 1024).fault, None);
    }

    #[test]
    fn bytes_that_are_no_text_are_marked() {
        let head = read(b"Content-Location: \xc4\xe3.gif\r\n\r\n");
        assert_eq!(head.get(Name::ContentLocation).unwrap(), "\u{fffd}\u{fffd}.gif");
    }
}
