//! Attempts, timers and their leases.

use jiff::Timestamp;
use posthouse_core::{
    Id,
    account::AccountName,
    carrier::CarrierId,
    cluster::is_interrupted,
    life::{attempt, load::held},
    message::Submission,
    slots::Slots,
    store::{FailedAttempt, HandedOn, Lease, Owner, Settled, Settlement, StoreError, Timer, ToSend},
};
use tokio_postgres::Row;

use super::{
    at_hand::MediaInObject,
    batch::{BatchClaim, BatchTx},
    fault::{BatchFault, BatchResult},
    load::{self, LifeRow, LifeRows, Step},
    member,
    record::{PgRow, readable},
    statements,
    value::values,
    write,
};
use crate::{
    media::{objects::INLINE_MAX, record::Seal},
    stored::{lengths, split},
};

/// So many attempts that are over are passed by, for their owners have the outcomes in hand.
const SPARED: usize = 1000;

/// Slots as a statement takes them: a bit for each.
pub(super) fn bits(slots: Slots) -> [u8; 32] {
    let mut bits = [0; 32];
    for slot in slots.iter() {
        if let Some(byte) = bits.get_mut(usize::from(slot.0 / 8)) {
            *byte |= 1 << (slot.0 % 8);
        }
    }
    bits
}

/// An attempt begins.
pub(super) async fn begin(
    tx: &BatchTx,
    id: Id,
    owner: Owner,
    connection: &str,
    until: Timestamp,
    now: Timestamp,
) -> BatchResult<()> {
    let row = load::subject_to_begin(tx, id).await?.ok_or(StoreError::LostLease)?;
    if tx.is_again() && is_begun(&row, owner, connection, until, now) {
        return Ok(());
    }
    let subject = held(Some(row.subject.clone()), owner)?;
    let effects = attempt::begin(subject, connection, until, now)?;
    // Nothing becomes owed by it.
    write::write(tx, &row, &effects).await.map(drop)
}

/// Whether it is just this attempt that is under way: it was begun by a try of which nobody heard.
fn is_begun(row: &LifeRow, owner: Owner, connection: &str, until: Timestamp, now: Timestamp) -> bool {
    let begun = row.begun.as_ref().is_some_and(|(at, over)| *at == now && over == connection);
    begun && attempt::is_under_way(&row.subject, owner, until)
}

/// How an attempt or a wait ends.
#[derive(Clone, Debug)]
pub(super) struct EndOfAttempt {
    pub(super) settlement: Settlement,
    pub(super) said: String,
    pub(super) failed: Vec<FailedAttempt>,
}

/// An attempt or a wait ends.
pub(super) async fn settle(
    tx: &BatchTx,
    id: Id,
    owner: Owner,
    end: &EndOfAttempt,
    now: Timestamp,
) -> BatchResult<HandedOn<Settled>> {
    let found = load::subject_seen(tx, id).await?;
    let Some((row, owed)) = found else { return Err(StoreError::LostLease.into()) };
    let subject = match held(Some(row.subject.clone()), owner) {
        Ok(subject) => subject,
        // It was stored by a try of which nobody heard.
        Err(StoreError::LostLease) if tx.is_again() => {
            tx.answer_after_commit();
            let settled = Settled { state: row.subject.state, owes_report: !owed.is_empty() };
            return Ok(HandedOn { answer: settled, callbacks: Vec::new(), left_due: true });
        }
        Err(error) => return Err(error.into()),
    };
    let EndOfAttempt { settlement, said, failed } = end;
    let (needs, learned) = (attempt::needs(settlement), attempt::learned(settlement));
    let (mut rows, row) = (LifeRows::new(), LifeRow { subject, ..row });
    let step = Step { needs, learned, but_for: None };
    let (loaded, waiting) = load::around(tx, row, owed, step, &mut rows).await?;
    write::decided(tx, &rows, attempt::settle(loaded, waiting, settlement, said, failed, now)).await
}

