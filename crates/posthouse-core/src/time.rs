//! Time as the rules see it: an argument. Only the program's outermost layer knows the real clock.

use jiff::Timestamp;

/// A time that is not believed yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// What the clock says.
    pub said: Timestamp,
    /// What time it is taken to be.
    pub taken: Timestamp,
}

/// Tells the time.
pub trait Clock: Send + Sync + 'static {
    /// The present instant. It may jump either way: an operator sets a clock.
    fn now(&self) -> Timestamp;

    /// What it says beneath, while that is [not believed](crate::steady).
    fn doubt(&self) -> Option<Doubt> {
        None
    }

    /// A gateway was last seen at that time.
    fn go_on_from(&self, _seen: Timestamp) {}

    /// Somebody has confirmed it when it said this. Whether that ended a doubt.
    fn confirm(&self, _confirmed: Timestamp) -> bool {
        false
    }
}

/// Adds a duration, stopping at the end of time instead of failing.
pub fn after(time: Timestamp, duration: std::time::Duration) -> Timestamp {
    time.checked_add(duration).unwrap_or(Timestamp::MAX)
}

/// Durations in JSON as whole milliseconds.
pub(crate) mod serde_duration {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(duration: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_millis)
    }
}
