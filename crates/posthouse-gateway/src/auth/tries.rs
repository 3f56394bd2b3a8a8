//! Wrong tries, counted in constant memory.
//!
//! Each claimant is a hash in one of a fixed number of slots. When there is no room, the one with the fewest wrong tries is
//! forgotten: a crowd of new addresses does not wash out those that are kept out. The hash is keyed by chance, so that nobody can
//! choose whose slot to take.

use std::{
    hash::{BuildHasher as _, Hash, RandomState},
    time::Duration,
};

use posthouse_core::lock::Mutex;
use tokio::time::Instant;

/// How many slots a hash may lie in.
const WAYS: usize = 8;
/// How many such sets there are: 16,384 slots in all.
const SETS: usize = 2048;
/// How long wrong tries count, from the first on.
pub const COUNTS: Duration = Duration::from_secs(60);

#[derive(Clone, Copy)]
struct Slot {
    who: u64,
    /// None: the slot is free.
    wrong: u32,
    since: Instant,
}

impl Slot {
    fn counted(&self) -> u32 {
        if self.since.elapsed() < COUNTS { self.wrong } else { 0 }
    }
}

/// Counts wrong tries.
pub struct Tries {
    hasher: RandomState,
    slots: Mutex<Vec<Slot>>,
}

impl Default for Tries {
    fn default() -> Self {
        let free = Slot { who: 0, wrong: 0, since: Instant::now() };
        Self { hasher: RandomState::new(), slots: Mutex::new(vec![free; SETS * WAYS]) }
    }
}

impl Tries {
    /// How many wrong tries of theirs count.
    pub fn wrong(&self, who: impl Hash) -> u32 {
        self.with(who, |set, who| set.iter().find(|slot| slot.who == who).map_or(0, Slot::counted))
    }

    /// Counts a wrong try; how many there are with it.
    pub fn count(&self, who: impl Hash) -> u32 {
        self.with(who, |set, who| {
            let known = set.iter().position(|slot| slot.who == who && slot.counted() > 0);
            let fewest = || (0..set.len()).min_by_key(|place| set.get(*place).map_or(0, Slot::counted));
            let Some(slot) = known.or_else(fewest).and_then(|place| set.get_mut(place)) else { return 0 };
            if known.is_none() {
                *slot = Slot { who, wrong: 0, since: Instant::now() };
            }
            slot.wrong = slot.wrong.saturating_add(1);
            slot.wrong
        })
    }

    /// Forgets theirs.
    pub fn forget(&self, who: impl Hash) {
        self.with(who, |set, who| {
            set.iter_mut().filter(|slot| slot.who == who).for_each(|slot| slot.wrong = 0)
        });
    }

    /// Does something with the set of slots that somebody's may lie in.
    fn with<T>(&self, who: impl Hash, work: impl FnOnce(&mut [Slot], u64) -> T) -> T {
        let who = self.hasher.hash_one(who);
        let set = usize::try_from(who % SETS as u64).unwrap_or(0) * WAYS;
        let mut slots = self.slots.lock();
        work(slots.get_mut(set..set + WAYS).unwrap_or_default(), who)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn tries_count_for_a_while_and_each_for_itself() {
        let tries = Tries::default();
        assert_eq!((tries.wrong("a"), tries.count("a"), tries.count("a"), tries.wrong("a")), (0, 1, 2, 2));
        assert_eq!(tries.wrong("b"), 0);
        advance(COUNTS - Duration::from_millis(1)).await;
        assert_eq!(tries.count("a"), 3);
        advance(Duration::from_millis(1)).await;
        assert_eq!((tries.wrong("a"), tries.count("a")), (0, 1), "from the first on");
        tries.forget("a");
        assert_eq!(tries.wrong("a"), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_crowd_takes_no_more_memory_and_washes_nobody_out() {
        let tries = Tries::default();
        for _ in 0..10 {
            tries.count("guesser");
        }
        for one in 0..200_000 {
            tries.count(one);
        }
        assert_eq!(tries.wrong("guesser"), 10);
        assert_eq!(tries.slots.lock().len(), SETS * WAYS);
    }
}
