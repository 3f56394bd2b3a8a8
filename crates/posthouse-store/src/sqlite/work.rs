//! Attempts, timers and their leases.

use jiff::Timestamp;
use posthouse_core::{
    Id,
    account::AccountName,
    carrier::CarrierId,
    cluster::LONG_PAST,
    life::{
        attempt,
        load::{TimerKind, WorkKind, held},
    },
    message::Submission,
    store::{FailedAttempt, Lease, Owner, Settled, Settlement, StoreError, Timer, ToSend},
};
use rusqlite::Row;

use super::{
    fault::Result,
    job::Tx,
    load,
    record::{Record, corrupt, readable},
    search::inline_media,
    write,
};

/// An attempt begins.
pub(super) fn begin(
    tx: &mut Tx<'_>,
    id: Id,
    owner: Owner,
    connection: &str,
    until: Timestamp,
    now: Timestamp,
) -> Result<()> {
    let subject = held(load::subject_to_begin(tx.connection, id)?, owner)?;
    write::write(tx, &attempt::begin(subject, connection, until, now)?)
}

/// An attempt or a wait ends.
pub(super) fn settle(
    tx: &mut Tx<'_>,
    id: Id,
    owner: Owner,
    settlement: &Settlement,
    said: &str,
    failed: &[FailedAttempt],
    now: Timestamp,
) -> Result<Settled> {
    let subject = held(load::subject(tx.connection, id)?, owner)?;
    let (needs, learned) = (attempt::needs(settlement), attempt::learned(settlement));
    let (loaded, waiting) = load::around(tx, subject, needs, learned)?;
    write::decided(tx, attempt::settle(loaded, waiting, settlement, said, failed, now))
}

/// Gives back work that was not begun ([`Work::given_back`](posthouse_core::life::load::Work::given_back)).
pub(super) fn release(tx: &Tx<'_>, ids: &[Id], owner: Owner, now: Timestamp) -> Result<()> {
    for id in ids {
        tx.execute(
            "UPDATE work SET due = ?, owner = NULL WHERE id = ? AND owner = ? AND kind <> ?",
            (now.as_millisecond(), id.number(), owner.0, WorkKind::Sending.number()),
        )?;
    }
    Ok(())
}

/// Puts off what is due ([`Work::put_off`](posthouse_core::life::load::Work::put_off)). Returns how many.
pub(super) fn put_off(
    tx: &Tx<'_>,
    carrier: &CarrierId,
    until: Timestamp,
    nobody_there: bool,
    now: Timestamp,
    limit: usize,
) -> Result<usize> {
    let put_off = tx.execute(
        "UPDATE work SET due = min(?2, expiry), owner = NULL, unreached = max(unreached, ?5)
         WHERE id IN (SELECT id FROM work WHERE kind = 0 AND carrier = ?1 AND due <= ?3 AND expiry > ?3
                      ORDER BY due LIMIT ?4)",
        (
            carrier.as_str(),
            until.as_millisecond(),
            now.as_millisecond(),
            i64::try_from(limit).unwrap_or(i64::MAX),
            nobody_there,
        ),
    )?;
    Ok(put_off)
}

/// Leases what is to be sent to a carrier.
pub(super) fn lease_sends(
    tx: &Tx<'_>,
    carrier: &CarrierId,
    lease: Lease,
    now: Timestamp,
    waiting_since_before: Option<Timestamp>,
    limit: usize,
) -> Result<Vec<ToSend>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let due = "SELECT id FROM work WHERE kind = 0 AND carrier = ? AND due <= ? ORDER BY due, id LIMIT ?";
    let mut ids = lease_ids(tx, due, (carrier.as_str(), now.as_millisecond(), limit), lease)?;
    let left = limit.saturating_sub(i64::try_from(ids.len()).unwrap_or(i64::MAX));
    if let Some(before) = waiting_since_before {
        let waiting = "SELECT id FROM work WHERE kind = 0 AND owner IS NULL AND carrier = ? AND since < ?
                       ORDER BY since, id LIMIT ?";
        ids.extend(lease_ids(tx, waiting, (carrier.as_str(), before.as_millisecond(), left), lease)?);
    }
    readable(ids.into_iter().map(|id| load_send(tx, id, lease)))
}

