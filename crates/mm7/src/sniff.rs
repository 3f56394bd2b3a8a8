//! What bytes are, by their first bytes: labels of peers and servers are not believed.
//!
//! An own table, and not a library's: what matters here are the few types that handsets know (OMA MMS conformance document),
//! and SMIL, which no library tells from other XML.

mod animation;
mod labels;
mod marks;

use std::borrow::Cow;

pub use self::animation::is_animated;
pub use self::labels::{Label, label};
use self::marks::{BEGINNINGS, marked};
use crate::{Limits, mime::ContentType, smil};

/// How much of a text is looked at for what it begins with, in characters.
const HEAD_CHARS: usize = 64;

/// Endings of file names by media type.
const ENDINGS: &[(&str, &str)] = &[
    ("image/jpeg", "jpg"),
    ("image/png", "png"),
    ("image/gif", "gif"),
    ("image/webp", "webp"),
    ("image/bmp", "bmp"),
    ("image/tiff", "tif"),
    ("image/heic", "heic"),
    ("image/avif", "avif"),
    ("image/svg+xml", "svg"),
    ("audio/amr", "amr"),
    ("audio/amr-wb", "awb"),
    ("audio/wav", "wav"),
    ("audio/midi", "mid"),
    ("audio/mpeg", "mp3"),
    ("audio/aac", "aac"),
    ("audio/ogg", "ogg"),
    ("audio/flac", "flac"),
    ("audio/mp4", "m4a"),
    ("video/3gpp", "3gp"),
    ("video/3gpp2", "3g2"),
    ("video/mp4", "mp4"),
    ("video/quicktime", "mov"),
    ("video/x-msvideo", "avi"),
    ("video/mpeg", "mpg"),
    ("video/webm", "webm"),
    ("application/pdf", "pdf"),
    ("application/zip", "zip"),
    ("application/gzip", "gz"),
    ("application/x-elf", "elf"),
    ("application/vnd.microsoft.portable-executable", "exe"),
    ("application/smil", "smil"),
    ("text/x-vcard", "vcf"),
    ("text/x-vcalendar", "vcs"),
    ("text/calendar", "ics"),
    ("text/html", "html"),
    ("text/xml", "xml"),
    ("text/plain", "txt"),
];

/// The real type of content. What was declared counts in one thing only: the charset of a text that is not UTF-8. Bytes of no
/// known kind are `application/octet-stream`.
///
/// ```
/// use mm7::sniff::sniff;
/// assert_eq!(sniff(b"GIF89a...", None).essence(), "image/gif");
/// assert_eq!(sniff(b"<smil><body/></smil>", None).essence(), "application/smil");
/// assert_eq!(sniff(b"hi", None).to_string(), "text/plain; charset=utf-8");
/// ```
pub fn sniff(bytes: &[u8], declared: Option<&ContentType>) -> ContentType {
    if let Some(essence) = marked(bytes) {
        return ContentType::new(essence);
    }
    if let Some(essence) = framed_audio(bytes) {
        return ContentType::new(essence);
    }
    if smil::references(bytes, &Limits::default()).is_ok() {
        return ContentType::new("application/smil");
    }
    text(bytes, declared).unwrap_or_else(|| ContentType::new("application/octet-stream"))
}

/// The usual ending of file names of a media type.
pub fn ending(essence: &str) -> &'static str {
    ENDINGS.iter().find(|(known, _)| *known == essence).map_or("bin", |(_, ending)| ending)
}

/// Sound that begins with a frame and not with a mark: MPEG layer 3, and AAC in ADTS (ISO 13818-7), which has layer 0.
fn framed_audio(bytes: &[u8]) -> Option<&'static str> {
    let [0xff, second, third, ..] = *bytes else { return None };
    let (synchronised, layer) = (second & 0xe0 == 0xe0, (second >> 1) & 0b11);
    let (bit_rate, sampling) = (third >> 4, (third >> 2) & 0b11);
    match layer {
        0b00 if second & 0xf0 == 0xf0 => Some("audio/aac"),
        0b01 if synchronised && bit_rate != 0x0f && sampling != 0b11 => Some("audio/mpeg"),
        _ => None,
    }
}

/// The type of a text, with its charset; `None` for what is no text.
fn text(bytes: &[u8], declared: Option<&ContentType>) -> Option<ContentType> {
    let claimed = declared.filter(|declared| declared.main_type() == "text");
    let (text, charset) = decoded(bytes, claimed.and_then(|claimed| claimed.param("charset")))?;
    if text.is_empty()
        || text.chars().any(|char| char.is_control() && !"\t\n\r\u{c}\u{1b}\u{85}".contains(char))
    {
        return None;
    }
    let beginning = text.trim_start_matches('\u{feff}').trim_start().chars().take(HEAD_CHARS);
    let beginning = beginning.collect::<String>().to_ascii_uppercase();
    let known = BEGINNINGS.iter().find(|(mark, _)| beginning.starts_with(mark));
    let essence = known.map_or("text/plain", |(_, essence)| essence);
    Some(ContentType::new(essence).with_param("charset", charset))
}

