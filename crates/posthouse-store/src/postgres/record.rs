//! Reading rows: a value that cannot be one of ours names its table, column and row.

use std::fmt;

use jiff::Timestamp;
use mm7::{MmStatus, StatusCode};
use posthouse_core::{
    Id,
    life::{intervention::CallbackSays, read_reply::ReadStatus, state::State},
    message::Reason,
    store::{Owner, StoreError},
};
use serde::de::DeserializeOwned;
use tokio_postgres::{Row, types::FromSql};

use super::fault::{BatchFault, BatchResult};
pub(super) use crate::stored::{corrupt, time};

/// A row of a table, which tells where it stands when a value cannot be read.
pub(super) struct PgRow<'a> {
    table: &'static str,
    key: String,
    row: &'a Row,
}

impl<'a> PgRow<'a> {
    /// A row of a table whose key is the column `id`.
    pub(super) fn by_id(table: &'static str, row: &'a Row) -> BatchResult<Self> {
        Ok(Self::new(table, row.try_get::<_, i64>("id")?, row))
    }

    /// A row and its key, which is only used in errors.
    pub(super) fn new(table: &'static str, key: impl fmt::Display, row: &'a Row) -> Self {
        Self { table, key: key.to_string(), row }
    }

    /// That this column holds something else than one of ours.
    pub(super) fn corrupt(&self, column: &str, what: impl fmt::Display) -> BatchFault {
        corrupt(self.table, column, &self.key, what).into()
    }

    /// A value as Postgres has it.
    pub(super) fn value<T: FromSql<'a>>(&self, column: &str) -> BatchResult<T> {
        self.row.try_get(column).map_err(|error| self.corrupt(column, error))
    }

    /// A value that has to be one that `read` knows.
    pub(super) fn known<R: FromSql<'a>, T>(
        &self,
        column: &str,
        read: impl FnOnce(R) -> Option<T>,
    ) -> BatchResult<T> {
        read(self.value(column)?).ok_or_else(|| self.corrupt(column, "no value of this kind"))
    }

    /// A number that is not negative and not large.
    pub(super) fn count(&self, column: &str) -> BatchResult<u32> {
        self.known(column, |number: i64| u32::try_from(number).ok())
    }

    /// An id.
    pub(super) fn id(&self, column: &str) -> BatchResult<Id> {
        self.known(column, Id::from_number)
    }

    /// A time.
    pub(super) fn time(&self, column: &str) -> BatchResult<Timestamp> {
        self.value(column).map(time)
    }

    /// A time, where there is one.
    pub(super) fn time_if_any(&self, column: &str) -> BatchResult<Option<Timestamp>> {
        Ok(self.value::<Option<i64>>(column)?.map(time))
    }

    /// An owner, where there is one.
    pub(super) fn owner(&self, column: &str) -> BatchResult<Option<Owner>> {
        Ok(self.value::<Option<i64>>(column)?.map(Owner))
    }

    /// A state.
    pub(super) fn state(&self, column: &str) -> BatchResult<State> {
        self.known(column, |number: i64| u8::try_from(number).ok().and_then(State::from_number))
    }

    /// A state, where there is one.
    pub(super) fn state_if_any(&self, column: &str) -> BatchResult<Option<State>> {
        match self.value::<Option<i64>>(column)? {
            None => Ok(None),
            Some(_) => self.state(column).map(Some),
        }
    }

    /// A delivery status, by name.
    pub(super) fn status(&self, column: &str) -> BatchResult<MmStatus> {
        self.known(column, |name: &str| MmStatus::from_name(name))
    }

    /// A reason, where there is one.
    pub(super) fn reason(&self, column: &str) -> BatchResult<Option<Reason>> {
        let Some(code) = self.value::<Option<i64>>(column)? else { return Ok(None) };
        let known = u32::try_from(code).ok().and_then(StatusCode::from_code);
        known.map(|code| Some(Reason(code))).ok_or_else(|| self.corrupt(column, "no value of this kind"))
    }

    /// A read status, by name.
    pub(super) fn read_status(&self, column: &str) -> BatchResult<ReadStatus> {
        self.known(column, |name: &str| ReadStatus::from_name(name))
    }

    /// What a callback says, from its columns `status` and `read_status`.
    pub(super) fn says(&self) -> BatchResult<CallbackSays> {
        Ok(if self.value::<Option<&str>>("status")?.is_some() {
            CallbackSays::Report(self.status("status")?)
        } else if self.value::<Option<&str>>("read_status")?.is_some() {
            CallbackSays::ReadReply(self.read_status("read_status")?)
        } else {
            CallbackSays::Mo
        })
    }

    /// A JSON document.
    pub(super) fn json<T: DeserializeOwned>(&self, column: &str) -> BatchResult<T> {
        serde_json::from_str(self.value(column)?).map_err(|error| self.corrupt(column, error))
    }
}

/// Leaves out what cannot be read, loudly: it stays leased, so that it does not hold up what comes behind it, and comes
/// up again when the lease ends.
pub(super) fn readable<T>(rows: impl Iterator<Item = BatchResult<T>>) -> BatchResult<Vec<T>> {
    let mut good = Vec::new();
    for row in rows {
        match row {
            Ok(row) => good.push(row),
            Err(BatchFault::Store(error @ StoreError::Corrupt { .. })) => {
                tracing::error!(%error, "work left out");
            }
            Err(fault) => return Err(fault),
        }
    }
    Ok(good)
}
