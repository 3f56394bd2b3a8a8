//! When keys of accounts were last used: kept in memory for a minute, and then by the store in one transaction for all of them.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::Relaxed},
    },
    time::Duration,
};

use jiff::Timestamp;
use posthouse_core::{lock::RwLock, store::Store};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// How often the store is told: each key at most once in this time.
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// The keys that were used since the store was told, by what is kept of each. There are at most as many as are provisioned.
#[derive(Debug, Default)]
pub struct KeyUses(RwLock<HashMap<String, KeyUse>>);

#[derive(Debug)]
struct KeyUse {
    /// What the key is called by.
    id: String,
    at: AtomicI64,
}

impl KeyUses {
    /// A key was used of which this hash is kept. Of one that was used a moment ago nothing is allocated.
    pub fn note(&self, hash: &str, id: impl FnOnce() -> String, now: Timestamp) {
        let now = now.as_millisecond();
        if let Some(known) = self.0.read().get(hash) {
            known.at.fetch_max(now, Relaxed);
            return;
        }
        let new = || KeyUse { id: id(), at: AtomicI64::new(now) };
        self.0.write().entry(hash.to_owned()).or_insert_with(new).at.fetch_max(now, Relaxed);
    }

    /// When the key that is called so was used, where the store was not told yet.
    pub fn at(&self, id: &str) -> Option<Timestamp> {
        let uses = self.0.read();
        let at = uses.values().find(|known| known.id == id)?.at.load(Relaxed);
        Timestamp::from_millisecond(at).ok()
    }

    /// Tells the store now and then, and once more at `stop`.
    pub async fn keep(self: Arc<Self>, store: Arc<dyn Store>, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return self.tell(&*store).await,
                () = sleep(TOLD_EVERY) => {}
            }
            self.tell(&*store).await;
        }
    }

    /// Tells the store. What it does not take is told again the next time.
    async fn tell(&self, store: &dyn Store) {
        let used = std::mem::take(&mut *self.0.write());
        let told = used.values().filter_map(|one| {
            Timestamp::from_millisecond(one.at.load(Relaxed)).ok().map(|at| (one.id.clone(), at))
        });
        let told: Vec<_> = told.collect();
        if let Err(error) = store.note_keys_used(&told).await {
            tracing::warn!(%error, "when keys were last used could not be kept; it is tried again");
            let mut uses = self.0.write();
            for (hash, one) in used {
                uses.entry(hash).or_insert(one);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_use_of_each_is_known() {
        let (uses, at) = (KeyUses::default(), |second| Timestamp::from_second(second).unwrap());
        for (id, second) in [("a", 5), ("b", 7), ("a", 9), ("a", 8)] {
            uses.note(&format!("hash of {id}"), || id.to_owned(), at(second));
        }
        assert_eq!((uses.at("a"), uses.at("b"), uses.at("c")), (Some(at(9)), Some(at(7)), None));
    }
}
