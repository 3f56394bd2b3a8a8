//! What the rules of a message's life have decided ([`posthouse_core::life`]), written down.

use std::borrow::Cow;

use jiff::Timestamp;
use posthouse_core::{
    Id,
    account::AccountName,
    bounds,
    carrier::CarrierId,
    life::{
        callback::{AfterTry, CallbackRow, OnLease, on_lease},
        effects::{Decided, Effects, NewCallback},
        intervention::CallbackSays,
        load::{Subject, Work, WorkKind},
        state::State,
    },
    message::{Reason, TimelineEvent},
    slots::Slot,
    store::{HandedOn, Lease, StoreError},
};

use super::{
    batch::BatchTx,
    fault::BatchResult,
    load::{LifeRow, LifeRows, LifeStage},
    record::corrupt,
    recording, seen, statements,
    taken::{self, TakenCallback},
    tried::{self, Tried},
    value::values,
};

/// From so many attempts on the lines of a timeline are counted: what is less cannot have filled one.
const WORTH_COUNTING: u32 = bounds::LINES / 8;

/// The version of a row that is locked: any.
const LOCKED: Option<i64> = None;

/// Writes what was decided, and passes the answer on.
pub(super) async fn decided<T>(
    tx: &BatchTx,
    rows: &LifeRows,
    decided: Decided<T>,
) -> BatchResult<HandedOn<T>> {
    let mut taken = Vec::new();
    for number in &decided.forgotten {
        tx.write(&statements::DELETE_WAITING, values![*number]);
    }
    for effects in &decided.effects {
        let row = rows.get(&effects.id).ok_or_else(|| gone(effects.id))?;
        taken.extend(write(tx, row, effects).await?);
    }
    taken::hand_over(tx, decided.answer, taken, Vec::new()).await
}

fn gone(id: Id) -> StoreError {
    corrupt("message", "id", id, "something was decided about it, and it was not loaded")
}

/// Writes what was decided about one message; which callbacks were taken.
pub(super) async fn write(tx: &BatchTx, row: &LifeRow, effects: &Effects) -> BatchResult<Vec<TakenCallback>> {
    let id = effects.id;
    let mut taken = Vec::new();
    tx.count_written(effects);
    if let Some(at) = effects.ended_at() {
        recording::note(tx, id, at);
    }
    write_life(tx, row, effects)?;
    let may_be_full = row.attempts >= WORTH_COUNTING;
    note_all(tx, id, &effects.timeline, may_be_full).await?;
    for (status, time_stamp) in &effects.read_replies {
        tx.write(&statements::INSERT_READ_REPLY, values![id, status.as_str(), *time_stamp]);
    }
    for callback in &effects.withdrawn {
        tx.write(&statements::DELETE_CALLBACK, values![*callback, LOCKED]);
    }
    if let Some((callback, due)) = effects.freed {
        tx.write(&statements::FREE_CALLBACK, values![callback, due]);
        tx.leave_due();
    }
    if effects.owed.iter().any(|callback| callback.due.is_none()) {
        tx.write(&statements::TOUCH_CALLBACKS, values![id]);
    }
    for callback in &effects.owed {
        let (callback_id, lease) = owe(tx, id, &effects.account, &row.subject.carrier, callback);
        taken.extend(lease.map(|lease| of_effects(row, effects, callback_id, *callback, lease)));
    }
    for failed in &effects.failed {
        let (code, connection) = (failed.code.code(), failed.connection.as_deref());
        let number = tx.ids().line();
        let values = values![id, number, failed.at, code, &row.subject.carrier, connection];
        tx.write(&statements::INSERT_FAILED_ATTEMPT, values);
    }
    // One attempt may have failed over several connections: how many there are is not known from how often it was begun.
    if !effects.failed.is_empty() {
        tx.write(&statements::TRIM_FAILED_ATTEMPTS, values![id, bounds::FAILED_ATTEMPTS]);
    }
    if effects.message.is_never_repeated {
        seen::forget(tx, id).await?;
    }
    Ok(taken)
}

/// A callback that was taken as it became owed.
fn of_effects(row: &LifeRow, effects: &Effects, id: Id, owed: NewCallback, lease: Lease) -> TakenCallback {
    let message = &effects.message;
    let told = |status| effects.read_replies.iter().find(|(told, _)| *told == status).map(|(_, at)| *at);
    TakenCallback {
        id,
        about: effects.id,
        account: effects.account.clone(),
        carrier: row.subject.carrier.clone(),
        owed,
        lease,
        reason: message.state.map_or(row.reason, |change| change.reason),
        details: message.details.clone().or_else(|| row.details.clone()),
        time_stamp: match owed.says {
            CallbackSays::ReadReply(status) => told(status),
            CallbackSays::Report(_) | CallbackSays::Mo => None,
        },
    }
}

