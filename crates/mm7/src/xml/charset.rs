//! From the bytes of an envelope to its text: which encoding it is in (RFC 7303 clause 3: a byte order mark, then
//! the charset parameter, then the XML declaration), and strictly decoded.
//!
//! Peers label wrongly, so a label is a claim to be checked: bytes that show UTF-16 are UTF-16, a UTF-16 label on
//! 8-bit bytes is void, and text that is UTF-8 beyond doubt is read as such. No byte is ever replaced.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use crate::error::{DecodeError, Rule};

/// The longest XML declaration that is looked at for its encoding, in bytes.
const MAX_DECLARATION: usize = 256;

/// An envelope's text, and where it came from.
#[derive(Debug)]
pub(crate) struct Text<'a> {
    /// The text, without byte order mark; borrowed when it came as UTF-8.
    pub text: Cow<'a, str>,
    /// What it was decoded from.
    pub encoding: &'static Encoding,
    /// The length of the byte order mark.
    pub start: usize,
}

impl Text<'_> {
    /// Turns offsets in the text, in any order, into offsets in the bytes as they came. UTF-8 needs no order among them.
    pub fn to_byte_offsets_of_all<'o>(&self, offsets: impl Iterator<Item = &'o mut usize>) {
        if self.encoding == UTF_8 {
            return self.to_byte_offsets(offsets);
        }
        let mut offsets: Vec<_> = offsets.collect();
        offsets.sort_unstable();
        self.to_byte_offsets(offsets.into_iter());
    }

    /// Turns offsets in the text, in ascending order, into offsets in the bytes as they came.
    pub fn to_byte_offsets<'o>(&self, offsets: impl Iterator<Item = &'o mut usize>) {
        if self.encoding == UTF_8 {
            offsets.for_each(|offset| *offset += self.start);
            return;
        }
        let (mut before, mut bytes) = (0, self.start);
        for offset in offsets {
            bytes += byte_length(self.encoding, self.text.get(before..*offset).unwrap_or_default());
            before = *offset;
            *offset = bytes;
        }
    }
}

/// How many bytes a text has in an encoding.
pub(crate) fn byte_length(encoding: &'static Encoding, text: &str) -> usize {
    if encoding == UTF_8 {
        return text.len();
    }
    if encoding == UTF_16LE || encoding == UTF_16BE {
        return text.chars().map(|c| c.len_utf16() * 2).sum();
    }
    encoding.encode(text).0.len()
}

/// Decodes an envelope. `charset` is the charset parameter of its Content-Type.
///
/// # Errors
/// [`Rule::Encoding`] when the bytes are not of any encoding that they are labelled with.
pub(crate) fn to_text<'a>(bytes: &'a [u8], charset: Option<&str>) -> Result<Text<'a>, DecodeError> {
    if let Some((encoding, bom)) = Encoding::for_bom(bytes) {
        return strictly(bytes, encoding, bom * leading(bytes.get(..bom).unwrap_or_default(), bytes));
    }
    if let Some(encoding) = utf_16_by_shape(bytes) {
        return strictly(bytes, encoding, 0);
    }
    let labels = [charset.map(str::as_bytes), declared(bytes)];
    let encodings = labels.into_iter().flatten().filter_map(Encoding::for_label_no_replacement);
    eight_bit(bytes, encodings.filter(|encoding| *encoding != UTF_16LE && *encoding != UTF_16BE))
}

/// Decodes bytes that are of no encoding they are labelled with, as far as that goes: what can be told is kept, and what cannot
/// is replaced. Where some of it is UTF-8 all of it is meant to be; else it is what the label says, or Western European.
pub(crate) fn as_far_as_it_goes(bytes: &[u8], charset: Option<&str>) -> String {
    if let Some((encoding, bom)) = Encoding::for_bom(bytes) {
        return encoding.decode_without_bom_handling(bytes.get(bom..).unwrap_or_default()).0.into_owned();
    }
    if let Some(encoding) = utf_16_by_shape(bytes) {
        return encoding.decode_without_bom_handling(bytes).0.into_owned();
    }
    let lossy = String::from_utf8_lossy(bytes);
    if lossy.chars().any(|c| !c.is_ascii() && c != char::REPLACEMENT_CHARACTER) {
        return lossy.into_owned();
    }
    let labels = [charset.map(str::as_bytes), declared(bytes)];
    let mut labelled = labels.into_iter().flatten().filter_map(Encoding::for_label_no_replacement);
    let is_8_bit = |encoding: &&'static Encoding| ![UTF_8, UTF_16LE, UTF_16BE].contains(encoding);
    let encoding = labelled.find(is_8_bit).unwrap_or(WINDOWS_1252);
    encoding.decode_without_bom_handling(bytes).0.into_owned()
}

