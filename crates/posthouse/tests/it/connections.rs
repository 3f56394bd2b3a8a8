//! A carrier with two connections, one of which is killed in mid-load and started again: no message is lost, none is sent twice,
//! and the traffic moves and comes back (contract 4.4).
//!
//! The gateway and both ends of the carrier are processes. What was at the killed one dies with it: what it had been sent is
//! asked of it till the end, and what was under way then is parked, and so must never be seen at the other.

use std::{
    collections::{BTreeSet, HashMap},
    fs,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use crate::process::{self, DEADLINE, Gateway, Program};
use bytes::Bytes;
use http::{Request, Response};
use mm7::TransactionId;
use posthouse_core::{
    Id,
    life::state::State,
    message::{EventKind, TimelineEvent},
    store::{MessageFilter, Store},
};
use posthouse_sim::{Submit, VaspOptions, VaspSim, http::Client, media, submit};
use posthouse_testing::{
    provisioning::{AccountToml, CarrierToml, range},
    store::visit,
};
use serde_json::Value;
use tokio::{
    task::{JoinSet, block_in_place},
    time::{sleep, timeout},
};

/// How fast the traffic has to move away from what is gone: a second, and three more for a machine that does other things.
const MOVES_WITHIN: Duration = Duration::from_secs(1 + 3);
/// How soon it has to come back: within ten seconds, and five more for a machine that does other things.
const COMES_BACK_WITHIN: Duration = Duration::from_secs(10 + 5);
const CLIENTS: usize = 8;

/// One end of the carrier: a simulator in a process of its own.
struct End {
    name: &'static str,
    program: Program,
    url: String,
}

impl End {
    /// Starts it, on the port where it was before, if it was.
    fn start(folder: &Path, name: &'static str, reports: &str, before: Option<&str>) -> Self {
        let listen = before.map_or("127.0.0.1:0", |url| url["http://".len()..].split('/').next().unwrap());
        // Under its name, MessageIDs are its own; anew at each start.
        let id = if before.is_some() { format!("{name}-again") } else { name.to_owned() };
        let file = format!("{id}.toml");
        let text = format!(
            "[[carrier]]\nid = {id:?}\nlisten = {listen:?}\nreports = {reports:?}\nlatency = \"100ms\"\n\
             report_delay = \"1ms\"\nkeep_messages = 1000000\n"
        );
        fs::write(folder.join(&file), text).unwrap();
        let program = Program::start(folder, &["simulate", "--json", "-c", &file]);
        let ready: Value = serde_json::from_str(&program.line()).unwrap();
        let url = ready["carriers"][0]["url"].as_str().unwrap().to_owned();
        Self { name, program, url }
    }

    /// The MessageIDs of ours that it was sent, once for each time. `None` once it is gone.
    async fn messages(&self) -> Option<Vec<Id>> {
        messages_at(&self.url).await
    }
}

async fn messages_at(url: &str) -> Option<Vec<Id>> {
    let kept: Vec<Value> =
        serde_json::from_slice(&get(&url.replace("/mm7", "/sim/messages")).await?).unwrap();
    Some(kept.iter().map(|kept| kept["transaction_id"].as_str().unwrap().parse().unwrap()).collect())
}

async fn get(url: &str) -> Option<Bytes> {
    let request = Request::get(url).body(Bytes::new()).unwrap();
    let client = Client::new(DEADLINE).with_max_answer(64 << 20);
    client.send(request).await.ok().map(Response::into_body)
}

/// Clients that send one message after the other till they are told to stop.
struct Load {
    url: String,
    enough: AtomicBool,
    accepted: Mutex<Vec<Id>>,
}

impl Load {
    fn start(url: &str) -> (Arc<Self>, JoinSet<()>) {
        let (enough, accepted) = (AtomicBool::new(false), Mutex::default());
        let load = Arc::new(Self { url: url.to_owned(), enough, accepted });
        let clients = (0..CLIENTS).map(|number| Arc::clone(&load).send(number)).collect();
        (load, clients)
    }

    async fn send(self: Arc<Self>, client_number: usize) {
        let client = Client::new(DEADLINE);
        let mut number = 0;
        while !self.enough.load(Ordering::Relaxed) {
            number += 1;
            let request = Submit {
                vaspid: Some("acme-key".to_owned()),
                vasid: Some("61295".to_owned()),
                transaction_id: Some(TransactionId::new(&format!("t-{client_number}-{number}")).unwrap()),
                media: vec![media::part("hello.txt", b"Hello".to_vec())],
                ..Submit::new(&self.url, "111122", format!("1617{client_number}{:06}", 100_100 + number))
            };
            let answer = submit(&client, &request).await.unwrap();
            assert_eq!(answer.code(), Some(1000));
            let id = answer.message_id().unwrap().as_str().parse().unwrap();
            self.accepted.lock().unwrap().push(id);
            sleep(Duration::from_millis(20)).await;
        }
    }

    fn accepted(&self) -> Vec<Id> {
        self.accepted.lock().unwrap().clone()
    }
}

fn provision(folder: &Path, first: &End, second: &End, vasp: &VaspSim) {
    let account = AccountToml::new("acme").callbacks(&format!("{}/reports", vasp.url()), "");
    let carrier = [first, second]
        .iter()
        .fold(CarrierToml::new("31003").with("report_timeout = \"5s\"\n"), |carrier, end| {
            carrier.connection(end.name, &end.url, "timeout = \"5s\"\n")
        });
    process::provision(folder, &format!("{account}{carrier}{}", range("1617", "31003")));
}

/// Waits till there is something.
async fn within<T>(deadline: Duration, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let found = timeout(deadline, async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            sleep(Duration::from_millis(20)).await;
        }
    });
    found.await.unwrap_or_else(|_| panic!("{what}: not within {deadline:?}"))
}

