//! Reads an MM7 envelope out of an HTTP message, whatever its Content-Type says: peers label answers text/html.

use bytes::Bytes;
use http::{HeaderMap, header};
use mm7::{
    DecodeError, Decoded, Limits, Rule,
    mime::{self, ContentType},
    soap,
};

/// Decodes the root part of a multipart, or the whole body.
///
/// # Errors
/// What decoding says, where there is no envelope to be read.
pub fn decode(headers: &HeaderMap, body: Bytes) -> Result<Decoded, DecodeError> {
    let limits = Limits::default();
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let content_type = content_type.and_then(|text| ContentType::parse(text).ok());
    let content_type = content_type.unwrap_or_else(|| ContentType::new("text/xml"));
    let package = mime::unpack(&content_type, body, &limits);
    let root =
        package.root.ok_or_else(|| DecodeError::new(Rule::RootContentType, 0, "there is no root part"))?;
    let charset = root.content_type.as_ref().and_then(|content_type| content_type.param("charset"));
    soap::decode(&root.bytes()?, charset, &limits)
}