/// How many times the byte order mark stands at the beginning: what is put together from files may have one of each.
fn leading(bom: &[u8], bytes: &[u8]) -> usize {
    bytes.chunks(bom.len().max(1)).take_while(|piece| *piece == bom).count()
}

fn strictly<'a>(bytes: &'a [u8], encoding: &'static Encoding, start: usize) -> Result<Text<'a>, DecodeError> {
    let rest = bytes.get(start..).unwrap_or_default();
    if encoding == UTF_8 {
        let text = std::str::from_utf8(rest).map_err(|error| not_utf_8(start + error.valid_up_to()))?;
        return Ok(Text { text: Cow::Borrowed(text), encoding, start });
    }
    let text = encoding.decode_without_bom_handling_and_without_replacement(rest);
    let what = || format!("the envelope is labelled {} and is not", encoding.name());
    let text = text.ok_or_else(|| DecodeError::new(Rule::Encoding, start, what()))?;
    Ok(Text { text, encoding, start })
}

fn not_utf_8(offset: usize) -> DecodeError {
    DecodeError::new(Rule::Encoding, offset, "the envelope is not UTF-8")
}

/// UTF-16 without a byte order mark: an envelope begins with `<` or a blank.
fn utf_16_by_shape(bytes: &[u8]) -> Option<&'static Encoding> {
    match bytes {
        [b'<' | b' ' | b'\r' | b'\n', 0, third, ..] if *third != 0 => Some(UTF_16LE),
        [0, b'<' | b' ' | b'\r' | b'\n', 0, ..] => Some(UTF_16BE),
        _ => None,
    }
}

/// Tries the labels in order; without one that fits, the bytes have to be UTF-8.
fn eight_bit<'a>(
    bytes: &'a [u8],
    encodings: impl Iterator<Item = &'static Encoding>,
) -> Result<Text<'a>, DecodeError> {
    let utf_8 = std::str::from_utf8(bytes);
    for encoding in encodings.filter(|encoding| *encoding != UTF_8) {
        if utf_8.is_ok_and(|text| is_utf_8_beyond_doubt(text, encoding)) {
            break;
        }
        if let Ok(text) = strictly(bytes, encoding, 0) {
            return Ok(text);
        }
    }
    let text = utf_8.map_err(|error| not_utf_8(error.valid_up_to()))?;
    Ok(Text { text: Cow::Borrowed(text), encoding: UTF_8, start: 0 })
}

/// Whether valid UTF-8 is UTF-8 although it is labelled otherwise.
///
/// Text of one byte a character hardly ever looks like UTF-8. Two bytes a character may, but then it looks like
/// UTF-8's two-byte forms; three bytes show text that really is UTF-8.
fn is_utf_8_beyond_doubt(text: &str, labelled: &'static Encoding) -> bool {
    if text.is_ascii() {
        return labelled.is_ascii_compatible();
    }
    labelled.is_single_byte() || text.chars().any(|c| c.len_utf8() >= 3)
}

