//! What is provisioned is in force on all nodes, and what is limited holds for all of them together.

use std::{collections::BTreeSet, time::Duration};

use jiff::Timestamp;
use mm7::TransactionId;
use posthouse_core::{
    carrier::CarrierId,
    message::EventKind,
    store::{MessageFilter, Store},
};
use posthouse_sim::{Submit, http::Client, media, submit};
use posthouse_testing::noise::noise;
use tokio::time::Instant;

use super::{
    load::LoadPlan,
    town::{ClusterTown, PARK, RESEND, TownPlan},
};
use crate::process::DEADLINE;

const LATENCY: Duration = Duration::from_millis(150);
const WINDOW: usize = 6;
const RATE: usize = 30;
const PLAN: TownPlan = TownPlan {
    latency: LATENCY,
    park: "window = 6\n",
    resend: "window = 100\nper_second = 30\n",
    vasp_delay: VASP_DELAY,
    ..TownPlan::THREE
};
/// How long the VASP takes, and how many callbacks it gets at a time from each account.
const VASP_DELAY: Duration = Duration::from_millis(60);
const CALLBACKS: usize = 4;
/// Of the account `metered`.
const THROUGHPUT: usize = 20;
const BURST: usize = 10;

/// The most of these that lie within a time.
fn most_within<T: Copy + Ord>(mut times: Vec<T>, is_within: impl Fn(T, T) -> bool) -> usize {
    times.sort_unstable();
    let mut first = 0;
    let within = (0..times.len()).map(|last| {
        while !is_within(times[first], times[last]) {
            first += 1;
        }
        last + 1 - first
    });
    within.max().unwrap_or(0)
}

/// Whether what came at `last` came less than `time` after what came at `first`.
fn closer(time: Duration) -> impl Fn(Timestamp, Timestamp) -> bool {
    move |first, last| last.duration_since(first).unsigned_abs() < time
}

/// When attempts at a carrier's messages were begun.
async fn begun(store: &dyn Store, carrier: &str) -> Vec<Timestamp> {
    let filter = MessageFilter { carrier: Some(CarrierId(carrier.into())), ..MessageFilter::default() };
    let mut begun = Vec::new();
    for message in store.messages(&filter, 10_000).await.unwrap() {
        let timeline = store.timeline(message.id).await.unwrap().unwrap().into_iter();
        begun.extend(timeline.filter(|event| event.kind == EventKind::Sending).map(|event| event.at));
    }
    begun
}

/// Whether a node takes a message of an account.
async fn takes(door: &str, account: &str, number: u64) -> bool {
    let request = Submit {
        vaspid: Some(format!("{account}-key")),
        transaction_id: Some(TransactionId::new(&format!("{account}-{number}")).unwrap()),
        media: vec![media::part("noise.jpg", noise(number, 100))],
        ..Submit::new(door, "111122", "16175550100")
    };
    submit(&Client::new(DEADLINE), &request).await.unwrap().is_success()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_provisioned_holds_for_all_nodes_together() {
    let test = "what_is_provisioned_holds_for_all_nodes_together";
    let Some(mut town) = ClusterTown::found(test, &PLAN).await else { return };
    let lines = format!("throughput = {{ per_second = {THROUGHPUT}, burst = {BURST} }}\n");
    let window = format!("window = {CALLBACKS}\n");
    town.apply(1, &town.account_with("metered", &lines, &window));
    town.apply(2, &town.account_with("acme", "", &window));
    let applied = Instant::now();
    for number in 0..3 {
        let door = town.gateway(usize::try_from(number).unwrap()).mm7.clone();
        assert!(takes(&door, "metered", number).await, "a node does not know what apply said is in force");
    }

    let all =
        town.load(LoadPlan { clients: 16, limit: 500, pause: Duration::from_millis(50), ..LoadPlan::SHORT });
    let plan =
        LoadPlan { name: "m", clients: 6, vaspid: "metered-key", pause: Duration::ZERO, ..LoadPlan::SHORT };
    let metered = town.load(LoadPlan { limit: 160, ..plan });
    metered.more(60).await;
    // What it had of everything is the others' in time, and not before.
    town.kill(0);
    town.start(0);
    metered.run_out().await;
    all.run_out().await;
    town.settled(&[&all, &metered]).await;

    let store = town.visit().await;
    // A place is free when its answer is out, which is when the carrier notes it.
    let noted: Vec<Timestamp> = town.park.messages().iter().map(|kept| kept.time).collect();
    let in_flight = most_within(noted, closer(LATENCY - Duration::from_millis(5)));
    assert!((WINDOW / 2..=WINDOW).contains(&in_flight), "{in_flight} in flight at {PARK}");
    // They are evenly apart at each node; what the scheduler takes is left out.
    let in_a_second = most_within(begun(&*store, RESEND).await, closer(Duration::from_millis(900)));
    assert!((RATE / 2..=RATE).contains(&in_a_second), "{in_a_second} in a second at {RESEND}");
    // Of both accounts.
    let told: Vec<Timestamp> = town.vasp.callbacks().iter().map(|callback| callback.time).collect();
    let at_the_vasp = most_within(told, closer(VASP_DELAY - Duration::from_millis(5)));
    assert!((CALLBACKS / 2..=2 * CALLBACKS).contains(&at_the_vasp), "{at_the_vasp} callbacks at a time");
    let taken: Vec<Instant> =
        metered.answers().iter().filter(|answer| answer.code == Some(1000)).map(|answer| answer.at).collect();
    let in_a_second = most_within(taken.clone(), |first, last| last - first < Duration::from_secs(1));
    assert!(
        (THROUGHPUT / 2..=THROUGHPUT + BURST + 3).contains(&in_a_second),
        "{in_a_second} taken in a second"
    );
    let time = (*taken.iter().max().unwrap() - *taken.iter().min().unwrap()).as_secs_f64();
    let most = THROUGHPUT as f64 * time + (THROUGHPUT + BURST) as f64;
    assert!(taken.len() as f64 <= most, "{} taken in {time} s", taken.len());
    println!("{in_flight} in flight, {in_a_second} taken in a second, {} in {time:.1} s", taken.len());
    let codes: BTreeSet<Option<u32>> = metered.codes(applied);
    assert!(codes.contains(&Some(3510)), "it was never held to its throughput: {codes:?}");
    store.close().await.unwrap();
    town.close();
}
