//! A request's body taken apart: the root part, the attachments, and everything that is wrong with them.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;

use super::content_type::{ContentType, disposition_name};
use super::encoding::Encoding;
use super::headers::{Name, PartHead};
use super::ids::{bare_id, identifies, names, without_brackets};
use super::media::{CONTENT_ID, Media};
use super::multipart::{DashedLines, MAX_BOUNDARY_BYTES, MultipartEnd, Splitter};
use crate::{DecodeError, Limits, Rule, ValueError};

/// The parts of a body.
#[derive(Clone, Debug, Default)]
pub struct Package {
    /// The part that holds the SOAP envelope: the one that `start` names, else the first (RFC 2387 clause 3.2). Also
    /// present when its Content-Type is wrong, so that a reader can try.
    pub root: Option<Part>,
    /// The other parts, in order.
    pub attachments: Vec<Part>,
    /// Everything found wrong, by offset. What shows only when a part is decoded is [`Part::bytes`]' error.
    pub errors: Vec<DecodeError>,
}

/// One part. Offsets are in the HTTP body.
#[derive(Clone, Debug)]
pub struct Part {
    /// Content-Type; `None` where it is missing or malformed ([`Part::media_type`] tells which).
    pub content_type: Option<ContentType>,
    /// Content-ID, without angle brackets; never empty.
    pub content_id: Option<String>,
    /// Content-Location; never empty.
    pub content_location: Option<String>,
    /// The file name: `filename` of Content-Disposition, else `name` of Content-Type; never empty.
    pub name: Option<String>,
    /// Where its headers begin.
    pub offset: usize,
    /// Where what follows the headers begins.
    pub body_offset: usize,
    /// Whether it holds other parts.
    pub body: PartBody,
    raw: Bytes,
    encoding: Encoding,
    type_error: Option<ValueError>,
    /// Where Content-Type stands, or the headers where there is none.
    type_offset: usize,
}

/// What a part holds.
#[derive(Clone, Debug)]
pub enum PartBody {
    /// Bytes.
    Leaf,
    /// A multipart: its parts, in order.
    Multipart(Vec<Part>),
}

/// Takes a body apart. `content_type` is the HTTP header's: a multipart, or the type of a bare envelope.
///
/// Never fails: what is wrong is in [`Package::errors`], and what could be read is there as well. Time and memory
/// are bounded by `limits`: after [`Limits::max_parts`] reading stops, and multiparts deeper than
/// [`Limits::max_levels`] stay closed.
///
/// ```
/// use bytes::Bytes;
/// use mm7::{Limits, mime::{ContentType, unpack}};
/// let body = "--b\r\nContent-Type: text/xml\r\n\r\n<a/>\r\n--b\r\nContent-Type: text/plain\r\nContent-ID: <c>\r\n\r\nhi\r\n--b--";
/// let content_type = ContentType::parse("multipart/related; boundary=b")?;
/// let package = unpack(&content_type, Bytes::from(body), &Limits::default());
/// assert!(package.errors.is_empty());
/// assert_eq!(package.root.as_ref().unwrap().bytes().unwrap(), "<a/>");
/// assert_eq!(package.resolve("cid:c").unwrap().bytes().unwrap(), "hi");
/// # Ok::<(), mm7::ValueError>(())
/// ```
pub fn unpack(content_type: &ContentType, body: Bytes, limits: &Limits) -> Package {
    let mut package = if content_type.is_multipart() {
        let dashed = DashedLines::of(&body);
        let mut reader = Reader { limits, dashed: &dashed, taken: 0, errors: Vec::new() };
        let mut attachments = reader.multipart(content_type, &body, 0, 1);
        let root = root_index(content_type, &attachments);
        let root = root.map(|root| attachments.remove(root));
        Package { root, attachments, errors: reader.errors }
    } else {
        Package { root: Some(Part::bare(content_type, body)), ..Package::default() }
    };
    package.check_types();
    package.errors.sort_by_key(|error| (error.offset, error.rule));
    package
}

/// The place of the part that `start` names, else of the first.
fn root_index(content_type: &ContentType, parts: &[Part]) -> Option<usize> {
    let start = content_type.param("start").map(bare_id).filter(|start| !start.is_empty());
    let found = start.and_then(|start| {
        let named = |part: &Part| part.content_id.as_deref().is_some_and(|known| identifies(start, known));
        parts.iter().position(named)
    });
    found.or((!parts.is_empty()).then_some(0))
}

