//! Endpoints of accounts: what is owed to each, how its tries went, and pauses.

use std::collections::{BTreeMap, btree_map::Entry};

use jiff::Timestamp;
use posthouse_core::{
    Id,
    account::AccountName,
    actor::Actor,
    audit,
    bounds::TRIES,
    carrier::CarrierId,
    life::callback::{self, CallbackAttempt, CallbackRow, NotRetried, TryEnd},
    store::{
        CallbackAnswer, CallbackDepth, Endpoint, EndpointPause, KeptCallback, KeptFilter, LastFailure,
        StoreError,
    },
};
use tokio_postgres::Row;

use super::{
    audit::write as write_audit,
    batch::{BatchClaim, BatchTx},
    fault::{BatchResult, refused},
    intervene::{self, FailedRow},
    queues,
    reader::ReadPool,
    record::PgRow,
    statements,
    value::{PgValue, parameters, values},
};

/// Callbacks that are owed or were kept as failed, newest first.
pub(super) async fn list(
    readers: &ReadPool,
    filter: &KeptFilter,
    limit: usize,
) -> BatchResult<Vec<KeptCallback>, StoreError> {
    let (sql, values) = search(filter, limit);
    let rows = readers.reader().await?.search(&sql, &values).await?;
    Ok(rows.iter().map(read_kept).collect::<BatchResult<_>>()?)
}

/// The statement for a filter.
pub(super) fn search(filter: &KeptFilter, limit: usize) -> (String, Vec<PgValue>) {
    let mut values = vec![PgValue::from(limit)];
    let conditions = intervene::matching(&filter.which, &mut values);
    let owed =
        "SELECT id, message, account, carrier, status, read_status, at, attempts, due, owner, false AS failed
                FROM callback c WHERE true";
    let failed = "SELECT id, message, account, carrier, status, read_status, at, attempts, NULL::int8 AS due, NULL::int8 AS owner,
                  true AS failed FROM callback_failed c WHERE true";
    let part = |select: &str| format!("({select}{conditions} ORDER BY c.id DESC LIMIT $1)");
    let both = match filter.failed {
        None => format!("{} UNION ALL {}", part(owed), part(failed)),
        Some(true) => part(failed),
        Some(false) => part(owed),
    };
    let sql = format!(
        "SELECT c.*, coalesce(w.state, a.state, e.state) AS state FROM ({both}) c
         LEFT JOIN LATERAL (SELECT state FROM work WHERE work.id = c.message OFFSET 0) w ON true
         LEFT JOIN LATERAL (SELECT state FROM awaiting WHERE awaiting.id = c.message OFFSET 0) a ON true
         LEFT JOIN LATERAL (SELECT state FROM ended WHERE ended.id = c.message OFFSET 0) e ON true
         ORDER BY c.id DESC LIMIT $1"
    );
    (sql, values)
}

/// The one of this id.
pub(super) async fn find(readers: &ReadPool, id: Id) -> BatchResult<Option<KeptCallback>, StoreError> {
    let reader = readers.reader().await?;
    let rows = reader.query(&statements::KEPT_READ, &parameters![id]).await?;
    Ok(rows.first().map(read_kept).transpose()?)
}

fn read_kept(row: &Row) -> BatchResult<KeptCallback> {
    let record = PgRow::by_id("callback", row)?;
    let says = record.says()?;
    Ok(KeptCallback {
        id: record.id("id")?,
        message: record.id("message")?,
        account: AccountName(record.value("account")?),
        carrier: CarrierId(record.value("carrier")?),
        says,
        at: record.time("at")?,
        row: CallbackRow {
            due: record.time_if_any("due")?,
            owner: record.owner("owner")?,
            attempts: record.count("attempts")?,
            failed: record.value("failed")?,
        },
        superseded: callback::is_superseded(says, record.state_if_any("state")?),
    })
}

