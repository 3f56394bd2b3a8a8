//! How days go whole on PostgreSQL, whose rows and objects are laid out by days.

use std::{
    fs,
    path::{Path, PathBuf},
};

use jiff::tz::TimeZone;
use mm7::MmStatus;
use posthouse_core::{Id, store::Store, store::Swept, store::roles::*};
use posthouse_store::suite::{
    bed::{Bed, ME, at, message, mo, report, taken, with_media},
    media::noise,
};
use tokio_postgres::Client;

use crate::pg_place::PgPlace;

/// When days later than those of the tests are over.
const LATER: i64 = 10 * 86_400;
/// So many messages of a day make it a large one.
const MANY: i64 = 30_000;

/// A day of messages that have ended: more than are thrown away one by one.
async fn fill(client: &Client, day: i64) {
    let first = Id::first_at(at(day)).number() + (1 << 30);
    let padding = "x".repeat(300);
    let fill = format!(
        "INSERT INTO message SELECT {first} + n, 0, true, 'acme', 'east', '1617' || n, 't' || n, '\\x00', '{padding}' FROM n;
         INSERT INTO ended SELECT {first} + n, 10, NULL, NULL, {ended}, 1, NULL, 'east', NULL FROM n;
         INSERT INTO event SELECT {first} + n, 1, 0, 2, '' FROM n;
         INSERT INTO callback_failed SELECT n, {first} + n, 3, 0, 'Retrieved', NULL, 'acme', 'east' FROM n WHERE n % 100 = 0;",
        ended = at(day).as_millisecond()
    );
    client
        .batch_execute(&fill.replace("FROM n", &format!("FROM generate_series(1, {MANY}) n")))
        .await
        .unwrap();
}

async fn count(client: &Client, what: &str) -> i64 {
    client.query_one(&format!("SELECT count(*) FROM {what}"), &[]).await.unwrap().get(0)
}

