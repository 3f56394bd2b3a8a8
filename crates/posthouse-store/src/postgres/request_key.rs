//! Requests that may be sent again, and what was answered.

use jiff::Timestamp;
use posthouse_core::idempotency::{
    KeptAnswer, KeptRequest, KeyClaim, KeyedRequest, MOST_KEYS, MOST_OWN_KEYS, judge,
};
use tokio_postgres::Row;

use super::{
    batch::{BatchClaim, BatchTx},
    fault::BatchResult,
    record::PgRow,
    statements,
    value::values,
};

/// What is to be done with one; the first is kept. Two nodes that are asked at the same moment wait for one another.
pub(super) async fn claim(tx: &BatchTx, request: &KeyedRequest) -> BatchResult<KeyClaim> {
    tx.claim(BatchClaim::Table("request_key"))?;
    tx.read_one(&statements::REVISION_LOCK, values!["revision"]).await?;
    let row = tx.read_one(&statements::KEY_ONE, values![&request.hash]).await?;
    let kept = row.as_ref().map(read).transpose()?;
    let claim = judge(kept.as_ref(), request);
    if claim != KeyClaim::First {
        return Ok(claim);
    }
    let (own, all) = (MOST_OWN_KEYS.saturating_sub(1), MOST_KEYS.saturating_sub(1));
    for row in tx.read(&statements::KEYS_OVER, values![&request.principal, own, all]).await? {
        tx.write(&statements::DELETE_KEY, values![row.try_get::<_, &str>("hash")?]);
    }
    tx.write(&statements::PUT_KEY, values![&request.hash, &request.principal, &request.digest, request.at]);
    Ok(claim)
}

/// What was answered to one.
pub(super) fn keep_answer(tx: &BatchTx, hash: &str, answer: &KeptAnswer) {
    tx.write(
        &statements::ANSWER_KEY,
        values![hash, i64::from(answer.status), answer.body.as_deref(), answer.etag.as_deref()],
    );
}

/// Nothing was done.
pub(super) fn release(tx: &BatchTx, hash: &str) {
    tx.write(&statements::DELETE_KEY, values![hash]);
}

/// Forgets the oldest that came then or before.
pub(super) async fn forget(tx: &BatchTx, until: Timestamp, limit: usize) -> BatchResult<u64> {
    let old = tx.read(&statements::KEYS_OLD, values![until, limit]).await?;
    for row in &old {
        tx.write(&statements::DELETE_KEY, values![row.try_get::<_, &str>("hash")?]);
    }
    Ok(old.len() as u64)
}

fn read(row: &Row) -> BatchResult<KeptRequest> {
    let hash: String = row.try_get("hash")?;
    let record = PgRow::new("request_key", &hash, row);
    let request = KeyedRequest {
        principal: record.value("principal")?,
        digest: record.value("digest")?,
        at: record.time("at")?,
        hash: hash.clone(),
    };
    let status = record.value::<Option<i64>>("status")?.and_then(|status| u16::try_from(status).ok());
    let (body, etag) = (record.value("body")?, record.value("etag")?);
    Ok(KeptRequest { request, answer: status.map(|status| KeptAnswer { status, etag, body }) })
}
