//! Two carriers and a VASP that do what the seed says, and remember what they saw.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use mm7::{
    Decoded, Framing, Message, MessageId, MmStatus, Namespace, StatusCode, TransactionId, Version,
    message::{
        DeliveryReportReq, ErrorRsp, Fault, FaultCode, FaultDetail, ReadReplyReq, ReportedMm, SubmitReq,
        SubmitRsp,
    },
};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    time::sleep,
};

use super::{chance::Chance, wire};

/// What a carrier answers to one SubmitReq.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Play {
    /// 1000, after this many milliseconds.
    Take(u64),
    /// 1000, dressed wrongly: in HTTP 500, in a Fault, or under another TransactionID.
    TakeBadly(u64),
    /// 4006 or HTTP 503: to be repeated.
    Busy,
    /// 4007.
    Refuse,
    /// Takes it, or not, and never answers.
    Silent(bool),
    /// Takes it, or not, and hangs up, or stops in the middle of the answer.
    Cut(bool),
    /// Takes it, or not, and answers a page.
    Page(bool),
}

impl Play {
    /// Whether the carrier has the message.
    pub const fn takes(self) -> bool {
        match self {
            Self::Take(_) | Self::TakeBadly(_) => true,
            Self::Silent(takes) | Self::Cut(takes) | Self::Page(takes) => takes,
            Self::Busy | Self::Refuse => false,
        }
    }

    /// Whether the gateway may send the message again after it. `unheard`: its answer, if there was one, did not reach the gateway in
    /// time.
    pub const fn may_be_repeated(self, resends: bool, unheard: bool) -> bool {
        match self {
            Self::Busy => true,
            Self::Silent(_) | Self::Cut(_) | Self::Page(_) => resends,
            Self::Take(_) | Self::TakeBadly(_) | Self::Refuse => resends && unheard,
        }
    }
}

/// What the peers saw.
#[derive(Default)]
pub struct Seen {
    /// What each carrier answered, by the gateway's TransactionID.
    pub plays: HashMap<String, Vec<Play>>,
    /// The subject under each TransactionID.
    pub subjects: HashMap<String, String>,
    /// The statuses that the carrier reported, and the gateway took, by the gateway's TransactionID.
    pub reported: HashMap<String, Vec<MmStatus>>,
    /// The statuses that the VASP acknowledged, by MessageID, in order.
    pub acknowledged: HashMap<String, Vec<MmStatus>>,
    /// The read replies that the carrier told, and the gateway took, by the gateway's TransactionID.
    pub read: HashMap<String, BTreeSet<String>>,
    /// The read replies that the VASP acknowledged, by MessageID.
    pub read_acknowledged: HashMap<String, BTreeSet<String>>,
    /// Requests that no peer could read, and reports that the gateway did not take.
    pub wrong: Vec<String>,
}

/// The peers.
pub struct Peers {
    chance: Chance,
    seen: Mutex<Seen>,
    /// Exchanges under way.
    pub open: AtomicUsize,
    /// Counts everything that happens.
    pub steps: AtomicUsize,
    door: Mutex<String>,
    vasp_is_down: std::sync::atomic::AtomicBool,
}

impl Peers {
    pub fn new(chance: Chance) -> Arc<Self> {
        Arc::new(Self {
            chance,
            seen: Mutex::default(),
            open: AtomicUsize::new(0),
            steps: AtomicUsize::new(0),
            door: Mutex::default(),
            vasp_is_down: false.into(),
        })
    }

