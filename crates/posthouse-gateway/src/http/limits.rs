//! What a door lets a connection, and a request, take of the gateway.

use std::{net::IpAddr, time::Duration};

use hyper::body::Incoming;
use tokio::time::Instant;

use super::{
    body::{self, Read},
    memory::{Memory, MemoryShare},
    proxies::Proxies,
};

/// The limits of a door's connections.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// How many connections are served at a time. Which ones when there are more, is told by [`Seats`](super::seats::Seats).
    pub connections: usize,
    /// How many TLS handshakes are under way at a time; one more ends the oldest.
    pub handshakes: usize,
    /// How long a peer may take for its TLS handshake.
    pub handshake: Duration,
    /// How long a peer may take for a request's head; also how long an idle connection is kept.
    pub head: Duration,
    /// How long a peer may take nothing of an answer.
    pub stalled: Duration,
    /// How long a stop waits for requests under way.
    pub stop: Duration,
}

/// The limits of the requests at a door where MM7 is posted.
#[derive(Clone, Debug)]
pub struct DoorLimits {
    /// The longest body, in bytes.
    pub max_request_bytes: u64,
    /// How long a body may take to arrive.
    pub read_timeout: Duration,
    /// The proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.
    pub proxies: Proxies,
    /// Bounds the memory that bodies take together.
    pub memory: Memory,
}

impl DoorLimits {
    /// The memory that one body from an address takes, so far none.
    pub fn share(&self, from: IpAddr) -> MemoryShare {
        self.memory.share(from)
    }

    /// Reads a body within these limits.
    pub async fn read(&self, body: Incoming, share: &mut MemoryShare) -> Read {
        body::read(body, self.max_request_bytes, Instant::now() + self.read_timeout, share).await
    }
}
