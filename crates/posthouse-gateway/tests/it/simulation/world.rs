//! The world of one seed: the gateway, its peers, the clock, and what must be true in the end.

mod on_time;

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
        mpsc,
    },
    time::Duration,
};

use jiff::Timestamp;
use mm7::{
    When,
    mime::{ContentType, Media},
    time::Period,
};
use posthouse_core::{
    Id,
    actor::Actor,
    life::retry::Backoff,
    life::state::State,
    message::{EventKind, TimelineEvent},
    time::Clock,
};
use posthouse_gateway::{
    app::{App, Components},
    config::{ConfigFile, apply},
};
use posthouse_sim::{Submit, http::Client, submit};
use posthouse_testing::{
    provisioning::{AccountToml, CarrierToml, range},
    settings,
};
use tempfile::TempDir;
use tokio::{task, time};

use super::{
    chance::Chance,
    operator,
    peers::{Peers, Play, Seen},
};

/// Where the clock begins: 2026-06-01T00:00:00Z.
const MORNING_MS: i64 = 1_780_272_000_000;
/// How many messages a seed sends at most.
const MESSAGES: u64 = 24;
/// How long everything may take by the manual clock: the longest wait is for reports, two hours.
const DAY_MS: i64 = 24 * 3600 * 1000;

/// A clock that stands still till it is told otherwise, and can be set.
#[derive(Default)]
struct ManualClock {
    passed_ms: AtomicI64,
    set_off_ms: AtomicI64,
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        let now =
            MORNING_MS + self.passed_ms.load(Ordering::Relaxed) + self.set_off_ms.load(Ordering::Relaxed);
        Timestamp::from_millisecond(now).unwrap()
    }
}

/// What a seed came to.
#[derive(Default)]
pub struct Tally {
    /// SubmitReq that got 1000.
    pub accepted: usize,
    /// SubmitReq at the carriers.
    pub attempts: usize,
    /// Reports that the VASP acknowledged.
    pub reports: usize,
    /// Read replies that the VASP acknowledged.
    pub read_replies: usize,
    /// What an operator did by hand.
    pub interventions: usize,
    /// What must not have happened.
    pub wrong: Vec<String>,
}

impl Tally {
    pub fn add(&mut self, other: &Self) {
        self.accepted += other.accepted;
        self.attempts += other.attempts;
        self.reports += other.reports;
        self.read_replies += other.read_replies;
        self.interventions += other.interventions;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { accepted, attempts, reports, read_replies, interventions, .. } = self;
        write!(
            f,
            "{accepted} messages accepted, {attempts} attempts at carriers, {reports} reports and {read_replies} read \
             replies acknowledged, {interventions} interventions"
        )
    }
}

/// A message that got 1000.
struct Accepted {
    id: Id,
    subject: String,
    wants_reports: bool,
    resends: bool,
}

pub struct World {
    chance: Chance,
    clock: Arc<ManualClock>,
    peers: Arc<Peers>,
    app: App,
    client: Client,
    accepted: Vec<Accepted>,
    interventions: usize,
    /// The clock was set on: whatever waited for reports has run out of time.
    clock_jumped: bool,
    wrong: Vec<String>,
    _folder: TempDir,
}

/// Runs on a runtime whose clock stands still till it is advanced.
fn on_a_paused_runtime<T>(work: impl Future<Output = T>) -> T {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        // While a blocking task runs, the runtime's clock does not advance by itself.
        let (release, held) = mpsc::channel::<()>();
        let hold = task::spawn_blocking(move || held.recv());
        let done = work.await;
        drop(release);
        hold.await.unwrap().unwrap_err();
        done
    })
}

impl World {
    /// Runs one seed from the first SubmitReq to the last report.
    pub fn run(seed: u64) -> Tally {
        on_a_paused_runtime(Self::play(seed))
    }

