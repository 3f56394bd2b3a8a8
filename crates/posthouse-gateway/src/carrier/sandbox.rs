//! The carrier inside of the gateway, to which accounts of the status `sandbox` send: it does what the recipient's last four digits say,
//! as `posthouse simulate` does, without a socket. Its reports go the way of all others.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::HeaderValue;
use jiff::SignedDuration;
use mm7::{MmStatus, StatusCode};
use posthouse_core::{
    Id,
    account::{AccountName, AccountStatus},
    address::Msisdn,
    carrier::{CarrierId, Connection, SANDBOX},
    life::{classify::Said, state::State},
    message::{CarrierReport, Submission},
    store::{MessageFilter, Store, ToSend},
    time::Clock,
};
use tokio::{sync::Semaphore, time::sleep};
use tokio_util::sync::CancellationToken;

use super::connector::{Attempt, Connector, Unwritable};
use crate::{handoff::callbacks::CallbackHandoff, snapshot::SnapshotCell, spawn::spawn};

/// How many messages may await reports at a time. Those beyond get none, and end as Indeterminate.
const MOST_WAITING: usize = 10_000;
/// How long it waits before each report.
const REPORT_DELAY: Duration = Duration::from_millis(500);
/// How often it is looked for reports that were not made.
const LOOKED_EVERY: Duration = Duration::from_secs(10);
/// A message that was taken this long ago and not reported is nobody's: whoever was to report it has ended.
const LEFT: SignedDuration = SignedDuration::from_secs(5);
/// What was taken longer ago has ended as Indeterminate.
const LOOKED_BACK: SignedDuration = SignedDuration::from_mins(15);
/// How many messages of an account are looked at.
const MOST_LEFT: usize = 1_000;
/// What most numbers report.
const RETRIEVED: &[MmStatus] = &[MmStatus::Retrieved];
/// How often a busy number is answered so before the message is taken.
const BUSY: u32 = 3;

/// What is done with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SandboxScript {
    /// Refused with this code: a 4xxx code of the table, 2002 or 2004.
    Refuse(StatusCode),
    /// Never answered: 3500.
    Silence,
    /// Taken, and reported so one after the other.
    Accept(&'static [MmStatus]),
    /// Reported as Retrieved before it is taken: 9010.
    ReportFirst,
    /// 4006 three times, then taken: 9012.
    BusyThrice,
    /// HTTP 500 without a body once, then taken: 9013.
    ServerErrorOnce,
    /// The answer breaks off: 9015.
    CutAnswer,
}

impl SandboxScript {
    /// The script of a number.
    fn of(recipient: &str) -> Self {
        let last = recipient.len().checked_sub(4).and_then(|start| recipient.get(start..));
        let accept = Self::Accept;
        match last.and_then(|digits| digits.parse::<u32>().ok()) {
            Some(code @ (2002 | 2004 | 4000..=4999)) => {
                StatusCode::from_code(code).map_or(accept(&[MmStatus::Retrieved]), Self::Refuse)
            }
            Some(3500) => Self::Silence,
            Some(9002) => accept(&[MmStatus::Expired]),
            Some(9003) => accept(&[MmStatus::Rejected]),
            Some(9004) => accept(&[MmStatus::Deferred, MmStatus::Retrieved]),
            Some(9005) => accept(&[MmStatus::Indeterminate]),
            Some(9006) => accept(&[MmStatus::Unrecognized]),
            Some(9007) => accept(&[MmStatus::Unreachable]),
            Some(9008) => accept(&[]),
            Some(9010) => Self::ReportFirst,
            Some(9011) => accept(&[MmStatus::Retrieved, MmStatus::Retrieved]),
            Some(9012) => Self::BusyThrice,
            Some(9013) => Self::ServerErrorOnce,
            Some(9014) => Self::Refuse(StatusCode::ServiceDenied),
            Some(9015) => Self::CutAnswer,
            _ => accept(&[MmStatus::Retrieved]),
        }
    }
}

/// Where the reports of the carrier inside of the gateway come from.
pub struct SandboxDesk {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    callbacks: Arc<CallbackHandoff>,
    waiting: Arc<Semaphore>,
    stop: CancellationToken,
}

