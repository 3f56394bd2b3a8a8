//! The database's tables: migrations, in order, each once.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use super::message_key;
use crate::error::OpenError;

/// From so many messages on, what takes a while is said.
const WORTH_A_WORD: i64 = 100_000;

struct Migration {
    version: i64,
    name: &'static str,
    sql: &'static str,
}

/// Every migration, by version. One that was released never changes; the next version gets a new file.
const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, name: "init", sql: include_str!("../../migrations/sqlite/0001_init.sql") },
    Migration {
        version: 2,
        name: "read_reply",
        sql: include_str!("../../migrations/sqlite/0002_read_reply.sql"),
    },
    Migration {
        version: 3,
        name: "unanswered",
        sql: include_str!("../../migrations/sqlite/0003_unanswered.sql"),
    },
    Migration { version: 4, name: "ranges", sql: include_str!("../../migrations/sqlite/0004_ranges.sql") },
    Migration {
        version: 5,
        name: "identity",
        sql: include_str!("../../migrations/sqlite/0005_identity.sql"),
    },
    Migration { version: 6, name: "ended", sql: include_str!("../../migrations/sqlite/0006_ended.sql") },
    Migration { version: 7, name: "details", sql: include_str!("../../migrations/sqlite/0007_details.sql") },
    Migration { version: 8, name: "waiting", sql: include_str!("../../migrations/sqlite/0008_waiting.sql") },
    Migration {
        version: 9,
        name: "unreadable",
        sql: include_str!("../../migrations/sqlite/0009_unreadable.sql"),
    },
    Migration {
        version: 10,
        name: "failed_attempts",
        sql: include_str!("../../migrations/sqlite/0010_failed_attempts.sql"),
    },
    Migration { version: 11, name: "audit", sql: include_str!("../../migrations/sqlite/0011_audit.sql") },
    Migration {
        version: 12,
        name: "failed_callbacks",
        sql: include_str!("../../migrations/sqlite/0012_failed_callbacks.sql"),
    },
    Migration {
        version: 13,
        name: "revisions",
        sql: include_str!("../../migrations/sqlite/0013_revisions.sql"),
    },
    Migration {
        version: 14,
        name: "endpoint",
        sql: include_str!("../../migrations/sqlite/0014_endpoint.sql"),
    },
    Migration {
        version: 15,
        name: "for_nobody",
        sql: include_str!("../../migrations/sqlite/0015_for_nobody.sql"),
    },
    Migration {
        version: 16,
        name: "operation",
        sql: include_str!("../../migrations/sqlite/0016_operation.sql"),
    },
    Migration {
        version: 17,
        name: "refusals",
        sql: include_str!("../../migrations/sqlite/0017_refusals.sql"),
    },
    Migration { version: 18, name: "token", sql: include_str!("../../migrations/sqlite/0018_token.sql") },
    Migration {
        version: 19,
        name: "connection_override",
        sql: include_str!("../../migrations/sqlite/0019_connection_override.sql"),
    },
    Migration { version: 20, name: "key_use", sql: include_str!("../../migrations/sqlite/0020_key_use.sql") },
    Migration { version: 21, name: "user", sql: include_str!("../../migrations/sqlite/0021_user.sql") },
    Migration { version: 22, name: "cdr", sql: include_str!("../../migrations/sqlite/0022_cdr.sql") },
    Migration {
        version: 23,
        name: "message_key",
        sql: include_str!("../../migrations/sqlite/0023_message_key.sql"),
    },
    Migration {
        version: 24,
        name: "request_key",
        sql: include_str!("../../migrations/sqlite/0024_request_key.sql"),
    },
    Migration {
        version: 25,
        name: "mo_account",
        sql: include_str!("../../migrations/sqlite/0025_mo_account.sql"),
    },
    Migration {
        version: 26,
        name: "mo_sender",
        sql: include_str!("../../migrations/sqlite/0026_mo_sender.sql"),
    },
];

const TABLE: &str = "CREATE TABLE IF NOT EXISTS migration (
    version    INTEGER PRIMARY KEY,
    name       TEXT NOT NULL,
    checksum   INTEGER NOT NULL,
    applied_at INTEGER NOT NULL
) STRICT";

