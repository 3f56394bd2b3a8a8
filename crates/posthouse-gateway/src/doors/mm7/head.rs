//! Reads the head of a request: what it says, and which peer sent it.

use http::{HeaderMap, header};
use mm7::mime::ContentType;
use posthouse_core::submit::{ContentTypeHeader, Head};

use super::Mm7Door;
use crate::http::{
    peer::Peer,
    requests::{content_length, head_fault, is_encoded},
};

impl Mm7Door {
    pub(super) fn read_head(&self, headers: &HeaderMap, peer: &Peer) -> Head {
        let requester = peer.requester(headers, &self.limits.proxies);
        Head {
            fault: head_fault(headers),
            content_type: content_type(headers),
            content_length: content_length(headers),
            is_encoded: is_encoded(headers),
            max_request_bytes: self.limits.max_request_bytes,
            remote: requester.address,
            tls: requester.tls,
            certificate: peer.certificate.clone(),
            is_vouched_for: false,
        }
    }
}

pub(super) fn content_type(headers: &HeaderMap) -> ContentTypeHeader {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return ContentTypeHeader::Missing };
    let parsed = std::str::from_utf8(value.as_bytes()).ok().and_then(|text| ContentType::parse(text).ok());
    parsed.map_or(ContentTypeHeader::Malformed, ContentTypeHeader::Read)
}
