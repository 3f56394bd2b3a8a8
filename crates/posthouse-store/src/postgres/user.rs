//! Users.

use jiff::Timestamp;
use posthouse_core::{
    actor::Actor,
    audit,
    store::StoreError,
    user::{MOST_USERS, PasswordLink, SessionOrigin, UserChange, UserRecord},
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

/// What whoever changes users or sessions claims.
pub(super) const CLAIM: BatchClaim = BatchClaim::Table("user");

/// Adds one; whether there was room, and no other of its name. Two nodes that do so at the same moment wait for one another.
pub(super) async fn add(tx: &BatchTx, user: &UserRecord, by: &Actor, now: Timestamp) -> BatchResult<bool> {
    tx.claim(CLAIM)?;
    tx.read_one(&statements::REVISION_LOCK, values!["revision"]).await?;
    let row = tx.read_one(&statements::USER_ROOM, values![&user.name]).await?;
    let row = row.ok_or(StoreError::NotFound("user"))?;
    let (users, known): (i64, bool) = (row.try_get("users")?, row.try_get("known")?);
    if known || usize::try_from(users).unwrap_or(usize::MAX) >= MOST_USERS {
        return Ok(false);
    }
    let (role, link) = (user.role.to_string(), user.link.as_ref());
    let (hash, until) = (link.map(|link| link.hash.as_str()), link.map(|link| link.expires_at));
    let password = user.password_hash.as_deref();
    tx.write(&statements::INSERT_USER, values![&user.name, &role, password, hash, until, user.created_at]);
    write_audit(tx, &audit::user_added(by, user, now));
    Ok(true)
}

/// Changes one, and ends its sessions; what it is afterwards.
pub(super) async fn change(
    tx: &BatchTx,
    name: &str,
    change: &UserChange,
    by: &Actor,
    now: Timestamp,
) -> BatchResult<Option<UserRecord>> {
    tx.claim(CLAIM)?;
    let Some(before) = locked(tx, name).await? else { return Ok(None) };
    let after = match change {
        UserChange::Role(role) => {
            tx.write(&statements::SET_USER_ROLE, values![name, &role.to_string()]);
            UserRecord { role: role.clone(), ..before.clone() }
        }
        UserChange::Reset(link) => {
            tx.write(&statements::RESET_USER, values![name, &link.hash, link.expires_at]);
            UserRecord { password_hash: None, link: Some(link.clone()), ..before.clone() }
        }
    };
    end_sessions(tx, name);
    write_audit(tx, &audit::user_changed(by, &before, change, now));
    Ok(Some(after))
}

/// Removes one, and ends its sessions; whether there was one.
pub(super) async fn remove(tx: &BatchTx, name: &str, by: &Actor, now: Timestamp) -> BatchResult<bool> {
    tx.claim(CLAIM)?;
    let Some(user) = locked(tx, name).await? else { return Ok(false) };
    tx.write(&statements::DELETE_USER, values![name]);
    end_sessions(tx, name);
    write_audit(tx, &audit::user_removed(by, &user, now));
    Ok(true)
}

/// Sets the password of the one that has this link; whether there was one.
pub(super) async fn set_password(
    tx: &BatchTx,
    link_hash: &str,
    password_hash: &str,
    by: &Actor,
    now: Timestamp,
) -> BatchResult<bool> {
    tx.claim(CLAIM)?;
    let row = tx.read_one(&statements::USER_LINKED, values![link_hash]).await?;
    let user = row.as_ref().map(read).transpose()?;
    let is_good = |user: &UserRecord| user.link.as_ref().is_some_and(|link| !link.is_expired(now));
    let Some(user) = user.filter(is_good) else { return Ok(false) };
    tx.write(&statements::SET_USER_PASSWORD, values![&user.name, password_hash]);
    end_sessions(tx, &user.name);
    write_audit(tx, &audit::password_set(by, &user.name, now));
    Ok(true)
}

fn end_sessions(tx: &BatchTx, name: &str) {
    let origin = SessionOrigin::User(name.to_owned()).to_string();
    tx.write(&statements::DELETE_SESSIONS_OF, values![&origin]);
}

/// The one of a name, which nobody else changes meanwhile.
pub(super) async fn locked(tx: &BatchTx, name: &str) -> BatchResult<Option<UserRecord>> {
    tx.read_one(&statements::USER_ONE, values![name]).await?.as_ref().map(read).transpose()
}

/// Those behind a name.
pub(super) async fn list(
    readers: &ReadPool,
    after: Option<&str>,
    limit: usize,
) -> BatchResult<Vec<UserRecord>, StoreError> {
    let rows = readers.query(&statements::USERS_READ, values![after.unwrap_or_default(), limit]).await?;
    Ok(rows.iter().map(read).collect::<BatchResult<_>>()?)
}

/// The one of a name.
pub(super) async fn by_name(readers: &ReadPool, name: &str) -> BatchResult<Option<UserRecord>, StoreError> {
    let rows = readers.query(&statements::USER_READ, values![name]).await?;
    Ok(rows.first().map(read).transpose()?)
}

/// The one of a link's hash.
pub(super) async fn by_link(readers: &ReadPool, hash: &str) -> BatchResult<Option<UserRecord>, StoreError> {
    let rows = readers.query(&statements::USER_OF_LINK, values![hash]).await?;
    Ok(rows.first().map(read).transpose()?)
}

fn read(row: &Row) -> BatchResult<UserRecord> {
    let name: String = row.try_get("name")?;
    let record = PgRow::new("user", &name, row);
    let link_hash: Option<String> = record.value("link_hash")?;
    let link_expires_at = record.time_if_any("link_expires_at")?;
    Ok(UserRecord {
        role: record.known("role", |role: &str| role.parse().ok())?,
        password_hash: record.value("password_hash")?,
        link: link_hash.zip(link_expires_at).map(|(hash, expires_at)| PasswordLink { hash, expires_at }),
        created_at: record.time("created_at")?,
        signed_in_at: record.time_if_any("signed_in_at")?,
        name,
    })
}
