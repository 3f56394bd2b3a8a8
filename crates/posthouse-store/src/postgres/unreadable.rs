//! Requests of carriers that cannot be read: the newest of each carrier, each kept once.

use mm7::StatusCode;
use posthouse_core::{
    carrier::CarrierId,
    message::Digest,
    store::{Demand, StoreError},
    unreadable::{KeptUnreadable, MOST_OF_A_CARRIER, Unreadable},
};
use tokio_postgres::Row;

use super::{
    batch::{BatchClaim, BatchTx},
    fault::BatchResult,
    reader::ReadPool,
    record::PgRow,
    statements,
    value::values,
};

/// Keeps one, or counts it, as [`keeping`](posthouse_core::unreadable::keeping) says.
pub(super) async fn keep(tx: &BatchTx, request: &Unreadable) -> BatchResult<()> {
    tx.has_room(Demand::More)?;
    let carrier = &request.carrier;
    tx.claim(BatchClaim::CarriersId(carrier.0.clone(), "unreadable".to_owned()))?;
    let values = values![carrier, &request.digest.0[..], MOST_OF_A_CARRIER.saturating_sub(1)];
    let row = tx.read_one(&statements::UNREADABLE_FIND, values).await?;
    let (known, beyond): (Option<i64>, Option<i64>) = match &row {
        Some(row) => (row.try_get("known")?, row.try_get("beyond")?),
        None => (None, None),
    };
    if let Some(known) = known {
        tx.write(&statements::COUNT_UNREADABLE, values![known, request.received_at]);
        return Ok(());
    }
    tx.write(
        &statements::INSERT_UNREADABLE,
        values![
            tx.ids().line(),
            request.received_at,
            request.received_at,
            carrier,
            &request.digest.0[..],
            request.code.code(),
            &request.why,
            request.content_type.as_deref(),
            i64::try_from(request.length).unwrap_or(i64::MAX),
            request.body.clone(),
        ],
    );
    if let Some(beyond) = beyond {
        tx.write(&statements::DELETE_UNREADABLE_FROM, values![carrier, beyond]);
    }
    Ok(())
}

/// Those of a carrier, or of all, with numbers below this; the newest first.
pub(super) async fn list(
    readers: &ReadPool,
    carrier: Option<&CarrierId>,
    below: Option<i64>,
    limit: usize,
) -> BatchResult<Vec<KeptUnreadable>, StoreError> {
    let below = below.unwrap_or(i64::MAX);
    let rows = match carrier {
        Some(carrier) => readers.query(&statements::UNREADABLE_READ, values![carrier, below, limit]).await?,
        None => readers.query(&statements::UNREADABLE_READ_ALL, values![below, limit]).await?,
    };
    Ok(rows.iter().map(read).collect::<BatchResult<_>>()?)
}

fn read(row: &Row) -> BatchResult<KeptUnreadable> {
    let record = PgRow::by_id("unreadable", row)?;
    let digest: &[u8] = record.value("digest")?;
    let digest = digest.try_into().map_err(|_| record.corrupt("digest", "it has not 16 bytes"))?;
    let body: &[u8] = record.value("body")?;
    let code = |code: i64| u32::try_from(code).ok().and_then(StatusCode::from_code);
    let request = Unreadable {
        carrier: CarrierId(record.value("carrier")?),
        digest: Digest(digest),
        code: record.known("code", code)?,
        why: record.value("why")?,
        content_type: record.value("content_type")?,
        length: record.known("length", |length: i64| u64::try_from(length).ok())?,
        body: bytes::Bytes::copy_from_slice(body),
        received_at: record.time("first_at")?,
    };
    Ok(KeptUnreadable {
        number: record.value("id")?,
        times: record.known("times", |times: i64| u64::try_from(times).ok())?,
        last_at: record.time("last_at")?,
        request,
    })
}
