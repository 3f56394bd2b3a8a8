//! What an operator does by hand. Looking and doing ask the same rules, and doing asks them within the transaction: a
//! gateway may run on the store meanwhile, and what it holds a lease on is left to it.

use jiff::Timestamp;
use posthouse_core::{
    Id,
    account::AccountName,
    carrier::CarrierId,
    life::intervention::{
        CallbackKind, CallbackSays, FailedCallback, FailedFilter, Intervention, LeftAlone, Ruling, Standing,
    },
    life::state::{LifeEvent, State, Terminal},
    message::EventKind,
};
use rusqlite::{Connection, OptionalExtension, Row, ToSql};

use super::{
    callback,
    fault::Result,
    job::Tx,
    mo,
    open::callback_ids,
    options::Access,
    record::{Record, corrupt, time},
    step::{Subject, note},
    work::{self, Kind},
};

/// What would be done to these messages, in their order.
pub(super) fn judge(
    connection: &Connection,
    ids: &[Id],
    intervention: Intervention,
    now: Timestamp,
) -> Result<Vec<Ruling>> {
    ids.iter().map(|id| Ok(event(connection, *id, intervention, now)?.map(|_| ()))).collect()
}

/// Does it, where it may be done.
pub(super) fn intervene(
    tx: &mut Tx<'_>,
    ids: &[Id],
    intervention: Intervention,
    now: Timestamp,
) -> Result<Vec<Ruling>> {
    if tx.segments.is_none() {
        // Another visitor may have made ids since this one came.
        *tx.callback_ids = callback_ids(tx.connection, Access::Visit)?;
    }
    let mut verdicts = Vec::new();
    for id in ids {
        let event = event(tx.connection, *id, intervention, now)?;
        if let Ok(event) = event {
            carry_out(tx, *id, event, now)?;
        }
        verdicts.push(event.map(|_| ()));
    }
    Ok(verdicts)
}

fn event(
    connection: &Connection,
    id: Id,
    intervention: Intervention,
    now: Timestamp,
) -> Result<Result<LifeEvent, LeftAlone>> {
    let standing = connection
        .prepare_cached(
            "SELECT m.id, m.state, w.due, w.owner IS NOT NULL AND w.due > ?2 AS in_hand, w.expiry
             FROM message m LEFT JOIN work w USING (id) WHERE m.id = ?1",
        )?
        .query_row((id.number(), now.as_millisecond()), |row| Ok(read_standing(row)))
        .optional()?
        .transpose()?;
    Ok(standing.ok_or(LeftAlone::Unknown).and_then(|standing| intervention.judge(&standing, now)))
}

fn read_standing(row: &Row<'_>) -> Result<Standing> {
    let record = Record::by_id("message", row)?;
    let state = record.state("state")?;
    let moment =
        |column| Ok::<_, super::fault::StoreFault>(time(record.value::<Option<i64>>(column)?.unwrap_or(0)));
    if !state.is_terminal() && !record.has("due")? {
        return Err(record.corrupt("id", "it has not ended, and there is no work for it").into());
    }
    Ok(Standing {
        state,
        in_hand: record.value::<Option<bool>>("in_hand")?.unwrap_or(false),
        due: moment("due")?,
        expiry: moment("expiry")?,
    })
}

fn carry_out(tx: &mut Tx<'_>, id: Id, event: LifeEvent, now: Timestamp) -> Result<()> {
    let Some(mut subject) = Subject::load(tx, id)? else {
        return Err(corrupt("work", "id", id, "it has no message").into());
    };
    let was_parked = subject.state == State::Parked;
    let stepped = subject.step(tx, event, None, "", now)?;
    if subject.state.is_terminal() {
        note(tx, id, EventKind::Operator, now, "expired by operator")?;
        note(tx, id, EventKind::Ended, now, subject.state.as_str())?;
        work::end(tx, id)?;
    } else {
        let said = if was_parked {
            "requeued by operator, though it may have arrived"
        } else {
            "requeued by operator"
        };
        note(tx, id, EventKind::Operator, now, said)?;
        if was_parked {
            tx.execute(
                "UPDATE message SET report_until = (SELECT due FROM work w WHERE w.id = message.id) WHERE id = ?",
                [id.number()],
            )?;
        }
        tx.execute(
            "UPDATE work SET kind = ?1, due = ?2, owner = NULL, since = iif(kind = ?1, since, ?2),
                             unreached = iif(kind = ?1, unreached, 0) WHERE id = ?3",
            (Kind::Send.number(), now.as_millisecond(), id.number()),
        )?;
    }
    callback::owe(tx, &subject, stepped.owed, now)
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
    let (mut sql, mut values) = (FAILED.to_owned(), Vec::new());
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
    sql.push_str(" ORDER BY c.id DESC LIMIT ?");
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

fn conditions(filter: &FailedFilter) -> Vec<(&'static str, Box<dyn ToSql>)> {
    let mut conditions: Vec<(&'static str, Box<dyn ToSql>)> = Vec::new();
    let millis = |time: Timestamp| Box::new(time.as_millisecond());
    if let Some(since) = filter.since {
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
    let says = callback::says(&record)?;
    let passing = matches!(says, CallbackSays::Report(status) if Terminal::of(status).is_none());
    Ok(FailedCallback {
        id: record.id("id")?,
        message: record.id("message")?,
        account: AccountName(record.value("account")?),
        carrier: CarrierId(record.value("carrier")?),
        says,
        at: record.time("at")?,
        attempts: record.value("attempts")?,
        superseded: passing && record.state("state")?.is_terminal(),
    })
}

/// Makes callbacks that failed due again, with all their tries; which.
pub(super) fn resend(tx: &mut Tx<'_>, callbacks: &[Id], now: Timestamp) -> Result<Vec<Id>> {
    // In the order in which they became owed: a later one of the same message waits for the earlier.
    let mut callbacks = callbacks.to_vec();
    callbacks.sort_unstable();
    let mut resent = Vec::new();
    for id in callbacks {
        let found = tx
            .prepare(&format!("{FAILED} AND c.id = ?"))?
            .query_row([id.number()], |row| Ok(read_failed(row)))
            .optional()?
            .transpose()?;
        if let Some(callback) = found.filter(|callback| !callback.superseded) {
            make_due(tx, &callback, now)?;
            resent.push(callback.id);
        }
    }
    Ok(resent)
}

fn make_due(tx: &mut Tx<'_>, callback: &FailedCallback, now: Timestamp) -> Result<()> {
    tx.execute(
        "UPDATE callback SET failed = 0, attempts = 0, owner = NULL,
                due = iif(EXISTS (SELECT 1 FROM callback c WHERE c.message = ?2 AND c.failed = 0), NULL, ?3)
         WHERE id = ?1",
        (callback.id.number(), callback.message.number(), now.as_millisecond()),
    )?;
    match callback.says {
        // A message from a handset has no timeline.
        CallbackSays::Mo => mo::note_end(tx, callback.message, None),
        says => {
            note(tx, callback.message, EventKind::Operator, now, &format!("{says}: sent again by operator"))
        }
    }
}