impl Package {
    /// The attachment, or part inside one, that a reference names (Content/@href, `src` of a SMIL).
    ///
    /// By Content-ID (RFC 2392) with or without the scheme `cid:`, in any case, brackets, blanks and
    /// percent-encoding; else by Content-Location (RFC 2557). An outer part wins over those inside it.
    pub fn resolve(&self, href: &str) -> Option<&Part> {
        let id = bare_id(href);
        let location = href.trim();
        if id.is_empty() {
            return None;
        }
        let has_id = |part: &&Part| part.content_id.as_deref().is_some_and(|known| identifies(id, known));
        let is_at =
            |part: &&Part| part.content_location.as_deref().is_some_and(|known| names(location, known));
        let parts = self.parts();
        parts.iter().copied().find(has_id).or_else(|| parts.iter().copied().find(is_at))
    }

    /// Whether a reference is the file name of a part, a weaker sign than those that [`Package::resolve`] uses.
    pub fn names_file(&self, href: &str) -> bool {
        let id = bare_id(href);
        let named = |part: &&Part| part.name.as_deref().is_some_and(|known| names(id, known));
        !id.is_empty() && self.parts().iter().any(named)
    }

    /// Every attachment and every part inside one, each before the parts it holds.
    pub fn parts(&self) -> Vec<&Part> {
        let mut parts = Vec::new();
        collect(&self.attachments, &mut parts);
        parts
    }

    /// The parts of [`Package::parts`] that hold content of their own.
    pub fn leaves(&self) -> impl Iterator<Item = &Part> {
        self.parts().into_iter().filter(|part| matches!(part.body, PartBody::Leaf))
    }

    /// The content of all attachments, decoded, in order.
    ///
    /// Where there is one only, an identifier as [`pack`](super::pack) gives it to content without one is the
    /// envelope's and left out.
    ///
    /// # Errors
    /// The first part that has no usable Content-Type or cannot be decoded, or is a multipart nested too deeply to
    /// be opened.
    pub fn media(&self) -> Result<Vec<Media>, DecodeError> {
        let mut media = self.leaves().map(Part::media).collect::<Result<Vec<_>, _>>()?;
        if let [only] = media.as_mut_slice() {
            only.content_id.take_if(|id| id == CONTENT_ID);
        }
        Ok(media)
    }

    fn check_types(&mut self) {
        let root = match &self.root {
            Some(root) => root.root_type_error(),
            None => Some(DecodeError::new(Rule::RootContentType, 0, "there is no root part")),
        };
        let attachments = self.parts().into_iter().filter_map(|part| part.media_type().err());
        let found: Vec<_> = root.into_iter().chain(attachments).collect();
        self.errors.extend(found);
    }
}

fn collect<'a>(parts: &'a [Part], into: &mut Vec<&'a Part>) {
    for part in parts {
        into.push(part);
        if let PartBody::Multipart(inner) = &part.body {
            collect(inner, into);
        }
    }
}

impl Part {
    /// The decoded content. What is 7bit, 8bit, binary or says nothing is a slice of the body, not a copy. Of a
    /// multipart: its bytes as they stand.
    ///
    /// # Errors
    /// [`Rule::TransferEncoding`]: an encoding that is not known, or bytes that are not of it.
    pub fn bytes(&self) -> Result<Bytes, DecodeError> {
        if matches!(self.body, PartBody::Multipart(_)) {
            return Ok(self.raw.clone());
        }
        self.encoding.decode(&self.raw).map_err(|broken| {
            DecodeError::new(Rule::TransferEncoding, self.body_offset + broken.at, broken.what)
        })
    }

    /// Whether the content is transfer-encoded in the body.
    pub fn is_encoded(&self) -> bool {
        self.encoding != Encoding::Identity
    }

    /// The Content-Type of an attachment.
    ///
    /// # Errors
    /// [`Rule::PartWithoutContentType`], [`Rule::PartContentType`].
    pub fn media_type(&self) -> Result<&ContentType, DecodeError> {
        self.content_type.as_ref().ok_or_else(|| match &self.type_error {
            Some(error) => {
                let what = format!("the Content-Type of a part cannot be read: {error}");
                DecodeError::new(Rule::PartContentType, self.type_offset, what)
            }
            None => {
                DecodeError::new(Rule::PartWithoutContentType, self.type_offset, "a part has no Content-Type")
            }
        })
    }

