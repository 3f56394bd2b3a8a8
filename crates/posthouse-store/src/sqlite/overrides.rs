//! What operators decided about connections for a while.

use async_trait::async_trait;
use jiff::Timestamp;
use posthouse_core::{
    actor::Actor,
    audit,
    carrier::CarrierId,
    overrides::{ConnectionOverride, OverrideKind, OverrideSetting},
    provisioning::words::OneOfWords as _,
    store::{OverrideStore, StoreResult},
};
use rusqlite::{Connection, Row};

use super::{
    SqliteStore,
    audit::write as write_audit,
    fault::Result,
    job::Tx,
    record::{Record, read_all, time},
    transaction::Transaction,
};

const COLUMNS: &str = "carrier, connection, kind, window_limit, rate_limit, since, until, actor, reason";

#[async_trait]
impl OverrideStore for SqliteStore {
    async fn overrides(&self, now: Timestamp) -> StoreResult<Vec<ConnectionOverride>> {
        self.readers.read(move |connection| in_force(connection, now)).await
    }

    async fn put_override(&self, put: &ConnectionOverride, by: &Actor, now: Timestamp) -> StoreResult<()> {
        let (new, by) = (put.clone(), by.clone());
        self.write(Transaction::PutOverride, move |tx| put_one(tx, &new, &by, now)).await
    }

    async fn lift_override(
        &self,
        carrier: &CarrierId,
        connection: &str,
        kind: OverrideKind,
        by: &Actor,
        now: Timestamp,
    ) -> StoreResult<bool> {
        let (carrier, connection, by) = (carrier.clone(), connection.to_owned(), by.clone());
        self.write(Transaction::LiftOverride, move |tx| lift(tx, (&carrier, &connection, kind), &by, now))
            .await
    }
}

fn in_force(connection: &Connection, now: Timestamp) -> Result<Vec<ConnectionOverride>> {
    let select = format!(
        "SELECT {COLUMNS} FROM connection_override WHERE until IS NULL OR until > ? ORDER BY carrier, connection, kind"
    );
    let mut statement = connection.prepare_cached(&select)?;
    read_all(statement.query([now.as_millisecond()])?, read)
}

fn put_one(tx: &Tx<'_>, put: &ConnectionOverride, by: &Actor, now: Timestamp) -> Result<()> {
    tx.execute("DELETE FROM connection_override WHERE until <= ?", [now.as_millisecond()])?;
    let kind = put.setting.kind();
    let before = find(tx, (&put.carrier, &put.connection, kind), now)?;
    let (window, per_second) = match put.setting {
        OverrideSetting::Suspended => (None, None),
        OverrideSetting::Limited { window, per_second } => (window, per_second),
    };
    tx.execute(
        &format!("INSERT OR REPLACE INTO connection_override ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"),
        (
            put.carrier.as_str(),
            &put.connection,
            kind.word(),
            window,
            per_second,
            put.since.as_millisecond(),
            put.until.map(Timestamp::as_millisecond),
            &put.by,
            &put.reason,
        ),
    )?;
    write_audit(tx, &audit::overridden(by, put, before.as_ref(), now))
}

fn lift(tx: &Tx<'_>, key: (&CarrierId, &str, OverrideKind), by: &Actor, now: Timestamp) -> Result<bool> {
    let Some(found) = find(tx, key, now)? else { return Ok(false) };
    let delete = "DELETE FROM connection_override WHERE carrier = ? AND connection = ? AND kind = ?";
    tx.execute(delete, (key.0.as_str(), key.1, key.2.word()))?;
    write_audit(tx, &audit::override_lifted(by, &found, now))?;
    Ok(true)
}

/// The one of this key, where it is in force.
fn find(
    tx: &Tx<'_>,
    (carrier, connection, kind): (&CarrierId, &str, OverrideKind),
    now: Timestamp,
) -> Result<Option<ConnectionOverride>> {
    let select = format!(
        "SELECT {COLUMNS} FROM connection_override WHERE carrier = ? AND connection = ? AND kind = ?"
    );
    let mut statement = tx.prepare(&select)?;
    let mut rows = statement.query((carrier.as_str(), connection, kind.word()))?;
    let found = rows.next()?.map(read).transpose()?;
    Ok(found.filter(|one| one.is_in_force(now)))
}

fn read(row: &Row<'_>) -> Result<ConnectionOverride> {
    let (carrier, connection): (String, String) = (row.get("carrier")?, row.get("connection")?);
    let record = Record::new("connection_override", format!("{carrier} {connection}"), row);
    let setting = match record.known("kind", |kind: String| OverrideKind::of_word(&kind))? {
        OverrideKind::Suspend => OverrideSetting::Suspended,
        OverrideKind::Limit => OverrideSetting::Limited {
            window: record.value("window_limit")?,
            per_second: record.value("rate_limit")?,
        },
    };
    Ok(ConnectionOverride {
        carrier: CarrierId(carrier),
        connection,
        setting,
        since: record.time("since")?,
        until: record.value::<Option<i64>>("until")?.map(time),
        by: record.value("actor")?,
        reason: record.value("reason")?,
    })
}
