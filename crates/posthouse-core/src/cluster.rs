//! Several nodes on one store: who is alive, and what follows from that. [`MembershipStore`](crate::store::MembershipStore) keeps it.
//!
//! Times are the store's: a node goes by what the store said that the time is, not by its own clock.

use std::time::Duration;

use jiff::Timestamp;

use crate::{lease::Owner, time::after};

pub use crate::id::ONLY_NODE;

/// How often a node says that it is there.
pub const BEAT_EVERY: Duration = Duration::from_millis(500);
/// A node has its slots for so long after it was last heard of; then they are others'.
pub const ALIVE_FOR: Duration = Duration::from_secs(2);
/// An attempt of a node that was not heard of for so long is nobody's any more.
pub const DEAD_AFTER: Duration = Duration::from_secs(15);
/// The number of a node that was not heard of for so long is free for another.
pub const NUMBER_FREE_AFTER: Duration = Duration::from_secs(60);
/// An attempt that is over since so long is interrupted, whoever is alive.
pub const LONG_PAST: Duration = Duration::from_secs(120);
/// How far ahead of the store's time the ids lie at most that a node may make. Who has its number next begins behind them.
pub const IDS_AHEAD: Duration = Duration::from_secs(10);
/// A node that was not heard by the store for so long takes nothing and begins nothing.
pub const ALONE_AFTER: Duration = Duration::from_secs(10);
/// A node whose clock is off by more than this is not ready.
pub const CLOCK_OFF: Duration = Duration::from_secs(5);

/// The numbers of nodes.
pub const NODE_NUMBERS: std::ops::RangeInclusive<u8> = 1..=239;
/// The numbers of visitors.
pub const VISITOR_NUMBERS: std::ops::RangeInclusive<u8> = 240..=255;

/// Whether a node that was last heard of then has its slots.
pub fn is_alive(beat_at: Timestamp, now: Timestamp) -> bool {
    now < after(beat_at, ALIVE_FOR)
}

/// Whether the number of a node that was last heard of then may be another's.
pub fn is_number_free(beat_at: Timestamp, now: Timestamp) -> bool {
    now >= after(beat_at, NUMBER_FREE_AFTER)
}

/// Whether an attempt counts as interrupted when `asker` looks for such: it should have ended at `due`, and its owner was last heard of at
/// `beat_at` (`None`: it is no node any more, or never was one).
///
/// A node that is alive has its outcome in hand, and settles it once the store lets it. The node that asks knows what it has in hand.
pub fn is_interrupted(
    due: Timestamp,
    owner: Option<Owner>,
    beat_at: Option<Timestamp>,
    asker: Owner,
    now: Timestamp,
) -> bool {
    let is_askers = owner.is_none_or(|owner| owner == asker);
    let is_dead = beat_at.is_none_or(|beat_at| now >= after(beat_at, DEAD_AFTER));
    due <= now && (is_askers || is_dead || now >= after(due, LONG_PAST))
}

/// How far a node's clock is off, when the store said the time between these two looks at the clock: less nothing can be told.
/// Positive: the store is ahead.
pub fn clock_offset(asked: Timestamp, said: Timestamp, answered: Timestamp) -> jiff::SignedDuration {
    if said < asked {
        said.duration_since(asked)
    } else if said > answered {
        said.duration_since(answered)
    } else {
        jiff::SignedDuration::ZERO
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + seconds).unwrap()
    }

    const ME: Owner = Owner(1);
    const OTHER: Owner = Owner(2);

    #[test]
    fn an_attempt_is_interrupted_when_its_owner_is_dead_or_it_is_long_past() {
        for (due, owner, beat, now, expected) in [
            // Not over yet.
            (10, Some(OTHER), None, 9, false),
            // Its owner is alive, falls silent, is dead.
            (10, Some(OTHER), Some(10), 10, false),
            (10, Some(OTHER), Some(10), 24, false),
            (10, Some(OTHER), Some(10), 25, true),
            // What comes later counts: its end, or that its owner is dead.
            (40, Some(OTHER), Some(10), 39, false),
            (40, Some(OTHER), Some(10), 40, true),
            // No node, or nobody.
            (10, Some(OTHER), None, 10, true),
            (10, None, Some(10), 10, true),
            // The node that asks knows what it has in hand.
            (10, Some(ME), Some(10), 10, true),
            // However alive its owner is.
            (10, Some(OTHER), Some(129), 129, false),
            (10, Some(OTHER), Some(130), 130, true),
        ] {
            let found = is_interrupted(at(due), owner, beat.map(at), ME, at(now));
            assert_eq!(found, expected, "due {due}, of {owner:?}, heard of at {beat:?}, at {now}");
        }
    }

    #[test]
    fn a_node_is_alive_for_two_seconds_and_its_number_taken_for_sixty() {
        assert!(is_alive(at(0), at(1)) && !is_alive(at(0), at(2)));
        assert!(!is_number_free(at(0), at(59)) && is_number_free(at(0), at(60)));
    }

    #[test]
    fn a_clock_is_off_by_what_the_way_does_not_explain() {
        for (asked, said, answered, off) in [(0, 0, 0, 0), (0, 3, 4, 0), (0, 9, 4, 5), (10, 4, 12, -6)] {
            let expected = SignedDuration::from_secs(off);
            assert_eq!(
                clock_offset(at(asked), at(said), at(answered)),
                expected,
                "{asked} {said} {answered}"
            );
        }
    }
}