    async fn play(seed: u64) -> Tally {
        let mut world = Self::open(Chance(seed), Backoff::CARRIER, "20s").await;
        for number in 0..MESSAGES {
            world.send(number).await;
            let pause = world.chance.below(4000, "pause", number);
            world.pass(i64::try_from(pause).unwrap()).await;
            if world.chance.percent(2, "clock", number) {
                world.set_clock(if world.chance.percent(50, "forward", number) { DAY_MS } else { -DAY_MS });
            }
            world.intervene(number).await;
            world.peers.set_vasp_down(world.chance.percent(30, "vasp", number / 8));
        }
        world.peers.set_vasp_down(false);
        world.settle().await;
        world.judge().await
    }

    /// `retry_after` is the account's, for callbacks.
    async fn open(chance: Chance, backoff: Backoff, retry_after: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let settings = settings::in_folder(folder.path());
        let clock = Arc::new(ManualClock::default());
        let parts = Components { clock: clock.clone(), backoff, ..Components::default() };
        let app = App::start(&settings, parts).await.unwrap();
        let peers = Peers::new(chance);
        peers.set_door(&app.ready().carriers);
        let (park, resend) = (peers.carrier("park").await, peers.carrier("resend").await);
        let text = provisioning(&park, &resend, &peers.vasp().await, retry_after);
        let document = ConfigFile { file: "simulation".to_owned(), text, folder: "".into() };
        let applied =
            apply(&**app.store(), &document, &|_| None, false, &Actor::gateway(), clock.now()).await.unwrap();
        let client = Client::new(Duration::from_secs(60));
        let (accepted, wrong) = (Vec::new(), Vec::new());
        let (interventions, clock_jumped, _folder) = (0, false, folder);
        let world =
            Self { chance, clock, peers, app, client, accepted, interventions, clock_jumped, wrong, _folder };
        // Provisioning is followed by a timer.
        world.pass(500).await;
        world.app.provisioned(applied.revision).await;
        world
    }

    /// Somebody sets the clock a day on or back.
    fn set_clock(&mut self, milliseconds: i64) {
        self.clock.set_off_ms.fetch_add(milliseconds, Ordering::Relaxed);
        self.clock_jumped |= milliseconds > 0;
    }

    /// An operator may do something to one of the latest messages.
    async fn intervene(&mut self, number: u64) {
        let back = usize::try_from(self.chance.below(8, "which", number)).unwrap();
        let Some(message) = self.accepted.iter().rev().nth(back) else { return };
        if self.chance.percent(60, "operator", number) {
            let (store, now) = (&**self.app.store(), self.clock.now());
            self.interventions += operator::intervene(store, self.chance, number, message.id, now).await;
        }
    }

    /// Sends a message, some of them twice.
    async fn send(&mut self, number: u64) {
        let resends = self.chance.percent(50, "carrier", number);
        let wants_reports = !self.chance.percent(10, "wants no reports", number);
        let subject = format!("message {number}");
        let size = if self.chance.percent(25, "large", number) { 20_000 } else { 900 };
        let transaction = mm7::TransactionId::new(&format!("t-{number}")).unwrap();
        let request = Submit {
            vaspid: Some("acme-api-key".to_owned()),
            vasid: Some("61295".to_owned()),
            subject: Some(subject.clone()),
            media: vec![Media {
                content_type: ContentType::new("image/jpeg"),
                content_id: Some("photo".to_owned()),
                content_location: None,
                name: None,
                bytes: vec![u8::try_from(number).unwrap(); size].into(),
            }],
            transaction_id: Some(transaction),
            delivery_report: Some(wants_reports),
            time_stamp: Some(self.clock.now()),
            expiry: Some(When::After(Period::new(0, 3 * 24 * 3600).unwrap())),
            ..Submit::new(
                &self.app.ready().mm7,
                "111122",
                format!("{}{number:07}", if resends { "1508" } else { "1617" }),
            )
        };
        let id = self.submit(&request).await;
        if self.chance.percent(15, "twice", number) && self.submit(&request).await != id {
            self.wrong.push(format!("{subject} was sent twice and got two MessageIDs"));
        }
        match id {
            Some(id) => self.accepted.push(Accepted { id, subject, wants_reports, resends }),
            None => self.wrong.push(format!("{subject} was not accepted")),
        }
    }

    async fn submit(&self, request: &Submit) -> Option<Id> {
        submit(&self.client, request).await.ok()?.message_id()?.as_str().parse().ok()
    }

