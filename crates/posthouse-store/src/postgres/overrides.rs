//! What operators decided about connections for a while.

use jiff::Timestamp;
use posthouse_core::{
    actor::Actor,
    audit,
    carrier::CarrierId,
    overrides::{ConnectionOverride, OverrideKind, OverrideSetting},
    provisioning::words::OneOfWords as _,
    store::StoreError,
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

const TABLE: &str = "connection_override";

/// Those that are in force.
pub(super) async fn in_force(
    readers: &ReadPool,
    now: Timestamp,
) -> BatchResult<Vec<ConnectionOverride>, StoreError> {
    let rows = readers.query(&statements::OVERRIDES_READ, values![now]).await?;
    Ok(rows.iter().map(read).collect::<BatchResult<_>>()?)
}

/// Puts one in place of the one of its kind.
pub(super) async fn put_one(
    tx: &BatchTx,
    put: &ConnectionOverride,
    by: &Actor,
    now: Timestamp,
) -> BatchResult<()> {
    tx.claim(BatchClaim::Table(TABLE))?;
    let kind = put.setting.kind();
    let before = find(tx, (&put.carrier, &put.connection, kind), now).await?;
    let (window, per_second) = match put.setting {
        OverrideSetting::Suspended => (None, None),
        OverrideSetting::Limited { window, per_second } => (window, per_second),
    };
    let (window, per_second) = (window.map(i64::from), per_second.map(i64::from));
    tx.write(&statements::DELETE_OVERRIDES_OVER, values![now]);
    let (ConnectionOverride { carrier, connection, since, until, .. }, word) = (put, kind.word());
    let row = values![carrier, connection, word, window, per_second, *since, *until, &put.by, &put.reason];
    tx.write(&statements::PUT_OVERRIDE, row);
    write_audit(tx, &audit::overridden(by, put, before.as_ref(), now));
    Ok(())
}

/// Ends one; whether there was one in force.
pub(super) async fn lift(
    tx: &BatchTx,
    key: (&CarrierId, &str, OverrideKind),
    by: &Actor,
    now: Timestamp,
) -> BatchResult<bool> {
    tx.claim(BatchClaim::Table(TABLE))?;
    let Some(found) = find(tx, key, now).await? else { return Ok(false) };
    tx.write(&statements::DELETE_OVERRIDE, values![key.0, key.1, key.2.word()]);
    write_audit(tx, &audit::override_lifted(by, &found, now));
    Ok(true)
}

async fn find(
    tx: &BatchTx,
    (carrier, connection, kind): (&CarrierId, &str, OverrideKind),
    now: Timestamp,
) -> BatchResult<Option<ConnectionOverride>> {
    let row = tx.read_one(&statements::OVERRIDE_ONE, values![carrier, connection, kind.word()]).await?;
    let found = row.as_ref().map(read).transpose()?;
    Ok(found.filter(|one| one.is_in_force(now)))
}

fn read(row: &Row) -> BatchResult<ConnectionOverride> {
    let (carrier, connection): (String, String) = (row.try_get("carrier")?, row.try_get("connection")?);
    let key = format!("{carrier} {connection}");
    let record = PgRow::new(TABLE, &key, row);
    let limit = |column| -> BatchResult<Option<u32>> {
        let limit: Option<i64> = record.value(column)?;
        Ok(limit.and_then(|limit| u32::try_from(limit).ok()))
    };
    let setting = match record.known("kind", |kind: &str| OverrideKind::of_word(kind))? {
        OverrideKind::Suspend => OverrideSetting::Suspended,
        OverrideKind::Limit => {
            OverrideSetting::Limited { window: limit("window_limit")?, per_second: limit("rate_limit")? }
        }
    };
    Ok(ConnectionOverride {
        carrier: CarrierId(carrier),
        connection,
        setting,
        since: record.time("since")?,
        until: record.time_if_any("until")?,
        by: record.value("actor")?,
        reason: record.value("reason")?,
    })
}
