//! The database is restored to an earlier time, from a base backup, while the media know more.

use std::{collections::BTreeSet, fs};

use mm7::TransactionId;
use posthouse_core::{
    Id,
    life::state::State,
    store::{MessageFilter, Store},
};
use posthouse_sim::{Submit, http::Client, media, submit};
use posthouse_store::{Access, StoreUrl, open};
use posthouse_testing::{
    noise::noise,
    provisioning::{CarrierToml, range},
};
use serde_json::Value;
use tokio::task::block_in_place;

use super::town::{ClusterTown, PARK, TownPlan, until};
use crate::process::{DEADLINE, Gateway, posthouse};

/// A carrier whose connection nobody answers: what goes there waits.
const NOWHERE: &str = "31009";
/// Takes a message and reports nothing.
const QUIET: &str = "16175559008";

async fn send(door: &str, name: &str, to: &str, length: usize) -> Id {
    let request = Submit {
        vaspid: Some("acme-key".to_owned()),
        transaction_id: Some(TransactionId::new(name).unwrap()),
        media: vec![media::part("noise.jpg", noise(length as u64, length))],
        ..Submit::new(door, "111122", to)
    };
    let answer = submit(&Client::new(DEADLINE), &request).await.unwrap();
    assert!(answer.is_success(), "{name}: {answer:?}");
    answer.message_id().unwrap().as_str().parse().unwrap()
}

async fn state(store: &dyn Store, id: Id) -> Option<String> {
    store.message(id).await.unwrap().map(|message| message.state.as_str().to_owned())
}

/// Messages that ended, that wait for a report, that wait to be sent, and that came after the backup: each goes on from where the
/// backup has it, and of what came later all is there of which the media know.
#[tokio::test(flavor = "multi_thread")]
async fn a_restored_database_goes_on_with_what_it_has_and_with_what_the_media_know() {
    let test = "a_restored_database_goes_on_with_what_it_has_and_with_what_the_media_know";
    let plan = TownPlan { nodes: 1, ..TownPlan::THREE };
    let Some(mut town) = ClusterTown::found(test, &plan).await else { return };
    let more = CarrierToml::new(NOWHERE).nowhere().to_string() + &range("1509", NOWHERE);
    town.apply(0, &more);
    let door = town.gateway(0).mm7.clone();
    let store = town.visit().await;
    let ended = send(&door, "ended", "16170000100", 900).await;
    let awaited = send(&door, "awaited", QUIET, 20_000).await;
    let waiting = send(&door, "waiting", "15090000100", 20_000).await;
    until("they stand where they are to", async || {
        state(&*store, ended).await.is_some_and(|state| state == "Retrieved")
            && state(&*store, awaited).await.is_some_and(|state| state == "Forwarded")
    })
    .await;

    // The backup, and what comes after it.
    let backup = block_in_place(|| {
        let backup = town.database.standby("backup");
        backup.promote();
        backup
    });
    let long = send(&door, "long", "15090000200", 30_000).await;
    let sent = send(&door, "sent", "16170000300", 40_000).await;
    let short = send(&door, "short", "16170000400", 900).await;
    until("what came last was sent", async || {
        state(&*store, short).await.is_some_and(|state| state == "Retrieved")
            && state(&*store, sent).await.is_some_and(|state| state == "Retrieved")
    })
    .await;
    store.close().await.unwrap();
    town.kill(0);

    let place = town.place_beside("restored", &backup);
    let doctor = || {
        posthouse(&place, &["doctor", "--after-restore", "-c", "posthouse.toml", "--json"]).output().unwrap()
    };
    // Of the gateway that is dead it cannot be told for a moment that it is.
    let mut done = block_in_place(doctor);
    until("no gateway seems to run", async || {
        let runs = String::from_utf8_lossy(&done.stderr).contains("stop all of its gateways first");
        if runs {
            done = block_in_place(doctor);
        }
        !runs
    })
    .await;
    assert!(done.status.success(), "{done:?}");
    let said: Value = serde_json::from_slice(&done.stdout).unwrap();
    let put_back: BTreeSet<&str> =
        said["put_back"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    let (long_id, sent_id) = (long.to_string(), sent.to_string());
    assert_eq!(put_back, BTreeSet::from([long_id.as_str(), sent_id.as_str()]), "{said}");
    let number = |value: &Value| value.as_str().unwrap().parse::<Id>().unwrap();
    let (after, before) = (number(&said["missing"]["after"]), number(&said["missing"]["before"]));
    assert!(after >= waiting && after < long && short < before, "{said}");
    let again: Value = serde_json::from_slice(&block_in_place(doctor).stdout).unwrap();
    assert_eq!(
        (again["put_back"].as_array().unwrap().len(), &again["leases_ended"]),
        (0, &Value::from(0)),
        "{again}"
    );

    let url = StoreUrl::postgres(&backup.url(town.database_name()), None).unwrap().without_standbys();
    let store = open(&url, &town.media(), Access::Visit { create: false }).await.unwrap();
    for (id, expected) in
        [(ended, Some("Retrieved")), (long, Some("Parked")), (sent, Some("Parked")), (short, None)]
    {
        assert_eq!(state(&*store, id).await.as_deref(), expected, "{id}");
    }
    // Behind the SMIL that the gateway wrote.
    assert_eq!(store.media(long).await.unwrap().last().unwrap(), &noise(30_000, 30_000));

    // A gateway goes on from there: what is parked ends by its time-out or as an operator says, and new messages are taken.
    let gateway = block_in_place(|| Gateway::start(&place));
    let runs = block_in_place(doctor);
    assert_eq!(runs.status.code(), Some(1));
    let said = String::from_utf8_lossy(&runs.stderr).into_owned();
    assert!(said.contains("stop all of its gateways first"), "{said}");
    town.carrier(PARK).set_reports(Some(gateway.carriers.replace("{carrier}", PARK)));
    let new = send(&gateway.mm7, "new", "16170000500", 20_000).await;
    let left = MessageFilter {
        states: State::all().filter(|state| !state.is_terminal()).collect(),
        ..MessageFilter::default()
    };
    until("all has ended but what nobody can be asked for", async || {
        let open = store.messages(&left, 10).await.unwrap();
        open.iter().all(|message| [waiting, long].contains(&message.id))
            && state(&*store, new).await.is_some_and(|state| state == "Retrieved")
    })
    .await;
    store.close().await.unwrap();
    gateway.program.signal("TERM");
    assert!(block_in_place(|| gateway.program.ended()).status.success());
    fs::remove_dir_all(&place).unwrap();
}
