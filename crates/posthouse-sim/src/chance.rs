//! What the simulators leave to chance: unique identifiers, and errors drawn from a seed.

use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use mm7::TransactionId;

/// Numbers that look random and are the same again for the same seed (SplitMix64).
#[derive(Debug)]
pub struct Dice {
    state: AtomicU64,
}

impl Dice {
    const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

    pub const fn new(seed: u64) -> Self {
        Self { state: AtomicU64::new(seed) }
    }

    /// True for this share of the calls: 0 is never, 1 always.
    pub fn falls(&self, share: f64) -> bool {
        // 53 bits are what an f64 holds, so that the quotient is below 1.
        let drawn = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        drawn < share
    }

    fn next(&self) -> u64 {
        let mixed = self.state.fetch_add(Self::STEP, Ordering::Relaxed).wrapping_add(Self::STEP);
        let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// Identifiers with a common prefix that is unique to this run.
#[derive(Debug)]
pub struct RunIds {
    start: String,
    next: AtomicU64,
}

impl RunIds {
    /// Identifiers that begin with `name`.
    pub fn new(name: &str) -> Self {
        Self { start: format!("{name}-{:08x}", random_bits() >> 32), next: AtomicU64::new(1) }
    }

    pub fn next(&self) -> String {
        format!("{}-{}", self.start, self.next.fetch_add(1, Ordering::Relaxed))
    }
}

/// A unique TransactionID: 128 random bits.
pub fn transaction_id() -> Option<TransactionId> {
    TransactionId::new(&format!("{:016x}{:016x}", random_bits(), random_bits())).ok()
}

/// Where the system has no randomness to give, the clock has to do: nothing here is a secret.
fn random_bits() -> u64 {
    getrandom::u64().unwrap_or_else(|_| {
        let nanoseconds = Timestamp::now().as_nanosecond();
        u64::try_from(nanoseconds).unwrap_or_default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_errors_again() {
        let draws = |seed| {
            let dice = Dice::new(seed);
            (0..64).map(|_| dice.falls(0.5)).collect::<Vec<_>>()
        };
        assert_eq!(draws(7), draws(7));
        assert_ne!(draws(7), draws(8));
    }

    #[test]
    fn the_share_is_about_what_was_asked_for() {
        let dice = Dice::new(1);
        let share = |wanted| (0..10_000).filter(|_| dice.falls(wanted)).count();
        assert_eq!(share(0.0), 0);
        assert_eq!(share(1.0), 10_000);
        assert!((1_800..2_200).contains(&share(0.2)));
    }

    #[test]
    fn identifiers_differ() {
        let ids = RunIds::new("31003");
        assert!(ids.next().starts_with("31003-"));
        assert_ne!(ids.next(), ids.next());
        assert_ne!(transaction_id(), transaction_id());
    }
}
