//! A simulated VASP: takes reports, messages and read replies, and misbehaves when told to.

mod answer;
mod callback;
mod inbox;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use rustls::ServerConfig;
use tokio::sync::broadcast;

use crate::http::{Credentials, Server, ServerLimits};

pub use answer::VaspAnswer;
pub use callback::{CallbackContent, ReceivedCallback};
use inbox::Inbox;
pub use inbox::REASON_HEADER;

/// How a simulated VASP is set up.
#[derive(Clone, Debug)]
pub struct VaspOptions {
    /// Where it listens; port 0 takes a free one. Every path is taken.
    pub listen: SocketAddr,
    /// TLS to speak there, if any.
    pub tls: Option<Arc<ServerConfig>>,
    /// What it answers.
    pub answer: VaspAnswer,
    /// How many callbacks are answered HTTP 500 before the first gets its answer.
    pub fail_first: u32,
    /// How long an answer takes.
    pub delay: Duration,
    /// The credentials that callbacks must show; anything else is answered 401.
    pub expects: Option<Credentials>,
    /// How many callbacks are kept; the oldest go first.
    pub keep_callbacks: usize,
    /// How many bytes of callbacks are kept.
    pub keep_bytes: usize,
}

impl Default for VaspOptions {
    /// On a free port of the loopback; answers 1000 at once; keeps 10,000 callbacks of 256 MiB.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            tls: None,
            answer: VaspAnswer::Code(1000),
            fail_first: 0,
            delay: Duration::ZERO,
            expects: None,
            keep_callbacks: 10_000,
            keep_bytes: 256 * 1024 * 1024,
        }
    }
}

/// A running VASP; dropping it ends it at once.
#[derive(Debug)]
pub struct VaspSim {
    server: Server,
    scheme: &'static str,
    inbox: Arc<Inbox>,
}

impl VaspSim {
    /// Binds and answers.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub async fn start(options: VaspOptions) -> io::Result<Self> {
        Ok(Self::start_subscribed(options).await?.0)
    }

    /// The same, with a subscription that misses nothing from the beginning on; see [`VaspSim::subscribe`].
    ///
    /// # Errors
    /// The address cannot be bound.
    pub async fn start_subscribed(
        options: VaspOptions,
    ) -> io::Result<(Self, broadcast::Receiver<Arc<ReceivedCallback>>)> {
        let (listen, tls) = (options.listen, options.tls.clone());
        let scheme = if tls.is_some() { "https" } else { "http" };
        let inbox = Arc::new(Inbox::new(options));
        let subscription = inbox.subscribe();
        let for_requests = inbox.clone();
        let handler = move |request| inbox::take(for_requests.clone(), request);
        let server = Server::start_over(tls, listen, ServerLimits::default(), handler).await?;
        Ok((Self { server, scheme, inbox }, subscription))
    }

    /// Where it takes callbacks; any path behind it is as good.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.server.address())
    }

    /// The address that was bound.
    pub const fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Answers otherwise from now on.
    pub fn set_answer(&self, answer: VaspAnswer) {
        self.inbox.set_answer(answer);
    }

    /// Answers this many of the next callbacks with HTTP 500.
    pub fn fail_next(&self, callbacks: u32) {
        self.inbox.fail_next(callbacks);
    }

    /// Answers every so manyth callback with HTTP 500 from now on.
    pub fn fail_every(&self, callbacks: u32) {
        self.inbox.fail_every(callbacks);
    }

    /// The callbacks that came and are still kept, oldest first: those it failed on purpose as well.
    pub fn callbacks(&self) -> Vec<Arc<ReceivedCallback>> {
        self.inbox.kept.all()
    }

    /// How many callbacks came since it started, kept or not.
    pub fn received(&self) -> u64 {
        self.inbox.kept.received()
    }

    /// Every callback from now on. A subscriber that is more than 4096 behind loses the oldest.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<ReceivedCallback>> {
        self.inbox.subscribe()
    }

    /// Waits until the callbacks it keeps are as wanted, and gives them back; `None` when that takes too long.
    pub async fn wait_until(
        &self,
        wanted: impl Fn(&[Arc<ReceivedCallback>]) -> bool,
        wait: Duration,
    ) -> Option<Vec<Arc<ReceivedCallback>>> {
        self.inbox.kept.wait_until(wanted, wait).await
    }

    /// Takes no more callbacks, and waits a moment for those that are being answered.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}
