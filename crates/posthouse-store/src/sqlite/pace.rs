//! When a group is complete.

use std::time::{Duration, Instant};

/// The longest wait for a group, however slow the disk is.
const LONGEST_WAIT: Duration = Duration::from_millis(3);

/// How long the writer waits for a group to be complete. Callers that wait for their answer before they ask again fall into two
/// halves: one is committed while the other gathers, and each commit serves one half. A short wait after the answers lets both
/// travel together: fewer commits, and sooner answers for all. It saves the fixed cost of a commit, so it lasts at most half of
/// that: a longer one would waste the time in which one half is worked on while the other is put on disk. A lone caller never
/// waits.
#[derive(Debug)]
pub(crate) struct GroupPace {
    /// When the last group was answered.
    answered: Instant,
    /// How many jobs there would be if everyone who was answered came back.
    expected: usize,
    /// How long the writer waits for them.
    patience: Duration,
}

impl GroupPace {
    /// A pace before the first answer.
    pub(crate) fn new() -> Self {
        Self { answered: Instant::now(), expected: 0, patience: Duration::ZERO }
    }

    /// Notes that a group was answered while `waiting` other jobs waited, after a commit that took this long (without what its jobs
    /// did before it).
    pub(crate) fn answered(&mut self, committed: usize, waiting: usize, took: Duration) {
        self.answered = Instant::now();
        self.expected = committed + waiting;
        self.patience = (took / 2).min(LONGEST_WAIT);
    }

    /// How many jobs there would be if everyone came back.
    pub(crate) const fn expected(&self) -> usize {
        self.expected
    }

    /// How much longer, from now, the writer waits for them.
    pub(crate) fn patience(&self) -> Duration {
        self.patience.saturating_sub(self.answered.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lone_caller_never_waits() {
        let mut pace = GroupPace::new();
        assert_eq!(pace.expected(), 0);
        pace.answered(1, 0, Duration::from_secs(1));
        assert_eq!(pace.expected(), 1, "and one is there already");
    }

    #[test]
    fn all_who_may_come_back_are_waited_for_a_moment() {
        let mut pace = GroupPace::new();
        assert_eq!(pace.patience(), Duration::ZERO);
        pace.answered(30, 34, Duration::from_secs(1));
        assert_eq!(pace.expected(), 64);
        assert!(pace.patience() <= LONGEST_WAIT);
        pace.answered(30, 34, Duration::ZERO);
        assert_eq!(pace.patience(), Duration::ZERO, "a commit that takes no time is not worth a wait");
    }
}
