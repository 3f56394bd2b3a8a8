//! Reads an MM7 envelope out of an HTTP message, whatever its Content-Type says: peers label answers text/html.

use bytes::Bytes;
use http::{HeaderMap, header};
use mm7::{
    DecodeError, Decoded, Framing, Limits, Rule,
    mime::{self, ContentType, Media, Package, Part, PartBody},
    soap,
};
use posthouse_core::message::Digest;

/// The longest boundary that is taken from a body, in bytes.
const MAX_BOUNDARY: usize = 200;

/// Decodes the root part of a multipart, or the whole body, of an answer: for what it says, whatever its form
/// ([`soap::decode_forgiving`]). A message that a carrier took must not be sent again for a `&` in a StatusText.
///
/// # Errors
/// What decoding says, where there is nothing to be read.
pub fn decode(headers: &HeaderMap, body: Bytes) -> Result<Decoded, DecodeError> {
    let limits = Limits::default();
    let package = unpack_as_it_is(headers, body, &limits);
    let Some(root) = &package.root else { return Err(without_root()) };
    let charset = root.content_type.as_ref().and_then(|content_type| content_type.param("charset"));
    soap::decode_forgiving(&root.bytes()?, charset, &limits)
}

fn without_root() -> DecodeError {
    DecodeError::new(Rule::RootContentType, 0, "there is no root part")
}

fn content_type(headers: &HeaderMap) -> Option<ContentType> {
    // Whatever letters a parameter has: the boundary is in it.
    let text = headers.get(header::CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()))?;
    ContentType::parse(&text).ok()
}

/// An envelope, with what came beside it.
pub struct OpenedEnvelope {
    /// The envelope.
    pub decoded: Decoded,
    /// The parts of the body.
    pub package: Package,
}

/// Why nothing could be read of a request, and how to answer it.
pub struct Unopened {
    /// What decoding says.
    pub error: DecodeError,
    /// Its TransactionID and namespace, where its Header stands whole before the fault.
    pub framing: Option<Framing>,
}

/// Reads a request for what it says, whatever its form ([`soap::decode_forgiving`]). A body is a multipart where it begins as one, and is
/// none where it begins as XML, whatever its Content-Type says.
///
/// # Errors
/// There is nothing to be read.
pub fn open_forgiving(headers: &HeaderMap, body: Bytes) -> Result<OpenedEnvelope, Unopened> {
    let limits = Limits::default();
    let package = unpack_as_it_is(headers, body, &limits);
    let unopened = |error| Unopened { error, framing: None };
    let Some(root) = &package.root else {
        return Err(unopened(without_root()));
    };
    let bytes = root.bytes().map_err(unopened)?;
    let charset = root.content_type.as_ref().and_then(|content_type| content_type.param("charset"));
    match soap::decode_forgiving(&bytes, charset, &limits) {
        Ok(decoded) => Ok(OpenedEnvelope { decoded, package }),
        Err(error) => Err(Unopened { error, framing: soap::framing_of_broken(&bytes, charset, &limits) }),
    }
}

fn unpack_as_it_is(headers: &HeaderMap, body: Bytes, limits: &Limits) -> Package {
    let told = content_type(headers).unwrap_or_else(|| ContentType::new("text/xml"));
    let content = body.trim_ascii_start();
    if told.is_multipart() && content.starts_with(b"<") {
        let charset =
            told.param("charset").map(|charset| ContentType::new("text/xml").with_param("charset", charset));
        return mime::unpack(&charset.unwrap_or_else(|| ContentType::new("text/xml")), body, limits);
    }
    let seen = boundary_of(content)
        .map(|boundary| ContentType::new("multipart/related").with_param("boundary", boundary));
    match seen {
        Some(seen) if !told.is_multipart() => mime::unpack(&seen, body, limits),
        Some(seen) => {
            let package = mime::unpack(&told, body.clone(), limits);
            if package.root.is_some() { package } else { mime::unpack(&seen, body, limits) }
        }
        None => mime::unpack(&told, body, limits),
    }
}

/// The boundary that a multipart begins with.
fn boundary_of(content: &[u8]) -> Option<&str> {
    let line = content.strip_prefix(b"--")?.split(|byte| matches!(byte, b'\r' | b'\n')).next()?;
    let boundary = std::str::from_utf8(line).ok()?.trim_end();
    (1..=MAX_BOUNDARY).contains(&boundary.len()).then_some(boundary)
}

/// The content of a package, decoded. A part of no known type, or of one that cannot be read, is what its bytes show.
///
/// # Errors
/// A part whose bytes cannot be decoded.
pub fn media_as_it_is(package: &Package) -> Result<Vec<Media>, DecodeError> {
    let mut package = package.clone();
    name_types(&mut package.attachments);
    package.media()
}

fn name_types(parts: &mut [Part]) {
    for part in parts {
        if part.content_type.is_none() {
            part.content_type = part.bytes().ok().map(|bytes| mm7::sniff::sniff(&bytes, None));
        }
        if let PartBody::Multipart(inner) = &mut part.body {
            name_types(inner);
        }
    }
}

/// Decodes the root part.
///
/// # Errors
/// What decoding says, where there is no envelope to be read.
pub fn decode_root(package: &Package, limits: &Limits) -> Result<Decoded, DecodeError> {
    let Some(root) = &package.root else { return Err(without_root()) };
    let charset = root.content_type.as_ref().and_then(|content_type| content_type.param("charset"));
    soap::decode(&root.bytes()?, charset, limits)
}

/// Identifies a body as it came, and what is wrong with it.
pub fn digest_of(why: &str, body: &[u8]) -> Digest {
    let mut digest = [0; 16];
    let mut hash = blake3::Hasher::new();
    hash.update(&(why.len() as u64).to_be_bytes()).update(why.as_bytes()).update(body);
    hash.finalize_xof().fill(&mut digest);
    Digest(digest)
}

/// Identifies what makes a request what it is: the envelope and every part, but not the boundary, which some clients draw anew
/// for each try.
pub fn digest(package: &Package) -> Digest {
    let mut hash = blake3::Hasher::new();
    // What cannot be decoded is refused, and refusals are not remembered.
    let bytes = |part: &Part| part.bytes().unwrap_or_default();
    if let Some(root) = &package.root {
        hash.update(&bytes(root));
    }
    for part in package.leaves() {
        let content_type = part.content_type.as_ref().map(ToString::to_string).unwrap_or_default();
        let content_id = part.content_id.as_deref().unwrap_or_default();
        for piece in [content_type.as_bytes(), content_id.as_bytes(), &bytes(part)] {
            hash.update(&(piece.len() as u64).to_be_bytes());
            hash.update(piece);
        }
    }
    let mut digest = [0; 16];
    hash.finalize_xof().fill(&mut digest);
    Digest(digest)
}
