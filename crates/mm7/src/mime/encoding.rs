//! Content-Transfer-Encoding (RFC 2045 clause 6): what is not encoded is passed on as a slice, base64 and
//! quoted-printable are decoded.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;

/// How the bytes of a part are encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// 7bit, 8bit, binary, or not said.
    Identity,
    Base64,
    QuotedPrintable,
    /// None of the standard's; the name in lower case.
    Unknown(String),
}

/// Where in the encoded bytes the encoding is broken, and how.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct EncodingFault {
    pub at: usize,
    pub what: &'static str,
}

impl Encoding {
    /// Reads the text of a Content-Transfer-Encoding header; case, quotes, a trailing semicolon and what some peers misspell do
    /// not matter.
    pub(super) fn parse(text: &str) -> Self {
        let name = text.trim_matches(|char: char| char.is_whitespace() || matches!(char, '"' | ';'));
        let is = |known: &&str| name.eq_ignore_ascii_case(known);
        match name {
            _ if ["", "7bit", "8bit", "binary", "7-bit", "8-bit", "none"].iter().any(is) => Self::Identity,
            _ if ["base64", "base-64", "x-base64"].iter().any(is) => Self::Base64,
            _ if ["quoted-printable", "quoted_printable"].iter().any(is) => Self::QuotedPrintable,
            other => Self::Unknown(other.to_ascii_lowercase()),
        }
    }

    /// The decoded bytes: a slice of `raw` where nothing is encoded.
    pub(super) fn decode(&self, raw: &Bytes) -> Result<Bytes, EncodingFault> {
        match self {
            Self::Identity => Ok(raw.clone()),
            Self::Base64 => decode_base64(raw).map(Bytes::from),
            Self::QuotedPrintable => decode_quoted_printable(raw).map(Bytes::from),
            Self::Unknown(_) => Err(EncodingFault { at: 0, what: "the transfer encoding is not known" }),
        }
    }
}

/// Padding may be missing and the last bits may be anything: peers truncate and pad as they like, and no byte of the
/// content depends on it.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// How much is decoded at a time: what is without white space need not lie in memory whole.
const PIECE: usize = 16 * 1024;
/// Characters that are decoded together; padding stands among the last of them all.
const GROUP: usize = 4;

fn decode_base64(raw: &[u8]) -> Result<Vec<u8>, EncodingFault> {
    let mut decoded = Vec::with_capacity(raw.len() / GROUP * 3 + 3);
    let mut bare = Vec::with_capacity(2 * PIECE);
    let mut decode = |bare: &[u8]| BASE64.decode_vec(bare, &mut decoded).map_err(|_| base64_fault(raw));
    for piece in raw.chunks(PIECE) {
        append_bare(piece, &mut bare);
        let held = bare.split_off(bare.len().saturating_sub(GROUP) / GROUP * GROUP);
        if memchr::memchr(b'=', &bare).is_some() {
            return Err(base64_fault(raw));
        }
        decode(&bare)?;
        bare.clear();
        bare.extend_from_slice(&held);
    }
    decode(&bare)?;
    Ok(decoded)
}

/// Appends what is no white space, which stands at the ends of lines nearly always.
fn append_bare(piece: &[u8], bare: &mut Vec<u8>) {
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', piece).chain([piece.len()]) {
        let line = piece.get(start..end).unwrap_or_default().trim_ascii();
        if line.iter().fold(false, |found, byte| found | byte.is_ascii_whitespace()) {
            bare.extend(line.iter().filter(|byte| !byte.is_ascii_whitespace()));
        } else {
            bare.extend_from_slice(line);
        }
        start = end + 1;
    }
}

