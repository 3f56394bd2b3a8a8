//! What many share, in turns: so much of something, claimed by addresses or by accounts.
//!
//! No claimant can take all of it ([`Most`]), so one that comes later finds some left. Claims that find none wait in a bounded line of
//! their claimant's, and the claimants' lines are served in turns: however many claims one of them has, another's first claim
//! waits for one claim of each and not for all.

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, MutexGuard},
};

use posthouse_core::lock::Mutex;
use tokio::{
    sync::oneshot,
    time::{Instant, timeout_at},
};

/// What an address is counted as: whoever has one address of IPv6 has a network of 64 bits of them.
pub fn claimant(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
    }
}

/// How much one claimant may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Most {
    /// As much as there is. Others get theirs when it is their turn.
    All,
    /// This much of it.
    Units(usize),
    /// As much as its claims leave free: half of all for one claimant alone, a third for each of two. So there is always some left for
    /// the next one. A claimant that holds nothing gets its first claim whenever there is that much.
    AsMuchAsIsLeft,
}

/// How something is shared.
#[derive(Clone, Copy, Debug)]
pub struct ShareRule {
    /// How much there is of it.
    pub total: usize,
    /// How much one claimant may hold.
    pub most: Most,
    /// How many claims may wait; one more is refused.
    pub waiting: usize,
    /// How many claims of one claimant may wait.
    pub waiting_each: usize,
    /// Whether one claim of each claimant, the oldest that waits, may exceed what the claimant may hold. Where claims grow, they
    /// could wait for each other otherwise. An eighth of all is kept from such claims.
    pub oldest_exceeds: bool,
}

impl ShareRule {
    /// So much, of which a claimant may hold as much as it leaves. Nobody is meant to wait in a line.
    pub const fn as_much_as_is_left(total: usize) -> Self {
        let most = Most::AsMuchAsIsLeft;
        Self { total, most, waiting: usize::MAX, waiting_each: usize::MAX, oldest_exceeds: false }
    }
}

/// Why a claim got nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoShare {
    /// Too many wait already.
    #[error("too many wait for it")]
    Full,
    /// It was not its turn in time.
    #[error("it was not its turn in time")]
    TooLate,
}

/// Something that is shared. Clones share the same.
#[derive(Debug)]
pub struct Shares<K>(Arc<Mutex<Room<K>>>);

impl<K> Clone for Shares<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

#[derive(Debug)]
struct Room<K> {
    rule: ShareRule,
    free: usize,
    /// How many claims there were: the number of the next.
    claims: u64,
    waiting: usize,
    claimants: HashMap<K, Claimant>,
    /// The claimants that wait; the one whose turn is next stands first.
    turns: VecDeque<K>,
}

#[derive(Debug, Default)]
struct Claimant {
    held: usize,
    /// The claim that may exceed what the claimant may hold.
    favoured: Option<u64>,
    /// Claims that wait, by their age.
    waiting: BTreeMap<u64, Waiter>,
}

#[derive(Debug)]
struct Waiter {
    units: usize,
    granted: oneshot::Sender<()>,
}

impl<K: Hash + Eq + Clone> Shares<K> {
    /// Something to share.
    pub fn new(rule: ShareRule) -> Self {
        let (claimants, turns) = (HashMap::new(), VecDeque::new());
        Self(Arc::new(Mutex::new(Room { rule, free: rule.total, claims: 0, waiting: 0, claimants, turns })))
    }

    /// A claim that holds nothing yet.
    pub fn claim(&self, key: K) -> Claim<K> {
        Claim { shares: self.clone(), key, number: None, held: 0 }
    }

    /// Waits for one unit.
    ///
    /// # Errors
    /// [`NoShare`].
    pub async fn one(&self, key: K, deadline: Instant) -> Result<Claim<K>, NoShare> {
        let mut claim = self.claim(key);
        claim.grow(1, deadline).await.map(|()| claim)
    }

