//! What goes wrong within a batch, and what the store's traits call it.

use std::fmt;

use posthouse_core::store::{ErrorCause, StoreError};
use tokio_postgres::error::SqlState;

/// The result of a step inside a transaction.
pub(super) type BatchResult<T, E = BatchFault> = std::result::Result<T, E>;

/// What a step inside a transaction fails with.
#[derive(Debug)]
pub(super) enum BatchFault {
    /// Decided here. Nothing of the operation is written; the others of its batch are.
    Store(StoreError),
    /// Decided here, after something was written in the middle: the whole transaction has to be undone.
    Undo(StoreError),
    /// Another operation of the batch is about to change the same: it comes again in the next one.
    Deferred,
    /// The server's, or the way to it.
    Database(tokio_postgres::Error),
    /// The batch ended before this step was done: it is done again with it.
    Abandoned,
}

impl From<StoreError> for BatchFault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<tokio_postgres::Error> for BatchFault {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(error)
    }
}

/// What is to be done about an error of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ServerRemedy {
    /// The connection is gone, or goes: everything again on the next one.
    Reconnect,
    /// Others were in the way: everything again.
    Again,
    /// A partition is not there: everything again once it is.
    Partition,
    /// Something in the batch: again in halves, at last alone.
    Split,
}

/// What is to be done about this error.
pub(super) fn remedy(error: &tokio_postgres::Error) -> ServerRemedy {
    let Some(state) = error.code() else {
        return if is_lost(error) { ServerRemedy::Reconnect } else { ServerRemedy::Split };
    };
    match *state {
        SqlState::T_R_SERIALIZATION_FAILURE
        | SqlState::T_R_DEADLOCK_DETECTED
        | SqlState::LOCK_NOT_AVAILABLE
        // A row is not any more what was read of it, or is gone.
        | SqlState::DIVISION_BY_ZERO => ServerRemedy::Again,
        SqlState::CHECK_VIOLATION => ServerRemedy::Partition,
        // A standby that was promoted elsewhere, or a primary that is none any more.
        SqlState::READ_ONLY_SQL_TRANSACTION
        | SqlState::ADMIN_SHUTDOWN
        | SqlState::CRASH_SHUTDOWN
        | SqlState::CANNOT_CONNECT_NOW
        | SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT => ServerRemedy::Reconnect,
        _ if state.code().starts_with("08") => ServerRemedy::Reconnect,
        _ => ServerRemedy::Split,
    }
}

/// Whether the connection is gone.
pub(super) fn is_lost(error: &tokio_postgres::Error) -> bool {
    let is_io = |error: &(dyn std::error::Error + 'static)| error.is::<std::io::Error>();
    error.is_closed() || std::error::Error::source(error).is_some_and(is_io)
}

/// An error of the server in words: what it says, and not only that it said something.
pub(super) struct ServerSaid<'a>(pub(super) &'a tokio_postgres::Error);

impl fmt::Display for ServerSaid<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(error) = self.0.as_db_error() {
            return write!(f, "{} ({})", error.message(), error.code().code());
        }
        write!(f, "{}", self.0)?;
        let mut source = std::error::Error::source(self.0);
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

/// What an error of the server means for one operation, of which nothing was written.
pub(super) fn refused(error: &tokio_postgres::Error) -> StoreError {
    match error.code() {
        Some(state) if *state == SqlState::DISK_FULL => StoreError::Full,
        // The guard of statements that have to touch each row once.
        Some(state) if *state == SqlState::DIVISION_BY_ZERO => StoreError::Corrupt {
            place: "rows that belong together".to_owned(),
            what: "one that was read in this transaction was not there to be changed".to_owned(),
        },
        _ => StoreError::NotDone(ErrorCause::within("PostgreSQL", ServerSaid(error).to_string())),
    }
}

/// What a read fails with.
impl From<BatchFault> for StoreError {
    fn from(fault: BatchFault) -> Self {
        match fault {
            BatchFault::Store(error) | BatchFault::Undo(error) => error,
            BatchFault::Database(error) => refused(&error),
            BatchFault::Deferred | BatchFault::Abandoned => Self::Overloaded,
        }
    }
}
