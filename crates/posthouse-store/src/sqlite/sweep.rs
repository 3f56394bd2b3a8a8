//! Retention: media and messages go when they have ended, owe nothing, and their end is long enough ago.
//!
//! Looking for them is a reader's work, which may take its time; the writer throws away what was found, after making sure
//! that it still may. Rows are overwritten as they go (`secure_delete`); media in segments are erased there before they are forgotten.

use jiff::Timestamp;
use posthouse_core::{Id, store::Swept};
use rusqlite::{Connection, OptionalExtension, Params};

use super::{bulk, fault::Result, job::Tx, message_key, record::corrupt, tries};
use crate::media::{erase::Erasure, segments::RecordPlace};

/// A message `g` that [is over](posthouse_core::life::retention::Ending::is_over).
const DONE: &str = "g.state >= 10
    AND NOT EXISTS (SELECT 1 FROM work w WHERE w.id = g.id)
    AND NOT EXISTS (SELECT 1 FROM callback c WHERE c.message = g.id AND c.failed = 0)";

/// A message from a handset `o` that is over, likewise.
const MO_DONE: &str = "o.ended_at IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM callback c WHERE c.message = o.id AND c.failed = 0)";

/// What may be thrown away.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    media: Vec<i64>,
    messages: Vec<i64>,
    mo_media: Vec<i64>,
    mos: Vec<i64>,
    unmatched_reports: Vec<i64>,
    unreadable: Vec<i64>,
    for_nobody: Vec<i64>,
    operations: Vec<i64>,
    refusals: Vec<i64>,
}

impl Candidates {
    /// Whether there is nothing to be done.
    pub(super) fn is_empty(&self) -> bool {
        self.media.is_empty()
            && self.messages.is_empty()
            && self.mo_media.is_empty()
            && self.mos.is_empty()
            && self.unmatched_reports.is_empty()
            && self.unreadable.is_empty()
            && self.for_nobody.is_empty()
            && self.operations.is_empty()
            && self.refusals.is_empty()
    }
}

/// Looks for what may be thrown away, at most `limit` of each. What ended first comes first: the indices have it in that order, and what
/// has not ended is not in them.
pub(super) fn find(
    connection: &Connection,
    media_before: Timestamp,
    messages_before: Timestamp,
    limit: usize,
) -> Result<Candidates> {
    let message = format!(
        "SELECT g.id FROM message g WHERE g.has_media = ? AND g.changed_at < ? AND {DONE} ORDER BY g.changed_at LIMIT ?"
    );
    let mo = format!(
        "SELECT o.id FROM mo o WHERE o.has_media = ? AND o.ended_at < ? AND {MO_DONE} ORDER BY o.ended_at LIMIT ?"
    );
    let (media_before, messages_before) = (media_before.as_millisecond(), messages_before.as_millisecond());
    let both = |select: &str| -> Result<Vec<i64>> {
        let mut found = ids(connection, select, (false, messages_before, count(limit)))?;
        let left = limit.saturating_sub(found.len());
        found.extend(ids(connection, select, (true, messages_before, count(left)))?);
        Ok(found)
    };
    let for_nobody = "SELECT id FROM mo_for_nobody WHERE received_at < ? ORDER BY id LIMIT ?";
    let refusals = "SELECT id FROM refusal WHERE last_at < ? ORDER BY last_at LIMIT ?";
    let unreadable = "SELECT id FROM unreadable WHERE last_at < ? ORDER BY last_at LIMIT ?";
    let reports = "SELECT id FROM unmatched_report WHERE received_at < ? ORDER BY id LIMIT ?";
    Ok(Candidates {
        media: ids(connection, &message, (true, media_before, count(limit)))?,
        messages: both(&message)?,
        mo_media: ids(connection, &mo, (true, media_before, count(limit)))?,
        mos: both(&mo)?,
        unmatched_reports: ids(connection, reports, (messages_before, count(limit)))?,
        unreadable: ids(connection, unreadable, (messages_before, count(limit)))?,
        operations: bulk::find_old(connection, messages_before, count(limit))?,
        for_nobody: ids(connection, for_nobody, (messages_before, count(limit)))?,
        refusals: ids(connection, refusals, (messages_before, count(limit)))?,
    })
}

