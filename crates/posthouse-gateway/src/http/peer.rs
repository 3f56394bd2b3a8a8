//! Who is at the other end of a connection that is served.

use std::{net::SocketAddr, sync::Arc};

use http::HeaderMap;
use posthouse_core::certificate::ShownCertificate;

use super::{
    proxies::{Proxies, Requester},
    seats::RequestProgress,
};

/// The other end of a connection.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Its address, which may be a proxy's.
    pub address: SocketAddr,
    /// Whether it speaks TLS to us.
    pub tls: bool,
    /// The client certificate that it showed, and whose chain is good.
    pub certificate: Option<Arc<ShownCertificate>>,
    /// To be told when a request is here in full.
    pub progress: RequestProgress,
}

impl Peer {
    /// Who asks in a request of these headers: this peer, or whoever is behind it, where it is a proxy of ours.
    pub fn requester(&self, headers: &HeaderMap, proxies: &Proxies) -> Requester {
        proxies.requester(headers, self.address, self.tls)
    }
}
