//! When keys were last used.

use async_trait::async_trait;
use jiff::Timestamp;
use posthouse_core::store::{KeyStore, StoreResult};
use rusqlite::{Connection, OptionalExtension as _};

use super::{SqliteStore, fault::Result, job::Tx, record::time, transaction::Transaction};

#[async_trait]
impl KeyStore for SqliteStore {
    async fn note_keys_used(&self, used: &[(String, Timestamp)]) -> StoreResult<()> {
        if used.is_empty() {
            return Ok(());
        }
        let used = used.to_vec();
        self.write(Transaction::NoteKeysUsed, move |tx| note(tx, &used)).await
    }

    async fn keys_used(&self, ids: &[String]) -> StoreResult<Vec<(String, Timestamp)>> {
        let ids = ids.to_vec();
        self.readers.read(move |connection| find(connection, &ids)).await
    }
}

fn note(tx: &Tx<'_>, used: &[(String, Timestamp)]) -> Result<()> {
    for (id, at) in used {
        tx.execute(
            "INSERT INTO key_use (id, used_at) VALUES (?, ?)
             ON CONFLICT (id) DO UPDATE SET used_at = max(used_at, excluded.used_at)",
            (id, at.as_millisecond()),
        )?;
    }
    Ok(())
}

fn find(connection: &Connection, ids: &[String]) -> Result<Vec<(String, Timestamp)>> {
    let mut statement = connection.prepare_cached("SELECT used_at FROM key_use WHERE id = ?")?;
    let mut found = Vec::new();
    for id in ids {
        let at: Option<i64> = statement.query_row([id], |row| row.get(0)).optional()?;
        found.extend(at.map(|at| (id.clone(), time(at))));
    }
    Ok(found)
}
