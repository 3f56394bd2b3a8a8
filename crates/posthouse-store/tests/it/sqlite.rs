//! What only the SQLite backend promises: locks, files, group commit, segments, and rows that cannot be read.

use std::{
    fs::{self, OpenOptions},
    os::unix::fs::{FileExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use posthouse_core::{
    Id,
    account::AccountName,
    audit::AuditFilter,
    life::intervention::{FailedFilter, Intervention},
    message::EventKind,
    provisioning::{Change, Prefix, Range},
    slots::Slots,
    store::{
        Acceptance, FirstAttempt, KeptFilter, MessageFilter, MoFilter, NewMessage, RefusalFilter, StoreError,
        UnmatchedFilter, roles::*,
    },
};
use posthouse_store::{
    MediaPlace, OpenError, StoreUrl, backup, restore,
    sqlite::{Mode, SqliteOptions, SqliteStore},
    suite::{
        bed::{self, Bed, LEASE, ME, at, carrier, lease, message, operator, with_media},
        media::noise,
    },
};
use rusqlite::Connection;

use crate::place::Place;

/// Larger than what is kept inline: it lies in a segment.
const LARGE: usize = 40_000;

fn large(now: i64) -> NewMessage {
    with_media(message(now), &[noise(now.unsigned_abs(), LARGE)])
}

/// Segments that are whole: one that is being made beforehand is renamed when it is, maybe while a test looks.
fn segment_files(place: &Place) -> Vec<PathBuf> {
    let mut files: Vec<_> =
        fs::read_dir(place.path().join("media")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension() == Some("segment".as_ref()));
    files.sort();
    files
}

fn database(place: &Place) -> Connection {
    Connection::open(place.path().join("posthouse.db")).unwrap()
}

async fn open_error(options: SqliteOptions) -> OpenError {
    match SqliteStore::open(options).await {
        Ok(_) => panic!("it was opened"),
        Err(error) => error,
    }
}

/// Ends a message that was accepted, so that a sweep may take it.
async fn finish(store: &SqliteStore, id: Id, now: i64) {
    store.lease_sends(&carrier(), lease(ME, now), at(now), None, Slots::ALL, 1000).await.unwrap();
    store.settle(id, ME, bed::taken(&id.to_string(), now), "", at(now), None).await.unwrap();
    let report = bed::report(&id.to_string(), mm7::MmStatus::Retrieved, now);
    store.record_report(report, None).await.unwrap();
    for callback in store.lease_callbacks(&bed::acme(), lease(ME, now), at(now), 10).await.unwrap() {
        let delivered = posthouse_core::store::CallbackOutcome::Delivered;
        store.settle_callback(callback.id, ME, delivered, at(now), None).await.unwrap();
    }
}

mod opening {
    use super::*;

    #[tokio::test]
    async fn a_second_gateway_is_refused() {
        let place = Place::new();
        let store = place.open_store().await;
        let error = open_error(place.options()).await;
        assert!(matches!(&error, OpenError::Locked(path) if path.ends_with("posthouse.db.lock")));
        assert!(error.to_string().contains("held by another gateway"), "{error}");
        store.close().await.unwrap();
        place.open_store().await.close().await.unwrap();
    }

    #[tokio::test]
    async fn a_store_that_was_dropped_is_free() {
        let place = Place::new();
        drop(place.open_store().await);
        drop(place.open_store().await);
    }

    #[tokio::test]
    async fn a_visitor_looks_and_provisions_beside_a_gateway() {
        let place = Place::new();
        let store = place.open_store().await;
        let new = large(0);
        store.accept(&new).await.unwrap();
        let visitor =
            SqliteStore::open(SqliteOptions { mode: Mode::Visit, ..place.options() }).await.unwrap();
        let range = Range { prefix: Prefix::parse("1617").unwrap(), carrier: carrier() };
        assert_eq!(
            visitor.change(&[Change::PutRange(range.clone())], Some(0), &operator(), at(0)).await,
            Ok(1)
        );
        assert_eq!(store.provisioning().await.unwrap().ranges, [range]);
        assert_eq!(visitor.message(new.id).await.unwrap().unwrap().submission, new.submission);
        assert!(visitor.media(new.id).await.unwrap() == new.media);
        let refused = Err(StoreError::refused("it was opened for a visit only"));
        assert_eq!(visitor.accept(&message(0)).await, refused);
        visitor.close().await.unwrap();
        assert_eq!(store.accept(&large(1)).await, Ok(Acceptance::Fresh));
    }

    /// Two of them at once make no id twice, and the gateway goes on.
    #[tokio::test(flavor = "multi_thread")]
    async fn visitors_intervene_beside_a_gateway() {
        let place = Place::new();
        let store = place.open_store().await;
        let mut ids = Vec::new();
        for now in 0..40 {
            let new = message(now);
            ids.push(new.id);
            store.accept(&new).await.unwrap();
        }
        let visit = SqliteOptions { mode: Mode::Visit, ..place.options() };
        let (one, other) =
            (SqliteStore::open(visit.clone()).await.unwrap(), SqliteStore::open(visit).await.unwrap());
        let (odd, even): (Vec<_>, Vec<_>) = ids.into_iter().partition(|id| id.number() % 2 == 1);
        let expire = async |visitor: &SqliteStore, ids: &[Id]| {
            for id in ids {
                let verdicts = visitor.intervene(&[*id], Intervention::Expire, &operator(), at(100)).await;
                assert_eq!(verdicts, Ok(vec![Ok(())]));
            }
        };
        let own = async {
            for now in 200..220 {
                let new = NewMessage { first_attempt: FirstAttempt::Leased(lease(ME, now)), ..message(now) };
                let id = new.id;
                store.accept(&new).await.unwrap();
                store.begin(id, ME, "vzw-1", at(now + LEASE), at(now)).await.unwrap();
                store.settle(id, ME, bed::taken(&id.to_string(), now), "", at(100), None).await.unwrap();
            }
        };
        tokio::join!(expire(&one, &odd), expire(&other, &even), own);
        one.close().await.unwrap();
        other.close().await.unwrap();
        let owed = store.lease_callbacks(&bed::acme(), lease(ME, 300), at(300), 100).await.unwrap();
        assert_eq!(owed.len(), 60);
    }

    #[tokio::test]
    async fn a_visitor_may_come_first() {
        let place = Place::new();
        let visit = SqliteOptions { mode: Mode::Visit, ..place.options() };
        let visitor = SqliteStore::open(visit).await.unwrap();
        let range = Range { prefix: Prefix::parse("1617").unwrap(), carrier: carrier() };
        visitor.change(&[Change::PutRange(range)], None, &operator(), at(0)).await.unwrap();
        let store = place.open_store().await;
        assert_eq!(store.revision().await, Ok(1));
        assert_eq!(store.key().await, visitor.key().await);
    }

    #[tokio::test]
    async fn a_missing_store_is_only_made_when_asked_for() {
        let place = Place::new();
        let error = open_error(SqliteOptions { create: false, ..place.options() }).await;
        assert!(matches!(error, OpenError::Missing(_)), "{error}");
        assert!(!place.path().exists());
    }

    #[tokio::test]
    async fn a_store_of_a_newer_version_is_refused() {
        let place = Place::new();
        place.open_store().await.close().await.unwrap();
        let newer = "INSERT INTO migration (version, name, checksum, applied_at) VALUES (9999, 'x', 0, 0)";
        database(&place).execute_batch(newer).unwrap();
        let error = open_error(place.options()).await;
        assert!(matches!(error, OpenError::Newer { found: 9999, .. }), "{error}");
        assert!(error.to_string().contains("posthouse.db is of version 9999, this program knows"), "{error}");
    }

    #[tokio::test]
    async fn a_migration_that_was_altered_is_refused() {
        let place = Place::new();
        place.open_store().await.close().await.unwrap();
        database(&place).execute_batch("UPDATE migration SET checksum = checksum + 1").unwrap();
        let error = open_error(place.options()).await;
        assert!(matches!(error, OpenError::Altered { version: 1, name: "init" }), "{error}");
    }

    #[tokio::test]
    async fn a_visitor_does_not_migrate_under_a_gateway() {
        let place = Place::new();
        let store = place.open_store().await;
        database(&place).execute_batch("DELETE FROM migration").unwrap();
        let error = open_error(SqliteOptions { mode: Mode::Visit, ..place.options() }).await;
        assert!(matches!(error, OpenError::Outdated { .. }), "{error}");
        store.close().await.unwrap();
    }

    #[tokio::test]
    async fn only_the_owner_may_read_its_files() {
        let place = Place::new();
        let store = place.open_store().await;
        store.accept(&large(0)).await.unwrap();
        let mut files = segment_files(&place);
        files.extend(
            ["posthouse.db", "posthouse.db-wal", "posthouse.db.lock"].map(|name| place.path().join(name)),
        );
        assert!(files.len() > 3, "a segment at least: {files:?}");
        for file in files {
            assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600, "{file:?}");
        }
        for folder in [place.path(), place.path().join("media")] {
            assert_eq!(fs::metadata(folder).unwrap().permissions().mode() & 0o777, 0o700);
        }
    }

    #[tokio::test]
    async fn leases_of_an_earlier_run_end_at_once() {
        let place = Place::new();
        let bed = Bed::open(&place).await;
        let leased = bed.accept_mine(0).await;
        let begun = bed.sending(0).await;
        let bed = bed.reopen(&place).await;
        assert_eq!(bed.send_ids(ME, 1).await, [leased]);
        assert_eq!(bed.timers(ME, 1).await.first().map(|timer| timer.id()), Some(begun));
    }
}

mod group_commit {
    use super::*;

    /// Holds the database, so that the writer has to wait and jobs gather.
    fn hold(place: &Place) -> Connection {
        let connection = database(place);
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        connection
    }

    #[tokio::test]
    async fn what_waits_is_committed_together() {
        let place = Place::new();
        let store = Arc::new(place.open_store().await);
        let before = store.statistics();
        let held = hold(&place);
        let accepts: Vec<_> = (0..100)
            .map(|_| {
                let store = store.clone();
                tokio::spawn(async move { store.accept(&message(0)).await })
            })
            .collect();
        tokio::task::yield_now().await;
        held.execute_batch("ROLLBACK").unwrap();
        for accept in accepts {
            assert_eq!(accept.await.unwrap(), Ok(Acceptance::Fresh));
        }
        let after = store.statistics();
        let accepted = after.transactions.iter().find(|count| count.name == "accept").unwrap();
        assert_eq!((accepted.done, accepted.failed), (100, 0));
        assert_eq!((after.group_size.sum, after.queued), (before.group_size.sum + 100.0, 0));
        assert!(after.commit_time.count() - before.commit_time.count() < 20, "{after:?}");
    }

    #[tokio::test]
    async fn a_full_queue_sheds_new_work_and_lets_the_rest_wait() {
        let place = Place::new();
        let store = Arc::new(SqliteStore::open(SqliteOptions { queue: 2, ..place.options() }).await.unwrap());
        let held = hold(&place);
        let accepts = [0, 1].map(|now| {
            let store = store.clone();
            tokio::spawn(async move { store.accept(&message(now)).await })
        });
        tokio::task::yield_now().await;
        assert_eq!(store.accept(&message(2)).await, Err(StoreError::Overloaded));
        let waiting = {
            let store = store.clone();
            tokio::spawn(async move { store.release(&[], ME, at(0)).await })
        };
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        held.execute_batch("ROLLBACK").unwrap();
        for accept in accepts {
            assert_eq!(accept.await.unwrap(), Ok(Acceptance::Fresh));
        }
        assert_eq!(waiting.await.unwrap(), Ok(()));
    }

    #[tokio::test]
    async fn a_failing_accept_takes_no_other_with_it() {
        let place = Place::new();
        let store = place.open_store().await;
        let first = large(0);
        store.accept(&first).await.unwrap();
        let (good, clashing, fine) = (large(1), NewMessage { id: first.id, ..large(2) }, large(3));
        let media = [first.media.clone(), good.media.clone(), fine.media.clone()];
        let ids = [first.id, good.id, fine.id];
        let (one, clash, other) =
            tokio::join!(store.accept(&good), store.accept(&clashing), store.accept(&fine));
        assert_eq!((one, other), (Ok(Acceptance::Fresh), Ok(Acceptance::Fresh)));
        assert!(matches!(clash, Err(StoreError::NotDone(_))), "{clash:?}");
        for (id, media) in ids.into_iter().zip(media) {
            assert!(store.media(id).await.unwrap() == media);
        }
    }
}

mod space {
    use posthouse_core::store::Recorded;

    use super::*;

    #[tokio::test]
    async fn below_the_low_water_mark_work_drains_and_none_comes() {
        let place = Place::new();
        let store = place.open_store().await;
        let new = message(0);
        store.accept(&new).await.unwrap();
        let forwarded = NewMessage { first_attempt: FirstAttempt::Leased(lease(ME, 0)), ..message(0) };
        let waiting_for_reports = forwarded.id;
        store.accept(&forwarded).await.unwrap();
        store.begin(forwarded.id, ME, "vzw-1", at(60), at(0)).await.unwrap();
        store
            .settle(forwarded.id, ME, bed::taken(&forwarded.id.to_string(), 0), "", at(0), None)
            .await
            .unwrap();
        store.close().await.unwrap();
        let full = SqliteOptions { low_water_bytes: u64::MAX, ..place.options() };
        let store = SqliteStore::open(full).await.unwrap();
        assert_eq!(store.accept(&message(1)).await, Err(StoreError::Full));
        assert_eq!(store.check().await, Err(StoreError::Full));
        finish(&store, new.id, 1).await;
        assert_eq!(store.sweep(at(10), at(10), 10).await.unwrap().messages, 1);
        // Of reports, those that end something.
        let report =
            async |id: &str, status| Ok(store.record_report(bed::report(id, status, 2), None).await?.answer);
        let id = waiting_for_reports.to_string();
        for status in [mm7::MmStatus::Deferred, mm7::MmStatus::Forwarded] {
            assert_eq!(report(&id, status).await, Err(StoreError::Full));
        }
        assert_eq!(report("unknown", mm7::MmStatus::Retrieved).await, Err(StoreError::Full));
        let reply = bed::read_reply(&id, posthouse_core::life::read_reply::ReadStatus::Read, 2);
        assert_eq!(store.record_read_reply(reply, None).await, Err(StoreError::Full));
        let ended = report(&id, mm7::MmStatus::Retrieved).await;
        assert!(matches!(ended, Ok(Recorded::Applied(id, _)) if id == waiting_for_reports), "{ended:?}");
        let timeline = store.timeline(waiting_for_reports).await;
        assert_eq!(report(&id, mm7::MmStatus::Retrieved).await, Ok(Recorded::Late(waiting_for_reports)));
        assert_eq!(store.timeline(waiting_for_reports).await, timeline, "not even a line");
        let free = store.statistics().free_bytes;
        assert!(free.is_some_and(|free| free > 0), "{free:?}");
    }
}

mod bounds {
    use posthouse_core::{
        bounds::{LINES, WAITING_OF_CARRIER},
        store::Recorded,
    };

    use super::*;

    #[tokio::test]
    async fn a_full_timeline_keeps_its_beginning_and_the_newest_line() {
        let place = Place::new();
        let bed = Bed::open(&place).await;
        let id = bed.sending(0).await;
        database(&place)
            .execute(
                "WITH RECURSIVE n (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM n WHERE n < ?2)
                 INSERT INTO event (message, number, at, kind, detail) SELECT ?1, n, 0, 4, 'busy' FROM n",
                (id.number(), LINES - 1),
            )
            .unwrap();
        for now in 1..5 {
            bed.begin_mine(id, now).await;
            bed.settle_mine(id, bed::again(now, 0), now).await;
            bed.sends(ME, now).await;
        }
        let events = bed.events(id).await;
        assert_eq!(events.len(), LINES as usize);
        assert_eq!((events[0].0, events.last().unwrap().0), (EventKind::Sending, EventKind::Retrying));
        assert!(events.last().unwrap().1.contains("so they said"), "{events:?}");
    }

    #[tokio::test]
    async fn the_oldest_waiting_report_of_a_carrier_goes_for_a_new_one() {
        let place = Place::new();
        let bed = Bed::open(&place).await;
        let fill = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?)
                    INSERT INTO unmatched_report (received_at, carrier, carrier_message_id, status, said)
                    SELECT n, '31003', 'u-' || n, 'Retrieved', '' FROM n";
        let wait = |place: &Place, which: &str| -> u32 {
            let count = format!("SELECT count(*) FROM unmatched_report WHERE {which}");
            database(place).query_row(&count, [], |row| row.get(0)).unwrap()
        };
        database(&place).execute(fill, [WAITING_OF_CARRIER]).unwrap();
        let other = posthouse_core::message::CarrierReport {
            carrier: posthouse_core::carrier::CarrierId("31002".into()),
            ..bed::report("c-0", mm7::MmStatus::Retrieved, 0)
        };
        bed.record_report(other).await.unwrap();
        for number in 1..4 {
            let report = bed::report(&format!("c-{number}"), mm7::MmStatus::Retrieved, 1);
            assert_eq!(bed.record_report(report).await, Ok(Recorded::Unmatched));
        }
        assert_eq!(wait(&place, "carrier = '31003'"), WAITING_OF_CARRIER);
        assert_eq!(wait(&place, "carrier_message_id IN ('u-1', 'u-2', 'u-3')"), 0);
        assert_eq!(wait(&place, "carrier_message_id IN ('u-4', 'c-0', 'c-1', 'c-3')"), 4);
    }
}

