//! What is known of the time.

use jiff::Timestamp;
use posthouse_core::store::{ClockMarks, StoreError};

use super::{batch::BatchTx, fault::BatchResult, reader::ReadPool, record::time, statements, value::values};

const SEEN: &str = "clock_seen";
const CONFIRMED: &str = "clock_confirmed";

/// What was noted.
pub(super) async fn marks(readers: &ReadPool) -> BatchResult<ClockMarks, StoreError> {
    Ok(ClockMarks { seen: mark(readers, SEEN).await?, confirmed: mark(readers, CONFIRMED).await? })
}

async fn mark(readers: &ReadPool, name: &str) -> BatchResult<Option<Timestamp>, StoreError> {
    let rows = readers.query(&statements::META_READ, values![name]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let value: Option<i64> = row.try_get("value").map_err(|error| super::fault::refused(&error))?;
    Ok(value.map(time))
}

/// A gateway sees this time.
pub(super) fn note_seen(tx: &BatchTx, at: Timestamp) {
    tx.write(&statements::SET_META, values![SEEN, at]);
}

/// Somebody says that this is the time.
pub(super) fn confirm(tx: &BatchTx, at: Timestamp) {
    tx.write(&statements::SET_META, values![CONFIRMED, at]);
}
