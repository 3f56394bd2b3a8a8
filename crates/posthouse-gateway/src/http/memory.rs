//! The memory that bodies take together: bounded, shared by the addresses that they come from, and given for what has come, not for what
//! is announced.

use std::net::IpAddr;

use tokio::time::Instant;

use crate::shares::{Claim, Most, ShareRule, Shares, claimant};

/// Bounds the bytes that are in memory at a time. An address may hold as much of them as it leaves free. Clones share them.
#[derive(Clone, Debug)]
pub struct Memory(Shares<IpAddr>);

/// What one body takes of it, till it is dropped.
#[derive(Debug)]
pub struct MemoryShare(Option<Claim<IpAddr>>);

impl Memory {
    /// A memory of this many bytes.
    pub fn new(bytes: usize) -> Self {
        Self(Shares::new(ShareRule {
            total: bytes,
            most: Most::AsMuchAsIsLeft,
            // There are no more bodies than connections.
            waiting: usize::MAX,
            waiting_each: usize::MAX,
            // Bodies of one address that each wait for the rest of theirs would wait for each other.
            oldest_exceeds: true,
        }))
    }

    /// How many bytes are taken.
    pub fn taken(&self) -> u64 {
        self.bytes().saturating_sub(self.0.free() as u64)
    }

    /// How many bytes there are.
    pub fn bytes(&self) -> u64 {
        self.0.total() as u64
    }

    /// A share of nothing yet, for a body from an address.
    pub fn share(&self, from: IpAddr) -> MemoryShare {
        MemoryShare(Some(self.0.claim(claimant(from))))
    }
}

impl MemoryShare {
    /// For a body that is bounded otherwise: it always has room.
    pub const fn unbounded() -> Self {
        Self(None)
    }

    /// Waits for room for the first `bytes` bytes of a body of at most `limit`. Returns whether there was any in time.
    ///
    /// It grows by doubling: a peer that holds memory has sent at least half of it, and one that only announces a long
    /// body holds none.
    pub async fn grow(&mut self, bytes: usize, limit: u64, deadline: Instant) -> bool {
        let Some(claim) = &mut self.0 else { return true };
        let held = claim.held();
        if bytes <= held {
            return true;
        }
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let goal = held.saturating_mul(2).min(limit).max(bytes);
        claim.grow(goal - held, deadline).await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::{net::Ipv4Addr, time::Duration};

    use super::*;

    fn address(number: u8) -> IpAddr {
        Ipv4Addr::new(192, 0, 2, number).into()
    }

    fn bytes(share: &MemoryShare) -> usize {
        share.0.as_ref().map_or(0, Claim::held)
    }

    #[tokio::test]
    async fn a_share_doubles_up_to_its_limit_and_is_given_back() {
        let memory = Memory::new(1000);
        // What there is, there is at once.
        let deadline = Instant::now();
        let mut share = memory.share(address(1));
        for (wanted, held) in [(10, 10), (11, 20), (20, 20), (21, 40), (100, 100), (101, 150), (150, 150)] {
            assert!(share.grow(wanted, 150, deadline).await);
            assert_eq!(bytes(&share), held);
        }
        let mut other = memory.share(address(2));
        assert!(other.grow(725, 5000, deadline).await);
        assert!(!other.grow(726, 5000, deadline).await, "an eighth of all is kept for others");
        assert!(memory.share(address(3)).grow(125, 5000, deadline).await);
        drop(share);
        assert!(other.grow(726, 875, deadline).await);
        assert_eq!(bytes(&other), 875);
    }

    #[tokio::test]
    async fn bodies_of_one_address_leave_as_much_as_they_take() {
        let memory = Memory::new(1000);
        let deadline = Instant::now();
        let mut shares = Vec::new();
        for number in 0..100 {
            let mut share = memory.share(address(1));
            let has_room = share.grow(10, 10, deadline).await;
            // Of those that wait, the oldest may exceed: one body, and not all of them.
            assert_eq!(has_room, number <= 50, "{number}");
            shares.push(share);
        }
        let mut other = memory.share(address(2));
        assert!(other.grow(200, 200, deadline).await);
    }

    #[tokio::test(start_paused = true)]
    async fn bodies_that_came_in_part_do_not_wait_for_each_other() {
        const PIECE: usize = 64 << 10;
        const PIECES: usize = 80;
        let memory = Memory::new(64 << 20);
        let deadline = Instant::now() + Duration::from_secs(30);
        let mut bodies = tokio::task::JoinSet::new();
        for _ in 0..30 {
            let mut share = memory.share(address(1));
            bodies.spawn(async move {
                for pieces in 1..=PIECES {
                    if !share.grow(pieces * PIECE, (PIECES * PIECE) as u64, deadline).await {
                        return pieces;
                    }
                    tokio::task::yield_now().await;
                }
                PIECES
            });
        }
        assert_eq!(bodies.join_all().await, [PIECES; 30]);
    }

    #[tokio::test]
    async fn an_unbounded_share_always_has_room() {
        assert!(MemoryShare::unbounded().grow(usize::MAX, 1, Instant::now()).await);
    }
}