/// The encoding label of an XML declaration in 8-bit bytes.
fn declared(bytes: &[u8]) -> Option<&[u8]> {
    let head = bytes.get(..bytes.len().min(MAX_DECLARATION))?.trim_ascii_start().strip_prefix(b"<?xml")?;
    let head = head.get(..memchr::memchr(b'>', head)?)?;
    let after = head.get(memchr::memmem::find(head, b"encoding")? + b"encoding".len()..)?;
    let quoted = after.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let (quote, label) = quoted.split_first().filter(|(quote, _)| matches!(quote, b'"' | b'\''))?;
    label.get(..memchr::memchr(*quote, label)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8], charset: Option<&str>) -> Result<String, usize> {
        to_text(bytes, charset).map(|text| text.text.into_owned()).map_err(|error| error.offset)
    }

    fn utf_16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(to_bytes).collect()
    }

    #[test]
    fn labels_in_order_of_precedence() {
        let gbk = b"<?xml version='1.0' encoding='GBK'?><a>\xc4\xe3\xba\xc3</a>";
        assert!(text(gbk, None).unwrap().ends_with("<a>你好</a>"));
        assert!(text(gbk, Some("gb2312")).unwrap().ends_with("<a>你好</a>"));
        // The parameter goes before the declaration.
        assert!(text(gbk, Some("iso-8859-1")).unwrap().ends_with("<a>Äãº\u{c3}</a>"));
        assert_eq!(text(b"<a>\xfcber</a>", Some("ISO-8859-1")).unwrap(), "<a>über</a>");
        assert_eq!(text(b"<a>\xb0\xa1</a>", Some("EUC-KR")).unwrap(), "<a>가</a>");
        // A byte order mark goes before everything.
        assert_eq!(text(b"\xef\xbb\xbf<a>\xc3\xa9</a>", Some("GBK")).unwrap(), "<a>é</a>");
        // Even twice.
        assert_eq!(text(b"\xef\xbb\xbf\xef\xbb\xbf<a/>", None).unwrap(), "<a/>");
    }

    #[test]
    fn utf_16_with_and_without_byte_order_mark() {
        for (to_bytes, bom) in
            [(u16::to_le_bytes as fn(u16) -> [u8; 2], b"\xff\xfe"), (u16::to_be_bytes, b"\xfe\xff")]
        {
            let bare = utf_16("<a>你😀</a>", to_bytes);
            let marked = [bom.as_slice(), &bare].concat();
            for charset in [None, Some("utf-16"), Some("utf-8")] {
                assert_eq!(text(&bare, charset).unwrap(), "<a>你😀</a>");
                assert_eq!(text(&marked, charset).unwrap(), "<a>你😀</a>");
            }
        }
    }

    #[test]
    fn labels_that_are_not_true() {
        // UTF-8 with Chinese text, whatever it is called.
        for charset in ["GBK", "EUC-KR", "iso-8859-1", "us-ascii", "utf:8", "utf-16", "no-such-charset"] {
            assert_eq!(text("<a>你好</a>".as_bytes(), Some(charset)).unwrap(), "<a>你好</a>", "{charset}");
        }
        let utf_16_declared = b"<?xml version=\"1.0\" encoding=\"UTF-16\"?><a>\xc3\xa9</a>";
        assert!(text(utf_16_declared, None).unwrap().ends_with("<a>é</a>"));
        // Two-byte forms prove nothing against a two-byte label.
        assert_eq!(text(b"<a>\xd1\xa7</a>", Some("GBK")).unwrap(), "<a>学</a>");
        // The parameter is wrong, the declaration is right.
        let declared = b"<?xml version='1.0' encoding='gbk'?><a>\xc4\xe3</a>";
        assert!(text(declared, Some("utf-8")).unwrap().ends_with("<a>你</a>"));
    }

    #[test]
    fn bytes_of_no_encoding() {
        assert_eq!(text(b"<a>\xc0\xaf</a>", None), Err(3), "overlong");
        assert_eq!(text(b"<a>\xed\xa0\x80</a>", Some("utf-8")), Err(3), "lone surrogate");
        assert_eq!(text(b"<a>\xff</a>", Some("utf-8")), Err(3));
        assert_eq!(text(b"\xff\xfe<\x00a\x00>\x00\x00\xd8", None), Err(2), "lone surrogate in UTF-16");
        assert_eq!(text(b"\xff\xfe<\x00a", None), Err(2), "odd length");
        assert_eq!(text(b"<a>\x81</a>", Some("GBK")), Err(3), "a lead byte alone");
    }

    #[test]
    fn what_is_of_no_encoding_is_read_as_far_as_it_goes() {
        let read = as_far_as_it_goes;
        assert_eq!(read(b"<a>caf\xe9</a>", Some("utf-8")), "<a>café</a>");
        assert_eq!(read("<a>Grüße, \u{4f60}".as_bytes().split_last().unwrap().1, None), "<a>Grüße, \u{fffd}");
        assert_eq!(read(b"<a>\xc4\xe3\x81</a>", Some("GBK")), "<a>你\u{fffd}</a>");
        assert_eq!(read(b"\xff\xfe<\0a\0>\0\0\xd8", None), "<a>\u{fffd}");
        assert_eq!(read(b"\xef\xbb\xbf<a>\xff</a>", None), "<a>\u{fffd}</a>");
    }

    #[test]
    fn offsets_go_back_to_the_bytes() {
        let bytes = [b"\xff\xfe".to_vec(), utf_16("<😀é>", u16::to_le_bytes)].concat();
        let text = to_text(&bytes, None).unwrap();
        let mut offsets = [0, 1, 5, 7];
        text.to_byte_offsets(offsets.iter_mut());
        assert_eq!(offsets, [2, 4, 8, 10]);
        let text = to_text(b"<a>\xc4\xe3</a>", Some("GBK")).unwrap();
        let mut offsets = [3, 6];
        text.to_byte_offsets(offsets.iter_mut());
        assert_eq!(offsets, [3, 5]);
    }
}
