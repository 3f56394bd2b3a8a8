//! Tokens of principals.

use jiff::Timestamp;
use posthouse_core::{
    actor::Actor,
    audit::{self, AuditEntry},
    token::{MOST_TOKENS, TokenRecord},
    user::SessionOrigin,
};
use rusqlite::{Connection, OptionalExtension, Row};

use super::{
    audit::write as write_audit,
    fault::Result,
    job::Tx,
    record::{Record, read_all, time},
    session,
};

const COLUMNS: &str = "id, name, role, hash, created_at, expires_at, last_used";

/// Adds one; whether there was room, and no other of its id.
pub(super) fn add(tx: &Tx<'_>, token: &TokenRecord, by: &Actor, now: Timestamp) -> Result<bool> {
    let most = i64::try_from(MOST_TOKENS).unwrap_or(i64::MAX);
    let added = tx.execute(
        "INSERT OR IGNORE INTO token (id, name, role, hash, created_at, expires_at)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE (SELECT count(*) FROM token) < ?7",
        (
            &token.id,
            &token.name,
            token.role.to_string(),
            &token.hash,
            token.created_at.as_millisecond(),
            token.expires_at.map(Timestamp::as_millisecond),
            most,
        ),
    )?;
    if added == 0 {
        return Ok(false);
    }
    write_audit(tx, &audit::token_added(by, token, now))?;
    Ok(true)
}

/// Ends one; whether there was one.
pub(super) fn revoke(tx: &Tx<'_>, id: &str, by: &Actor, now: Timestamp) -> Result<bool> {
    let found = tx
        .prepare(&format!("SELECT {COLUMNS} FROM token WHERE id = ?"))?
        .query_row([id], |row| Ok(read(row)))
        .optional()?
        .transpose()?;
    let Some(token) = found else { return Ok(false) };
    tx.execute("DELETE FROM token WHERE id = ?", [id])?;
    session::end_of(tx, &SessionOrigin::Token(id.to_owned()))?;
    let entry: AuditEntry = audit::token_revoked(by, &token, now);
    write_audit(tx, &entry)?;
    Ok(true)
}

/// Those behind an id.
pub(super) fn list(connection: &Connection, after: Option<&str>, limit: usize) -> Result<Vec<TokenRecord>> {
    let select = format!("SELECT {COLUMNS} FROM token WHERE id > ? ORDER BY id LIMIT ?");
    let mut statement = connection.prepare_cached(&select)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    read_all(statement.query((after.unwrap_or_default(), limit))?, read)
}

/// The one of a hash.
pub(super) fn by_hash(connection: &Connection, hash: &str) -> Result<Option<TokenRecord>> {
    let select = format!("SELECT {COLUMNS} FROM token WHERE hash = ?");
    connection.prepare_cached(&select)?.query_row([hash], |row| Ok(read(row))).optional()?.transpose()
}

/// It was used.
pub(super) fn note_used(tx: &Tx<'_>, id: &str, now: Timestamp) -> Result<()> {
    tx.execute("UPDATE token SET last_used = ? WHERE id = ?", (now.as_millisecond(), id))?;
    Ok(())
}

fn read(row: &Row<'_>) -> Result<TokenRecord> {
    let id: String = row.get("id")?;
    let record = Record::new("token", id.clone(), row);
    Ok(TokenRecord {
        id,
        name: record.value("name")?,
        role: record.known("role", |role: String| role.parse().ok())?,
        hash: record.value("hash")?,
        created_at: record.time("created_at")?,
        expires_at: record.value::<Option<i64>>("expires_at")?.map(time),
        last_used: record.value::<Option<i64>>("last_used")?.map(time),
    })
}
