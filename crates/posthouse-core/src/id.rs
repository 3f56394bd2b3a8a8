//! MessageIDs: decimal numbers of up to 19 digits that sort by time and are unique across nodes.

use std::{fmt, str::FromStr};

use jiff::Timestamp;

/// 2024-01-01T00:00:00Z in milliseconds: where the time part of an [`Id`] begins.
const EPOCH_MS: i64 = 1_704_067_200_000;
/// Bits for the sequence within a millisecond.
const SEQUENCE_BITS: u32 = 13;
/// Bits for the node.
const NODE_BITS: u32 = 8;

/// The number behind a MessageID (or LinkedID) of ours: 42 bits of milliseconds, 8 bits of node, 13 bits of sequence, so
/// it fits what VASPs of this field keep in a signed 64-bit integer, and is never negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(i64);

impl Id {
    /// The id of a stored number; `None` below zero.
    pub const fn from_number(number: i64) -> Option<Self> {
        if number < 0 { None } else { Some(Self(number)) }
    }

    /// The number as it is stored.
    pub const fn number(self) -> i64 {
        self.0
    }

    /// The first id that could have been made at this time: where a search by time begins.
    pub fn first_at(time: Timestamp) -> Self {
        Self((time.as_millisecond() - EPOCH_MS).max(0) << (NODE_BITS + SEQUENCE_BITS))
    }

    /// When the id was made, to the millisecond.
    pub fn time(self) -> Timestamp {
        let milliseconds = (self.0 >> (NODE_BITS + SEQUENCE_BITS)) + EPOCH_MS;
        Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::MAX)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A text that is no MessageID of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a MessageID is a decimal number of up to 19 digits")]
pub struct NotAnId;

impl FromStr for Id {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(NotAnId);
        }
        text.parse().ok().and_then(Self::from_number).ok_or(NotAnId)
    }
}

/// Makes ids. One per node: two sources with the same node number may make the same id.
#[derive(Debug)]
pub struct IdSource {
    node: u8,
    last: i64,
}

impl IdSource {
    /// A source for a node; `after` is the newest id already in the store, so that a clock set back repeats none.
    pub fn new(node: u8, after: Option<Id>) -> Self {
        let step = 1 << (NODE_BITS + SEQUENCE_BITS);
        // The next free millisecond: the sequence of the newest id may have been anywhere in its own.
        let last = after.map_or(0, |id| (id.0 / step + 1) * step);
        Self { node, last: last + (i64::from(node) << SEQUENCE_BITS) }
    }

    /// The next id: not before `now`, and greater than every one before, also when the clock stands still, goes back,
    /// or a millisecond's 8192 are used up.
    pub fn next(&mut self, now: Timestamp) -> Id {
        let node = i64::from(self.node) << SEQUENCE_BITS;
        let fresh = Id::first_at(now).0 | node;
        let in_sequence = self.last + 1;
        let sequence_used_up = in_sequence & ((1 << SEQUENCE_BITS) - 1) == 0;
        let following = if sequence_used_up {
            (((self.last >> (NODE_BITS + SEQUENCE_BITS)) + 1) << (NODE_BITS + SEQUENCE_BITS)) | node
        } else {
            in_sequence
        };
        self.last = fresh.max(following);
        Id(self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(EPOCH_MS + milliseconds).unwrap()
    }

    #[test]
    fn ids_ascend_when_the_clock_stands_still_or_goes_back() {
        let mut source = IdSource::new(3, None);
        let mut last = source.next(at(1000));
        for step in 0..40_000 {
            let next = source.next(at(if step % 2 == 0 { 1000 } else { 10 }));
            assert!(next > last, "{next} after {last}");
            assert_eq!((next.number() >> SEQUENCE_BITS) & 0xff, 3, "the node stays");
            last = next;
        }
    }

    #[test]
    fn a_new_source_starts_after_the_newest_id_of_the_store() {
        let mut first = IdSource::new(0, None);
        let newest = first.next(at(5000));
        let mut second = IdSource::new(0, Some(newest));
        assert!(second.next(at(10)) > newest);
    }

    #[test]
    fn an_id_tells_its_time_and_reads_back_from_text() {
        let id = IdSource::new(255, None).next(at(123_456_789));
        assert_eq!(id.time(), at(123_456_789));
        assert_eq!(id.to_string().parse(), Ok(id));
        for text in ["", "-1", "+1", "12a", "99999999999999999999"] {
            assert_eq!(text.parse::<Id>(), Err(NotAnId), "{text}");
        }
    }

    #[test]
    fn ids_stay_within_nineteen_digits_for_a_century() {
        let far = Timestamp::from_millisecond(EPOCH_MS + 100 * 365 * 86_400_000).unwrap();
        let id = IdSource::new(255, None).next(far);
        assert!(id.to_string().len() <= 19, "{id}");
    }
}
