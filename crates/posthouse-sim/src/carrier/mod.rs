//! A simulated carrier: an MMS Relay/Server that does what the recipient's last four digits say ([`Script`]).
//!
//! It judges what it is sent as TS 23.140 does, to the letter: a request that breaks a rule of the schema, has no
//! content, or refers to a part that is not there is answered 4004 with what is wrong with it in Details.
//!
//! Over HTTP it takes SubmitReq by POST to its path, gives back what it was sent at `GET /sim/messages`, and sends a
//! message from a handset on `POST /sim/deliver`, a read reply on `POST /sim/read-reply`.

mod answer;
mod attempts;
mod desk;
mod examine;
mod kept;
mod mo;
mod read_reply;
mod reports;
mod routes;
mod script;
mod view;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use mm7::{Message, Namespace, Version, mime::Media};

use crate::{
    http::{Credentials, Server, ServerLimits},
    wire::Mm7Answer,
};

use desk::Desk;
pub use kept::KeptMessage;
pub use mo::{HandsetMessage, MoError, MoPart};
pub use read_reply::{ReadReply, ReadReplyError};
pub use reports::{DoorError, OutgoingReport, ReportCounts};
pub use script::Script;

/// How a simulated carrier is set up.
#[derive(Clone, Debug)]
pub struct CarrierOptions {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The path that takes SubmitReq.
    pub path: String,
    /// Its id, which MessageIDs begin with.
    pub carrier_id: String,
    /// Where reports and messages from handsets go: the gateway's door for this carrier. None are sent without.
    pub reports: Option<String>,
    /// How long after the answer a report goes out, and after one report the next.
    pub report_delay: Duration,
    /// How long an answer takes.
    pub latency: Duration,
    /// The share of requests that is answered 4006 whatever the recipient: 0 is none, 1 all.
    pub error_rate: f64,
    /// What decides which requests these are; the same seed decides the same again.
    pub seed: u64,
    /// The credentials that requests must show; anything else is answered 401.
    pub expects: Option<Credentials>,
    /// The credentials that it shows when it posts to `reports`.
    pub shows: Option<Credentials>,
    /// The namespace of its own requests; answers are in the caller's.
    pub namespace: Namespace,
    /// MM7Version of its own requests.
    pub version: Version,
    /// How many requests are kept; the oldest go first.
    pub keep_messages: usize,
    /// How many bytes of requests are kept.
    pub keep_bytes: usize,
}

impl CarrierOptions {
    /// A carrier on a free port of the loopback, that answers at once and reports nothing until it is told where.
    pub fn new(carrier_id: impl Into<String>) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            path: "/mm7".to_owned(),
            carrier_id: carrier_id.into(),
            reports: None,
            report_delay: Duration::ZERO,
            latency: Duration::ZERO,
            error_rate: 0.0,
            seed: 1,
            expects: None,
            shows: None,
            namespace: Namespace::LATEST,
            version: Version::V6_8_0,
            keep_messages: 10_000,
            keep_bytes: 256 * 1024 * 1024,
        }
    }
}

/// A running carrier; dropping it ends it at once.
#[derive(Debug)]
pub struct CarrierSim {
    server: Server,
    desk: Arc<Desk>,
}

impl CarrierSim {
    /// Binds and answers.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub async fn start(options: CarrierOptions) -> io::Result<Self> {
        let listen = options.listen;
        let desk = Arc::new(Desk::new(options));
        let for_requests = desk.clone();
        let server = Server::start(listen, ServerLimits::default(), move |request| {
            routes::route(for_requests.clone(), request)
        })
        .await?;
        Ok(Self { server, desk })
    }

    /// Where it takes SubmitReq.
    pub fn url(&self) -> String {
        format!("http://{}{}", self.server.address(), self.desk.options.path)
    }

    /// The address that was bound.
    pub const fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Sends reports and messages from handsets to another door from now on, or nowhere.
    pub fn set_reports(&self, url: Option<String>) {
        self.desk.reports.set_door(url);
    }

    /// The requests it was sent and still keeps, oldest first.
    pub fn messages(&self) -> Vec<Arc<KeptMessage>> {
        self.desk.kept.all()
    }

    /// How many requests it was sent since it started, kept or not.
    pub fn received(&self) -> u64 {
        self.desk.kept.received()
    }

    /// What became of its reports.
    pub fn report_counts(&self) -> ReportCounts {
        self.desk.reports.counts()
    }

    /// What it finds wrong with the door that its reports go to.
    pub fn complaints(&self) -> Complaints {
        Complaints(Arc::clone(&self.desk))
    }

    /// Waits until the requests it keeps are as wanted, and gives them back; `None` when that takes too long.
    pub async fn wait_until(
        &self,
        wanted: impl Fn(&[Arc<KeptMessage>]) -> bool,
        wait: Duration,
    ) -> Option<Vec<Arc<KeptMessage>>> {
        self.desk.kept.wait_until(wanted, wait).await
    }

    /// Posts one report, once, whatever the digits say.
    ///
    /// # Errors
    /// There is no door to post to, or no answer came.
    pub async fn report(&self, report: &OutgoingReport) -> Result<Mm7Answer, DoorError> {
        self.desk.reports.post_once(report).await
    }

    /// Sends a message from a handset to the gateway.
    ///
    /// # Errors
    /// Every [`MoError`]; a refusal is an [`Mm7Answer`].
    pub async fn deliver(&self, message: &HandsetMessage) -> Result<Mm7Answer, MoError> {
        mo::deliver(&self.desk, message).await
    }

    /// Sends a read reply about a message that it keeps.
    ///
    /// # Errors
    /// Every [`ReadReplyError`]; a refusal is an [`Mm7Answer`].
    pub async fn read_reply(&self, reply: &ReadReply) -> Result<Mm7Answer, ReadReplyError> {
        read_reply::send(&self.desk, reply).await
    }

    /// Posts any other request of a carrier, once, under a new TransactionID: one of its own making.
    ///
    /// # Errors
    /// There is no door to post to, or no answer came.
    pub async fn post(&self, message: &Message, media: &[Media]) -> Result<Mm7Answer, DoorError> {
        self.desk.reports.post(message, media).await
    }

    /// Takes no more requests, gives up the reports that are not out yet, and waits a moment for what is under way.
    pub async fn stop(self) {
        self.desk.reports.abandon();
        self.server.stop().await;
    }
}

/// What is wrong with the door that a carrier's reports go to, such as refused credentials or no listener. Each is told once.
#[derive(Clone, Debug)]
pub struct Complaints(Arc<Desk>);

impl Complaints {
    /// Waits for the next; `None` once there will be none.
    pub async fn next(&self) -> Option<String> {
        self.0.reports.complaint().await
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.reports.abandon();
    }
}
