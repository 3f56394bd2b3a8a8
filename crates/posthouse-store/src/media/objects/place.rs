//! What a place for objects must do, and how objects are named.

use std::{fmt, ops::Range, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use jiff::{civil::Date, tz::TimeZone};
use posthouse_core::{Id, store::ErrorCause};

/// How long a place may take for one operation.
pub(crate) const DEADLINE: Duration = Duration::from_secs(10);

/// The name of the object that says whose a place is.
pub(crate) const MARKER: &str = "posthouse-store";

/// The number of an object, as rows have it: made as a MessageID is, so it tells when and by which node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ObjectId(pub(crate) Id);

impl ObjectId {
    /// The day (UTC) that the object belongs to: none of its messages is of a later one.
    pub(crate) fn day(self) -> Date {
        TimeZone::UTC.to_datetime(self.0.time()).date()
    }

    /// The node that wrote it.
    pub(crate) const fn node(self) -> i64 {
        (self.0.number() >> 13) & 0xff
    }

    /// Its name in its place: day, node, number. What begins with a day's name goes with that day.
    pub(crate) fn name(self) -> String {
        format!("{}/{:03}/{:016x}", self.day(), self.node(), self.0.number())
    }

    /// The object of a name; `None` where it is not one of ours.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        let number = i64::from_str_radix(name.rsplit('/').next()?, 16).ok()?;
        Id::from_number(number).map(Self).filter(|object| object.name() == name)
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

/// An object that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ListedObject {
    /// Which.
    pub(crate) id: ObjectId,
    /// Its length in bytes.
    pub(crate) bytes: u64,
}

/// Why a place did not do what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PlaceError {
    /// It does not answer, or says that it cannot at present. Of something to be written it is unknown whether it was.
    Unavailable(ErrorCause),
    /// There is no such object.
    Missing,
    /// There is one of this name already; nothing was written.
    Exists,
    /// It does not let us: credentials, rights, a bucket that is not there. Nothing was written.
    Denied(ErrorCause),
    /// There is no room for it.
    Full,
}

impl PlaceError {
    /// [`PlaceError::Unavailable`] for this cause.
    pub(crate) fn unavailable(cause: impl Into<ErrorCause>) -> Self {
        Self::Unavailable(cause.into())
    }
}

impl fmt::Display for PlaceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable(cause) => write!(f, "it does not answer: {cause}"),
            Self::Missing => f.write_str("there is no such object"),
            Self::Exists => f.write_str("there is an object of this name already"),
            Self::Denied(cause) => write!(f, "it refuses: {cause}"),
            Self::Full => f.write_str("there is no room"),
        }
    }
}

/// A place for objects that all nodes reach. Each operation ends within about [`DEADLINE`]; what it could not do by then is
/// [`Unavailable`](PlaceError::Unavailable), and never taken for [`Missing`](PlaceError::Missing).
#[async_trait]
pub(crate) trait ObjectPlace: fmt::Debug + fmt::Display + Send + Sync + 'static {
    /// Writes an object of this name, the pieces one behind the other. It is durable when this returns. An object is never changed.
    ///
    /// # Errors
    /// [`Exists`](PlaceError::Exists) where there is one: also where an attempt of ours wrote it, whose answer was lost.
    async fn create(&self, name: &str, pieces: &[Bytes]) -> Result<(), PlaceError>;

    /// The bytes of an object within a range; fewer, where it ends earlier.
    ///
    /// # Errors
    /// [`Missing`](PlaceError::Missing) where the place says that there is no such object.
    async fn read(&self, name: &str, range: Range<u64>) -> Result<Bytes, PlaceError>;

    /// The objects of a day, in the order of their names, from behind `after`, at most `limit`. What is not named as objects are is left
    /// out.
    ///
    /// # Errors
    /// Those of the place.
    async fn list(
        &self,
        day: Date,
        after: Option<ObjectId>,
        limit: usize,
    ) -> Result<Vec<ListedObject>, PlaceError>;

    /// Removes objects, at most a thousand; that there are none is no error.
    ///
    /// # Errors
    /// Those of the place: some may be gone.
    async fn remove(&self, names: &[String]) -> Result<(), PlaceError>;

    /// A day has no objects any more: removes what else bears its name, such as folders.
    ///
    /// # Errors
    /// Those of the place.
    async fn forget_day(&self, day: Date) -> Result<(), PlaceError>;
}

#[cfg(test)]
mod tests {
    use posthouse_core::id::IdSource;

    use super::*;

    #[test]
    fn an_objects_name_says_day_and_node_and_reads_back() {
        let time = "2026-11-29T23:59:59.999Z".parse().unwrap();
        let id = ObjectId(IdSource::new(7, None).next(time));
        assert_eq!(id.name(), "2026-11-29/007/02acedcbffe0e000");
        assert_eq!(ObjectId::from_name(&id.name()), Some(id));
        for name in ["", "posthouse-store", "2026-11-28/007/02acedcbffe0e000", "2026-11-29/007/zz"] {
            assert_eq!(ObjectId::from_name(name), None, "{name}");
        }
    }
}