mod segments {
    use super::*;

    #[tokio::test]
    async fn a_segment_that_no_row_needs_is_removed() {
        let place = Place::new();
        let store = place.open_store().await;
        // Six fill a segment: one is kept of each round, the others go.
        let mut kept = Vec::new();
        for round in 0..12 {
            let now = 100 * round;
            let messages: Vec<_> = (0..6).map(|number| large(now + number)).collect();
            for new in &messages {
                store.accept(new).await.unwrap();
            }
            let keep = usize::from(round % 4 == 0);
            for new in messages.iter().skip(keep) {
                finish(&store, new.id, now + 10).await;
            }
            kept.extend(messages.into_iter().take(keep));
            store.sweep(at(now + 11), at(now + 11), 100).await.unwrap();
        }
        for new in &kept {
            assert!(store.media(new.id).await.unwrap() == new.media);
        }
        let files = segment_files(&place).len();
        assert!(files <= 10, "{files} segments for 3 messages, and 72 were written");
        store.close().await.unwrap();
        let store = place.open_store().await;
        for new in &kept {
            assert!(store.media(new.id).await.unwrap() == new.media);
        }
    }

    #[tokio::test]
    async fn media_larger_than_a_segment_get_one_of_their_own() {
        let place = Place::new();
        let store = place.open_store().await;
        let huge = with_media(message(0), &[noise(1, 1 << 20)]);
        for new in [large(1), huge.clone(), large(2)] {
            store.accept(&new).await.unwrap();
            assert!(store.media(new.id).await.unwrap() == new.media);
        }
        assert!(store.media(huge.id).await.unwrap() == huge.media);
    }

