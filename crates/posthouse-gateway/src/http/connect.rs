//! Connections to peers: plain for `http` URLs, TLS for `https` ones.

use std::{error::Error, fmt, io, sync::Arc, time::Duration};

use http::Uri;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use posthouse_core::tls::PeerTls;
use rustls::ClientConfig;
use tokio::sync::OnceCell;
use tower_service::Service;

use super::liveness::LiveStream;
use crate::{resolver::PeerNames, tls::client::config};

type BoxError = Box<dyn Error + Send + Sync>;

/// Connects. What TLS needs is made when the first `https` URL comes.
#[derive(Clone)]
pub struct PeerConnector {
    plain: HttpConnector<PeerNames>,
    tls: Arc<PeerTls>,
    config: Arc<OnceCell<Arc<ClientConfig>>>,
}

impl fmt::Debug for PeerConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerConnector").field("tls", &self.tls).finish_non_exhaustive()
    }
}

impl PeerConnector {
    /// A connector that gives each address at most `timeout` to take a connection.
    pub fn new(timeout: Duration, tls: Option<&PeerTls>) -> Self {
        let mut plain = HttpConnector::new_with_resolver(PeerNames);
        plain.set_connect_timeout(Some(timeout));
        plain.set_nodelay(true);
        plain.enforce_http(false);
        Self { plain, tls: Arc::new(tls.cloned().unwrap_or_default()), config: Arc::default() }
    }

    async fn config(&self) -> io::Result<Arc<ClientConfig>> {
        self.config.get_or_try_init(|| config(&self.tls)).await.cloned()
    }

    /// A connection to where a URI leads.
    ///
    /// # Errors
    /// What the system says, or the peer's TLS.
    pub async fn connect(&self, to: Uri) -> Result<LiveStream, BoxError> {
        let mut plain = self.plain.clone();
        let stream = if to.scheme_str() == Some("https") {
            let config = self.config().await?;
            HttpsConnector::from((plain, config)).call(to).await?
        } else {
            MaybeHttpsStream::Http(plain.call(to).await?)
        };
        Ok(LiveStream::new(stream))
    }
}
