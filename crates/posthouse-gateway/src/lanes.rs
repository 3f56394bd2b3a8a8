//! A set of lanes, one for each name: a task that works on its own and is woken by a bell.

use std::{collections::HashMap, hash::Hash, sync::Arc};

use posthouse_core::lock::Mutex;
use tokio::{sync::Notify, task::JoinSet};

/// The lanes, by name.
pub struct Lanes<K>(Mutex<Open<K>>);

struct Open<K> {
    bells: HashMap<K, Arc<Notify>>,
    running: JoinSet<()>,
}

impl<K> Default for Lanes<K> {
    fn default() -> Self {
        Self(Mutex::new(Open { bells: HashMap::new(), running: JoinSet::new() }))
    }
}

impl<K: Clone + Eq + Hash> Lanes<K> {
    /// Rings the bell of a lane; opens the lane where there is none, or where the last one broke off.
    pub fn wake<F>(&self, name: &K, open: impl FnOnce(Arc<Notify>) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut lanes = self.0.lock();
        if let Some(bell) = lanes.bells.get(name).filter(|bell| is_heard(bell)) {
            bell.notify_one();
            return;
        }
        let bell = Arc::new(Notify::new());
        bell.notify_one();
        lanes.running.spawn(open(Arc::clone(&bell)));
        lanes.bells.insert(name.clone(), bell);
    }

    /// Waits for the lanes that were told to stop.
    pub async fn finished(&self) {
        let mut running = {
            let mut lanes = self.0.lock();
            lanes.bells.clear();
            std::mem::take(&mut lanes.running)
        };
        while running.join_next().await.is_some() {}
    }
}

/// Whether a lane has the bell's other end.
fn is_heard(bell: &Arc<Notify>) -> bool {
    Arc::strong_count(bell) > 1
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        time::Duration,
    };

    use tokio::time::timeout;

    use super::*;

    /// Wakes the lane `a`, which counts its openings and ends after so many rings.
    fn wake(lanes: &Lanes<&'static str>, opened: &Arc<AtomicUsize>, rings: usize) {
        let opened = Arc::clone(opened);
        lanes.wake(&"a", |bell| async move {
            opened.fetch_add(1, Ordering::Relaxed);
            for _ in 0..rings {
                bell.notified().await;
            }
        });
    }

    #[tokio::test]
    async fn a_lane_is_opened_once_and_rung_after() {
        let (lanes, opened) = (Lanes::default(), Arc::default());
        wake(&lanes, &opened, 2);
        tokio::task::yield_now().await;
        wake(&lanes, &opened, 2);
        timeout(Duration::from_secs(5), lanes.finished()).await.expect("two rings end it");
        assert_eq!(opened.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn a_lane_that_ended_is_opened_again() {
        let (lanes, opened) = (Lanes::default(), Arc::default());
        wake(&lanes, &opened, 1);
        while opened.load(Ordering::Relaxed) == 0 || lanes.0.lock().bells.values().any(is_heard) {
            tokio::task::yield_now().await;
        }
        wake(&lanes, &opened, 1);
        lanes.finished().await;
        assert_eq!(opened.load(Ordering::Relaxed), 2);
    }
}
