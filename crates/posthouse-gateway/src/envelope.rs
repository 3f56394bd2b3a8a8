//! Reads an MM7 envelope out of an HTTP message, whatever its Content-Type says: peers label answers text/html.

use bytes::Bytes;
use http::{HeaderMap, header};
use mm7::{
    DecodeError, Decoded, Limits, Rule,
    mime::{self, ContentType, Package, Part},
    soap,
};
use posthouse_core::message::Digest;

/// Decodes the root part of a multipart, or the whole body.
///
/// # Errors
/// What decoding says, where there is no envelope to be read.
pub fn decode(headers: &HeaderMap, body: Bytes) -> Result<Decoded, DecodeError> {
    Ok(open(headers, body)?.decoded)
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
    // Whatever letters a parameter has: the boundary is in it.
    let content_type =
        headers.get(header::CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let content_type = content_type.and_then(|text| ContentType::parse(&text).ok());
    let content_type = content_type.unwrap_or_else(|| ContentType::new("text/xml"));
    let package = mime::unpack(&content_type, body, &limits);
    let decoded = decode_root(&package, &limits)?;
    Ok(Opened { decoded, package })
}

/// Decodes the root part.
///
/// # Errors
/// What decoding says, where there is no envelope to be read.
pub fn decode_root(package: &Package, limits: &Limits) -> Result<Decoded, DecodeError> {
    let Some(root) = &package.root else {
        return Err(DecodeError::new(Rule::RootContentType, 0, "there is no root part"));
    };
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
