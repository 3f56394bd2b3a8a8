//! S3 is away.

use std::{collections::BTreeSet, time::Duration};

use tokio::{
    task::block_in_place,
    time::{Instant, sleep},
};

use super::{
    load::LoadPlan,
    town::{ClusterTown, TownPlan},
};

/// Without S3 what is short goes on, and what is long gets 3510; what has to be read waits, and is sent when S3 is back.
#[tokio::test(flavor = "multi_thread")]
async fn without_s3_short_messages_go_on_and_long_ones_wait() {
    let test = "without_s3_short_messages_go_on_and_long_ones_wait";
    let plan = TownPlan {
        has_s3: true,
        // Long ones wait, and have to be read again once they are not in memory any more.
        latency: Duration::from_millis(100),
        park: "window = 4\n",
        ..TownPlan::THREE
    };
    let Some(mut town) = ClusterTown::found(test, &plan).await else { return };
    let short = town.load(LoadPlan { name: "short", clients: 3, sizes: &[2 << 10], ..LoadPlan::SHORT });
    let sizes = &[20 << 10, 100 << 10];
    let long = town.load(LoadPlan { name: "long", clients: 5, sizes, ..LoadPlan::SHORT });
    long.more(60).await;
    block_in_place(|| town.s3.as_mut().unwrap().kill());
    let gone = Instant::now();
    sleep(Duration::from_secs(4)).await;
    let known = Instant::now();
    short.more(100).await;
    sleep(Duration::from_secs(4)).await;
    // A machine that is busy may shed a short one, too.
    assert!(
        short.codes(gone).is_subset(&BTreeSet::from([Some(1000), Some(3510)])),
        "{:?}",
        short.codes(gone)
    );
    assert_eq!(long.codes(known), BTreeSet::from([Some(3510)]));
    block_in_place(|| town.s3.as_mut().unwrap().go_on());
    long.more(60).await;
    short.finish().await;
    long.finish().await;
    assert_eq!(long.codes(gone), BTreeSet::from([Some(1000), Some(3510)]));
    town.settled(&[&short, &long]).await;
    let verdict = town.judge(&[&short, &long]).await;
    verdict.is_clean();
    println!("{} messages, {} tried again", verdict.messages, verdict.unknown.len());
    town.close();
}
