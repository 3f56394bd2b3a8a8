//! What speaks with a carrier over one of its connections, whatever the protocol.

use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use posthouse_core::{carrier::Connection, life::classify::Said, store::ToSend};

use super::{mm7::connector::Mm7Connector, sandbox::SandboxConnector};
use crate::telemetry::captures::Tap;

/// How an attempt on one connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// For [`classify`](posthouse_core::life::classify::classify).
    pub said: Said,
    /// The carrier's MessageID.
    pub carrier_message_id: Option<String>,
    /// What was said, for the timeline.
    pub words: String,
    /// What was said in Details that the table does not say anyway, as one line.
    pub details: Option<String>,
    /// How long the carrier asks to be left alone.
    pub retry_after: Option<Duration>,
}

/// Something about a message cannot be written, now or ever.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unwritable(pub String);

/// A provisioned connection in use.
pub trait Connector {
    /// What was provisioned.
    fn connection(&self) -> &Connection;

    /// Sends a message and reads the answer. `told` is what the carrier is told of the trace that the attempt is in, `tap` keeps
    /// what goes over the wire.
    ///
    /// # Errors
    /// What about the message cannot be written: nothing was sent, nor ever can be.
    fn submit(
        &self,
        send: &ToSend,
        media: &[Bytes],
        told: Option<HeaderValue>,
        tap: Option<Tap<'_>>,
    ) -> impl Future<Output = Result<Attempt, Unwritable>> + Send;

    /// Whether the carrier can be reached: connects and hangs up.
    fn probe(&self) -> impl Future<Output = bool> + Send;
}

/// A connector of any protocol. An enum, and no trait object: an attempt then costs no allocation of its own.
#[expect(
    clippy::large_enum_variant,
    reason = "there is one for each connection, and one at most is the smaller"
)]
pub enum AnyConnector {
    /// MM7.
    Mm7(Mm7Connector),
    /// The carrier inside of the gateway.
    Sandbox(SandboxConnector),
}

impl AnyConnector {
    /// A connector for a provisioned connection.
    pub fn new(connection: &Connection) -> Self {
        Self::Mm7(Mm7Connector::new(connection))
    }
}

impl Connector for AnyConnector {
    fn connection(&self) -> &Connection {
        match self {
            Self::Mm7(mm7) => mm7.connection(),
            Self::Sandbox(sandbox) => sandbox.connection(),
        }
    }

    async fn submit(
        &self,
        send: &ToSend,
        media: &[Bytes],
        told: Option<HeaderValue>,
        tap: Option<Tap<'_>>,
    ) -> Result<Attempt, Unwritable> {
        match self {
            Self::Mm7(mm7) => mm7.submit(send, media, told, tap).await,
            Self::Sandbox(sandbox) => sandbox.submit(send, media, told, tap).await,
        }
    }

    async fn probe(&self) -> bool {
        match self {
            Self::Mm7(mm7) => mm7.probe().await,
            Self::Sandbox(sandbox) => sandbox.probe().await,
        }
    }
}