/// Makes callbacks due at once, in the order in which they became owed; what came of each, in the order of `ids`.
pub(super) async fn retry(
    tx: &BatchTx,
    ids: &[Id],
    by: &Actor,
    now: Timestamp,
) -> BatchResult<Vec<std::result::Result<(), NotRetried>>> {
    let (mut done, mut about) = (BTreeMap::new(), Vec::new());
    // Which messages owe another one, as it is by now.
    let mut owing = BTreeMap::new();
    for id in callback::resend_order(ids) {
        if let Entry::Vacant(place) = done.entry(id) {
            let retried = retry_one(tx, id, by, now, &mut owing).await?;
            about.extend(retried.ok());
            place.insert(retried.map(|_| ()));
        }
    }
    if let Some(entry) = audit::retried(by, about, now) {
        write_audit(tx, &entry);
    }
    Ok(ids.iter().map(|id| done.get(id).copied().unwrap_or(Err(NotRetried::Unknown))).collect())
}

/// The message that it is about, where it is done.
pub(super) async fn retry_one(
    tx: &BatchTx,
    id: Id,
    by: &Actor,
    now: Timestamp,
    owing: &mut BTreeMap<Id, bool>,
) -> BatchResult<std::result::Result<Id, NotRetried>> {
    let (locked, kept) = tokio::join!(biased;
        tx.read_one(&statements::CALLBACK_LOCK, values![id]),
        tx.read_one(&statements::KEPT_ONE, values![id]));
    locked?;
    let Some(row) = kept? else { return Ok(Err(NotRetried::Unknown)) };
    let kept = read_kept(&row)?;
    tx.claim(BatchClaim::Message(kept.message))?;
    let owes = match owing.get(&kept.message) {
        Some(owes) => *owes,
        None => {
            let owed = tx.read(&statements::OWED, values![kept.message]).await?;
            let other = |row: &Row| row.try_get::<_, i64>("id").is_ok_and(|other| other != id.number());
            owed.iter().any(other)
        }
    };
    owing.insert(kept.message, owes);
    let again = match callback::retry(&kept, owes, &by.name, now) {
        Ok(again) => again,
        Err(why) => return Ok(Err(why)),
    };
    if kept.row.failed {
        owing.insert(kept.message, true);
        let row = FailedRow {
            id,
            message: kept.message,
            account: &kept.account,
            carrier: &kept.carrier,
            says: kept.says,
            at: kept.at,
        };
        intervene::write_resent(tx, &row, &again).await?;
    } else {
        let row = again.row();
        tx.write(&statements::UPDATE_CALLBACK, values![id, row.due, row.owner, row.attempts]);
        intervene::write_reopened(tx, kept.message, &again).await?;
    }
    Ok(Ok(kept.message))
}

/// How the newest tries ended, oldest first.
pub(super) async fn attempts(
    readers: &ReadPool,
    callback: Id,
) -> BatchResult<Vec<CallbackAttempt>, StoreError> {
    let rows = readers.query(&statements::TRIES_READ, values![callback, TRIES]).await?;
    let read = |row: &Row| -> BatchResult<CallbackAttempt> {
        let record = PgRow::new("callback_attempt", callback, row);
        let body: &[u8] = record.value("body")?;
        Ok(CallbackAttempt {
            at: record.time("at")?,
            ended: record.known("ended", |name: &str| TryEnd::from_name(name))?,
            said: CallbackAnswer {
                http_status: http_status(&record)?,
                words: record.value("words")?,
                body: bytes::Bytes::copy_from_slice(body),
            },
        })
    };
    Ok(rows.iter().rev().map(read).collect::<BatchResult<_>>()?)
}

fn http_status(record: &PgRow<'_>) -> BatchResult<Option<u16>> {
    let status: Option<i64> = record.value("http_status")?;
    Ok(status.and_then(|status| u16::try_from(status).ok()))
}

