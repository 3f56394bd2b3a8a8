//! Rows that are read without a lock, and written as the version that was read: who changes them in between is found out.

use std::time::Duration;

use mm7::MmStatus;
use posthouse_core::{
    Id,
    life::{
        read_reply::ReadStatus,
        state::{State, Terminal},
    },
    store::{Recorded, StoreError},
};
use posthouse_store::suite::bed::{Bed, ME, OTHER, at, read_reply, report, taken};
use tokio_postgres::Client;

use crate::pg_place::PgPlace;

const IN_TIME: Duration = Duration::from_secs(120);

/// Begins a transaction that has this row alone.
async fn hold(client: &Client, table: &str, id: Id) {
    let lock = format!("BEGIN; SELECT 1 FROM {table} WHERE id = {} FOR UPDATE", id.number());
    client.batch_execute(&lock).await.unwrap();
}

/// Waits till somebody waits for a row.
async fn till_somebody_waits(client: &Client) {
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let waiting = async {
        while client.query_one(waits, &[]).await.unwrap().get::<_, i64>(0) == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(IN_TIME, waiting).await.unwrap();
}

/// A report comes at another node at the moment at which the callback is delivered that the report's own waits behind.
#[tokio::test]
async fn what_comes_while_a_callback_is_delivered_is_freed() {
    let Some(place) = PgPlace::new(false) else { return };
    let bed = Bed::of(Box::new(place.open_store().await));
    let client = place.client().await;
    bed.forwarded("x", 0).await;
    let callback = bed.callbacks(1).await.remove(0);
    let number = callback.id.number();
    hold(&client, "callback", callback.id).await;
    let meanwhile = async {
        till_somebody_waits(&client).await;
        let comes = format!(
            "UPDATE callback SET attempts = attempts WHERE id = {number};
             INSERT INTO callback SELECT id + 1, message, slot, NULL, NULL, 0, at, 'Retrieved', NULL, account, carrier
                 FROM callback WHERE id = {number};
             COMMIT"
        );
        client.batch_execute(&comes).await.unwrap();
    };
    tokio::join!(bed.delivered(&callback, 2), meanwhile);
    let rows = client.query("SELECT id, due FROM callback", &[]).await.unwrap();
    let left: Vec<(i64, Option<i64>)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(left, [(number + 1, Some(at(2).as_millisecond()))], "it waits for nothing any more");
}

/// Whoever read the callback before must not take it away as if nothing waited behind it.
#[tokio::test]
async fn a_callback_that_another_waits_behind_is_another_version() {
    let Some(place) = PgPlace::new(false) else { return };
    let bed = Bed::of(Box::new(place.open_store().await));
    let client = place.client().await;
    let id = bed.forwarded("x", 0).await;
    let callback = bed.callbacks(1).await.remove(0);
    let version = async || {
        let select = "SELECT xmin::text FROM callback WHERE id = $1";
        client.query_one(select, &[&callback.id.number()]).await.unwrap().get::<_, String>(0)
    };
    let before = version().await;
    bed.reported(id, report("x", MmStatus::Retrieved, 2)).await;
    assert_ne!(version().await, before);
}

#[tokio::test]
async fn an_attempt_does_not_begin_on_what_was_taken_away() {
    let Some(place) = PgPlace::new(false) else { return };
    let bed = Bed::of(Box::new(place.open_store().await));
    let client = place.client().await;
    let id = bed.accept_mine(0).await;
    hold(&client, "work", id).await;
    let meanwhile = async {
        till_somebody_waits(&client).await;
        let take = format!("UPDATE work SET owner = {} WHERE id = {}; COMMIT", OTHER.0, id.number());
        client.batch_execute(&take).await.unwrap();
    };
    let (begun, ()) = tokio::join!(bed.begin(id, ME, "vzw-1", at(60), at(1)), meanwhile);
    assert_eq!(begun, Err(StoreError::LostLease));
    let stored = bed.message(id).await.unwrap().unwrap();
    assert_eq!(stored.attempts, 0);
}

#[tokio::test]
async fn an_attempt_does_not_end_on_what_was_taken_away() {
    let Some(place) = PgPlace::new(false) else { return };
    let bed = Bed::of(Box::new(place.open_store().await));
    let client = place.client().await;
    let id = bed.sending(0).await;
    hold(&client, "work", id).await;
    let meanwhile = async {
        till_somebody_waits(&client).await;
        let take = format!("UPDATE work SET owner = {} WHERE id = {}; COMMIT", OTHER.0, id.number());
        client.batch_execute(&take).await.unwrap();
    };
    let (settled, ()) = tokio::join!(bed.settle(id, ME, taken("x", 1), "so they said", at(1)), meanwhile);
    assert_eq!(settled.unwrap_err(), StoreError::LostLease);
    assert_eq!(bed.state(id).await, State::Sending);
}

/// A report on a message about which something is written beside it: it is recorded on what the message is then, once.
#[tokio::test]
async fn a_report_beside_another_step_is_recorded_behind_it() {
    let Some(place) = PgPlace::new(false) else { return };
    let bed = Bed::of(Box::new(place.open_store().await));
    let client = place.client().await;
    let id = bed.forwarded("x", 0).await;
    hold(&client, "awaiting", id).await;
    let meanwhile = async {
        till_somebody_waits(&client).await;
        let change = format!("UPDATE awaiting SET attempts = attempts WHERE id = {}; COMMIT", id.number());
        client.batch_execute(&change).await.unwrap();
    };
    let retrieved = report("x", MmStatus::Retrieved, 2);
    let (recorded, ()) = tokio::join!(bed.record_report(retrieved), meanwhile);
    assert!(matches!(recorded, Ok(Recorded::Applied(..))), "{recorded:?}");
    assert_eq!(bed.state(id).await, State::Ended(Terminal::Retrieved));
}

/// Whoever read the message before must not go on as if nothing were owed about it.
#[tokio::test]
async fn a_message_about_which_something_is_written_is_another_version() {
    let Some(place) = PgPlace::new(false) else { return };
    let bed = Bed::of(Box::new(place.open_store().await));
    let client = place.client().await;
    let id = bed.forwarded("x", 0).await;
    let version = async || {
        let select = "SELECT xmin::text FROM awaiting WHERE id = $1";
        client.query_one(select, &[&id.number()]).await.unwrap().get::<_, String>(0)
    };
    let before = version().await;
    bed.record_read_reply(read_reply("x", ReadStatus::Read, 2)).await.unwrap();
    assert_ne!(version().await, before);
}