/// A message as it is from now on.
struct NewLife {
    state: State,
    changed_at: Timestamp,
    reason: Option<Reason>,
    details: Option<String>,
    attempts: u32,
    carrier_message_id: Option<String>,
    report_until: Option<Timestamp>,
    work: Option<Work>,
    begun: Option<(Timestamp, String)>,
}

impl NewLife {
    fn after(row: &LifeRow, effects: &Effects) -> Self {
        let (subject, message) = (&row.subject, &effects.message);
        let change = message.state;
        // What is known of a carrier is nothing to another one.
        let stays = message.carrier.is_none();
        let work = match effects.work {
            Some(change) => subject.work.and_then(|work| work.after(change)),
            None => subject.work,
        };
        Self {
            state: change.map_or(subject.state, |change| change.state),
            changed_at: change.map_or(row.changed_at, |change| change.at),
            reason: change.map_or(row.reason, |change| change.reason),
            details: message.details.clone(),
            attempts: row.attempts.saturating_add(u32::from(message.is_begun)),
            carrier_message_id: message
                .learned
                .clone()
                .or_else(|| subject.carrier_message_id.clone().filter(|_| stays)),
            report_until: message.report_until.or_else(|| subject.report_until.filter(|_| stays)),
            begun: row.begun.clone().filter(|_| work.is_some_and(|work| work.kind == WorkKind::Sending)),
            work,
        }
    }

    const fn stage(&self) -> LifeStage {
        match self.work {
            None => LifeStage::Ended,
            Some(Work { kind: WorkKind::Report, .. }) => LifeStage::Awaiting,
            Some(_) => LifeStage::Work,
        }
    }
}

/// Makes a message's row what it is from now on, in the table where that belongs.
fn write_life(tx: &BatchTx, row: &LifeRow, effects: &Effects) -> BatchResult<()> {
    let message = &effects.message;
    if effects.work.is_none()
        && message.state.is_none()
        && message.learned.is_none()
        && message.report_until.is_none()
    {
        match row.stage {
            LifeStage::Work => tx.write(&statements::TOUCH_WORK, values![row.subject.id, row.version]),
            LifeStage::Awaiting => {
                tx.write(&statements::TOUCH_AWAITING, values![row.subject.id, row.version])
            }
            LifeStage::Ended => {}
        }
        return Ok(());
    }
    let mut new = NewLife::after(row, effects);
    if message.is_begun {
        new.begun = effects.timeline.first().map(|line| (line.at, line.detail.clone()));
    }
    let id = row.subject.id;
    let mut subject = Cow::Borrowed(&row.subject);
    if let Some(carrier) = &message.carrier {
        subject.to_mut().carrier = carrier.clone();
        tx.write(&statements::UPDATE_MESSAGE_CARRIER, values![id, carrier]);
    }
    if new.work.is_none() && !new.state.is_terminal() {
        return Err(corrupt("message", "id", id, "it has not ended, and there is no work for it").into());
    }
    match (row.stage, new.stage()) {
        (LifeStage::Work, LifeStage::Work) => {
            update_work(tx, row, &new);
            if message.carrier.is_some() {
                tx.write(&statements::UPDATE_WORK_CARRIER, values![id, &subject.carrier]);
            }
        }
        (LifeStage::Awaiting, LifeStage::Awaiting) => update_awaiting(tx, row, &new),
        (LifeStage::Ended, _) => {
            tx.write(&statements::UPDATE_ENDED, values![id, new.carrier_message_id.as_deref()]);
        }
        (before, after) => {
            match before {
                LifeStage::Work => tx.write(&statements::DELETE_WORK, values![id, row.version]),
                _ => tx.write(&statements::DELETE_AWAITING, values![id, row.version]),
            }
            match after {
                LifeStage::Work => insert_work(tx, &subject, &row.sender, &new),
                LifeStage::Awaiting => insert_awaiting(tx, row, &new),
                LifeStage::Ended => insert_ended(tx, row, &new),
            }
        }
    }
    Ok(())
}

/// Makes a row in memory what its effects make it in the store.
pub(super) fn take_over(row: &mut LifeRow, effects: &Effects) {
    let new = NewLife::after(row, effects);
    row.subject.state = new.state;
    row.subject.work = new.work;
    row.subject.carrier_message_id = new.carrier_message_id;
    row.subject.report_until = new.report_until;
    if let Some(carrier) = &effects.message.carrier {
        row.subject.carrier = carrier.clone();
    }
}

