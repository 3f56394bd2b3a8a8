//! Tries to deliver callbacks: how the newest of each ended, and what they say of its endpoint.

use bytes::Bytes;
use posthouse_core::{
    Id,
    bounds::TRIES,
    life::callback::{CallbackAttempt, TryEnd},
    store::CallbackAnswer,
};
use rusqlite::Connection;

use super::{fault::Result, job::Tx, record::Record};

/// Keeps a try; `before`: how many came before it in its round. Of those that are too many, the oldest are forgotten.
pub(super) fn note(
    tx: &Tx<'_>,
    callback: Id,
    about: Id,
    before: u32,
    attempt: &CallbackAttempt,
) -> Result<()> {
    let CallbackAttempt { at, ended, said } = attempt;
    let values = (
        callback.number(),
        at.as_millisecond(),
        about.number(),
        ended.as_str(),
        said.http_status,
        &said.words,
        &said.body[..],
    );
    tx.execute(
        "INSERT INTO callback_attempt (callback, at, message, ended, http_status, words, body)
         VALUES (?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (callback, at) DO UPDATE SET ended = excluded.ended, http_status = excluded.http_status,
                                                  words = excluded.words, body = excluded.body",
        values,
    )?;
    if !attempt.may_be_too_many(before) {
        return note_failure(tx, callback, attempt);
    }
    tx.execute(
        "DELETE FROM callback_attempt WHERE callback = ?1
         AND at <= (SELECT at FROM callback_attempt WHERE callback = ?1 ORDER BY at DESC LIMIT 1 OFFSET ?2)",
        (callback.number(), TRIES),
    )?;
    note_failure(tx, callback, attempt)
}

/// The endpoint that the callback goes to fails, if it did not before.
fn note_failure(tx: &Tx<'_>, callback: Id, attempt: &CallbackAttempt) -> Result<()> {
    if !attempt.is_failure() {
        return Ok(());
    }
    let values =
        (callback.number(), attempt.at.as_millisecond(), attempt.said.http_status, &attempt.said.words);
    tx.execute(
        "INSERT INTO endpoint (account, failing_since, failed_at, http_status, words)
         VALUES ((SELECT account FROM callback WHERE id = ?1), ?2, ?2, ?3, ?4)
         ON CONFLICT (account) DO UPDATE SET failing_since = coalesce(failing_since, excluded.failing_since),
             failed_at = excluded.failed_at, http_status = excluded.http_status, words = excluded.words",
        values,
    )?;
    Ok(())
}

/// How the newest tries ended, oldest first.
pub(super) fn attempts(connection: &Connection, callback: Id) -> Result<Vec<CallbackAttempt>> {
    let mut statement = connection.prepare_cached(
        "SELECT at, ended, http_status, words, body FROM callback_attempt WHERE callback = ? ORDER BY at DESC LIMIT ?",
    )?;
    let mut rows = statement.query((callback.number(), TRIES))?;
    let mut attempts = Vec::new();
    while let Some(row) = rows.next()? {
        let record = Record::new("callback_attempt", callback, row);
        attempts.push(CallbackAttempt {
            at: record.time("at")?,
            ended: record.known("ended", |name: String| TryEnd::from_name(&name))?,
            said: CallbackAnswer {
                http_status: record.value("http_status")?,
                words: record.value("words")?,
                body: Bytes::from(record.value::<Vec<u8>>("body")?),
            },
        });
    }
    attempts.reverse();
    Ok(attempts)
}

/// Forgets the tries of all callbacks about a message, or of the one that carries it.
pub(super) fn forget(tx: &Tx<'_>, about: i64) -> Result<()> {
    tx.execute("DELETE FROM callback_attempt WHERE message = ?", [about])?;
    Ok(())
}
