//! Operations in bulk, and messages that are sent again as new ones.

use std::collections::BTreeMap;

use jiff::Timestamp;
use posthouse_core::{
    Id,
    actor::Actor,
    audit::{self, AuditEntry, AuditVerb},
    counted::counted,
    life::{
        callback,
        intervention::{CallbackSays, Intervention, LeftAlone},
        resubmission, words,
    },
    message::EventKind,
    operation::{BulkOperation, NotStarted, OperationVerb},
    store::{Acceptance, Lease, OperationItem, OperationPage, Owner, StoreError},
};
use tokio_postgres::Row;

use super::{
    accept::{self, MessageRows},
    audit::write as write_audit,
    batch::{BatchClaim, BatchTx},
    endpoint,
    fault::BatchResult,
    intervene, load,
    reader::ReadPool,
    record::PgRow,
    statements,
    value::values,
    write,
};

/// What came of a message: it was done, and with which new message; or why not.
type Outcome = std::result::Result<Option<Id>, LeftAlone>;

fn document(operation: &BulkOperation) -> BatchResult<String> {
    Ok(serde_json::to_string(operation).map_err(|error| StoreError::refused(error.to_string()))?)
}

fn read(row: &Row) -> BatchResult<BulkOperation> {
    PgRow::by_id("operation", row)?.json("document")
}

/// Keeps a planned one.
pub(super) fn plan(tx: &BatchTx, operation: &BulkOperation) -> BatchResult<()> {
    let (state, document) = (operation.state.to_string(), document(operation)?);
    let values = values![operation.number, operation.created_at, &state, &document];
    tx.write(&statements::INSERT_OPERATION, values);
    Ok(())
}

/// The one of this id.
pub(super) async fn find(readers: &ReadPool, id: Id) -> BatchResult<Option<BulkOperation>, StoreError> {
    let rows = readers.query(&statements::OPERATION_READ, values![id]).await?;
    Ok(rows.first().map(read).transpose()?)
}

/// Those below this id, newest first.
pub(super) async fn list(
    readers: &ReadPool,
    below: Option<Id>,
    limit: usize,
) -> BatchResult<Vec<BulkOperation>, StoreError> {
    let below = below.map_or(i64::MAX, Id::number);
    let rows = readers.query(&statements::OPERATIONS_READ, values![below, limit]).await?;
    Ok(rows.iter().map(read).collect::<BatchResult<_>>()?)
}

/// The one of this id, locked and claimed, and in whose hand it is.
async fn locked(tx: &BatchTx, id: Id) -> BatchResult<Option<(BulkOperation, Option<Owner>)>> {
    tx.claim(BatchClaim::Operation(id))?;
    let row = tx.read_one(&statements::OPERATION_LOCK, values![id]).await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some((read(&row)?, PgRow::by_id("operation", &row)?.owner("owner")?)))
}

/// Writes how one stands from now on; its lease with it.
fn keep(tx: &BatchTx, operation: &BulkOperation, lease: Option<Lease>) -> BatchResult<()> {
    let (owner, until) = (lease.map(|lease| lease.owner), lease.map(|lease| lease.until));
    let (state, document) = (operation.state.to_string(), document(operation)?);
    let values = values![operation.number, &state, owner, until, &document];
    tx.write(&statements::UPDATE_OPERATION, values);
    Ok(())
}

/// Starts one.
pub(super) async fn start(
    tx: &BatchTx,
    id: Id,
    expect_count: u64,
    by: &Actor,
    now: Timestamp,
) -> BatchResult<std::result::Result<BulkOperation, NotStarted>> {
    let Some((found, _)) = locked(tx, id).await? else { return Ok(Err(NotStarted::Unknown)) };
    let started = match found.started(expect_count, by.reason.as_deref(), now) {
        Ok(started) => started,
        Err(why) => return Ok(Err(why)),
    };
    keep(tx, &started, None)?;
    note(tx, &started, by, AuditVerb::StartOperation, now);
    Ok(Ok(started))
}

