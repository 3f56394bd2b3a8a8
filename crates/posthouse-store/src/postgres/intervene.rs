//! What an operator does by hand. Looking and doing ask the same rules, and doing asks them within the transaction: gateways
//! may run on the store meanwhile, and what they hold a lease on is left to them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use posthouse_core::{
    Id,
    account::AccountName,
    actor::Actor,
    audit,
    carrier::CarrierId,
    life::{
        callback::{self, ResentCallback},
        intervention::{CallbackKind, CallbackSays, FailedCallback, FailedFilter, Intervention, Ruling},
        operator,
        reroute::RerouteTarget,
    },
    message::{NextConnection, Submission},
    slots::Slot,
    store::StoreError,
};
use tokio_postgres::Row;

use super::{
    audit::write as write_audit,
    batch::{BatchClaim, BatchTx},
    fault::BatchResult,
    load,
    reader::ReadPool,
    record::{PgRow, corrupt},
    statements,
    value::{PgValue, parameters, values},
    write,
};

/// What would be done to these messages, in their order.
pub(super) async fn judge(
    readers: &ReadPool,
    ids: &[Id],
    intervention: Intervention,
    now: Timestamp,
) -> BatchResult<Vec<Ruling>, StoreError> {
    let reader = readers.reader().await?;
    let mut rulings = Vec::new();
    for id in ids {
        let rows = reader.query(&statements::SUBJECT_READ, &parameters![*id]).await?;
        let row = rows.first().map(load::read_life).transpose()?.flatten();
        let subject = row.map(|row| row.subject);
        rulings.push(intervention.judge_subject(subject.as_ref(), now)?.map(|_| ()));
    }
    Ok(rulings)
}

/// Does it, where it may be done; with `to`, they go there from now on.
pub(super) async fn intervene(
    tx: &BatchTx,
    ids: &[Id],
    (intervention, to): (Intervention, Option<&RerouteTarget>),
    by: &Actor,
    now: Timestamp,
) -> BatchResult<Vec<Ruling>> {
    let mut sorted = ids.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let mut found = BTreeMap::new();
    let loading = sorted.iter().map(|id| load::subject(tx, *id));
    for (id, loaded) in sorted.iter().zip(futures_util::future::join_all(loading).await) {
        if let Some(loaded) = loaded? {
            found.insert(*id, loaded);
        }
    }
    let (mut rulings, mut done) = (Vec::new(), Vec::new());
    for id in ids {
        let subject = found.get(id).map(|(row, _)| &row.subject);
        let event = intervention.judge_subject(subject, now)?;
        if let (Some((row, owed)), Ok(event)) = (found.get_mut(id), event) {
            let loaded = load::with(tx, row.subject.clone(), owed.clone(), operator::NEEDS).await?;
            done.push((*id, row.subject.state));
            let effects = operator::carry_out(loaded, event, to, &by.name, now);
            write::write(tx, row, &effects).await?;
            // For one that is named twice.
            write::take_over(row, &effects);
        }
        rulings.push(event.map(|_| ()));
    }
    if let Some(to) = to {
        let going = done.iter().map(|(id, _)| want_connection(tx, *id, to));
        futures_util::future::join_all(going).await.into_iter().collect::<BatchResult<Vec<()>>>()?;
    }
    if let Some(entry) = audit::intervened(by, (intervention, to), &done, now) {
        write_audit(tx, &entry);
    }
    Ok(rulings)
}

/// The next attempt of one that was rerouted goes over the connection that is wanted, if one is.
async fn want_connection(tx: &BatchTx, id: Id, to: &RerouteTarget) -> BatchResult<()> {
    let (row, carried) = tokio::join!(biased;
        tx.read_one(&statements::SUBJECT, values![id]),
        tx.read_one(&statements::CARRIED, values![id]));
    let gone = || corrupt("message", "id", id, "it is gone");
    let row = row?.map(|row| load::read_life(&row)).transpose()?.flatten().ok_or_else(gone)?;
    let carried = carried?.ok_or_else(gone)?;
    let mut submission: Submission = PgRow::by_id("message", &carried)?.json("submission")?;
    let next = |connection| NextConnection { connection, attempts: row.attempts };
    submission.via = to.connection.clone().map(next);
    let text = serde_json::to_string(&submission).map_err(|error| StoreError::refused(error.to_string()))?;
    tx.write(&statements::UPDATE_SUBMISSION, values![id, &text]);
    Ok(())
}

/// Callbacks that were kept as failed, newest first.
pub(super) async fn failed(
    readers: &ReadPool,
    filter: &FailedFilter,
    limit: usize,
) -> BatchResult<Vec<FailedCallback>, StoreError> {
    let (sql, values) = search(filter, limit);
    let rows = readers.reader().await?.search(&sql, &values).await?;
    Ok(rows.iter().map(read_failed).collect::<BatchResult<_>>()?)
}

/// The statement for a filter.
pub(super) fn search(filter: &FailedFilter, limit: usize) -> (String, Vec<PgValue>) {
    let mut values = vec![PgValue::from(limit)];
    let conditions = matching(filter, &mut values);
    let sql = format!(
        "SELECT c.*, e.state FROM callback_failed c
         LEFT JOIN LATERAL (SELECT state FROM ended WHERE ended.id = c.message OFFSET 0) e ON true
         WHERE true{conditions} ORDER BY c.id DESC LIMIT $1"
    );
    (sql, values)
}