/// The first byte that base64 does not have, else the end: the length is wrong or there is padding in the middle.
fn base64_fault(raw: &[u8]) -> EncodingFault {
    let foreign =
        |byte: &u8| !(byte.is_ascii_alphanumeric() || b"+/=".contains(byte) || byte.is_ascii_whitespace());
    match raw.iter().position(foreign) {
        Some(at) => EncodingFault { at, what: "the part has a byte that base64 does not have" },
        None => EncodingFault {
            at: raw.len(),
            what: "the base64 of the part has an impossible length, or padding in the middle",
        },
    }
}

fn decode_quoted_printable(raw: &[u8]) -> Result<Vec<u8>, EncodingFault> {
    let mut decoded = Vec::with_capacity(raw.len());
    let mut start = 0;
    while let Some(rest) = raw.get(start..).filter(|rest| !rest.is_empty()) {
        let line = memchr::memchr(b'\n', rest).and_then(|end| rest.get(..=end)).unwrap_or(rest);
        decode_line(line, &mut decoded).map_err(|at| EncodingFault {
            at: start + at,
            what: "the part has a quoted-printable escape that is not = and two hexadecimal digits",
        })?;
        start += line.len();
    }
    Ok(decoded)
}

/// Decodes one line with its line break; fails with the place of a broken escape.
fn decode_line(line: &[u8], decoded: &mut Vec<u8>) -> Result<(), usize> {
    let unbroken = line.strip_suffix(b"\n").map_or(line, |line| line.strip_suffix(b"\r").unwrap_or(line));
    let line_break = line.get(unbroken.len()..).unwrap_or_default();
    // White space at the end of a line was added on the way (RFC 2045 clause 6.7, rule 3).
    let text = trim_blanks(unbroken);
    match text.strip_suffix(b"=") {
        Some(soft) => unescape(soft, decoded),
        None => {
            unescape(text, decoded)?;
            decoded.extend_from_slice(line_break);
            Ok(())
        }
    }
}

fn trim_blanks(line: &[u8]) -> &[u8] {
    let end = line.iter().rposition(|byte| !matches!(byte, b' ' | b'\t')).map_or(0, |last| last + 1);
    line.get(..end).unwrap_or(line)
}

fn unescape(text: &[u8], decoded: &mut Vec<u8>) -> Result<(), usize> {
    let mut start = 0;
    for equals in memchr::memchr_iter(b'=', text) {
        decoded.extend_from_slice(text.get(start..equals).unwrap_or_default());
        let digits = text.get(equals + 1..equals + 3);
        let byte = digits.and_then(|digits| hex_byte(*digits.first()?, *digits.last()?)).ok_or(equals)?;
        decoded.push(byte);
        start = equals + 3;
    }
    decoded.extend_from_slice(text.get(start..).unwrap_or_default());
    Ok(())
}