    #[tokio::test]
    async fn a_changed_byte_is_told() {
        let place = Place::new();
        let store = place.open_store().await;
        let (spoilt, sound) = (large(0), large(1));
        store.accept(&spoilt).await.unwrap();
        store.accept(&sound).await.unwrap();
        let file = OpenOptions::new().write(true).open(&segment_files(&place)[0]).unwrap();
        file.write_all_at(&[!spoilt.media[0][1000]], 24 + 1000).unwrap();
        let place_and_what = StoreError::Corrupt {
            place: format!("media.body of row {}", spoilt.id),
            what: "its checksum does not match".into(),
        };
        assert_eq!(store.media(spoilt.id).await, Err(place_and_what));
        assert!(store.media(sound.id).await.unwrap() == sound.media);
    }

    #[tokio::test]
    async fn media_in_the_database_come_with_a_lease_unless_they_were_changed() {
        let place = Place::new();
        let store = place.open_store().await;
        let small = |now| with_media(message(now), &[noise(1, 100), noise(2, 200)]);
        let (none, sound, spoilt, boundless) = (message(0), small(1), small(2), small(3));
        for new in [&none, &sound, &spoilt, &boundless] {
            store.accept(new).await.unwrap();
        }
        let spoil = "UPDATE media SET body = zeroblob(length(body)) WHERE id = ?";
        assert_eq!(database(&place).execute(spoil, [spoilt.id.number()]), Ok(1));
        let stretch = "UPDATE message SET submission = replace(submission, '\"bytes\":100', '\"bytes\":18446744073709551615') WHERE id = ?";
        assert_eq!(database(&place).execute(stretch, [boundless.id.number()]), Ok(1));
        let sends = store.lease_sends(&carrier(), lease(ME, 3), at(3), None, Slots::ALL, 10).await.unwrap();
        let come: Vec<_> = sends.into_iter().map(|send| send.media).collect();
        assert_eq!(come, [Some(Vec::new()), Some(sound.media.clone()), None, None]);
        assert_eq!(store.media(none.id).await, Ok(Vec::new()));
        for changed in [spoilt, boundless] {
            assert!(matches!(store.media(changed.id).await, Err(StoreError::Corrupt { .. })));
        }
    }

