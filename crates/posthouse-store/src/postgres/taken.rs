//! Callbacks that are leased as they become due, to whoever takes them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use posthouse_core::{
    Id,
    account::AccountName,
    carrier::CarrierId,
    life::{effects::NewCallback, intervention::CallbackSays},
    message::Reason,
    store::{Callback, CallbackBody, HandedOn, Lease, StoreError},
};

use super::{
    batch::BatchTx,
    fault::{BatchFault, BatchResult},
    record::{PgRow, corrupt, readable},
    statements, tried,
    value::values,
};

/// One that was taken, as far as it is known without its message.
pub(super) struct TakenCallback {
    pub(super) id: Id,
    pub(super) about: Id,
    pub(super) account: AccountName,
    pub(super) carrier: CarrierId,
    pub(super) owed: NewCallback,
    pub(super) lease: Lease,
    /// Of a report on a refusal.
    pub(super) reason: Option<Reason>,
    /// Of the same.
    pub(super) details: Option<String>,
    /// Of a read reply.
    pub(super) time_stamp: Option<Timestamp>,
}

/// An operation's answer, with what was handed on: new ones, those that waited and are due now, and a message from a handset.
pub(super) async fn hand_over<T>(
    tx: &BatchTx,
    answer: T,
    new: Vec<TakenCallback>,
    freed: Vec<(Id, Lease)>,
) -> BatchResult<HandedOn<T>> {
    let reading_new = futures_util::future::join_all(new.into_iter().map(|taken| read_new(tx, taken)));
    let freed = freed.into_iter().map(|(id, lease)| read_freed(tx, id, lease));
    let (new, freed) = tokio::join!(biased; reading_new, futures_util::future::join_all(freed));
    let callbacks: BTreeMap<Id, Callback> =
        readable(new.into_iter().chain(freed))?.into_iter().map(|callback| (callback.id, callback)).collect();
    Ok(HandedOn { answer, callbacks: callbacks.into_values().collect(), left_due: tx.has_left_due() })
}

async fn read_new(tx: &BatchTx, taken: TakenCallback) -> BatchResult<Callback> {
    let row = tx.read_one(&statements::CARRIED, values![taken.about]).await?;
    let row = row.ok_or(StoreError::NotFound("message"))?;
    let submission = PgRow::by_id("message", &row)?.json("submission")?;
    let no_time = || BatchFault::from(corrupt("read_reply", "time_stamp", taken.about, "there is none"));
    let body = match taken.owed.says {
        CallbackSays::Report(status) => {
            CallbackBody::Report { status, reason: taken.reason, details: taken.details, submission }
        }
        CallbackSays::ReadReply(status) => {
            CallbackBody::ReadReply { status, time_stamp: taken.time_stamp.ok_or_else(no_time)?, submission }
        }
        CallbackSays::Mo => return Err(corrupt("callback", "status", taken.id, "it is a message's").into()),
    };
    Ok(Callback {
        id: taken.id,
        message: taken.about,
        account: taken.account,
        carrier: taken.carrier,
        body,
        at: taken.owed.at,
        attempts: 0,
        lease: taken.lease,
    })
}

async fn read_freed(tx: &BatchTx, id: Id, lease: Lease) -> BatchResult<Callback> {
    let row = tx.read_one(&statements::CALLBACK_BODY, values![id]).await?;
    tried::read(&row.ok_or(StoreError::NotFound("callback"))?, lease)
}
