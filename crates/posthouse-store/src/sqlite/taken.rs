//! Callbacks that were leased as they became due, to whoever takes them.

use posthouse_core::{
    Id,
    account::AccountName,
    carrier::CarrierId,
    life::intervention::CallbackSays,
    message::Reason,
    store::{Callback, CallbackBody, HandedOn, Lease, StoreError},
};
use rusqlite::Row;
use serde::de::DeserializeOwned;

use super::{
    fault::{Result, StoreFault},
    job::{HandingOn, Tx},
    record::{Record, corrupt, readable, time},
};

/// One that was taken, with what it carries as that is written down: it is read elsewhere, for others wait for the writer.
pub(super) struct TakenCallbacks {
    id: Id,
    about: Id,
    account: String,
    carrier: String,
    at: i64,
    attempts: u32,
    lease: Lease,
    says: CallbackSays,
    reason: Option<Reason>,
    details: Option<String>,
    read_at: Option<i64>,
    document: String,
}

/// An answer, and what was handed on with it, as it is written down.
pub(super) struct Unread<T> {
    answer: T,
    taken: Vec<TakenCallbacks>,
    left_due: bool,
}

impl<T> Unread<T> {
    /// Loads what was handed on.
    pub(super) fn load(tx: &Tx<'_>, answer: T, handed: &HandingOn) -> Result<Self> {
        let taken = handed.taken.iter().map(|(id, lease)| load(tx, *id, *lease));
        Ok(Self { answer, taken: readable(taken)?, left_due: handed.left_due })
    }

    /// Reads it. What cannot be read is left out, and stays leased.
    pub(super) fn read(self) -> Result<HandedOn<T>, StoreError> {
        let callbacks = readable(self.taken.into_iter().map(TakenCallbacks::read))?;
        Ok(HandedOn { answer: self.answer, callbacks, left_due: self.left_due })
    }
}

fn load(tx: &Tx<'_>, id: Id, lease: Lease) -> Result<TakenCallbacks> {
    let mut statement = tx.prepare(
        "SELECT c.id, c.message, c.account, c.attempts, c.at, c.status, c.read_status,
                coalesce(m.carrier, o.carrier) AS carrier, m.reason, m.details, r.time_stamp,
                coalesce(m.submission, o.document) AS document
         FROM callback c LEFT JOIN message m ON m.id = c.message
                         LEFT JOIN mo o ON o.id = c.message AND m.id IS NULL
                         LEFT JOIN read_reply r ON r.message = c.message AND r.status = c.read_status
         WHERE c.id = ?",
    )?;
    let mut rows = statement.query([id.number()])?;
    let row = rows.next()?.ok_or(StoreError::NotFound("callback"))?;
    read_row(row, lease)
}

fn read_row(row: &Row<'_>, lease: Lease) -> Result<TakenCallbacks> {
    let callback = Record::by_id("callback", row)?;
    let (id, about) = (callback.id("id")?, callback.id("message")?);
    let message = Record::new("message", about, row);
    Ok(TakenCallbacks {
        id,
        about,
        account: callback.value("account")?,
        attempts: callback.value("attempts")?,
        at: callback.value("at")?,
        says: callback.says()?,
        carrier: message.value("carrier")?,
        reason: message.reason("reason")?,
        details: message.value("details")?,
        read_at: message.value("time_stamp")?,
        document: message.value("document")?,
        lease,
    })
}

impl TakenCallbacks {
    fn read(self) -> Result<Callback> {
        let body = match self.says {
            CallbackSays::Report(status) => CallbackBody::Report {
                status,
                submission: self.document("message", "submission")?,
                reason: self.reason,
                details: self.details,
            },
            CallbackSays::ReadReply(status) => CallbackBody::ReadReply {
                status,
                time_stamp: self.read_at.map(time).ok_or_else(|| self.no_time_stamp())?,
                submission: self.document("message", "submission")?,
            },
            CallbackSays::Mo => CallbackBody::Mo(self.document("mo", "document")?),
        };
        Ok(Callback {
            id: self.id,
            message: self.about,
            account: AccountName(self.account),
            carrier: CarrierId(self.carrier),
            body,
            at: time(self.at),
            attempts: self.attempts,
            lease: self.lease,
        })
    }

    fn document<D: DeserializeOwned>(&self, table: &str, column: &str) -> Result<D> {
        serde_json::from_str(&self.document).map_err(|error| corrupt(table, column, self.about, error).into())
    }

    fn no_time_stamp(&self) -> StoreFault {
        corrupt("read_reply", "time_stamp", self.about, "there is none").into()
    }
}
