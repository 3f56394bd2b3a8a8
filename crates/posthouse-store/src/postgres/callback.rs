//! Callbacks: leased by the account that they are owed to, and settled.

use super::{
    batch::{BatchClaim, BatchTx},
    fault::{BatchFault, BatchResult},
    record::{PgRow, readable},
    statements, taken, tried,
    value::values,
    write,
};
use jiff::Timestamp;
use posthouse_core::{
    Id,
    account::AccountName,
    life::callback::{self, OnLease},
    store::{Callback, CallbackOutcome, HandedOn, Lease, Owner, StoreError},
};

/// What came of a look for callbacks that are due.
pub(super) struct LeasedCallbacks {
    pub(super) callbacks: Vec<Callback>,
    /// Some were withdrawn: what they held back may be due now.
    pub(super) withdrawn: bool,
}

/// Leases callbacks of an account that are due.
pub(super) async fn lease(
    tx: &BatchTx,
    account: &AccountName,
    lease: Lease,
    now: Timestamp,
    limit: usize,
) -> BatchResult<LeasedCallbacks> {
    let values = || values![account, now, limit];
    let (free, lapsed) = tokio::join!(biased;
        tx.read(&statements::CALLBACKS_DUE, values()),
        tx.read(&statements::CALLBACKS_LAPSED, values()));
    let mut due = Vec::new();
    for row in free?.iter().chain(&lapsed?) {
        let record = PgRow::by_id("callback", row)?;
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

async fn take(tx: &BatchTx, id: Id, lease: Lease, now: Timestamp) -> BatchResult<Taken> {
    let (tried, body) =
        tokio::join!(biased; tried::find(tx, id), tx.read_one(&statements::CALLBACK_BODY, values![id]));
    let tried = match tried {
        Ok(Some(tried)) => tried,
        Ok(None) => return Ok(Taken::Left),
        // What cannot be read is leased all the same, so that it does not hold up others.
        Err(fault @ BatchFault::Store(StoreError::Corrupt { .. })) => {
            tx.write(&statements::LEASE_CALLBACK, values![id, lease.owner, lease.until]);
            return Err(fault);
        }
        Err(fault) => return Err(fault),
    };
    if !tx.try_claim(BatchClaim::Message(tried.callback.about)) {
        return Ok(Taken::Left);
    }
    if callback::on_lease(&tried.callback) == OnLease::Withdraw {
        write::after_try(tx, &tried, &callback::withdraw(&tried.callback, now), now).await?;
        return Ok(Taken::Withdrawn);
    }
    tx.write(&statements::LEASE_CALLBACK, values![id, lease.owner, lease.until]);
    let Some(body) = body? else { return Ok(Taken::Left) };
    Ok(Taken::Leased(Box::new(tried::read(&body, lease)?)))
}

/// A try to deliver a callback ends.
pub(super) async fn settle(
    tx: &BatchTx,
    id: Id,
    owner: Owner,
    outcome: &CallbackOutcome,
    now: Timestamp,
) -> BatchResult<HandedOn<()>> {
    let found = match outcome {
        CallbackOutcome::Delivered => tried::look_at(tx, id).await?,
        _ => tried::find(tx, id).await?,
    };
    let Some(tried) = found else {
        if tx.is_again() {
            // It was stored by a try of which nobody heard.
            tx.answer_after_commit();
            return Ok(HandedOn::nothing(()));
        }
        return Err(StoreError::LostLease.into());
    };
    tx.claim(BatchClaim::Message(tried.callback.about))?;
    callback::held(Some(tried.callback), owner)?;
    let after = callback::settle(&tried.callback, outcome, now);
    let freed = write::after_try(tx, &tried, &after, now).await?;
    taken::hand_over(tx, (), Vec::new(), freed.into_iter().collect()).await
}

/// Gives back callbacks whose delivery was not begun.
pub(super) fn release(tx: &BatchTx, ids: &[Id], owner: Owner, now: Timestamp) {
    for id in ids {
        tx.write(&statements::RELEASE_CALLBACK, values![*id, owner, now]);
    }
}