    /// Lets time pass, in small steps while something is under way.
    async fn pass(&self, milliseconds: i64) {
        let mut left = milliseconds;
        while left > 0 {
            self.quiet().await;
            let step = if self.peers.open.load(Ordering::Relaxed) > 0 { left.min(500) } else { left };
            self.clock.passed_ms.fetch_add(step, Ordering::Relaxed);
            time::advance(Duration::from_millis(u64::try_from(step).unwrap())).await;
            left -= step;
        }
        self.quiet().await;
    }

    /// Waits, in real time, till nothing happens any more without time passing.
    async fn quiet(&self) {
        let mut still = 0;
        while still < 3 {
            let before = self.peers.steps.load(Ordering::Relaxed);
            task::spawn_blocking(|| std::thread::sleep(Duration::from_micros(400))).await.unwrap();
            still = if self.peers.steps.load(Ordering::Relaxed) == before { still + 1 } else { 0 };
        }
    }

    /// Lets time pass till every message has ended and every report was acknowledged, or for many days: a clock that was set
    /// back makes everything wait.
    async fn settle(&mut self) {
        let mut passed = 0;
        while passed < 9 * DAY_MS && !self.is_settled().await {
            let step = (passed / 20).clamp(1_000, 600_000);
            self.pass(step).await;
            passed += step;
            self.interventions += operator::resend(&**self.app.store(), Vec::new(), self.clock.now()).await;
        }
    }

    async fn is_settled(&self) -> bool {
        for message in &self.accepted {
            let Some(status) = self.ended(message.id).await else { return false };
            let told = self
                .peers
                .seen()
                .acknowledged
                .get(&message.id.to_string())
                .is_some_and(|told| told.contains(&status));
            if message.wants_reports && !told || !self.unread(message.id).await.is_empty() {
                return false;
            }
        }
        self.peers.open.load(Ordering::Relaxed) == 0
    }

    /// Read replies that the VASP has not acknowledged: of those whose message could be told.
    async fn unread(&self, id: Id) -> Vec<String> {
        if self
            .app
            .store()
            .message(id)
            .await
            .unwrap()
            .is_none_or(|message| message.carrier_message_id.is_none())
        {
            return Vec::new();
        }
        let (seen, id) = (self.peers.seen(), id.to_string());
        let (told, acknowledged) = (seen.read.get(&id), seen.read_acknowledged.get(&id));
        let is_missing = |status: &&String| acknowledged.is_none_or(|all| !all.contains(*status));
        told.into_iter().flatten().filter(is_missing).cloned().collect()
    }

    async fn ended(&self, id: Id) -> Option<mm7::MmStatus> {
        match self.app.store().message(id).await.unwrap()?.state {
            State::Ended(terminal) => Some(terminal.status()),
            _ => None,
        }
    }

    /// Checks the invariants.
    async fn judge(mut self) -> Tally {
        for message in std::mem::take(&mut self.accepted) {
            let timeline = self.app.store().timeline(message.id).await.unwrap().unwrap_or_default();
            let ended = self.ended(message.id).await;
            let excused = self.clock_jumped && ended == Some(mm7::MmStatus::Indeterminate);
            let unread = self.unread(message.id).await;
            let mut found = check(&message, ended, &timeline, &self.peers.seen(), excused);
            if !unread.is_empty() {
                found.push(format!("the VASP was not told that it was {unread:?}"));
            }
            if !found.is_empty() {
                self.wrong.push(format!(
                    "{} ({}): {}\n{}",
                    message.subject,
                    message.id,
                    found.join("; "),
                    told(&timeline)
                ));
            }
            self.accepted.push(message);
        }
        let seen = std::mem::take(&mut *self.peers.seen());
        self.wrong.extend(seen.wrong);
        let plays = || seen.plays.iter();
        for (transaction, _) in
            plays().filter(|(id, _)| !self.accepted.iter().any(|message| message.id.to_string() == **id))
        {
            self.wrong.push(format!("a carrier got {transaction}, which was never accepted"));
        }
        let tally = Tally {
            accepted: self.accepted.len(),
            attempts: plays().map(|(_, plays)| plays.len()).sum(),
            reports: seen.acknowledged.values().map(Vec::len).sum(),
            read_replies: seen.read_acknowledged.values().map(BTreeSet::len).sum(),
            interventions: self.interventions,
            wrong: self.wrong,
        };
        self.app.stop().await.unwrap();
        tally
    }
}

