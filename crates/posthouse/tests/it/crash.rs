//! kill -9 under load: what got 1000 is not lost, and not sent twice unless that was asked for (contract 4.3 to 4.6).
//!
//! Two carriers and a VASP outlive the gateway, which is killed while it works, while it starts, and while it stops.
//! `POSTHOUSE_CRASH_ROUNDS` makes it more rounds than a few, `POSTHOUSE_CRASH_SEED` the same decisions again.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::process::{self, DEADLINE, Ended, Gateway, Program};
use mm7::{MmStatus, Period, TransactionId, When};
use posthouse_core::{
    Id,
    life::state::{State, Terminal},
    message::{EventKind, StoredMessage},
    store::{MessageFilter, Store},
};
use posthouse_sim::{
    CarrierOptions, CarrierSim, ReceivedCallback, Submit, VaspOptions, VaspSim, carrier::KeptMessage,
    http::Client, media, submit,
};
use posthouse_testing::{
    provisioning::{AccountToml, CarrierToml, range},
    store::visit,
};
use tempfile::TempDir;
use tokio::{
    sync::watch,
    task::{JoinSet, block_in_place},
    time::{sleep, timeout},
};

const ROUNDS: u64 = 5;
const CLIENTS: u64 = 6;
/// What each carrier and the VASP keep: more than ever comes.
const KEPT: usize = 1_000_000;
/// What is parked ends after it. A carrier tries for 6 s to bring a report.
const REPORT_TIMEOUT: &str = "12s";

/// How long it may take till the last message has ended and its report has arrived.
const SETTLED_WITHIN: Duration = Duration::from_secs(180);

/// What becomes of a message, by the last digits of its recipient (contract section 6).
struct Script {
    digits: &'static str,
    /// What the carrier reports on a message that it took.
    reported: Option<Terminal>,
    /// Whether the carrier's answers ask for another attempt.
    retried: bool,
}

const fn script(digits: &'static str, reported: Option<Terminal>, retried: bool) -> Script {
    Script { digits, reported, retried }
}

/// Most are plain ones.
const SCRIPTS: &[Script] = &[
    script("0100", Some(Terminal::Retrieved), false),
    script("0101", Some(Terminal::Retrieved), false),
    script("0102", Some(Terminal::Retrieved), false),
    script("0103", Some(Terminal::Retrieved), false),
    script("0104", Some(Terminal::Retrieved), false),
    script("0105", Some(Terminal::Retrieved), false),
    script("9002", Some(Terminal::Expired), false),
    script("9003", Some(Terminal::Rejected), false),
    script("9004", Some(Terminal::Retrieved), false),
    script("9008", None, false),
    script("9010", Some(Terminal::Retrieved), false),
    script("9011", Some(Terminal::Retrieved), false),
    script("9013", Some(Terminal::Retrieved), true),
    script("9015", None, false),
    script("3500", None, false),
    script("4006", None, true),
    script("4007", None, false),
];

/// The carriers: what may have arrived is parked for a report by one, and sent again by the other.
#[derive(Clone, Copy, PartialEq, Eq)]
enum OnUnknown {
    Park,
    Resend,
}

/// The accounts: one is answered when its message is stored, the other when the carrier has answered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Queue,
    Relay,
}

/// A message to be sent.
struct Mms {
    transaction_id: String,
    mode: Mode,
    recipient: String,
    on_unknown: OnUnknown,
    script: &'static Script,
    bytes: Vec<u8>,
    wants_reports: bool,
}

/// SplitMix64: decisions that can be had again.
#[derive(Clone)]
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    async fn pause(&mut self, milliseconds: u64) {
        sleep(Duration::from_millis(self.below(milliseconds))).await;
    }
}

