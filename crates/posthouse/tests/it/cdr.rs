//! CDR files: a record of each message that ended, once, whatever happens to the gateway and to the folder (docs/operations.md).
//!
//! `POSTHOUSE_CDR_MESSAGES` makes it more messages than a few hundred.

use std::{collections::BTreeMap, fs, io::Write as _, path::Path};

use posthouse_core::store::MessageFilter;
use posthouse_testing::store::visit;
use serde_json::Value;
use tokio::task::block_in_place;

use crate::{
    outage::{
        file_system::{disk, leave, make_space, on_a_disk_of_its_own},
        town::{Load, Sizes, Town, all_ended, provision, until},
    },
    process::posthouse,
};

const SIZES: Sizes = Sizes(&[300, 2_000, 20_000]);
const MESSAGES: u64 = 300;

/// The records of all files, those that are being written too, by kind and MessageID.
fn records(folder: &Path) -> BTreeMap<String, Vec<Value>> {
    let mut records: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let entries = fs::read_dir(folder).into_iter().flatten();
    let files = entries.map(|entry| entry.unwrap().path()).filter(|path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.starts_with("cdr-")
    });
    for path in files {
        // It may be closed, and have another name, at this moment.
        let Ok(text) = fs::read_to_string(&path) else { continue };
        for line in text.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
            let record: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line} in {path:?}"));
            let id = record["message_id"].as_str().unwrap().to_owned();
            records.entry(id).or_default().push(record);
        }
    }
    records
}

fn keep_records(folder: &Path, how: &str) {
    keep_records_in(folder, Path::new("cdr"), how);
}

fn keep_records_in(folder: &Path, cdr: &Path, how: &str) {
    let mut settings = fs::OpenOptions::new().append(true).open(folder.join("posthouse.toml")).unwrap();
    writeln!(settings, "\n[cdr]\nfolder = {:?}\n{how}", cdr.display().to_string()).unwrap();
}

fn metric(admin: &str, name: &str) -> Option<f64> {
    let answer = crate::metrics::get(admin, "/metrics", "*/*").1;
    let line = answer.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
    line.parse().ok()
}

/// Waits till so many are accepted, as long as they become more.
async fn accept(load: &Load, goal: u64) {
    let goal = usize::try_from(goal).unwrap();
    while load.accepted().len() < goal {
        let more = goal.min(load.accepted().len() + 100);
        until("messages are accepted", || load.accepted().len() >= more).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_message_has_one_record_though_the_gateway_is_killed() {
    let messages = std::env::var("POSTHOUSE_CDR_MESSAGES").map_or(MESSAGES, |text| text.parse().unwrap());
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("gateway");
    let town = Town::build(&folder).await;
    keep_records(&folder, "numbers = \"masked\"");
    let mut gateway = town.gateway();
    block_in_place(|| provision(&folder, &town.carrier.url(), &town.vasp.url(), ""));
    let (load, clients) = Load::start(SIZES, messages, &gateway.mm7);
    for part in [1, 2] {
        accept(&load, messages * part / 3).await;
        let cdr = folder.join("cdr");
        until("some have records", || !records(&cdr).is_empty()).await;
        gateway.program.signal("KILL");
        block_in_place(|| gateway.program.ended());
        gateway = town.gateway();
        load.go_on_at(&gateway.mm7);
    }
    accept(&load, messages).await;
    clients.join_all().await;
    all_ended(&folder).await;
    let cdr = folder.join("cdr");
    let accepted = load.accepted();
    until("all have records", || records(&cdr).len() >= accepted.len()).await;
    gateway.program.signal("TERM");
    assert!(block_in_place(|| gateway.program.ended()).status.success());

    let store = visit(&folder).await;
    let stored = store.messages(&MessageFilter::default(), 1_000_000).await.unwrap();
    assert_eq!(stored.len(), accepted.len());
    let records = records(&cdr);
    assert_eq!(records.len(), stored.len());
    for message in stored {
        let of_it = &records[&message.id.to_string()];
        assert_eq!(of_it.len(), 1, "{of_it:?}");
        let record = &of_it[0];
        assert_eq!(record["state"], message.state.as_str(), "{record}");
        assert_eq!(record["transaction_id"], message.submission.transaction_id, "{record}");
        assert_eq!((&record["account"], &record["carrier"]), (&"acme".into(), &"31003".into()), "{record}");
        assert_eq!(record["to"], message.submission.recipient.to_string(), "{record}");
        assert_eq!(record["connection"], "sim", "{record}");
    }
    store.close().await.unwrap();
    let open = fs::read_dir(&cdr)
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_str().unwrap().ends_with(".part"));
    assert_eq!(open.count(), 0, "a stop closes the file");
}

#[tokio::test(flavor = "multi_thread")]
async fn records_wait_in_the_store_while_the_folder_is_away() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("gateway");
    let town = Town::build(&folder).await;
    keep_records(&folder, "");
    let gateway = town.gateway();
    block_in_place(|| provision(&folder, &town.carrier.url(), &town.vasp.url(), ""));
    let (cdr, away) = (folder.join("cdr"), folder.join("away"));
    fs::rename(&cdr, &away).unwrap();
    let (load, clients) = Load::start(SIZES, 20, &gateway.mm7);
    clients.join_all().await;
    let told = block_in_place(|| gateway.program.said("records are kept in the store"));
    assert!(told.contains("WARN") && told.contains("the CDR folder cannot be written"), "{told}");
    assert!(told.contains("make room there, or mend the folder of [cdr] folder="), "{told}");
    all_ended(&folder).await;
    until("all wait", || metric(&gateway.admin, "posthouse_cdr_pending") == Some(20.0)).await;
    assert_eq!(metric(&gateway.admin, "posthouse_cdr_failing"), Some(1.0));
    assert_eq!(records(&away).len(), 0);

    fs::rename(&away, &cdr).unwrap();
    until("all are written", || records(&cdr).len() == load.accepted().len()).await;
    until("it is well", || metric(&gateway.admin, "posthouse_cdr_failing") == Some(0.0)).await;
    assert_eq!(metric(&gateway.admin, "posthouse_cdr_pending"), Some(0.0));
    assert_eq!(metric(&gateway.admin, "posthouse_cdr_records_total"), Some(20.0));
    assert!(records(&cdr).values().all(|of_it| of_it.len() == 1));

    // A second gateway, on another store, may not write into it.
    let other = place.path().join("other");
    crate::outage::town::configure(&other);
    let mut settings = fs::OpenOptions::new().append(true).open(other.join("posthouse.toml")).unwrap();
    writeln!(settings, "\n[cdr]\nfolder = {:?}", cdr.display().to_string()).unwrap();
    let refused = block_in_place(|| {
        let mut serve = posthouse(&other, &["serve", "-c", "posthouse.toml"]);
        serve.output().unwrap()
    });
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("another process writes into it; give each gateway a folder of its own"), "{said}");
}

