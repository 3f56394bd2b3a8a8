//! What the writer measures of itself. Everything here is an atomic number: writing one costs the writer some nanoseconds, and
//! reading them costs it nothing.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use posthouse_core::store::{Distribution, StoreStatistics, TransactionCount};

use super::transaction::Transaction;

/// Upper bounds of the buckets for commit times, in microseconds: from a disk with a battery to one that is in trouble.
const COMMIT_TIMES: [u64; 12] =
    [250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 5_000_000];
/// Microseconds in a second.
const MICROSECONDS: f64 = 1e6;
/// Upper bounds of the buckets for group sizes, up to the largest there is.
const GROUP_SIZES: [u64; 11] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

/// What is measured.
#[derive(Debug)]
pub(crate) struct Measures {
    commit_time: Histogram,
    group_size: Histogram,
    tallies: [Tally; Transaction::ALL.len()],
    free_bytes: AtomicU64,
}

#[derive(Debug, Default)]
struct Tally {
    done: AtomicU64,
    failed: AtomicU64,
    /// Microseconds, and one more; 0 where nobody measures it.
    longest: AtomicU64,
}

impl Default for Measures {
    fn default() -> Self {
        Self {
            commit_time: Histogram::new(&COMMIT_TIMES),
            group_size: Histogram::new(&GROUP_SIZES),
            tallies: std::array::from_fn(|_| Tally::default()),
            free_bytes: AtomicU64::new(u64::MAX),
        }
    }
}

impl Measures {
    /// A group of this many jobs was committed, and it took this long to put it on disk.
    pub(crate) fn committed(&self, jobs: usize, took: Duration) {
        self.commit_time.observe(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        self.group_size.observe(jobs as u64);
    }

    /// A job ran for so long, while others waited for the one writer there is.
    pub(crate) fn ran(&self, transaction: Transaction, took: Duration) {
        if let Some(tally) = self.tallies.get(transaction.number()) {
            let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
            tally.longest.fetch_max(took.saturating_add(1), Relaxed);
        }
    }

    /// A job ended.
    pub(crate) fn ended(&self, transaction: Transaction, is_done: bool) {
        if let Some(tally) = self.tallies.get(transaction.number()) {
            let count = if is_done { &tally.done } else { &tally.failed };
            count.fetch_add(1, Relaxed);
        }
    }

    /// How much disk space is free, in bytes; `u64::MAX` where that cannot be told.
    pub(crate) fn note_free(&self, bytes: u64) {
        self.free_bytes.store(bytes, Relaxed);
    }

    /// All of it, with this many jobs in the queue.
    pub(crate) fn statistics(&self, queued: u64) -> StoreStatistics {
        let count = |transaction: Transaction| {
            let tally = self.tallies.get(transaction.number());
            let read = |count: fn(&Tally) -> &AtomicU64| tally.map_or(0, |tally| count(tally).load(Relaxed));
            TransactionCount {
                name: transaction.name(),
                done: read(|tally| &tally.done),
                failed: read(|tally| &tally.failed),
                longest: read(|tally| &tally.longest).checked_sub(1).map(Duration::from_micros),
            }
        };
        StoreStatistics {
            commit_time: self.commit_time.read(MICROSECONDS),
            group_size: self.group_size.read(1.0),
            transactions: Transaction::ALL.map(count).to_vec(),
            queued,
            free_bytes: Some(self.free_bytes.load(Relaxed)).filter(|bytes| *bytes != u64::MAX),
        }
    }
}

/// Counts values by size. One thread writes; a reader may see the sum and the buckets of two moments.
#[derive(Debug)]
struct Histogram {
    bounds: &'static [u64],
    /// One more than there are bounds: what is above the last one.
    buckets: Box<[AtomicU64]>,
    sum: AtomicU64,
}

impl Histogram {
    fn new(bounds: &'static [u64]) -> Self {
        let buckets = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self { bounds, buckets, sum: AtomicU64::new(0) }
    }

    fn observe(&self, value: u64) {
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        if let Some(bucket) = self.buckets.get(bucket) {
            bucket.fetch_add(1, Relaxed);
        }
        self.sum.fetch_add(value, Relaxed);
    }

    /// The values so far; `scale` of its units are one of the distribution's.
    fn read(&self, scale: f64) -> Distribution {
        let bounds = self.bounds.iter().map(|bound| *bound as f64 / scale).chain([f64::INFINITY]);
        Distribution {
            sum: self.sum.load(Relaxed) as f64 / scale,
            buckets: bounds.zip(self.buckets.iter().map(|bucket| bucket.load(Relaxed))).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_lie_in_the_lowest_bucket_that_holds_them() {
        let histogram = Histogram::new(&[1, 10]);
        for value in [0, 1, 2, 10, 11, 1000] {
            histogram.observe(value);
        }
        let read = histogram.read(10.0);
        assert_eq!(read.buckets, [(0.1, 2), (1.0, 2), (f64::INFINITY, 2)]);
        assert_eq!((read.sum, read.count()), (102.4, 6));
    }

    #[test]
    fn jobs_are_counted_by_their_transactions() {
        let measures = Measures::default();
        assert_eq!(measures.statistics(0).free_bytes, None, "nobody has looked yet");
        measures.note_free(7);
        measures.committed(3, Duration::from_millis(2));
        measures.ended(Transaction::Accept, true);
        measures.ended(Transaction::Accept, true);
        measures.ended(Transaction::Settle, false);
        for took in [3, 40, 5] {
            measures.ran(Transaction::Accept, Duration::from_millis(took));
        }
        let read = measures.statistics(5);
        let counted: Vec<_> = read
            .transactions
            .iter()
            .filter(|count| count.done + count.failed > 0)
            .map(|count| (count.name, count.done, count.failed, count.longest))
            .collect();
        let longest = Some(Duration::from_millis(40));
        assert_eq!(counted, [("accept", 2, 0, longest), ("settle", 0, 1, None)]);
        assert_eq!((read.queued, read.free_bytes), (5, Some(7)));
        assert_eq!((read.commit_time.sum, read.commit_time.count()), (0.002, 1));
        assert_eq!((read.group_size.sum, read.group_size.count()), (3.0, 1));
    }
}