    #[tokio::test]
    async fn a_segment_that_is_gone_or_cut_is_told() {
        for cut in [true, false] {
            let place = Place::new();
            let store = place.open_store().await;
            let new = large(0);
            store.accept(&new).await.unwrap();
            let file = segment_files(&place).remove(0);
            match cut {
                true => OpenOptions::new().write(true).open(file).unwrap().set_len(5000).unwrap(),
                false => fs::remove_file(file).unwrap(),
            }
            let read = store.media(new.id).await;
            assert!(matches!(read, Err(StoreError::Corrupt { .. })), "{read:?}");
            store.close().await.unwrap();
            let store = place.open_store().await;
            let next = large(1);
            store.accept(&next).await.unwrap();
            assert!(store.media(next.id).await.unwrap() == next.media, "it goes on elsewhere");
        }
    }

    #[tokio::test]
    async fn what_was_appended_and_not_committed_is_written_over() {
        let place = Place::new();
        let store = place.open_store().await;
        let first = large(0);
        store.accept(&first).await.unwrap();
        store.close().await.unwrap();
        let file = OpenOptions::new().write(true).open(&segment_files(&place)[0]).unwrap();
        let tail = (24 + LARGE as u64).next_multiple_of(4096);
        file.write_all_at(&noise(9, 70_000), tail).unwrap();
        let store = place.open_store().await;
        let second = large(1);
        store.accept(&second).await.unwrap();
        for new in [first, second] {
            assert!(store.media(new.id).await.unwrap() == new.media);
        }
    }

