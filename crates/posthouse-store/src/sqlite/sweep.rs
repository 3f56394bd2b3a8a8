//! Retention: media and messages go when they have ended, owe nothing, and are old enough.
//!
//! Looking for them is a reader's work, which may take its time; the writer throws away what was found, after making sure
//! that it still may.

use jiff::Timestamp;
use posthouse_core::{Id, store::Swept};
use rusqlite::Connection;

use super::{fault::Result, job::Tx};

/// A message `g` that has ended and owes nothing.
const DONE: &str = "g.state >= 10
    AND NOT EXISTS (SELECT 1 FROM work w WHERE w.id = g.id)
    AND NOT EXISTS (SELECT 1 FROM callback c WHERE c.message = g.id AND c.failed = 0)";

/// A message from a handset `o` that owes nothing.
const MO_DONE: &str = "NOT EXISTS (SELECT 1 FROM callback c WHERE c.message = o.id AND c.failed = 0)";

/// What may be thrown away.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    media: Vec<i64>,
    messages: Vec<i64>,
    mo_media: Vec<i64>,
    mos: Vec<i64>,
    unmatched_reports: Vec<i64>,
}

impl Candidates {
    /// Whether there is nothing to be done.
    pub(super) fn is_empty(&self) -> bool {
        self.media.is_empty()
            && self.messages.is_empty()
            && self.mo_media.is_empty()
            && self.mos.is_empty()
            && self.unmatched_reports.is_empty()
    }
}

/// Looks for what may be thrown away, oldest first, at most `limit` of each.
pub(super) fn find(
    connection: &Connection,
    media_before: Timestamp,
    messages_before: Timestamp,
    limit: usize,
) -> Result<Candidates> {
    let media = format!(
        "SELECT m.id FROM media m CROSS JOIN message g ON g.id = m.id
         WHERE m.id < ? AND g.accepted_at < ? AND {DONE} ORDER BY m.id LIMIT ?"
    );
    let messages = format!(
        "SELECT g.id FROM message g WHERE g.id < ? AND g.accepted_at < ? AND {DONE} ORDER BY g.id LIMIT ?"
    );
    let mo_media = format!(
        "SELECT m.id FROM media m CROSS JOIN mo o ON o.id = m.id
         WHERE m.id < ? AND o.received_at < ? AND {MO_DONE} ORDER BY m.id LIMIT ?"
    );
    let mos = format!(
        "SELECT o.id FROM mo o WHERE o.id < ? AND o.received_at < ? AND {MO_DONE} ORDER BY o.id LIMIT ?"
    );
    let reports = "SELECT id FROM unmatched_report WHERE ? AND received_at < ? ORDER BY id LIMIT ?";
    Ok(Candidates {
        media: ids(connection, &media, media_before, limit)?,
        messages: ids(connection, &messages, messages_before, limit)?,
        mo_media: ids(connection, &mo_media, media_before, limit)?,
        mos: ids(connection, &mos, messages_before, limit)?,
        unmatched_reports: ids(connection, reports, messages_before, limit)?,
    })
}

fn ids(connection: &Connection, select: &str, before: Timestamp, limit: usize) -> Result<Vec<i64>> {
    let first = Id::first_at(before).number();
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let ids = connection
        .prepare_cached(select)?
        .query_map((first, before.as_millisecond(), limit), |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(ids)
}

/// Throws away what was found.
pub(super) fn sweep(tx: &mut Tx<'_>, candidates: &Candidates) -> Result<Swept> {
    let mut swept = Swept::default();
    for id in &candidates.media {
        if is_done(tx, *id)? {
            swept.media += remove_media(tx, *id)?;
        }
    }
    for id in &candidates.messages {
        if is_done(tx, *id)? {
            swept.media += remove_media(tx, *id)?;
            swept.messages += remove_message(tx, *id)?;
        }
    }
    for id in &candidates.mo_media {
        if is_mo_done(tx, *id)? {
            swept.media += remove_media(tx, *id)?;
        }
    }
    for id in &candidates.mos {
        if is_mo_done(tx, *id)? {
            swept.media += remove_media(tx, *id)?;
            swept.messages += remove_mo(tx, *id)?;
        }
    }
    for id in &candidates.unmatched_reports {
        swept.unmatched_reports += rows(tx.execute("DELETE FROM unmatched_report WHERE id = ?", [id])?);
    }
    Ok(swept)
}

fn is_done(tx: &Tx<'_>, id: i64) -> Result<bool> {
    let done = format!("SELECT 1 FROM message g WHERE g.id = ? AND {DONE}");
    Ok(tx.prepare(&done)?.exists([id])?)
}

fn is_mo_done(tx: &Tx<'_>, id: i64) -> Result<bool> {
    let done = format!("SELECT 1 FROM mo o WHERE o.id = ? AND {MO_DONE}");
    Ok(tx.prepare(&done)?.exists([id])?)
}

fn remove_media(tx: &mut Tx<'_>, id: i64) -> Result<u64> {
    let removed = rows(tx.execute("DELETE FROM media WHERE id = ?", [id])?);
    tx.freed |= removed > 0;
    Ok(removed)
}

/// Removes a message from a handset. Its id stays the newest, if it was.
fn remove_mo(tx: &Tx<'_>, id: i64) -> Result<u64> {
    tx.execute("DELETE FROM callback WHERE message = ?", [id])?;
    tx.execute("UPDATE meta SET value = max(value, ?) WHERE name = 'newest_id'", [id])?;
    Ok(rows(tx.execute("DELETE FROM mo WHERE id = ?", [id])?))
}

/// Removes a message with all that is about it. Its id stays the newest, if it was.
fn remove_message(tx: &Tx<'_>, id: i64) -> Result<u64> {
    tx.execute("DELETE FROM event WHERE message = ?", [id])?;
    tx.execute("DELETE FROM read_reply WHERE message = ?", [id])?;
    tx.execute("DELETE FROM callback WHERE message = ?", [id])?;
    tx.execute("UPDATE meta SET value = max(value, ?) WHERE name = 'newest_id'", [id])?;
    Ok(rows(tx.execute("DELETE FROM message WHERE id = ?", [id])?))
}

fn rows(count: usize) -> u64 {
    count as u64
}
