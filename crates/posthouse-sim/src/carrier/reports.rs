//! Delivery reports: what a carrier posts to the gateway's door.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use mm7::{
    Address, Framing, Message, MessageId, MmStatus, SeenNamespace,
    message::{DeliveryReportReq, ReportedMm},
    mime::Media,
};
use tokio::{
    sync::{Mutex as AsyncMutex, Semaphore, mpsc},
    task::JoinSet,
    time::sleep,
};

use crate::{
    carrier::{options::CarrierOptions, script::spelling},
    chance,
    http::{Client, ClientError, Credentials},
    wire::{self, Mm7Answer},
};

/// Reports that wait for their time or for the door; what comes on top is dropped and counted.
const MAX_WAITING: usize = 100_000;
/// Reports on their way at once.
const MAX_ON_THE_WAY: usize = 64;
/// How often a report is posted before it is given up.
const TRIES: u32 = 6;
/// How long after the first try the second follows; each further wait is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// The most different complaints that are printed.
const COMPLAINTS: usize = 16;
/// How long the door may take to answer.
const DOOR_TIMEOUT: Duration = Duration::from_secs(10);

/// One report.
#[derive(Clone, Debug)]
pub struct OutgoingReport {
    /// MessageID of the message.
    pub message_id: Option<MessageId>,
    /// Recipient.
    pub recipient: Option<Address>,
    /// Sender.
    pub sender: Option<Address>,
    /// MMStatus as it goes on the wire.
    pub mm_status: String,
}

/// Why nothing was sent to the gateway's door, or no answer came.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// There is no door to send to.
    #[error("the carrier does not know where the gateway is; give it the URL for its reports")]
    Nowhere,
    /// The door was not there, or did not answer.
    #[error(transparent)]
    Http(#[from] ClientError),
}

/// What became of the reports of a carrier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReportCounts {
    /// Acknowledged with 1000.
    pub delivered: u64,
    /// Given up after several tries.
    pub failed: u64,
    /// Not even tried, since too many were waiting.
    pub dropped: u64,
}

/// Posts reports and messages from handsets.
#[derive(Debug)]
pub(super) struct Reports {
    door: Mutex<Option<String>>,
    client: Client,
    shows: Option<Credentials>,
    carrier_id: String,
    framing: Framing,
    delay: Duration,
    waiting: Arc<Semaphore>,
    on_the_way: Semaphore,
    tasks: Mutex<JoinSet<()>>,
    delivered: AtomicU64,
    failed: AtomicU64,
    dropped: AtomicU64,
    /// What was complained of already.
    told: Mutex<BTreeSet<String>>,
    complain: mpsc::Sender<String>,
    complaints: AsyncMutex<mpsc::Receiver<String>>,
}

impl Reports {
    pub fn new(options: &CarrierOptions) -> Self {
        let (complain, complaints) = mpsc::channel(COMPLAINTS);
        Self {
            told: Mutex::default(),
            complain,
            complaints: AsyncMutex::new(complaints),
            door: Mutex::new(options.reports.clone()),
            client: Client::new(DOOR_TIMEOUT),
            shows: options.shows.clone(),
            carrier_id: options.carrier_id.clone(),
            framing: Framing {
                namespace: SeenNamespace::Known(options.namespace),
                version: options.version,
                transaction_id: None,
                must_understand: true,
            },
            delay: options.report_delay,
            waiting: Arc::new(Semaphore::new(MAX_WAITING)),
            on_the_way: Semaphore::new(MAX_ON_THE_WAY),
            tasks: Mutex::default(),
            delivered: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        }
    }

    pub fn set_door(&self, url: Option<String>) {
        *locked(&self.door) = url;
    }

    fn door(&self) -> Result<String, DoorError> {
        locked(&self.door).clone().ok_or(DoorError::Nowhere)
    }

    pub fn counts(&self) -> ReportCounts {
        ReportCounts {
            delivered: self.delivered.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
        }
    }

    /// Posts reports one after the other in the background, each after the delay.
    pub fn send_later(self: &Arc<Self>, reports: Vec<OutgoingReport>) {
        if reports.is_empty() || self.door().is_err() {
            return;
        }
        let Ok(place) = self.waiting.clone().try_acquire_owned() else {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let this = self.clone();
        let mut tasks = locked(&self.tasks);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(async move {
            for report in reports {
                sleep(this.delay).await;
                this.send(&report).await;
            }
            drop(place);
        });
    }

    /// Posts a report until it is acknowledged or given up.
    pub async fn send(&self, report: &OutgoingReport) {
        let mut wait = FIRST_WAIT;
        for attempt in 1..=TRIES {
            let posted = self.post_once(report).await;
            let Some(complaint) = complaint(&posted) else {
                self.count_delivered();
                return;
            };
            self.complain(complaint);
            if attempt < TRIES {
                sleep(wait).await;
                wait *= 2;
            }
        }
        self.failed.fetch_add(1, Ordering::Relaxed);
    }

    pub async fn post_once(&self, report: &OutgoingReport) -> Result<Mm7Answer, DoorError> {
        // Closed only with the carrier, and then nothing is posted any more.
        let _lane = self.on_the_way.acquire().await;
        let message = DeliveryReportReq {
            mm: ReportedMm {
                relay_server_id: Some(self.carrier_id.clone()),
                message_id: report.message_id.clone(),
                recipient: report.recipient.clone(),
                sender: report.sender.clone(),
                ..ReportedMm::default()
            },
            date: Some(wire::now()),
            mm_status: report.mm_status.clone(),
            ..DeliveryReportReq::default()
        };
        self.post(&Message::DeliveryReportReq(message), &[]).await
    }

    /// Posts any request of the carrier to the gateway's door, under a new TransactionID.
    pub async fn post(&self, message: &Message, media: &[Media]) -> Result<Mm7Answer, DoorError> {
        let framing = Framing { transaction_id: chance::transaction_id(), ..self.framing.clone() };
        let mut request = wire::post(&self.door()?, message, &framing, media)?;
        wire::authorize(&mut request, self.shows.as_ref());
        Ok(wire::send(&self.client, request).await?)
    }

    /// Tells of something for the first time.
    fn complain(&self, complaint: String) {
        let mut told = locked(&self.told);
        if told.len() < COMPLAINTS && told.insert(complaint.clone()) {
            // There is room for as many as are ever told.
            drop(self.complain.try_send(complaint));
        }
    }

    /// Waits for the next complaint.
    pub async fn complaint(&self) -> Option<String> {
        self.complaints.lock().await.recv().await
    }

    /// Counts a report that was acknowledged at once.
    pub fn count_delivered(&self) {
        self.delivered.fetch_add(1, Ordering::Relaxed);
    }

    /// Ends what is waiting or on its way.
    pub fn abandon(&self) {
        locked(&self.tasks).abort_all();
    }
}

/// Why a report was not acknowledged.
fn complaint(posted: &Result<Mm7Answer, DoorError>) -> Option<String> {
    match posted {
        Ok(answer) if answer.is_success() => None,
        Ok(answer) => Some(match (answer.code(), answer.text()) {
            (Some(code), Some(text)) => format!("refused: {code} {text}"),
            _ => format!("refused: HTTP {}", answer.http_status),
        }),
        Err(error) => Some(error.to_string()),
    }
}

impl OutgoingReport {
    /// A report that says nothing but this status, as a carrier spells it.
    pub fn new(status: MmStatus) -> Self {
        Self { message_id: None, recipient: None, sender: None, mm_status: spelling(status).to_owned() }
    }
}

/// No holder does anything that could leave the value half changed.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
