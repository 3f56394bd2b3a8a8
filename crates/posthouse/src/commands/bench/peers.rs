//! The carrier and the VASP of a measurement: they answer what has to be answered and no more, since they share the machine with
//! what is measured.

use std::{
    collections::{HashSet, VecDeque},
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use mm7::{
    Address, Framing, Message, MessageId, MmStatus, Namespace, StatusCode, TransactionId, Version,
    message::{DeliveryReportReq, Operation, ReportedMm, Status, SubmitRsp},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Notify, Semaphore},
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};

use super::bodies::scattered;
use super::wire::{BenchConnection, WireMessage, element, number};

/// How long after its answer the carrier reports.
const REPORT_DELAY: Duration = Duration::from_millis(50);
/// How many reports are on their way at a time.
const REPORTERS: usize = 32;
/// How long a report that was not acknowledged waits.
const AGAIN: Duration = Duration::from_millis(200);
/// Texts that stand for what is filled in; nothing that is written contains them.
const TRANSACTION: &str = "TRANSACTION";
const MESSAGE: &str = "MESSAGE";

/// A message that is written over and over, with other ids in it.
struct Form {
    /// What stands between the ids, and which id follows.
    pieces: Vec<(Vec<u8>, Option<Slot>)>,
}

#[derive(Clone, Copy)]
enum Slot {
    Transaction,
    Message,
}

impl Form {
    fn new(message: &Message) -> Option<Self> {
        let transaction_id = TransactionId::new(TRANSACTION).ok();
        let framing = Framing::new(Namespace::LATEST, Version::V6_8_0, transaction_id);
        let text = String::from_utf8(mm7::encode(message, &framing)).ok()?;
        let mut pieces = Vec::new();
        let mut rest = text.as_str();
        loop {
            let found = [(TRANSACTION, Slot::Transaction), (MESSAGE, Slot::Message)]
                .into_iter()
                .filter_map(|(text, slot)| Some((rest.find(&format!(">{text}<"))? + 1, text.len(), slot)))
                .min_by_key(|(at, ..)| *at);
            let Some((at, length, slot)) = found else { break };
            pieces.push((rest.get(..at)?.as_bytes().to_vec(), Some(slot)));
            rest = rest.get(at + length..)?;
        }
        pieces.push((rest.as_bytes().to_vec(), None));
        Some(Self { pieces })
    }

    /// The message behind a head, which is completed with its length.
    fn fill(&self, head: &str, transaction: &[u8], message: &[u8]) -> Vec<u8> {
        let filled = |slot: &Option<Slot>| match slot {
            Some(Slot::Transaction) => transaction,
            Some(Slot::Message) => message,
            None => &[],
        };
        let length: usize = self.pieces.iter().map(|(piece, slot)| piece.len() + filled(slot).len()).sum();
        let mut bytes = format!("{head}Content-Length: {length}\r\n\r\n").into_bytes();
        for (piece, slot) in &self.pieces {
            bytes.extend_from_slice(piece);
            bytes.extend_from_slice(filled(slot));
        }
        bytes
    }
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/xml; charset=utf-8\r\n";

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is answered to a request.
type Answering = Arc<dyn Fn(&WireMessage<'_>) -> Vec<u8> + Send + Sync>;

/// Answers every message that comes, over any number of connections, till it is dropped.
async fn serve(listener: TcpListener, answer: Answering) {
    let mut connections = JoinSet::new();
    loop {
        // Out of file descriptors at worst: the gateway tries again.
        let Ok((stream, _)) = listener.accept().await else { continue };
        while connections.try_join_next().is_some() {}
        connections.spawn(serve_connection(stream, Arc::clone(&answer)));
    }
}

async fn serve_connection(stream: TcpStream, answer: Answering) -> io::Result<()> {
    let mut wire = BenchConnection::new(stream)?;
    while let Some(request) = wire.next().await? {
        let answer = answer(&request);
        wire.send(&answer).await?;
    }
    Ok(())
}

/// The carrier: takes every SubmitReq, and reports Retrieved a moment later.
pub struct BenchCarrier {
    tasks: JoinSet<()>,
}

struct Desk {
    accepted: Form,
    report: Form,
    numbers: AtomicU64,
    due: Mutex<VecDeque<(Instant, u64)>>,
    bell: Notify,
}

impl BenchCarrier {
    /// Opens at an address, and reports to a door of the gateway.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub async fn open(address: SocketAddr, door: &str) -> anyhow::Result<Self> {
        let uri: http::Uri = door.parse()?;
        let authority = uri.authority().map(ToString::to_string).unwrap_or_default();
        let door: SocketAddr = authority.parse()?;
        let head = format!(
            "POST {} HTTP/1.1\r\nHost: {authority}\r\nContent-Type: text/xml; charset=utf-8\r\nSOAPAction: \"\"\r\n",
            uri.path()
        );
        let listener = TcpListener::bind(address).await?;
        let desk =
            Arc::new(Desk::new().ok_or_else(|| anyhow::anyhow!("the carrier's answers cannot be written"))?);
        let mut tasks = JoinSet::new();
        for _ in 0..REPORTERS {
            tasks.spawn(report_all(Arc::clone(&desk), door, head.clone()));
        }
        tasks.spawn(serve(listener, Arc::new(move |request| desk.take(request))));
        Ok(Self { tasks })
    }

    /// Hangs up, and reports nothing more.
    pub async fn close(mut self) {
        self.tasks.shutdown().await;
    }
}

impl Desk {
    fn new() -> Option<Self> {
        let message_id = MessageId::new(MESSAGE).ok();
        let status = Status::from(StatusCode::Success);
        let accepted = Message::SubmitRsp(SubmitRsp { status, message_id: message_id.clone() });
        let report = Message::DeliveryReportReq(DeliveryReportReq {
            mm: ReportedMm {
                message_id,
                recipient: Some(Address::Number("16175550100".to_owned())),
                sender: Some(Address::ShortCode("111122".to_owned())),
                ..ReportedMm::default()
            },
            date: Some(Timestamp::UNIX_EPOCH),
            mm_status: MmStatus::Retrieved.as_str().to_owned(),
            ..DeliveryReportReq::default()
        });
        // A carrier that opens again goes on with other MessageIDs.
        let first = u64::try_from(Timestamp::now().as_millisecond()).unwrap_or(0) << 20;
        Some(Self {
            accepted: Form::new(&accepted)?,
            report: Form::new(&report)?,
            numbers: AtomicU64::new(first),
            due: Mutex::default(),
            bell: Notify::new(),
        })
    }

