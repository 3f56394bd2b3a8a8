//! When keys were last used.

use jiff::Timestamp;
use posthouse_core::store::StoreError;

use super::{
    batch::BatchTx,
    fault::BatchResult,
    reader::ReadPool,
    record::PgRow,
    statements,
    value::{parameters, values},
};

/// They were used then.
pub(super) fn note(tx: &BatchTx, used: &[(String, Timestamp)]) {
    for (id, at) in used {
        tx.write(&statements::USE_KEYS, values![id, *at]);
    }
}

/// When these were.
pub(super) async fn find(
    readers: &ReadPool,
    ids: &[String],
) -> BatchResult<Vec<(String, Timestamp)>, StoreError> {
    let reader = readers.reader().await?;
    let mut found = Vec::new();
    for id in ids {
        let rows = reader.query(&statements::KEY_USED, &parameters![id]).await?;
        let used = rows.first().map(|row| PgRow::new("key_use", id, row).time("used_at")).transpose()?;
        found.extend(used.map(|used| (id.clone(), used)));
    }
    Ok(found)
}
