//! When a group is complete.

use std::time::{Duration, Instant};

/// The longest that a group is waited for, however slow the disk is.
const LONGEST_WAIT: Duration = Duration::from_millis(3);

/// How long a group is waited for. Callers that wait for their answer before they ask again fall into two halves, one
/// being committed while the other gathers, and each commit serves one half. A short wait after the answers lets both
/// travel together: fewer commits, and sooner answers for all. What is saved is what a commit costs whatever is in it, and so
/// half of that is waited at most: longer, and the time would be lost in which one half is worked on while the other is put on
/// disk. Who is alone never waits.
#[derive(Debug)]
pub(super) struct GroupPace {
    /// When the last group was answered.
    answered: Instant,
    /// How many jobs there would be if all came back who were answered.
    expected: usize,
    /// How long they are waited for.
    patience: Duration,
}

impl GroupPace {
    /// Nobody has been answered yet.
    pub(super) fn new() -> Self {
        Self { answered: Instant::now(), expected: 0, patience: Duration::ZERO }
    }

    /// A group was answered, while others waited, after a commit (without what its jobs did before it) that took so long.
    pub(super) fn answered(&mut self, committed: usize, waiting: usize, took: Duration) {
        self.answered = Instant::now();
        self.expected = committed + waiting;
        self.patience = (took / 2).min(LONGEST_WAIT);
    }

    /// How many jobs there would be if all came back.
    pub(super) const fn expected(&self) -> usize {
        self.expected
    }

    /// How long they are waited for, from now.
    pub(super) fn patience(&self) -> Duration {
        self.patience.saturating_sub(self.answered.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_alone_never_waits() {
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