    fn take(&self, request: &WireMessage<'_>) -> Vec<u8> {
        let transaction = element(request.body, "TransactionID").unwrap_or_default();
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        locked(&self.due).push_back((Instant::now() + REPORT_DELAY, number));
        self.bell.notify_one();
        self.accepted.fill(OK, transaction, message_id(number).as_bytes())
    }

    async fn next(&self) -> u64 {
        loop {
            let next = locked(&self.due).pop_front();
            match next {
                Some((due, number)) => {
                    sleep_until(due).await;
                    return number;
                }
                None => self.bell.notified().await,
            }
        }
    }
}

/// MessageIDs do not ascend, as carriers' do not.
fn message_id(number: u64) -> String {
    format!("carrier-{:016x}", scattered(number))
}

/// Reports one message after the other, each till it is acknowledged.
async fn report_all(desk: Arc<Desk>, door: SocketAddr, head: String) {
    let mut wire = None;
    loop {
        let number = desk.next().await;
        let request = desk.report.fill(
            &head,
            format!("{:016x}", scattered(number)).as_bytes(),
            message_id(number).as_bytes(),
        );
        while !acknowledged(&mut wire, door, &request).await.unwrap_or(false) {
            wire = None;
            sleep(AGAIN).await;
        }
    }
}

async fn acknowledged(
    wire: &mut Option<BenchConnection>,
    door: SocketAddr,
    request: &[u8],
) -> io::Result<bool> {
    if wire.is_none() {
        *wire = Some(BenchConnection::connect(door).await?);
    }
    let Some(wire) = wire else { return Ok(false) };
    wire.send(request).await?;
    Ok(element(wire.receive().await?.body, "StatusCode") == Some(b"1000"))
}

/// The VASP: acknowledges every report, and remembers which messages ended.
pub struct Vasp {
    address: SocketAddr,
    inbox: Arc<Inbox>,
    _serving: JoinSet<()>,
}

#[derive(Default)]
struct Inbox {
    ended: Mutex<Ended>,
    count: Arc<AtomicU64>,
    room: Mutex<Option<Arc<Semaphore>>>,
}

#[derive(Default)]
struct Ended {
    ids: HashSet<i64>,
    last: Option<Instant>,
}

impl Vasp {
    /// Opens on a free port.
    ///
    /// # Errors
    /// None is free.
    pub async fn open() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let inbox = Arc::new(Inbox::default());
        let acknowledgement = Form::new(&Operation::DeliveryReport.response(StatusCode::Success.into()))
            .ok_or_else(|| anyhow::anyhow!("the VASP's answers cannot be written"))?;
        let for_requests = Arc::clone(&inbox);
        let mut serving = JoinSet::new();
        serving.spawn(serve(
            listener,
            Arc::new(move |request| {
                for_requests.take(request);
                let transaction = element(request.body, "TransactionID").unwrap_or_default();
                acknowledgement.fill(OK, transaction, &[])
            }),
        ));
        Ok(Self { address, inbox, _serving: serving })
    }

    /// Where it takes reports.
    pub fn url(&self) -> String {
        format!("http://{}/reports", self.address)
    }

    /// Gives a permit for each message that ends from now on.
    pub fn gives_room(&self, room: Option<Arc<Semaphore>>) {
        *locked(&self.inbox.room) = room;
    }

    /// How many messages ended so far, as a count that can be watched.
    pub fn count(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.inbox.count)
    }

    /// How many of these messages have not ended.
    pub fn missing(&self, ids: &[i64]) -> usize {
        let ended = locked(&self.inbox.ended);
        ids.iter().filter(|id| !ended.ids.contains(id)).count()
    }

    /// When the last terminal report came.
    pub fn last(&self) -> Option<Instant> {
        locked(&self.inbox.ended).last
    }
}

impl Inbox {
    fn take(&self, request: &WireMessage<'_>) {
        let status = element(request.body, "MMStatus").unwrap_or_default();
        let is_terminal =
            ![MmStatus::Forwarded, MmStatus::Deferred].iter().any(|open| open.as_str().as_bytes() == status);
        let Some(id) = element(request.body, "MessageID").and_then(number).filter(|_| is_terminal) else {
            return;
        };
        let mut ended = locked(&self.ended);
        ended.last = Some(Instant::now());
        if ended.ids.insert(id) {
            self.count.fetch_add(1, Ordering::Relaxed);
            locked(&self.room).iter().for_each(|room| room.add_permits(1));
        }
    }
}