    fn root_type_error(&self) -> Option<DecodeError> {
        let what = match (&self.content_type, &self.type_error) {
            (Some(content_type), _) if content_type.is_xml() => return None,
            (Some(content_type), _) => {
                format!(
                    "the Content-Type of the root part is {}, no XML type",
                    excerpt(content_type.essence())
                )
            }
            (None, Some(error)) => format!("the Content-Type of the root part cannot be read: {error}"),
            (None, None) => "the root part has no Content-Type".to_owned(),
        };
        Some(DecodeError::new(Rule::RootContentType, self.type_offset, what))
    }

    pub(crate) fn media(&self) -> Result<Media, DecodeError> {
        let content_type = self.media_type()?;
        if content_type.is_multipart() {
            return Err(self.too_deep());
        }
        Ok(Media {
            content_type: content_type.clone(),
            content_id: self.content_id.clone(),
            content_location: self.content_location.clone(),
            name: self.name.clone(),
            bytes: self.bytes()?,
        })
    }

    fn too_deep(&self) -> DecodeError {
        DecodeError::new(Rule::PartsTooDeep, self.offset, "multiparts are nested too deeply")
    }

    /// A body that is no multipart.
    fn bare(content_type: &ContentType, body: Bytes) -> Self {
        Self {
            content_type: Some(content_type.clone()),
            content_id: None,
            content_location: None,
            name: None,
            offset: 0,
            body_offset: 0,
            body: PartBody::Leaf,
            raw: body,
            encoding: Encoding::Identity,
            type_error: None,
            type_offset: 0,
        }
    }

    /// A part of which the headers have been read.
    fn new(head: &PartHead<'_>, bytes: &Bytes, offset: usize) -> Self {
        let text = |name| head.get(name).filter(|text| !text.is_empty());
        let content_type = head.get(Name::ContentType).map(|text| ContentType::parse(&text));
        let (content_type, type_error) = match content_type {
            Some(Ok(content_type)) => (Some(content_type), None),
            Some(Err(error)) => (None, Some(error)),
            None => (None, None),
        };
        let name = text(Name::ContentDisposition).and_then(|text| disposition_name(&text));
        Self {
            name: name.or_else(|| content_type.as_ref()?.name()),
            content_id: text(Name::ContentId)
                .map(|id| without_brackets(&id).to_owned())
                .filter(|id| !id.is_empty()),
            content_location: text(Name::ContentLocation).map(Cow::into_owned),
            offset,
            body_offset: offset + head.body,
            body: PartBody::Leaf,
            raw: bytes.slice(head.body.min(bytes.len())..),
            encoding: Encoding::parse(&text(Name::TransferEncoding).unwrap_or_default()),
            content_type,
            type_error,
            type_offset: offset + head.offset(Name::ContentType).unwrap_or(0),
        }
    }
}

/// What is being read of one body.
struct Reader<'a> {
    limits: &'a Limits,
    dashed: &'a DashedLines,
    taken: usize,
    errors: Vec<DecodeError>,
}

