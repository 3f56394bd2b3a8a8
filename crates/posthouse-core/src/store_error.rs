//! Why an operation of the [store](crate::store) was not carried out, and what a caller may do about it. Rules say so as well as backends.

use std::{borrow::Cow, error::Error, fmt, sync::Arc, time::Duration};

/// How long a search may take. What takes longer is given up with [`StoreError::TooWide`]: others wait for
/// what it reads with.
pub const SEARCH_TIME: Duration = Duration::from_secs(2);

/// Why an operation was not carried out.
///
/// What a caller has to know first is whether anything was written. Of every variant but [`Failed`](Self::Failed) it is
/// known that nothing was: whoever asked may ask again without doing anything twice ([`StoreError::wrote_nothing`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// Free disk space is below the low-water mark, or the disk is full. Nothing was written.
    /// Shed load (3510) and ask again later; what ends work is still taken while there is any space.
    Full,
    /// The backend has as much to do as it may hold. Nothing was written.
    /// Shed load (3510), or ask again in a moment.
    Overloaded,
    /// The store is away: it cannot be reached, or cannot make anything durable at present. Nothing was written.
    /// Shed load (3510), or keep what is in hand and ask again after this time till it is back.
    Unavailable {
        /// After which time it is worth asking again.
        retry_after: Duration,
    },
    /// The store was closed. Nothing was written. It stays closed: give up.
    Closed,
    /// The backend does not take this operation: a visitor may not do it, or the value cannot be written down. Nothing was
    /// written. Asking again has the same answer: give up.
    Refused(ErrorCause),
    /// The backend could not do it, and nothing was written: it was undone, or never begun. Ask again, a few times at most:
    /// what is in its way may pass.
    NotDone(ErrorCause),
    /// Another owner holds the work by now, or it is finished. Nothing was written. Leave the work alone.
    LostLease,
    /// Provisioning is not at the revision that the change was planned for. Nothing was written.
    /// Plan anew on what is there now.
    RevisionMoved {
        /// The revision that was expected.
        expected: u64,
        /// The revision there is.
        found: u64,
    },
    /// A search took longer than [one may](SEARCH_TIME), and was given up. Nothing was written. Ask for less.
    TooWide,
    /// There is no such thing (any more). Nothing was written.
    NotFound(&'static str),
    /// What is stored cannot be read. Nothing was written. Asking again has the same answer; an operator has to look.
    Corrupt {
        /// Table, column and row.
        place: String,
        /// What is wrong with it.
        what: String,
    },
    /// The backend failed, and whether the operation was carried out is unknown. Never ask again for what must not
    /// happen twice; look what is there instead.
    Failed(ErrorCause),
}

/// The result of a store's operation.
pub type StoreResult<T, E = StoreError> = Result<T, E>;

impl StoreError {
    /// [`StoreError::NotDone`] for this cause.
    pub fn not_done(cause: impl Into<ErrorCause>) -> Self {
        Self::NotDone(cause.into())
    }

    /// [`StoreError::Refused`] for this cause.
    pub fn refused(cause: impl Into<ErrorCause>) -> Self {
        Self::Refused(cause.into())
    }

    /// [`StoreError::Failed`] for this cause.
    pub fn failed(cause: impl Into<ErrorCause>) -> Self {
        Self::Failed(cause.into())
    }

    /// Whether it is known that nothing was written.
    pub const fn wrote_nothing(&self) -> bool {
        !matches!(self, Self::Failed(_))
    }

    /// Whether nothing was written and what is in the way may pass: the same operation may be asked for again after a
    /// moment, and is then carried out once at most.
    pub const fn may_pass(&self) -> bool {
        matches!(self, Self::Full | Self::Overloaded | Self::Unavailable { .. } | Self::NotDone(_))
    }

    /// Whether nothing was written for a reason that no caller has a part in, and that passes by itself sooner or later: the store
    /// is away, short of space, or has as much to do as it may hold. New work is shed then; what is known here alone is kept.
    pub const fn passes_by_itself(&self) -> bool {
        matches!(self, Self::Full | Self::Overloaded | Self::Unavailable { .. })
    }

