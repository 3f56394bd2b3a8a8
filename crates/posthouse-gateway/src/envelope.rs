//! Reads an MM7 envelope out of an HTTP message, whatever its Content-Type says: peers label answers text/html.

use bytes::Bytes;
use http::{HeaderMap, header};
use mm7::{
    DecodeError, Decoded, Limits, Rule,
    mime::{self, ContentType, Package, Part},
    soap,
};
use posthouse_core::message::Digest;

/// Decodes the root part of a multipart, or the whole body, of an answer: for what it says, whatever its form
/// ([`soap::decode_forgiving`]). A message that a carrier took must not be sent again for a `&` in a StatusText.
///
/// # Errors
/// What decoding says, where there is nothing to be read.
pub fn decode(headers: &HeaderMap, body: Bytes) -> Result<Decoded, DecodeError> {
    let limits = Limits::default();
    let content_type = content_type(headers).unwrap_or_else(|| ContentType::new("text/xml"));
    let package = mime::unpack(&content_type, body, &limits);
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
pub struct Opened {
    /// The envelope.
    pub decoded: Decoded,
    /// The parts of the body.
    pub package: Package,
}

/// Decodes the root part of a multipart, or the whole body, and keeps the rest.
///
/// # Errors
/// What decoding says, where there is no envelope to be read.
pub fn open(headers: &HeaderMap, body: Bytes) -> Result<Opened, DecodeError> {
    let limits = Limits::default();
    let content_type = content_type(headers).unwrap_or_else(|| ContentType::new("text/xml"));
    let package = mime::unpack(&content_type, body, &limits);
    let decoded = decode_root(&package, &limits)?;
    Ok(Opened { decoded, package })
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
