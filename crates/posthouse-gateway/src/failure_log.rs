//! What the log has of something that is tried again and again and fails, such as a read while the store is away: a line when that begins,
//! a line a minute with how often it failed since the last one, and a line when it is over. Not a line a try.

use std::time::Duration;

use tokio::time::Instant;

/// How often there is a line while it fails.
const LINE_EVERY: Duration = Duration::from_secs(60);

/// Which failures of one thing the log has to be told of.
#[derive(Debug, Default)]
pub(crate) struct FailureLog {
    /// `None`: it did not fail when it was last tried.
    failing: Option<Failing>,
}

#[derive(Debug)]
struct Failing {
    since: Instant,
    line_at: Instant,
    /// Failures, and those of them that there was no line about.
    times: u64,
    unsaid: u64,
}

/// Failures that are over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FailuresOver {
    /// How many there were.
    pub(crate) times: u64,
    /// From the first of them to now.
    pub(crate) lasted: Duration,
}

impl FailureLog {
    /// It failed. How often since the last line, where it is time for one.
    pub(crate) fn failed(&mut self, now: Instant) -> Option<u64> {
        let Some(failing) = &mut self.failing else {
            self.failing = Some(Failing { since: now, line_at: now, times: 1, unsaid: 0 });
            return Some(1);
        };
        failing.times += 1;
        failing.unsaid += 1;
        if now.saturating_duration_since(failing.line_at) < LINE_EVERY {
            return None;
        }
        failing.line_at = now;
        Some(std::mem::take(&mut failing.unsaid))
    }

    /// It did not fail. What is over by that, if it had failed before.
    pub(crate) fn passed(&mut self, now: Instant) -> Option<FailuresOver> {
        let Failing { since, times, .. } = self.failing.take()?;
        Some(FailuresOver { times, lasted: now.saturating_duration_since(since) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_line_at_first_and_then_one_a_minute_and_one_at_the_end() {
        let (mut log, begin) = (FailureLog::default(), Instant::now());
        let at = |quarters: u64| begin + Duration::from_millis(250 * quarters);
        assert_eq!(log.passed(at(0)), None);
        let lines: Vec<(u64, u64)> =
            (1..=600).filter_map(|quarter| Some((quarter, log.failed(at(quarter))?))).collect();
        assert_eq!(lines, [(1, 1), (241, 240), (481, 240)]);
        let over = FailuresOver { times: 600, lasted: Duration::from_secs(150) };
        assert_eq!(log.passed(at(601)), Some(over));
        assert_eq!(log.passed(at(602)), None);
        assert_eq!(log.failed(at(603)), Some(1), "the next time it begins anew");
    }
}
