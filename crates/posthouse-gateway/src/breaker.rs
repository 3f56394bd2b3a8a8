//! A breaker: stops asking who does not answer, and tries now and then whether that has changed.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// When a breaker opens, and how often it tries then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Habits {
    /// How many failures in a row open it.
    pub failures: u32,
    /// How long it stays open before the first try.
    pub pause: Duration,
    /// How long it stays open at most: each try that fails doubles the pause.
    pub longest_pause: Duration,
}

/// What a result made of a breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
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
    habits: Habits,
    state: Mutex<State>,
}

impl Breaker {
    /// A closed breaker.
    pub fn new(habits: Habits) -> Self {
        Self { habits, state: Mutex::new(State::Closed { failures: 0 }) }
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

    /// Notes how asking ended.
    pub fn note(&self, served: bool, now: Instant) -> Turn {
        let mut state = self.lock();
        let (next, turn) = match *state {
            State::Closed { .. } if served => (State::Closed { failures: 0 }, Turn::Same),
            State::Closed { failures } if failures + 1 < self.habits.failures => {
                (State::Closed { failures: failures + 1 }, Turn::Same)
            }
            State::Closed { .. } => (self.open(self.habits.pause, now), Turn::Opened),
            State::Open { .. } if served => (State::Closed { failures: 0 }, Turn::Closed),
            State::Open { pause, trying: true, .. } => (self.open(pause * 2, now), Turn::Same),
            // Was asked before it opened: says nothing new.
            open @ State::Open { .. } => (open, Turn::Same),
        };
        *state = next;
        turn
    }

    fn open(&self, pause: Duration, now: Instant) -> State {
        let pause = pause.min(self.habits.longest_pause);
        State::Open { until: now + pause, pause, trying: false }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const HABITS: Habits = Habits { failures: 3, pause: SECOND, longest_pause: Duration::from_secs(4) };

    fn fail(breaker: &Breaker, now: Instant, times: usize) {
        for _ in 0..times {
            breaker.note(false, now);
        }
    }

    #[test]
    fn failures_in_a_row_open_it_and_others_do_not() {
        let (breaker, now) = (Breaker::new(HABITS), Instant::now());
        for served in [false, false, true, false, false] {
            assert_eq!(breaker.note(served, now), Turn::Same);
            assert!(breaker.admits(now));
        }
        assert_eq!(breaker.note(false, now), Turn::Opened);
        assert!(!breaker.admits(now));
    }

    #[test]
    fn it_tries_after_pauses_that_grow_and_closes_when_a_try_is_served() {
        let (breaker, mut now) = (Breaker::new(HABITS), Instant::now());
        fail(&breaker, now, 3);
        for pause in [1, 2, 4, 4] {
            assert!(!breaker.admits(now + SECOND * pause - Duration::from_nanos(1)));
            now += SECOND * pause;
            assert!(breaker.admits(now), "after {pause} s");
            assert!(!breaker.admits(now), "one at a time");
            assert_eq!(breaker.note(false, now), Turn::Same);
        }
        now += SECOND * 4;
        assert!(breaker.admits(now));
        assert_eq!(breaker.note(true, now), Turn::Closed);
        assert!(breaker.admits(now));
    }

    #[test]
    fn results_that_come_late_do_not_lengthen_the_pause() {
        let (breaker, now) = (Breaker::new(HABITS), Instant::now());
        fail(&breaker, now, 100);
        assert!(breaker.admits(now + SECOND));
    }

    #[test]
    fn a_try_without_a_result_is_followed_by_another() {
        let (breaker, now) = (Breaker::new(HABITS), Instant::now());
        fail(&breaker, now, 3);
        assert!(breaker.admits(now + SECOND));
        assert!(!breaker.admits(now + SECOND));
        assert!(breaker.admits(now + SECOND * 2));
    }
}
