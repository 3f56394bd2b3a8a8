//! How a simulated carrier is set up.

use std::{net::SocketAddr, time::Duration};

use mm7::{Namespace, Version};

use crate::http::Credentials;

/// How a simulated carrier is set up.
#[derive(Clone, Debug)]
pub struct CarrierOptions {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The path that takes SubmitReq.
    pub path: String,
    /// Its id, which MessageIDs begin with.
    pub carrier_id: String,
    /// Where reports and messages from handsets go: the gateway's door for this carrier. None are sent without.
    pub reports: Option<String>,
    /// How long after the answer a report goes out, and after one report the next.
    pub report_delay: Duration,
    /// How long an answer takes.
    pub latency: Duration,
    /// The share of requests that is answered 4006 whatever the recipient: 0 is none, 1 all.
    pub error_rate: f64,
    /// What decides which requests these are; the same seed decides the same again.
    pub seed: u64,
    /// The credentials that requests must show; anything else is answered 401.
    pub expects: Option<Credentials>,
    /// The credentials that it shows when it posts to `reports`.
    pub shows: Option<Credentials>,
    /// The namespace of its own requests; answers are in the caller's.
    pub namespace: Namespace,
    /// MM7Version of its own requests.
    pub version: Version,
    /// How many requests are kept; the oldest go first.
    pub keep_messages: usize,
    /// How many bytes of requests are kept.
    pub keep_bytes: usize,
}

impl CarrierOptions {
    /// A carrier on a free port of the loopback, that answers at once and reports nothing until it is told where.
    pub fn new(carrier_id: impl Into<String>) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            path: "/mm7".to_owned(),
            carrier_id: carrier_id.into(),
            reports: None,
            report_delay: Duration::ZERO,
            latency: Duration::ZERO,
            error_rate: 0.0,
            seed: 1,
            expects: None,
            shows: None,
            namespace: Namespace::LATEST,
            version: Version::V6_8_0,
            keep_messages: 10_000,
            keep_bytes: 256 * 1024 * 1024,
        }
    }
}
