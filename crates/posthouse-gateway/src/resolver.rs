//! Resolves host names to addresses. Each name takes a thread for as long as the system's resolver keeps it: half a minute where the
//! name's servers are silent, however soon the caller gives up. So these threads are bounded apart from all other work on threads, and
//! shared.
//!
//! There are two pools. The names in content by URL are chosen by VASPs: an account holds at most as many threads as it leaves free. The
//! names of peers are provisioned: a name has a few threads at most, and never waits for content's.

use std::{
    fmt,
    hash::Hash,
    io,
    net::{IpAddr, SocketAddr, ToSocketAddrs as _},
    pin::Pin,
    sync::{Arc, LazyLock},
    task::{Context, Poll},
    time::Duration,
    vec,
};

use hyper_util::client::legacy::connect::dns::Name;
use tokio::{net::TcpStream, task::spawn_blocking, time::Instant};
use tower_service::Service;

use crate::shares::{Most, ShareRule, Shares};

/// How many names of content are resolved at a time.
const OF_CONTENT: usize = 64;
/// How many names of peers.
const OF_PEERS: usize = 256;
/// How often one name of a peer.
const OF_A_PEER: usize = 4;
/// How long a name waits for a thread. Whoever asks for it gives up before.
const WAIT: Duration = Duration::from_secs(60);

/// Asks for a name's addresses, and blocks its thread meanwhile.
type Resolve = dyn Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync;

/// A pool of threads that resolve names. Clones share it.
#[derive(Clone)]
pub struct Resolver<K> {
    shares: Shares<K>,
    resolve: Arc<Resolve>,
}

impl<K> fmt::Debug for Resolver<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").finish_non_exhaustive()
    }
}

impl<K: Hash + Eq + Clone + Send + 'static> Resolver<K> {
    fn new(rule: ShareRule, resolve: Arc<Resolve>) -> Self {
        Self { shares: Shares::new(rule), resolve }
    }

    /// The addresses of a name, asked for on behalf of somebody. Dropping the future gives up the wait; a thread that was begun goes on
    /// and counts till it is done.
    ///
    /// # Errors
    /// What the system says.
    pub async fn resolve(&self, whose: K, name: &str) -> io::Result<Vec<IpAddr>> {
        let thread = self.shares.one(whose, Instant::now() + WAIT).await.map_err(io::Error::other)?;
        let (name, resolve) = (name.to_owned(), Arc::clone(&self.resolve));
        let resolving = spawn_blocking(move || {
            let addresses = resolve(&name);
            drop(thread);
            addresses
        });
        resolving.await.map_err(io::Error::other)?
    }
}

fn ask_the_system(name: &str) -> io::Result<Vec<IpAddr>> {
    Ok((name, 0).to_socket_addrs()?.map(|address| address.ip()).collect())
}

/// The pool for what accounts' content names.
pub fn of_content() -> Resolver<String> {
    Resolver::new(ShareRule::as_much_as_is_left(OF_CONTENT), Arc::new(ask_the_system))
}

fn of_peers(resolve: Arc<Resolve>) -> Resolver<String> {
    let most = Most::Units(OF_A_PEER);
    Resolver::new(ShareRule { most, ..ShareRule::as_much_as_is_left(OF_PEERS) }, resolve)
}

/// The pool for carriers, for VASPs that are called back, and for lookups: one for the process, as its threads are.
static PEERS: LazyLock<Resolver<String>> = LazyLock::new(|| of_peers(Arc::new(ask_the_system)));

/// The addresses of a peer; an address is its own.
///
/// # Errors
/// What the system says.
pub async fn of_peer(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let addresses = match host.parse() {
        Ok(address) => vec![address],
        Err(_) => PEERS.resolve(host.to_owned(), host).await?,
    };
    Ok(addresses.into_iter().map(|address| SocketAddr::new(address, port)).collect())
}

/// A connection to a peer, at the first of its addresses that takes one.
///
/// # Errors
/// What the system says.
pub async fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    TcpStream::connect(&of_peer(host, port).await?[..]).await
}