fn told(timeline: &[TimelineEvent]) -> String {
    timeline.iter().map(|event| format!("    {} {:?} {}\n", event.at, event.kind, event.detail)).collect()
}

fn check(
    message: &Accepted,
    ended: Option<mm7::MmStatus>,
    timeline: &[TimelineEvent],
    seen: &Seen,
    out_of_time: bool,
) -> Vec<String> {
    let id = message.id.to_string();
    let mut wrong = Vec::new();
    let ends = timeline.iter().filter(|event| event.kind == EventKind::Ended).count();
    let Some(status) = ended else {
        return vec!["it has not ended".to_owned()];
    };
    if ends != 1 {
        wrong.push(format!("it ended {ends} times"));
    }
    let plays = seen.plays.get(&id).map_or(&[][..], Vec::as_slice);
    let by_hand = operator::Traces::of(timeline);
    if by_hand.expired && status != mm7::MmStatus::Expired {
        wrong.push(format!("an operator expired it, and it ended as {status}"));
    }
    let unheard = timeline.iter().any(|event| {
        matches!(event.kind, EventKind::Retrying | EventKind::Parked)
            && (event.detail.contains("no answer") || event.detail.contains("interrupted"))
    });
    for (play, _) in plays.iter().zip(plays.iter().skip(1)) {
        if !play.may_be_repeated(message.resends || by_hand.risked, unheard) {
            wrong.push(format!("it was sent again after {play:?}"));
        }
    }
    if seen.subjects.get(&id).is_some_and(|subject| *subject != message.subject) {
        wrong.push("it reached the carrier with another subject".to_owned());
    }
    let acknowledged = seen.acknowledged.get(&id).map_or(&[][..], Vec::as_slice);
    if message.wants_reports && acknowledged.last() != Some(&status) {
        wrong.push(format!("it ended as {status}, and the VASP was told {acknowledged:?}"));
    }
    let read = |all: &HashMap<String, BTreeSet<String>>| all.get(&id).cloned().unwrap_or_default();
    if !read(&seen.read_acknowledged).is_subset(&read(&seen.read)) {
        wrong.push("the VASP was told of more than the recipient did".to_owned());
    }
    if !message.wants_reports && !acknowledged.is_empty() {
        wrong.push(format!("the VASP wanted no reports, and was told {acknowledged:?}"));
    }
    let reported = seen.reported.get(&id).map_or(&[][..], Vec::as_slice);
    let first_terminal = reported.iter().find(|status| status.is_terminal());
    // Where it was taken, sent again and refused, the refusal may come first: that is what `resend` risks.
    let taken_once = !plays.contains(&Play::Refuse) && plays.iter().filter(|play| play.takes()).count() == 1;
    if let Some(reported) = first_terminal
        && taken_once
        && !out_of_time
        && !by_hand.expired
        && *reported != status
    {
        wrong.push(format!(
            "the carrier reported {reported}, and it ended as {status}; the carrier answered {plays:?}"
        ));
    }
    wrong
}

fn provisioning(park: &str, resend: &str, vasp: &str, retry_after: &str) -> String {
    let carrier = |id: &str, url: &str| {
        CarrierToml::new(id)
            .with(&format!("report_timeout = \"2h\"\non_unknown = {id:?}\n"))
            .connection(&format!("{id}-1"), url, "vaspid = \"posthouse\"\ntimeout = \"10s\"\n")
            .to_string()
    };
    let again = format!("timeout = \"5s\"\nretry_after = {retry_after:?}\nmax_retries = 3\n");
    let account =
        AccountToml::new("acme").vaspid("acme-api-key").with("read_replies = true\n").callbacks(vasp, &again);
    [
        account.to_string(),
        carrier("park", park),
        carrier("resend", resend),
        range("1617", "park"),
        range("1508", "resend"),
    ]
    .concat()
}
