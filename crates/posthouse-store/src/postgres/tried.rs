//! A callback that somebody tried to deliver: how it stood, what it carried, and how that ended.

use jiff::Timestamp;
use posthouse_core::{
    Id,
    account::AccountName,
    bounds::TRIES,
    carrier::CarrierId,
    life::{
        callback::{CallbackAttempt, CallbackRow, TriedCallback},
        intervention::CallbackSays,
    },
    store::{Callback, CallbackBody, Lease},
};
use tokio_postgres::Row;

use super::{
    batch::BatchTx,
    fault::BatchResult,
    record::{PgRow, time},
    statements,
    value::values,
};

/// A callback that somebody tried to deliver, with what its row has beside that.
pub(super) struct Tried {
    pub(super) id: Id,
    pub(super) callback: TriedCallback,
    pub(super) at: Timestamp,
    pub(super) account: AccountName,
    pub(super) carrier: CarrierId,
    /// Which version of its row this is, where that is not locked.
    pub(super) version: Option<i64>,
}

/// The callback of this id as it is, to be taken away. It is not locked: who changes it beside this, or has another one wait behind it, is
/// found out as it is written.
pub(super) async fn look_at(tx: &BatchTx, id: Id) -> BatchResult<Option<Tried>> {
    let Some(row) = tx.read_one(&statements::CALLBACK_TRIED, values![id]).await? else { return Ok(None) };
    let version = PgRow::by_id("callback", &row)?.value("version")?;
    Ok(Some(Tried { version, ..read_tried(&row)? }))
}

/// The callback of this id, locked.
pub(super) async fn find(tx: &BatchTx, id: Id) -> BatchResult<Option<Tried>> {
    // The lock is waited for first, so that what is read behind it is of after the wait.
    let (locked, tried) = tokio::join!(biased;
        tx.read_one(&statements::CALLBACK_LOCK, values![id]),
        tx.read_one(&statements::CALLBACK_TRIED, values![id]));
    locked?;
    tried?.map(|row| read_tried(&row)).transpose()
}

fn read_tried(row: &Row) -> BatchResult<Tried> {
    let record = PgRow::by_id("callback", row)?;
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
        version: None,
    })
}

/// A callback from its row with all that it carries.
pub(super) fn read(row: &Row, lease: Lease) -> BatchResult<Callback> {
    let record = PgRow::by_id("callback", row)?;
    let about = PgRow::new("message", record.value::<i64>("message")?, row);
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
            CallbackBody::Mo(PgRow::new("mo", record.value::<i64>("message")?, row).json("document")?)
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

/// Keeps a try. At the end of a round, and while it is a long one, the oldest of the callback are forgotten that are too many.
pub(super) fn note(tx: &BatchTx, tried: &Tried, attempt: &CallbackAttempt) {
    let CallbackAttempt { at, ended, said } = attempt;
    let (id, about) = (tried.id, tried.callback.about);
    let status = said.http_status.map(i64::from);
    let values = values![id, *at, about, ended.as_str(), status, &said.words, said.body.clone()];
    tx.write(&statements::PUT_TRY, values);
    if attempt.may_be_too_many(tried.callback.row.attempts) {
        // One more is written beside this.
        tx.write(&statements::TRIM_TRIES, values![id, TRIES.saturating_sub(1)]);
    }
    if attempt.is_failure() {
        tx.write(&statements::ENDPOINT_FAILS, values![&tried.account, *at, status, &said.words]);
    }
}
