//! A breaker: stops asking a peer that does not answer, and tries now and then whether that has changed.

use std::{sync::MutexGuard, time::Duration};

use posthouse_core::lock::Mutex;
use tokio::time::Instant;

/// When a breaker opens, and how often it tries then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BreakerPolicy {
    /// How many failures in a row open it.
    pub failures: u32,
    /// How long it stays open before the first try.
    pub pause: Duration,
    /// How long it stays open at most: each try that fails doubles the pause.
    pub longest_pause: Duration,
}

/// What a result made of a breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BreakerChange {
    /// It is as it was.
    Same,
    /// Nothing is asked from now on.
    Opened,
    /// Everything is asked again.
    Closed,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Closed { failures: u32 },
    Open { until: Instant, pause: Duration, trying: bool },
}

/// A breaker. It takes the time as an argument.
#[derive(Debug)]
pub(crate) struct Breaker {
    policy: BreakerPolicy,
    state: Mutex<State>,
}

impl Breaker {
    /// A closed breaker.
    pub fn new(policy: BreakerPolicy) -> Self {
        Self { policy, state: Mutex::new(State::Closed { failures: 0 }) }
    }

    /// Whether to ask now. While it is open, one asker is let through after each pause; one that never tells its result
    /// costs no more than another pause.
    pub fn admits(&self, now: Instant) -> bool {
        let mut state = self.lock();
        match *state {
            State::Closed { .. } => true,
            State::Open { until, .. } if now < until => false,
            State::Open { pause, .. } => {
                *state = State::Open { until: now + pause, pause, trying: true };
                true
            }
        }
    }

    /// Whether [`Breaker::admits`] would say so, without being the asker that is let through.
    pub fn would_admit(&self, now: Instant) -> bool {
        match *self.lock() {
            State::Closed { .. } => true,
            State::Open { until, .. } => until <= now,
        }
    }

    /// Whether it is open, even if an asker would be let through.
    pub fn is_open(&self) -> bool {
        matches!(*self.lock(), State::Open { .. })
    }

    /// Notes how asking ended.
    pub fn note(&self, served: bool, now: Instant) -> BreakerChange {
        if served { self.served() } else { self.failed(self.policy, now) }
    }

    /// Notes that asking ended well.
    pub fn served(&self) -> BreakerChange {
        match std::mem::replace(&mut *self.lock(), State::Closed { failures: 0 }) {
            State::Closed { .. } => BreakerChange::Same,
            State::Open { .. } => BreakerChange::Closed,
        }
    }

    /// Notes that somebody answered, though nothing was served: closes it where it is open, and is no success in a row of
    /// failures.
    pub fn answered(&self) -> BreakerChange {
        let mut state = self.lock();
        match *state {
            State::Closed { .. } => BreakerChange::Same,
            State::Open { .. } => {
                *state = State::Closed { failures: 0 };
                BreakerChange::Closed
            }
        }
    }

    /// Notes that asking ended badly, in a way that has a policy of its own.
    pub fn failed(&self, policy: BreakerPolicy, now: Instant) -> BreakerChange {
        let mut state = self.lock();
        let (next, turn) = match *state {
            State::Closed { failures } if failures + 1 < policy.failures => {
                (State::Closed { failures: failures + 1 }, BreakerChange::Same)
            }
            State::Closed { .. } => (open(policy.pause, now), BreakerChange::Opened),
            State::Open { pause, trying: true, .. } => {
                (open((pause * 2).max(policy.pause).min(policy.longest_pause), now), BreakerChange::Same)
            }
            // Was asked before it opened: says nothing new.
            open @ State::Open { .. } => (open, BreakerChange::Same),
        };
        *state = next;
        turn
    }

    /// Opens it for at least so long, since the other side asked for it.
    pub fn hold(&self, pause: Duration, now: Instant) -> BreakerChange {
        let mut state = self.lock();
        let (turn, until) = match *state {
            State::Closed { .. } => (BreakerChange::Opened, now + pause),
            State::Open { until, .. } => (BreakerChange::Same, until.max(now + pause)),
        };
        *state = State::Open { until, pause: self.policy.pause, trying: false };
        turn
    }