/// Gives back work that was not begun ([`Work::given_back`](posthouse_core::life::load::Work::given_back)).
pub(super) async fn release(tx: &BatchTx, ids: &[Id], owner: Owner, now: Timestamp) -> BatchResult<()> {
    for id in ids {
        tx.claim(BatchClaim::Message(*id))?;
        tx.write(&statements::RELEASE_WORK, values![*id, owner, now]);
        tx.write(&statements::RELEASE_AWAITING, values![*id, owner, now]);
    }
    Ok(())
}

/// Something that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct DueOne {
    due: i64,
    id: Id,
    expiry: i64,
}

fn read_due(rows: &[Row], due: &str, expiry: Option<&str>) -> BatchResult<Vec<DueOne>> {
    rows.iter()
        .map(|row| {
            let record = PgRow::by_id("work", row)?;
            let expiry = expiry.map_or(Ok(0), |expiry| record.value(expiry))?;
            Ok(DueOne { due: record.value(due)?, id: record.id("id")?, expiry })
        })
        .collect()
}

/// What is due of a carrier and was not begun, under nobody's lease: the oldest due first.
async fn due(
    tx: &BatchTx,
    carrier: &CarrierId,
    now: Timestamp,
    slots: Slots,
    limit: usize,
) -> BatchResult<Vec<DueOne>> {
    let values = || values![carrier, now, limit, &bits(slots)[..]];
    let (free, lapsed) = tokio::join!(biased;
        tx.read(&statements::SENDS_DUE, values()),
        tx.read(&statements::SENDS_LAPSED, values()));
    let mut due = read_due(&free?, "due", Some("expiry"))?;
    due.extend(read_due(&lapsed?, "due", Some("expiry"))?);
    due.sort_unstable();
    due.truncate(limit);
    // What another operation of this batch is about to change is left to it.
    due.retain(|one| tx.try_claim(BatchClaim::Message(one.id)));
    Ok(due)
}

/// Puts off what is due ([`Work::put_off`](posthouse_core::life::load::Work::put_off)). Returns how many.
pub(super) async fn put_off(
    tx: &BatchTx,
    carrier: &CarrierId,
    until: Timestamp,
    nobody_there: bool,
    now: Timestamp,
    slots: Slots,
    limit: usize,
) -> BatchResult<usize> {
    // What has expired stays due, in front of all others: it is to be ended, which makes room.
    let due = due(tx, carrier, now, slots, limit).await?;
    let mut count = 0;
    for one in due.iter().filter(|one| one.expiry > now.as_millisecond()) {
        tx.write(&statements::PUT_OFF, values![one.id, until, nobody_there]);
        count += 1;
    }
    Ok(count)
}

/// A message that was leased to be sent.
pub(super) struct LeasedSend {
    pub(super) send: ToSend,
    /// Where its media lie, where they did not come with it.
    pub(super) in_object: Option<MediaInObject>,
}

/// Leases what is to be sent to a carrier.
pub(super) async fn lease_sends(
    tx: &BatchTx,
    carrier: &CarrierId,
    lease: Lease,
    now: Timestamp,
    waiting_since_before: Option<Timestamp>,
    slots: Slots,
    limit: usize,
) -> BatchResult<Vec<LeasedSend>> {
    let mut ids: Vec<Id> = due(tx, carrier, now, slots, limit).await?.iter().map(|one| one.id).collect();
    let left = limit.saturating_sub(ids.len());
    if let Some(before) = waiting_since_before.filter(|_| left > 0) {
        let values = values![carrier, before, limit, &bits(slots)[..]];
        let waiting = tx.read(&statements::SENDS_WAITING, values).await?;
        let mut waiting = read_due(&waiting, "since", None)?;
        waiting.sort_unstable();
        waiting.retain(|one| !ids.contains(&one.id) && tx.try_claim(BatchClaim::Message(one.id)));
        ids.extend(waiting.iter().take(left).map(|one| one.id));
    }
    for id in &ids {
        tx.write(&statements::LEASE_WORK, values![*id, lease.owner, lease.until]);
    }
    let sends = futures_util::future::join_all(ids.iter().map(|id| load_send(tx, *id, lease))).await;
    readable(sends.into_iter())
}

async fn load_send(tx: &BatchTx, id: Id, lease: Lease) -> BatchResult<LeasedSend> {
    let row = tx.read_one(&statements::SEND, values![id, INLINE_MAX]).await?;
    read_send(&row.ok_or(StoreError::NotFound("message"))?, lease)
}

