//! Tokens of principals.

use jiff::Timestamp;
use posthouse_core::{
    actor::Actor,
    audit,
    store::StoreError,
    token::{MOST_TOKENS, TokenRecord},
    user::SessionOrigin,
};
use tokio_postgres::Row;

use super::{
    audit::write as write_audit,
    batch::{BatchClaim, BatchTx},
    fault::BatchResult,
    reader::ReadPool,
    record::PgRow,
    statements,
    value::values,
};

/// Adds one; whether there was room, and no other of its id or hash. Two nodes that do so at the same moment wait for one another, as
/// those do who change provisioning.
pub(super) async fn add(tx: &BatchTx, token: &TokenRecord, by: &Actor, now: Timestamp) -> BatchResult<bool> {
    tx.claim(BatchClaim::Table("token"))?;
    tx.read_one(&statements::REVISION_LOCK, values!["revision"]).await?;
    let row = tx.read_one(&statements::TOKEN_ROOM, values![&token.id, &token.hash]).await?;
    let row = row.ok_or(StoreError::NotFound("token"))?;
    let (tokens, known): (i64, bool) = (row.try_get("tokens")?, row.try_get("known")?);
    if known || usize::try_from(tokens).unwrap_or(usize::MAX) >= MOST_TOKENS {
        return Ok(false);
    }
    let role = token.role.to_string();
    let values = values![&token.id, &token.name, &role, &token.hash, token.created_at, token.expires_at];
    tx.write(&statements::INSERT_TOKEN, values);
    write_audit(tx, &audit::token_added(by, token, now));
    Ok(true)
}

/// Ends one; whether there was one.
pub(super) async fn revoke(tx: &BatchTx, id: &str, by: &Actor, now: Timestamp) -> BatchResult<bool> {
    tx.claim(BatchClaim::Table("token"))?;
    let Some(row) = tx.read_one(&statements::TOKEN_ONE, values![id]).await? else { return Ok(false) };
    tx.write(&statements::DELETE_TOKEN, values![id]);
    let origin = SessionOrigin::Token(id.to_owned()).to_string();
    tx.write(&statements::DELETE_SESSIONS_OF, values![&origin]);
    write_audit(tx, &audit::token_revoked(by, &read(&row)?, now));
    Ok(true)
}

/// Those behind an id.
pub(super) async fn list(
    readers: &ReadPool,
    after: Option<&str>,
    limit: usize,
) -> BatchResult<Vec<TokenRecord>, StoreError> {
    let rows = readers.query(&statements::TOKENS_READ, values![after.unwrap_or_default(), limit]).await?;
    Ok(rows.iter().map(read).collect::<BatchResult<_>>()?)
}

/// The one of a hash.
pub(super) async fn by_hash(readers: &ReadPool, hash: &str) -> BatchResult<Option<TokenRecord>, StoreError> {
    let rows = readers.query(&statements::TOKEN_OF_HASH, values![hash]).await?;
    Ok(rows.first().map(read).transpose()?)
}

/// It was used.
pub(super) fn note_used(tx: &BatchTx, id: &str, now: Timestamp) {
    tx.write(&statements::USE_TOKEN, values![id, now]);
}

fn read(row: &Row) -> BatchResult<TokenRecord> {
    let id: String = row.try_get("id")?;
    let record = PgRow::new("token", &id, row);
    Ok(TokenRecord {
        name: record.value("name")?,
        role: record.known("role", |role: &str| role.parse().ok())?,
        hash: record.value("hash")?,
        created_at: record.time("created_at")?,
        expires_at: record.time_if_any("expires_at")?,
        last_used: record.time_if_any("last_used")?,
        id,
    })
}