/// Leases the work that a query selects.
fn lease_ids(tx: &Tx<'_>, select: &str, values: (&str, i64, i64), lease: Lease) -> Result<Vec<i64>> {
    let mut statement = tx.prepare(select)?;
    let ids: Vec<i64> =
        statement.query_map(values, |row| row.get(0))?.collect::<rusqlite::Result<Vec<_>>>()?;
    for id in &ids {
        lease_work(tx, *id, lease)?;
    }
    Ok(ids)
}

/// As [`Work::leased`](posthouse_core::life::load::Work::leased) says.
fn lease_work(tx: &Tx<'_>, id: i64, lease: Lease) -> Result<()> {
    let take = "UPDATE work SET owner = ?, due = ? WHERE id = ?";
    tx.update_one(("work", id), take, (lease.owner.0, lease.until.as_millisecond(), id))
}

fn load_send(tx: &Tx<'_>, id: i64, lease: Lease) -> Result<ToSend> {
    let mut statement = tx.prepare(
        "SELECT m.id, m.account, m.carrier, m.submission, m.attempts, w.unreached, b.crc, b.body
         FROM work w JOIN message m USING (id) LEFT JOIN media b USING (id) WHERE w.id = ?",
    )?;
    let mut rows = statement.query([id])?;
    match rows.next()? {
        Some(row) => read_send(row, lease),
        None => Err(StoreError::NotFound("message").into()),
    }
}

fn read_send(row: &Row<'_>, lease: Lease) -> Result<ToSend> {
    let record = Record::by_id("message", row)?;
    let (id, submission): (Id, Submission) = (record.id("id")?, record.json("submission")?);
    Ok(ToSend {
        id,
        account: AccountName(record.value("account")?),
        carrier: CarrierId(record.value("carrier")?),
        attempts: record.value("attempts")?,
        unreached: record.value("unreached")?,
        media: inline_media(row, id, &submission.parts)?,
        submission,
        lease,
    })
}

/// Leases timers that went off. The attempts of `spared` are interrupted only when they are long past
/// ([`is_interrupted`](posthouse_core::cluster::is_interrupted)).
pub(super) fn lease_timers(
    tx: &Tx<'_>,
    lease: Lease,
    now: Timestamp,
    spared: Option<Owner>,
    limit: usize,
) -> Result<Vec<Timer>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let long_past = now.checked_sub(LONG_PAST).unwrap_or(Timestamp::MIN).as_millisecond();
    let due: Vec<(i64, u8)> = tx
        .prepare(
            "SELECT id, kind FROM work
             WHERE kind > 0 AND due <= ?1 AND (?2 IS NULL OR owner IS NOT ?2 OR kind <> ?3 OR due <= ?4)
             ORDER BY due, id LIMIT ?5",
        )?
        .query_map(
            (now.as_millisecond(), spared.map(|owner| owner.0), WorkKind::Sending.number(), long_past, limit),
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?
        .collect::<rusqlite::Result<_>>()?;
    for (id, _) in &due {
        lease_work(tx, *id, lease)?;
    }
    readable(due.into_iter().map(|(id, kind)| load_timer(tx, id, kind, lease)))
}

fn load_timer(tx: &Tx<'_>, id: i64, kind: u8, lease: Lease) -> Result<Timer> {
    match WorkKind::from_number(kind).and_then(WorkKind::timer) {
        Some(TimerKind::Interrupted) => Ok(Timer::Interrupted(Box::new(load_send(tx, id, lease)?))),
        Some(TimerKind::ReportDue) => {
            let id = Id::from_number(id).ok_or(StoreError::NotFound("message"))?;
            Ok(Timer::ReportDue { id, lease })
        }
        None => Err(corrupt("work", "kind", id, "no kind of timer").into()),
    }
}