/// Whether migrations are missing. Refuses a database that this program does not know.
pub(super) fn is_behind(connection: &Connection) -> Result<bool, OpenError> {
    let exists = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'migration'";
    if !connection.prepare(exists)?.exists([])? {
        return Ok(true);
    }
    check_newest(connection)?;
    for migration in MIGRATIONS {
        if !is_applied(connection, migration)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The newest version that this program knows.
pub(super) fn newest() -> i64 {
    MIGRATIONS.last().map_or(0, |migration| migration.version)
}

/// The version of a database: 0 where nothing was ever stored in it. Refuses one that this program does not know.
pub(super) fn version(connection: &Connection) -> Result<i64, OpenError> {
    let exists = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'migration'";
    if !connection.prepare(exists)?.exists([])? {
        return Ok(0);
    }
    check_newest(connection)?;
    Ok(connection.query_row("SELECT coalesce(max(version), 0) FROM migration", [], |row| row.get(0))?)
}

/// Whether nothing was ever stored in it.
pub(super) fn is_empty(connection: &Connection) -> Result<bool, OpenError> {
    Ok(!connection.prepare("SELECT 1 FROM sqlite_schema")?.exists([])?)
}

/// Applies the migrations that are missing, all or none.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), OpenError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(TABLE)?;
    check_newest(&transaction)?;
    for migration in MIGRATIONS {
        if !is_applied(&transaction, migration)? {
            apply(&transaction, migration)?;
        }
    }
    key_messages(&transaction)?;
    transaction.commit()?;
    Ok(())
}

/// Messages of a version that had indices instead are put into `message_key`.
fn key_messages(connection: &Connection) -> Result<(), OpenError> {
    let messages: i64 = connection.query_row("SELECT count(*) FROM message", [], |row| row.get(0))?;
    if messages >= WORTH_A_WORD {
        tracing::warn!(
            messages,
            "the store is brought up to date: its messages are indexed anew, which takes a minute or so for some millions"
        );
    }
    let keyed = message_key::key_all(connection, |done| {
        if messages >= WORTH_A_WORD {
            tracing::info!(done, messages, "messages are indexed");
        }
    });
    keyed.map_err(|fault| OpenError::Recovery(fault.to_string()))
}

fn apply(connection: &Connection, migration: &Migration) -> Result<(), OpenError> {
    connection.execute_batch(migration.sql)?;
    connection.execute(
        "INSERT INTO migration (version, name, checksum, applied_at) VALUES (?, ?, ?, ?)",
        (migration.version, migration.name, checksum(migration), Timestamp::now().as_millisecond()),
    )?;
    Ok(())
}

fn check_newest(connection: &Connection) -> Result<(), OpenError> {
    let found: Option<i64> =
        connection.query_row("SELECT max(version) FROM migration", [], |row| row.get(0))?;
    let known = newest();
    match found {
        Some(found) if found > known => {
            let store = connection.path().unwrap_or("the store").to_owned();
            Err(OpenError::Newer { store, found, known })
        }
        _ => Ok(()),
    }
}

fn is_applied(connection: &Connection, migration: &Migration) -> Result<bool, OpenError> {
    let recorded: Option<i64> = connection
        .query_row("SELECT checksum FROM migration WHERE version = ?", [migration.version], |row| row.get(0))
        .optional()?;
    match recorded {
        Some(recorded) if recorded != checksum(migration) => {
            Err(OpenError::Altered { version: migration.version, name: migration.name })
        }
        recorded => Ok(recorded.is_some()),
    }
}

fn checksum(migration: &Migration) -> i64 {
    crc32fast::hash(migration.sql.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use mm7::MmStatus;
    use posthouse_core::{
        life::state::State,
        slots::Slots,
        store::{Acceptance, NewMessage, Recorded, roles::*},
    };

    use super::*;
    use crate::{
        sqlite::{SqliteOptions, SqliteStore},
        suite::bed::{ME, acme, at, carrier, lease, message, report, taken},
    };

    fn connection(migrations: &[Migration]) -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(TABLE).unwrap();
        migrations.iter().for_each(|migration| apply(&connection, migration).unwrap());
        connection
    }

    #[test]
    fn work_of_an_older_store_is_taken_along() {
        let mut connection = connection(&MIGRATIONS[..3]);
        connection
            .execute_batch(
                "INSERT INTO message (id, state, accepted_at, changed_at, delivery_report, account, carrier, recipient,
                                      transaction_id, submission)
                 VALUES (7, 1, 10, 10, 1, 'acme', '31003', '16175550100', 't', '{}');
                 INSERT INTO work (id, kind, due, owner, since, unreached, expiry, carrier)
                 VALUES (7, 1, 40, 3, 10, 1, 99, '31003')",
            )
            .unwrap();
        migrate(&mut connection).unwrap();
        let work: (i64, i64, i64, i64, i64, i64, i64, String) = connection
            .query_row(
                "SELECT id, kind, due, owner, since, unreached, expiry, carrier FROM work",
                [],
                |row| row.try_into(),
            )
            .unwrap();
        assert_eq!(work, (7, 1, 40, 3, 10, 1, 99, "31003".to_owned()));
        assert!(connection.execute("UPDATE work SET kind = 3", []).is_err(), "the CHECK is there");
        let broken = connection.prepare("PRAGMA foreign_key_check").unwrap().exists([]).unwrap();
        assert!(!broken);
        assert!(!is_behind(&connection).unwrap());
    }

    /// What a gateway that knew so many migrations left: a message that waits to be sent, and one that waits for reports, with one that is
    /// owed.
    fn leave(path: &Path, migrations: &[Migration], waiting: &NewMessage, forwarded: &NewMessage) {
        let connection = Connection::open(path).unwrap();
        connection.execute_batch(TABLE).unwrap();
        migrations.iter().for_each(|migration| apply(&connection, migration).unwrap());
        for (new, state, known_as) in
            [(waiting, State::Accepted, None), (forwarded, State::Forwarded, Some("c-1"))]
        {
            let (at, submission) = (new.accepted_at.as_millisecond(), &new.submission);
            let insert = "INSERT INTO message (id, state, accepted_at, changed_at, delivery_report, account, carrier,
                                               recipient, transaction_id, digest, submission, carrier_message_id)
                          VALUES (?, ?, ?, ?, 1, 'acme', '31003', ?, ?, ?, ?, ?)";
            let document = serde_json::to_string(submission).unwrap();
            let values = (
                new.id.number(),
                state.number(),
                at,
                at,
                submission.recipient.as_str(),
                &submission.transaction_id,
                new.digest.0,
                document,
                known_as,
            );
            connection.execute(insert, values).unwrap();
            let (kind, due) = if known_as.is_some() { (2, at + 3_600_000) } else { (0, at) };
            let insert =
                "INSERT INTO work (id, kind, due, since, expiry, carrier) VALUES (?, ?, ?, ?, ?, '31003')";
            let expiry = submission.expiry.as_millisecond();
            connection.execute(insert, (new.id.number(), kind, due, at, expiry)).unwrap();
        }
        let insert = "INSERT INTO callback (id, message, due, at, status, account)
                      VALUES (?1, ?1, ?2, ?2, 'Forwarded', 'acme')";
        let (id, at) = (forwarded.id.number(), forwarded.accepted_at.as_millisecond());
        connection.execute(insert, (id, at)).unwrap();
    }

    fn tables(path: &Path) -> Vec<(String, Option<String>)> {
        let connection = Connection::open(path).unwrap();
        let mut select = connection.prepare("SELECT name, sql FROM sqlite_schema ORDER BY name").unwrap();
        let rows = select.query_map([], |row| row.try_into()).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    }

    /// Whatever version was there before: the gateway takes up what it left, goes on with it, and its tables are those of a new store.
    #[tokio::test]
    async fn a_store_of_any_earlier_version_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let options = |name: &str| SqliteOptions {
            path: folder.path().join(name).join("posthouse.db"),
            media: folder.path().join(name).join("media"),
            low_water_bytes: 0,
            ..SqliteOptions::default()
        };
        let new = options("new");
        SqliteStore::open(new.clone()).await.unwrap().close().await.unwrap();
        for version in 1..=MIGRATIONS.len() {
            let options = options(&version.to_string());
            let (waiting, forwarded) = (message(0), message(1));
            std::fs::create_dir(options.path.parent().unwrap()).unwrap();
            leave(&options.path, &MIGRATIONS[..version], &waiting, &forwarded);

            let store = SqliteStore::open(options.clone()).await.unwrap();
            let sends =
                store.lease_sends(&carrier(), lease(ME, 2), at(2), None, Slots::ALL, 9).await.unwrap();
            let [send] = sends.as_slice() else { panic!("version {version}: {sends:?}") };
            assert_eq!((send.id, &send.submission), (waiting.id, &waiting.submission), "version {version}");
            store.begin(send.id, ME, "one", at(60), at(3)).await.unwrap();
            let settled = store.settle(send.id, ME, taken("c-2", 4), "", at(4), None).await.unwrap();
            assert_eq!(settled.answer.state, State::Forwarded, "version {version}");
            let recorded = store.record_report(report("c-1", MmStatus::Retrieved, 5), None).await.unwrap();
            assert!(
                matches!(recorded.answer, Recorded::Applied(id, _) if id == forwarded.id),
                "version {version}: {recorded:?}"
            );
            let owed = store.lease_callbacks(&acme(), lease(ME, 6), at(6), 9).await.unwrap();
            assert!(owed.iter().any(|one| one.message == forwarded.id), "version {version}: {owed:?}");
            assert_eq!(store.accept(&message(7)).await, Ok(Acceptance::Fresh), "version {version}");
            store.close().await.unwrap();
            assert_eq!(tables(&options.path), tables(&new.path), "version {version}");
        }
    }

    #[test]
    fn an_older_store_gets_an_identity_once() {
        let identity = |connection: &Connection| -> String {
            let select = "SELECT value FROM meta WHERE name = 'identity'";
            connection.query_row(select, [], |row| row.get(0)).unwrap()
        };
        let (mut one, mut other) = (connection(&MIGRATIONS[..4]), connection(&MIGRATIONS[..4]));
        migrate(&mut one).unwrap();
        migrate(&mut other).unwrap();
        let first = identity(&one);
        assert_eq!(first.len(), 32);
        assert_ne!(first, identity(&other));
        migrate(&mut one).unwrap();
        assert_eq!(identity(&one), first);
    }

    #[test]
    fn what_an_older_store_delivered_has_ended() {
        let mut connection = connection(&MIGRATIONS[..5]);
        connection
            .execute_batch(
                "INSERT INTO mo (id, received_at, account, carrier, transaction_id, digest, document)
                 VALUES (1, 10, 'acme', '31003', 't', x'00', '{}'), (2, 20, 'acme', '31003', 't', x'00', '{}'),
                        (3, 30, 'acme', '31003', 't', x'00', '{}');
                 INSERT INTO callback (id, message, due, at, account, failed)
                 VALUES (1, 2, 40, 20, 'acme', 0), (2, 3, NULL, 30, 'acme', 1)",
            )
            .unwrap();
        migrate(&mut connection).unwrap();
        let ended: Vec<Option<i64>> = connection
            .prepare("SELECT ended_at FROM mo ORDER BY id")
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        assert_eq!(ended, [Some(10), None, Some(30)]);
    }

    #[test]
    fn reports_that_wait_in_an_older_store_are_counted() {
        let mut connection = connection(&MIGRATIONS[..7]);
        let wait = "INSERT INTO unmatched_report (received_at, carrier, carrier_message_id, status, said)
                    VALUES (1, '31002', 'c-1', 'Retrieved', ''), (2, '31003', 'c-1', 'Retrieved', '')";
        connection.execute_batch(wait).unwrap();
        migrate(&mut connection).unwrap();
        connection.execute_batch(wait).unwrap();
        connection.execute_batch("DELETE FROM unmatched_report WHERE received_at = 2").unwrap();
        let count = |carrier: &str| -> i64 {
            let count = "SELECT reports FROM waiting WHERE carrier = ?";
            connection.query_row(count, [carrier], |row| row.get(0)).unwrap()
        };
        assert_eq!((count("31002"), count("31003")), (2, 0));
    }

    /// A CHECK or an index with a list in it would make a temporary table for each row that is written.
    #[test]
    fn what_looks_at_each_row_has_no_lists() {
        let connection = connection(MIGRATIONS);
        let mut statement =
            connection.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL").unwrap();
        let all: Vec<String> =
            statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
        assert!(all.iter().any(|sql| sql.contains("BETWEEN")), "{all:?}");
        for sql in all {
            assert!(!sql.contains(" IN ("), "{sql}");
        }
    }
}
