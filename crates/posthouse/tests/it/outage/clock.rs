//! A clock that is months ahead of the last time that a gateway ran.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use posthouse_store::{Access, StoreUrl, open};
use serde_json::Value;

use crate::process::{Gateway, folder, posthouse};

fn readiness(admin: &str) -> Value {
    let mut stream = TcpStream::connect(admin.trim_start_matches("http://")).unwrap();
    stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

/// Till somebody says that it is right, it is told, and time goes on from when a gateway was last there.
#[test]
fn a_clock_far_ahead_is_not_believed_till_it_is_confirmed() {
    let folder = folder();
    let seen = Timestamp::now() - SignedDuration::from_hours(24 * 60);
    let (path, media) = (folder.path().join("data/posthouse.db"), folder.path().join("data/media"));
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let store = open(&StoreUrl::sqlite(path), &media.into(), Access::serve()).await.unwrap();
        store.note_seen(seen).await.unwrap();
        store.close().await.unwrap();
    });
    let gateway = Gateway::start(folder.path());
    gateway.program.said("posthouse clock --confirm");
    let note = readiness(&gateway.admin);
    assert_eq!(note["ready"], true);
    assert!(note["note"].as_str().unwrap().contains(&format!("{:.10}", seen.to_string())), "{note}");
    let doctor = posthouse(folder.path(), &["doctor", "-c", "posthouse.toml"]).output().unwrap();
    assert!(String::from_utf8_lossy(&doctor.stdout).contains("far ahead"), "{doctor:?}");

    let confirmed =
        posthouse(folder.path(), &["clock", "--confirm", "-c", "posthouse.toml"]).output().unwrap();
    assert!(confirmed.status.success(), "{confirmed:?}");
    let begun = Instant::now();
    while !readiness(&gateway.admin)["note"].is_null() {
        assert!(begun.elapsed() < Duration::from_secs(20), "it is still in doubt");
        thread::sleep(Duration::from_millis(50));
    }
    gateway.program.said("is believed again");
    gateway.program.signal("TERM");
    drop(gateway.program.ended());
    let shown = posthouse(folder.path(), &["clock", "--json", "-c", "posthouse.toml"]).output().unwrap();
    let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
    let noted: Timestamp = shown["seen"].as_str().unwrap().parse().unwrap();
    assert!(noted > seen + SignedDuration::from_hours(24 * 59), "the next start goes on from here: {shown}");
}
