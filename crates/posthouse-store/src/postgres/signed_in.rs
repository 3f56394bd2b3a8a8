//! Sessions of whoever is signed in.

use jiff::Timestamp;
use posthouse_core::{
    actor::Actor,
    audit,
    store::StoreError,
    user::{MOST_SESSIONS, SessionOrigin, SessionRecord, idle_since},
};
use tokio_postgres::Row;

use super::{
    audit::write as write_audit,
    batch::{BatchClaim, BatchTx},
    fault::BatchResult,
    reader::ReadPool,
    record::PgRow,
    statements, user,
    value::values,
};

/// Begins one; whether what it is begun with is still there.
pub(super) async fn begin(
    tx: &BatchTx,
    session: &SessionRecord,
    by: &Actor,
    now: Timestamp,
) -> BatchResult<bool> {
    tx.claim(user::CLAIM)?;
    tx.claim(BatchClaim::Table("token"))?;
    if !is_founded(tx, session).await? {
        return Ok(false);
    }
    let kept = MOST_SESSIONS.saturating_sub(1);
    for row in tx.read(&statements::SESSIONS_OVER, values![idle_since(now), now, kept]).await? {
        tx.write(&statements::DELETE_SESSION, values![row.try_get::<_, &str>("id")?]);
    }
    let (role, origin) = (session.role.to_string(), session.origin.to_string());
    let SessionRecord { id, hash, name, address, begun_at, used_at, expires_at, .. } = session;
    tx.write(
        &statements::INSERT_SESSION,
        values![id, hash, name, &role, &origin, address.as_deref(), *begun_at, *used_at, *expires_at],
    );
    if let SessionOrigin::User(name) = &session.origin {
        tx.write(&statements::USER_SIGNED_IN, values![name, now]);
    }
    write_audit(tx, &audit::signed_in(by, session, now));
    Ok(true)
}

/// Whether there is what it is begun with, and it is good for as much.
async fn is_founded(tx: &BatchTx, session: &SessionRecord) -> BatchResult<bool> {
    match &session.origin {
        SessionOrigin::User(name) => {
            let user = user::locked(tx, name).await?;
            Ok(user.is_some_and(|user| user.role == session.role && user.password_hash.is_some()))
        }
        SessionOrigin::Token(id) => {
            let token = tx.read_one(&statements::TOKEN_ONE, values![id]).await?;
            let role = token.map(|row| row.try_get::<_, String>("role")).transpose()?;
            Ok(role == Some(session.role.to_string()))
        }
        SessionOrigin::Admin(_) | SessionOrigin::Oidc(_) => Ok(true),
    }
}

/// Ends one; whether there was one.
pub(super) async fn end(tx: &BatchTx, id: &str, by: &Actor, now: Timestamp) -> BatchResult<bool> {
    tx.claim(user::CLAIM)?;
    let Some(row) = tx.read_one(&statements::SESSION_ONE, values![id]).await? else { return Ok(false) };
    tx.write(&statements::DELETE_SESSION, values![id]);
    write_audit(tx, &audit::session_ended(by, &read(&row)?, now));
    Ok(true)
}

/// It was used.
pub(super) fn note_used(tx: &BatchTx, id: &str, now: Timestamp) {
    tx.write(&statements::USE_SESSION, values![id, now]);
}

/// Those behind an id.
pub(super) async fn list(
    readers: &ReadPool,
    after: Option<&str>,
    limit: usize,
) -> BatchResult<Vec<SessionRecord>, StoreError> {
    let rows = readers.query(&statements::SESSIONS_READ, values![after.unwrap_or_default(), limit]).await?;
    Ok(rows.iter().map(read).collect::<BatchResult<_>>()?)
}

/// The one of a hash.
pub(super) async fn by_hash(
    readers: &ReadPool,
    hash: &str,
) -> BatchResult<Option<SessionRecord>, StoreError> {
    let rows = readers.query(&statements::SESSION_OF_HASH, values![hash]).await?;
    Ok(rows.first().map(read).transpose()?)
}

fn read(row: &Row) -> BatchResult<SessionRecord> {
    let id: String = row.try_get("id")?;
    let record = PgRow::new("session", &id, row);
    Ok(SessionRecord {
        hash: record.value("hash")?,
        name: record.value("name")?,
        role: record.known("role", |role: &str| role.parse().ok())?,
        origin: record.known("origin", |origin: &str| origin.parse().ok())?,
        address: record.value("address")?,
        begun_at: record.time("begun_at")?,
        used_at: record.time("used_at")?,
        expires_at: record.time_if_any("expires_at")?,
        id,
    })
}
