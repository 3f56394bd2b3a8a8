//! What looking costs those who send: how many messages a second are accepted with operators at work and without, in turn, and what of the
//! gateway's CPU time they take.

use std::{
    fs,
    net::SocketAddr,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use posthouse_api::{MessageQuery, OperationRequest, StartRequest};
use posthouse_testing::{
    answer::exchange_on,
    filled::{SPAN, WAITING_CARRIER},
    request::RawRequest,
    town::address,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
    time::sleep,
};

use super::{BEARER, Volume, lists::lists};
use crate::{api::ask, process::posthouse, turns::Turns};

/// How many send at a time.
const SENDERS: u64 = 32;
/// How many operators follow what happens.
const STREAMS: usize = 20;
/// How long it is looked how much is accepted.
const SLICE: Duration = Duration::from_secs(4);
/// What is followed: in turn.
const FOLLOWED: [&str; 4] = ["", "&account=acme", "&account=omega", "&carrier=31004"];

/// Operators at work: each follows a stream, and together they look for something each second.
struct Operators {
    is_over: Arc<AtomicBool>,
    at_work: JoinSet<()>,
}

impl Operators {
    fn begin(volume: &Volume) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let mut at_work = JoinSet::new();
        for number in 0..STREAMS {
            let (admin, filter) = (volume.gateway().admin.clone(), FOLLOWED[number % FOLLOWED.len()]);
            at_work.spawn(follow(admin, filter, Arc::clone(&is_over)));
        }
        let looks: Vec<String> = lists(volume.filling).into_iter().map(|look| look.path).collect();
        let (admin, over) = (volume.gateway().admin.clone(), Arc::clone(&is_over));
        at_work.spawn(async move {
            for path in looks.iter().cycle() {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                let said = ask(&admin, "GET", &format!("/api/v1{path}"), &[BEARER], "").await;
                assert_eq!(said.status, 200, "{path}: {}", said.body);
                sleep(Duration::from_secs(1)).await;
            }
        });
        Self { is_over, at_work }
    }

    async fn end(self) {
        self.is_over.store(true, Ordering::Relaxed);
        self.at_work.join_all().await;
    }
}

