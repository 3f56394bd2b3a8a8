//! What an operator does by hand. Looking and doing ask the same rules, and doing asks them within the transaction: a
//! gateway may run on the store meanwhile, and what it holds a lease on is left to it.

use jiff::Timestamp;
use posthouse_core::{
    Id,
    account::AccountName,
    actor::Actor,
    audit,
    carrier::CarrierId,
    life::{
        callback::{self, ResentCallback},
        intervention::{CallbackKind, FailedCallback, FailedFilter, Intervention, Ruling},
        load::Loaded,
        operator,
        reroute::RerouteTarget,
    },
};
use rusqlite::{Connection, OptionalExtension, Row, ToSql};

use super::{
    audit::write as write_audit,
    fault::Result,
    job::Tx,
    load::{self, Tables},
    open::callback_ids,
    options::Mode,
    record::Record,
    write,
};

/// What would be done to these messages, in their order.
pub(super) fn judge(
    connection: &Connection,
    ids: &[Id],
    intervention: Intervention,
    now: Timestamp,
) -> Result<Vec<Ruling>> {
    let judge = |id: &Id| {
        let subject = load::subject(connection, *id)?;
        Ok(intervention.judge_subject(subject.as_ref(), now)?.map(|_| ()))
    };
    ids.iter().map(judge).collect()
}

/// Where a visitor's callbacks get their ids: another visitor may have made some since this one came.
pub(super) fn refresh_callback_ids(tx: &mut Tx<'_>) -> Result<()> {
    if tx.segments.is_none() {
        *tx.callback_ids = callback_ids(tx.connection, Mode::Visit)?;
    }
    Ok(())
}

/// Does it, where it may be done; with `to`, they go there from now on.
pub(super) fn intervene(
    tx: &mut Tx<'_>,
    ids: &[Id],
    (intervention, to): (Intervention, Option<&RerouteTarget>),
    by: &Actor,
    now: Timestamp,
) -> Result<Vec<Ruling>> {
    refresh_callback_ids(tx)?;
    let (mut rulings, mut done) = (Vec::new(), Vec::new());
    for id in ids {
        let subject = load::subject(tx.connection, *id)?;
        let event = intervention.judge_subject(subject.as_ref(), now)?;
        if let (Some(subject), Ok(event)) = (subject, event) {
            done.push((*id, subject.state));
            let loaded = Loaded::with(subject, operator::NEEDS, &Tables(tx.connection))?;
            write::write(tx, &operator::carry_out(loaded, event, to, &by.name, now))?;
            to.map_or(Ok(()), |to| want_connection(tx, *id, to))?;
        }
        rulings.push(event.map(|_| ()));
    }
    let entry = audit::intervened(by, (intervention, to), &done, now);
    entry.map_or(Ok(()), |entry| write_audit(tx, &entry))?;
    Ok(rulings)
}

/// The next attempt of one that was rerouted goes over the connection that is wanted, if one is.
fn want_connection(tx: &Tx<'_>, id: Id, to: &RerouteTarget) -> Result<()> {
    let Some(connection) = &to.connection else {
        let none = "UPDATE message SET submission = json_remove(submission, '$.via') WHERE id = ?";
        return tx.update_one(("message", id), none, [id.number()]);
    };
    let want = "UPDATE message SET submission = json_set(submission, '$.via',
                    json_object('connection', ?1, 'attempts', attempts)) WHERE id = ?2";
    tx.update_one(("message", id), want, (connection, id.number()))
}

/// A callback that failed and what it is about, as `c`, `m` and `o`.
const FAILED: &str = "SELECT c.id, c.message, c.account, coalesce(m.carrier, o.carrier) AS carrier, c.status,
        c.read_status, c.at, c.attempts, m.state
 FROM callback c LEFT JOIN message m ON m.id = c.message LEFT JOIN mo o ON o.id = c.message
 WHERE c.failed = 1";