    #[tokio::test]
    async fn an_unfinished_segment_is_removed() {
        let place = Place::new();
        place.open_store().await.close().await.unwrap();
        let unfinished = place.path().join("media/0000000099.new");
        fs::write(&unfinished, "zeros, as far as it came").unwrap();
        let foreign = place.path().join("media/README");
        fs::write(&foreign, "not ours").unwrap();
        let store = place.open_store().await;
        assert!(!unfinished.exists());
        assert!(foreign.exists());
        store.accept(&large(0)).await.unwrap();
    }

    #[tokio::test]
    async fn inline_media_are_checked_too() {
        let place = Place::new();
        let store = place.open_store().await;
        let new = with_media(message(0), &[b"abc".to_vec()]);
        store.accept(&new).await.unwrap();
        database(&place)
            .execute("UPDATE media SET body = x'616264' WHERE id = ?", [new.id.number()])
            .unwrap();
        assert!(matches!(store.media(new.id).await, Err(StoreError::Corrupt { .. })));
    }
}

mod rows {
    use super::*;

    async fn spoilt(place: &Place, update: &str) -> (Bed, Id) {
        let bed = Bed::open(place).await;
        let new = message(0);
        bed.accept(&new).await.unwrap();
        assert_eq!(database(place).execute(update, []).unwrap(), 1);
        (bed, new.id)
    }

