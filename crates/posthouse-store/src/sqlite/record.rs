//! Reading rows: a value that cannot be one of ours names its table, column and row.

use std::{cell::Cell, fmt};

use jiff::Timestamp;
use mm7::{MmStatus, StatusCode};
use posthouse_core::{
    Id,
    life::{intervention::CallbackSays, read_reply::ReadStatus, state::State},
    message::Reason,
    store::StoreError,
};
use rusqlite::{
    Row, Rows,
    types::{FromSql, ValueRef},
};
use serde::de::DeserializeOwned;

use super::fault::{Result, StoreFault};
pub(crate) use crate::stored::{corrupt, time};

/// Every row of a query, as it is read.
pub(super) fn read_all<T>(mut rows: Rows<'_>, read: impl Fn(&Row<'_>) -> Result<T>) -> Result<Vec<T>> {
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

/// A row of a table, which tells where it stands when a value cannot be read.
pub(crate) struct Record<'a, K = i64> {
    table: &'static str,
    key: K,
    row: &'a Row<'a>,
    /// Behind the column that was read last: most are read in their order, and looking one up by its name compares all before it.
    next: Cell<usize>,
}

impl<'a> Record<'a> {
    /// A row of a table whose key is the column `id`.
    pub(crate) fn by_id(table: &'static str, row: &'a Row<'a>) -> Result<Self> {
        let id: i64 = row.get("id")?;
        Ok(Self::new(table, id, row))
    }
}

impl<'a, K: fmt::Display> Record<'a, K> {
    /// A row and its key, which is only used in errors.
    pub(crate) const fn new(table: &'static str, key: K, row: &'a Row<'a>) -> Self {
        Self { table, key, row, next: Cell::new(0) }
    }

    /// That this column holds something else than one of ours.
    pub(crate) fn corrupt(&self, column: &str, what: impl fmt::Display) -> StoreError {
        corrupt(self.table, column, &self.key, what)
    }

    fn raw(&self, column: &str) -> Result<ValueRef<'_>> {
        let (statement, next) = (self.row.as_ref(), self.next.get());
        let index = match statement.column_name(next) {
            Ok(name) if name == column => next,
            _ => statement.column_index(column)?,
        };
        self.next.set(index + 1);
        Ok(self.row.get_ref(index)?)
    }

    /// A value as SQLite has it.
    pub(crate) fn value<T: FromSql>(&self, column: &str) -> Result<T> {
        let raw = self.raw(column)?;
        T::column_result(raw).map_err(|error| self.corrupt(column, error).into())
    }

    /// Whether there is a value at all.
    pub(crate) fn has(&self, column: &str) -> Result<bool> {
        Ok(self.raw(column)? != ValueRef::Null)
    }

    /// A value that has to be one that `read` knows.
    pub(crate) fn known<R: FromSql, T>(&self, column: &str, read: impl Fn(R) -> Option<T>) -> Result<T> {
        let raw = self.value(column)?;
        read(raw).ok_or_else(|| self.corrupt(column, "no value of this kind").into())
    }

    /// An id.
    pub(crate) fn id(&self, column: &str) -> Result<Id> {
        self.known(column, Id::from_number)
    }

    /// A time.
    pub(crate) fn time(&self, column: &str) -> Result<Timestamp> {
        self.value(column).map(time)
    }

    /// A state.
    pub(crate) fn state(&self, column: &str) -> Result<State> {
        self.known(column, State::from_number)
    }

    /// A delivery status, by name.
    pub(crate) fn status(&self, column: &str) -> Result<MmStatus> {
        MmStatus::from_name(self.text(column)?)
            .ok_or_else(|| self.corrupt(column, "no value of this kind").into())
    }

    /// A reason, where there is one.
    pub(crate) fn reason(&self, column: &str) -> Result<Option<Reason>> {
        if !self.has(column)? {
            return Ok(None);
        }
        self.known(column, |code: u32| StatusCode::from_code(code).map(Reason)).map(Some)
    }

    /// A read status, by name.
    pub(crate) fn read_status(&self, column: &str) -> Result<ReadStatus> {
        ReadStatus::from_name(self.text(column)?)
            .ok_or_else(|| self.corrupt(column, "no value of this kind").into())
    }

    /// What a callback says, from its columns `status` and `read_status`.
    pub(crate) fn says(&self) -> Result<CallbackSays> {
        Ok(if self.has("status")? {
            CallbackSays::Report(self.status("status")?)
        } else if self.has("read_status")? {
            CallbackSays::ReadReply(self.read_status("read_status")?)
        } else {
            CallbackSays::Mo
        })
    }

    /// A JSON document.
    pub(crate) fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T> {
        serde_json::from_str(self.text(column)?).map_err(|error| self.corrupt(column, error).into())
    }

    /// A text, where it stands.
    fn text(&self, column: &str) -> Result<&str> {
        self.raw(column)?.as_str().map_err(|error| self.corrupt(column, error).into())
    }
}

/// Leaves out what cannot be read, loudly: it stays leased, so that it does not hold up what comes behind it, and comes
/// up again when the lease ends.
pub(crate) fn readable<T>(rows: impl Iterator<Item = Result<T>>) -> Result<Vec<T>> {
    let mut good = Vec::new();
    for row in rows {
        match row {
            Ok(row) => good.push(row),
            Err(StoreFault::Store(error @ StoreError::Corrupt { .. })) => {
                tracing::error!(%error, "work left out");
            }
            Err(fault) => return Err(fault),
        }
    }
    Ok(good)
}