fn count(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn ids(connection: &Connection, select: &str, values: impl Params) -> Result<Vec<i64>> {
    let ids = connection
        .prepare_cached(select)?
        .query_map(values, |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(ids)
}

/// Throws away what was found.
pub(super) fn sweep(tx: &mut Tx<'_>, candidates: &Candidates) -> Result<Swept> {
    let mut swept = Swept::default();
    for id in &candidates.media {
        if is_done(tx, *id)? {
            swept.media += remove_media(tx, *id)?;
            tx.update_one(("message", id), "UPDATE message SET has_media = 0 WHERE id = ?", [id])?;
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
            tx.update_one(("mo", id), "UPDATE mo SET has_media = 0 WHERE id = ?", [id])?;
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
    for id in &candidates.operations {
        bulk::forget(tx, *id)?;
    }
    for id in &candidates.for_nobody {
        tx.execute("DELETE FROM mo_for_nobody WHERE id = ?", [id])?;
    }
    for id in &candidates.unreadable {
        swept.unreadable += rows(tx.execute("DELETE FROM unreadable WHERE id = ?", [id])?);
    }
    for id in &candidates.refusals {
        swept.refusals += rows(tx.execute("DELETE FROM refusal WHERE id = ?", [id])?);
    }
    message_key::remove_old(tx.connection)?;
    tx.left.erased = true;
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

/// Removes the media of a message; those in a segment are still to be erased there.
fn remove_media(tx: &Tx<'_>, id: i64) -> Result<u64> {
    tx.execute(
        "INSERT INTO erasing (id, segment, position)
         SELECT id, segment, position FROM media WHERE id = ? AND segment IS NOT NULL",
        [id],
    )?;
    Ok(rows(tx.execute("DELETE FROM media WHERE id = ?", [id])?))
}

/// Removes a message from a handset. Its id stays the newest, if it was.
fn remove_mo(tx: &Tx<'_>, id: i64) -> Result<u64> {
    tx.execute("DELETE FROM callback WHERE message = ?", [id])?;
    tries::forget(tx, id)?;
    tx.execute("UPDATE meta SET value = max(value, ?) WHERE name = 'newest_id'", [id])?;
    Ok(rows(tx.execute("DELETE FROM mo WHERE id = ?", [id])?))
}

/// Removes a message with all that is about it. Its id stays the newest, if it was.
fn remove_message(tx: &Tx<'_>, id: i64) -> Result<u64> {
    if let Some(row) = message_key::of_message(tx.connection, id)? {
        tx.recent.into_iter().for_each(|recent| recent.lock().forget(&row, true));
        row.entries().try_for_each(|entry| message_key::remove(tx.connection, entry))?;
    }
    tx.execute("DELETE FROM event WHERE message = ?", [id])?;
    tx.execute("DELETE FROM read_reply WHERE message = ?", [id])?;
    tx.execute("DELETE FROM resubmission WHERE message = ?", [id])?;
    tx.execute("DELETE FROM failed_attempt WHERE message = ?", [id])?;
    tx.execute("DELETE FROM callback WHERE message = ?", [id])?;
    tries::forget(tx, id)?;
    tx.execute("UPDATE meta SET value = max(value, ?) WHERE name = 'newest_id'", [id])?;
    Ok(rows(tx.execute("DELETE FROM message WHERE id = ?", [id])?))
}

fn rows(count: usize) -> u64 {
    count as u64
}

/// Media that are over and still lie in segments, segment by segment. Where nothing else lies in a segment, all of it goes, and there is
/// nothing to be erased.
pub(super) fn find_erasures(connection: &Connection, limit: usize) -> Result<Vec<Erasure>> {
    let mut statement = connection
        .prepare_cached("SELECT id, segment, position FROM erasing ORDER BY segment, position LIMIT ?")?;
    let mut needed = connection.prepare_cached("SELECT 1 FROM media WHERE segment = ? LIMIT 1")?;
    // More may come into this one.
    let filling: Option<i64> = connection
        .prepare_cached("SELECT id FROM segment ORDER BY sequence DESC LIMIT 1")?
        .query_row([], |row| row.get(0))
        .optional()?;
    let mut rows = statement.query([count(limit)])?;
    let mut erasures = Vec::new();
    while let Some(row) = rows.next()? {
        let (number, segment, position): (i64, i64, i64) = row.try_into()?;
        let id = Id::from_number(number).ok_or_else(|| corrupt("erasing", "id", number, "no id"))?;
        let place = RecordPlace { segment, position };
        erasures.push(Erasure {
            id,
            place,
            is_shared: filling == Some(segment) || needed.exists([segment])?,
        });
    }
    Ok(erasures)
}

/// They are erased.
pub(super) fn forget_erasures(tx: &mut Tx<'_>, erased: &[Id]) -> Result<()> {
    for id in erased {
        tx.execute("DELETE FROM erasing WHERE id = ?", [id.number()])?;
    }
    tx.left.freed = true;
    Ok(())
}