async fn metric(gateway: &Gateway, name: &str) -> Option<String> {
    let text = get(&format!("{}/metrics", gateway.admin)).await.unwrap();
    let text = String::from_utf8(text.to_vec()).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    line.map(str::to_owned)
}

/// Waits till every message has ended.
async fn all_ended(store: &dyn Store) {
    let states = State::all().filter(|state| !state.is_terminal()).collect();
    let open = MessageFilter { states, ..MessageFilter::default() };
    within(DEADLINE, "every message ends", async || {
        let open = store.messages(&open, 1).await.unwrap();
        open.is_empty().then_some(())
    })
    .await;
}

/// The connections that a message was tried on.
fn tried_on(timeline: &[TimelineEvent]) -> Vec<&str> {
    let attempts = timeline.iter().filter(|event| event.kind == EventKind::Sending);
    attempts.map(|event| event.detail.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_connections_is_killed_and_comes_back() {
    let folder = process::folder();
    let folder = folder.path();
    let gateway = block_in_place(|| Gateway::start(folder));
    let vasp =
        VaspSim::start(VaspOptions { keep_callbacks: 1_000_000, ..VaspOptions::default() }).await.unwrap();
    let reports = gateway.carriers.replace("{carrier}", "31003");
    let first = block_in_place(|| End::start(folder, "first", &reports, None));
    let second = block_in_place(|| End::start(folder, "second", &reports, None));
    block_in_place(|| provision(folder, &first, &second, &vasp));

    let (load, clients) = Load::start(&gateway.mm7);
    within(DEADLINE, "both are used", async || {
        let counts = (first.messages().await?.len(), second.messages().await?.len());
        (counts.0 >= 30 && counts.1 >= 30).then_some(())
    })
    .await;

    // What it was sent, as long as it can be asked.
    let at_first = first.messages().await.unwrap();
    first.program.signal("KILL");
    let killed = Instant::now();
    let before = load.accepted().len();
    let moved = within(MOVES_WITHIN, "the traffic moves to the other", async || {
        let since = load.accepted().into_iter().skip(before + CLIENTS).take(20).collect::<Vec<_>>();
        let at_second: BTreeSet<Id> = second.messages().await?.into_iter().collect();
        (since.len() == 20 && since.iter().all(|id| at_second.contains(id))).then_some(killed.elapsed())
    })
    .await;
    block_in_place(|| gateway.program.said("connection=\"first\""));
    let up = "posthouse_connection_up{carrier=\"31003\",connection=\"first\"}";
    within(DEADLINE, "the metrics say so", async || {
        metric(&gateway, up).await.filter(|up| up == "0").map(drop)
    })
    .await;

    let url = first.url.clone();
    block_in_place(|| drop(first.program.ended()));
    let again = block_in_place(|| End::start(folder, "first", &reports, Some(&url)));
    let started = Instant::now();
    let back = within(COMES_BACK_WITHIN, "the traffic comes back", async || {
        (again.messages().await?.len() >= 20).then_some(started.elapsed())
    })
    .await;
    assert_eq!(metric(&gateway, up).await.as_deref(), Some("1"));

    load.enough.store(true, Ordering::Relaxed);
    timeout(DEADLINE, clients.join_all()).await.unwrap();
    let store = visit(folder).await;
    all_ended(&*store).await;
    let accepted = load.accepted();
    let mut elsewhere = second.messages().await.unwrap();
    elsewhere.extend(again.messages().await.unwrap());
    let parked = judge(&*store, &accepted, &at_first, &elsewhere).await;
    all_reported(&vasp, &accepted).await;
    println!("{} messages, {parked} parked; moved after {moved:?}, back after {back:?}", accepted.len());
    store.close().await.unwrap();
    vasp.stop().await;
}

/// No message is lost, and none is sent twice. How many were parked.
async fn judge(store: &dyn Store, accepted: &[Id], at_first: &[Id], elsewhere: &[Id]) -> usize {
    let mut arrivals: HashMap<Id, usize> = HashMap::new();
    for id in at_first.iter().chain(elsewhere) {
        *arrivals.entry(*id).or_default() += 1;
    }
    let twice: Vec<_> = arrivals.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "sent twice: {twice:?}");
    let at_first: BTreeSet<&Id> = at_first.iter().collect();
    let mut parked = 0;
    for id in accepted {
        let message = store.message(*id).await.unwrap().unwrap_or_else(|| panic!("{id} is lost"));
        let timeline = store.timeline(*id).await.unwrap().unwrap();
        let told = || format!("{id}: {timeline:#?}");
        match message.state.as_str() {
            "Retrieved" => {}
            // It was at the one that was killed, or on its way there: nobody can tell what became of it, and it stays so.
            "Indeterminate" => {
                parked += 1;
                assert_eq!(tried_on(&timeline).last(), Some(&"first"), "{}", told());
                assert!(!elsewhere.contains(id), "{}", told());
            }
            _ => panic!("{}", told()),
        }
        let arrived = arrivals.contains_key(id) || tried_on(&timeline).last() == Some(&"first");
        assert!(arrived || at_first.contains(id), "{}", told());
    }
    // No more than were in flight, or waited for their report, when it was killed.
    assert!(parked <= 2 * 16, "{parked} of {} are parked", accepted.len());
    parked
}

/// Of each message the VASP was told the end.
async fn all_reported(vasp: &VaspSim, accepted: &[Id]) {
    within(DEADLINE, "every message is reported", async || {
        let told: BTreeSet<Id> = vasp
            .callbacks()
            .iter()
            .filter(|callback| {
                callback.is_acknowledged() && callback.status().is_some_and(|status| status.is_terminal())
            })
            .filter_map(|callback| callback.report()?.mm.message_id.as_ref()?.as_str().parse().ok())
            .collect();
        accepted.iter().all(|id| told.contains(id)).then_some(())
    })
    .await;
}