impl SandboxDesk {
    /// One that records its reports in this store, till the gateway stops.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        callbacks: Arc<CallbackHandoff>,
        stop: CancellationToken,
    ) -> Self {
        Self { store, clock, callbacks, waiting: Arc::new(Semaphore::new(MOST_WAITING)), stop }
    }

    /// Reports these, one after the other.
    fn report_later(self: &Arc<Self>, about: &ToSend, statuses: &'static [MmStatus]) {
        let Ok(place) = Arc::clone(&self.waiting).try_acquire_owned() else {
            tracing::warn!(id = %about.id, "the sandbox has too much to report: this message gets no report");
            return;
        };
        let (desk, about) = (Arc::clone(self), Reported::of(about));
        // There are as many of these as there are places, and each ends after a few delays.
        drop(spawn(async move {
            tokio::select! {
                () = desk.stop.cancelled() => {}
                () = desk.report_all(&about, statuses) => {}
            }
            drop(place);
        }));
    }

    /// Makes the reports of which a restart came in between, till the gateway stops.
    pub async fn keep(self: Arc<Self>, snapshot: Arc<SnapshotCell>) {
        loop {
            for account in snapshot.get().accounts().filter(|one| one.status == AccountStatus::Sandbox) {
                self.report_left(&account.name).await;
            }
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = sleep(LOOKED_EVERY) => {}
            }
        }
    }

    /// Reports what of this account was taken and is reported by nobody.
    async fn report_left(&self, account: &AccountName) {
        let now = self.clock.now();
        let filter = MessageFilter {
            since: now.checked_sub(LOOKED_BACK).ok(),
            account: Some(account.clone()),
            carrier: Some(CarrierId(SANDBOX.to_owned())),
            states: vec![State::Forwarded, State::Deferred],
            ..MessageFilter::default()
        };
        let found = match self.store.messages(&filter, MOST_LEFT).await {
            Ok(found) => found,
            Err(error) => {
                tracing::debug!(%error, "it cannot be told which reports of the sandbox are left");
                return;
            }
        };
        for message in found {
            if now.duration_since(message.changed_at) < LEFT {
                continue;
            }
            let about = Reported::new(message.id, &message.submission);
            for status in owed(message.submission.recipient.as_str(), message.state) {
                self.report(&about, *status).await;
            }
        }
    }

    async fn report_all(&self, about: &Reported, statuses: &[MmStatus]) {
        for status in statuses {
            sleep(REPORT_DELAY).await;
            self.report(about, *status).await;
        }
    }

    async fn report(&self, about: &Reported, status: MmStatus) {
        let report = CarrierReport {
            carrier: CarrierId(SANDBOX.to_owned()),
            carrier_message_id: about.carrier_message_id.clone(),
            recipient: Some(about.recipient.clone()),
            sender: Some(about.sender.clone()),
            status,
            said: status.as_str().to_owned(),
            odd: String::new(),
            received_at: self.clock.now(),
        };
        let taking = self.callbacks.taking();
        match self.store.record_report(report, Some(taking.clone())).await {
            Ok(recorded) => {
                taking.hand_on(recorded);
            }
            Err(error) => tracing::warn!(%error, "a report of the sandbox could not be recorded"),
        }
    }
}

/// What reports are about.
struct Reported {
    carrier_message_id: String,
    recipient: Msisdn,
    sender: String,
}

impl Reported {
    fn of(send: &ToSend) -> Self {
        Self::new(send.id, &send.submission)
    }

    fn new(id: Id, submission: &Submission) -> Self {
        Self {
            carrier_message_id: format!("{SANDBOX}-{id}"),
            recipient: submission.recipient.clone(),
            sender: submission.sender.clone(),
        }
    }
}

/// The reports that are owed of a message that was taken and stands there.
fn owed(recipient: &str, state: State) -> &'static [MmStatus] {
    let all: &'static [MmStatus] = match SandboxScript::of(recipient) {
        SandboxScript::Accept(statuses) => statuses,
        _ => RETRIEVED,
    };
    // What follows the Deferred that it had.
    let had = if state == State::Deferred { 1 } else { 0 };
    all.get(had..).unwrap_or_default()
}

/// The connection to the carrier inside of the gateway.
pub struct SandboxConnector {
    connection: Connection,
    desk: Arc<SandboxDesk>,
}

