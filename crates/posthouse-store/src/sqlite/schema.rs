//! The database's tables: migrations, in order, each once.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use super::open::OpenError;

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
    transaction.commit()?;
    Ok(())
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
    let known = MIGRATIONS.last().map_or(0, |migration| migration.version);
    match found {
        Some(found) if found > known => Err(OpenError::Newer { found, known }),
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
