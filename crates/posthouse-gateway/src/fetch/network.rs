//! The network as fetching uses it: names become addresses, addresses become connections. Two steps, so that what is vetted between
//! them is what is connected to.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use async_trait::async_trait;
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use tokio::{
    net::{TcpStream, lookup_host},
    sync::OnceCell,
    task::spawn_blocking,
};
use tokio_rustls::TlsConnector;

/// Names and connections. Whoever calls sets the deadline.
#[async_trait]
pub trait Network: Send + Sync + 'static {
    /// The addresses of a name.
    ///
    /// # Errors
    /// What the system says.
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>>;

    /// A connection to an address, and to no other.
    ///
    /// # Errors
    /// What the system says.
    async fn connect(&self, to: SocketAddr) -> io::Result<TcpStream>;
}

/// The network of the system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemNetwork;

#[async_trait]
impl Network for SystemNetwork {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        Ok(lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
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
                Some(roots) => roots.clone(),
                None => spawn_blocking(system_roots).await.map_err(io::Error::other)??,
            };
            connector(roots)
        };
        self.connector.get_or_try_init(made).await
    }
}

fn system_roots() -> io::Result<RootCertStore> {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "certificates of the system that cannot be read");
    }
    let mut roots = RootCertStore::empty();
    // Some systems hold a few that are malformed; the others do.
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        return Err(io::Error::other(
            "the system has no trusted certificates (on many: install ca-certificates)",
        ));
    }
    Ok(roots)
}

fn connector(roots: RootCertStore) -> io::Result<TlsConnector> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}
