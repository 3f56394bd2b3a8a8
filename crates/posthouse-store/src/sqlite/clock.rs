//! What is known of the time.

use jiff::Timestamp;
use posthouse_core::store::ClockMarks;
use rusqlite::{Connection, OptionalExtension};

use super::{fault::Result, job::Tx, record::time};

const SEEN: &str = "clock_seen";
const CONFIRMED: &str = "clock_confirmed";

/// What was noted.
pub(super) fn marks(connection: &Connection) -> Result<ClockMarks> {
    Ok(ClockMarks { seen: mark(connection, SEEN)?, confirmed: mark(connection, CONFIRMED)? })
}

fn mark(connection: &Connection, name: &str) -> Result<Option<Timestamp>> {
    let found: Option<i64> = connection
        .prepare_cached("SELECT value FROM meta WHERE name = ?")?
        .query_row([name], |row| row.get(0))
        .optional()?;
    Ok(found.map(time))
}

/// A gateway sees this time.
pub(super) fn note_seen(tx: &Tx<'_>, at: Timestamp) -> Result<()> {
    note(tx, SEEN, at)
}

/// Somebody says that this is the time.
pub(super) fn confirm(tx: &Tx<'_>, at: Timestamp) -> Result<()> {
    note(tx, CONFIRMED, at)
}

fn note(tx: &Tx<'_>, name: &str, at: Timestamp) -> Result<()> {
    tx.execute(
        "INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2",
        (name, at.as_millisecond()),
    )?;
    Ok(())
}