/// The text, with its charset: UTF-8, UTF-16 with a byte order mark, or what is claimed; of the last, which no bytes can
/// prove, only the ASCII in it.
fn decoded<'a>(bytes: &'a [u8], claimed: Option<&'a str>) -> Option<(Cow<'a, str>, &'a str)> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Some((text.into(), "utf-8"));
    }
    let units = |unit: fn([u8; 2]) -> u16| -> Vec<u16> {
        bytes.chunks_exact(2).filter_map(|pair| pair.try_into().ok()).map(unit).collect()
    };
    match bytes {
        [0xff, 0xfe, ..] => {
            return Some((String::from_utf16(&units(u16::from_le_bytes)).ok()?.into(), "utf-16"));
        }
        [0xfe, 0xff, ..] => {
            return Some((String::from_utf16(&units(u16::from_be_bytes)).ok()?.into(), "utf-16"));
        }
        _ => {}
    }
    let ascii: String = bytes.iter().filter(|byte| byte.is_ascii()).map(|byte| char::from(*byte)).collect();
    claimed.filter(|charset| !charset.is_empty()).map(|charset| (ascii.into(), charset))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sniffed(bytes: &[u8], declared: &str) -> String {
        sniff(bytes, ContentType::parse(declared).ok().as_ref()).to_string()
    }

    #[test]
    fn media_are_known_by_their_marks() {
        for (bytes, expected) in [
            (&b"\xff\xd8\xff\xe0\0\x10JFIF"[..], "image/jpeg"),
            (b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR", "image/png"),
            (b"GIF87a", "image/gif"),
            (b"GIF89a\x01\0", "image/gif"),
            (b"RIFF\x24\0\0\0WEBPVP8 ", "image/webp"),
            (b"RIFF\x24\0\0\0WAVEfmt ", "audio/wav"),
            (b"BM\x46\0\0\0\0\0\0\0\x36", "image/bmp"),
            (b"#!AMR\n\x3c", "audio/amr"),
            (b"#!AMR-WB\n\x04", "audio/amr-wb"),
            (b"ID3\x03\0", "audio/mpeg"),
            (b"\xff\xfb\x90\x64\0", "audio/mpeg"),
            (b"\xff\xf3\x40\xc4\0", "audio/mpeg"),
            (b"\xff\xf1\x50\x80", "audio/aac"),
            (b"MThd\0\0\0\x06", "audio/midi"),
            (b"\0\0\0\x18ftyp3gp4\0\0", "video/3gpp"),
            (b"\0\0\0\x18ftyp3g2a\0\0", "video/3gpp2"),
            (b"\0\0\0\x18ftypisom\0\0", "video/mp4"),
            (b"\0\0\0\x18ftypM4A \0\0", "audio/mp4"),
            (b"\0\0\0\x18ftypheic\0\0", "image/heic"),
            (b"\0\0\0\x18ftypmif1\0\0", "image/heic"),
            (b"\0\0\0\x18ftypavif\0\0", "image/avif"),
            (b"\0\0\x01\xba\x44", "video/mpeg"),
            (b"%PDF-1.7", "application/pdf"),
            (b"PK\x03\x04", "application/zip"),
            (b"\x1f\x8b\x08", "application/gzip"),
            (b"\x7fELF\x02\x01\x01\0", "application/x-elf"),
            (b"MZ\x90\0\x03", "application/vnd.microsoft.portable-executable"),
            (b"\xff\xff\xff\xff", "application/octet-stream"),
            (b"hello\0world", "application/octet-stream"),
            (b"BMW is a car", "text/plain; charset=utf-8"),
            (b"", "application/octet-stream"),
        ] {
            assert_eq!(sniffed(bytes, "image/jpeg"), expected, "{}", bytes.escape_ascii());
            let ending = ending(expected.split(';').next().unwrap());
            assert_eq!(ending == "bin", expected == "application/octet-stream", "{expected}");
        }
    }

    #[test]
    fn texts_are_known_by_how_they_begin() {
        for (bytes, expected) in [
            (&b"Hello, w\xc3\xb6rld\r\n"[..], "text/plain; charset=utf-8"),
            (b"\xef\xbb\xbfHello", "text/plain; charset=utf-8"),
            (b"\xff\xfeH\0i\0", "text/plain; charset=utf-16"),
            (b"\xfe\xff\0H\0i", "text/plain; charset=utf-16"),
            (b"w\xf6rld", "text/plain; charset=iso-8859-1"),
            (b"w\xf6rld\0", "application/octet-stream"),
            (b"<smil><body><img src=\"a\"/></body></smil>", "application/smil"),
            (b"\xef\xbb\xbf<?xml version=\"1.0\"?>\n<!DOCTYPE smil>\n<smil/>", "application/smil"),
            (b"<smil><body></smil>", "text/plain; charset=utf-8"),
            (b"\n<!doctype html><html><body>not found", "text/html; charset=utf-8"),
            (b"<html>", "text/html; charset=utf-8"),
            (b"<?xml version=\"1.0\"?><a/>", "text/xml; charset=utf-8"),
            (b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>", "image/svg+xml; charset=utf-8"),
            (b"BEGIN:VCARD\r\nVERSION:2.1\r\n", "text/x-vcard; charset=utf-8"),
            (b"begin:vcalendar\r\n", "text/calendar; charset=utf-8"),
            (b"BEGIN:VCALENDAR\r\nVERSION:1.0\r\n", "text/x-vcalendar; charset=utf-8"),
            (b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n", "text/calendar; charset=utf-8"),
        ] {
            assert_eq!(
                sniffed(bytes, "text/plain; charset=iso-8859-1"),
                expected,
                "{}",
                bytes.escape_ascii()
            );
        }
        assert_eq!(sniffed(b"w\xf6rld", "text/plain"), "application/octet-stream");
        assert_eq!(sniffed(b"w\xf6rld", "image/gif; charset=iso-8859-1"), "application/octet-stream");
    }
}