/// The folder is on a disk that fills up in the middle of a record, and the gateway is killed while it is full.
#[test]
fn a_full_disk_loses_no_record_and_writes_none_twice() {
    let make = "mount -t tmpfs -o size=128k,mode=700 none \"$DISK\" || exit 77";
    on_a_disk_of_its_own("cdr::records_on_a_full_disk", make);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "the test before makes the disk for it"]
async fn records_on_a_full_disk() {
    let (place, disk) = (tempfile::tempdir().unwrap(), disk());
    let folder = place.path().join("gateway");
    let town = Town::build(&folder).await;
    let cdr = disk.join("cdr");
    keep_records_in(&folder, &cdr, "");
    let mut gateway = town.gateway();
    block_in_place(|| provision(&folder, &town.carrier.url(), &town.vasp.url(), ""));
    // Two pages: they end within a record.
    leave(&disk, 8 << 10);
    let (load, clients) = Load::start(SIZES, 60, &gateway.mm7);
    clients.join_all().await;
    let told = block_in_place(|| gateway.program.said("records are kept in the store"));
    assert!(told.contains("No space left on device"), "{told}");
    all_ended(&folder).await;
    until("some wait", || {
        metric(&gateway.admin, "posthouse_cdr_pending").is_some_and(|waiting| waiting > 0.0)
    })
    .await;
    assert_eq!(metric(&gateway.admin, "posthouse_cdr_failing"), Some(1.0));
    gateway.program.signal("KILL");
    block_in_place(|| gateway.program.ended());
    gateway = town.gateway();
    block_in_place(|| gateway.program.said("records are kept in the store"));
    assert!(records(&cdr).values().all(|of_it| of_it.len() == 1));
    assert!(records(&cdr).len() < load.accepted().len());

    make_space(&disk);
    until("all are written", || records(&cdr).len() == load.accepted().len()).await;
    until("it is well", || metric(&gateway.admin, "posthouse_cdr_failing") == Some(0.0)).await;
    assert_eq!(metric(&gateway.admin, "posthouse_cdr_pending"), Some(0.0));
    gateway.program.signal("TERM");
    assert!(block_in_place(|| gateway.program.ended()).status.success());
    let records = records(&cdr);
    assert!(load.accepted().keys().all(|id| records[&id.to_string()].len() == 1));
}
