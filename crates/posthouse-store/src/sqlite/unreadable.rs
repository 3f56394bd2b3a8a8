//! Requests of carriers that cannot be read: the newest of each carrier, each kept once.

use jiff::Timestamp;
use mm7::StatusCode;
use posthouse_core::{
    carrier::CarrierId,
    message::Digest,
    store::Demand,
    unreadable::{KeptUnreadable, MOST_OF_A_CARRIER, Unreadable},
};
use rusqlite::{Connection, Row};

use super::{
    fault::Result,
    job::Tx,
    record::{Record, read_all},
};

/// Keeps one, or counts it, as [`keeping`](posthouse_core::unreadable::keeping) says. How many there are of its carrier is not
/// counted for that: what is beyond the most goes.
pub(super) fn keep(tx: &Tx<'_>, request: &Unreadable) -> Result<()> {
    tx.has_room(Demand::More)?;
    let at = request.received_at.as_millisecond();
    let known = tx.execute(
        "UPDATE unreadable SET times = times + 1, last_at = ? WHERE carrier = ? AND digest = ?",
        (at, request.carrier.as_str(), &request.digest.0),
    )?;
    if known > 0 {
        return Ok(());
    }
    tx.execute(
        "INSERT INTO unreadable (first_at, last_at, times, carrier, digest, code, why, content_type, length, body)
         VALUES (?1, ?1, 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        (
            at,
            request.carrier.as_str(),
            &request.digest.0,
            request.code.code(),
            &request.why,
            &request.content_type,
            i64::try_from(request.length).unwrap_or(i64::MAX),
            &request.body[..],
        ),
    )?;
    make_room(tx, &request.carrier)
}

fn make_room(tx: &Tx<'_>, carrier: &CarrierId) -> Result<()> {
    let most = i64::try_from(MOST_OF_A_CARRIER).unwrap_or(i64::MAX);
    tx.execute(
        "DELETE FROM unreadable WHERE carrier = ?1
         AND id <= (SELECT id FROM unreadable WHERE carrier = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
        (carrier.as_str(), most),
    )?;
    Ok(())
}

/// Those of a carrier, or of all, with numbers below this; the newest first.
pub(super) fn list(
    connection: &Connection,
    carrier: Option<&CarrierId>,
    below: Option<i64>,
    limit: usize,
) -> Result<Vec<KeptUnreadable>> {
    let mut statement = connection.prepare_cached(
        "SELECT id, first_at, last_at, times, carrier, digest, code, why, content_type, length, body
         FROM unreadable WHERE (?1 IS NULL OR carrier = ?1) AND (?2 IS NULL OR id < ?2) ORDER BY id DESC LIMIT ?3",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    read_all(statement.query((carrier.map(CarrierId::as_str), below, limit))?, read)
}

fn read(row: &Row<'_>) -> Result<KeptUnreadable> {
    let record = Record::by_id("unreadable", row)?;
    let number = record.value("id")?;
    let first_at: Timestamp = record.time("first_at")?;
    let last_at = record.time("last_at")?;
    let times = record.known("times", |times: i64| u64::try_from(times).ok())?;
    let request = Unreadable {
        carrier: CarrierId(record.value("carrier")?),
        digest: Digest(record.value("digest")?),
        code: record.known("code", StatusCode::from_code)?,
        why: record.value("why")?,
        content_type: record.value("content_type")?,
        length: record.known("length", |length: i64| u64::try_from(length).ok())?,
        body: record.value::<Vec<u8>>("body")?.into(),
        received_at: first_at,
    };
    Ok(KeptUnreadable { number, times, last_at, request })
}