impl Mms {
    /// The message of this number: everything about it follows from the number and the seed.
    fn new(seed: u64, number: u64) -> Self {
        let mut dice = Dice(seed ^ number.wrapping_mul(0x5851_f42d_4c95_7f2d));
        let script = &SCRIPTS[usize::try_from(dice.below(SCRIPTS.len() as u64)).unwrap()];
        let (on_unknown, prefix) =
            if dice.below(2) == 0 { (OnUnknown::Park, "1617") } else { (OnUnknown::Resend, "1508") };
        // In the database's row, or in a segment.
        let length = if dice.below(2) == 0 { 2 << 10 } else { (17 << 10) + dice.below(200 << 10) };
        Self {
            transaction_id: format!("crash-{number}"),
            mode: if dice.below(4) == 0 { Mode::Relay } else { Mode::Queue },
            recipient: format!("{prefix}{number:06}{}", script.digits),
            on_unknown,
            script,
            bytes: (0..length.div_ceil(8)).flat_map(|_| dice.next().to_le_bytes()).collect(),
            wants_reports: dice.below(8) > 0,
        }
    }

    /// The message of a TransactionID.
    fn of(seed: u64, transaction_id: &str) -> Self {
        Self::new(seed, transaction_id.strip_prefix("crash-").unwrap().parse().unwrap())
    }

    fn submit(&self, url: &str) -> Submit {
        let vaspid = match self.mode {
            Mode::Queue => "queue-api-key",
            Mode::Relay => "relay-api-key",
        };
        Submit {
            vaspid: Some(vaspid.to_owned()),
            vasid: Some("61295".to_owned()),
            transaction_id: Some(TransactionId::new(&self.transaction_id).unwrap()),
            subject: Some("Crash".to_owned()),
            media: vec![media::part("noise.jpg", self.bytes.clone())],
            delivery_report: Some(self.wants_reports),
            // Only what is tried again and again lives to see it.
            expiry: Some(When::After(Period::parse("PT10S").unwrap())),
            ..Submit::new(url, "111122", self.recipient.as_str())
        }
    }

    fn is_in(&self, kept: &KeptMessage) -> bool {
        kept.media.iter().any(|part| part.bytes == self.bytes)
    }
}

/// Clients that send one message after the other, and each till it got an answer.
struct Load {
    seed: u64,
    next: AtomicU64,
    /// Where the gateway is, or was.
    url: watch::Sender<String>,
    answered: watch::Sender<u64>,
    /// What got 1000: TransactionIDs by MessageID.
    accepted: Mutex<HashMap<Id, String>>,
    enough: watch::Sender<bool>,
}

impl Load {
    fn start(seed: u64) -> (Arc<Self>, JoinSet<()>) {
        let load = Arc::new(Self {
            seed,
            next: AtomicU64::new(0),
            url: watch::Sender::new(String::new()),
            answered: watch::Sender::new(0),
            accepted: Mutex::default(),
            enough: watch::Sender::new(false),
        });
        let clients = (0..CLIENTS).map(|_| load.clone().send_till_enough()).collect();
        (load, clients)
    }

    async fn send_till_enough(self: Arc<Self>) {
        let client = Client::new(Duration::from_secs(20));
        while !*self.enough.borrow() {
            let mms = Mms::new(self.seed, self.next.fetch_add(1, Ordering::Relaxed));
            if let Some(id) = self.send(&client, &mms).await {
                let other = self.accepted.lock().unwrap().insert(id, mms.transaction_id);
                assert_eq!(other, None, "another message has the id {id}");
            }
            self.answered.send_modify(|answered| *answered += 1);
        }
    }

    /// Sends the same request till it got its answer: the gateway may die before, in and after it.
    async fn send(&self, client: &Client, mms: &Mms) -> Option<Id> {
        let mut url = self.url.subscribe();
        loop {
            let there = url.borrow_and_update().clone();
            if let Ok(answer) = submit(client, &mms.submit(&there)).await {
                match (answer.code(), mms.mode) {
                    (Some(1000), _) | (Some(3500 | 4006 | 4007), Mode::Relay) => {
                        return answer.message_id().map(|id| id.as_str().parse().unwrap());
                    }
                    // It is stopping, and sends nothing new.
                    (Some(3510), Mode::Relay) => {}
                    (code, _) => panic!("{}: {code:?}", mms.transaction_id),
                }
            }
            // The gateway is gone, or not quite there yet.
            let _ = timeout(Duration::from_millis(20), url.changed()).await;
        }
    }

    /// Waits till so many more were answered.
    async fn more(&self, more: u64) {
        let mut answered = self.answered.subscribe();
        let goal = *answered.borrow() + more;
        timeout(DEADLINE, answered.wait_for(|answered| *answered >= goal)).await.unwrap().unwrap();
    }
}