/// Callbacks that were kept as failed, newest first.
pub(super) fn failed(
    connection: &Connection,
    filter: &FailedFilter,
    limit: usize,
) -> Result<Vec<FailedCallback>> {
    let (conditions, mut values) = matching(filter);
    let sql = format!("{FAILED}{conditions} ORDER BY c.id DESC LIMIT ?");
    values.push(Box::new(i64::try_from(limit).unwrap_or(i64::MAX)));
    // Not kept prepared: each is asked by a command that ends soon.
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query(rusqlite::params_from_iter(values))?;
    let mut failed = Vec::new();
    while let Some(row) = rows.next()? {
        failed.push(read_failed(row)?);
    }
    Ok(failed)
}

/// What a filter asks of a callback `c`, about a message `m` or carrying one from a handset `o`: each condition after an AND; and the
/// values.
pub(super) fn matching(filter: &FailedFilter) -> (String, Vec<Box<dyn ToSql>>) {
    let (mut sql, mut values) = (String::new(), Vec::new());
    for (condition, value) in conditions(filter) {
        sql.push_str(" AND ");
        sql.push_str(condition);
        values.push(value);
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
    (sql, values)
}

fn conditions(filter: &FailedFilter) -> Vec<(&'static str, Box<dyn ToSql>)> {
    let mut conditions: Vec<(&'static str, Box<dyn ToSql>)> = Vec::new();
    let millis = |time: Timestamp| Box::new(time.as_millisecond());
    if let Some(since) = filter.since {
        // The id of a callback is never older than it is: the walk goes no further.
        conditions.push(("c.id >= ?", Box::new(Id::first_at(since).number())));
        conditions.push(("c.at >= ?", millis(since)));
    }
    if let Some(before) = filter.before {
        conditions.push(("c.at < ?", millis(before)));
    }
    if let Some(below) = filter.below {
        conditions.push(("c.id < ?", Box::new(below.number())));
    }
    if let Some(account) = &filter.account {
        conditions.push(("c.account = ?", Box::new(account.0.clone())));
    }
    if let Some(carrier) = &filter.carrier {
        conditions.push(("coalesce(m.carrier, o.carrier) = ?", Box::new(carrier.0.clone())));
    }
    conditions
}

fn read_failed(row: &Row<'_>) -> Result<FailedCallback> {
    let record = Record::by_id("callback", row)?;
    let says = record.says()?;
    let message = if record.has("state")? { Some(record.state("state")?) } else { None };
    Ok(FailedCallback {
        id: record.id("id")?,
        message: record.id("message")?,
        account: AccountName(record.value("account")?),
        carrier: CarrierId(record.value("carrier")?),
        says,
        at: record.time("at")?,
        attempts: record.value("attempts")?,
        superseded: callback::is_superseded(says, message),
    })
}

/// Makes callbacks that failed due again, with all their tries; which.
pub(super) fn resend(tx: &mut Tx<'_>, callbacks: &[Id], by: &Actor, now: Timestamp) -> Result<Vec<Id>> {
    let (mut resent, mut about) = (Vec::new(), Vec::new());
    for id in callback::resend_order(callbacks) {
        let found = tx
            .prepare(&format!("{FAILED} AND c.id = ?"))?
            .query_row([id.number()], |row| Ok(read_failed(row)))
            .optional()?
            .transpose()?;
        let Some(failed) = found else { continue };
        let owes = "SELECT 1 FROM callback WHERE message = ? AND failed = 0";
        let message_owes = tx.prepare(owes)?.exists([failed.message.number()])?;
        if let Some(again) = callback::resend(&failed, message_owes, &by.name, now) {
            write_resent(tx, failed.id, failed.message, &again)?;
            resent.push(failed.id);
            about.push(failed.message);
        }
    }
    audit::resent(by, about, now).map_or(Ok(()), |entry| write_audit(tx, &entry))?;
    Ok(resent)
}

/// Writes that a callback about a message, or the one that carries it, is sent again.
pub(super) fn write_resent(tx: &Tx<'_>, id: Id, about: Id, again: &ResentCallback) -> Result<()> {
    write::write_callback(tx, id, again.row())?;
    if again.is_mo_reopened {
        write::note_mo_end(tx, about, None)?;
    }
    again.timeline.as_ref().map_or(Ok(()), |line| write::note(tx, about, line))
}