/// Resolves the names of peers for an HTTP client.
#[derive(Clone, Copy, Debug)]
pub struct PeerNames;

impl Service<Name> for PeerNames {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        // The client puts the port in.
        Box::pin(async move { Ok(of_peer(name.as_str(), 0).await?.into_iter()) })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Condvar, Mutex, PoisonError};

    use tokio::{task::JoinSet, time::timeout};

    use super::*;

    const ADDRESS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));
    const SOON: Duration = Duration::from_secs(20);

    /// A resolver whose servers are silent for some names, till they are to speak; how many threads wait for them.
    #[derive(Default)]
    struct Silent {
        waiting: Mutex<(usize, bool)>,
        changed: Condvar,
    }

    impl Silent {
        fn ask(&self, name: &str) -> io::Result<Vec<IpAddr>> {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            if name.starts_with("silent") {
                waiting.0 += 1;
                while !waiting.1 {
                    waiting = self.changed.wait(waiting).unwrap();
                }
                waiting.0 -= 1;
            }
            Ok(vec![ADDRESS])
        }

        fn speak(&self) {
            self.waiting.lock().unwrap().1 = true;
            self.changed.notify_all();
        }

        async fn threads(&self, threads: usize) {
            let waiting = async {
                while self.waiting.lock().unwrap().0 != threads {
                    tokio::task::yield_now().await;
                }
            };
            timeout(SOON, waiting).await.unwrap();
        }
    }

    fn silent() -> (Arc<Silent>, Arc<Resolve>) {
        let silent: Arc<Silent> = Arc::default();
        let asked = Arc::clone(&silent);
        (silent, Arc::new(move |name: &str| asked.ask(name)))
    }

    #[tokio::test]
    async fn names_of_one_accounts_content_hold_up_nobody_elses() {
        let (silent, resolve) = silent();
        let names = Resolver::new(ShareRule::as_much_as_is_left(OF_CONTENT), resolve);
        let mut asking = JoinSet::new();
        for number in 0..600 {
            let names = names.clone();
            let name = format!("silent{number}");
            asking.spawn(async move { names.resolve("one".to_owned(), &name).await });
        }
        silent.threads(OF_CONTENT / 2).await;
        // A question that is given up leaves its thread where it is, and that still counts.
        asking.shutdown().await;
        assert_eq!(names.shares.free(), OF_CONTENT / 2);
        let other = names.resolve("other".to_owned(), "media.example");
        assert_eq!(timeout(SOON, other).await.unwrap().unwrap(), [ADDRESS]);
        silent.speak();
        silent.threads(0).await;
        let again = names.resolve("one".to_owned(), "silent");
        assert_eq!(timeout(SOON, again).await.unwrap().unwrap(), [ADDRESS]);
    }

    #[tokio::test]
    async fn a_peer_whose_name_is_not_answered_for_holds_up_no_other_peer() {
        let (silent, resolve) = silent();
        let names = of_peers(resolve);
        let mut asking = JoinSet::new();
        for _ in 0..600 {
            let names = names.clone();
            asking.spawn(async move { names.resolve("silent".to_owned(), "silent").await });
        }
        silent.threads(OF_A_PEER).await;
        let other = names.resolve("carrier.example".to_owned(), "carrier.example");
        assert_eq!(timeout(SOON, other).await.unwrap().unwrap(), [ADDRESS]);
        silent.speak();
        while let Some(asked) = timeout(SOON, asking.join_next()).await.unwrap() {
            assert_eq!(asked.unwrap().unwrap(), [ADDRESS]);
        }
    }

    #[tokio::test]
    async fn an_address_is_its_own() {
        for (host, expected) in [("192.0.2.7", "192.0.2.7:25"), ("2001:db8::7", "[2001:db8::7]:25")] {
            assert_eq!(of_peer(host, 25).await.unwrap(), [expected.parse().unwrap()]);
        }
        assert!(of_peer("localhost", 25).await.unwrap().iter().all(|address| address.ip().is_loopback()));
    }
}