/// Everything but the gateway.
struct Town {
    folder: TempDir,
    park: CarrierSim,
    resend: CarrierSim,
    vasp: VaspSim,
    load: Arc<Load>,
    /// What the gateways complained of.
    errors: Vec<String>,
}

impl Town {
    async fn build(load: Arc<Load>) -> Self {
        let carrier = |id: &str| CarrierOptions {
            latency: Duration::from_millis(3),
            report_delay: Duration::from_millis(10),
            keep_messages: KEPT,
            keep_bytes: usize::MAX,
            ..CarrierOptions::new(id)
        };
        let vasp = VaspOptions { keep_callbacks: KEPT, keep_bytes: usize::MAX, ..VaspOptions::default() };
        let town = Self {
            folder: process::folder(),
            park: CarrierSim::start(carrier("31003")).await.unwrap(),
            resend: CarrierSim::start(carrier("31002")).await.unwrap(),
            vasp: VaspSim::start(vasp).await.unwrap(),
            load,
            errors: Vec::new(),
        };
        town.provision();
        town
    }

    fn provision(&self) {
        let carrier = |id: &str, on_unknown: &str, carrier: &CarrierSim| {
            CarrierToml::new(id)
                .with(&format!("on_unknown = {on_unknown:?}\nreport_timeout = {REPORT_TIMEOUT:?}\n"))
                .connection("sim", &carrier.url(), "timeout = \"1s\"\n")
                .to_string()
        };
        let account = |mode: &str| {
            AccountToml::new(mode)
                .vaspid(&format!("{mode}-api-key"))
                .with(&format!("submit_mode = {mode:?}\nrelay_timeout = \"2s\"\n"))
                .callbacks(&format!("{}/reports", self.vasp.url()), "retry_after = \"1s\"\n")
                .to_string()
        };
        let file = [
            account("queue"),
            account("relay"),
            carrier("31003", "park", &self.park),
            carrier("31002", "resend", &self.resend),
            range("1617", "31003"),
            range("1508", "31002"),
        ];
        process::provision(self.folder.path(), &file.concat());
    }

    /// Starts the gateway, and tells everybody where it is.
    fn gateway(&self) -> Gateway {
        let gateway = block_in_place(|| Gateway::start(self.folder.path()));
        for (id, carrier) in [("31003", &self.park), ("31002", &self.resend)] {
            carrier.set_reports(Some(gateway.carriers.replace("{carrier}", id)));
        }
        self.load.url.send_replace(gateway.mm7.clone());
        gateway
    }

    fn bury(&mut self, program: Program) -> Ended {
        let ended = block_in_place(|| program.ended());
        let errors = ended.stderr.iter().filter(|line| line.contains("ERROR") || line.contains("panicked"));
        self.errors.extend(errors.cloned());
        ended
    }

    /// One round: the gateway works for a while, and dies.
    async fn round(&mut self, number: u64, dice: &mut Dice) {
        let gateway = self.gateway().program;
        self.load.more(5 + dice.below(30)).await;
        dice.pause(30).await;
        if number % 3 == 1 {
            gateway.signal("TERM");
            dice.pause(60).await;
        }
        gateway.signal("KILL");
        self.bury(gateway);
        if number % 3 == 2 {
            let starting = Program::start(self.folder.path(), &["serve", "-c", "posthouse.toml"]);
            dice.pause(150).await;
            starting.signal("KILL");
            self.bury(starting);
        }
    }

    /// Waits till every message has ended and the VASP knows it.
    async fn settled(&self, accepted: &HashMap<Id, Mms>) {
        let store = visit(self.folder.path()).await;
        let open = MessageFilter {
            states: State::all().filter(|state| !state.is_terminal()).collect(),
            ..MessageFilter::default()
        };
        let settled = timeout(SETTLED_WITHIN, async {
            while !store.messages(&open, 1).await.unwrap().is_empty() || !self.unreported(accepted).is_empty()
            {
                sleep(Duration::from_millis(100)).await;
            }
        });
        if settled.await.is_err() {
            let open = store.messages(&open, 10).await.unwrap();
            panic!("it does not settle; open: {open:#?}; not reported: {:#?}", self.unreported(accepted));
        }
        store.close().await.unwrap();
    }

