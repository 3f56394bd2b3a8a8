//! The content of an MMS: from files and texts to the parts of a message.

use std::{io, path::Path};

use bytes::Bytes;
use mm7::{
    mime::{ContentType, Media},
    smil,
};

/// Media types by the ending of a file's name: what handsets know (OMA MMS conformance document), and a little more.
const TYPES: &[(&str, &str)] = &[
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("png", "image/png"),
    ("gif", "image/gif"),
    ("webp", "image/webp"),
    ("bmp", "image/bmp"),
    ("wbmp", "image/vnd.wap.wbmp"),
    ("heic", "image/heic"),
    ("txt", "text/plain"),
    ("html", "text/html"),
    ("vcf", "text/x-vcard"),
    ("ics", "text/calendar"),
    ("smil", "application/smil"),
    ("smi", "application/smil"),
    ("amr", "audio/amr"),
    ("mp3", "audio/mpeg"),
    ("m4a", "audio/mp4"),
    ("aac", "audio/aac"),
    ("wav", "audio/wav"),
    ("mid", "audio/midi"),
    ("ogg", "audio/ogg"),
    ("mp4", "video/mp4"),
    ("3gp", "video/3gpp"),
    ("3g2", "video/3gpp2"),
    ("mpg", "video/mpeg"),
    ("pdf", "application/pdf"),
];

/// The media type of a file by the ending of its name; `application/octet-stream` where it says nothing.
///
/// ```
/// assert_eq!(posthouse_sim::media::type_of("Sunset.JPG").essence(), "image/jpeg");
/// ```
pub fn type_of(file_name: &str) -> ContentType {
    let ending = file_name.rsplit_once('.').map_or("", |(_, ending)| ending);
    let known = TYPES.iter().find(|(known, _)| ending.eq_ignore_ascii_case(known));
    ContentType::new(known.map_or("application/octet-stream", |(_, essence)| essence))
}

/// A part with a media type by its name, which becomes Content-ID and file name as well.
pub fn part(name: &str, bytes: impl Into<Bytes>) -> Media {
    Media {
        content_type: type_of(name),
        content_id: Some(id_of(name)),
        content_location: None,
        name: Some(name.to_owned()),
        bytes: bytes.into(),
    }
}

/// A text as a part.
pub fn text(text: &str) -> Media {
    let content_type = ContentType::new("text/plain").with_param("charset", "utf-8");
    Media { content_type, ..part("text.txt", text.to_owned()) }
}

/// A file as a part.
///
/// # Errors
/// The file cannot be read.
pub fn from_file(path: &Path) -> io::Result<Media> {
    let name = path.file_name().map_or_else(|| "media".into(), |name| name.to_string_lossy());
    Ok(part(&name, std::fs::read(path)?))
}

/// What a Content-ID may hold without being quoted or encoded anywhere.
fn id_of(name: &str) -> String {
    let plain = |char: char| if char.is_ascii_alphanumeric() || "._-".contains(char) { char } else { '_' };
    name.chars().map(plain).collect()
}

/// Puts the parts of an MMS in order: each with a Content-ID of its own, and the presentation before them, which is
/// made where there is none. `external` are URLs that the presentation shows besides.
pub(crate) fn compose(parts: &[Media], external: &[String]) -> Vec<Media> {
    let mut composed = parts.to_vec();
    make_ids_unique(&mut composed);
    if composed.iter().any(|part| smil::is_smil(&part.content_type)) {
        return composed;
    }
    let presentation = with_external(smil::generate(&composed), external);
    composed.insert(0, part("mms.smil", presentation));
    composed
}

fn make_ids_unique(parts: &mut [Media]) {
    for index in 1..parts.len() {
        let (before, rest) = parts.split_at_mut(index);
        let Some(part) = rest.first_mut() else { continue };
        if part.content_id.is_some() && before.iter().any(|other| other.content_id == part.content_id) {
            part.content_id = part.content_id.as_ref().map(|id| format!("{index}-{id}"));
        }
    }
}

/// A page for each URL, behind those that are there.
fn with_external(presentation: String, urls: &[String]) -> String {
    let Some((before, end)) = presentation.rsplit_once("</body>") else { return presentation };
    let page = |url: &String| {
        let essence = type_of(url.split(['?', '#']).next().unwrap_or_default());
        let element = match essence.main_type() {
            "audio" => "audio",
            "video" => "video",
            "text" => "text",
            _ => "img",
        };
        format!(r#"<par dur="5s"><{element} src="{}"/></par>"#, escaped(url))
    };
    let pages: String = urls.iter().map(page).collect();
    format!("{before}{pages}</body>{end}")
}

/// A value as it stands between double quotes in XML.
fn escaped(value: &str) -> String {
    value.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use mm7::Limits;

    use super::*;

    #[test]
    fn types_go_by_the_ending() {
        for (name, essence) in [
            ("a.jpg", "image/jpeg"),
            ("b.tar.PNG", "image/png"),
            ("clip.3gp", "video/3gpp"),
            ("mms.smil", "application/smil"),
            ("noending", "application/octet-stream"),
            ("x.exe", "application/octet-stream"),
        ] {
            assert_eq!(type_of(name).essence(), essence, "{name}");
        }
    }

    #[test]
    fn parts_of_one_name_get_ids_of_their_own() {
        let parts = compose(&[part("a b.jpg", "1"), part("a b.jpg", "2"), text("hi")], &[]);
        let ids: Vec<_> = parts.iter().filter_map(|part| part.content_id.as_deref()).collect();
        assert_eq!(ids, ["mms.smil", "a_b.jpg", "1-a_b.jpg", "text.txt"]);
    }

    #[test]
    fn the_presentation_shows_every_part_and_url() {
        let urls = ["http://media.example/a.jpg?x=1&y=2".to_owned()];
        let parts = compose(&[part("a.jpg", "1"), text("hi")], &urls);
        let shown = smil::references(&parts[0].bytes, &Limits::default()).unwrap();
        let shown: Vec<_> = shown.iter().map(|reference| reference.src.as_str()).collect();
        assert_eq!(shown, ["cid:a.jpg", "cid:text.txt", "http://media.example/a.jpg?x=1&y=2"]);
    }

    #[test]
    fn a_presentation_that_is_there_stays_alone() {
        let own = part("show.smil", "<smil/>");
        let parts = compose(&[part("a.jpg", "1"), own.clone()], &[]);
        assert_eq!(parts, [part("a.jpg", "1"), own]);
    }
}
