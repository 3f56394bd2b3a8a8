//! The memory that long heads take while they come, and till the request is answered: bounded, and shared by address.
//!
//! Heads are read before anybody has shown credentials. Ordinary ones have a place of their own with each connection; only what is
//! longer waits for room here.

use std::{
    fmt, io,
    net::IpAddr,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::Instant;

use crate::shares::{Claim, Most, NoShare, ShareRule, Shares, claimant};

/// How long a head may be that needs no room of this, in bytes.
const ORDINARY: usize = 16 << 10;
/// What a byte of a head takes at the most: a buffer that doubles, and the one that it is handed over to.
const TAKES: usize = 4;
/// How much all heads of a door may take, in bytes.
pub const HEADS: usize = 64 << 20;
/// How long a head waits for room; about as long as it may take to come.
const WAIT: Duration = Duration::from_secs(15);

/// The room for the heads of a door. An address has as much as it leaves free.
#[derive(Clone, Debug)]
pub struct Heads(Shares<IpAddr>);

impl Default for Heads {
    fn default() -> Self {
        Self::new(HEADS)
    }
}

impl Heads {
    /// A room of this many bytes.
    pub fn new(bytes: usize) -> Self {
        let oldest_exceeds = true;
        Self(Shares::new(ShareRule {
            oldest_exceeds,
            most: Most::AsMuchAsIsLeft,
            ..ShareRule::as_much_as_is_left(bytes)
        }))
    }

    /// Room for the heads of one connection.
    pub fn of(&self, from: IpAddr) -> HeadRoom {
        let from = claimant(from);
        HeadRoom { heads: Some((self.clone(), from)), claim: None, waiting: None }
    }
}

type Waiting = Pin<Box<dyn Future<Output = Result<Claim<IpAddr>, NoShare>> + Send>>;

/// The room that a connection's head has.
#[derive(Default)]
pub struct HeadRoom {
    heads: Option<(Heads, IpAddr)>,
    claim: Option<Claim<IpAddr>>,
    waiting: Option<Waiting>,
}

impl fmt::Debug for HeadRoom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeadRoom").field("claim", &self.claim).finish_non_exhaustive()
    }
}

impl HeadRoom {
    /// Gives it back: the head that it was for is no more.
    pub fn leave(&mut self) {
        self.claim = None;
    }

    /// Waits for room for a head of this many bytes.
    ///
    /// # Errors
    /// There was none in time.
    pub fn poll(&mut self, context: &mut Context<'_>, length: usize) -> Poll<io::Result<()>> {
        let Some((heads, from)) = &self.heads else { return Poll::Ready(Ok(())) };
        let needed = length.saturating_mul(TAKES);
        let held = self.claim.as_ref().map_or(0, Claim::held);
        if length <= ORDINARY || (needed <= held && self.waiting.is_none()) {
            return Poll::Ready(Ok(()));
        }
        let waiting = self.waiting.get_or_insert_with(|| {
            let mut claim = self.claim.take().unwrap_or_else(|| heads.0.claim(*from));
            let goal = needed.max(held.saturating_mul(2));
            let deadline = Instant::now() + WAIT;
            Box::pin(async move { claim.grow(goal - held, deadline).await.map(|()| claim) })
        });
        let grown = ready!(waiting.as_mut().poll(context));
        self.waiting = None;
        self.claim = Some(grown.map_err(|error| io::Error::new(io::ErrorKind::TimedOut, error))?);
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::time::timeout;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));
    const LONG: usize = 1 << 20;

    async fn has_room(room: &mut HeadRoom, length: usize) -> bool {
        timeout(2 * WAIT, poll_fn(|context| room.poll(context, length))).await.unwrap().is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn long_heads_share_what_there_is_and_ordinary_ones_need_none() {
        let heads = Heads::default();
        let mut long = Vec::new();
        loop {
            let mut room = heads.of(HERE);
            if !has_room(&mut room, LONG).await {
                break;
            }
            long.push(room);
        }
        // Half of all, and the one that may exceed.
        assert_eq!(long.len(), 9);
        assert!(has_room(&mut heads.of(HERE), ORDINARY).await);
        let mut other = heads.of(THERE);
        assert!(has_room(&mut other, LONG).await && has_room(&mut other, 2 * LONG).await);
        long.iter_mut().skip(3).for_each(HeadRoom::leave);
        assert!(has_room(&mut heads.of(HERE), LONG).await);
        drop((long, other));
        assert_eq!(heads.0.free(), HEADS);
    }
}
