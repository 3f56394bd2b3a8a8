//! Labels of media against what their first bytes say.

use super::marks::{BEGINNINGS, marked};
use crate::mime::ContentType;

/// How much of a text is looked at for blanks before it begins, in bytes.
const MAX_LEAD: usize = 64;

/// Names for one format, the usual one first. What has one container for sound and pictures, in whatever of its dialects, is one
/// format here: its first bytes do not tell which.
const FORMATS: &[&[&str]] = &[
    &["image/jpeg", "image/jpg", "image/pjpeg", "image/pipeg"],
    &["image/png", "image/x-png"],
    &["image/gif"],
    &["image/webp"],
    &["image/bmp", "image/x-bmp", "image/x-ms-bmp", "image/x-windows-bmp"],
    &["image/tiff", "image/tif", "image/x-tiff"],
    &["image/heic", "image/heif", "image/heic-sequence", "image/heif-sequence"],
    &["image/avif", "image/avif-sequence"],
    &["image/svg+xml", "text/xml"],
    // RFC 4536 registered the second; handsets know the first.
    &["application/smil", "application/smil+xml"],
    &["text/x-vcard", "text/vcard", "text/directory"],
    &["audio/amr", "audio/amr-nb"],
    &["audio/amr-wb"],
    &["audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave", "audio/x-pn-wav"],
    &["audio/midi", "audio/mid", "audio/x-midi", "audio/x-mid", "audio/sp-midi"],
    // A tag of ID3 stands before AAC and FLAC as well.
    &[
        "audio/mpeg",
        "audio/mp3",
        "audio/mpeg3",
        "audio/x-mp3",
        "audio/x-mpeg",
        "audio/mpg",
        "audio/aac",
        "audio/flac",
    ],
    &["audio/ogg", "video/ogg", "audio/opus", "audio/vorbis"],
    &[
        "video/mp4",
        "audio/mp4",
        "video/3gpp",
        "audio/3gpp",
        "video/3gpp2",
        "audio/3gpp2",
        "video/3gp",
        "video/quicktime",
        "audio/m4a",
        "audio/x-m4a",
        "audio/aac",
        "audio/mp4a-latm",
        "video/x-m4v",
        "video/m4v",
    ],
    &["video/x-msvideo", "video/avi", "video/msvideo"],
    &["video/mpeg", "video/mpg", "video/x-mpeg"],
    &["video/webm", "audio/webm", "video/x-matroska", "audio/x-matroska"],
];

/// Labels that say nothing: what is under them is known by its bytes alone.
const GENERIC: &[&str] = &[
    "application/octet-stream",
    "binary/octet-stream",
    "application/x-octet-stream",
    "application/binary",
    "application/x-binary",
    "application/unknown",
    "application/x-unknown",
    "application/force-download",
    "application/x-download",
    "application/download",
    "unknown/unknown",
];

/// What a label is to the bytes under it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// It says what they are, or they do not tell.
    Believed,
    /// It is another name for what they are, of which this is the usual one.
    Alias(&'static str),
    /// They are this, whatever it says.
    Wrong(&'static str),
}

/// Holds the label of content against its first bytes. No more than these are looked at.
///
/// A label is wrong only where the bytes leave no doubt. What looks like plain text or like nothing known is what it is said to be; so is
/// any text that is labelled as text, and anything that is labelled as an `application/` format, which may be built on another. But
/// `application/octet-stream`, and what servers and clients write in its place, say nothing, and the bytes are asked.
///
/// ```
/// use mm7::{mime::ContentType, sniff::{Label, label}};
/// let jpeg = ContentType::new("image/jpeg");
/// assert_eq!(label(&jpeg, b"\xff\xd8\xff\xe0"), Label::Believed);
/// assert_eq!(label(&jpeg, b"GIF89a"), Label::Wrong("image/gif"));
/// assert_eq!(label(&jpeg, b"<html>not found"), Label::Wrong("text/html"));
/// assert_eq!(label(&jpeg, b"no picture at all"), Label::Believed);
/// ```
pub fn label(declared: &ContentType, bytes: &[u8]) -> Label {
    // A presentation is told by its label; what the bytes show is no more than that it is XML.
    if declared.essence() == "application/smil+xml" {
        return Label::Alias("application/smil");
    }
    let Some(real) = evident(bytes) else { return Label::Believed };
    let essence = declared.essence();
    if essence == real {
        return Label::Believed;
    }
    let is_alias = FORMATS.iter().any(|names| names.first() == Some(&real) && names.contains(&essence));
    if is_alias && !is_container(real) {
        return Label::Alias(real);
    }
    if agree(declared, real) { Label::Believed } else { Label::Wrong(real) }
}

/// What bytes are without a doubt, by those that they begin with.
fn evident(bytes: &[u8]) -> Option<&'static str> {
    if let Some(essence) = marked(bytes) {
        return Some(essence);
    }
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let lead = text.iter().take(MAX_LEAD).take_while(|byte| byte.is_ascii_whitespace()).count();
    let text = text.get(lead..)?;
    let begins = |mark: &str| {
        text.get(..mark.len()).is_some_and(|beginning| beginning.eq_ignore_ascii_case(mark.as_bytes()))
    };
    BEGINNINGS.iter().find(|(mark, _)| begins(mark)).map(|(_, essence)| *essence)
}

