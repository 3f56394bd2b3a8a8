//! Nodes are exchanged one by one for those of another version, under load.

use std::path::PathBuf;

use super::{
    load::LoadPlan,
    town::{ClusterTown, TownPlan},
};

/// The program of a version before, such as the one that is in production: `POSTHOUSE_BEFORE` names it.
fn before() -> Option<PathBuf> {
    let before = std::env::var_os("POSTHOUSE_BEFORE").map(PathBuf::from);
    if before.is_none() {
        println!("the rolling upgrade did not run: POSTHOUSE_BEFORE names the program of the version before");
    }
    before
}

/// The old ones serve, old and new ones serve together, and the new ones do: nobody notices. And back, as long as the tables let the old one.
#[tokio::test(flavor = "multi_thread")]
async fn nodes_of_two_versions_serve_one_database() {
    let Some(before) = before() else { return };
    let test = "nodes_of_two_versions_serve_one_database";
    let plan = TownPlan { program: Some(before), ..TownPlan::THREE };
    let Some(mut town) = ClusterTown::found(test, &plan).await else { return };
    let load = town.load(LoadPlan::SHORT);
    load.more(100).await;
    for node in 0..3 {
        town.exchange(node, None);
        load.more(100).await;
    }
    town.exchange(1, plan.program.clone());
    load.more(100).await;
    town.exchange(1, None);
    load.more(50).await;
    load.finish().await;
    town.settled(&[&load]).await;
    let verdict = town.judge(&[&load]).await;
    verdict.is_clean();
    assert!(verdict.unknown.is_empty(), "parked, or tried again: {:#?}", verdict.unknown);
    println!("{} messages", verdict.messages);
    town.close();
}