    /// Half-opens it at once where it is open: there is reason to expect success.
    pub fn try_now(&self, now: Instant) {
        let mut state = self.lock();
        if let State::Open { .. } = *state {
            *state = State::Open { until: now, pause: self.policy.pause, trying: false };
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}

fn open(pause: Duration, now: Instant) -> State {
    State::Open { until: now + pause, pause, trying: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const POLICY: BreakerPolicy =
        BreakerPolicy { failures: 3, pause: SECOND, longest_pause: Duration::from_secs(4) };

    fn fail(breaker: &Breaker, now: Instant, times: usize) {
        for _ in 0..times {
            breaker.note(false, now);
        }
    }

    #[test]
    fn failures_in_a_row_open_it_and_others_do_not() {
        let (breaker, now) = (Breaker::new(POLICY), Instant::now());
        for served in [false, false, true, false, false] {
            assert_eq!(breaker.note(served, now), BreakerChange::Same);
            assert!(breaker.admits(now));
        }
        assert_eq!(breaker.note(false, now), BreakerChange::Opened);
        assert!(!breaker.admits(now));
    }

    #[test]
    fn it_tries_after_pauses_that_grow_and_closes_when_a_try_is_served() {
        let (breaker, mut now) = (Breaker::new(POLICY), Instant::now());
        fail(&breaker, now, 3);
        for pause in [1, 2, 4, 4] {
            assert!(!breaker.admits(now + SECOND * pause - Duration::from_nanos(1)));
            now += SECOND * pause;
            assert!(breaker.admits(now), "after {pause} s");
            assert!(!breaker.admits(now), "one at a time");
            assert_eq!(breaker.note(false, now), BreakerChange::Same);
        }
        now += SECOND * 4;
        assert!(breaker.admits(now));
        assert_eq!(breaker.note(true, now), BreakerChange::Closed);
        assert!(breaker.admits(now));
    }

    #[test]
    fn results_that_come_late_do_not_lengthen_the_pause() {
        let (breaker, now) = (Breaker::new(POLICY), Instant::now());
        fail(&breaker, now, 100);
        assert!(breaker.admits(now + SECOND));
    }

    #[test]
    fn an_answer_that_serves_nothing_closes_it_and_ends_no_row_of_failures() {
        let (breaker, now) = (Breaker::new(POLICY), Instant::now());
        fail(&breaker, now, 2);
        assert_eq!(breaker.answered(), BreakerChange::Same);
        assert_eq!(breaker.note(false, now), BreakerChange::Opened);
        assert!(breaker.admits(now + SECOND));
        assert_eq!(breaker.answered(), BreakerChange::Closed);
        assert!(!breaker.is_open());
    }

    #[test]
    fn looking_is_not_trying() {
        let (breaker, now) = (Breaker::new(POLICY), Instant::now());
        fail(&breaker, now, 3);
        assert!(breaker.is_open() && !breaker.would_admit(now));
        let later = now + SECOND;
        assert!(breaker.would_admit(later) && breaker.would_admit(later) && breaker.is_open());
        assert!(breaker.admits(later) && !breaker.would_admit(later));
    }

    #[test]
    fn a_failure_of_another_kind_has_its_own_pauses() {
        let (breaker, now) = (Breaker::new(POLICY), Instant::now());
        let patient = BreakerPolicy { failures: 1, pause: SECOND * 60, longest_pause: SECOND * 60 };
        fail(&breaker, now, 3);
        assert!(breaker.admits(now + SECOND));
        assert_eq!(breaker.failed(patient, now + SECOND), BreakerChange::Same);
        assert!(!breaker.would_admit(now + SECOND * 60));
        assert!(breaker.would_admit(now + SECOND * 61));
    }

    #[test]
    fn it_is_held_as_long_as_was_asked_for_and_tried_at_once_when_told() {
        let (breaker, now) = (Breaker::new(POLICY), Instant::now());
        assert_eq!(breaker.hold(SECOND * 30, now), BreakerChange::Opened);
        assert_eq!(breaker.hold(SECOND * 5, now), BreakerChange::Same);
        assert!(!breaker.would_admit(now + SECOND * 29));
        assert!(breaker.would_admit(now + SECOND * 30));
        breaker.try_now(now + SECOND);
        assert!(breaker.admits(now + SECOND) && !breaker.admits(now + SECOND));
        assert_eq!(breaker.note(true, now + SECOND), BreakerChange::Closed);
        breaker.try_now(now + SECOND);
        assert!(!breaker.is_open(), "only what is open is tried");
    }

    #[test]
    fn a_try_without_a_result_is_followed_by_another() {
        let (breaker, now) = (Breaker::new(POLICY), Instant::now());
        fail(&breaker, now, 3);
        assert!(breaker.admits(now + SECOND));
        assert!(!breaker.admits(now + SECOND));
        assert!(breaker.admits(now + SECOND * 2));
    }
}
