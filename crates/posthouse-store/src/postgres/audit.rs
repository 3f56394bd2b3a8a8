//! What operators did: a row for each change, within its transaction.

use jiff::Timestamp;
use posthouse_core::{
    audit::{AuditEntry, AuditFilter, AuditRecord, MOST},
    store::StoreError,
};
use tokio_postgres::Row;

use super::{
    batch::BatchTx,
    fault::BatchResult,
    reader::ReadPool,
    record::PgRow,
    statements,
    value::{PgValue, values},
};

/// Writes a row.
pub(super) fn write(tx: &BatchTx, entry: &AuditEntry) {
    tx.write(
        &statements::INSERT_AUDIT,
        values![
            tx.ids().line(),
            entry.at,
            &entry.actor,
            &entry.role,
            &entry.credential,
            entry.address.as_deref(),
            &entry.verb,
            &entry.target,
            entry.before.as_deref(),
            entry.after.as_deref(),
            entry.reason.as_deref(),
        ],
    );
}

/// Rows that match, the newest first.
pub(super) async fn list(
    readers: &ReadPool,
    filter: &AuditFilter,
    limit: usize,
) -> BatchResult<Vec<AuditRecord>, StoreError> {
    let (sql, values) = search(filter, limit);
    let rows = readers.reader().await?.search(&sql, &values).await?;
    Ok(rows.iter().map(read).collect::<BatchResult<_>>()?)
}

/// The statement for a filter.
pub(super) fn search(filter: &AuditFilter, limit: usize) -> (String, Vec<PgValue>) {
    let mut sql = "SELECT * FROM audit WHERE true".to_owned();
    let mut values: Vec<PgValue> = Vec::new();
    let mut add = |condition: &str, value: PgValue| {
        values.push(value);
        sql.push_str(&format!(" AND {condition} ${}", values.len()));
    };
    if let Some(since) = filter.since {
        add("at >=", since.into());
    }
    if let Some(before) = filter.before {
        add("at <", before.into());
    }
    if let Some(below) = filter.below {
        add("id <", below.into());
    }
    for (condition, text) in
        [("actor =", &filter.actor), ("verb =", &filter.verb), ("target =", &filter.target)]
    {
        if let Some(text) = text {
            add(condition, text.into());
        }
    }
    values.push(limit.into());
    sql.push_str(&format!(" ORDER BY id DESC LIMIT ${}", values.len()));
    (sql, values)
}

fn read(row: &Row) -> BatchResult<AuditRecord> {
    let record = PgRow::by_id("audit", row)?;
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
    Ok(AuditRecord { number: record.value("id")?, entry })
}

/// Throws away what is too old or too much, the oldest first.
pub(super) async fn sweep(tx: &BatchTx, before: Timestamp, limit: usize) -> BatchResult<u64> {
    let most = i64::try_from(MOST).unwrap_or(i64::MAX);
    let (old, beyond) = tokio::join!(biased;
        tx.read(&statements::AUDIT_OLD, values![before, limit]),
        tx.read(&statements::AUDIT_BEYOND, values![most, limit]));
    let mut numbers = Vec::new();
    for row in old?.iter().chain(&beyond?) {
        let number: i64 = row.try_get("id")?;
        if !numbers.contains(&number) && numbers.len() < limit {
            numbers.push(number);
        }
    }
    for number in &numbers {
        tx.write(&statements::DELETE_AUDIT, values![*number]);
    }
    Ok(numbers.len() as u64)
}