/// Whether what is inside may have a name of its own that the first bytes do not tell.
fn is_container(essence: &str) -> bool {
    matches!(essence, "video/mp4" | "audio/mpeg" | "audio/ogg" | "video/webm" | "image/svg+xml")
}

/// Whether content with this label may be `real` without contradicting it.
fn agree(declared: &ContentType, real: &str) -> bool {
    let is = |kind: &str| real.split('/').next() == Some(kind);
    let same = || FORMATS.iter().any(|names| names.contains(&declared.essence()) && names.contains(&real));
    match declared.main_type() {
        "image" => same(),
        "audio" | "video" => {
            let is_known = FORMATS.iter().any(|names| names.contains(&declared.essence()));
            (is("audio") || is("video")) && (!is_known || same())
        }
        "text" => is("text") || real == "image/svg+xml",
        _ => !GENERIC.contains(&declared.essence()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::marks::MARKS;
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR";
    const MP4: &[u8] = b"\0\0\0\x18ftypisom\0\0";

    fn labels(rows: &[(&str, &[u8], Label)]) {
        for (declared, bytes, expected) in rows {
            let found = label(&ContentType::parse(declared).unwrap(), bytes);
            assert_eq!(found, *expected, "{declared} {}", bytes.escape_ascii());
        }
    }

    #[test]
    fn labels_that_say_what_the_bytes_are_are_believed() {
        labels(&[
            ("image/png; name=a.png", PNG, Label::Believed),
            ("video/3gpp", MP4, Label::Believed),
            ("audio/mp4", MP4, Label::Believed),
            ("audio/aac", b"ID3\x03\0", Label::Believed),
            ("audio/x-unheard-of", b"OggS", Label::Believed),
            ("image/svg+xml", b"<?xml version=\"1.0\"?><svg/>", Label::Believed),
            ("text/plain", b"<html>", Label::Believed),
            ("text/x-vcard", b"BEGIN:VCARD", Label::Believed),
            ("application/smil", b"<?xml version=\"1.0\"?><smil/>", Label::Believed),
            ("application/vnd.oasis.opendocument.text", b"PK\x03\x04", Label::Believed),
            ("application/pdf", PNG, Label::Believed),
        ]);
    }

    #[test]
    fn what_nobody_can_tell_is_believed() {
        labels(&[
            ("image/jpeg", b"", Label::Believed),
            ("image/jpeg", b"hello", Label::Believed),
            ("image/jpeg", b"\x01\x02\x03\x04", Label::Believed),
            ("image/jpeg", b"\xff\xfb\x90\x64", Label::Believed),
            ("application/octet-stream", b"\x01\x02\x03\x04", Label::Believed),
        ]);
    }

    #[test]
    fn other_names_are_told() {
        labels(&[
            ("image/jpg", b"\xff\xd8\xff\xe0", Label::Alias("image/jpeg")),
            ("audio/x-wav", b"RIFF\x24\0\0\0WAVEfmt ", Label::Alias("audio/wav")),
            ("application/smil+xml", b"<smil/>", Label::Alias("application/smil")),
            ("application/smil+xml", b"<?xml version=\"1.0\"?><smil/>", Label::Alias("application/smil")),
            ("text/vcard", b"BEGIN:VCARD", Label::Alias("text/x-vcard")),
        ]);
    }

    #[test]
    fn labels_that_the_bytes_contradict_are_wrong() {
        labels(&[
            ("image/jpeg", PNG, Label::Wrong("image/png")),
            ("image/jpg", PNG, Label::Wrong("image/png")),
            ("image/x-unheard-of", PNG, Label::Wrong("image/png")),
            ("image/jpeg", MP4, Label::Wrong("video/mp4")),
            ("image/jpeg", b"\xef\xbb\xbf\r\n <!doctype HTML>", Label::Wrong("text/html")),
            ("image/jpeg", b"\x7fELF\x02\x01\x01\0", Label::Wrong("application/x-elf")),
            ("image/gif", b"MZ\x90\0\x03", Label::Wrong("application/vnd.microsoft.portable-executable")),
            ("image/gif", b"PK\x03\x04", Label::Wrong("application/zip")),
            ("audio/amr", b"RIFF\x24\0\0\0WAVEfmt ", Label::Wrong("audio/wav")),
            ("video/mp4", PNG, Label::Wrong("image/png")),
            ("text/plain", PNG, Label::Wrong("image/png")),
            ("application/octet-stream", PNG, Label::Wrong("image/png")),
            ("binary/octet-stream", PNG, Label::Wrong("image/png")),
            ("binary/octet-stream", b"BEGIN:VCARD", Label::Wrong("text/x-vcard")),
            ("application/force-download", MP4, Label::Wrong("video/mp4")),
            ("unknown/unknown", b"BEGIN:VCALENDAR\nVERSION:1.0", Label::Wrong("text/x-vcalendar")),
        ]);
    }

    #[test]
    fn every_medium_that_has_marks_has_its_names() {
        let is_medium = |essence: &str| !essence.starts_with("application/");
        for essence in MARKS.iter().map(|(_, essence)| *essence).filter(|essence| is_medium(essence)) {
            assert!(FORMATS.iter().any(|names| names.contains(&essence)), "{essence}");
        }
    }
}
