//! What the head of a request says, and who is behind it.

use http::{HeaderMap, header};
use mm7::mime::ContentType;
use posthouse_core::submit::{ContentLength, ContentTypeHeader, Head};

use super::Ingress;
use crate::http::{lengths::UNUSABLE_LENGTH, server::Peer};

impl Ingress {
    pub(super) fn read_head(&self, headers: &HeaderMap, peer: &Peer) -> Head {
        let asker = self.settings.proxies.asker(headers, peer);
        Head {
            content_type: content_type(headers),
            content_length: content_length(headers),
            max_request_bytes: self.settings.max_request_bytes,
            remote: asker.address,
            tls: asker.tls,
            certificate: peer.certificate.clone(),
        }
    }
}

fn content_type(headers: &HeaderMap) -> ContentTypeHeader {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return ContentTypeHeader::Missing };
    let parsed = std::str::from_utf8(value.as_bytes()).ok().and_then(|text| ContentType::parse(text).ok());
    parsed.map_or(ContentTypeHeader::Malformed, ContentTypeHeader::Read)
}

fn content_length(headers: &HeaderMap) -> ContentLength {
    if headers.contains_key(UNUSABLE_LENGTH) {
        return ContentLength::Malformed;
    }
    let Some(value) = headers.get(header::CONTENT_LENGTH) else { return ContentLength::Missing };
    let parsed = value.to_str().ok().and_then(|text| text.trim().parse().ok());
    parsed.map_or(ContentLength::Malformed, ContentLength::Bytes)
}