fn read_send(row: &Row, lease: Lease) -> BatchResult<LeasedSend> {
    let record = PgRow::by_id("message", row)?;
    let (id, submission): (Id, Submission) = (record.id("id")?, record.json("submission")?);
    let in_object = MediaInObject::of(&record, id, &submission)?;
    let send = ToSend {
        id,
        account: AccountName(record.value("account")?),
        carrier: CarrierId(record.value("carrier")?),
        attempts: record.count("attempts")?,
        unreached: record.value("unreached")?,
        media: short_media(&record, id, &submission)?,
        submission,
        lease,
    };
    Ok(LeasedSend { send, in_object })
}

/// The media of a message, where they came with its row. What is not as it must be is reported by whoever asks for them.
fn short_media(
    record: &PgRow<'_>,
    id: Id,
    submission: &Submission,
) -> BatchResult<Option<Vec<bytes::Bytes>>> {
    if submission.parts.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let body: Option<&[u8]> = record.value("body")?;
    let crc: Option<i64> = record.value("crc")?;
    let (Some(body), Some(Ok(crc)), Some(lengths)) =
        (body, crc.map(u32::try_from), lengths(&submission.parts))
    else {
        return Ok(None);
    };
    let seal = Seal { id, crc, length: lengths.iter().map(|length| *length as u64).sum() };
    if !seal.fits(body) {
        return Ok(None);
    }
    Ok(split(bytes::Bytes::copy_from_slice(body), &lengths))
}

/// A timer that went off.
enum Rung {
    /// An attempt that nobody ended.
    Attempt(Id),
    /// Reports that did not come.
    Reports(Id),
}

/// Leases timers that went off.
pub(super) async fn lease_timers(
    tx: &BatchTx,
    lease: Lease,
    now: Timestamp,
    slots: Slots,
    limit: usize,
) -> BatchResult<Vec<Timer>> {
    let values = |limit: usize| values![now, limit, &bits(slots)[..]];
    let (beats, attempts, reports) = tokio::join!(biased;
        member::beats(tx),
        tx.read(&statements::ATTEMPTS_OVER, values(limit.saturating_add(SPARED))),
        tx.read(&statements::REPORTS_OVERDUE, values(limit)));
    let beats = beats?;
    let mut attempts = attempts?;
    attempts.retain(|row| is_over(row, &beats, lease.owner, now).unwrap_or(true));
    let attempts = read_due(&attempts, "due", None)?.into_iter().map(|one| (one, Rung::Attempt(one.id)));
    let reports = read_due(&reports?, "due", None)?.into_iter().map(|one| (one, Rung::Reports(one.id)));
    let mut rung: Vec<_> = attempts.chain(reports).collect();
    rung.sort_unstable_by_key(|(one, _)| *one);
    rung.truncate(limit);
    rung.retain(|(one, _)| tx.try_claim(BatchClaim::Message(one.id)));
    let loading = rung.into_iter().map(|(_, rung)| ring(tx, rung, lease));
    readable(futures_util::future::join_all(loading).await.into_iter())
}

/// Whether an attempt counts as [interrupted](is_interrupted).
fn is_over(row: &Row, beats: &[(Owner, Timestamp)], asker: Owner, now: Timestamp) -> BatchResult<bool> {
    let record = PgRow::by_id("work", row)?;
    let owner = record.owner("owner")?;
    let beat = beats.iter().find(|(one, _)| Some(*one) == owner).map(|(_, beat_at)| *beat_at);
    Ok(is_interrupted(record.time("due")?, owner, beat, asker, now))
}

async fn ring(tx: &BatchTx, rung: Rung, lease: Lease) -> BatchResult<Timer, BatchFault> {
    match rung {
        Rung::Attempt(id) => {
            tx.write(&statements::LEASE_WORK, values![id, lease.owner, lease.until]);
            Ok(Timer::Interrupted(Box::new(load_send(tx, id, lease).await?.send)))
        }
        Rung::Reports(id) => {
            tx.write(&statements::LEASE_AWAITING, values![id, lease.owner, lease.until]);
            Ok(Timer::ReportDue { id, lease })
        }
    }
}