/// Cancels one.
pub(super) async fn cancel(
    tx: &BatchTx,
    id: Id,
    by: &Actor,
    now: Timestamp,
) -> BatchResult<std::result::Result<BulkOperation, NotStarted>> {
    let Some((found, _)) = locked(tx, id).await? else { return Ok(Err(NotStarted::Unknown)) };
    let cancelled = match found.cancelled(now) {
        Ok(cancelled) => cancelled,
        Err(why) => return Ok(Err(why)),
    };
    keep(tx, &cancelled, None)?;
    note(tx, &cancelled, by, AuditVerb::CancelOperation, now);
    Ok(Ok(cancelled))
}

fn note(tx: &BatchTx, operation: &BulkOperation, by: &Actor, verb: AuditVerb, now: Timestamp) {
    let target = format!("operation {}", operation.number);
    let after = format!(
        "{} of {}, {} done",
        operation.spec.verb,
        counted(operation.count, "message"),
        operation.done
    );
    write_audit(tx, &AuditEntry::new(by, verb, target, now).after(after));
}

/// Whether one runs that is in nobody's hand.
pub(super) async fn is_any_running(readers: &ReadPool, now: Timestamp) -> BatchResult<bool, StoreError> {
    Ok(!readers.query(&statements::OPERATIONS_RUNNING, values![now]).await?.is_empty())
}

/// Leases the oldest that runs and is in nobody's hand.
pub(super) async fn lease(tx: &BatchTx, lease: Lease, now: Timestamp) -> BatchResult<Option<BulkOperation>> {
    let row = tx.read_one(&statements::OPERATION_FREE, values![now]).await?;
    let Some(row) = row else { return Ok(None) };
    tx.claim(BatchClaim::Operation(PgRow::by_id("operation", &row)?.id("id")?))?;
    let operation = read(&row)?;
    keep(tx, &operation, Some(lease))?;
    Ok(Some(operation))
}

/// Gives one back.
pub(super) fn release(tx: &BatchTx, id: Id, owner: Owner) {
    tx.write(&statements::RELEASE_OPERATION, values![id, owner]);
}

/// Carries out a page.
pub(super) async fn run(
    tx: &BatchTx,
    id: Id,
    lease: Lease,
    page: &OperationPage,
    now: Timestamp,
) -> BatchResult<BulkOperation> {
    let (operation, owner) = locked(tx, id).await?.ok_or(StoreError::LostLease)?;
    let operation = operation.held(owner, lease)?;
    let outcomes = match operation.spec.intervention() {
        Some(intervention) => intervened(tx, &operation, page, intervention, now).await?,
        None if operation.spec.verb == OperationVerb::ResendReports => {
            let by = operation.actor();
            let going = page.ids.iter().map(|id| report_again(tx, *id, &by, now));
            futures_util::future::join_all(going).await.into_iter().collect::<BatchResult<_>>()?
        }
        None => page.outcomes.iter().map(|outcome| outcome.map(Some)).collect(),
    };
    for (message, outcome) in page.ids.iter().zip(&outcomes) {
        let (word, new) = match outcome {
            Ok(new) => ("done", new.map(Id::number)),
            Err(why) => (why.as_str(), None),
        };
        tx.write(&statements::INSERT_OPERATION_ITEM, values![id, *message, word, new]);
    }
    let counted: Vec<_> =
        outcomes.iter().map(|outcome| outcome.map(|_| ()).map_err(LeftAlone::as_str)).collect();
    let after = operation.after_page(&counted, page.next, now);
    keep(tx, &after, after.leased(lease))?;
    Ok(after)
}

/// Does to messages that wait what the operation does.
async fn intervened(
    tx: &BatchTx,
    operation: &BulkOperation,
    page: &OperationPage,
    intervention: Intervention,
    now: Timestamp,
) -> BatchResult<Vec<Outcome>> {
    let (ids, to, by) = (page.not_refused(), operation.spec.reroute(), operation.actor());
    let rulings = intervene::intervene(tx, &ids, (intervention, to.as_ref()), &by, now).await?;
    let rulings = page.rulings(rulings);
    Ok(rulings.into_iter().map(|ruling| ruling.map(|()| None)).collect())
}

