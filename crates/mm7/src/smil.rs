//! SMIL presentations of an MMS (SMIL 2.0 as narrowed by the OMA MMS conformance document): which parts one refers to,
//! and a plain one for messages that come without.

use std::borrow::Cow;

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use crate::mime::{ContentType, Media, bare_id, cid, names, without_scheme};
use crate::{DecodeError, Limits, Rule};

/// The elements whose `src` is content to be shown. A link (`a`) or a `param` is none.
const MEDIA_ELEMENTS: [&str; 7] = ["img", "text", "audio", "video", "ref", "animation", "textstream"];

/// One `src` of a presentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The value, trimmed; never empty.
    pub src: String,
    /// The byte offset of its element, in the SMIL as UTF-8.
    pub offset: usize,
}

impl Reference {
    /// Whether it leads out of the message: a URL of any scheme but `cid:`, or one that begins with `//`. A part may
    /// have such a URL as its Content-Location: ask [`find`] first.
    pub fn is_external(&self) -> bool {
        self.src.starts_with("//") || (without_scheme(&self.src).is_none() && has_scheme(&self.src))
    }
}

/// A scheme of RFC 3986 clause 3.1; one letter is a drive, not a scheme.
fn has_scheme(url: &str) -> bool {
    let Some((scheme, _)) = url.split_once(':') else { return false };
    scheme.len() > 1
        && scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// Whether a part of this type is a SMIL presentation.
pub fn is_smil(content_type: &ContentType) -> bool {
    matches!(content_type.essence(), "application/smil" | "application/smil+xml")
}

/// Every reference to content, in document order. A DOCTYPE is passed over, and nothing it declares is expanded.
///
/// # Errors
/// [`Rule::SmilForm`]: not well-formed, not a `smil` element, or beyond the limits for XML documents.
pub fn references(smil: &[u8], limits: &Limits) -> Result<Vec<Reference>, DecodeError> {
    if smil.len() > limits.max_envelope {
        return Err(broken(0, "the SMIL is too long"));
    }
    let text = decode(smil);
    let mut scan = Scan { limits, depth: 0, seen_root: false, found: Vec::new() };
    let mut reader = Reader::from_str(&text);
    loop {
        let offset = offset(&reader);
        let event = reader
            .read_event()
            .map_err(|error| broken(offset, format!("the SMIL is not well-formed: {error}")))?;
        match event {
            Event::Start(element) => {
                scan.element(&element, offset)?;
                scan.depth += 1;
            }
            Event::Empty(element) => scan.element(&element, offset)?,
            Event::End(_) => scan.depth = scan.depth.saturating_sub(1),
            Event::Eof => return scan.finish(offset),
            _ => {}
        }
    }
}

fn offset(reader: &Reader<&[u8]>) -> usize {
    usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX)
}

fn broken(offset: usize, what: impl Into<String>) -> DecodeError {
    DecodeError::new(Rule::SmilForm, offset, what)
}

/// What has been read of a presentation.
struct Scan<'a> {
    limits: &'a Limits,
    depth: usize,
    seen_root: bool,
    found: Vec<Reference>,
}