/// The end of the lease and that of the attempt, as the row has them.
fn ends(work: &Work, lease_until: Option<Timestamp>) -> (Timestamp, Option<Timestamp>) {
    match work.kind {
        WorkKind::Sending => (lease_until.map_or(work.due, |until| until.min(work.due)), Some(work.due)),
        WorkKind::Send | WorkKind::Report => (work.due, None),
    }
}

fn update_work(tx: &BatchTx, row: &LifeRow, new: &NewLife) {
    let Some(work) = &new.work else { return };
    let (due, attempt_until) = ends(work, row.lease_until);
    let (begun_at, connection) = (new.begun.as_ref().map(|(at, _)| *at), new.begun.as_ref());
    tx.write(
        &statements::UPDATE_WORK,
        values![
            row.subject.id,
            new.state.number(),
            work.kind == WorkKind::Sending,
            due,
            attempt_until,
            begun_at,
            connection.map(|(_, connection)| connection.as_str()),
            work.owner,
            work.since,
            work.unreached,
            new.attempts,
            new.report_until,
            new.changed_at,
            new.carrier_message_id.as_deref(),
            row.version,
        ],
    );
}

fn update_awaiting(tx: &BatchTx, row: &LifeRow, new: &NewLife) {
    let Some(work) = &new.work else { return };
    tx.write(
        &statements::UPDATE_AWAITING,
        values![
            row.subject.id,
            new.state.number(),
            work.due,
            work.owner,
            new.attempts,
            new.report_until,
            new.changed_at,
            new.carrier_message_id.as_deref(),
            row.version,
        ],
    );
}

fn insert_work(tx: &BatchTx, subject: &Subject, sender: &str, new: &NewLife) {
    let Some(work) = &new.work else { return };
    let (due, attempt_until) = ends(work, None);
    let begun = new.begun.as_ref();
    tx.write(
        &statements::INSERT_WORK,
        values![
            subject.id,
            Slot::of_message(subject.id).0,
            new.state.number(),
            work.kind == WorkKind::Sending,
            due,
            attempt_until,
            begun.map(|(at, _)| *at),
            begun.map(|(_, connection)| connection.as_str()),
            work.owner,
            work.since,
            work.unreached,
            new.attempts,
            new.report_until,
            work.expiry,
            new.changed_at,
            &subject.carrier,
            &subject.account,
            &subject.recipient,
            sender,
            subject.delivery_report,
            new.carrier_message_id.as_deref(),
        ],
    );
}

/// The first row of a message that was accepted at this time.
pub(super) fn insert_first(tx: &BatchTx, subject: &Subject, sender: &str, accepted_at: Timestamp) {
    let new = NewLife {
        state: subject.state,
        changed_at: accepted_at,
        reason: None,
        details: None,
        attempts: 0,
        carrier_message_id: None,
        report_until: None,
        work: subject.work,
        begun: None,
    };
    insert_work(tx, subject, sender, &new);
}

fn insert_awaiting(tx: &BatchTx, row: &LifeRow, new: &NewLife) {
    let (subject, Some(work)) = (&row.subject, &new.work) else { return };
    tx.write(
        &statements::INSERT_AWAITING,
        values![
            subject.id,
            Slot::of_message(subject.id).0,
            new.state.number(),
            work.due,
            work.owner,
            work.since,
            work.unreached,
            new.attempts,
            new.report_until,
            work.expiry,
            new.changed_at,
            &subject.carrier,
            &subject.account,
            &subject.recipient,
            &row.sender,
            subject.delivery_report,
            new.carrier_message_id.as_deref(),
        ],
    );
}

fn insert_ended(tx: &BatchTx, row: &LifeRow, new: &NewLife) {
    let reason = new.reason.map(|reason| i64::from(reason.0.code()));
    tx.write(
        &statements::INSERT_ENDED,
        values![
            row.subject.id,
            new.state.number(),
            reason,
            new.details.as_deref(),
            new.changed_at,
            new.attempts,
            new.report_until,
            &row.subject.carrier,
            new.carrier_message_id.as_deref(),
        ],
    );
}

