//! Records of what ended that are in no CDR file yet, and how far these files are written.

use futures_util::future::join_all;
use posthouse_core::{
    Id,
    store::{COUNTED, CdrFile, PendingRecord, RecordSubject, RecordsOf, StoreError},
};
use tokio_postgres::Row;

use super::{
    batch::{BatchClaim, BatchTx},
    fault::BatchResult,
    inbound,
    reader::ReadPool,
    record::PgRow,
    search, statements,
    value::{PgValue, values},
};

const TABLE: &str = "cdr_file";

/// Records that are in no file.
pub(super) async fn pending(
    readers: &ReadPool,
    of: RecordsOf,
    limit: usize,
) -> BatchResult<Vec<PendingRecord>, StoreError> {
    let rows = match of {
        RecordsOf::Node(node) => {
            readers.query(&statements::CDR_PENDING_OF_NODE, values![node, limit]).await?
        }
        RecordsOf::Before(at) => readers.query(&statements::CDR_PENDING_BEFORE, values![at, limit]).await?,
    };
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        found.push(read(readers, row).await?);
    }
    found.sort_by_key(|record| record.id);
    Ok(found)
}

async fn read(readers: &ReadPool, row: &Row) -> BatchResult<PendingRecord, StoreError> {
    let record = PgRow::by_id("cdr_pending", row)?;
    let id = record.id("id")?;
    let node = record.known("node", |node: i64| u8::try_from(node).ok())?;
    let subject = if record.value::<Option<&str>>("submission")?.is_some() {
        RecordSubject::Message {
            message: Box::new(search::read(row)?),
            connection: record.value("connection")?,
            forwarded_at: record.time_if_any("forwarded_at")?,
        }
    } else {
        let mo = inbound::mo(readers, id).await?;
        mo.map_or(RecordSubject::Gone, |mo| RecordSubject::Mo(Box::new(mo)))
    };
    Ok(PendingRecord { id, node, at: record.time("noted_at")?, subject })
}

/// How many there are, as far as they count.
pub(super) async fn count(readers: &ReadPool) -> BatchResult<u64, StoreError> {
    let most = i64::try_from(COUNTED).unwrap_or(i64::MAX);
    let rows = readers.query(&statements::CDR_PENDING_COUNT, values![most]).await?;
    let number: Option<i64> = rows.first().and_then(|row| row.try_get("number").ok());
    Ok(number.and_then(|number| u64::try_from(number).ok()).unwrap_or(0))
}

/// These are in a file.
pub(super) async fn written(
    tx: &BatchTx,
    ids: &[Id],
    before: Option<&CdrFile>,
    file: &CdrFile,
) -> BatchResult<bool> {
    tx.claim(BatchClaim::Table(TABLE))?;
    let there = tx.read_one(&statements::CDR_FILE_LOCK, values![&file.folder]).await?;
    let there = there.as_ref().map(|row| read_file(&file.folder, row)).transpose()?;
    // It was done by an earlier try of which nobody knew.
    if there.as_ref() == Some(file) {
        tx.answer_after_commit();
        return Ok(true);
    }
    if there.as_ref() != before {
        return Ok(false);
    }
    let locking = ids.iter().map(|id| tx.read_one(&statements::CDR_PENDING_LOCK, values![*id]));
    for locked in join_all(locking).await {
        if locked?.is_none() {
            return Ok(false);
        }
    }
    for id in ids {
        tx.write(&statements::DELETE_CDR_PENDING, values![*id]);
    }
    let length = PgValue::Int(Some(i64::try_from(file.length).unwrap_or(i64::MAX)));
    tx.write(&statements::PUT_CDR_FILE, vec![(&file.folder).into(), (&file.file).into(), length]);
    Ok(true)
}

/// The last file of a folder.
pub(super) async fn file_of(readers: &ReadPool, folder: &str) -> BatchResult<Option<CdrFile>, StoreError> {
    let rows = readers.query(&statements::CDR_FILE_READ, values![folder]).await?;
    Ok(rows.first().map(|row| read_file(folder, row)).transpose()?)
}

fn read_file(folder: &str, row: &Row) -> BatchResult<CdrFile> {
    let record = PgRow::new(TABLE, folder, row);
    Ok(CdrFile {
        folder: folder.to_owned(),
        file: record.value("file")?,
        length: record.known("length", |length: i64| u64::try_from(length).ok())?,
    })
}
