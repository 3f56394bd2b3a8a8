//! When to try again: exponential backoff with full jitter (contract 4.4).

use std::time::Duration;

/// The bounds of a backoff. The wait before try `n` is drawn evenly between nothing and `first · 2ⁿ`, at most `longest`:
/// "full jitter", so that what failed together does not come back together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
}

impl Backoff {
    /// 5 s to 10 min: for carriers.
    pub const CARRIER: Self = Self { first: Duration::from_secs(5), longest: Duration::from_secs(600) };

    /// A backoff with other bounds; `longest` is at least `first`.
    pub const fn new(first: Duration, longest: Duration) -> Self {
        let longest = if longest.as_nanos() < first.as_nanos() { first } else { longest };
        Self { first, longest }
    }

    /// The wait after `failed` tries that failed (from 1), for a random number from 0 up to 1.
    ///
    /// ```
    /// use posthouse_core::life::retry::Backoff;
    /// assert_eq!(Backoff::CARRIER.wait(1, 0.5).as_millis(), 2500);
    /// assert_eq!(Backoff::CARRIER.wait(30, 0.5).as_secs(), 300);
    /// ```
    pub fn wait(&self, failed: u32, random: f64) -> Duration {
        let doublings = failed.saturating_sub(1).min(31);
        let ceiling = self.first.saturating_mul(1 << doublings).min(self.longest);
        ceiling.mul_f64(random.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ceiling_doubles_up_to_the_longest() {
        let seconds: Vec<u64> = (0..10).map(|failed| Backoff::CARRIER.wait(failed, 1.0).as_secs()).collect();
        assert_eq!(seconds, [5, 5, 10, 20, 40, 80, 160, 320, 600, 600]);
        assert_eq!(Backoff::CARRIER.wait(u32::MAX, 1.0).as_secs(), 600);
    }

    #[test]
    fn nothing_but_a_number_between_nought_and_one_counts() {
        assert_eq!(Backoff::CARRIER.wait(1, -1.0), Duration::ZERO);
        assert_eq!(Backoff::CARRIER.wait(1, 7.0), Duration::from_secs(5));
    }

    #[test]
    fn bounds_the_wrong_way_round_are_put_right() {
        let backoff = Backoff::new(Duration::from_secs(9), Duration::from_secs(3));
        assert_eq!(backoff.wait(5, 1.0), Duration::from_secs(9));
    }
}