async fn follow(admin: String, filter: &'static str, is_over: Arc<AtomicBool>) {
    let mut stream = TcpStream::connect(address(&admin)).await.unwrap();
    let head =
        format!("GET /api/v1/stream?topics=messages,queues{filter} HTTP/1.1\r\nHost: x\r\n{BEARER}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut read = vec![0; 64 << 10];
    while !is_over.load(Ordering::Relaxed) {
        let some = tokio::time::timeout(Duration::from_millis(200), stream.read(&mut read)).await;
        assert!(!matches!(some, Ok(Ok(0) | Err(_))), "a stream ended by itself");
    }
}

/// Messages that are sent as fast as they are accepted.
struct Senders {
    accepted: Arc<AtomicU64>,
    is_over: Arc<AtomicBool>,
    at_work: JoinSet<()>,
}

impl Senders {
    fn begin(volume: &Volume) -> Self {
        let (accepted, is_over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let mut at_work = JoinSet::new();
        for number in 0..SENDERS {
            let (door, count, over) =
                (address(&volume.gateway().mm7), Arc::clone(&accepted), Arc::clone(&is_over));
            at_work.spawn(async move {
                let mut sender = Sender::connect(door, &format!("load-{number:02}")).await;
                while !over.load(Ordering::Relaxed) {
                    sender.send().await;
                    count.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        Self { accepted, is_over, at_work }
    }

    /// How many are accepted a second, over a slice.
    async fn rate(&self, slice: Duration) -> f64 {
        let (before, began) = (self.accepted.load(Ordering::Relaxed), Instant::now());
        sleep(slice).await;
        (self.accepted.load(Ordering::Relaxed) - before) as f64 / began.elapsed().as_secs_f64()
    }

    async fn end(self) {
        self.is_over.store(true, Ordering::Relaxed);
        self.at_work.join_all().await;
    }
}

/// Who sends one message after the other, with as little effort as can be: the gateway is to be busy, and not the test.
struct Sender {
    stream: TcpStream,
    request: Vec<u8>,
    /// Where the number of the message stands in the request, in twelve digits.
    place: usize,
    sent: u64,
    answer: Vec<u8>,
}

impl Sender {
    async fn connect(door: SocketAddr, name: &str) -> Self {
        let mut request = RawRequest::to("14045550100");
        request.transaction_id(&format!("{name}-000000000000"));
        let request = request.bytes();
        let place = request.windows(12).position(|bytes| bytes == b"000000000000").unwrap();
        let stream = TcpStream::connect(door).await.unwrap();
        Self { stream, request, place, sent: 0, answer: Vec::new() }
    }

    /// Sends one, which has to be accepted; how long that took.
    async fn send(&mut self) -> Duration {
        let began = Instant::now();
        self.sent += 1;
        self.request[self.place..self.place + 12].copy_from_slice(format!("{:012}", self.sent).as_bytes());
        self.stream.write_all(&self.request).await.unwrap();
        self.answer.clear();
        while !self.answer.trim_ascii_end().ends_with(b"Envelope>") {
            assert_ne!(self.stream.read_buf(&mut self.answer).await.unwrap(), 0, "the gateway hung up");
        }
        let is_accepted = self.answer.windows(6).any(|bytes| bytes == b">1000<");
        assert!(is_accepted, "{}", String::from_utf8_lossy(&self.answer));
        began.elapsed()
    }
}

/// How long a message waits for its answer meanwhile, when hardly another comes: as long as the store's writer was held at most, and a little
/// more.
async fn waits(volume: &Volume, what: &str, meanwhile: impl Future<Output = ()>) {
    let mut sender = Sender::connect(address(&volume.gateway().mm7), what).await;
    let mut took = Vec::new();
    let mut meanwhile = std::pin::pin!(meanwhile);
    loop {
        tokio::select! {
            time = sender.send() => took.push(time),
            () = &mut meanwhile => break,
        }
    }
    took.sort_unstable();
    let millis = |time: &Duration| time.as_secs_f64() * 1e3;
    let (middle, longest) = (&took[took.len() / 2], &took[took.len() - 1]);
    println!(
        "answered, {what}: {} in {:.1} ms, {:.1} ms at most",
        took.len(),
        millis(middle),
        millis(longest)
    );
}

/// What waits is ended, 100 messages in a transaction.
async fn expire(volume: &Volume) {
    let api = volume.api();
    let request = OperationRequest {
        verb: "expire".to_owned(),
        filter: Some(MessageQuery {
            carrier: Some(WAITING_CARRIER.to_owned()),
            until: Some(volume.filling.until - SPAN / 2),
            ..MessageQuery::default()
        }),
        ..OperationRequest::default()
    };
    let planned = api.plan_operation(&request).await.unwrap();
    let start = StartRequest { expect_count: Some(planned.count) };
    api.start_operation(&planned.operation_id, &start).await.unwrap();
    let done = super::over(volume, &planned.operation_id).await;
    println!("{} of {} expired", done.done, planned.count);
}

/// CPU time of a process so far, in seconds.
fn cpu(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_ascii_whitespace().collect();
    let ticks: f64 = fields[11..13].iter().map(|ticks| ticks.parse::<f64>().unwrap()).sum();
    ticks / 100.0
}

/// Blocks these numbers, by a command.
async fn block(volume: &Volume, numbers: Range<u32>) {
    let numbers: String = numbers.map(|number| format!("1404{number:07}\n")).collect();
    fs::write(volume.folder.join("numbers.csv"), format!("number\n{numbers}")).unwrap();
    let folder = volume.folder.clone();
    let command = move || {
        let arguments = ["blacklist", "import", "numbers.csv", "-c", "posthouse.toml"];
        posthouse(&folder, &arguments).output().unwrap()
    };
    let output = tokio::task::spawn_blocking(command).await.unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// A million numbers are blocked while messages come, and one of them is taken out again.
async fn import(volume: &Volume, senders: &Senders) {
    let before = senders.rate(SLICE).await;
    let (began, accepted) = (Instant::now(), senders.accepted.load(Ordering::Relaxed));
    block(volume, 1_000_000..2_000_000).await;
    let took = began.elapsed().as_secs_f64();
    let during = (senders.accepted.load(Ordering::Relaxed) - accepted) as f64 / took;
    println!("a million numbers: {took:.1} s; accepted a second before: {before:.0}, meanwhile: {during:.0}");
    let mut stream = TcpStream::connect(address(&volume.gateway().mm7)).await.unwrap();
    let request = RawRequest::to("14041000007");
    assert_eq!(exchange_on(&mut stream, &request.bytes()).await.code(), Some(3001));
    let began = Instant::now();
    let path = "/api/v1/blacklist/14041000007";
    assert_eq!(ask(&volume.gateway().admin, "DELETE", path, &[BEARER], "").await.status, 200);
    while exchange_on(&mut stream, &request.bytes()).await.code() == Some(3001) {}
    println!("one of them is not blocked any more after {:.0} ms", began.elapsed().as_secs_f64() * 1e3);
}

/// What operators at work cost: CPU time, how long they make others wait, and how much less is accepted meanwhile.
pub(super) async fn operators(volume: &Volume, turns: usize, slice: Duration) {
    let pid = volume.gateway().program.pid();
    let used = async |what: &str| {
        let (before, began) = (cpu(pid), Instant::now());
        sleep(2 * slice).await;
        let share = (cpu(pid) - before) / began.elapsed().as_secs_f64() * 1e3;
        println!("{what}: {share:.1} ms of CPU time a second");
    };
    used("nobody").await;
    let operators = Operators::begin(volume);
    used("operators begin").await;
    used("operators").await;
    waits(volume, "with operators", sleep(slice)).await;
    operators.end().await;
    let senders = Senders::begin(volume);
    senders.rate(slice).await;
    let measured = Turns::measure(
        turns,
        async || senders.rate(slice).await,
        async || Operators::begin(volume),
        Operators::end,
    );
    println!("operators: accepted {}", measured.await);
    senders.end().await;
}

/// What operators do to many messages and numbers, and how long others wait meanwhile.
pub(super) async fn changes(volume: &Volume) {
    waits(volume, "alone", sleep(SLICE)).await;
    waits(volume, "while messages expire", expire(volume)).await;
    waits(volume, "while 100,000 numbers are blocked", block(volume, 2_000_000..2_100_000)).await;
    waits(volume, "while provisioning is exported", export(volume)).await;
    let senders = Senders::begin(volume);
    senders.rate(SLICE).await;
    import(volume, &senders).await;
    senders.end().await;
    longest(volume).await;
}

/// All that is provisioned, with a hundred thousand numbers.
async fn export(volume: &Volume) {
    let admin = &volume.gateway().admin;
    let said = ask(admin, "GET", "/api/v1/provisioning/export", &[BEARER], "").await;
    println!("exported: {} in {} bytes", said.status, said.body.len());
}

/// Prints the transactions that kept the store's writer the longest, by the gateway's own account.
async fn longest(volume: &Volume) {
    let metrics = ask(&volume.gateway().admin, "GET", "/metrics", &[BEARER], "").await.body;
    let of = "posthouse_store_transaction_longest_seconds{transaction=\"";
    let read = |line: &str| {
        let (name, seconds) = line.strip_prefix(of)?.split_once("\"} ")?;
        Some((seconds.parse::<f64>().ok()?, name.to_owned()))
    };
    let mut all: Vec<(f64, String)> = metrics.lines().filter_map(read).collect();
    all.sort_unstable_by(|one, other| other.0.total_cmp(&one.0));
    for (seconds, name) in all.iter().take(8) {
        println!("the longest {name}: {:.1} ms", seconds * 1e3);
    }
}
