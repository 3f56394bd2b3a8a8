//! What operators did: a row for each change, within its transaction.

use jiff::Timestamp;
use posthouse_core::audit::{AuditEntry, AuditFilter, AuditRecord, MOST};
use rusqlite::{Connection, OptionalExtension, Row, ToSql, params_from_iter};

use super::{
    fault::Result,
    job::Tx,
    record::{Record, read_all},
};

/// Writes a row.
pub(super) fn write(tx: &Tx<'_>, entry: &AuditEntry) -> Result<()> {
    tx.execute(
        "INSERT INTO audit (at, actor, role, credential, address, verb, target, before, after, reason)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            entry.at.as_millisecond(),
            &entry.actor,
            &entry.role,
            &entry.credential,
            &entry.address,
            &entry.verb,
            &entry.target,
            &entry.before,
            &entry.after,
            &entry.reason,
        ),
    )?;
    Ok(())
}

/// Rows that match, the newest first.
pub(super) fn list(connection: &Connection, filter: &AuditFilter, limit: usize) -> Result<Vec<AuditRecord>> {
    let mut sql = "SELECT id, at, actor, role, credential, address, verb, target, before, after, reason
                   FROM audit WHERE 1"
        .to_owned();
    let mut values: Vec<Box<dyn ToSql>> = Vec::new();
    for (condition, value) in conditions(filter) {
        sql.push_str(" AND ");
        sql.push_str(condition);
        values.push(value);
    }
    sql.push_str(" ORDER BY id DESC LIMIT ?");
    values.push(Box::new(i64::try_from(limit).unwrap_or(i64::MAX)));
    let mut statement = connection.prepare_cached(&sql)?;
    read_all(statement.query(params_from_iter(values))?, read)
}

fn conditions(filter: &AuditFilter) -> Vec<(&'static str, Box<dyn ToSql>)> {
    let mut conditions: Vec<(&'static str, Box<dyn ToSql>)> = Vec::new();
    if let Some(since) = filter.since {
        conditions.push(("at >= ?", Box::new(since.as_millisecond())));
    }
    if let Some(before) = filter.before {
        conditions.push(("at < ?", Box::new(before.as_millisecond())));
    }
    if let Some(below) = filter.below {
        conditions.push(("id < ?", Box::new(below)));
    }
    let texts = [("actor = ?", &filter.actor), ("verb = ?", &filter.verb), ("target = ?", &filter.target)];
    for (condition, text) in texts {
        if let Some(text) = text {
            conditions.push((condition, Box::new(text.clone())));
        }
    }
    conditions
}

fn read(row: &Row<'_>) -> Result<AuditRecord> {
    let record = Record::by_id("audit", row)?;
    let number = record.value("id")?;
    let entry = AuditEntry {
        at: record.time("at")?,
        actor: record.value("actor")?,
        role: record.value("role")?,
        credential: record.value("credential")?,
        address: record.value("address")?,
        verb: record.value("verb")?,
        target: record.value("target")?,
        before: record.value("before")?,
        after: record.value("after")?,
        reason: record.value("reason")?,
    };
    Ok(AuditRecord { number, entry })
}

/// Throws away what is too old or too much, the oldest first.
pub(super) fn sweep(tx: &Tx<'_>, before: Timestamp, limit: usize) -> Result<u64> {
    let newest = "SELECT id FROM audit ORDER BY id DESC LIMIT 1";
    let newest: Option<i64> = tx.prepare(newest)?.query_row([], |row| row.get(0)).optional()?;
    let beyond = newest.unwrap_or_default().saturating_sub(i64::try_from(MOST).unwrap_or(i64::MAX));
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    // The oldest have the lowest numbers; only a clock that was put back makes one wait for those before it.
    let swept = tx.execute(
        "DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at < ? ORDER BY at LIMIT ?)",
        (before.as_millisecond(), limit),
    )?;
    let left = limit.saturating_sub(i64::try_from(swept).unwrap_or(i64::MAX));
    let more = tx.execute(
        "DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE id <= ? ORDER BY id LIMIT ?)",
        (beyond, left),
    )?;
    Ok((swept + more) as u64)
}