    pub fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap()
    }

    /// Where the gateway takes reports.
    pub fn set_door(&self, url: &str) {
        url.clone_into(&mut self.door.lock().unwrap());
    }

    pub fn set_vasp_down(&self, down: bool) {
        self.vasp_is_down.store(down, Ordering::Relaxed);
    }

    /// Starts a carrier; its address.
    pub async fn carrier(self: &Arc<Self>, id: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/mm7", listener.local_addr().unwrap());
        let peers = Arc::clone(self);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let peers = Arc::clone(&peers);
                tokio::spawn(async move { peers.busy(peers.submit(id, stream)).await });
            }
        });
        url
    }

    /// Starts the VASP; its address.
    pub async fn vasp(self: &Arc<Self>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/reports", listener.local_addr().unwrap());
        let peers = Arc::clone(self);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let peers = Arc::clone(&peers);
                tokio::spawn(async move { peers.busy(peers.callback(stream)).await });
            }
        });
        url
    }

    async fn busy(&self, work: impl Future<Output = Option<()>>) {
        self.open.fetch_add(1, Ordering::Relaxed);
        self.steps.fetch_add(1, Ordering::Relaxed);
        work.await;
        self.steps.fetch_add(1, Ordering::Relaxed);
        self.open.fetch_sub(1, Ordering::Relaxed);
    }

    /// What the carrier does at this attempt of this message.
    fn play(&self, id: u64, attempt: u64) -> Play {
        let wait = self.chance.below(4, "wait", id) * 700;
        let takes = self.chance.percent(50, "takes", id);
        match self.chance.below(100, "play", id.wrapping_add(attempt << 50)) {
            // Busy at most four times, so that each message ends long before it expires.
            0..=24 if attempt < 4 => Play::Busy,
            25..=29 => Play::Refuse,
            30..=34 => Play::Silent(takes),
            35..=41 => Play::Cut(takes),
            42..=44 => Play::Page(takes),
            45..=51 => Play::TakeBadly(wait),
            52..=55 => Play::Take(15_000),
            _ => Play::Take(wait),
        }
    }

    async fn submit(self: &Arc<Self>, carrier: &'static str, mut stream: TcpStream) -> Option<()> {
        let (head, body) = wire::read(&mut stream).await?;
        let decoded = wire::decode(&head, body)?;
        let (Some(Message::SubmitReq(req)), Some(transaction)) = (&decoded.message, &decoded.transaction_id)
        else {
            self.seen().wrong.push(format!("carrier {carrier} got a {:?}", decoded.operation));
            return None;
        };
        let transaction = transaction.as_str().to_owned();
        let number = transaction.parse().unwrap_or(0);
        let attempt = self.seen().plays.get(&transaction).map_or(0, |plays| plays.len() as u64);
        let play = self.play(number, attempt);
        {
            let mut seen = self.seen();
            seen.plays.entry(transaction.clone()).or_default().push(play);
            seen.subjects.insert(transaction.clone(), req.subject.clone().unwrap_or_default());
        }
        if play.takes() {
            self.report_later(carrier, number, req.clone());
            self.read_later(carrier, number, req.clone());
        }
        self.perform(play, number, &decoded, &mut stream).await
    }

    async fn perform(
        &self,
        play: Play,
        number: u64,
        decoded: &Decoded,
        stream: &mut TcpStream,
    ) -> Option<()> {
        let framing = Framing::answering(decoded);
        let taken = wire::mm7_answer(&took(number), &framing);
        match play {
            Play::Take(wait) => {
                sleep(Duration::from_millis(wait)).await;
                stream.write_all(&taken).await.ok()
            }
            Play::TakeBadly(wait) => {
                sleep(Duration::from_millis(wait)).await;
                stream.write_all(&self.badly(number, &framing)).await.ok()
            }
            Play::Busy if number.is_multiple_of(2) => {
                stream.write_all(&wire::answer("503 Busy", b"")).await.ok()
            }
            Play::Busy => stream.write_all(&refusal(StatusCode::ServiceUnavailable, &framing)).await.ok(),
            Play::Refuse => stream.write_all(&refusal(StatusCode::ServiceDenied, &framing)).await.ok(),
            // Till the gateway gives up.
            Play::Silent(_) => wire::read(stream).await.map(drop),
            Play::Cut(_) if number.is_multiple_of(2) => None,
            Play::Cut(_) => stream.write_all(&taken[..taken.len() / 2]).await.ok(),
            Play::Page(_) => stream.write_all(&wire::answer("200 OK", b"<html>hello</html>")).await.ok(),
        }
    }

    fn badly(&self, number: u64, framing: &Framing) -> Vec<u8> {
        let envelope = mm7::encode(&took(number), framing);
        match number % 3 {
            0 => wire::answer("500 Internal Server Error", &envelope),
            1 => {
                let other = Framing { transaction_id: TransactionId::new("another").ok(), ..framing.clone() };
                wire::mm7_answer(&took(number), &other)
            }
            _ => {
                let detail = Some(FaultDetail::RsErrorRsp(ErrorRsp { status: StatusCode::Success.into() }));
                let fault = Fault { code: FaultCode::Server, string: "1000 Success".to_owned(), detail };
                wire::mm7_answer(&Message::Fault(fault), framing)
            }
        }
    }

    /// What the carrier reports on a message that it took, and when.
    fn report_later(self: &Arc<Self>, carrier: &'static str, number: u64, req: SubmitReq) {
        use MmStatus::{Deferred, Expired, Indeterminate, Retrieved, Unreachable};
        let statuses: &[MmStatus] = match self.chance.below(10, "report", number) {
            0 => &[],
            1 => &[Expired],
            2 => &[Deferred, Retrieved],
            3 => &[Retrieved, Retrieved],
            4 => &[Retrieved, Deferred],
            5 => &[Unreachable],
            6 => &[Deferred, Deferred, Indeterminate],
            _ => &[Retrieved],
        };
        // Nought is before the answer.
        let wait = self.chance.below(6, "report wait", number) * 1500;
        let peers = Arc::clone(self);
        tokio::spawn(async move {
            for status in statuses {
                sleep(Duration::from_millis(wait)).await;
                peers.busy(peers.report(carrier, number, &req, *status)).await;
            }
        });
    }

    /// What the recipient does with a message that the carrier took, and when.
    fn read_later(self: &Arc<Self>, carrier: &'static str, number: u64, req: SubmitReq) {
        let statuses: &[&str] = match self.chance.below(10, "read", number) {
            0 => &["Read"],
            1 => &["Deleted"],
            2 => &["Read", "Read", "Deleted"],
            3 => &["Indeterminate", "Read"],
            _ => &[],
        };
        let wait = self.chance.below(6, "read wait", number) * 1700;
        let peers = Arc::clone(self);
        tokio::spawn(async move {
            for status in statuses {
                sleep(Duration::from_millis(wait)).await;
                peers.busy(peers.read_reply(carrier, number, &req, status)).await;
            }
        });
    }

    async fn report(&self, carrier: &str, number: u64, req: &SubmitReq, status: MmStatus) -> Option<()> {
        let report = DeliveryReportReq {
            mm: ReportedMm {
                message_id: MessageId::new(&format!("c-{number}")).ok(),
                recipient: req.recipients.first().map(|recipient| recipient.address.clone()),
                sender: req.sender.address.clone(),
                ..ReportedMm::default()
            },
            date: Some(jiff::Timestamp::UNIX_EPOCH),
            mm_status: status.as_str().to_owned(),
            ..DeliveryReportReq::default()
        };
        if self.tell(carrier, number, Message::DeliveryReportReq(report)).await {
            self.seen().reported.entry(number.to_string()).or_default().push(status);
        }
        Some(())
    }

    async fn read_reply(&self, carrier: &str, number: u64, req: &SubmitReq, status: &str) -> Option<()> {
        let reply = ReadReplyReq {
            mm: ReportedMm {
                message_id: MessageId::new(&format!("c-{number}")).ok(),
                recipient: req.recipients.first().map(|recipient| recipient.address.clone()),
                sender: req.sender.address.clone(),
                ..ReportedMm::default()
            },
            time_stamp: Some(jiff::Timestamp::UNIX_EPOCH),
            mm_status: status.to_owned(),
            ..ReadReplyReq::default()
        };
        if self.tell(carrier, number, Message::ReadReplyReq(reply)).await {
            self.seen().read.entry(number.to_string()).or_default().insert(status.to_owned());
        }
        Some(())
    }

    /// Tells the gateway something about a message; whether it took it.
    async fn tell(&self, carrier: &str, number: u64, message: Message) -> bool {
        let door = self.door.lock().unwrap().replace("{carrier}", carrier);
        let framing = Framing::new(Namespace::LATEST, Version::V6_8_0, TransactionId::new("report").ok());
        let answer = wire::post(&door, "text/xml; charset=utf-8", &mm7::encode(&message, &framing)).await;
        let code = answer.and_then(|(_, decoded)| Some(decoded?.message?.status()?.code));
        if code != Some(1000) {
            self.seen().wrong.push(format!("{} on {number} was answered {code:?}", message.name()));
        }
        code == Some(1000)
    }

    async fn callback(&self, mut stream: TcpStream) -> Option<()> {
        let (head, body) = wire::read(&mut stream).await?;
        let decoded = wire::decode(&head, body)?;
        let message_id = match &decoded.message {
            Some(Message::DeliveryReportReq(req)) => req.mm.message_id.as_ref()?,
            Some(Message::ReadReplyReq(req)) => req.mm.message_id.as_ref()?,
            _ => {
                self.seen().wrong.push(format!("the VASP got a {:?}", decoded.operation));
                return None;
            }
        };
        let number = message_id.as_str().parse().unwrap_or(0);
        let tries = self.steps.load(Ordering::Relaxed) as u64;
        let framing = Framing::answering(&decoded);
        let acknowledgement = decoded.message.as_ref()?.operation()?.response(StatusCode::Success.into());
        if self.vasp_is_down.load(Ordering::Relaxed) {
            return None;
        }
        let bytes = match self.chance.below(10, "callback", number ^ (tries << 44)) {
            0 => wire::answer("500 Internal Server Error", b""),
            1 => wire::answer("200 OK", b"<html/>"),
            2 => return wire::read(&mut stream).await.map(drop),
            3 => {
                let other = Framing { transaction_id: TransactionId::new("another").ok(), ..framing };
                wire::mm7_answer(&acknowledgement, &other)
            }
            _ => {
                self.acknowledge(message_id.as_str(), decoded.message.as_ref()?);
                wire::mm7_answer(&acknowledgement, &framing)
            }
        };
        stream.write_all(&bytes).await.ok()
    }

    fn acknowledge(&self, message_id: &str, message: &Message) {
        let (mut seen, id) = (self.seen(), message_id.to_owned());
        match message {
            Message::DeliveryReportReq(req) => {
                seen.acknowledged.entry(id).or_default().push(MmStatus::from_wire(&req.mm_status));
            }
            Message::ReadReplyReq(req) => {
                seen.read_acknowledged.entry(id).or_default().insert(req.mm_status.clone());
            }
            _ => {}
        }
    }
}

fn took(number: u64) -> Message {
    let message_id = MessageId::new(&format!("c-{number}")).ok();
    Message::SubmitRsp(SubmitRsp { status: StatusCode::Success.into(), message_id })
}

fn refusal(code: StatusCode, framing: &Framing) -> Vec<u8> {
    wire::mm7_answer(&Message::SubmitRsp(SubmitRsp { status: code.into(), message_id: None }), framing)
}
