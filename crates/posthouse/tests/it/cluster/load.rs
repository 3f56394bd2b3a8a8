//! Clients of the cluster, which send each message till it is accepted, and remember every answer.

use std::{
    collections::{BTreeMap, BTreeSet},
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use mm7::TransactionId;
use posthouse_core::Id;
use posthouse_sim::{Submit, http::Client, media, submit};
use posthouse_testing::noise::noise;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use crate::process::DEADLINE;

/// How long an answer may take: longer than a gateway waits for its store.
const ANSWER: Duration = Duration::from_secs(15);
/// How long a client waits after a refusal.
const AGAIN: Duration = Duration::from_millis(100);

/// What clients send.
#[derive(Clone, Copy)]
pub struct LoadPlan {
    /// What their TransactionIDs begin with.
    pub name: &'static str,
    pub clients: u64,
    /// The VASPID that they show.
    pub vaspid: &'static str,
    /// How long the contents are, in turn.
    pub sizes: &'static [usize],
    /// How long a client pauses after each message.
    pub pause: Duration,
    /// So many messages at most.
    pub limit: u64,
    /// Whether each eighth is sent once more after it was accepted, by a client that did not hear the answer.
    pub repeats: bool,
}

impl LoadPlan {
    /// Short messages of the account `acme`, some hundred a second.
    pub const SHORT: Self = Self {
        name: "t",
        clients: 8,
        vaspid: "acme-key",
        sizes: &[900, 2 << 10],
        pause: Duration::from_millis(25),
        limit: u64::MAX,
        repeats: true,
    };

    /// For as long as a fault lasts: somewhat more than two narrow carriers take, so that every node has work in hand at each moment, and
    /// no backlog that takes minutes to go out once the fault is over.
    pub const STEADY: Self = Self { clients: 24, pause: Duration::from_millis(150), ..Self::SHORT };
}

/// One answer, or that none came.
#[derive(Clone, Copy, Debug)]
pub struct HeardAnswer {
    pub asked: Instant,
    pub at: Instant,
    /// Its code; `None`: the connection broke, or nobody answered.
    pub code: Option<u32>,
}

/// What was heard.
#[derive(Default)]
struct Heard {
    accepted: BTreeMap<Id, u64>,
    answers: Vec<HeardAnswer>,
    /// What was said that no client should have to hear.
    odd: Vec<String>,
}

/// Clients at work.
pub struct Load {
    plan: LoadPlan,
    url: String,
    next: AtomicU64,
    is_enough: AtomicBool,
    heard: Mutex<Heard>,
    clients: Mutex<JoinSet<()>>,
}

impl Load {
    /// Starts to send there.
    pub fn start(plan: LoadPlan, url: &str) -> Arc<Self> {
        let load = Arc::new(Self {
            plan,
            url: url.to_owned(),
            next: AtomicU64::new(0),
            is_enough: AtomicBool::new(false),
            heard: Mutex::default(),
            clients: Mutex::default(),
        });
        let mut clients = load.clients.lock().unwrap();
        for _ in 0..plan.clients {
            clients.spawn(Arc::clone(&load).send_till_enough());
        }
        drop(clients);
        load
    }

    /// Waits till so many more are accepted.
    pub async fn more(&self, more: usize) {
        let goal = self.count() + more;
        let (mut count, mut last) = (self.count(), Instant::now());
        while count < goal && last.elapsed() < 2 * DEADLINE {
            self.nothing_is_odd();
            sleep(Duration::from_millis(5)).await;
            if self.count() > count {
                (count, last) = (self.count(), Instant::now());
            }
        }
        if count < goal {
            panic!(
                "{} are accepted, not {goal}; codes: {:?}",
                self.count(),
                self.codes(Instant::now() - DEADLINE)
            );
        }
    }

    /// No further messages; what was begun is sent till it is accepted.
    pub async fn finish(&self) {
        self.is_enough.store(true, Ordering::Relaxed);
        self.run_out().await;
    }

    /// Waits till the last message of a bounded load is accepted.
    pub async fn run_out(&self) {
        let clients = std::mem::take(&mut *self.clients.lock().unwrap());
        let mut ended = pin!(clients.join_all());
        let mut count = self.count();
        // However many there are, some are accepted all the time.
        while timeout(4 * DEADLINE, &mut ended).await.is_err() {
            let before = std::mem::replace(&mut count, self.count());
            assert!(
                count > before,
                "not all are accepted; codes: {:?}",
                self.codes(Instant::now() - DEADLINE)
            );
        }
        self.nothing_is_odd();
    }

    /// So far every answer was one that a VASP may get here.
    #[track_caller]
    pub fn nothing_is_odd(&self) {
        let odd = self.heard.lock().unwrap().odd.clone();
        assert_eq!(odd, [""; 0]);
    }

    /// What got 1000: the numbers of messages by their MessageIDs.
    pub fn accepted(&self) -> BTreeMap<Id, u64> {
        self.heard.lock().unwrap().accepted.clone()
    }

    /// How many got 1000.
    pub fn count(&self) -> usize {
        self.heard.lock().unwrap().accepted.len()
    }

    /// Every answer.
    pub fn answers(&self) -> Vec<HeardAnswer> {
        self.heard.lock().unwrap().answers.clone()
    }

    /// The codes of what was asked since a time.
    pub fn codes(&self, since: Instant) -> BTreeSet<Option<u32>> {
        let answers = self.answers().into_iter().filter(|answer| answer.asked >= since);
        answers.map(|answer| answer.code).collect()
    }

    async fn send_till_enough(self: Arc<Self>) {
        let client = Client::new(ANSWER);
        while !self.is_enough.load(Ordering::Relaxed) {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= self.plan.limit {
                return;
            }
            let id = self.send(&client, number).await;
            if let Some(other) = self.heard.lock().unwrap().accepted.insert(id, number) {
                self.odd(format!("{id} is the id of messages {other} and {number}"));
            }
            // A VASP that did not hear the answer sends it once more.
            if self.plan.repeats && number.is_multiple_of(8) {
                let again = self.send(&client, number).await;
                if again != id {
                    self.odd(format!("message {number} is {id}, and {again} when it is repeated"));
                }
            }
            sleep(self.plan.pause).await;
        }
    }

    fn odd(&self, what: String) {
        self.heard.lock().unwrap().odd.push(what);
    }

    /// Sends the same request till it is accepted.
    async fn send(&self, client: &Client, number: u64) -> Id {
        let size = self.plan.sizes[usize::try_from(number).unwrap() % self.plan.sizes.len()];
        let request = Submit {
            vaspid: Some(self.plan.vaspid.to_owned()),
            transaction_id: Some(TransactionId::new(&format!("{}-{number}", self.plan.name)).unwrap()),
            media: vec![media::part("noise.jpg", noise(number, size))],
            ..Submit::new(&self.url, "111122", recipient(number))
        };
        loop {
            let asked = Instant::now();
            let answer = submit(client, &request).await;
            let code = answer.as_ref().ok().map(|answer| answer.code().unwrap_or(0));
            let heard = HeardAnswer { asked, at: Instant::now(), code };
            self.heard.lock().unwrap().answers.push(heard);
            match answer {
                Ok(answer) if answer.is_success() => {
                    return answer.message_id().unwrap().as_str().parse().unwrap();
                }
                Ok(answer) if answer.code() == Some(3510) => {
                    if !answer.headers.contains_key("retry-after") {
                        self.odd(format!("3510 without Retry-After: {answer:?}"));
                    }
                }
                Ok(answer) => {
                    self.odd(format!("message {number}: {} {:?}", answer.http_status, answer.status()))
                }
                // A node is gone, or does not answer.
                Err(_) => {}
            }
            sleep(AGAIN).await;
        }
    }
}

/// Half of them go to the carrier that what may have arrived is parked for, half to the other. No number comes twice within 200,000: a
/// report whose MessageID nobody knows is recorded on the one message to its recipient that has no answer yet, and of several that may be
/// another than it was sent for.
fn recipient(number: u64) -> String {
    let prefix = if number.is_multiple_of(2) { "1617" } else { "1508" };
    format!("{prefix}{:03}01{:02}", number / 2 % 1000, number / 2000 % 100)
}