impl Scan<'_> {
    fn element(&mut self, element: &BytesStart<'_>, offset: usize) -> Result<(), DecodeError> {
        let name = element.local_name();
        let name = name.as_ref();
        if self.depth == 0 {
            self.root(name, offset)?;
        }
        if self.depth >= self.limits.max_depth {
            return Err(broken(offset, "the elements of the SMIL are nested too deeply"));
        }
        let src = self.src(element, offset)?;
        let is_media = MEDIA_ELEMENTS.iter().any(|known| name.eq_ignore_ascii_case(known));
        if let Some(src) = src.filter(|_| is_media) {
            self.found.push(Reference { src, offset });
        }
        Ok(())
    }

    fn root(&mut self, name: &str, offset: usize) -> Result<(), DecodeError> {
        if self.seen_root || !name.eq_ignore_ascii_case("smil") {
            return Err(broken(offset, "the SMIL is not one smil element"));
        }
        self.seen_root = true;
        Ok(())
    }

    /// The value of `src`; checks every attribute on the way.
    fn src(&self, element: &BytesStart<'_>, offset: usize) -> Result<Option<String>, DecodeError> {
        let mut src = None;
        for (count, attribute) in element.attributes().with_checks(false).enumerate() {
            let attribute = attribute
                .map_err(|error| broken(offset, format!("an attribute in the SMIL is broken: {error}")))?;
            if count >= self.limits.max_attributes || attribute.value.len() > self.limits.max_text {
                return Err(broken(offset, "an element of the SMIL has too many or too long attributes"));
            }
            let name = attribute.key.local_name();
            if src.is_none() && name.as_ref().eq_ignore_ascii_case("src") {
                // A reference that cannot be resolved stands for itself: nothing is expanded.
                let value = attribute.normalized_value(XmlVersion::Implicit1_0).unwrap_or(attribute.value);
                src = Some(value.trim().to_owned());
            }
        }
        Ok(src.filter(|src| !src.is_empty()))
    }

    fn finish(self, offset: usize) -> Result<Vec<Reference>, DecodeError> {
        if self.depth > 0 {
            return Err(broken(offset, "the SMIL ends within an element"));
        }
        if !self.seen_root {
            return Err(broken(offset, "the SMIL is not one smil element"));
        }
        Ok(self.found)
    }
}

/// The text of a presentation, by its byte order mark or its declaration. Bytes of another encoding become U+FFFD:
/// names of parts are ASCII nearly always, and nothing else of the text matters here.
fn decode(smil: &[u8]) -> Cow<'_, str> {
    let encoding = match smil {
        [b'<', 0, ..] => encoding_rs::UTF_16LE,
        [0, b'<', ..] => encoding_rs::UTF_16BE,
        _ => declared_encoding(smil).unwrap_or(encoding_rs::UTF_8),
    };
    encoding.decode(smil).0
}

fn declared_encoding(smil: &[u8]) -> Option<&'static encoding_rs::Encoding> {
    let start = smil.strip_prefix(b"<?xml")?;
    let end = memchr::memmem::find(start, b"?>")?;
    let declaration = std::str::from_utf8(start.get(..end)?).ok()?;
    let (_, after) = declaration.split_once("encoding")?;
    let label = after.trim_start().strip_prefix('=')?.trim();
    let quote = label.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let encoding = encoding_rs::Encoding::for_label(label.split(quote).nth(1)?.as_bytes())?;
    // The declaration was readable as ASCII, so that it cannot be UTF-16 whatever it says.
    encoding.is_ascii_compatible().then_some(encoding)
}

/// The media that a `src` names: by Content-ID with or without `cid:`, else by Content-Location, else by file name.
pub fn find<'a>(media: &'a [Media], src: &str) -> Option<&'a Media> {
    let id = bare_id(src);
    let location = without_dot(src.trim());
    if id.is_empty() {
        return None;
    }
    let by_id = |part: &&Media| part.content_id.as_deref().is_some_and(|known| names(id, bare_id(known)));
    let by_location = |part: &&Media| {
        part.content_location.as_deref().is_some_and(|known| names(location, without_dot(known)))
    };
    let by_name = |part: &&Media| {
        let of_type = part.content_type.param("name");
        [part.name.as_deref(), of_type].into_iter().flatten().any(|known| names(location, known))
    };
    let found = media.iter().find(by_id).or_else(|| media.iter().find(by_location));
    found.or_else(|| media.iter().find(by_name))
}

fn without_dot(url: &str) -> &str {
    url.strip_prefix("./").unwrap_or(url)
}

/// The kinds of content that a page has one place for each of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Image,
    Video,
    Audio,
    Text,
}

impl Kind {
    /// The kind that a part is shown as; `None` for what a presentation cannot show (a business card, the SMIL itself).
    fn of(content_type: &ContentType) -> Option<Self> {
        match (content_type.main_type(), content_type.essence()) {
            ("image", _) => Some(Self::Image),
            ("video", _) => Some(Self::Video),
            ("audio", _) => Some(Self::Audio),
            (_, "text/plain" | "text/html") => Some(Self::Text),
            _ => None,
        }
    }