/// What a message's VASP was told of it is owed once more, and what failed.
async fn report_again(tx: &BatchTx, id: Id, by: &Actor, now: Timestamp) -> BatchResult<Outcome> {
    let Some((row, owed)) = load::subject(tx, id).await? else { return Ok(Err(LeftAlone::Unknown)) };
    let (failed, reported) = tokio::join!(biased;
        tx.read(&statements::FAILED_OF, values![id]),
        tx.read(&statements::LINES_OF, values![id, EventKind::Reported.number()]));
    let mut owed: Vec<CallbackSays> = owed.into_iter().map(|callback| callback.says).collect();
    let mut owing = BTreeMap::from([(id, !owed.is_empty())]);
    let mut is_retried = false;
    for row in &failed? {
        let record = PgRow::by_id("callback_failed", row)?;
        if endpoint::retry_one(tx, record.id("id")?, by, now, &mut owing).await?.is_ok() {
            owed.push(record.says()?);
            is_retried = true;
        }
    }
    let line = |row: &Row| row.try_get("detail");
    let reported = reported?.iter().map(line).collect::<Result<Vec<String>, _>>()?;
    let subject = &row.subject;
    let effects = match callback::report_again(subject, &reported, &owed, is_retried, &by.name, now) {
        Ok(effects) => effects,
        Err(why) => return Ok(Err(why)),
    };
    for again in &effects.owed {
        write::owe(tx, id, &subject.account, &subject.carrier, again);
    }
    write::note_all(tx, id, &effects.timeline, true).await?;
    Ok(Ok(None))
}

/// Accepts a new message for one that has ended.
pub(super) async fn resubmit(
    tx: &BatchTx,
    operation: Option<Id>,
    (of, message): (Id, &MessageRows),
    by: &Actor,
    now: Timestamp,
) -> BatchResult<std::result::Result<Id, LeftAlone>> {
    let new = message.id();
    // Its lock first: whoever else sends it again has been committed when this looks.
    let found = load::subject(tx, of).await?;
    if let Some(row) = tx.read_one(&statements::RESUBMITTED, values![of]).await? {
        tx.answer_after_commit();
        let record = PgRow::new("resubmission", of, &row);
        let (first, by_operation) = (record.id("new")?, record.value::<Option<i64>>("operation")?);
        let is_this = tx.is_again() && first == new;
        return Ok(if is_this { Ok(first) } else { resubmission::repeated(first, by_operation, operation) });
    }
    if let Err(why) = resubmission::judge(found.as_ref().map(|(row, _)| &row.subject)) {
        return Ok(Err(why));
    }
    if accept::accept(tx, message).await? != Acceptance::Fresh {
        return Err(StoreError::refused("its id is taken").into());
    }
    tx.write(&statements::INSERT_RESUBMISSION, values![of, new, operation.map(Id::number)]);
    write::note_all(tx, of, &[words::resubmitted(&by.name, new, now)], true).await?;
    if operation.is_none() {
        write_audit(tx, &audit::resubmitted(by, of, new, now));
    }
    Ok(Ok(new))
}

/// What came of an operation's messages, newest first.
pub(super) async fn items(
    readers: &ReadPool,
    id: Id,
    below: Option<Id>,
    limit: usize,
) -> BatchResult<Vec<OperationItem>, StoreError> {
    let below = below.map_or(i64::MAX, Id::number);
    let rows = readers.query(&statements::OPERATION_ITEMS_READ, values![id, below, limit]).await?;
    let read = |row: &Row| -> BatchResult<OperationItem> {
        let record = PgRow::new("operation_item", id, row);
        Ok(OperationItem {
            message: record.id("message")?,
            outcome: record.value("outcome")?,
            new: record.value::<Option<i64>>("new")?.and_then(Id::from_number),
        })
    };
    Ok(rows.iter().map(read).collect::<BatchResult<_>>()?)
}
