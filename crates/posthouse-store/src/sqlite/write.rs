//! What the rules of a message's life have decided ([`posthouse_core::life`]), written down.

use jiff::Timestamp;
use posthouse_core::{
    Id,
    account::AccountName,
    bounds,
    cluster::ONLY_NODE,
    life::{
        callback::{AfterTry, CallbackRow, OnLease, TriedCallback, on_lease},
        effects::{Decided, Effects, MessageEffects, NewCallback, WorkChange},
        intervention::CallbackSays,
        load::WorkKind,
        read_reply::ReadStatus,
    },
    message::TimelineEvent,
    store::FailedAttempt,
};
use rusqlite::ToSql;

use super::{
    callback,
    fault::Result,
    job::Tx,
    message_key::{self, KeyEntry, LearnedKeys, bucket_of},
    tries,
};

/// Writes what was decided, and passes the answer on.
pub(super) fn decided<T>(tx: &mut Tx<'_>, decided: Decided<T>) -> Result<T> {
    for number in &decided.forgotten {
        let forget = "DELETE FROM unmatched_report WHERE id = ?";
        tx.update_one(("unmatched_report", number), forget, [number])?;
    }
    for effects in &decided.effects {
        write(tx, effects)?;
    }
    Ok(decided.answer)
}

/// Writes what was decided about one message.
pub(super) fn write(tx: &mut Tx<'_>, effects: &Effects) -> Result<()> {
    let id = effects.id;
    key_message(tx, effects)?;
    write_message(tx, id, &effects.message)?;
    tx.count(|counts| counts.written(effects));
    if let Some(at) = effects.ended_at() {
        note_record(tx, id, at)?;
    }
    if let Some(change) = effects.work {
        write_work(tx, id, change)?;
    }
    if let Some(carrier) = &effects.message.carrier {
        write_carrier(tx, id, &carrier.0)?;
    }
    for line in &effects.timeline {
        note(tx, id, line)?;
    }
    for (status, time_stamp) in &effects.read_replies {
        tell(tx, id, *status, *time_stamp)?;
    }
    for callback in &effects.withdrawn {
        remove_callback(tx, *callback)?;
    }
    if let Some((callback, due)) = effects.freed {
        free(tx, callback, due)?;
        tx.handing_on.left_due = true;
    }
    for callback in &effects.owed {
        owe(tx, id, &effects.account, callback)?;
    }
    for failed in &effects.failed {
        keep_failed(tx, id, failed)?;
    }
    Ok(())
}

/// An attempt failed. Of a message that has failed often, the oldest goes.
fn keep_failed(tx: &Tx<'_>, id: Id, failed: &FailedAttempt) -> Result<()> {
    let values = (id.number(), failed.at.as_millisecond(), failed.code.code(), &failed.connection);
    let number: u32 = tx
        .prepare(
            "INSERT INTO failed_attempt (message, number, at, code, connection, carrier)
             VALUES (?1, (SELECT coalesce(max(number), 0) + 1 FROM failed_attempt WHERE message = ?1), ?2, ?3, ?4,
                     (SELECT carrier FROM message WHERE id = ?1))
             RETURNING number",
        )?
        .query_row(values, |row| row.get(0))?;
    if let Some(oldest @ 1..) = number.checked_sub(bounds::FAILED_ATTEMPTS) {
        let forget = "DELETE FROM failed_attempt WHERE message = ? AND number <= ?";
        tx.execute(forget, (id.number(), oldest))?;
    }
    Ok(())
}

/// What a message is found by follows from what changes in it. To be called before that is written.
fn key_message(tx: &Tx<'_>, effects: &Effects) -> Result<()> {
    let (id, message) = (effects.id.number(), &effects.message);
    if message.is_never_repeated
        && let Some(row) = message_key::of_message(tx.connection, id)?
        && let Some(key) = row.first.repetition
    {
        tx.recent.into_iter().for_each(|recent| recent.lock().forget(&row, false));
        message_key::remove(tx.connection, KeyEntry { bucket: bucket_of(id), key, message: id })?;
    }
    let Some(learned) = &message.learned else { return Ok(()) };
    let learned = LearnedKeys::of(effects.before.carrier.as_str(), learned);
    if tx.recent.is_some_and(|recent| recent.lock().learn(id, learned)) {
        return Ok(());
    }
    learned.entries(id).try_for_each(|entry| message_key::insert(tx.connection, entry))
}

