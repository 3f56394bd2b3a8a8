//! A clock that nobody is made to believe at once: when it jumps ahead, time goes on as it went, till somebody has confirmed the new time
//! or it has stood for a while. What is over by the clock is thrown away, and that cannot be undone.

use std::time::Duration;

use jiff::Timestamp;

use crate::time::after;

pub use crate::time::Doubt;

/// From so far on a jump ahead of a clock that was being watched is not believed at once.
pub const JUMP: Duration = Duration::from_secs(24 * 3600);
/// The same for the time since a gateway last looked at it: the machine may have been off.
pub const GAP: Duration = Duration::from_secs(30 * 24 * 3600);
/// How long a new time has to stand till it is believed without being confirmed.
pub const STANDS_FOR: Duration = Duration::from_secs(3600);

/// What is known about the time: what a clock said when it was last believed, and how long ago that is by something that only ever goes
/// on.
#[derive(Clone, Copy, Debug)]
pub struct Steady {
    believed: Timestamp,
    /// When that was, as a time since some beginning.
    then: Duration,
    /// Since when the clock says something that is not believed.
    doubted_since: Option<Duration>,
}

impl Steady {
    /// The clock says this, and nothing is known that speaks against it. `elapsed` is the time since some beginning.
    pub const fn new(said: Timestamp, elapsed: Duration) -> Self {
        Self { believed: said, then: elapsed, doubted_since: None }
    }

    /// Goes on from the time at which a gateway was last seen. A clock that is far ahead of that is doubted.
    pub fn go_on_from(&mut self, seen: Timestamp, said: Timestamp, elapsed: Duration) {
        if said > after(seen, GAP) {
            *self = Self { believed: seen, then: elapsed, doubted_since: Some(elapsed) };
        }
    }

    /// What time it is, when the clock says this; and the doubt, while it is not believed.
    pub fn time(&mut self, said: Timestamp, elapsed: Duration) -> (Timestamp, Option<Doubt>) {
        let taken = after(self.believed, elapsed.saturating_sub(self.then));
        if said > after(taken, JUMP) {
            let since = *self.doubted_since.get_or_insert(elapsed);
            if elapsed.saturating_sub(since) < STANDS_FOR {
                return (taken, Some(Doubt { said, taken }));
            }
        }
        *self = Self::new(said, elapsed);
        (said, None)
    }

    /// Somebody has confirmed the clock when it said this. Whether it is believed now.
    pub fn confirm(&mut self, confirmed: Timestamp, said: Timestamp, elapsed: Duration) -> bool {
        let (_, doubt) = self.time(said, elapsed);
        let is_meant = doubt.is_some_and(|doubt| confirmed > doubt.taken && said <= after(confirmed, JUMP));
        if is_meant {
            *self = Self::new(said, elapsed);
        }
        is_meant
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 3600);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + seconds).unwrap()
    }

    fn after_start(seconds: u64) -> Duration {
        Duration::from_secs(1000 + seconds)
    }

    #[test]
    fn a_clock_that_goes_is_believed() {
        let mut steady = Steady::new(at(0), after_start(0));
        assert_eq!(steady.time(at(5), after_start(5)), (at(5), None));
        assert_eq!(steady.time(at(3605), after_start(6)), (at(3605), None), "set by an hour");
        assert_eq!(steady.time(at(-90 * 86_400), after_start(7)), (at(-90 * 86_400), None), "set back");
    }

    #[test]
    fn a_jump_by_months_is_believed_once_it_has_stood() {
        let mut steady = Steady::new(at(0), after_start(0));
        let month = 30 * 86_400;
        for seconds in [1, 60, 3599] {
            let (said, taken) = (at(month + seconds), at(seconds));
            let passed = after_start(u64::try_from(seconds).unwrap());
            assert_eq!(steady.time(said, passed), (taken, Some(Doubt { said, taken })));
        }
        assert_eq!(steady.time(at(month + 3601), after_start(3601)), (at(month + 3601), None));
        assert_eq!(steady.time(at(month + 3700), after_start(3700)), (at(month + 3700), None));
    }

    #[test]
    fn a_jump_that_is_taken_back_leaves_nothing() {
        let mut steady = Steady::new(at(0), after_start(0));
        assert!(steady.time(at(30 * 86_400), after_start(1)).1.is_some());
        assert_eq!(steady.time(at(2), after_start(2)), (at(2), None));
        let again = steady.time(at(30 * 86_400), after_start(3600 * 2));
        assert_eq!(again.0, at(3600 * 2), "it has not stood since then");
    }

    #[test]
    fn a_jump_that_is_confirmed_is_believed() {
        let mut steady = Steady::new(at(0), after_start(0));
        let said = at(60 * 86_400);
        assert!(!steady.confirm(at(-5), said, after_start(1)), "an older confirmation is not meant");
        assert!(!steady.confirm(at(30 * 86_400), said, after_start(1)), "nor one of another jump");
        assert!(steady.confirm(said, said, after_start(1)));
        assert_eq!(steady.time(said, after_start(2)), (said, None));
    }

    #[test]
    fn a_start_long_after_the_last_one_is_doubted() {
        let mut steady = Steady::new(at(0), after_start(0));
        let seen = at(0).checked_sub(GAP - DAY).unwrap();
        steady.go_on_from(seen, at(0), after_start(0));
        assert_eq!(steady.time(at(1), after_start(1)), (at(1), None), "a machine may be off for weeks");
        let seen = at(0).checked_sub(GAP + DAY).unwrap();
        steady.go_on_from(seen, at(1), after_start(1));
        assert_eq!(steady.time(at(11), after_start(11)).0, after(seen, Duration::from_secs(10)));
        assert_eq!(steady.time(at(3601), after_start(3601)), (at(3601), None));
    }
}