    const fn element(self) -> &'static str {
        match self {
            Self::Image => "img",
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Text => "text",
        }
    }

    const fn region(self) -> Option<&'static str> {
        match self {
            Self::Image | Self::Video => Some("Image"),
            Self::Audio => None,
            Self::Text => Some("Text"),
        }
    }

    /// Whether both can stand on one page: each region holds one thing, and a video has a sound of its own.
    fn goes_with(self, other: Self) -> bool {
        let seen_and_heard = matches!((self, other), (Self::Video, Self::Audio) | (Self::Audio, Self::Video));
        self != other && !seen_and_heard && (self.region().is_none() || self.region() != other.region())
    }

    /// Whether it says itself how long it lasts.
    const fn has_duration(self) -> bool {
        matches!(self, Self::Video | Self::Audio)
    }
}

/// A presentation for media that come without one: a page (`par`) for each picture or video, with the text and sound
/// that follow it. Media that cannot be shown, or have neither Content-ID, Content-Location nor name to refer to them
/// by, are left out.
///
/// ```
/// use bytes::Bytes;
/// use mm7::mime::{ContentType, Media};
/// let text = Media {
///     content_type: ContentType::new("text/plain"),
///     content_id: Some("hello.txt".to_owned()),
///     content_location: None,
///     name: None,
///     bytes: Bytes::from("hello"),
/// };
/// assert!(mm7::smil::generate(&[text]).contains(r#"<par dur="5s"><text src="cid:hello.txt" region="Text"/></par>"#));
/// ```
pub fn generate(media: &[Media]) -> String {
    let pages = pages(media);
    let shows = |region| pages.iter().flatten().any(|(kind, _)| kind.region() == Some(region));
    let mut smil = String::from("<smil><head><layout><root-layout/>");
    smil.push_str(match (shows("Image"), shows("Text")) {
        (true, true) => concat!(
            r#"<region id="Image" left="0" top="0" width="100%" height="70%" fit="meet"/>"#,
            r#"<region id="Text" left="0" top="70%" width="100%" height="30%" fit="scroll"/>"#
        ),
        (true, false) => r#"<region id="Image" left="0" top="0" width="100%" height="100%" fit="meet"/>"#,
        (false, true) => r#"<region id="Text" left="0" top="0" width="100%" height="100%" fit="scroll"/>"#,
        (false, false) => "",
    });
    smil.push_str("</layout></head><body>");
    for page in &pages {
        write_page(page, &mut smil);
    }
    smil.push_str("</body></smil>");
    smil
}

/// What stands on one page: each thing's kind and `src`.
type Page = Vec<(Kind, String)>;

fn pages(media: &[Media]) -> Vec<Page> {
    let mut pages: Vec<Page> = Vec::new();
    for part in media {
        let Some((kind, src)) = Kind::of(&part.content_type).zip(src_of(part)) else { continue };
        match pages.last_mut().filter(|page| page.iter().all(|(other, _)| kind.goes_with(*other))) {
            Some(page) => page.push((kind, src)),
            None => pages.push(vec![(kind, src)]),
        }
    }
    pages
}

fn src_of(media: &Media) -> Option<String> {
    let by_id = media.content_id.as_deref().map(cid);
    by_id.or_else(|| media.content_location.clone()).or_else(|| media.name.clone())
}

fn write_page(page: &Page, smil: &mut String) {
    let lasts_itself = page.iter().any(|(kind, _)| kind.has_duration());
    smil.push_str(if lasts_itself { "<par>" } else { r#"<par dur="5s">"# });
    for (kind, src) in page {
        let src = quick_xml::escape::escape(src.as_str());
        smil.push_str(&format!(r#"<{} src="{src}""#, kind.element()));
        if let Some(region) = kind.region() {
            smil.push_str(&format!(r#" region="{region}""#));
        }
        smil.push_str("/>");
    }
    smil.push_str("</par>");
}