/// One statement for all of it: each would write the row, and its entries in the indices of the columns that it names.
fn write_message(tx: &Tx<'_>, id: Id, message: &MessageEffects) -> Result<()> {
    let state = message
        .state
        .map(|new| (new.state.number(), new.at.as_millisecond(), new.reason.map(|reason| reason.0.code())));
    let report_until = message.report_until.map(Timestamp::as_millisecond);
    let mut set: Vec<(&str, Option<&dyn ToSql>)> = Vec::with_capacity(4);
    if let Some((state, at, reason)) = &state {
        set.extend([("state = ?", Some(state as _)), ("changed_at = ?", Some(at as _))]);
        set.push(("reason = ?", Some(reason)));
    }
    if message.is_begun {
        set.push(("attempts = attempts + 1", None));
    }
    if let Some(learned) = &message.learned {
        set.push(("carrier_message_id = ?", Some(learned)));
    }
    if let Some(report_until) = &report_until {
        set.push(("report_until = ?", Some(report_until)));
    }
    if let Some(details) = &message.details {
        set.push(("details = ?", Some(details)));
    }
    if message.is_never_repeated {
        set.push(("digest = NULL", None));
    }
    if set.is_empty() {
        return Ok(());
    }
    let columns: Vec<&str> = set.iter().map(|(column, _)| *column).collect();
    let sql = format!("UPDATE message SET {} WHERE id = ?", columns.join(", "));
    let id_value = id.number();
    let values = set.into_iter().filter_map(|(_, value)| value).chain([&id_value as &dyn ToSql]);
    tx.update_one(("message", id), &sql, rusqlite::params_from_iter(values))
}

/// It goes to another carrier.
fn write_carrier(tx: &Tx<'_>, id: Id, carrier: &str) -> Result<()> {
    let message =
        "UPDATE message SET carrier = ?, carrier_message_id = NULL, report_until = NULL WHERE id = ?";
    tx.update_one(("message", id), message, (carrier, id.number()))?;
    tx.update_one(("work", id), "UPDATE work SET carrier = ? WHERE id = ?", (carrier, id.number()))
}

/// Makes the work what [`Work::after`](posthouse_core::life::load::Work::after) says it is. Each statement names the columns that
/// change, so that it writes to no more indices than it has to.
fn write_work(tx: &Tx<'_>, id: Id, change: WorkChange) -> Result<()> {
    let number = id.number();
    match change {
        WorkChange::UnderWay { until } => tx.update_one(
            ("work", id),
            "UPDATE work SET kind = ?, due = ? WHERE id = ?",
            (WorkKind::Sending.number(), until.as_millisecond(), number),
        ),
        WorkChange::Send { due, since, unreached } => tx.update_one(
            ("work", id),
            "UPDATE work SET kind = ?, due = ?, owner = NULL, since = ?, unreached = ? WHERE id = ?",
            (WorkKind::Send.number(), due.as_millisecond(), since.as_millisecond(), unreached, number),
        ),
        WorkChange::Report { until } => tx.update_one(
            ("work", id),
            "UPDATE work SET kind = ?, due = ?, owner = NULL WHERE id = ?",
            (WorkKind::Report.number(), until.as_millisecond(), number),
        ),
        WorkChange::Done => tx.update_one(("work", id), "DELETE FROM work WHERE id = ?", [number]),
    }
}

/// Adds a line to a message's timeline, under the number that [`bounds::line_number`] says.
pub(super) fn note(tx: &Tx<'_>, id: Id, line: &TimelineEvent) -> Result<()> {
    // Not INSERT … SELECT: one that reads the table it writes goes by way of a temporary table, which costs more than all the rest.
    // Nor INSERT OR REPLACE: for what it may delete it keeps a copy of each page that it touches.
    let values = (id.number(), line.at.as_millisecond(), line.kind.number(), &line.detail, bounds::LINES);
    let added = tx.execute(
        "INSERT OR IGNORE INTO event (message, number, at, kind, detail)
         VALUES (?1, min((SELECT coalesce(max(number), 0) + 1 FROM event WHERE message = ?1), ?5), ?2, ?3, ?4)",
        values,
    )?;
    if added == 0 {
        // It is full.
        let replace = "UPDATE event SET at = ?2, kind = ?3, detail = ?4 WHERE message = ?1 AND number = ?5";
        tx.update_one(("event", id), replace, values)?;
    }
    Ok(())
}

/// What the recipient did with a message.
fn tell(tx: &Tx<'_>, message: Id, status: ReadStatus, time_stamp: Timestamp) -> Result<()> {
    tx.execute(
        "INSERT INTO read_reply (message, status, time_stamp) VALUES (?, ?, ?)",
        (message.number(), status.as_str(), time_stamp.as_millisecond()),
    )?;
    Ok(())
}

