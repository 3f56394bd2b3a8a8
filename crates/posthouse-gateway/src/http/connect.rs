//! Connections to peers: plain for `http` URLs, TLS for `https` ones.

use std::{
    error::Error,
    fmt, io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::Uri;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::{client::legacy::connect::HttpConnector, rt::TokioIo};
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

    async fn connect(mut self, to: Uri) -> Result<TokioIo<LiveStream>, BoxError> {
        let stream = if to.scheme_str() == Some("https") {
            let config = self.config().await?;
            HttpsConnector::from((self.plain, config)).call(to).await?
        } else {
            MaybeHttpsStream::Http(self.plain.call(to).await?)
        };
        Ok(TokioIo::new(LiveStream::new(stream)))
    }
}

impl Service<Uri> for PeerConnector {
    type Response = TokioIo<LiveStream>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.plain.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        Box::pin(self.clone().connect(to))
    }
}