    /// What the backend failed with, if it was the backend.
    pub const fn cause(&self) -> Option<&ErrorCause> {
        match self {
            Self::Refused(cause) | Self::NotDone(cause) | Self::Failed(cause) => Some(cause),
            _ => None,
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("the store is short of disk space"),
            Self::Overloaded => f.write_str("the store is overloaded"),
            Self::Unavailable { .. } => f.write_str("the store is away"),
            Self::Closed => f.write_str("the store failed: it is closed"),
            Self::Refused(cause) | Self::NotDone(cause) | Self::Failed(cause) => {
                write!(f, "the store failed: {cause}")
            }
            Self::LostLease => f.write_str("the lease was lost"),
            Self::RevisionMoved { expected, found } => {
                write!(f, "provisioning is at revision {found}, and not at {expected} any more")
            }
            Self::TooWide => {
                write!(f, "the search is too wide: it was given up after {} s", SEARCH_TIME.as_secs())
            }
            Self::NotFound(what) => write!(f, "there is no {what}"),
            Self::Corrupt { place, what } => write!(f, "{place} cannot be read: {what}"),
        }
    }
}

impl Error for StoreError {
    /// What lies behind the [cause](StoreError::cause), whose own words are in this error's already.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause()?.error().source()
    }
}

/// What a backend failed with: an error of any kind, kept whole, so that it can be looked into. It is cheap to clone, for one
/// failed commit may be the answer to a thousand operations.
#[derive(Clone, Debug)]
pub struct ErrorCause {
    context: Cow<'static, str>,
    error: Arc<dyn Error + Send + Sync>,
}

impl ErrorCause {
    /// This error, which happened in the course of `context`.
    pub fn within(
        context: impl Into<Cow<'static, str>>,
        error: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self { context: context.into(), error: error.into().into() }
    }

    /// The error itself.
    pub fn error(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.error
    }
}

impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for ErrorCause {
    fn from(error: E) -> Self {
        Self::within("", error)
    }
}

impl fmt::Display for ErrorCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.context {
            "" => self.error.fmt(f),
            context => write!(f, "{context}: {}", self.error),
        }
    }
}

/// Causes are equal when they say the same.
impl PartialEq for ErrorCause {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl Eq for ErrorCause {}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn every_kind() -> [StoreError; 12] {
        [
            StoreError::Full,
            StoreError::Overloaded,
            StoreError::Unavailable { retry_after: Duration::from_secs(5) },
            StoreError::Closed,
            StoreError::refused("it was opened for a visit only"),
            StoreError::not_done("the disk was away"),
            StoreError::LostLease,
            StoreError::RevisionMoved { expected: 3, found: 4 },
            StoreError::TooWide,
            StoreError::NotFound("message"),
            StoreError::Corrupt {
                place: "message.state of row 7".into(),
                what: "no value of this kind".into(),
            },
            StoreError::failed("a commit failed"),
        ]
    }

    #[test]
    fn what_a_caller_may_do_is_known_of_each() {
        let known = every_kind().map(|error| (error.wrote_nothing(), error.may_pass()));
        let (passes, stays, unknown) = ((true, true), (true, false), (false, false));
        assert_eq!(
            known,
            [passes, passes, passes, stays, stays, passes, stays, stays, stays, stays, stays, unknown],
            "{:?}",
            every_kind()
        );
    }

    #[test]
    fn each_says_what_happened() {
        let words = every_kind().map(|error| error.to_string());
        assert_eq!(
            words,
            [
                "the store is short of disk space",
                "the store is overloaded",
                "the store is away",
                "the store failed: it is closed",
                "the store failed: it was opened for a visit only",
                "the store failed: the disk was away",
                "the lease was lost",
                "provisioning is at revision 4, and not at 3 any more",
                "the search is too wide: it was given up after 2 s",
                "there is no message",
                "message.state of row 7 cannot be read: no value of this kind",
                "the store failed: a commit failed",
            ]
        );
    }

    #[test]
    fn causes_are_kept_and_told_once() {
        let full = io::Error::new(io::ErrorKind::StorageFull, StoreError::LostLease);
        let error = StoreError::NotDone(ErrorCause::within("media", full));
        assert_eq!(error.to_string(), "the store failed: media: the lease was lost");
        let kept: &io::Error = error.cause().unwrap().error().downcast_ref().unwrap();
        assert_eq!(kept.kind(), io::ErrorKind::StorageFull);
        assert_eq!(error.clone(), error);
        assert_ne!(error, StoreError::not_done("the lease was lost"), "it does not say where");
    }
}