/// A callback becomes owed, about a message or carrying one from a handset.
pub(super) fn owe(tx: &mut Tx<'_>, about: Id, account: &AccountName, callback: &NewCallback) -> Result<()> {
    let id = tx.callback_ids.next(callback.at);
    let row = tx.hand_on(id, account, CallbackRow::new(callback));
    let (status, read_status) = match callback.says {
        CallbackSays::Report(status) => (Some(status.as_str()), None),
        CallbackSays::ReadReply(status) => (None, Some(status.as_str())),
        CallbackSays::Mo => (None, None),
    };
    tx.execute(
        "INSERT INTO callback (id, message, due, owner, failed, attempts, at, status, read_status, account)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            id.number(),
            about.number(),
            row.due.map(Timestamp::as_millisecond),
            row.owner.map(|owner| owner.0),
            row.failed,
            row.attempts,
            callback.at.as_millisecond(),
            status,
            read_status,
            &account.0,
        ),
    )?;
    Ok(())
}

/// Writes what became of a callback that was tried, about a message or carrying one from a handset.
pub(super) fn after_try(
    tx: &mut Tx<'_>,
    callback: Id,
    TriedCallback { about, row, .. }: TriedCallback,
    after: &AfterTry,
    now: Timestamp,
) -> Result<()> {
    if let Some(attempt) = &after.attempt {
        tries::note(tx, callback, about, row.attempts, attempt)?;
    }
    match row.after(after.change) {
        Some(row) => write_callback(tx, callback, row)?,
        None => remove_callback(tx, callback)?,
    }
    if let Some(line) = &after.timeline {
        note(tx, about, line)?;
    }
    if after.mo_ended.is_some() {
        note_mo_end(tx, about, after.mo_ended)?;
    }
    match after.freed {
        Some(next) => free_next(tx, next, now),
        None => Ok(()),
    }
}

/// What waited for the one that was tried is due, or goes to its new owner.
fn free_next(tx: &mut Tx<'_>, id: Id, now: Timestamp) -> Result<()> {
    if tx.handing_on.take.is_none() {
        tx.handing_on.left_due = true;
        return free(tx, id, now);
    }
    let Some((account, next)) = callback::find_with_account(tx, id)? else { return free(tx, id, now) };
    let row = next.row.freed(now);
    match on_lease(&next) {
        OnLease::Lease => {
            let row = tx.hand_on(id, &account, row);
            write_callback(tx, id, row)
        }
        OnLease::Withdraw => {
            tx.handing_on.left_due = true;
            write_callback(tx, id, row)
        }
    }
}

/// How a callback stands from now on.
pub(super) fn write_callback(tx: &Tx<'_>, id: Id, row: CallbackRow) -> Result<()> {
    let (due, owner) = (row.due.map(Timestamp::as_millisecond), row.owner.map(|owner| owner.0));
    // No index has the two others.
    let change = "UPDATE callback SET due = ?, owner = ?, failed = ?, attempts = ? WHERE id = ?";
    tx.update_one(("callback", id), change, (due, owner, row.failed, row.attempts, id.number()))
}

fn remove_callback(tx: &Tx<'_>, id: Id) -> Result<()> {
    tx.update_one(("callback", id), "DELETE FROM callback WHERE id = ?", [id.number()])
}

/// A callback that was held is due, as [`CallbackRow::freed`] says.
fn free(tx: &Tx<'_>, id: Id, due: Timestamp) -> Result<()> {
    let values = (due.as_millisecond(), id.number());
    tx.update_one(("callback", id), "UPDATE callback SET due = ? WHERE id = ?", values)
}

/// When a message from a handset ended; `None`: it is to be delivered again.
pub(super) fn note_mo_end(tx: &Tx<'_>, id: Id, at: Option<Timestamp>) -> Result<()> {
    let values = (at.map(Timestamp::as_millisecond), id.number());
    tx.update_one(("mo", id), "UPDATE mo SET ended_at = ? WHERE id = ?", values)
}

/// Notes that something ended, where records are kept.
pub(super) fn note_record(tx: &Tx<'_>, id: Id, at: Timestamp) -> Result<()> {
    if tx.keeps_records {
        let insert = "INSERT INTO cdr_pending (id, node, at) VALUES (?, ?, ?)";
        tx.execute(insert, (id.number(), ONLY_NODE, at.as_millisecond()))?;
    }
    Ok(())
}
