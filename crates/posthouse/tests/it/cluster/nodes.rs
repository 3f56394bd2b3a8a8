//! A node is killed, and one stands still.

use std::{collections::BTreeSet, time::Duration};

use jiff::Timestamp;
use posthouse_core::{Id, message::EventKind, store::Store};
use tokio::time::{sleep, timeout};

use super::{
    load::LoadPlan,
    number,
    town::{ClusterTown, TownPlan, until},
};
use crate::process::DEADLINE;

/// Narrow enough that work waits in the hand of each node.
const NARROW: TownPlan = TownPlan {
    latency: Duration::from_millis(150),
    park: "window = 6\n",
    resend: "window = 6\n",
    ..TownPlan::THREE
};

/// When the first attempt of a message was begun, if it was.
async fn begun(store: &dyn Store, id: Id) -> Option<Timestamp> {
    let timeline = store.timeline(id).await.unwrap().unwrap();
    timeline.iter().find(|event| event.kind == EventKind::Sending).map(|event| event.at)
}

/// What a node had not begun is sent by the others once its lease is over; what it had begun is not sent twice, unless that was asked for.
/// Its number is free after a minute.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_killed_loses_nothing() {
    let Some(mut town) = ClusterTown::found("a_node_that_is_killed_loses_nothing", &NARROW).await else {
        return;
    };
    let store = town.visit().await;
    let address = town.gateway(1).admin.clone();
    let known = town.known(&*store).await;
    let dead = known.iter().find(|node| address.contains(&node.address) || node.address.contains(&address));
    let dead = dead.unwrap_or_else(|| panic!("{address} is not among {known:?}")).number;
    let load = town.load(LoadPlan { clients: 24, pause: Duration::from_millis(20), ..LoadPlan::SHORT });
    load.more(400).await;
    town.kill(1);
    let killed = Timestamp::now();
    let had: BTreeSet<Id> = load.accepted().into_keys().filter(|id| id.node() == dead).collect();
    load.more(100).await;
    load.finish().await;
    town.settled(&[&load]).await;
    let verdict = town.judge(&[&load]).await;
    verdict.is_clean();

    let mut later = Vec::new();
    for id in had {
        later.extend(begun(&*store, id).await.filter(|begun| *begun > killed));
    }
    assert!(!later.is_empty(), "the node had nothing left to do when it was killed");
    let last = later.iter().max().unwrap().duration_since(killed);
    println!(
        "{} messages, {} unknown; {} that the node had not begun went on, the last {:.1} s after it was killed",
        verdict.messages,
        verdict.unknown.len(),
        later.len(),
        last.as_secs_f64()
    );
    // Only now: as long as it counts as a node that may come back, one that is started has another number.
    let free = timeout(2 * DEADLINE, async {
        loop {
            let known = town.known(&*store).await;
            let beat = known.iter().find(|node| node.number == dead).map(|node| node.beat_at);
            if beat.is_none_or(|beat| beat.duration_since(Timestamp::now()).abs().as_secs() > 61) {
                return;
            }
            sleep(Duration::from_millis(200)).await;
        }
    });
    free.await.unwrap();
    town.start(1);
    let numbers: BTreeSet<u8> = town.known(&*store).await.iter().map(|node| node.number).collect();
    assert!(numbers.contains(&dead) && numbers.len() == 3, "{numbers:?} after node {dead} came again");
    let more = town.load(LoadPlan { limit: 60, vaspid: "acme-key", ..LoadPlan::SHORT });
    more.run_out().await;
    store.close().await.unwrap();
    town.close();
}

/// A node that stands still for longer than it counts as alive does no harm when it goes on: what the others took over is theirs.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_stands_still_does_no_harm_when_it_goes_on() {
    let test = "a_node_that_stands_still_does_no_harm_when_it_goes_on";
    let Some(mut town) = ClusterTown::found(test, &NARROW).await else { return };
    let store = town.visit().await;
    let load = town.load(LoadPlan::STEADY);
    load.more(200).await;
    town.gateway(2).program.signal("STOP");
    load.more(100).await;
    // By then its attempts are interrupted, and its slots the others'.
    sleep(Duration::from_secs(number("POSTHOUSE_STANDSTILL", 18))).await;
    town.gateway(2).program.signal("CONT");
    load.more(200).await;
    until("it is heard again", async || town.readiness(2).await == 200).await;
    load.finish().await;
    town.settled(&[&load]).await;
    let verdict = town.judge(&[&load]).await;
    verdict.is_clean();
    println!("{} messages, {} unknown", verdict.messages, verdict.unknown.len());
    store.close().await.unwrap();
    town.close();
}
