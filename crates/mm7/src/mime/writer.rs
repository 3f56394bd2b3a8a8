//! Writes a body in the one canonical form: the envelope first, then the content, binary and unchanged.

use bytes::Bytes;
use memchr::memmem;

use super::content_type::{ContentType, clean, quoted};
use super::ids::cid;
use super::media::{CONTENT_ID, Media};

/// The reference to [`pack`]'s payload part, for Content/@href; [`content_href`] tells when it is another.
pub const CONTENT_HREF: &str = "cid:mm7-content";

/// Content-ID of the root part.
const ROOT_ID: &str = "mm7-soap";

/// The type of the root part, and of a body that is nothing but the envelope.
const ROOT_TYPE: &str = "text/xml; charset=utf-8";

/// What every boundary begins with; a number of eight hexadecimal digits and the level follow.
const BOUNDARY: &str = "mm7-boundary-";

/// How several media are held together inside the payload part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inner {
    /// `multipart/related`: the parts belong together, and a SMIL says how.
    Related,
    /// `multipart/mixed`: one after the other.
    Mixed,
}

/// A body ready to be sent. The media's bytes are shared, not copied.
#[derive(Clone, Debug)]
pub struct Packed {
    /// Content-Type for the HTTP header.
    pub content_type: String,
    /// The body, in pieces.
    pub chunks: Vec<Bytes>,
}

impl Packed {
    /// Content-Length: how many bytes the body has.
    pub fn len(&self) -> usize {
        self.chunks.iter().map(Bytes::len).sum()
    }

    /// Whether the body has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The body in one piece, which copies it unless it is one already.
    pub fn into_bytes(mut self) -> Bytes {
        match self.chunks.len() {
            0 | 1 => self.chunks.pop().unwrap_or_default(),
            _ => self.chunks.concat().into(),
        }
    }
}

/// What Content/@href has to be for [`pack`] to be right: `None` where there is nothing to refer to.
///
/// One media with an id of its own is the payload itself and keeps that id, so that nothing of it changes on the way;
/// anything else is [`CONTENT_HREF`].
pub fn content_href(media: &[Media]) -> Option<String> {
    match media {
        [] => None,
        [only] => Some(own_id(only).map_or_else(|| CONTENT_HREF.to_owned(), |id| cid(&id))),
        _ => Some(CONTENT_HREF.to_owned()),
    }
}

/// Puts an envelope and its content together.
///
/// Without media the body is the envelope alone, as text/xml. One media is the payload part; several become parts of
/// an inner multipart, whose `start` names the SMIL where there is one. [`unpack`](super::unpack) of the result
/// gives the same root and the same media. Content/@href of the envelope has to be what [`content_href`] says.
///
/// No value of a media can break out of its header: control characters become spaces. The boundary depends on
/// nothing but the input and occurs in no part.
pub fn pack(root: Vec<u8>, media: &[Media], inner: Inner) -> Packed {
    if media.is_empty() {
        return Packed { content_type: ROOT_TYPE.to_owned(), chunks: vec![root.into()] };
    }
    let token = free_token(&root, media);
    let outer = format!("{token}-0");
    let mut chunks = vec![Bytes::from(root_head(&outer)), root.into()];
    match media {
        [only] => {
            let id = own_id(only).unwrap_or_else(|| CONTENT_ID.to_owned());
            chunks.push(media_head(&outer, only, Some(&id)).into());
            chunks.push(only.bytes.clone());
        }
        _ => write_inner(&mut chunks, &outer, &format!("{token}-1"), media, inner),
    }
    chunks.push(format!("\r\n--{outer}--\r\n").into());
    let content_type =
        format!("multipart/related; boundary=\"{outer}\"; type=\"text/xml\"; start=\"<{ROOT_ID}>\"");
    Packed { content_type, chunks }
}

