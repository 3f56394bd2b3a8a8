//! Users.

use jiff::Timestamp;
use posthouse_core::{
    actor::Actor,
    audit,
    user::{MOST_USERS, PasswordLink, SessionOrigin, UserChange, UserRecord},
};
use rusqlite::{Connection, OptionalExtension, Row};

use super::{
    audit::write as write_audit,
    fault::Result,
    job::Tx,
    record::{Record, read_all, time},
    session,
};

const COLUMNS: &str = "name, role, password_hash, link_hash, link_expires_at, created_at, signed_in_at";

/// Adds one; whether there was room, and no other of its name.
pub(super) fn add(tx: &Tx<'_>, user: &UserRecord, by: &Actor, now: Timestamp) -> Result<bool> {
    let most = i64::try_from(MOST_USERS).unwrap_or(i64::MAX);
    let added = tx.execute(
        "INSERT OR IGNORE INTO user (name, role, password_hash, link_hash, link_expires_at, created_at)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE (SELECT count(*) FROM user) < ?7",
        (
            &user.name,
            user.role.to_string(),
            &user.password_hash,
            user.link.as_ref().map(|link| &link.hash),
            user.link.as_ref().map(|link| link.expires_at.as_millisecond()),
            user.created_at.as_millisecond(),
            most,
        ),
    )?;
    if added == 0 {
        return Ok(false);
    }
    write_audit(tx, &audit::user_added(by, user, now))?;
    Ok(true)
}

/// Changes one, and ends its sessions; what it is afterwards.
pub(super) fn change(
    tx: &Tx<'_>,
    name: &str,
    change: &UserChange,
    by: &Actor,
    now: Timestamp,
) -> Result<Option<UserRecord>> {
    let Some(before) = by_name(tx.connection, name)? else { return Ok(None) };
    match change {
        UserChange::Role(role) => {
            tx.execute("UPDATE user SET role = ? WHERE name = ?", (role.to_string(), name))?;
        }
        UserChange::Reset(link) => {
            tx.execute(
                "UPDATE user SET password_hash = NULL, link_hash = ?, link_expires_at = ? WHERE name = ?",
                (&link.hash, link.expires_at.as_millisecond(), name),
            )?;
        }
    }
    session::end_of(tx, &SessionOrigin::User(name.to_owned()))?;
    write_audit(tx, &audit::user_changed(by, &before, change, now))?;
    by_name(tx.connection, name)
}

/// Removes one, and ends its sessions; whether there was one.
pub(super) fn remove(tx: &Tx<'_>, name: &str, by: &Actor, now: Timestamp) -> Result<bool> {
    let Some(user) = by_name(tx.connection, name)? else { return Ok(false) };
    tx.execute("DELETE FROM user WHERE name = ?", [name])?;
    session::end_of(tx, &SessionOrigin::User(name.to_owned()))?;
    write_audit(tx, &audit::user_removed(by, &user, now))?;
    Ok(true)
}

/// Sets the password of the one that has this link; whether there was one.
pub(super) fn set_password(
    tx: &Tx<'_>,
    link_hash: &str,
    password_hash: &str,
    by: &Actor,
    now: Timestamp,
) -> Result<bool> {
    let user = by_link(tx.connection, link_hash)?;
    let is_good = |user: &UserRecord| user.link.as_ref().is_some_and(|link| !link.is_expired(now));
    let Some(user) = user.filter(is_good) else { return Ok(false) };
    tx.execute(
        "UPDATE user SET password_hash = ?, link_hash = NULL, link_expires_at = NULL WHERE name = ?",
        (password_hash, &user.name),
    )?;
    session::end_of(tx, &SessionOrigin::User(user.name.clone()))?;
    write_audit(tx, &audit::password_set(by, &user.name, now))?;
    Ok(true)
}

/// It signed in.
pub(super) fn note_signed_in(tx: &Tx<'_>, name: &str, now: Timestamp) -> Result<()> {
    tx.execute("UPDATE user SET signed_in_at = ? WHERE name = ?", (now.as_millisecond(), name))?;
    Ok(())
}

/// Those behind a name.
pub(super) fn list(connection: &Connection, after: Option<&str>, limit: usize) -> Result<Vec<UserRecord>> {
    let select = format!("SELECT {COLUMNS} FROM user WHERE name > ? ORDER BY name LIMIT ?");
    let mut statement = connection.prepare_cached(&select)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    read_all(statement.query((after.unwrap_or_default(), limit))?, read)
}

/// The one of a name.
pub(super) fn by_name(connection: &Connection, name: &str) -> Result<Option<UserRecord>> {
    one(connection, "name", name)
}

/// The one of a link's hash.
pub(super) fn by_link(connection: &Connection, hash: &str) -> Result<Option<UserRecord>> {
    one(connection, "link_hash", hash)
}

fn one(connection: &Connection, column: &str, value: &str) -> Result<Option<UserRecord>> {
    let select = format!("SELECT {COLUMNS} FROM user WHERE {column} = ?");
    connection.prepare_cached(&select)?.query_row([value], |row| Ok(read(row))).optional()?.transpose()
}

fn read(row: &Row<'_>) -> Result<UserRecord> {
    let name: String = row.get("name")?;
    let record = Record::new("user", name.clone(), row);
    let role = record.known("role", |role: String| role.parse().ok())?;
    let password_hash = record.value("password_hash")?;
    let link_hash: Option<String> = record.value("link_hash")?;
    let link_expires_at = record.value::<Option<i64>>("link_expires_at")?.map(time);
    Ok(UserRecord {
        name,
        role,
        password_hash,
        link: link_hash.zip(link_expires_at).map(|(hash, expires_at)| PasswordLink { hash, expires_at }),
        created_at: record.time("created_at")?,
        signed_in_at: record.value::<Option<i64>>("signed_in_at")?.map(time),
    })
}
