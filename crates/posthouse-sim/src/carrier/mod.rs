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
mod options;
mod read_reply;
mod reports;
mod routes;
mod script;
mod view;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use mm7::{Message, mime::Media};

use crate::{
    http::{Server, ServerLimits},
    wire::Mm7Answer,
};

use desk::Desk;
pub use kept::KeptMessage;
pub use mo::{HandsetMessage, MoError, MoPart};
pub use options::CarrierOptions;
pub use read_reply::{ReadReply, ReadReplyError};
pub use reports::{DoorError, OutgoingReport, ReportCounts};
pub use script::Script;

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
