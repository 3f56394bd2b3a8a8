//! The database is away, and a standby takes its place.

use std::{collections::BTreeSet, time::Duration};

use tokio::{
    task::block_in_place,
    time::{Instant, sleep},
};

use super::{
    load::{Load, LoadPlan},
    number,
    town::{ClusterTown, TownPlan, until},
};

/// While the database is away for longer than it is waited for, VASPs get 3510 and nothing else; afterwards everything ends.
async fn outage(test: &str, kills: bool) {
    let Some(mut town) = ClusterTown::found(test, &TownPlan::THREE).await else { return };
    let load = town.load(LoadPlan::SHORT);
    load.more(200).await;
    let gone = Instant::now();
    block_in_place(|| if kills { town.database.kill() } else { town.database.stop() });
    town.all_say(503).await;
    sleep(Duration::from_secs(number("POSTHOUSE_OUTAGE", 8)).saturating_sub(gone.elapsed())).await;
    assert_eq!(load.codes(gone + Duration::from_secs(4)), BTreeSet::from([Some(3510)]));
    block_in_place(|| town.database.go_on());
    town.all_say(200).await;
    load.more(200).await;
    load.finish().await;
    let codes = load.codes(gone);
    assert_eq!(
        codes,
        BTreeSet::from([Some(1000), Some(3510)]),
        "nothing else is said, and no connection breaks"
    );
    town.settled(&[&load]).await;
    let verdict = town.judge(&[&load]).await;
    verdict.is_clean();
    assert!(verdict.unknown.is_empty(), "parked, or tried again: {:#?}", verdict.unknown);
    println!("{} messages, away for {:?}", verdict.messages, gone.elapsed());
    town.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_stopped_loses_nothing_and_parks_nothing() {
    outage("a_database_that_is_stopped_loses_nothing_and_parks_nothing", false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_killed_loses_nothing_and_parks_nothing() {
    outage("a_database_that_is_killed_loses_nothing_and_parks_nothing", true).await;
}

const WITH_STANDBY: TownPlan = TownPlan { has_standby: true, ..TownPlan::THREE };

/// kill -9 of the primary, and its standby is promoted.
pub fn fail_over(town: &mut ClusterTown) {
    block_in_place(|| {
        town.database.kill();
        town.standby.as_ref().unwrap().promote();
    });
}

async fn all_goes_on(town: &ClusterTown, load: &Load) {
    serves_again(town, load).await;
    town.settled(&[load]).await;
}

async fn serves_again(town: &ClusterTown, load: &Load) {
    town.all_say(200).await;
    load.more(100).await;
    load.finish().await;
}

/// With a synchronous standby nothing that got 1000 is lost with the primary.
#[tokio::test(flavor = "multi_thread")]
async fn a_primary_that_is_killed_loses_nothing_of_what_its_standby_confirmed() {
    let test = "a_primary_that_is_killed_loses_nothing_of_what_its_standby_confirmed";
    let Some(mut town) = ClusterTown::found(test, &WITH_STANDBY).await else { return };
    let load = town.load(LoadPlan { clients: 24, pause: Duration::ZERO, ..LoadPlan::SHORT });
    load.more(usize::try_from(number("POSTHOUSE_FAILOVER_MESSAGES", 500)).unwrap()).await;
    let gone = Instant::now();
    fail_over(&mut town);
    all_goes_on(&town, &load).await;
    let verdict = town.judge(&[&load]).await;
    verdict.is_clean();
    let codes = load.codes(gone);
    assert!(codes.is_subset(&BTreeSet::from([Some(1000), Some(3510)])), "{codes:?}");
    println!("{} messages, {} unknown", verdict.messages, verdict.unknown.len());
    town.close();
}

/// The control: with a standby that commits do not wait for, and that is cut off, messages are lost. If none were, the test above would
/// see nothing.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_synchronous_standby_messages_are_lost_and_that_is_seen() {
    let test = "without_a_synchronous_standby_messages_are_lost_and_that_is_seen";
    let Some(mut town) = ClusterTown::found(test, &WITH_STANDBY).await else { return };
    town.database.run("postgres", "ALTER SYSTEM SET synchronous_standby_names = ''").await;
    town.database.run("postgres", "SELECT pg_reload_conf()").await;
    // What is repeated after it was lost is a message of its own.
    let load = town.load(LoadPlan { repeats: false, ..LoadPlan::SHORT });
    load.more(100).await;
    let standby = town.standby.as_ref().unwrap();
    standby.run("postgres", "ALTER SYSTEM SET primary_conninfo = ''").await;
    standby.run("postgres", "SELECT pg_reload_conf()").await;
    let client = standby.client("postgres").await;
    until("the standby follows nobody", async || {
        client.query("SELECT 1 FROM pg_stat_wal_receiver", &[]).await.unwrap().is_empty()
    })
    .await;
    drop(client);
    let (before, more) = (load.accepted(), 100);
    load.more(more).await;
    fail_over(&mut town);
    // What lost its report ends once that is overdue, which is not waited for.
    serves_again(&town, &load).await;
    let lost = town.judge(&[&load]).await.lost;
    assert!(lost.len() >= more - 1, "{} are lost, and at least {more} were not replicated", lost.len());
    assert!(lost.len() <= load.count() - before.len() / 2, "{} are lost", lost.len());
    println!("{} of {} are lost", lost.len(), load.count());
    town.close();
}
