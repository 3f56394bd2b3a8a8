//! MM7 in HTTP, for every room that speaks it: envelopes out of bodies, answers and the heads of requests, and what a peer said in words.

pub mod answer;
pub mod envelope;
pub mod peer_words;

use http::{HeaderMap, HeaderValue, header};

/// What we call ourselves to peers.
const USER_AGENT: &str = concat!("posthouse/", env!("CARGO_PKG_VERSION"));

/// Adds what every MM7 request of ours has beside its Content-Type.
pub fn add_request_headers(headers: &mut HeaderMap) {
    headers.insert("soapaction", HeaderValue::from_static("\"\""));
    headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
}