fn root_head(boundary: &str) -> String {
    format!(
        "--{boundary}\r\nContent-Type: {ROOT_TYPE}\r\nContent-Transfer-Encoding: 8bit\r\nContent-ID: <{ROOT_ID}>\r\n\r\n"
    )
}

fn write_inner(chunks: &mut Vec<Bytes>, outer: &str, boundary: &str, media: &[Media], inner: Inner) {
    let content_type = inner_type(boundary, media, inner);
    let head = format!("\r\n--{outer}\r\nContent-Type: {content_type}\r\nContent-ID: <{CONTENT_ID}>\r\n");
    chunks.push(head.into());
    for part in media {
        chunks.push(media_head(boundary, part, own_id(part).as_deref()).into());
        chunks.push(part.bytes.clone());
    }
    chunks.push(format!("\r\n--{boundary}--").into());
}

/// The Content-Type of the inner multipart. `type` and `start` tell of its root (RFC 2387 clause 3): the SMIL, which
/// can only be named if it has an id, else the first part.
fn inner_type(boundary: &str, media: &[Media], inner: Inner) -> ContentType {
    if inner == Inner::Mixed {
        return ContentType::new("multipart/mixed").with_param("boundary", boundary);
    }
    let smil = media.iter().find(|part| part.content_type.is_smil() && own_id(part).is_some());
    let root = smil.or(media.first());
    let essence = root.map_or("application/octet-stream", |root| root.content_type.essence());
    let related =
        ContentType::new("multipart/related").with_param("boundary", boundary).with_param("type", essence);
    match root.and_then(own_id) {
        Some(id) => related.with_param("start", &format!("<{id}>")),
        None => related,
    }
}

fn media_head(boundary: &str, media: &Media, id: Option<&str>) -> String {
    let mut head = format!(
        "\r\n--{boundary}\r\nContent-Type: {}\r\nContent-Transfer-Encoding: binary\r\n",
        media.content_type
    );
    if let Some(id) = id {
        head.push_str(&format!("Content-ID: <{id}>\r\n"));
    }
    if let Some(location) = written(media.content_location.as_deref()) {
        head.push_str(&format!("Content-Location: {location}\r\n"));
    }
    // The name goes beside the type where the type does not say it, so that the type stays as it came.
    let name = media.name.as_deref().filter(|name| media.content_type.name().as_deref() != Some(name));
    if let Some(name) = name.filter(|name| !name.is_empty()) {
        head.push_str(&format!("Content-Disposition: inline; filename={}\r\n", quoted(name)));
    }
    head.push_str("\r\n");
    head
}

fn own_id(media: &Media) -> Option<String> {
    written(media.content_id.as_deref())
}

/// A value as it goes into a header; an empty one is not written.
fn written(value: Option<&str>) -> Option<String> {
    let value = clean(value?);
    let value = value.trim();
    (!value.is_empty()).then(|| value.to_owned())
}

/// A token for boundaries that occurs in none of the parts: the first number that none of them has behind
/// [`BOUNDARY`]. One search over each, whatever the media hold.
fn free_token(root: &[u8], media: &[Media]) -> String {
    let finder = memmem::Finder::new(BOUNDARY);
    let bodies = media.iter().map(|part| part.bytes.as_ref()).chain([root]);
    let mut taken: Vec<u32> = bodies
        .flat_map(|body| finder.find_iter(body).filter_map(|at| number_at(body, at + BOUNDARY.len())))
        .collect();
    taken.sort_unstable();
    taken.dedup();
    let free = taken
        .into_iter()
        .fold(0_u32, |free, number| if number == free { free.saturating_add(1) } else { free });
    format!("{BOUNDARY}{free:08x}")
}

/// The number of eight hexadecimal digits at this place.
fn number_at(body: &[u8], at: usize) -> Option<u32> {
    let digits = std::str::from_utf8(body.get(at..at.checked_add(8)?)?).ok()?;
    u32::from_str_radix(digits, 16).ok()
}
