//! Operations in bulk, and messages that are sent again as new ones.

use jiff::Timestamp;
use posthouse_core::{
    Id,
    actor::Actor,
    audit::{self, AuditEntry, AuditVerb},
    counted::counted,
    life::{
        callback,
        intervention::{CallbackSays, LeftAlone},
        resubmission, words,
    },
    message::EventKind,
    operation::{BulkOperation, NotStarted, OperationVerb},
    store::{Acceptance, Lease, OperationItem, OperationPage, Owner, StoreError},
};
use rusqlite::{Connection, OptionalExtension, Row};

use super::{
    accept::{self, PreparedMessage},
    audit::write as write_audit,
    endpoint,
    fault::Result,
    intervene,
    job::Tx,
    load,
    record::{Record, read_all},
    write,
};

fn document(operation: &BulkOperation) -> Result<String> {
    Ok(serde_json::to_string(operation).map_err(|error| StoreError::refused(error.to_string()))?)
}

fn read(row: &Row<'_>) -> Result<BulkOperation> {
    Record::by_id("operation", row)?.json("document")
}

/// Keeps a planned one.
pub(super) fn plan(tx: &Tx<'_>, operation: &BulkOperation) -> Result<()> {
    tx.execute(
        "INSERT INTO operation (id, created_at, state, document) VALUES (?, ?, ?, ?)",
        (
            operation.number,
            operation.created_at.as_millisecond(),
            operation.state.to_string(),
            document(operation)?,
        ),
    )?;
    Ok(())
}

/// The one of this id.
pub(super) fn find(connection: &Connection, id: Id) -> Result<Option<BulkOperation>> {
    let mut statement = connection.prepare_cached("SELECT id, document FROM operation WHERE id = ?")?;
    let mut rows = statement.query([id.number()])?;
    rows.next()?.map(read).transpose()
}

