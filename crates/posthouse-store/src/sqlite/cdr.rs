//! Records of what ended that are in no CDR file yet, and how far these files are written.

use async_trait::async_trait;
use posthouse_core::{
    Id,
    store::{COUNTED, CdrFile, CdrStore, PendingRecord, RecordSubject, RecordsOf, StoreResult},
};
use rusqlite::Connection;

use super::{SqliteStore, fault::Result, inbound, job::Tx, record::Record, search, transaction::Transaction};

#[async_trait]
impl CdrStore for SqliteStore {
    fn keep_records(&self, on: bool) {
        self.writer.keep_records(on);
    }

    async fn pending_records(&self, of: RecordsOf, limit: usize) -> StoreResult<Vec<PendingRecord>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.readers.read(move |connection| pending(connection, of, limit)).await
    }

    async fn pending_record_count(&self) -> StoreResult<u64> {
        let count = "SELECT count(*) FROM (SELECT 1 FROM cdr_pending LIMIT ?)";
        self.readers
            .read(move |connection| {
                let mut statement = connection.prepare_cached(count)?;
                let most = i64::try_from(COUNTED).unwrap_or(i64::MAX);
                Ok(u64::try_from(statement.query_row([most], |row| row.get::<_, i64>(0))?).unwrap_or(0))
            })
            .await
    }

    async fn records_written(
        &self,
        ids: &[Id],
        before: Option<&CdrFile>,
        file: &CdrFile,
    ) -> StoreResult<bool> {
        let (ids, before, file) = (ids.to_vec(), before.cloned(), file.clone());
        self.write(Transaction::RecordsWritten, move |tx| written(tx, &ids, before.as_ref(), &file)).await
    }

    async fn cdr_file(&self, folder: &str) -> StoreResult<Option<CdrFile>> {
        let folder = folder.to_owned();
        self.readers.read(move |connection| file_of(connection, &folder)).await
    }
}

fn pending(connection: &Connection, of: RecordsOf, limit: i64) -> Result<Vec<PendingRecord>> {
    // One node serves the store: whatever is there is its own, also what a visitor did.
    let before = match of {
        RecordsOf::Node(_) => i64::MAX,
        RecordsOf::Before(before) => before.as_millisecond(),
    };
    let select = "SELECT id, node, at FROM cdr_pending WHERE at < ? ORDER BY id LIMIT ?";
    let mut statement = connection.prepare_cached(select)?;
    let mut rows = statement.query((before, limit))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let record = Record::by_id("cdr_pending", row)?;
        let id = record.id("id")?;
        let (node, at) = (record.value("node")?, record.time("at")?);
        found.push(PendingRecord { id, node, at, subject: subject(connection, id)? });
    }
    Ok(found)
}

fn subject(connection: &Connection, id: Id) -> Result<RecordSubject> {
    if let Some(message) = search::message(connection, id)? {
        let timeline = search::timeline(connection, id)?.unwrap_or_default();
        return Ok(RecordSubject::of_message(message, &timeline));
    }
    Ok(inbound::mo(connection, id)?.map_or(RecordSubject::Gone, |mo| RecordSubject::Mo(Box::new(mo))))
}

fn written(tx: &Tx<'_>, ids: &[Id], before: Option<&CdrFile>, file: &CdrFile) -> Result<bool> {
    if file_of(tx.connection, &file.folder)?.as_ref() != before {
        return Ok(false);
    }
    let mut there = tx.prepare("SELECT 1 FROM cdr_pending WHERE id = ?")?;
    for id in ids {
        if !there.exists([id.number()])? {
            return Ok(false);
        }
    }
    let mut forget = tx.prepare("DELETE FROM cdr_pending WHERE id = ?")?;
    for id in ids {
        forget.execute([id.number()])?;
    }
    let length = i64::try_from(file.length).unwrap_or(i64::MAX);
    let put = "INSERT OR REPLACE INTO cdr_file (folder, file, length) VALUES (?, ?, ?)";
    tx.execute(put, (&file.folder, &file.file, length))?;
    Ok(true)
}

fn file_of(connection: &Connection, folder: &str) -> Result<Option<CdrFile>> {
    let mut statement =
        connection.prepare_cached("SELECT folder, file, length FROM cdr_file WHERE folder = ?")?;
    let mut rows = statement.query([folder])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let record = Record::new("cdr_file", folder, row);
    Ok(Some(CdrFile {
        folder: folder.to_owned(),
        file: record.value("file")?,
        length: record.known("length", |length: i64| u64::try_from(length).ok())?,
    }))
}