    /// One unit, if there is one now.
    pub fn one_now(&self, key: K) -> Option<Claim<K>> {
        let mut claim = self.claim(key);
        claim.grow_now(1).then_some(claim)
    }

    /// How much nobody holds.
    pub fn free(&self) -> usize {
        self.room().free
    }

    /// How much there is.
    pub fn total(&self) -> usize {
        self.room().rule.total
    }

    fn room(&self) -> MutexGuard<'_, Room<K>> {
        self.0.lock()
    }
}

/// What one claims, till it is dropped.
#[derive(Debug)]
pub struct Claim<K: Hash + Eq + Clone> {
    shares: Shares<K>,
    key: K,
    number: Option<u64>,
    held: usize,
}

impl<K: Hash + Eq + Clone> Claim<K> {
    /// How much it holds.
    pub const fn held(&self) -> usize {
        self.held
    }

    /// Claims so much more, if there is so much now and nobody of the same claimant waits for it.
    pub fn grow_now(&mut self, units: usize) -> bool {
        let mut room = self.shares.room();
        let number = *self.number.get_or_insert_with(|| room.next_number());
        let taken = room.take(&self.key, number, units);
        if taken {
            self.held += units;
        }
        taken
    }

    /// Claims so much more, and waits for its turn. Dropping the future gives up the turn and no more than that.
    ///
    /// # Errors
    /// [`NoShare`]; what it holds stays.
    pub async fn grow(&mut self, units: usize, deadline: Instant) -> Result<(), NoShare> {
        let (number, granted) = {
            let mut room = self.shares.room();
            let number = *self.number.get_or_insert_with(|| room.next_number());
            if room.take(&self.key, number, units) {
                drop(room);
                self.held += units;
                return Ok(());
            }
            (number, room.wait(&self.key, number, units)?)
        };
        let mut turn = Turn { claim: self, number, units, over: false };
        // Whatever ended the wait, the turn tells whether it was granted by then.
        drop(timeout_at(deadline, granted).await);
        if turn.end() { Ok(()) } else { Err(NoShare::TooLate) }
    }
}

impl<K: Hash + Eq + Clone> Drop for Claim<K> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.shares.room().give_back(&self.key, number, self.held);
        }
    }
}

/// A claim that waits for its turn: it takes itself out of the line, however the wait ends.
struct Turn<'c, K: Hash + Eq + Clone> {
    claim: &'c mut Claim<K>,
    number: u64,
    units: usize,
    over: bool,
}

impl<K: Hash + Eq + Clone> Turn<'_, K> {
    /// Ends the wait. Whether what was waited for was granted.
    fn end(&mut self) -> bool {
        if self.over {
            return false;
        }
        self.over = true;
        let waited = self.claim.shares.room().leave(&self.claim.key, self.number);
        if !waited {
            self.claim.held += self.units;
        }
        !waited
    }
}

impl<K: Hash + Eq + Clone> Drop for Turn<'_, K> {
    fn drop(&mut self) {
        self.end();
    }
}

impl<K: Hash + Eq + Clone> Room<K> {
    const fn next_number(&mut self) -> u64 {
        self.claims += 1;
        self.claims
    }

    /// Takes what is there for a claim that has no line before it.
    fn take(&mut self, key: &K, number: u64, units: usize) -> bool {
        let claimant = self.claimants.get(key);
        if claimant.is_some_and(|claimant| !claimant.waiting.is_empty()) {
            return false;
        }
        if !self.rule.fits(self.free, claimant, number, units) {
            return false;
        }
        self.free -= units;
        self.claimants.entry(key.clone()).or_default().held += units;
        true
    }

