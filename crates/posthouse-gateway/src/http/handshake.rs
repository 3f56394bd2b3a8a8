//! TLS handshakes of a door: each within a deadline, and so many at a time that who is slow with them holds nobody up.
//!
//! When there are as many as there may be, one more ends the oldest: an honest peer needs a moment for its handshake, so those
//! that wait longest are those that will not finish it.

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rustls::ServerConfig;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_util::sync::CancellationToken;

use super::server::Peer;
use crate::tls::certificate;

/// How much is still read of a peer that does not speak TLS, so that it sees its connection closed and not reset.
const DRAIN_BYTES: u64 = 64 << 10;
/// For how long it is read.
const DRAIN_TIME: Duration = Duration::from_secs(1);

/// The handshakes of a door.
#[derive(Debug)]
pub struct Handshakes {
    most: usize,
    deadline: Duration,
    under_way: Mutex<UnderWay>,
}

/// What ends each, by the order in which they began.
#[derive(Debug, Default)]
struct UnderWay {
    begun: u64,
    ends: BTreeMap<u64, CancellationToken>,
}

impl Handshakes {
    /// At most `most` at a time, at least one, each within `deadline`.
    pub fn new(most: usize, deadline: Duration) -> Self {
        Self { most: most.max(1), deadline, under_way: Mutex::default() }
    }

    /// Shakes hands. `None`: the peer does not speak TLS, is too slow, or shows a certificate that is not good.
    pub async fn shake<S>(
        &self,
        config: Arc<ServerConfig>,
        stream: S,
        address: SocketAddr,
        stop: &CancellationToken,
    ) -> Option<(Box<TlsStream<S>>, Peer)>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let turn = self.begin();
        let shaking = timeout(self.deadline, TlsAcceptor::from(config).accept(stream).into_fallible());
        let shaken = tokio::select! {
            shaken = shaking => shaken,
            () = turn.end.cancelled() => {
                tracing::debug!(%address, "a TLS handshake was ended: there are too many, and it is the oldest");
                return None;
            }
            () = stop.cancelled() => return None,
        };
        drop(turn);
        match shaken {
            Ok(Ok(stream)) => {
                let peer = peer(address, &stream);
                Some((Box::new(stream), peer))
            }
            Ok(Err((error, stream))) => {
                tracing::debug!(%error, %address, "no TLS handshake: this port speaks nothing but TLS");
                close(stream).await;
                None
            }
            Err(_) => {
                tracing::debug!(%address, "a TLS handshake took too long");
                None
            }
        }
    }

    fn begin(&self) -> Turn<'_> {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if under_way.ends.len() >= self.most
            && let Some((_, oldest)) = under_way.ends.pop_first()
        {
            oldest.cancel();
        }
        let (number, end) = (under_way.begun, CancellationToken::new());
        under_way.begun += 1;
        under_way.ends.insert(number, end.clone());
        Turn { handshakes: self, number, end }
    }
}

/// A handshake under way.
struct Turn<'h> {
    handshakes: &'h Handshakes,
    number: u64,
    end: CancellationToken,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.handshakes.under_way.lock().unwrap_or_else(PoisonError::into_inner).ends.remove(&self.number);
    }
}

fn peer<S>(address: SocketAddr, stream: &TlsStream<S>) -> Peer {
    let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
    Peer { address, tls: true, certificate: shown.map(|shown| Arc::new(certificate::shown(shown))) }
}

/// Says that nothing more comes, and reads for a moment what did come: closing a socket that has unread bytes resets it.
async fn close<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) {
    let closing = async {
        stream.shutdown().await?;
        tokio::io::copy(&mut stream.take(DRAIN_BYTES), &mut tokio::io::sink()).await?;
        Ok::<_, io::Error>(())
    };
    // Whatever comes of it, the connection is over.
    drop(timeout(DRAIN_TIME, closing).await);
}
