//! Requests that may be sent again, and what was answered.

use jiff::Timestamp;
use posthouse_core::idempotency::{
    KeptAnswer, KeptRequest, KeyClaim, KeyedRequest, MOST_KEYS, MOST_OWN_KEYS, judge,
};
use rusqlite::{Connection, OptionalExtension, Row};

use super::{fault::Result, job::Tx, record::Record};

/// What is to be done with one; the first is kept.
pub(super) fn claim(tx: &Tx<'_>, request: &KeyedRequest) -> Result<KeyClaim> {
    let select = "SELECT hash, principal, digest, at, status, body, etag FROM request_key WHERE hash = ?";
    let kept = tx.prepare(select)?.query_row([&request.hash], |row| Ok(read(row))).optional()?.transpose()?;
    let claim = judge(kept.as_ref(), request);
    if claim != KeyClaim::First {
        return Ok(claim);
    }
    // One statement each: what is beyond is one row, but for a bound that was lowered.
    let own = "DELETE FROM request_key WHERE hash IN (
        SELECT hash FROM request_key WHERE principal = ? ORDER BY at DESC, hash DESC LIMIT -1 OFFSET ?)";
    tx.execute(own, (&request.principal, room(MOST_OWN_KEYS)))?;
    let all = "DELETE FROM request_key WHERE hash IN (
        SELECT hash FROM request_key ORDER BY at DESC, hash DESC LIMIT -1 OFFSET ?)";
    tx.execute(all, [room(MOST_KEYS)])?;
    tx.execute(
        "INSERT INTO request_key (hash, principal, digest, at) VALUES (?, ?, ?, ?)
         ON CONFLICT (hash) DO UPDATE
         SET digest = excluded.digest, at = excluded.at, status = NULL, body = NULL, etag = NULL",
        (&request.hash, &request.principal, &request.digest, request.at.as_millisecond()),
    )?;
    Ok(claim)
}

/// What was answered to one.
pub(super) fn keep_answer(tx: &Tx<'_>, hash: &str, answer: &KeptAnswer) -> Result<()> {
    let KeptAnswer { status, etag, body } = answer;
    let keep = "UPDATE request_key SET status = ?, body = ?, etag = ? WHERE hash = ?";
    tx.execute(keep, (status, body, etag, hash))?;
    Ok(())
}

/// Nothing was done.
pub(super) fn release(tx: &Tx<'_>, hash: &str) -> Result<()> {
    tx.execute("DELETE FROM request_key WHERE hash = ?", [hash])?;
    Ok(())
}

/// How many may be there before one comes.
fn room(most: usize) -> i64 {
    i64::try_from(most.saturating_sub(1)).unwrap_or(i64::MAX)
}

/// The oldest that came then or before.
pub(super) fn find_old(connection: &Connection, until: Timestamp, limit: usize) -> Result<Vec<String>> {
    let select = "SELECT hash FROM request_key WHERE at <= ? ORDER BY at, hash LIMIT ?";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut select = connection.prepare_cached(select)?;
    let found = select.query_map((until.as_millisecond(), limit), |row| row.get(0))?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

/// Forgets those, unless they came anew meanwhile.
pub(super) fn forget(tx: &mut Tx<'_>, old: &[String], until: Timestamp) -> Result<u64> {
    let mut gone = 0;
    for hash in old {
        let delete = "DELETE FROM request_key WHERE hash = ? AND at <= ?";
        gone += tx.execute(delete, (hash, until.as_millisecond()))? as u64;
    }
    Ok(gone)
}

fn read(row: &Row<'_>) -> Result<KeptRequest> {
    let hash: String = row.get("hash")?;
    let record = Record::new("request_key", hash.clone(), row);
    let request = KeyedRequest {
        hash,
        principal: record.value("principal")?,
        digest: record.value("digest")?,
        at: record.time("at")?,
    };
    let status = record.value::<Option<u16>>("status")?;
    let (body, etag) = (record.value("body")?, record.value("etag")?);
    Ok(KeptRequest { request, answer: status.map(|status| KeptAnswer { status, etag, body }) })
}