    /// Joins the line.
    fn wait(&mut self, key: &K, number: u64, units: usize) -> Result<oneshot::Receiver<()>, NoShare> {
        let of_claimant = self.claimants.get(key).map_or(0, |claimant| claimant.waiting.len());
        if self.waiting >= self.rule.waiting || of_claimant >= self.rule.waiting_each {
            return Err(NoShare::Full);
        }
        let (sender, granted) = oneshot::channel();
        if of_claimant == 0 {
            self.turns.push_back(key.clone());
        }
        let claimant = self.claimants.entry(key.clone()).or_default();
        claimant.waiting.insert(number, Waiter { units, granted: sender });
        self.waiting += 1;
        // An older claim of the same claimant may go before those that wait; and the oldest may exceed.
        self.serve();
        Ok(granted)
    }

    /// Leaves the line. Whether it was still in it.
    fn leave(&mut self, key: &K, number: u64) -> bool {
        let Some(claimant) = self.claimants.get_mut(key) else { return false };
        let waited = claimant.waiting.remove(&number).is_some();
        if waited {
            self.waiting -= 1;
            if claimant.waiting.is_empty() {
                self.turns.retain(|turn| turn != key);
            }
            // It may have held up those behind it.
            self.serve();
        }
        waited
    }

    fn give_back(&mut self, key: &K, number: u64, units: usize) {
        self.free += units;
        if let Some(claimant) = self.claimants.get_mut(key) {
            claimant.held -= units;
            if claimant.favoured == Some(number) {
                claimant.favoured = None;
            }
            if claimant.held == 0 && claimant.waiting.is_empty() {
                self.claimants.remove(key);
            }
        }
        self.serve();
    }

    /// Grants what can be granted: one claim of each claimant in turn, as long as there is something to grant.
    fn serve(&mut self) {
        let mut at = 0;
        let mut granted = false;
        while self.free > 0 && at < self.turns.len() {
            if self.serve_turn(at) {
                granted = true;
            } else {
                at += 1;
            }
            // What was granted may make a claimant fit that did not: its oldest claim has changed.
            if at == self.turns.len() && granted {
                (at, granted) = (0, false);
            }
        }
    }

    /// Grants a claim of the claimant whose turn stands there, which goes to the end of the line then.
    fn serve_turn(&mut self, at: usize) -> bool {
        let Some(key) = self.turns.get(at) else { return false };
        let Some(claimant) = self.claimants.get_mut(key) else { return false };
        let Some((&oldest, _)) = claimant.waiting.first_key_value() else { return false };
        if self.rule.oldest_exceeds {
            claimant.favoured.get_or_insert(oldest);
        }
        // An older one may have come to wait since; it shall not stop the one that may exceed.
        let number = claimant.favoured.filter(|one| claimant.waiting.contains_key(one)).unwrap_or(oldest);
        let Some(units) = claimant.waiting.get(&number).map(|waiter| waiter.units) else { return false };
        if !self.rule.fits(self.free, Some(claimant), number, units) {
            return false;
        }
        self.free -= units;
        claimant.held += units;
        self.waiting -= 1;
        // One that does not wait any more finds that it is not in the line, and gives back what was granted.
        let _ = claimant.waiting.remove(&number).map(|waiter| waiter.granted.send(()));
        let waits_on = !claimant.waiting.is_empty();
        if let Some(key) = self.turns.remove(at)
            && waits_on
        {
            self.turns.push_back(key);
        }
        true
    }
}

impl ShareRule {
    /// Whether so much may be granted while so much is free.
    fn fits(&self, free: usize, claimant: Option<&Claimant>, number: u64, units: usize) -> bool {
        let held = claimant.map_or(0, |claimant| claimant.held);
        let is_favoured = claimant.is_some_and(|claimant| claimant.favoured == Some(number));
        let Some(left) = free.checked_sub(units) else { return false };
        match self.most {
            Most::All => true,
            Most::Units(most) => held.saturating_add(units) <= most,
            Most::AsMuchAsIsLeft => {
                held == 0 || held.saturating_add(units) <= left || (is_favoured && left >= self.total / 8)
            }
        }
    }
}