impl SandboxConnector {
    /// One to this desk.
    pub fn new(connection: &Connection, desk: &Arc<SandboxDesk>) -> Self {
        Self { connection: connection.clone(), desk: Arc::clone(desk) }
    }

    fn taken(&self, send: &ToSend, statuses: &'static [MmStatus]) -> Attempt {
        self.desk.report_later(send, statuses);
        Attempt {
            carrier_message_id: Some(Reported::of(send).carrier_message_id),
            ..answered(StatusCode::Success)
        }
    }
}

fn answered(code: StatusCode) -> Attempt {
    Attempt {
        said: Said::Mm7(code.code().into()),
        carrier_message_id: None,
        words: code.to_string(),
        details: None,
        retry_after: None,
    }
}

fn without_mm7(said: Said, words: &str) -> Attempt {
    Attempt { said, carrier_message_id: None, words: words.to_owned(), details: None, retry_after: None }
}

impl Connector for SandboxConnector {
    fn connection(&self) -> &Connection {
        &self.connection
    }

    async fn submit(
        &self,
        send: &ToSend,
        _: &[Bytes],
        _: Option<HeaderValue>,
        _: Option<crate::telemetry::captures::Tap<'_>>,
    ) -> Result<Attempt, Unwritable> {
        Ok(match SandboxScript::of(send.submission.recipient.as_str()) {
            SandboxScript::Refuse(code) => answered(code),
            SandboxScript::Silence => {
                sleep(self.connection.timeout).await;
                without_mm7(Said::NoAnswer, "no answer: this number of the sandbox never has one")
            }
            SandboxScript::Accept(statuses) => self.taken(send, statuses),
            SandboxScript::ReportFirst => {
                self.desk.report(&Reported::of(send), MmStatus::Retrieved).await;
                self.taken(send, &[])
            }
            SandboxScript::BusyThrice if send.attempts < BUSY => answered(StatusCode::ServiceUnavailable),
            SandboxScript::ServerErrorOnce if send.attempts == 0 => without_mm7(Said::Http(500), "HTTP 500"),
            SandboxScript::BusyThrice | SandboxScript::ServerErrorOnce => self.taken(send, RETRIEVED),
            SandboxScript::CutAnswer => {
                without_mm7(Said::NoAnswer, "no answer: it broke off, as this number of the sandbox has it")
            }
        })
    }

    async fn probe(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_owed_after_a_restart_is_what_was_not_reported() {
        for (number, state, statuses) in [
            ("16175550100", State::Forwarded, &[MmStatus::Retrieved][..]),
            ("16175559003", State::Forwarded, &[MmStatus::Rejected]),
            ("16175559004", State::Forwarded, &[MmStatus::Deferred, MmStatus::Retrieved]),
            ("16175559004", State::Deferred, &[MmStatus::Retrieved]),
            ("16175559008", State::Forwarded, &[]),
            ("16175559012", State::Forwarded, &[MmStatus::Retrieved]),
        ] {
            assert_eq!(owed(number, state), statuses, "{number}");
        }
    }

    #[test]
    fn the_last_four_digits_say_what_is_done() {
        for (number, script) in [
            ("16175550100", SandboxScript::Accept(&[MmStatus::Retrieved])),
            ("16175554006", SandboxScript::Refuse(StatusCode::ServiceUnavailable)),
            ("16175552004", SandboxScript::Refuse(StatusCode::MultimediaRefused)),
            ("16175554999", SandboxScript::Accept(&[MmStatus::Retrieved])),
            ("16175553500", SandboxScript::Silence),
            ("16175559004", SandboxScript::Accept(&[MmStatus::Deferred, MmStatus::Retrieved])),
            ("16175559008", SandboxScript::Accept(&[])),
            ("16175559010", SandboxScript::ReportFirst),
            ("16175559011", SandboxScript::Accept(&[MmStatus::Retrieved, MmStatus::Retrieved])),
            ("16175559012", SandboxScript::BusyThrice),
            ("16175559013", SandboxScript::ServerErrorOnce),
            ("16175559014", SandboxScript::Refuse(StatusCode::ServiceDenied)),
            ("16175559015", SandboxScript::CutAnswer),
            ("911", SandboxScript::Accept(&[MmStatus::Retrieved])),
        ] {
            assert_eq!(SandboxScript::of(number), script, "{number}");
        }
    }
}
