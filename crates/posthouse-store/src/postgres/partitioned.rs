//! Which tables lie in partitions, and which partition a key is in.

use jiff::Timestamp;
use posthouse_core::Id;

/// An hour.
pub(super) const HOUR_MS: i64 = 3_600_000;

/// A table in partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Partitioned {
    /// `message`
    Message,
    /// `seen`
    Seen,
    /// `awaiting`
    Awaiting,
    /// `ended`
    Ended,
    /// `event`
    Event,
    /// `read_reply`
    ReadReply,
    /// `media`
    Media,
    /// `mo`
    Mo,
    /// `failed_attempt`
    FailedAttempt,
}

impl Partitioned {
    /// All of them.
    pub(super) const ALL: [Self; 9] = [
        Self::Message,
        Self::Seen,
        Self::Awaiting,
        Self::Ended,
        Self::Event,
        Self::ReadReply,
        Self::Media,
        Self::Mo,
        Self::FailedAttempt,
    ];

    /// Its name.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Seen => "seen",
            Self::Awaiting => "awaiting",
            Self::Ended => "ended",
            Self::Event => "event",
            Self::ReadReply => "read_reply",
            Self::Media => "media",
            Self::Mo => "mo",
            Self::FailedAttempt => "failed_attempt",
        }
    }

    /// How the rows of a partition are stored, as a clause of its definition (one that is divided itself has none of its own).
    ///
    /// A row of more than 2 KB would have its body cut into pieces in a table beside it, with an index: twice the work of the row as it is.
    /// Two rows of 4080 bytes fill a page; what is longer leaves more of one empty than it is worth.
    pub(super) const fn stored(self) -> &'static str {
        match self {
            Self::Media => "WITH (toast_tuple_target = 4080)",
            _ => "",
        }
    }

    /// How long each of its partitions is, in milliseconds.
    pub(super) const fn span(self) -> i64 {
        match self {
            Self::Seen | Self::Awaiting => 6 * HOUR_MS,
            _ => 24 * HOUR_MS,
        }
    }

    /// Which partition a key is in, by its number since 1970.
    pub(super) fn number(self, key: i64) -> i64 {
        match self {
            Self::Seen => key,
            _ => Id::from_number(key).map_or(0, |id| id.time().as_millisecond().div_euclid(self.span())),
        }
    }

    /// The first key of a partition.
    pub(super) fn first(self, number: i64) -> i64 {
        match self {
            Self::Seen => number,
            _ => {
                let time = Timestamp::from_millisecond(number.saturating_mul(self.span()));
                Id::first_at(time.unwrap_or(Timestamp::MAX)).number()
            }
        }
    }

    /// The name of a partition: when it begins, UTC.
    pub(super) fn partition(self, number: i64) -> String {
        let time = Timestamp::from_millisecond(number.saturating_mul(self.span())).unwrap_or(Timestamp::MAX);
        format!("{}_p{}", self.name(), time.strftime("%Y%m%d_%H"))
    }
}

/// The bucket of `seen` at a time.
pub(super) fn bucket(at: Timestamp) -> i64 {
    at.as_millisecond().div_euclid(Partitioned::Seen.span())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_in_the_partition_of_its_time() {
        let at = |milliseconds| Timestamp::from_millisecond(milliseconds).unwrap();
        let midnight = 1_790_035_200_000;
        for (table, time, name) in [
            (Partitioned::Message, midnight, "message_p20260922_00"),
            (Partitioned::Message, midnight - 1, "message_p20260921_00"),
            (Partitioned::Awaiting, midnight - 1, "awaiting_p20260921_18"),
        ] {
            let key = Id::first_at(at(time)).number();
            let number = table.number(key);
            assert_eq!(table.partition(number), name);
            assert!(table.first(number) <= key && key < table.first(number + 1), "{name}");
        }
        let bucket = bucket(at(midnight));
        assert_eq!(Partitioned::Seen.partition(Partitioned::Seen.number(bucket)), "seen_p20260922_00");
    }
}
