//! TLS: what the doors show, which peers they ask for a certificate, and which authorities the gateway itself trusts.
//!
//! TLS 1.2 and 1.3 by rustls, with ring's cryptography; nothing else speaks TLS here. Doors exchange their certificates when
//! the files change ([`door::DoorTls`]); docs/tls.md is the operator's side of all this.

pub mod certificate;
pub mod client;
pub mod door;
pub mod ends;
pub mod files;
pub mod pem;

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};

/// What both sides offer in ALPN: there is no HTTP/2 in MM7.
const HTTP_1_1: &[u8] = b"http/1.1";

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}
