//! The jobs that wait for the writer. Handing one in costs a lock and a place in a list: the writer is woken once for a group, not
//! for each of its jobs.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Condvar, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use posthouse_core::lock::Mutex;

/// A list that many hand in to and one takes from, in order.
pub(super) struct OrderQueue<T> {
    line: Mutex<Line<T>>,
    bell: Condvar,
}

struct Line<T> {
    waiting: VecDeque<T>,
    /// How many have to wait before the bell is worth ringing; `None` while the writer does not listen.
    wanted: Option<usize>,
    is_closed: bool,
}

impl<T> fmt::Debug for OrderQueue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OrderQueue").field("waiting", &self.line().waiting.len()).finish_non_exhaustive()
    }
}

impl<T> OrderQueue<T> {
    /// An empty queue.
    pub(super) fn new() -> Self {
        let line = Line { waiting: VecDeque::new(), wanted: None, is_closed: false };
        Self { line: Mutex::new(line), bell: Condvar::new() }
    }

    /// Hands one in. Returns `false` when the queue is closed.
    pub(super) fn push(&self, one: T) -> bool {
        let mut line = self.line();
        if line.is_closed {
            return false;
        }
        line.waiting.push_back(one);
        let is_wanted = line.wanted.is_some_and(|wanted| line.waiting.len() >= wanted);
        drop(line);
        if is_wanted {
            self.bell.notify_one();
        }
        true
    }

    /// Closes the queue: nothing more can be handed in, and what waits can still be taken.
    pub(super) fn close(&self) {
        self.line().is_closed = true;
        self.bell.notify_one();
    }

    /// Closes, and returns what waits: nobody will take it any more.
    pub(super) fn abandon(&self) -> VecDeque<T> {
        self.close();
        std::mem::take(&mut self.line().waiting)
    }

    /// Sleeps till something waits, for `patience` at most; returns whether something does. Returns at once when it is closed.
    pub(super) fn wait(&self, patience: Duration) -> bool {
        !self.wait_for(1, patience).waiting.is_empty()
    }

    /// Whether it is closed and nothing waits.
    pub(super) fn is_done(&self) -> bool {
        let line = self.line();
        line.is_closed && line.waiting.is_empty()
    }

    /// Takes what waits, at most `most`. When fewer than `expected` wait, it sleeps for up to `patience` till they do.
    pub(super) fn take(&self, most: usize, expected: usize, patience: Duration) -> Vec<T> {
        let mut line = self.wait_for(expected.min(most), patience);
        let taken = most.min(line.waiting.len());
        line.waiting.drain(..taken).collect()
    }

    fn wait_for(&self, wanted: usize, patience: Duration) -> MutexGuard<'_, Line<T>> {
        let deadline = Instant::now() + patience;
        let mut line = self.line();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if line.waiting.len() >= wanted || line.is_closed || left.is_zero() {
                return line;
            }
            line.wanted = Some(wanted);
            line = self.bell.wait_timeout(line, left).unwrap_or_else(PoisonError::into_inner).0;
            line.wanted = None;
        }
    }

    fn line(&self) -> MutexGuard<'_, Line<T>> {
        self.line.lock()
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, thread};

    use super::*;

    const NEVER: Duration = Duration::ZERO;
    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn what_waits_is_taken_in_order_and_in_bounds() {
        let queue = OrderQueue::new();
        assert!(!queue.wait(NEVER));
        assert!((1..=5).all(|one| queue.push(one)));
        assert!(queue.wait(NEVER));
        assert_eq!(queue.take(3, 100, LONG), [1, 2, 3], "a full group waits for nobody");
        assert_eq!(queue.take(3, 2, LONG), [4, 5], "nor does one that is complete");
        assert_eq!(queue.take(3, 1, NEVER), Vec::<i32>::new());
    }

    #[test]
    fn who_is_expected_is_waited_for() {
        let queue = Arc::new(OrderQueue::new());
        let other = Arc::clone(&queue);
        let pushing = thread::spawn(move || (1..=3).all(|one| other.push(one)));
        assert_eq!(queue.take(10, 3, LONG), [1, 2, 3]);
        assert!(pushing.join().unwrap());
    }

    #[test]
    fn after_the_close_the_rest_is_taken_and_nothing_more() {
        let queue = OrderQueue::new();
        assert!(queue.push(1));
        queue.close();
        assert!(!queue.push(2));
        assert!(queue.wait(LONG) && !queue.is_done());
        assert_eq!(queue.take(10, 10, LONG), [1], "nobody else comes");
        assert!(queue.is_done());
        assert!(!queue.wait(LONG), "nor is anybody waited for");
    }

    #[test]
    fn what_is_abandoned_is_given_back() {
        let queue = OrderQueue::new();
        assert!(queue.push(1) && queue.push(2));
        assert_eq!(queue.abandon(), [1, 2]);
        assert!(!queue.push(3));
        assert!(queue.is_done());
    }
}
