//! Sessions of whoever is signed in.

use jiff::Timestamp;
use posthouse_core::{
    actor::Actor,
    audit,
    user::{MOST_SESSIONS, SessionOrigin, SessionRecord, idle_since},
};
use rusqlite::{Connection, OptionalExtension, Row};

use super::{
    audit::write as write_audit,
    fault::Result,
    job::Tx,
    record::{Record, read_all, time},
};

const COLUMNS: &str = "id, hash, name, role, origin, address, begun_at, used_at, expires_at";

/// Begins one; whether what it is begun with is still there.
pub(super) fn begin(tx: &Tx<'_>, session: &SessionRecord, by: &Actor, now: Timestamp) -> Result<bool> {
    if !is_founded(tx, session)? {
        return Ok(false);
    }
    let idle = idle_since(now).as_millisecond();
    tx.execute("DELETE FROM session WHERE used_at <= ?", [idle])?;
    tx.execute("DELETE FROM session WHERE expires_at <= ?", [now.as_millisecond()])?;
    let most = i64::try_from(MOST_SESSIONS).unwrap_or(i64::MAX);
    tx.execute(
        "DELETE FROM session WHERE id IN (
             SELECT id FROM session ORDER BY used_at, id LIMIT max(0, (SELECT count(*) FROM session) - ? + 1))",
        [most],
    )?;
    tx.execute(
        "INSERT INTO session (id, hash, name, role, origin, address, begun_at, used_at, expires_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            &session.id,
            &session.hash,
            &session.name,
            session.role.to_string(),
            session.origin.to_string(),
            &session.address,
            session.begun_at.as_millisecond(),
            session.used_at.as_millisecond(),
            session.expires_at.map(Timestamp::as_millisecond),
        ),
    )?;
    if let SessionOrigin::User(name) = &session.origin {
        super::user::note_signed_in(tx, name, now)?;
    }
    write_audit(tx, &audit::signed_in(by, session, now))?;
    Ok(true)
}

/// Whether there is what it is begun with, and it is good for as much.
fn is_founded(tx: &Tx<'_>, session: &SessionRecord) -> Result<bool> {
    let (select, name) = match &session.origin {
        SessionOrigin::User(name) => {
            ("SELECT 1 FROM user WHERE name = ? AND role = ? AND password_hash IS NOT NULL", name)
        }
        SessionOrigin::Token(id) => ("SELECT 1 FROM token WHERE id = ? AND role = ?", id),
        SessionOrigin::Admin(_) | SessionOrigin::Oidc(_) => return Ok(true),
    };
    Ok(tx.prepare(select)?.exists((name, session.role.to_string()))?)
}

/// Ends one; whether there was one.
pub(super) fn end(tx: &Tx<'_>, id: &str, by: &Actor, now: Timestamp) -> Result<bool> {
    let Some(session) = one(tx.connection, "id", id)? else { return Ok(false) };
    tx.execute("DELETE FROM session WHERE id = ?", [id])?;
    write_audit(tx, &audit::session_ended(by, &session, now))?;
    Ok(true)
}

/// Ends those that were begun with something that is over.
pub(super) fn end_of(tx: &Tx<'_>, origin: &SessionOrigin) -> Result<()> {
    tx.execute("DELETE FROM session WHERE origin = ?", [origin.to_string()])?;
    Ok(())
}

/// It was used.
pub(super) fn note_used(tx: &Tx<'_>, id: &str, now: Timestamp) -> Result<()> {
    let now = now.as_millisecond();
    tx.execute("UPDATE session SET used_at = max(used_at, ?) WHERE id = ?", (now, id))?;
    Ok(())
}

/// Those behind an id.
pub(super) fn list(connection: &Connection, after: Option<&str>, limit: usize) -> Result<Vec<SessionRecord>> {
    let select = format!("SELECT {COLUMNS} FROM session WHERE id > ? ORDER BY id LIMIT ?");
    let mut statement = connection.prepare_cached(&select)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    read_all(statement.query((after.unwrap_or_default(), limit))?, read)
}

/// The one of a hash.
pub(super) fn by_hash(connection: &Connection, hash: &str) -> Result<Option<SessionRecord>> {
    one(connection, "hash", hash)
}

fn one(connection: &Connection, column: &str, value: &str) -> Result<Option<SessionRecord>> {
    let select = format!("SELECT {COLUMNS} FROM session WHERE {column} = ?");
    connection.prepare_cached(&select)?.query_row([value], |row| Ok(read(row))).optional()?.transpose()
}

fn read(row: &Row<'_>) -> Result<SessionRecord> {
    let id: String = row.get("id")?;
    let record = Record::new("session", id.clone(), row);
    Ok(SessionRecord {
        id,
        hash: record.value("hash")?,
        name: record.value("name")?,
        role: record.known("role", |role: String| role.parse().ok())?,
        origin: record.known("origin", |origin: String| origin.parse().ok())?,
        address: record.value("address")?,
        begun_at: record.time("begun_at")?,
        used_at: record.time("used_at")?,
        expires_at: record.value::<Option<i64>>("expires_at")?.map(time),
    })
}
