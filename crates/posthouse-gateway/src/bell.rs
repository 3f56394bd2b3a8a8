//! The bell that says that the store has work: rung where something becomes due at once, heard by the watcher of due work.

use std::time::Duration;

use jiff::Timestamp;
use posthouse_core::time::after;
use tokio::sync::Notify;

/// How long the watcher sleeps at most before it looks again by itself: another node, or a clock that was set, may have made something
/// due. So nothing has to be rung for that becomes due later than this.
pub(crate) const LOOK_AT_LEAST_EVERY: Duration = Duration::from_secs(1);

/// The bell. A ring that nobody waits for is kept for the next who does; several are one.
#[derive(Debug, Default)]
pub struct Bell(Notify);

impl Bell {
    /// Says that the store has work that is due.
    pub fn ring(&self) {
        self.0.notify_one();
    }

    /// Rings for what becomes due at `due`, where the watcher may sleep beyond that: it knows only what was next when it last looked.
    pub fn ring_for(&self, due: Timestamp, now: Timestamp) {
        if due < after(now, LOOK_AT_LEAST_EVERY) {
            self.ring();
        }
    }

    /// Waits till the bell rings.
    pub async fn rung(&self) {
        self.0.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::yield_now;

    use super::*;

    async fn is_rung(bell: &Bell) -> bool {
        tokio::select! {
            biased;
            () = bell.rung() => true,
            () = yield_now() => false,
        }
    }

    #[tokio::test]
    async fn what_is_due_before_the_watcher_looks_by_itself_rings() {
        let (bell, now) = (Bell::default(), Timestamp::UNIX_EPOCH);
        bell.ring_for(after(now, LOOK_AT_LEAST_EVERY), now);
        assert!(!is_rung(&bell).await, "the watcher looks by then");
        bell.ring_for(after(now, Duration::from_millis(999)), now);
        bell.ring_for(now, now);
        assert!(is_rung(&bell).await);
        assert!(!is_rung(&bell).await, "two rings that nobody heard are one");
    }
}
