//! The network as fetching uses it: names become addresses, addresses become connections. Two steps, so that the
//! address that was checked between them is the one that is connected to.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use async_trait::async_trait;
use rustls::RootCertStore;
use tokio::{net::TcpStream, sync::OnceCell};
use tokio_rustls::TlsConnector;

use crate::{
    resolver::{self, Resolver},
    tls::client::{anonymous, system_roots},
};

/// Names and connections. Whoever calls sets the deadline.
#[async_trait]
pub trait Network: Send + Sync + 'static {
    /// The addresses of a name that an account's content has.
    ///
    /// # Errors
    /// What the system says.
    async fn resolve(&self, name: &str, account: &str) -> io::Result<Vec<IpAddr>>;

    /// A connection to an address, and to no other.
    ///
    /// # Errors
    /// What the system says.
    async fn connect(&self, to: SocketAddr) -> io::Result<TcpStream>;
}

/// The network of the system.
#[derive(Clone, Debug)]
pub struct SystemNetwork {
    resolver: Resolver<String>,
}

impl Default for SystemNetwork {
    fn default() -> Self {
        Self { resolver: resolver::of_content() }
    }
}

#[async_trait]
impl Network for SystemNetwork {
    async fn resolve(&self, name: &str, account: &str) -> io::Result<Vec<IpAddr>> {
        self.resolver.resolve(account.to_owned(), name).await
    }

    async fn connect(&self, to: SocketAddr) -> io::Result<TcpStream> {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

/// Whose certificates are trusted, read when the first https URL comes: many gateways never see one.
#[derive(Default)]
pub struct Trust {
    roots: Option<RootCertStore>,
    connector: OnceCell<TlsConnector>,
}

impl Trust {
    /// Trust in these roots instead of the system's.
    pub fn in_roots(roots: RootCertStore) -> Self {
        Self { roots: Some(roots), connector: OnceCell::new() }
    }

    /// What opens TLS.
    ///
    /// # Errors
    /// The system trusts nobody, or what it says cannot be read.
    pub async fn connector(&self) -> io::Result<&TlsConnector> {
        let made = || async {
            let roots = match &self.roots {
                Some(roots) => Arc::new(roots.clone()),
                None => system_roots().await?,
            };
            let config = anonymous(roots).map_err(io::Error::other)?;
            Ok::<_, io::Error>(TlsConnector::from(Arc::new(config)))
        };
        self.connector.get_or_try_init(made).await
    }
}