    /// Messages whose end the VASP has not acknowledged.
    fn unreported(&self, accepted: &HashMap<Id, Mms>) -> BTreeSet<Id> {
        let wanted = accepted.iter().filter(|(_, mms)| mms.wants_reports).map(|(id, _)| *id);
        let mut unreported: BTreeSet<Id> = wanted.collect();
        for callback in self.vasp.callbacks().iter().filter(|callback| callback.is_acknowledged()) {
            if callback.status().and_then(Terminal::of).is_some() {
                reported_on(callback).map(|id| unreported.remove(&id));
            }
        }
        unreported
    }
}

fn reported_on(callback: &ReceivedCallback) -> Option<Id> {
    callback.report()?.mm.message_id.as_ref()?.as_str().parse().ok()
}

/// What everybody has of one message.
struct Traces {
    mms: Mms,
    message: StoredMessage,
    /// Whether its sender got 1000 for it.
    accepted: bool,
    /// How many attempts were begun, by the timeline.
    begun: usize,
    /// How often it ended, by the timeline.
    ends: usize,
    /// Its parts as they were stored.
    media: Vec<Vec<u8>>,
    /// What its carrier was sent.
    at_carrier: Vec<Arc<KeptMessage>>,
    /// What the VASP was told and acknowledged.
    told: Vec<MmStatus>,
}

impl Traces {
    async fn of(store: &dyn Store, message: StoredMessage, mms: Mms, accepted: bool) -> Self {
        let timeline = store.timeline(message.id).await.unwrap().unwrap();
        let count = |kind| timeline.iter().filter(|event| event.kind == kind).count();
        let media = store.media(message.id).await.unwrap();
        Self {
            begun: count(EventKind::Sending),
            ends: count(EventKind::Ended),
            media: media.iter().map(|part| part.to_vec()).collect(),
            at_carrier: Vec::new(),
            told: Vec::new(),
            mms,
            message,
            accepted,
        }
    }

    /// What is wrong with it.
    fn wrong(&self) -> Option<&'static str> {
        self.wrong_with_content().or_else(|| self.wrong_at_carrier()).or_else(|| self.wrong_at_vasp())
    }

    fn wrong_with_content(&self) -> Option<&'static str> {
        if self.message.submission.recipient.as_str() != self.mms.recipient {
            Some("it is another message")
        } else if !self.media.contains(&self.mms.bytes) {
            Some("other bytes were stored")
        } else if !self.at_carrier.iter().all(|kept| self.mms.is_in(kept) && kept.finding.is_none()) {
            Some("other bytes reached the carrier, or it found them wrong")
        } else {
            None
        }
    }

    fn wrong_at_carrier(&self) -> Option<&'static str> {
        let once_only = self.mms.on_unknown == OnUnknown::Park && !self.mms.script.retried;
        if !self.message.state.is_terminal() || self.ends != 1 {
            Some("it did not end exactly once")
        } else if once_only && self.at_carrier.len() > 1 {
            Some("it reached the carrier twice, and should not have been sent again")
        } else if self.at_carrier.len() > self.begun {
            Some("it reached the carrier more often than attempts were begun")
        } else {
            None
        }
    }

    /// Whether it ended otherwise than a carrier that took it reported, or tried to.
    fn misses_report(&self) -> bool {
        let taken = self.at_carrier.iter().any(|kept| kept.code == Some(1000));
        let reported = self.mms.script.reported.filter(|_| taken).map(State::Ended);
        reported.is_some_and(|reported| reported != self.message.state)
    }

    fn wrong_at_vasp(&self) -> Option<&'static str> {
        let terminal = |status: &&MmStatus| Terminal::of(**status).is_some();
        let ends: BTreeSet<&str> = self.told.iter().filter(terminal).map(|status| status.as_str()).collect();
        let end = self.message.state.as_str();
        if !self.mms.wants_reports && !self.told.is_empty() {
            Some("it was reported, and no report was wanted")
        } else if ends.iter().any(|told| *told != end) {
            Some("the VASP was told another end")
        } else if self.accepted && self.mms.wants_reports && ends.is_empty() {
            Some("the VASP was not told how it ended")
        } else {
            None
        }
    }
}

