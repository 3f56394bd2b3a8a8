//! How content begins, by its media type.

/// Bytes at a place near the beginning.
type Mark = (usize, &'static [u8]);

/// Media types by their marks; the first row whose marks are all there.
pub(super) const MARKS: &[(&[Mark], &str)] = &[
    (&[(0, b"\xff\xd8\xff")], "image/jpeg"),
    (&[(0, b"\x89PNG\r\n\x1a\n")], "image/png"),
    (&[(0, b"GIF87a")], "image/gif"),
    (&[(0, b"GIF89a")], "image/gif"),
    (&[(0, b"RIFF"), (8, b"WEBP")], "image/webp"),
    (&[(0, b"BM"), (6, b"\0\0\0\0")], "image/bmp"),
    (&[(0, b"II*\0")], "image/tiff"),
    (&[(0, b"MM\0*")], "image/tiff"),
    (&[(0, b"#!AMR-WB\n")], "audio/amr-wb"),
    (&[(0, b"#!AMR\n")], "audio/amr"),
    (&[(0, b"RIFF"), (8, b"WAVE")], "audio/wav"),
    (&[(0, b"RIFF"), (8, b"AVI ")], "video/x-msvideo"),
    (&[(0, b"MThd")], "audio/midi"),
    (&[(0, b"ID3")], "audio/mpeg"),
    (&[(0, b"OggS")], "audio/ogg"),
    (&[(0, b"fLaC")], "audio/flac"),
    (&[(4, b"ftyp3g2")], "video/3gpp2"),
    (&[(4, b"ftyp3g")], "video/3gpp"),
    (&[(4, b"ftypM4A")], "audio/mp4"),
    (&[(4, b"ftypqt")], "video/quicktime"),
    (&[(4, b"ftyphei")], "image/heic"),
    (&[(4, b"ftypmif1")], "image/heic"),
    (&[(4, b"ftypavif")], "image/avif"),
    (&[(4, b"ftyp")], "video/mp4"),
    (&[(0, b"\0\0\x01\xba")], "video/mpeg"),
    (&[(0, b"\0\0\x01\xb3")], "video/mpeg"),
    (&[(0, b"\x1a\x45\xdf\xa3")], "video/webm"),
    (&[(0, b"%PDF-")], "application/pdf"),
    (&[(0, b"PK\x03\x04")], "application/zip"),
    (&[(0, b"\x1f\x8b\x08")], "application/gzip"),
    (&[(0, b"\x7fELF")], "application/x-elf"),
    (&[(0, b"MZ\x90\0")], "application/vnd.microsoft.portable-executable"),
];

/// Media types of texts by how they begin, in any case.
pub(super) const BEGINNINGS: &[(&str, &str)] = &[
    ("BEGIN:VCARD", "text/x-vcard"),
    // vCalendar, which handsets know, before iCalendar.
    ("BEGIN:VCALENDAR\r\nVERSION:1.0", "text/x-vcalendar"),
    ("BEGIN:VCALENDAR\nVERSION:1.0", "text/x-vcalendar"),
    ("BEGIN:VCALENDAR", "text/calendar"),
    ("<!DOCTYPE HTML", "text/html"),
    ("<HTML", "text/html"),
    ("<SVG", "image/svg+xml"),
    ("<?XML", "text/xml"),
];

/// The media type whose marks the bytes bear.
pub(super) fn marked(bytes: &[u8]) -> Option<&'static str> {
    let found = MARKS.iter().find(|(marks, _)| marks.iter().all(|mark| has(bytes, mark)));
    found.map(|(_, essence)| *essence)
}

fn has(bytes: &[u8], (at, mark): &Mark) -> bool {
    bytes.get(*at..).is_some_and(|rest| rest.starts_with(mark))
}