/// Adds lines to a message's timeline. One that is full keeps its beginning: its last line is replaced.
pub(super) async fn note_all(
    tx: &BatchTx,
    id: Id,
    lines: &[TimelineEvent],
    may_be_full: bool,
) -> BatchResult<()> {
    if lines.is_empty() {
        return Ok(());
    }
    let mut room = bounds::LINES;
    if may_be_full {
        let count = tx.read_one(&statements::LINE_COUNT, values![id, bounds::LINES]).await?;
        let there: i64 = count.map_or(Ok(0), |row| row.try_get("lines"))?;
        room = bounds::LINES.saturating_sub(u32::try_from(there).unwrap_or(u32::MAX));
    }
    for line in lines {
        if room == 0 {
            let values = values![id, line.at, line.kind.number(), &line.detail];
            tx.write(&statements::REPLACE_LAST_EVENT, values);
            continue;
        }
        room -= 1;
        let values = values![id, tx.ids().line(), line.at, line.kind.number(), &line.detail];
        tx.write(&statements::INSERT_EVENT, values);
    }
    Ok(())
}

/// A callback becomes owed, about a message or carrying one from a handset: its id, and the lease of its new owner, if there is one.
pub(super) fn owe(
    tx: &BatchTx,
    about: Id,
    account: &AccountName,
    carrier: &CarrierId,
    callback: &NewCallback,
) -> (Id, Option<Lease>) {
    let id = tx.ids().callbacks.lock().next(callback.at);
    let (row, lease) = tx.hand_on(id, account, CallbackRow::new(callback));
    let (status, read_status) = status_columns(callback.says);
    tx.write(
        &statements::INSERT_CALLBACK,
        values![
            id,
            about,
            Slot::of_account(account).0,
            row.due,
            row.owner,
            row.attempts,
            callback.at,
            status,
            read_status,
            account,
            carrier,
        ],
    );
    (id, lease)
}

/// The columns `status` and `read_status`.
pub(super) const fn status_columns(says: CallbackSays) -> (Option<&'static str>, Option<&'static str>) {
    match says {
        CallbackSays::Report(status) => (Some(status.as_str()), None),
        CallbackSays::ReadReply(status) => (None, Some(status.as_str())),
        CallbackSays::Mo => (None, None),
    }
}

/// Writes what became of a callback that was tried, about a message or carrying one from a handset.
pub(super) async fn after_try(
    tx: &BatchTx,
    tried: &Tried,
    after: &AfterTry,
    now: Timestamp,
) -> BatchResult<Option<(Id, Lease)>> {
    let about = tried.callback.about;
    match tried.callback.row.after(after.change) {
        Some(row) if row.failed => fail(tx, tried, row.attempts),
        Some(row) => {
            let values = values![tried.id, row.due, row.owner, row.attempts];
            tx.write(&statements::UPDATE_CALLBACK, values);
        }
        None => tx.write(&statements::DELETE_CALLBACK, values![tried.id, tried.version]),
    }
    if let Some(line) = &after.timeline {
        let may_be_full = tried.callback.row.attempts >= WORTH_COUNTING;
        note_all(tx, about, std::slice::from_ref(line), may_be_full).await?;
    }
    if let Some(at) = after.mo_ended {
        tx.write(&statements::END_MO, values![about, at]);
    }
    if let Some(attempt) = &after.attempt {
        tried::note(tx, tried, attempt);
    }
    match after.freed {
        Some(next) => free_next(tx, next, now).await,
        None => Ok(None),
    }
}

/// What waited for the one that was tried is due, or goes to its new owner.
async fn free_next(tx: &BatchTx, id: Id, now: Timestamp) -> BatchResult<Option<(Id, Lease)>> {
    let next = if tx.hands_on() { tried::find(tx, id).await? } else { None };
    let Some(next) = next.filter(|next| on_lease(&next.callback) == OnLease::Lease) else {
        tx.write(&statements::FREE_CALLBACK, values![id, now]);
        tx.leave_due();
        return Ok(None);
    };
    let (row, lease) = tx.hand_on(id, &next.account, next.callback.row.freed(now));
    tx.write(&statements::UPDATE_CALLBACK, values![id, row.due, row.owner, row.attempts]);
    Ok(lease.map(|lease| (id, lease)))
}

/// A callback is kept as failed.
fn fail(tx: &BatchTx, tried: &Tried, attempts: u32) {
    tx.write(&statements::DELETE_CALLBACK, values![tried.id, tried.version]);
    let (status, read_status) = status_columns(tried.callback.says);
    tx.write(
        &statements::INSERT_FAILED,
        values![
            tried.id,
            tried.callback.about,
            attempts,
            tried.at,
            status,
            read_status,
            &tried.account,
            &tried.carrier,
        ],
    );
}