    #[tokio::test]
    async fn a_value_that_cannot_be_read_names_table_column_and_row() {
        for (update, column) in [
            ("UPDATE message SET state = 9", "state"),
            ("UPDATE message SET state = 1000", "state"),
            ("UPDATE message SET reason = 2001", "reason"),
            ("UPDATE message SET attempts = -1", "attempts"),
            ("UPDATE message SET submission = '{'", "submission"),
        ] {
            let place = Place::new();
            let (bed, id) = spoilt(&place, update).await;
            let error = bed.message(id).await.unwrap_err();
            let StoreError::Corrupt { place, .. } = &error else { panic!("{error}") };
            assert_eq!(*place, format!("message.{column} of row {id}"));
        }
    }

    /// A carrier as the first version kept it.
    const OLD_CARRIER: &str = r#"{"id":"31003","aliases":[],"name":"n","max_message_bytes":1,"content_types":[],"report_timeout":1,
        "on_unknown":"park","connections":[{"name":"c","url":"http://127.0.0.1:1/mm7","vaspid":null,"vasid":null,
        "basic_auth":null,"dialect":"3gpp","timeout":10000,"per_second":null,"window":16}],
        "callbacks":{"basic_auth":null,"allowed_ips":[]}}"#;

    #[tokio::test]
    async fn what_is_provisioned_and_cannot_be_read_is_told_and_is_no_default() {
        let read = |was: &'static str, is: &'static str, more: &'static str| async move {
            let place = Place::new();
            let store = place.open_store().await;
            let database = database(&place);
            let insert = "INSERT INTO carrier (id, document) VALUES ('31003', ?)";
            database.execute(insert, [OLD_CARRIER.replace(was, is)]).unwrap();
            database.execute_batch(more).unwrap();
            store.provisioning().await
        };
        let old = read("", "", "INSERT INTO range VALUES ('1617', '31003')").await.unwrap();
        assert_eq!(old.carriers[0].connections[0].url.as_str(), "http://127.0.0.1:1/mm7");
        assert_eq!(old.ranges, [Range { prefix: Prefix::parse("1617").unwrap(), carrier: carrier() }]);
        for (was, is, more, expected) in [
            ("\"3gpp\"", "\"4gpp\"", "", "carrier.document of row 31003"),
            ("http:", "gopher:", "", "carrier.document of row 31003"),
            ("\"park\"", "\"wait\"", "", "carrier.document of row 31003"),
            ("", "", "INSERT INTO range VALUES ('+1', '31003')", "range.prefix of row +1"),
            ("", "", "INSERT INTO blacklist VALUES ('123', '')", "blacklist.number of row 123"),
        ] {
            let error = read(was, is, more).await.unwrap_err();
            let StoreError::Corrupt { place, .. } = &error else { panic!("{error}") };
            assert_eq!(place, expected);
        }
    }

    #[tokio::test]
    async fn a_spoilt_message_does_not_hold_up_the_others() {
        let place = Place::new();
        let (bed, _) = spoilt(&place, "UPDATE message SET submission = '{}'").await;
        let good = message(1);
        bed.accept(&good).await.unwrap();
        assert_eq!(bed.send_ids(ME, 2).await, [good.id]);
        assert_eq!(bed.send_ids(ME, 3).await, [], "both are leased");
        assert_eq!(bed.send_ids(ME, 2 + LEASE).await, [good.id]);
    }

    #[tokio::test]
    async fn a_spoilt_callback_does_not_hold_up_the_others() {
        let place = Place::new();
        let bed = Bed::open(&place).await;
        let spoilt = bed.forwarded("c-1", 0).await;
        let good = bed.forwarded("c-2", 0).await;
        let update = "UPDATE callback SET status = 'Lost' WHERE message = ?";
        assert_eq!(database(&place).execute(update, [spoilt.number()]).unwrap(), 1);
        let messages: Vec<_> = bed.callbacks(1).await.into_iter().map(|callback| callback.message).collect();
        assert_eq!(messages, [good]);
    }

    #[tokio::test]
    async fn a_spoilt_event_is_named_by_its_message_and_number() {
        let place = Place::new();
        let bed = Bed::open(&place).await;
        let id = bed.sending(0).await;
        assert_eq!(bed.event_kinds(id).await, [EventKind::Sending]);
        database(&place).execute("UPDATE event SET kind = 99", []).unwrap();
        let error = bed.timeline(id).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("event.kind of row {id}/1 cannot be read: no value of this kind")
        );
    }
}

