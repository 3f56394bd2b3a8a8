//! Cables are pulled: nodes in namespaces of their own are cut off from the database, or from everybody else.

use std::{collections::BTreeSet, time::Duration};

use tokio::time::{Instant, sleep};

use super::{
    load::{Load, LoadPlan},
    number,
    town::{ClusterTown, TownPlan, until},
};

const NARROW: TownPlan = TownPlan {
    has_network: true,
    latency: Duration::from_millis(100),
    park: "window = 6\n",
    resend: "window = 6\n",
    ..TownPlan::THREE
};

/// As long as a cut lasts: longer than leases, and than what counts as dead.
async fn while_cut(since: Instant) {
    sleep(Duration::from_secs(number("POSTHOUSE_CUT", 20)).saturating_sub(since.elapsed())).await;
}

/// All that was accepted ends, once, whatever was cut.
async fn all_ends(mut town: ClusterTown, load: &Load, cut: Instant) {
    load.finish().await;
    town.settled(&[load]).await;
    let verdict = town.judge(&[load]).await;
    verdict.is_clean();
    let (messages, unknown) = (verdict.messages, verdict.unknown.len());
    println!("{messages} messages, {unknown} unknown; cut off for {:.0?}", cut.elapsed());
    town.close();
}

/// A node without its database takes nothing and is not ready, while carriers and VASPs still reach it: what it had in hand goes on at
/// the others, and nothing reaches a carrier twice but what its timeline says is not known.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_cut_off_from_the_database_does_no_harm() {
    let test = "a_node_that_is_cut_off_from_the_database_does_no_harm";
    let Some(town) = ClusterTown::found(test, &NARROW).await else { return };
    let load = town.load(LoadPlan::STEADY);
    load.more(300).await;
    town.cut_from_database(1, true);
    let cut = Instant::now();
    until("a node that is cut off is not ready", async || town.readiness(1).await == 503).await;
    load.more(200).await;
    while_cut(cut).await;
    for other in [0, 2] {
        assert_eq!(town.readiness(other).await, 200, "the others go on");
    }
    town.cut_from_database(1, false);
    town.all_say(200).await;
    load.more(200).await;
    all_ends(town, &load, cut).await;
    let codes = load.codes(cut);
    assert!(codes.is_subset(&BTreeSet::from([Some(1000), Some(3510)])), "{codes:?}");
}

/// A node that still has its database, and nobody else: what it had begun is not known, the rest ends as if it had been slow.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_cut_off_from_everybody_else_loses_nothing() {
    let test = "a_node_that_is_cut_off_from_everybody_else_loses_nothing";
    let Some(town) = ClusterTown::found(test, &NARROW).await else { return };
    let load = town.load(LoadPlan::STEADY);
    load.more(300).await;
    let cut = Instant::now();
    town.cut_from_others(1, true);
    load.more(100).await;
    while_cut(cut).await;
    town.cut_from_others(1, false);
    load.more(200).await;
    all_ends(town, &load, cut).await;
}
