//! The memory that bodies take together: bounded, and given for what has come, not for what is announced.

use std::sync::Arc;

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout_at},
};

/// So many bytes may be in memory at a time. Clones share them.
#[derive(Clone, Debug)]
pub struct Memory(Arc<Semaphore>);

/// What one body takes of it, till it is dropped.
#[derive(Debug)]
pub struct Share {
    memory: Option<Memory>,
    held: Option<OwnedSemaphorePermit>,
}

impl Memory {
    /// A memory of so many bytes.
    pub fn new(bytes: u32) -> Self {
        Self(Arc::new(Semaphore::new(bytes as usize)))
    }

    /// A share of nothing yet.
    pub const fn share(self) -> Share {
        Share { memory: Some(self), held: None }
    }
}

impl Share {
    /// For a body that is bounded otherwise: it always has room.
    pub const fn unbounded() -> Self {
        Self { memory: None, held: None }
    }

    fn bytes(&self) -> usize {
        self.held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits)
    }

    /// Waits for room for so many bytes of a body of at most `limit`. Whether there was any in time.
    ///
    /// It grows by doubling: who holds memory has sent at least half of what he holds, and one who only announces a long
    /// body holds none.
    pub async fn grow(&mut self, bytes: usize, limit: u64, deadline: Instant) -> bool {
        let Some(memory) = self.memory.clone() else { return true };
        let held = self.bytes();
        if bytes <= held {
            return true;
        }
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let goal = held.saturating_mul(2).min(limit).max(bytes);
        let Ok(more) = u32::try_from(goal - held) else { return false };
        let Ok(Ok(permit)) = timeout_at(deadline, memory.0.acquire_many_owned(more)).await else {
            return false;
        };
        match &mut self.held {
            Some(held) => held.merge(permit),
            held => *held = Some(permit),
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_share_doubles_up_to_its_limit_and_is_given_back() {
        let memory = Memory::new(1000);
        // What there is, there is at once.
        let deadline = Instant::now();
        let mut share = memory.clone().share();
        for (bytes, held) in [(10, 10), (11, 20), (20, 20), (21, 40), (100, 100), (101, 150), (150, 150)] {
            assert!(share.grow(bytes, 150, deadline).await);
            assert_eq!(share.bytes(), held);
        }
        let mut other = memory.share();
        assert!(other.grow(850, 5000, deadline).await);
        assert!(!other.grow(851, 5000, deadline).await, "there is no more");
        drop(share);
        assert!(other.grow(851, 1000, deadline).await);
        assert_eq!(other.bytes(), 1000);
    }

    #[tokio::test]
    async fn an_unbounded_share_always_has_room() {
        assert!(Share::unbounded().grow(usize::MAX, 1, Instant::now()).await);
    }
}
