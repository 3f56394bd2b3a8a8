//! What the head of a request says, and who is behind it.

use std::net::IpAddr;

use http::{HeaderMap, header};
use mm7::mime::ContentType;
use posthouse_core::submit::{ContentLength, ContentTypeHeader, Head};

use super::Ingress;
use crate::http::{lengths::UNUSABLE_LENGTH, server::Peer};

impl Ingress {
    pub(super) fn read_head(&self, headers: &HeaderMap, peer: &Peer) -> Head {
        let address = peer.address.ip();
        let proxied = self.is_trusted(address.to_canonical());
        Head {
            content_type: content_type(headers),
            content_length: content_length(headers),
            max_request_bytes: self.settings.max_request_bytes,
            remote: if proxied { self.forwarded_for(headers, address) } else { address }.to_canonical(),
            tls: forwarded_over_tls(headers).filter(|_| proxied).unwrap_or(peer.tls),
            certificate: peer.certificate.clone(),
        }
    }

    fn is_trusted(&self, address: IpAddr) -> bool {
        self.settings.trusted_proxies.iter().any(|network| network.contains(&address))
    }

    /// The last address of X-Forwarded-For that is not one of our proxies: those before it, anyone could have written.
    fn forwarded_for(&self, headers: &HeaderMap, peer: IpAddr) -> IpAddr {
        let lines: Vec<_> =
            headers.get_all("x-forwarded-for").iter().filter_map(|line| line.to_str().ok()).collect();
        let hops = lines.iter().rev().flat_map(|line| line.rsplit(','));
        let mut nearest = peer;
        for hop in hops {
            let Ok(address) = hop.trim().parse::<IpAddr>() else { break };
            nearest = address;
            if !self.is_trusted(address.to_canonical()) {
                break;
            }
        }
        nearest
    }
}

/// Whether the last scheme of X-Forwarded-Proto, which our proxy wrote, is https; `None` where there is none.
fn forwarded_over_tls(headers: &HeaderMap) -> Option<bool> {
    let last = headers.get_all("x-forwarded-proto").iter().next_back()?;
    let scheme = last.as_bytes().rsplit(|byte| *byte == b',').next().unwrap_or_default();
    Some(scheme.trim_ascii().eq_ignore_ascii_case(b"https"))
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
