//! What a simulator was sent most recently: bounded in number and in bytes, the oldest goes first.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::watch, time::timeout};

/// Something that takes room.
pub(crate) trait Weight {
    /// About how many bytes it holds in memory.
    fn weight(&self) -> usize;
}

/// The most recent things.
#[derive(Debug)]
pub(crate) struct Recent<T> {
    kept: Mutex<Kept<T>>,
    max_things: usize,
    max_bytes: usize,
    received: watch::Sender<u64>,
}

#[derive(Debug)]
struct Kept<T> {
    things: VecDeque<Arc<T>>,
    bytes: usize,
}

impl<T: Weight> Recent<T> {
    /// An empty one, for at most this many things and this many bytes in all.
    pub fn new(max_things: usize, max_bytes: usize) -> Self {
        let kept = Kept { things: VecDeque::new(), bytes: 0 };
        Self { kept: Mutex::new(kept), max_things, max_bytes, received: watch::Sender::new(0) }
    }

    pub fn add(&self, thing: Arc<T>) {
        {
            let mut kept = self.kept();
            kept.bytes += thing.weight();
            kept.things.push_back(thing);
            while kept.things.len() > self.max_things || kept.bytes > self.max_bytes {
                let Some(oldest) = kept.things.pop_front() else { break };
                kept.bytes -= oldest.weight();
            }
        }
        self.received.send_modify(|received| *received += 1);
    }

    /// What is kept, oldest first.
    pub fn all(&self) -> Vec<Arc<T>> {
        self.kept().things.iter().cloned().collect()
    }

    /// How many came, kept or not.
    pub fn received(&self) -> u64 {
        *self.received.borrow()
    }

    /// Waits until what is kept is as wanted, and gives it back; `None` when that takes too long.
    pub async fn wait_until(
        &self,
        wanted: impl Fn(&[Arc<T>]) -> bool,
        wait: Duration,
    ) -> Option<Vec<Arc<T>>> {
        let waiting = async {
            let mut received = self.received.subscribe();
            loop {
                received.mark_unchanged();
                let kept = self.all();
                if wanted(&kept) {
                    return Some(kept);
                }
                received.changed().await.ok()?;
            }
        };
        timeout(wait, waiting).await.ok()?
    }

    /// A holder that panicked has left nothing half done: every step leaves the shelf whole.
    fn kept(&self) -> MutexGuard<'_, Kept<T>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Weight for usize {
        fn weight(&self) -> usize {
            *self
        }
    }

    fn kept(shelf: &Recent<usize>) -> Vec<usize> {
        shelf.all().iter().map(|thing| **thing).collect()
    }

    #[test]
    fn the_oldest_go_first() {
        let shelf = Recent::new(2, usize::MAX);
        for thing in [1, 2, 3] {
            shelf.add(Arc::new(thing));
        }
        assert_eq!(kept(&shelf), [2, 3]);
        assert_eq!(shelf.received(), 3);
    }

    #[test]
    fn bytes_are_bounded_too() {
        let shelf = Recent::new(10, 100);
        for thing in [30, 40, 50] {
            shelf.add(Arc::new(thing));
        }
        assert_eq!(kept(&shelf), [40, 50]);
        shelf.add(Arc::new(101));
        assert_eq!(kept(&shelf), [0; 0]);
        assert_eq!(shelf.received(), 4);
    }

    #[tokio::test]
    async fn waiting_ends_with_what_was_wanted_or_in_time() {
        let shelf = Arc::new(Recent::new(10, 100));
        let waiting = tokio::spawn({
            let shelf = shelf.clone();
            async move { shelf.wait_until(|things| things.len() == 2, Duration::from_secs(10)).await }
        });
        shelf.add(Arc::new(1));
        shelf.add(Arc::new(2));
        assert_eq!(waiting.await.unwrap().map(|things| things.len()), Some(2));
        assert!(shelf.wait_until(|things| things.len() == 3, Duration::from_millis(10)).await.is_none());
    }
}
