//! What goes wrong below the store's traits, and what those call it.

use std::{error::Error, fmt, io};

use posthouse_core::store::{ErrorCause, StoreError};
use rusqlite::ErrorCode;

/// The result of a step inside a transaction.
pub(crate) type Result<T, E = StoreFault> = std::result::Result<T, E>;

/// What a step inside a transaction fails with.
#[derive(Debug)]
pub(crate) enum StoreFault {
    /// Decided here.
    Store(StoreError),
    /// SQLite's own.
    Sqlite(rusqlite::Error),
    /// A segment file's.
    Io(io::Error),
}

impl StoreFault {
    /// Whether it is for want of space: then nothing was written and nothing is lost.
    pub(crate) fn is_full(&self) -> bool {
        match self {
            Self::Store(error) => *error == StoreError::Full,
            Self::Sqlite(error) => error.sqlite_error_code() == Some(ErrorCode::DiskFull),
            Self::Io(error) => {
                matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
            }
        }
    }

    /// Whether reading or writing a file failed.
    pub(crate) fn is_io(&self) -> bool {
        match self {
            Self::Sqlite(error) => error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure),
            Self::Io(_) => true,
            Self::Store(_) => false,
        }
    }

    /// Whether another process holds the database: then nothing was written either.
    pub(crate) fn is_busy(&self) -> bool {
        let busy = [Some(ErrorCode::DatabaseBusy), Some(ErrorCode::DatabaseLocked)];
        matches!(self, Self::Sqlite(error) if busy.contains(&error.sqlite_error_code()))
    }
}

impl fmt::Display for StoreFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => error.fmt(f),
            Self::Sqlite(error) => error.fmt(f),
            Self::Io(error) => write!(f, "media: {error}"),
        }
    }
}

impl From<StoreError> for StoreFault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<rusqlite::Error> for StoreFault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<io::Error> for StoreFault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// It may be the cause of a [`StoreError`].
impl Error for StoreFault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Store(error) => error.source(),
            Self::Sqlite(error) => error.source(),
            Self::Io(error) => error.source(),
        }
    }
}

/// A fault is one of a read, or of a transaction that was undone: nothing was written.
impl From<StoreFault> for StoreError {
    fn from(fault: StoreFault) -> Self {
        match fault {
            StoreFault::Store(error) => error,
            fault if fault.is_full() => Self::Full,
            fault if fault.is_busy() => Self::Overloaded,
            StoreFault::Sqlite(error) => Self::not_done(error),
            StoreFault::Io(error) => Self::NotDone(ErrorCause::within("media", error)),
        }
    }
}