/// What a filter asks of a callback `c`: each condition after an AND; their values are added.
pub(super) fn matching(filter: &FailedFilter, values: &mut Vec<PgValue>) -> String {
    let mut sql = String::new();
    let mut add = |condition: &str, value: PgValue| {
        values.push(value);
        sql.push_str(&format!(" AND {condition} ${}", values.len()));
    };
    if let Some(since) = filter.since {
        add("c.at >=", since.into());
    }
    if let Some(before) = filter.before {
        add("c.at <", before.into());
    }
    if let Some(below) = filter.below {
        add("c.id <", below.into());
    }
    if let Some(account) = &filter.account {
        add("c.account =", account.into());
    }
    if let Some(carrier) = &filter.carrier {
        add("c.carrier =", carrier.into());
    }
    match filter.kind {
        Some(CallbackKind::Report) => sql.push_str(" AND c.status IS NOT NULL"),
        Some(CallbackKind::Mo) => sql.push_str(" AND c.status IS NULL AND c.read_status IS NULL"),
        Some(CallbackKind::ReadReply) => sql.push_str(" AND c.read_status IS NOT NULL"),
        None => {}
    }
    if !filter.messages.is_empty() {
        let ids: Vec<String> = filter.messages.iter().map(Id::to_string).collect();
        sql.push_str(&format!(" AND c.message IN ({})", ids.join(", ")));
    }
    sql
}

fn read_failed(row: &Row) -> BatchResult<FailedCallback> {
    let record = PgRow::by_id("callback_failed", row)?;
    let says = record.says()?;
    Ok(FailedCallback {
        id: record.id("id")?,
        message: record.id("message")?,
        account: AccountName(record.value("account")?),
        carrier: CarrierId(record.value("carrier")?),
        says,
        at: record.time("at")?,
        attempts: record.count("attempts")?,
        superseded: callback::is_superseded(says, record.state_if_any("state")?),
    })
}

/// Makes callbacks that failed due again, with all their tries; which.
pub(super) async fn resend(
    tx: &BatchTx,
    callbacks: &[Id],
    by: &Actor,
    now: Timestamp,
) -> BatchResult<Vec<Id>> {
    let (mut resent, mut about) = (Vec::new(), Vec::new());
    // Which messages owe something, as it is by now.
    let mut owing: BTreeMap<Id, bool> = BTreeMap::new();
    for id in callback::resend_order(callbacks) {
        if resent.contains(&id) {
            continue;
        }
        let row = tx.read_one(&statements::FAILED_ONE, values![id]).await?;
        let Some(failed) = row.map(|row| read_failed(&row)).transpose()? else { continue };
        tx.claim(BatchClaim::Message(failed.message))?;
        let message_owes = match owing.get(&failed.message) {
            Some(owes) => *owes,
            None => !tx.read(&statements::OWED, values![failed.message]).await?.is_empty(),
        };
        owing.insert(failed.message, message_owes);
        if let Some(again) = callback::resend(&failed, message_owes, &by.name, now) {
            let row = FailedRow {
                id: failed.id,
                message: failed.message,
                account: &failed.account,
                carrier: &failed.carrier,
                says: failed.says,
                at: failed.at,
            };
            write_resent(tx, &row, &again).await?;
            owing.insert(failed.message, true);
            about.push(failed.message);
            resent.push(failed.id);
        }
    }
    if let Some(entry) = audit::resent(by, about, now) {
        write_audit(tx, &entry);
    }
    Ok(resent)
}

/// A callback that was kept as failed, as far as it is written anew.
pub(super) struct FailedRow<'a> {
    pub(super) id: Id,
    pub(super) message: Id,
    pub(super) account: &'a AccountName,
    pub(super) carrier: &'a CarrierId,
    pub(super) says: CallbackSays,
    pub(super) at: Timestamp,
}

/// Writes that a callback that failed is sent again.
pub(super) async fn write_resent(
    tx: &BatchTx,
    failed: &FailedRow<'_>,
    again: &ResentCallback,
) -> BatchResult<()> {
    let row = again.row();
    let (status, read_status) = write::status_columns(failed.says);
    tx.write(&statements::DELETE_FAILED, values![failed.id]);
    if row.due.is_none() {
        tx.write(&statements::TOUCH_CALLBACKS, values![failed.message]);
    }
    tx.write(
        &statements::INSERT_CALLBACK,
        values![
            failed.id,
            failed.message,
            Slot::of_account(failed.account).0,
            row.due,
            row.owner,
            row.attempts,
            failed.at,
            status,
            read_status,
            failed.account,
            failed.carrier,
        ],
    );
    write_reopened(tx, failed.message, again).await
}

/// What else changes with it: a message from a handset has not ended any more, and a line says so.
pub(super) async fn write_reopened(tx: &BatchTx, about: Id, again: &ResentCallback) -> BatchResult<()> {
    if again.is_mo_reopened {
        tx.write(&statements::END_MO, values![about, None::<i64>]);
    }
    match &again.timeline {
        Some(line) => write::note_all(tx, about, std::slice::from_ref(line), true).await,
        None => Ok(()),
    }
}