/// The endpoints of all accounts that are owed something, have failed, or are paused.
pub(super) async fn endpoints(readers: &ReadPool) -> BatchResult<Vec<Endpoint>, StoreError> {
    let reader = readers.reader().await?;
    let depths = queues::callbacks(&reader).await?.into_iter().map(|depth| {
        let CallbackDepth { account, owed, failed, oldest } = depth;
        (account.0.clone(), Endpoint { owed, oldest, failed, ..Endpoint::idle(account) })
    });
    let mut endpoints: BTreeMap<String, Endpoint> = depths.collect();
    for row in &reader.query(&statements::ENDPOINTS_READ, &[]).await? {
        let (record, endpoint) = of_row(row, &mut endpoints)?;
        read_endpoint(&record, endpoint)?;
    }
    Ok(endpoints.into_values().collect())
}

fn of_row<'a, 'r>(
    row: &'r Row,
    endpoints: &'a mut BTreeMap<String, Endpoint>,
) -> BatchResult<(PgRow<'r>, &'a mut Endpoint)> {
    let account: String = row.try_get("account")?;
    let record = PgRow::new("endpoint", &account, row);
    let endpoint = endpoints.entry(account.clone()).or_insert_with(|| Endpoint::idle(AccountName(account)));
    Ok((record, endpoint))
}

fn read_endpoint(record: &PgRow<'_>, endpoint: &mut Endpoint) -> BatchResult<()> {
    endpoint.failing_since = record.time_if_any("failing_since")?;
    endpoint.last_failure = match record.time_if_any("failed_at")? {
        None => None,
        Some(at) => Some(LastFailure {
            at,
            http_status: http_status(record)?,
            words: record.value::<Option<String>>("words")?.unwrap_or_default(),
        }),
    };
    endpoint.paused = match record.time_if_any("paused_at")? {
        None => None,
        Some(at) => Some(EndpointPause {
            at,
            by: record.value::<Option<String>>("paused_by")?.unwrap_or_default(),
            reason: record.value::<Option<String>>("paused_for")?.unwrap_or_default(),
        }),
    };
    Ok(())
}

async fn is_paused(tx: &BatchTx, account: &AccountName) -> BatchResult<bool> {
    tx.claim(BatchClaim::Recipient("endpoint".to_owned(), account.0.clone()))?;
    let row = tx.read_one(&statements::PAUSED_ONE, values![account]).await?;
    Ok(match row {
        Some(row) => row.try_get::<_, Option<i64>>("paused_at")?.is_some(),
        None => false,
    })
}

/// Pauses an account, unless it is.
pub(super) async fn pause(
    tx: &BatchTx,
    account: &AccountName,
    by: &Actor,
    now: Timestamp,
) -> BatchResult<bool> {
    if is_paused(tx, account).await? {
        return Ok(false);
    }
    let values = values![account, now, &by.name, by.reason.as_deref().unwrap_or_default()];
    tx.write(&statements::PAUSE_ACCOUNT, values);
    write_audit(tx, &audit::paused(by, account, true, now));
    Ok(true)
}

/// Ends a pause.
pub(super) async fn resume(
    tx: &BatchTx,
    account: &AccountName,
    by: &Actor,
    now: Timestamp,
) -> BatchResult<bool> {
    if !is_paused(tx, account).await? {
        return Ok(false);
    }
    tx.write(&statements::RESUME_ACCOUNT, values![account]);
    write_audit(tx, &audit::paused(by, account, false, now));
    Ok(true)
}

/// It does not fail any more.
pub(super) fn note_recovered(tx: &BatchTx, account: &AccountName) {
    tx.write(&statements::ENDPOINT_RECOVERS, values![account]);
}

/// The accounts that are paused.
pub(super) async fn paused(readers: &ReadPool) -> BatchResult<Vec<String>, StoreError> {
    let rows = readers.query(&statements::PAUSED_READ, values![]).await?;
    rows.iter().map(|row| row.try_get("account").map_err(|error| refused(&error))).collect()
}