mod what_is_over {
    use std::time::{Duration, Instant};

    use mm7::MmStatus;

    use super::*;

    /// What is looked for in the files, and must not be there.
    const SUBJECT: &str = "a subject to be forgotten";
    const NUMBER: &str = "4915999000111";
    const WORDS: &str = "words that nobody should read";

    fn private(now: i64, sender: &str) -> NewMessage {
        let mut new = with_media(message(now), &[noise(now.unsigned_abs(), LARGE), SUBJECT.into()]);
        new.submission.subject = Some(SUBJECT.into());
        new.submission.sender = sender.into();
        new.submission.recipient = posthouse_core::address::Msisdn::parse(NUMBER, false).unwrap();
        new
    }

    fn files(folder: &std::path::Path) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { files.extend(self::files(&path)) } else { files.push(path) }
        }
        files
    }

    /// The files in which any of these can be read.
    fn found(place: &Place, pieces: &[&[u8]]) -> Vec<PathBuf> {
        let has = |bytes: &[u8]| pieces.iter().any(|piece| memchr::memmem::find(bytes, piece).is_some());
        files(&place.path())
            .into_iter()
            .filter(|file| fs::read(file).is_ok_and(|bytes| has(&bytes)))
            .collect()
    }

    /// Nor from the journal, from free pages, or from segments that others still need.
    #[tokio::test]
    async fn what_is_over_is_gone_from_the_files() {
        let place = Place::new();
        let store = place.open_store().await;
        let kept = large(500);
        let mut gone = Vec::new();
        for now in 0..40 {
            let new = private(now, "111122");
            store.accept(&new).await.unwrap();
            if now == 20 {
                store.accept(&kept).await.unwrap();
            }
            finish(&store, new.id, now).await;
            let mut late = bed::report(&new.id.to_string(), MmStatus::Retrieved, now);
            late.said = WORDS.into();
            store.record_report(late.clone(), None).await.unwrap();
            late.carrier_message_id = format!("unknown-{now}");
            late.recipient = posthouse_core::address::Msisdn::parse(NUMBER, false);
            store.record_report(late, None).await.unwrap();
            let small = with_media(message(now), &[SUBJECT.into(), noise(7, 9000)]);
            store.accept(&small).await.unwrap();
            finish(&store, small.id, now).await;
            gone.push(new.media[0].slice(100..132));
        }
        let pieces: Vec<&[u8]> = [SUBJECT.as_bytes(), NUMBER.as_bytes(), WORDS.as_bytes()]
            .into_iter()
            .chain(gone.iter().map(|piece| &piece[..]))
            .collect();
        assert!(found(&place, &pieces).len() > 1, "database and segments have it");
        let mut swept = 1;
        while swept > 0 {
            swept = store.sweep(at(100), at(100), 30).await.unwrap().messages;
        }
        let begun = Instant::now();
        loop {
            let still = found(&place, &pieces);
            if still.is_empty() {
                break;
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "still in {still:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert!(store.media(kept.id).await.unwrap() == kept.media, "what is not over is as it was");
        store.close().await.unwrap();
        let store = place.open_store().await;
        assert!(store.media(kept.id).await.unwrap() == kept.media);
    }

    /// Rows went and the machine stopped: what they named is erased after the next start.
    #[tokio::test]
    async fn what_was_still_to_be_erased_is_erased_later() {
        let place = Place::new();
        let store = place.open_store().await;
        let (kept, over) = (large(1), large(2));
        store.accept(&kept).await.unwrap();
        store.accept(&over).await.unwrap();
        store.close().await.unwrap();
        database(&place)
            .execute_batch(&format!(
                "INSERT INTO erasing SELECT id, segment, position FROM media WHERE id = {0};
                 DELETE FROM media WHERE id = {0}",
                over.id.number()
            ))
            .unwrap();
        let store = place.open_store().await;
        assert_eq!(found(&place, &[&over.media[0][100..132]]).len(), 1);
        store.sweep(at(0), at(0), 10).await.unwrap();
        assert!(found(&place, &[&over.media[0][100..132]]).is_empty());
        assert!(store.media(kept.id).await.unwrap() == kept.media);
    }
}

/// As many rows of everything that is looked through as nobody looks at in no time.
const LOOKED_THROUGH: &str = "
    CREATE TEMP TABLE n (i INTEGER);
    INSERT INTO n WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT i FROM n;
    INSERT INTO message (id, state, accepted_at, changed_at, delivery_report, account, carrier, recipient, transaction_id, submission)
        SELECT i, 10, i, i, 0, 'acme', '31003', '16175550100', i, '{}' FROM n;
    INSERT INTO mo (id, received_at, account, carrier, transaction_id, digest, document)
        SELECT i, i, 'acme', '31003', i, x'00', '{\"sender\":{\"text\":\"1\"}}' FROM n;
    INSERT INTO callback (id, message, due, at, account) SELECT i, i, i, i, 'acme' FROM n;
    INSERT INTO unmatched_report (received_at, carrier, carrier_message_id, status, said)
        SELECT i, '31003', i, 'Retrieved', '' FROM n;
    INSERT INTO audit (at, actor, role, credential, verb, target) SELECT i, 'ann', 'admin', 'token', 'apply', 'x' FROM n;
    INSERT INTO refusal (at, last_at, times, account, code, row, rule, peer, document)
        SELECT i, i, 1, 'acme', 2000, 1, 'r', 'p', '{}' FROM n;";

/// Searches walk, and their walks may be long: each ends in time, wherever it is, and leaves its connection to what is short.
#[tokio::test]
async fn every_search_ends_in_time() {
    let place = Place::new();
    place.open_store().await.close().await.unwrap();
    database(&place).execute_batch(LOOKED_THROUGH).unwrap();
    let store =
        SqliteStore::open(SqliteOptions { search_time: Duration::ZERO, ..place.options() }).await.unwrap();
    let nobody = || Some(AccountName("nobody".into()));
    let mos = MoFilter {
        carrier: Some(posthouse_core::carrier::CarrierId("nobody".into())),
        ..MoFilter::default()
    };
    let which = FailedFilter { account: nobody(), ..FailedFilter::default() };
    let callbacks = KeptFilter { which, failed: None };
    let unmatched = UnmatchedFilter { before: Some(at(-2_000_000_000)), ..UnmatchedFilter::default() };
    let audit = AuditFilter { since: Some(at(0)), ..AuditFilter::default() };
    let refusals = RefusalFilter { peer: Some("q".into()), ..RefusalFilter::default() };
    let messages = MessageFilter { account: nobody(), ..MessageFilter::default() };
    let too_wide = Err(StoreError::TooWide);
    for _ in 0..2 {
        assert_eq!(store.mos(&mos, 9).await.map(|found| found.len()), too_wide);
        assert_eq!(store.kept_callbacks(&callbacks, 9).await.map(|found| found.len()), too_wide);
        assert_eq!(store.unmatched(&unmatched, 9).await.map(|found| found.len()), too_wide);
        assert_eq!(store.audit(&audit, 9).await.map(|found| found.len()), too_wide);
        assert_eq!(store.refusals(&refusals, 9).await.map(|found| found.len()), too_wide);
        assert_eq!(store.messages(&messages, 9).await.map(|found| found.len()), too_wide);
        assert_eq!(store.count(&messages, &[], 9).await.map(|found| found.len()), too_wide);
    }
    let newest = store.kept_callbacks(&KeptFilter::default(), 2).await.unwrap();
    assert_eq!(newest.iter().map(|callback| callback.id.number()).collect::<Vec<_>>(), [20_000, 19_999]);
    assert_eq!(store.newest_id().await.unwrap().map(Id::number), Some(20_000));
    store.close().await.unwrap();
}

/// Pages of the length that SQLite has by itself: what stores had that were made before.
#[tokio::test]
async fn an_older_store_keeps_the_length_of_its_pages_and_a_copy_of_it_has_the_new_one() {
    let length = |path: &Path| -> i64 {
        let connection = Connection::open(path).unwrap();
        connection.query_row("PRAGMA page_size", [], |row| row.get(0)).unwrap()
    };
    let new = Place::new();
    new.open_store().await.close().await.unwrap();
    assert_eq!(length(&new.path().join("posthouse.db")), 2048);

    let place = Place::new();
    fs::create_dir_all(place.path()).unwrap();
    let path = place.path().join("posthouse.db");
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch("PRAGMA page_size = 4096; PRAGMA journal_mode = WAL;").unwrap();
    drop(connection);
    let store = place.open_store().await;
    let (first, second) = (message(0), large(0));
    for new in [&first, &second] {
        assert_eq!(store.accept(new).await, Ok(Acceptance::Fresh));
    }
    store.close().await.unwrap();
    assert_eq!(length(&path), 4096);

    let (url, media) = (StoreUrl::sqlite(&path), MediaPlace::Folder(place.path().join("media")));
    let (folder, copy) = (tempfile::tempdir().unwrap(), Place::new());
    backup(&url, &media, folder.path()).unwrap();
    let copied = copy.path().join("posthouse.db");
    let to = MediaPlace::Folder(copy.path().join("media"));
    restore(folder.path(), &StoreUrl::sqlite(&copied), &to).unwrap();
    assert_eq!(length(&copied), 2048);
    let store = copy.open_store().await;
    for new in [first, second] {
        let kept = store.message(new.id).await.unwrap().unwrap();
        assert_eq!(kept.submission, new.submission);
        assert_eq!(store.media(new.id).await.unwrap(), new.media);
    }
    store.close().await.unwrap();
}