/// The byte that two hexadecimal digits stand for.
pub(super) fn hex_byte(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(high)? << 4 | digit(low)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(encoding: &str, raw: &'static [u8]) -> Result<Vec<u8>, usize> {
        let decoded = Encoding::parse(encoding).decode(&Bytes::from_static(raw));
        decoded.map(|bytes| bytes.to_vec()).map_err(|broken| broken.at)
    }

    #[test]
    fn names_are_read_in_any_spelling() {
        for (text, encoding) in [
            ("", Encoding::Identity),
            ("7bit", Encoding::Identity),
            ("8BIT", Encoding::Identity),
            (" Binary ", Encoding::Identity),
            ("BASE64", Encoding::Base64),
            ("\"base64\"", Encoding::Base64),
            ("base64;", Encoding::Base64),
            ("Quoted-Printable", Encoding::QuotedPrintable),
            ("X-UUEncode", Encoding::Unknown("x-uuencode".to_owned())),
        ] {
            assert_eq!(Encoding::parse(text), encoding, "{text}");
        }
    }

    #[test]
    fn what_is_not_encoded_is_not_copied() {
        let raw = Bytes::from(vec![0, 13, 10, 61, 255]);
        let decoded = Encoding::parse("binary").decode(&raw).unwrap();
        assert_eq!(decoded, raw);
        assert_eq!(decoded.as_ptr(), raw.as_ptr());
    }

    fn check_read(encoding: &str, rows: &[(&'static [u8], &[u8])]) {
        for (raw, expected) in rows {
            assert_eq!(decoded(encoding, raw).as_deref(), Ok(*expected), "{}", raw.escape_ascii());
        }
    }

    fn check_refused(encoding: &str, rows: &[(&'static [u8], usize)]) {
        for (raw, at) in rows {
            assert_eq!(decoded(encoding, raw), Err(*at), "{}", raw.escape_ascii());
        }
    }

    #[test]
    fn base64_is_read_as_peers_write_it() {
        let rows: &[(&[u8], &[u8])] = &[
            (b"", b""),
            (b"AAEC/w==", b"\0\x01\x02\xff"),
            (b"AAEC/w", b"\0\x01\x02\xff"),
            (b"AAEC/w=", b"\0\x01\x02\xff"),
            (b"AAEC/x==", b"\0\x01\x02\xff"),
            (b"AAEC\r\n/w==\r\n", b"\0\x01\x02\xff"),
            (b"AA\nEC\n/w\n==\n", b"\0\x01\x02\xff"),
            (b" A A\tE C / w = = ", b"\0\x01\x02\xff"),
            (b"\r\n\r\n", b""),
        ];
        check_read("base64", rows);
    }

    #[test]
    fn base64_that_is_broken_is_refused_where_it_breaks() {
        let rows: &[(&[u8], usize)] = &[
            (b"AAE*", 3),
            (b"AAEC\r\n!!!!", 6),
            (b"A", 1),
            (b"AAECA", 5),
            (b"AA==AAEC", 8),
            (b"AAEC\0", 4),
            (b"AAEC_w==", 4),
            (b"=", 1),
        ];
        check_refused("base64", rows);
    }

    #[test]
    fn base64_of_any_length_is_read_in_lines_of_any_length() {
        for length in [PIECE - 1, PIECE, PIECE + 1, 3 * PIECE / 4, 100_000] {
            let bytes: Vec<u8> = (0..=255).cycle().take(length).collect();
            let text = BASE64.encode(&bytes);
            for columns in [1, 76, 77, PIECE, text.len()] {
                let lines: Vec<_> = text.as_bytes().chunks(columns).collect();
                let wrapped = lines.join(&b"\r\n"[..]);
                assert_eq!(decode_base64(&wrapped).as_ref(), Ok(&bytes), "{length} by {columns}");
                let more = [&wrapped[..], b"=", &wrapped].concat();
                assert!(decode_base64(&more).is_err(), "{length} by {columns}: padding in the middle");
            }
        }
    }

    #[test]
    fn quoted_printable_is_read_as_peers_write_it() {
        let rows: &[(&[u8], &[u8])] = &[
            (b"", b""),
            (b"a=3Db=3db", b"a=b=b"),
            (b"one=\r\ntwo", b"onetwo"),
            (b"one=\ntwo", b"onetwo"),
            (b"one= \t\r\ntwo", b"onetwo"),
            (b"one=", b"one"),
            (b"line  \r\nnext\t", b"line\r\nnext"),
            (b"line=20\r\nnext\n", b"line \r\nnext\n"),
            (b"=E4=F6\xfc", b"\xe4\xf6\xfc"),
            (b"\r\n\r\n", b"\r\n\r\n"),
        ];
        check_read("quoted-printable", rows);
    }

    #[test]
    fn quoted_printable_that_is_broken_is_refused_where_it_breaks() {
        let rows: &[(&[u8], usize)] =
            &[(b"a=ZZ", 1), (b"a=4", 1), (b"ok\r\na=4\r\n", 5), (b"a= b", 1), (b"a==41", 1), (b"a==", 1)];
        check_refused("quoted-printable", rows);
    }

    #[test]
    fn an_unknown_encoding_is_no_guess() {
        assert_eq!(decoded("x-gzip", b"abc"), Err(0));
    }
}