/// Those below this id, newest first.
pub(super) fn list(connection: &Connection, below: Option<Id>, limit: usize) -> Result<Vec<BulkOperation>> {
    let mut statement = connection.prepare_cached(
        "SELECT id, document FROM operation WHERE (?1 IS NULL OR id < ?1) ORDER BY id DESC LIMIT ?2",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    read_all(statement.query((below.map(Id::number), limit))?, read)
}

/// Writes how one stands from now on; its lease with it.
fn keep(tx: &Tx<'_>, operation: &BulkOperation, lease: Option<Lease>) -> Result<()> {
    tx.update_one(
        ("operation", operation.number),
        "UPDATE operation SET state = ?, owner = ?, until = ?, document = ? WHERE id = ?",
        (
            operation.state.to_string(),
            lease.map(|lease| lease.owner.0),
            lease.map(|lease| lease.until.as_millisecond()),
            document(operation)?,
            operation.number,
        ),
    )
}

/// Starts one.
pub(super) fn start(
    tx: &Tx<'_>,
    id: Id,
    expect_count: u64,
    by: &Actor,
    now: Timestamp,
) -> Result<std::result::Result<BulkOperation, NotStarted>> {
    let Some(found) = find(tx.connection, id)? else { return Ok(Err(NotStarted::Unknown)) };
    let started = match found.started(expect_count, by.reason.as_deref(), now) {
        Ok(started) => started,
        Err(why) => return Ok(Err(why)),
    };
    keep(tx, &started, None)?;
    note(tx, &started, by, AuditVerb::StartOperation, now)?;
    Ok(Ok(started))
}

/// Cancels one.
pub(super) fn cancel(
    tx: &Tx<'_>,
    id: Id,
    by: &Actor,
    now: Timestamp,
) -> Result<std::result::Result<BulkOperation, NotStarted>> {
    let Some(found) = find(tx.connection, id)? else { return Ok(Err(NotStarted::Unknown)) };
    let cancelled = match found.cancelled(now) {
        Ok(cancelled) => cancelled,
        Err(why) => return Ok(Err(why)),
    };
    keep(tx, &cancelled, None)?;
    note(tx, &cancelled, by, AuditVerb::CancelOperation, now)?;
    Ok(Ok(cancelled))
}

fn note(tx: &Tx<'_>, operation: &BulkOperation, by: &Actor, verb: AuditVerb, now: Timestamp) -> Result<()> {
    let target = format!("operation {}", operation.number);
    let after = format!(
        "{} of {}, {} done",
        operation.spec.verb,
        counted(operation.count, "message"),
        operation.done
    );
    write_audit(tx, &AuditEntry::new(by, verb, target, now).after(after))
}

/// Whether one runs that is in nobody's hand.
pub(super) fn is_any_running(connection: &Connection, now: Timestamp) -> Result<bool> {
    let running = "SELECT 1 FROM operation WHERE state = 'running' AND (owner IS NULL OR until <= ?)";
    Ok(connection.prepare_cached(running)?.exists([now.as_millisecond()])?)
}

/// Leases the oldest that runs and is in nobody's hand.
pub(super) fn lease(tx: &Tx<'_>, lease: Lease, now: Timestamp) -> Result<Option<BulkOperation>> {
    let found: Option<i64> = tx
        .prepare(
            "SELECT id FROM operation WHERE state = 'running' AND (owner IS NULL OR until <= ?) ORDER BY id LIMIT 1",
        )?
        .query_row([now.as_millisecond()], |row| row.get(0))
        .optional()?;
    let Some(id) = found.and_then(Id::from_number) else { return Ok(None) };
    let Some(operation) = find(tx.connection, id)? else { return Ok(None) };
    keep(tx, &operation, Some(lease))?;
    Ok(Some(operation))
}

/// Gives one back.
pub(super) fn release(tx: &Tx<'_>, id: Id, owner: Owner) -> Result<()> {
    let release = "UPDATE operation SET owner = NULL, until = NULL WHERE id = ? AND owner = ?";
    tx.execute(release, (id.number(), owner.0))?;
    Ok(())
}

/// Carries out a page.
pub(super) fn run(
    tx: &mut Tx<'_>,
    id: Id,
    lease: Lease,
    page: &OperationPage,
    now: Timestamp,
) -> Result<BulkOperation> {
    let owner = "SELECT owner FROM operation WHERE id = ?";
    let owner: Option<Option<i64>> =
        tx.prepare(owner)?.query_row([id.number()], |row| row.get(0)).optional()?;
    let operation = find(tx.connection, id)?.ok_or(StoreError::LostLease)?;
    let operation = operation.held(owner.flatten().map(Owner), lease)?;
    let outcomes = match operation.spec.intervention() {
        Some(intervention) => {
            let by = operation.actor();
            let (ids, to) = (page.not_refused(), operation.spec.reroute());
            let rulings = intervene::intervene(tx, &ids, (intervention, to.as_ref()), &by, now)?;
            let rulings = page.rulings(rulings);
            rulings.into_iter().map(|ruling| ruling.map(|()| None)).collect()
        }
        None if operation.spec.verb == OperationVerb::ResendReports => {
            intervene::refresh_callback_ids(tx)?;
            let by = operation.actor();
            let resend = |id: &Id| Ok(report_again(tx, *id, &by, now)?.map(|()| None));
            page.ids.iter().map(resend).collect::<Result<Vec<_>>>()?
        }
        None => page.outcomes.iter().map(|outcome| outcome.map(Some)).collect::<Vec<_>>(),
    };
    for (message, outcome) in page.ids.iter().zip(&outcomes) {
        let (word, new) = match outcome {
            Ok(new) => ("done", new.map(Id::number)),
            Err(why) => (why.as_str(), None),
        };
        tx.execute(
            "INSERT OR IGNORE INTO operation_item (operation, message, outcome, new) VALUES (?, ?, ?, ?)",
            (id.number(), message.number(), word, new),
        )?;
    }
    let counted: Vec<_> =
        outcomes.iter().map(|outcome| outcome.map(|_| ()).map_err(LeftAlone::as_str)).collect();
    let after = operation.after_page(&counted, page.next, now);
    keep(tx, &after, after.leased(lease))?;
    Ok(after)
}

/// What a message's VASP was told of it is owed once more, and what failed.
fn report_again(
    tx: &mut Tx<'_>,
    id: Id,
    by: &Actor,
    now: Timestamp,
) -> Result<std::result::Result<(), LeftAlone>> {
    let Some(subject) = load::subject(tx.connection, id)? else { return Ok(Err(LeftAlone::Unknown)) };
    let failed: Vec<i64> = tx
        .prepare("SELECT id FROM callback WHERE message = ? AND failed = 1 ORDER BY id")?
        .query_map([id.number()], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut is_retried = false;
    for callback in failed.into_iter().filter_map(Id::from_number) {
        is_retried |= endpoint::retry_one(tx, callback, by, now)?.is_ok();
    }
    let owed: Vec<CallbackSays> =
        load::owed(tx.connection, id)?.into_iter().map(|callback| callback.says).collect();
    let reported: Vec<String> = tx
        .prepare("SELECT detail FROM event WHERE message = ? AND kind = ? ORDER BY number")?
        .query_map((id.number(), EventKind::Reported.number()), |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    match callback::report_again(&subject, &reported, &owed, is_retried, &by.name, now) {
        Ok(effects) => Ok(Ok(write::write(tx, &effects)?)),
        Err(why) => Ok(Err(why)),
    }
}

/// Accepts a new message for one that has ended.
pub(super) fn resubmit(
    tx: &mut Tx<'_>,
    operation: Option<Id>,
    (of, message): (Id, &PreparedMessage),
    by: &Actor,
    now: Timestamp,
) -> Result<std::result::Result<Id, LeftAlone>> {
    let known: Option<(i64, Option<i64>)> = tx
        .prepare("SELECT new, operation FROM resubmission WHERE message = ?")?
        .query_row([of.number()], |row| row.try_into())
        .optional()?;
    if let Some((new, by_operation)) = known {
        let first = Id::from_number(new).ok_or(LeftAlone::Resubmitted);
        return Ok(first.and_then(|first| resubmission::repeated(first, by_operation, operation)));
    }
    if let Err(why) = resubmission::judge(load::subject(tx.connection, of)?.as_ref()) {
        return Ok(Err(why));
    }
    let new = message.id();
    if accept::accept(tx, message)? != Acceptance::Fresh {
        return Err(StoreError::refused("its id is taken").into());
    }
    tx.execute(
        "INSERT INTO resubmission (message, new, operation) VALUES (?, ?, ?)",
        (of.number(), new.number(), operation.map(Id::number)),
    )?;
    write::note(tx, of, &words::resubmitted(&by.name, new, now))?;
    if operation.is_none() {
        write_audit(tx, &audit::resubmitted(by, of, new, now))?;
    }
    Ok(Ok(new))
}

/// What came of an operation's messages, newest first.
pub(super) fn items(
    connection: &Connection,
    id: Id,
    below: Option<Id>,
    limit: usize,
) -> Result<Vec<OperationItem>> {
    let mut statement = connection.prepare_cached(
        "SELECT message, outcome, new FROM operation_item
         WHERE operation = ?1 AND (?2 IS NULL OR message < ?2) ORDER BY message DESC LIMIT ?3",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = statement.query((id.number(), below.map(Id::number), limit))?;
    let mut items = Vec::new();
    while let Some(row) = rows.next()? {
        let record = Record::new("operation_item", id, row);
        items.push(OperationItem {
            message: record.id("message")?,
            outcome: record.value("outcome")?,
            new: record.value::<Option<i64>>("new")?.and_then(Id::from_number),
        });
    }
    Ok(items)
}

/// Forgets what is older than this; what still runs stays.
pub(super) fn find_old(connection: &Connection, before: i64, limit: i64) -> Result<Vec<i64>> {
    let old = "SELECT id FROM operation WHERE created_at < ? AND state <> 'running' ORDER BY id LIMIT ?";
    let ids = connection
        .prepare_cached(old)?
        .query_map((before, limit), |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(ids)
}

/// Forgets one, with what came of its messages.
pub(super) fn forget(tx: &Tx<'_>, id: i64) -> Result<()> {
    tx.execute("DELETE FROM operation_item WHERE operation = ?", [id])?;
    tx.execute("DELETE FROM operation WHERE id = ? AND state <> 'running'", [id])?;
    Ok(())
}
