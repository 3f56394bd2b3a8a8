//! MessageIDs: decimal numbers of up to 19 digits that sort by time and are unique across nodes.

use std::{fmt, str::FromStr};

use jiff::Timestamp;

/// The number of the one node of a store that is for one, and of messages that were taken over from such a store.
pub const ONLY_NODE: u8 = 0;

/// 2024-01-01T00:00:00Z in milliseconds: where the time part of an [`Id`] begins.
const EPOCH_MS: i64 = 1_704_067_200_000;
/// Bits for the sequence within a millisecond.
const SEQUENCE_BITS: u32 = 8;
/// Bits for the cell.
const CELL_BITS: u32 = 5;
/// Bits for the node.
const NODE_BITS: u32 = 8;
/// Where the node begins.
const NODE_SHIFT: u32 = SEQUENCE_BITS + CELL_BITS;
/// Where the time begins.
const TIME_SHIFT: u32 = NODE_SHIFT + NODE_BITS;

/// The number behind a MessageID (or LinkedID) of ours: 42 bits of milliseconds, 8 bits of node, 5 bits of cell, 8 bits of sequence, so
/// it fits what VASPs of this field keep in a signed 64-bit integer, and is never negative.
///
/// Ids of [node 0](ONLY_NODE) that are older than the cell have 13 bits of sequence: there is no cell in them.
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
        Self((time.as_millisecond() - EPOCH_MS).max(0) << TIME_SHIFT)
    }

    /// When the id was made, to the millisecond.
    pub fn time(self) -> Timestamp {
        let milliseconds = (self.0 >> TIME_SHIFT) + EPOCH_MS;
        Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::MAX)
    }

    /// The node that made it.
    pub const fn node(self) -> u8 {
        // The bits of a byte.
        (self.0 >> NODE_SHIFT).to_le_bytes()[0]
    }

    /// The cell in which its message lives, below 32. All of node 0 lives in the first.
    pub const fn cell(self) -> u8 {
        match self.node() {
            ONLY_NODE => 0,
            _ => (self.0 >> SEQUENCE_BITS).to_le_bytes()[0] & (u8::MAX >> (u8::BITS - CELL_BITS)),
        }
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

/// Makes ids. One per node and cell: two sources with the same numbers may make the same id.
#[derive(Debug)]
pub struct IdSource {
    /// Node and cell, in their place.
    place: i64,
    last: i64,
}

impl IdSource {
    /// A source for a node, in the first cell; `after` is the newest id that was made under its number, so that a clock set back repeats
    /// none.
    pub fn new(node: u8, after: Option<Id>) -> Self {
        Self::in_cell(node, 0, after)
    }

    /// The same in a cell, of which there are 32.
    pub fn in_cell(node: u8, cell: u8, after: Option<Id>) -> Self {
        let cell = i64::from(cell & (u8::MAX >> (u8::BITS - CELL_BITS)));
        let place = (i64::from(node) << NODE_SHIFT) | (cell << SEQUENCE_BITS);
        // The next free millisecond: the sequence of the newest id may have been anywhere in its own.
        let last = after.map_or(0, |id| ((id.0 >> TIME_SHIFT) + 1) << TIME_SHIFT);
        Self { place, last: last | place }
    }

    /// The next id: not before `now`, and greater than every one before, also when the clock stands still, goes back,
    /// or a millisecond's 256 are used up.
    pub fn next(&mut self, now: Timestamp) -> Id {
        let fresh = Id::first_at(now).0 | self.place;
        let in_sequence = self.last + 1;
        let sequence_used_up = in_sequence & ((1 << SEQUENCE_BITS) - 1) == 0;
        let following = if sequence_used_up {
            (((self.last >> TIME_SHIFT) + 1) << TIME_SHIFT) | self.place
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
            assert_eq!((next.node(), next.cell()), (3, 0), "the node stays");
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
    fn ids_after_those_of_an_older_version_are_new_and_in_order() {
        // 42 bits of milliseconds, 8 of node, 13 of sequence.
        let older = |milliseconds: i64, sequence: i64| Id((milliseconds << 21) | sequence);
        let newest = older(5000, 8191);
        assert_eq!((newest.time(), newest.node(), newest.cell()), (at(5000), 0, 0), "it has no cell");
        let mut source = IdSource::new(0, Some(newest));
        let mut last = newest;
        for step in 0..1000 {
            let next = source.next(at(4999));
            assert!(next > last, "{next} after {last}");
            assert_eq!(next.time(), at(5001 + (step + 1) / 256));
            last = next;
        }
    }

    #[test]
    fn an_id_names_node_and_cell() {
        let mut seen = std::collections::BTreeSet::new();
        for (node, cell) in [(1, 0), (1, 31), (239, 7), (255, 0)] {
            let mut source = IdSource::in_cell(node, cell, None);
            for step in 0..600 {
                let id = source.next(at(7));
                assert_eq!((id.node(), id.cell(), id.time()), (node, cell, at(7 + step / 256)));
                assert!(seen.insert(id), "{id} twice");
            }
        }
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