impl fmt::Display for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { message, begun, at_carrier, told, .. } = self;
        let codes: Vec<_> = at_carrier.iter().map(|kept| kept.code).collect();
        let (id, recipient, state) = (message.id, self.mms.recipient.as_str(), message.state);
        let relayed = if self.mms.mode == Mode::Relay { " relayed" } else { "" };
        write!(f, "{id} to {recipient}{relayed}: {state}, {begun} attempts, {codes:?}, told {told:?}")
    }
}

/// Everything that there is in the store, at the carriers and at the VASP, by message.
async fn traces(town: &Town, accepted: &HashMap<Id, Mms>) -> HashMap<Id, Traces> {
    let store = visit(town.folder.path()).await;
    let mut traces = HashMap::new();
    for message in store.messages(&MessageFilter::default(), KEPT).await.unwrap() {
        let mms = Mms::of(town.load.seed, &message.submission.transaction_id);
        let id = message.id;
        traces.insert(id, Traces::of(&*store, message, mms, accepted.contains_key(&id)).await);
    }
    store.close().await.unwrap();
    for kept in [town.park.messages(), town.resend.messages()].concat() {
        let id = kept.transaction_id.as_ref().and_then(|id| id.as_str().parse().ok());
        let traces = id.and_then(|id: Id| traces.get_mut(&id));
        traces.unwrap_or_else(|| panic!("{id:?} was sent, and not stored")).at_carrier.push(kept);
    }
    for callback in town.vasp.callbacks().iter().filter(|callback| callback.is_acknowledged()) {
        let traces = reported_on(callback).and_then(|id| traces.get_mut(&id));
        traces.expect("the report is on a message").told.extend(callback.status());
    }
    traces
}

/// Every message that got 1000 is stored, once, and as what it was sent.
fn all_are_stored_once(accepted: &HashMap<Id, Mms>, traces: &HashMap<Id, Traces>) {
    for (id, mms) in accepted {
        let stored = traces.get(id).unwrap_or_else(|| panic!("{id} is lost"));
        assert_eq!(stored.mms.transaction_id, mms.transaction_id);
    }
    let queued = traces.values().filter(|traces| traces.mms.mode == Mode::Queue);
    for stored in queued {
        assert!(stored.accepted, "a request that was repeated became another message: {stored}");
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_and_nothing_is_sent_twice() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let seed = number("POSTHOUSE_CRASH_SEED").unwrap_or(u64::from(now.subsec_nanos()));
    println!("POSTHOUSE_CRASH_SEED={seed}");
    let mut dice = Dice(seed);
    let (load, clients) = Load::start(seed);
    let mut town = Town::build(load.clone()).await;
    for round in 0..number("POSTHOUSE_CRASH_ROUNDS").unwrap_or(ROUNDS) {
        town.round(round, &mut dice).await;
    }
    let gateway = town.gateway().program;
    load.enough.send_replace(true);
    timeout(DEADLINE, clients.join_all()).await.unwrap();
    let accepted = std::mem::take(&mut *load.accepted.lock().unwrap());
    let accepted: HashMap<Id, Mms> =
        accepted.into_iter().map(|(id, transaction_id)| (id, Mms::of(seed, &transaction_id))).collect();
    town.settled(&accepted).await;
    gateway.signal("TERM");
    assert!(town.bury(gateway).status.success());

    let given_up = [&town.park, &town.resend].map(|carrier| carrier.report_counts().failed);
    let given_up = usize::try_from(given_up.iter().sum::<u64>()).unwrap();
    let traces = traces(&town, &accepted).await;
    all_are_stored_once(&accepted, &traces);
    let wrong = traces.values().filter_map(|traces| Some(format!("{}: {traces}", traces.wrong()?)));
    assert_eq!(wrong.collect::<Vec<_>>(), [""; 0]);
    let missed = traces.values().filter(|traces| traces.misses_report()).map(Traces::to_string);
    let missed: Vec<String> = missed.collect();
    assert!(missed.len() <= given_up, "carriers gave up {given_up} reports; did not count: {missed:#?}");
    assert_eq!(town.errors, [""; 0]);
    let begun: usize = traces.values().map(|traces| traces.begun).sum();
    println!("{} messages, {begun} attempts", traces.len());
}
