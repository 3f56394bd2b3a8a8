//! `posthouse migrate` is killed on the way, and goes on from there: nothing is missing, nothing is there twice.

use std::{cmp::Reverse, fs, path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use posthouse_core::{
    message::{StoredMessage, TimelineEvent},
    store::{MessageFilter, Store},
};
use posthouse_sim::{CarrierOptions, CarrierSim};
use posthouse_store::{Access, StoreUrl, open, suite::postgres_server::PostgresServer};
use posthouse_testing::{
    provisioning::{AccountToml, CarrierToml, range},
    store::visit,
};
use tokio::{
    task::{JoinSet, block_in_place},
    time::{Instant, sleep},
};

use super::{
    load::{Load, LoadPlan},
    number,
    town::{PARK, RESEND, until_within},
};
use crate::process::{self, DEADLINE, Gateway, Program};

/// So many messages are looked up at a time.
const PAGE: usize = 500;

/// A message with all that a migration takes over.
type Whole = (StoredMessage, Vec<TimelineEvent>, Vec<Bytes>);

async fn page(store: &Arc<dyn Store>, filter: &MessageFilter) -> Vec<Whole> {
    let mut reading = JoinSet::new();
    for message in store.messages(filter, PAGE).await.unwrap() {
        let store = Arc::clone(store);
        reading.spawn(async move {
            let timeline = store.timeline(message.id).await.unwrap().unwrap();
            let media = store.media(message.id).await.unwrap();
            (message, timeline, media)
        });
    }
    let mut page = reading.join_all().await;
    page.sort_unstable_by_key(|(message, ..)| Reverse(message.id));
    page
}

/// Compares two stores, page by page. Returns how many messages there are.
async fn same(one: &Arc<dyn Store>, other: &Arc<dyn Store>) -> usize {
    let (mut filter, mut count) = (MessageFilter::default(), 0);
    loop {
        let (here, there) = tokio::join!(page(one, &filter), page(other, &filter));
        for (here, there) in here.iter().zip(&there) {
            assert_eq!(here, there);
        }
        assert_eq!(here.len(), there.len());
        count += here.len();
        let Some((last, ..)) = here.last() else { return count };
        filter.below = Some(last.id);
    }
}

/// A store with messages that have ended, and others that wait; its gateway has stopped.
async fn fill(folder: &Path, messages: u64) {
    let carrier = CarrierSim::start(CarrierOptions::new(PARK)).await.unwrap();
    let file = [
        AccountToml::new("acme").service("default = true\n").to_string(),
        CarrierToml::new(PARK).connection("sim", &carrier.url(), "").to_string(),
        CarrierToml::new(RESEND).nowhere().to_string(),
        range("1617", PARK),
        range("1508", RESEND),
    ];
    block_in_place(|| process::provision(folder, &file.concat()));
    let gateway = block_in_place(|| Gateway::start(folder));
    carrier.set_reports(Some(gateway.carriers.replace("{carrier}", PARK)));
    let sizes = &[700, 2 << 10, 700, 40 << 10];
    let plan = LoadPlan { clients: 32, pause: Duration::ZERO, limit: messages, sizes, ..LoadPlan::SHORT };
    Load::start(plan, &gateway.mm7).run_out().await;
    gateway.program.signal("TERM");
    let ended = block_in_place(|| gateway.program.ended());
    assert!(ended.status.success(), "{ended:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_is_killed_goes_on_and_loses_nothing() {
    let Some(server) = block_in_place(|| PostgresServer::start(&[])) else { return };
    let messages = number("POSTHOUSE_MIGRATED_MESSAGES", 2000);
    let folder = process::folder();
    let began = Instant::now();
    fill(folder.path(), messages).await;
    let filled = began.elapsed();
    let database = server.make_database().await;
    let place = folder.path().join("cluster");
    fs::create_dir(&place).unwrap();
    let configuration = format!(
        "[store]\nurl = {:?}\nrequire_standbys = 0\n[media]\nurl = \"file://{}\"\n[mm7]\nlisten = \"127.0.0.1:0\"\n\
         [carriers]\nlisten = \"127.0.0.1:0\"\n[admin]\nlisten = \"127.0.0.1:0\"\n[shutdown]\ngrace = \"1ms\"\n",
        server.url(&database),
        place.join("media").display()
    );
    fs::write(place.join("posthouse.toml"), configuration).unwrap();
    let migrate = || {
        let from = ["migrate", "--from", "data/posthouse.db", "--from-media", "data/media", "--json"];
        Program::start(folder.path(), &[&from[..], &["--config", "cluster/posthouse.toml"]].concat())
    };
    let client = server.client(&database).await;
    // It says nothing till it ends, and has the more to do the more there are.
    let patience = 2 * DEADLINE + Duration::from_millis(20 * messages);
    for third in 1..=2 {
        let program = migrate();
        let goal = i64::try_from(messages * third / 4).unwrap();
        until_within(patience, "messages are taken over", async || {
            // At first there is no such table.
            let count = client.query_one("SELECT count(*) FROM message", &[]).await;
            count.is_ok_and(|count| count.get::<_, i64>(0) >= goal)
        })
        .await;
        program.signal("KILL");
        let ended = block_in_place(|| program.ended());
        assert!(!ended.status.success(), "it was over before it was killed: {ended:?}");
    }
    let ended = block_in_place(|| migrate().ended_within(patience));
    assert!(ended.status.success(), "{ended:#?}");
    drop(client);

    let url = StoreUrl::postgres(&server.url(&database), None).unwrap().without_standbys();
    let old = visit(folder.path()).await;
    let new = open(&url, &place.join("media").into(), Access::Visit { create: false }).await.unwrap();
    let moved = began.elapsed();
    assert_eq!(same(&old, &new).await as u64, messages);
    println!(
        "{messages} messages: filled in {filled:.0?}, moved after {moved:.0?}, compared after {:.0?}",
        began.elapsed()
    );
    old.close().await.unwrap();
    new.close().await.unwrap();
    let gateway = block_in_place(|| Gateway::start(&place));
    sleep(Duration::from_millis(100)).await;
    gateway.program.signal("TERM");
    assert!(block_in_place(|| gateway.program.ended()).status.success());
}
