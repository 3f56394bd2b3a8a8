//! TLS handshakes of a door: each within a deadline, and with a bound on how many are under way, so that slow peers hold no other up.
//!
//! When there are as many as there may be, one more ends the oldest of the address that has the most: an honest peer needs a moment for
//! its handshake, so those that wait longest are those that will not finish it.

use std::{
    collections::{BTreeMap, HashMap},
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use posthouse_core::lock::Mutex;
use rustls::ServerConfig;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_util::sync::CancellationToken;

use super::{peer::Peer, seats::RequestProgress};
use crate::{shares::claimant, tls::certificate};

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

/// What ends each, by whose they are and by the order in which they began.
#[derive(Debug, Default)]
struct UnderWay {
    begun: u64,
    count: usize,
    ends: HashMap<IpAddr, BTreeMap<u64, CancellationToken>>,
}

impl UnderWay {
    fn remove(&mut self, from: IpAddr, number: u64) -> Option<CancellationToken> {
        let ends = self.ends.get_mut(&from)?;
        let end = ends.remove(&number)?;
        if ends.is_empty() {
            self.ends.remove(&from);
        }
        self.count -= 1;
        Some(end)
    }

    /// The oldest of the address that has the most; where another has as many as the one that comes, of the one that comes.
    fn oldest_of_most(&self, comes: IpAddr) -> Option<(IpAddr, u64)> {
        let (from, ends) = self.ends.iter().max_by_key(|(from, ends)| (ends.len(), **from == comes))?;
        Some((*from, *ends.first_key_value()?.0))
    }
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
        let turn = self.begin(claimant(address.ip()));
        let shaking = timeout(self.deadline, TlsAcceptor::from(config).accept(stream).into_fallible());
        let shaken = tokio::select! {
            shaken = shaking => shaken,
            () = turn.end.cancelled() => {
                tracing::debug!(%address, "a TLS handshake was ended: there are too many, and it is the oldest of its address");
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

    fn begin(&self, from: IpAddr) -> Place<'_> {
        let mut under_way = self.under_way.lock();
        if under_way.count >= self.most
            && let Some((from, oldest)) = under_way.oldest_of_most(from)
            && let Some(end) = under_way.remove(from, oldest)
        {
            end.cancel();
        }
        let (number, end) = (under_way.begun, CancellationToken::new());
        under_way.begun += 1;
        under_way.count += 1;
        under_way.ends.entry(from).or_default().insert(number, end.clone());
        Place { handshakes: self, from, number, end }
    }
}

/// A handshake under way.
struct Place<'h> {
    handshakes: &'h Handshakes,
    from: IpAddr,
    number: u64,
    end: CancellationToken,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut under_way = self.handshakes.under_way.lock();
        under_way.remove(self.from, self.number);
    }
}

fn peer<S>(address: SocketAddr, stream: &TlsStream<S>) -> Peer {
    let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
    let certificate = shown.map(|shown| Arc::new(certificate::shown(shown)));
    Peer { address, tls: true, certificate, progress: RequestProgress::default() }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_more_ends_the_oldest_of_the_address_that_has_the_most() {
        let handshakes = Handshakes::new(4, Duration::from_secs(1));
        let [honest, other] = [[192, 0, 2, 1], [192, 0, 2, 2]].map(IpAddr::from);
        let slow = handshakes.begin(honest);
        let many = [0; 3].map(|_| handshakes.begin(other));
        let ended =
            |turns: &[Place<'_>]| turns.iter().map(|turn| turn.end.is_cancelled()).collect::<Vec<_>>();
        let more = [0; 2].map(|_| handshakes.begin(other));
        assert!(!slow.end.is_cancelled(), "though it is the oldest of all");
        assert_eq!(ended(&many), [true, true, false]);
        drop((many, more));
        // Where each has as many, the one that comes gives way.
        let handshakes_of_two = Handshakes::new(2, Duration::from_secs(1));
        let waits = handshakes_of_two.begin(honest);
        let turns = [0; 3].map(|_| handshakes_of_two.begin(other));
        assert_eq!((waits.end.is_cancelled(), ended(&turns)), (false, vec![true, true, false]));
        drop(slow);
        let under_way = handshakes.under_way.lock();
        assert_eq!((under_way.count, under_way.ends.len()), (0, 0));
    }
}
