//! Callbacks: leased by the account that they are owed to, and settled.

use jiff::Timestamp;
use posthouse_core::{
    Id,
    account::AccountName,
    carrier::CarrierId,
    life::{
        callback::{self, CallbackRow, OnLease, TriedCallback},
        intervention::CallbackSays,
    },
    store::{Callback, CallbackBody, CallbackOutcome, HandedOn, Lease, Owner, StoreError},
};
use tokio_postgres::Row;

use super::{
    batch::{Claim, Tx},
    fault::{Fault, Result},
    record::{Record, readable, time},
    statements, taken,
    value::values,
    write,
};

/// A callback that somebody tried to deliver, with what its row has beside that.
pub(super) struct Tried {
    pub(super) id: Id,
    pub(super) callback: TriedCallback,
    pub(super) at: Timestamp,
    pub(super) account: AccountName,
    pub(super) carrier: CarrierId,
}

/// What came of a look for callbacks that are due.
pub(super) struct LeasedCallbacks {
    pub(super) callbacks: Vec<Callback>,
    /// Some were withdrawn: what they held back may be due now.
    pub(super) withdrawn: bool,
}

/// Leases callbacks of an account that are due.
pub(super) async fn lease(
    tx: &Tx,
    account: &AccountName,
    lease: Lease,
    now: Timestamp,
    limit: usize,
) -> Result<LeasedCallbacks> {
    let values = || values![account, now, limit];
    let (free, lapsed) = tokio::join!(biased;
        tx.read(&statements::CALLBACKS_DUE, values()),
        tx.read(&statements::CALLBACKS_LAPSED, values()));
    let mut due = Vec::new();
    for row in free?.iter().chain(&lapsed?) {
        let record = Record::by_id("callback", row)?;
        due.push((record.value::<i64>("due")?, record.id("id")?));
    }
    due.sort_unstable();
    due.truncate(limit);
    let taking = futures_util::future::join_all(due.iter().map(|(_, id)| take(tx, *id, lease, now))).await;
    let mut withdrawn = false;
    let mut leased = Vec::new();
    for taken in taking {
        match taken {
            Ok(Taken::Leased(callback)) => leased.push(Ok(*callback)),
            Ok(Taken::Withdrawn) => withdrawn = true,
            Ok(Taken::Left) => {}
            Err(fault) => leased.push(Err(fault)),
        }
    }
    let mut callbacks = readable(leased.into_iter())?;
    callbacks.sort_unstable_by_key(|callback| callback.id);
    Ok(LeasedCallbacks { callbacks, withdrawn })
}

/// What became of one that is due.
enum Taken {
    Leased(Box<Callback>),
    Withdrawn,
    /// Another operation of the batch is about to change it.
    Left,
}

async fn take(tx: &Tx, id: Id, lease: Lease, now: Timestamp) -> Result<Taken> {
    let (tried, body) =
        tokio::join!(biased; find(tx, id), tx.read_one(&statements::CALLBACK_BODY, values![id]));
    let tried = match tried {
        Ok(Some(tried)) => tried,
        Ok(None) => return Ok(Taken::Left),
        // What cannot be read is leased all the same, so that it does not hold up others.
        Err(fault @ Fault::Store(StoreError::Corrupt { .. })) => {
            tx.write(&statements::LEASE_CALLBACK, values![id, lease.owner, lease.until]);
            return Err(fault);
        }
        Err(fault) => return Err(fault),
    };
    if !tx.try_claim(Claim::Message(tried.callback.about)) {
        return Ok(Taken::Left);
    }
    if callback::on_lease(&tried.callback) == OnLease::Withdraw {
        write::after_try(tx, &tried, &callback::withdraw(&tried.callback, now), now).await?;
        return Ok(Taken::Withdrawn);
    }
    tx.write(&statements::LEASE_CALLBACK, values![id, lease.owner, lease.until]);
    let Some(body) = body? else { return Ok(Taken::Left) };
    Ok(Taken::Leased(Box::new(read(&body, lease)?)))
}

fn read_tried(row: &Row) -> Result<Tried> {
    let record = Record::by_id("callback", row)?;
    let next: Option<i64> = record.value("next")?;
    let next_due: Option<i64> = record.value("next_due")?;
    let callback = TriedCallback {
        says: record.says()?,
        about: record.id("message")?,
        row: CallbackRow {
            attempts: record.count("attempts")?,
            due: record.time_if_any("due")?,
            owner: record.owner("owner")?,
            failed: false,
        },
        message: record.state_if_any("state")?,
        next: next.and_then(Id::from_number).map(|next| (next, next_due.map(time))),
    };
    Ok(Tried {
        id: record.id("id")?,
        callback,
        at: record.time("at")?,
        account: AccountName(record.value("account")?),
        carrier: CarrierId(record.value("carrier")?),
    })
}

/// A callback from its row with all that it carries.
pub(super) fn read(row: &Row, lease: Lease) -> Result<Callback> {
    let record = Record::by_id("callback", row)?;
    let about = Record::new("message", record.value::<i64>("message")?, row);
    let body = match record.says()? {
        CallbackSays::Report(status) => CallbackBody::Report {
            status,
            reason: about.reason("reason")?,
            details: about.value("details")?,
            submission: about.json("submission")?,
        },
        CallbackSays::ReadReply(status) => CallbackBody::ReadReply {
            status,
            time_stamp: about.time("time_stamp")?,
            submission: about.json("submission")?,
        },
        CallbackSays::Mo => {
            CallbackBody::Mo(Record::new("mo", record.value::<i64>("message")?, row).json("document")?)
        }
    };
    Ok(Callback {
        id: record.id("id")?,
        message: record.id("message")?,
        account: AccountName(record.value("account")?),
        carrier: CarrierId(record.value("carrier")?),
        body,
        at: record.time("at")?,
        attempts: record.count("attempts")?,
        lease,
    })
}

/// The callback of this id, locked.
pub(super) async fn find(tx: &Tx, id: Id) -> Result<Option<Tried>> {
    // The lock is waited for first, so that what is read behind it is of after the wait.
    let (locked, tried) = tokio::join!(biased;
        tx.read_one(&statements::CALLBACK_LOCK, values![id]),
        tx.read_one(&statements::CALLBACK_TRIED, values![id]));
    locked?;
    tried?.map(|row| read_tried(&row)).transpose()
}

/// A try to deliver a callback ends.
pub(super) async fn settle(
    tx: &Tx,
    id: Id,
    owner: Owner,
    outcome: &CallbackOutcome,
    now: Timestamp,
) -> Result<HandedOn<()>> {
    let Some(tried) = find(tx, id).await? else {
        if tx.is_again() {
            // It was stored by a try of which nobody heard.
            tx.answer_after_commit();
            return Ok(HandedOn::nothing(()));
        }
        return Err(StoreError::LostLease.into());
    };
    tx.claim(Claim::Message(tried.callback.about))?;
    callback::held(Some(tried.callback), owner)?;
    let after = callback::settle(&tried.callback, outcome, now);
    let freed = write::after_try(tx, &tried, &after, now).await?;
    taken::hand_over(tx, (), Vec::new(), freed.into_iter().collect()).await
}

/// Gives back callbacks whose delivery was not begun.
pub(super) fn release(tx: &Tx, ids: &[Id], owner: Owner, now: Timestamp) {
    for id in ids {
        tx.write(&statements::RELEASE_CALLBACK, values![*id, owner, now]);
    }
}