/// The partitions of that day, by name.
async fn partitions(client: &Client) -> Vec<String> {
    let names =
        "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relname ~ '_p20260921_' ORDER BY relname";
    client.query(names, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn a_large_day_goes_whole_but_for_what_is_needed() {
    let Some(place) = PgPlace::new(false) else { return };
    let bed = Bed::of(Box::new(place.open_store().await) as Box<dyn Store>);
    let client = place.client().await;
    fill(&client, 0).await;
    let waiting = with_media(message(0), &[noise(1, 5000)]);
    bed.accept(&waiting).await.unwrap();
    let owing = bed.forwarded("c-1", 0).await;
    bed.reported(owing, report("c-1", MmStatus::Retrieved, 1)).await;
    let incoming = mo("t-1", &[noise(2, 5000)], 0);
    bed.accept_mo(incoming.clone()).await.unwrap();
    let early = bed.sweep(at(86_400), at(86_400), 10).await;
    assert_eq!(early, Ok(Swept::default()), "none of it is thrown away one by one");
    let swept = bed.sweep(at(LATER), at(LATER), 10).await.unwrap();
    assert_eq!(swept.messages, u64::try_from(MANY).unwrap());
    for (table, expected) in
        [("message", 2), ("ended", 1), ("mo", 1), ("media", 2), ("callback_failed", 0), ("callback", 2)]
    {
        assert_eq!(count(&client, table).await, expected, "{table}");
    }
    assert_eq!(bed.media(waiting.id).await, Ok(waiting.media.clone()));
    assert!(bed.timeline(owing).await.unwrap().is_some_and(|timeline| timeline.len() > 2));
    let newest = bed.newest_id().await.unwrap().unwrap();
    assert!(newest.number() >= Id::first_at(at(0)).number() + (1 << 30) + MANY, "it is remembered");
    for callback in bed.callbacks(LATER).await {
        bed.delivered(&callback, 2).await;
    }
    assert_eq!(bed.send_ids(ME, LATER).await, [waiting.id]);
    bed.begin_mine(waiting.id, LATER).await;
    assert!(partitions(&client).await.len() > 8, "one is still being sent");
    bed.settle_mine(waiting.id, taken("c-2", LATER), LATER).await;
    bed.reported(waiting.id, report("c-2", MmStatus::Retrieved, LATER)).await;
    for callback in bed.callbacks(LATER).await {
        bed.delivered(&callback, LATER).await;
    }
    bed.sweep(at(2 * LATER), at(2 * LATER), 10).await.unwrap();
    assert_eq!(
        partitions(&client).await.iter().filter(|name| !name.starts_with("seen")).count(),
        0,
        "nothing is left"
    );
    bed.close().await.unwrap();
}

/// Of two nodes one does it; one that has lost the job, though it does not know, changes nothing.
#[tokio::test]
async fn a_day_goes_by_who_has_the_job() {
    let Some(place) = PgPlace::new(false) else { return };
    let store = place.open_store().await;
    let client = place.client().await;
    fill(&client, 0).await;
    client.batch_execute("INSERT INTO job VALUES ('retention', 7, 9e15::int8)").await.unwrap();
    assert_eq!(store.sweep(at(LATER), at(LATER), 10).await, Ok(Swept::default()));
    client.batch_execute("UPDATE job SET until = 0").await.unwrap();
    let other = place.client().await;
    other.batch_execute("BEGIN; LOCK TABLE message IN ACCESS SHARE MODE").await.unwrap();
    let loses = async {
        loop {
            let waits = "SELECT 1 FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND NOT granted";
            if !client.query(waits, &[]).await.unwrap().is_empty() {
                break;
            }
        }
        client.batch_execute("UPDATE job SET owner = 7, until = 9e15::int8").await.unwrap();
        other.batch_execute("ROLLBACK").await.unwrap();
    };
    let (swept, ()) = tokio::join!(store.sweep(at(LATER), at(LATER), 10), loses);
    assert_eq!(swept, Ok(Swept::default()));
    assert_eq!(count(&client, "message").await, MANY);
    client.batch_execute("UPDATE job SET until = 0").await.unwrap();
    let swept = store.sweep(at(LATER), at(LATER), 10).await.unwrap();
    assert_eq!(swept.messages, u64::try_from(MANY).unwrap());
    store.close().await.unwrap();
}

/// Whoever stopped in the middle.
#[tokio::test]
async fn what_was_taken_out_half_way_is_dropped_or_goes_back() {
    let Some(place) = PgPlace::new(false) else { return };
    let store = place.open_store().await;
    let client = place.client().await;
    fill(&client, 0).await;
    client
        .batch_execute(
            "ALTER TABLE message DETACH PARTITION message_p20260921_00; ALTER TABLE read_reply DETACH PARTITION read_reply_p20260921_00",
        )
        .await
        .unwrap();
    store.sweep(at(0), at(0), 10).await.unwrap();
    assert_eq!(count(&client, "message").await, MANY, "it has rows: it went back");
    let gone = partitions(&client).await;
    assert!(!gone.iter().any(|name| name == "read_reply_p20260921_00"), "{gone:?}");
    store.close().await.unwrap();
}

/// By keys that come in no order, a day is found by once it is closed; and what repetitions were told by goes.
#[tokio::test]
async fn a_closed_day_gets_its_indices() {
    let Some(place) = PgPlace::new(false) else { return };
    let store = place.open_store().await;
    let client = place.client().await;
    fill(&client, 0).await;
    let indices = "pg_indexes WHERE tablename = 'message_p20260921_00' AND indexname LIKE '%_by_%'";
    store.note_seen(at(3600)).await.unwrap();
    store.sweep(at(-LATER), at(-LATER), 10).await.unwrap();
    assert_eq!(count(&client, indices).await, 0);
    let seen = "pg_class WHERE relname LIKE 'seen_p20260921_%'";
    assert!(count(&client, seen).await > 0);
    store.note_seen(at(3 * 86_400)).await.unwrap();
    store.sweep(at(-LATER), at(-LATER), 10).await.unwrap();
    assert_eq!(count(&client, indices).await, 2);
    assert_eq!(count(&client, seen).await, 0);
    client.batch_execute(posthouse_store::postgres::PLAN_SETTINGS).await.unwrap();
    for (column, index) in [("recipient", "by_recipient"), ("transaction_id", "by_transaction_id")] {
        let explain =
            format!("EXPLAIN SELECT id FROM message WHERE {column} = '16175' ORDER BY id DESC LIMIT 100");
        let rows = client.query(&explain, &[]).await.unwrap();
        let plan: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        assert!(plan.iter().any(|line| line.contains(index)), "{plan:#?}");
    }
    store.close().await.unwrap();
}

/// The file of an object, and its number.
async fn object(client: &Client, media: &Path, id: Id) -> (i64, PathBuf) {
    let row = client.query_one("SELECT object FROM media WHERE id = $1", &[&id.number()]).await.unwrap();
    let object: i64 = row.get(0);
    (object, media.join(object_name(object)))
}

fn object_name(object: i64) -> String {
    let id = Id::from_number(object).unwrap();
    let day = TimeZone::UTC.to_datetime(id.time()).date();
    format!("{day}/{:03}/{object:016x}", id.node())
}

/// The objects of a day go with it; what is needed of them lies in newer ones then. What no row refers to goes as well.
#[tokio::test]
async fn the_objects_of_a_day_go() {
    let Some(place) = PgPlace::new(false) else { return };
    let store = place.open_store().await;
    let client = place.client().await;
    let new = with_media(message(0), &[noise(1, 50_000)]);
    store.accept(&new).await.unwrap();
    let (object, old_file) = object(&client, &place.media(), new.id).await;
    let orphan_file = place.media().join(object_name(object + 1));
    fs::copy(&old_file, &orphan_file).unwrap();
    store.note_seen(at(2 * 86_400)).await.unwrap();
    store.sweep(at(-LATER), at(-LATER), 10).await.unwrap();
    assert!(old_file.exists() && !orphan_file.exists(), "no row referred to one of them");
    store.sweep(at(LATER), at(-LATER), 10).await.unwrap();
    assert!(!old_file.exists());
    let (_, file) = self::object(&client, &place.media(), new.id).await;
    assert!(file.exists() && file != old_file);
    assert_eq!(store.media(new.id).await, Ok(new.media.clone()));
    assert_eq!(count(&client, "object").await, 1);
    store.close().await.unwrap();
}