impl Reader<'_> {
    /// The parts of a multipart whose body is `bytes`, which stand at `offset`.
    fn multipart(
        &mut self,
        content_type: &ContentType,
        bytes: &Bytes,
        offset: usize,
        level: usize,
    ) -> Vec<Part> {
        let delimiter = match delimiter(content_type) {
            Ok(delimiter) => delimiter,
            Err(what) => {
                self.wrong(Rule::Boundary, offset, what);
                return Vec::new();
            }
        };
        let delimiter = self.delimiter_in(bytes, offset, delimiter);
        let mut splitter = Splitter::new(bytes, offset, self.dashed, &delimiter);
        let mut parts = Vec::new();
        for place in splitter.by_ref() {
            if self.taken >= self.limits.max_parts {
                self.too_many_parts(offset + place.start);
                return parts;
            }
            self.taken += 1;
            parts.push(self.part(bytes, place, offset, level));
        }
        let end = offset + bytes.len();
        match splitter.ending() {
            MultipartEnd::NoDelimiter => {
                self.wrong(Rule::Boundary, offset, "no line is the delimiter of the multipart")
            }
            MultipartEnd::Unclosed => {
                self.wrong(Rule::Boundary, end, "the multipart has no closing delimiter")
            }
            MultipartEnd::Closed if parts.is_empty() => {
                self.wrong(Rule::Boundary, offset, "the multipart has no parts")
            }
            MultipartEnd::Closed => {}
        }
        parts
    }

    /// The delimiter as it stands in the body: where no line is it, without what some peers add to the boundary in the header
    /// alone, single quotes or the two dashes of the delimiter.
    fn delimiter_in(&self, bytes: &Bytes, offset: usize, delimiter: Vec<u8>) -> Vec<u8> {
        let stands = |delimiter: &[u8]| {
            Splitter::new(bytes, offset, self.dashed, delimiter).ending() != MultipartEnd::NoDelimiter
        };
        let boundary = delimiter.get(2..).unwrap_or_default();
        let unquoted = boundary.strip_prefix(b"'").and_then(|rest| rest.strip_suffix(b"'"));
        let other = match unquoted {
            Some(unquoted) => [b"--", unquoted].concat(),
            None if boundary.starts_with(b"--") => boundary.to_vec(),
            None => return delimiter,
        };
        if other.len() > 2 && !stands(&delimiter) && stands(&other) { other } else { delimiter }
    }

    fn part(&mut self, bytes: &Bytes, place: Range<usize>, offset: usize, level: usize) -> Part {
        let offset = offset + place.start;
        let bytes = bytes.slice(place);
        let head = PartHead::read(&bytes, self.limits.max_part_header);
        if let Some((at, what)) = head.fault {
            self.wrong(Rule::PartHeaders, offset + at, what);
        }
        let mut part = Part::new(&head, &bytes, offset);
        let is_multipart = part.content_type.as_ref().is_some_and(ContentType::is_multipart);
        self.check_encoding(&part, is_multipart);
        if is_multipart {
            self.open(&mut part, level + 1);
        }
        part
    }

    /// Takes a part that is a multipart apart, if it is not too deep.
    fn open(&mut self, part: &mut Part, level: usize) {
        if level > self.limits.max_levels {
            self.errors.push(part.too_deep());
            return;
        }
        if let Some(content_type) = part.content_type.clone() {
            part.body =
                PartBody::Multipart(self.multipart(&content_type, &part.raw, part.body_offset, level));
        }
    }

    /// What is encoded can only be checked by decoding it; here are only names. A multipart is never encoded (RFC
    /// 2045 clause 6.4).
    fn check_encoding(&mut self, part: &Part, is_multipart: bool) {
        match &part.encoding {
            Encoding::Unknown(name) => {
                let what = format!("the transfer encoding {} is not known", excerpt(name));
                self.wrong(Rule::TransferEncoding, part.offset, what);
            }
            Encoding::Base64 | Encoding::QuotedPrintable if is_multipart => {
                self.wrong(Rule::TransferEncoding, part.offset, "a multipart has a transfer encoding");
            }
            _ => {}
        }
    }

    /// Every multipart that is open finds the same: it is told once.
    fn too_many_parts(&mut self, offset: usize) {
        if self.errors.last().is_none_or(|last| last.rule != Rule::TooManyParts) {
            let what = format!("more than {} parts", self.limits.max_parts);
            self.wrong(Rule::TooManyParts, offset, what);
        }
    }

    fn wrong(&mut self, rule: Rule, offset: usize, what: impl Into<String>) {
        self.errors.push(DecodeError::new(rule, offset, what));
    }
}

/// The delimiter of a multipart: two dashes and its boundary. Blanks at the boundary's end are padding.
fn delimiter(content_type: &ContentType) -> Result<Vec<u8>, &'static str> {
    let boundary = content_type.param("boundary").ok_or("the multipart has no boundary parameter")?;
    match boundary.trim_end() {
        "" => Err("the boundary of the multipart is empty"),
        boundary if boundary.len() > MAX_BOUNDARY_BYTES => Err("the boundary of the multipart is too long"),
        boundary => Ok([b"--", boundary.as_bytes()].concat()),
    }
}

/// A short piece of what came, for an error's words.
fn excerpt(text: &str) -> String {
    let mut piece: String = text.chars().take(40).collect();
    if piece.len() < text.len() {
        piece.push('…');
    }
    format!("{piece:?}")
}
