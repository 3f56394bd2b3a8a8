//! This node among those that serve the store: its number and ids, which slots are its own, and whether the store still hears it.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use posthouse_core::{
    carrier::CarrierId,
    cluster::{ALONE_AFTER, BEAT_EVERY, CLOCK_OFF},
    id::IdSource,
    lock::Mutex,
    slots::Slots,
    store::{Beat, Joining, Membership, MembershipStore, NodeKind, Owner, StoreError, StoreResult},
};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::{clock::StoreClock, ids::MessageIds};

/// How long a beat may take; then the next one is tried.
const BEAT_TIME: std::time::Duration = std::time::Duration::from_secs(2);

/// This node.
pub struct ClusterNode {
    store: Arc<dyn MembershipStore>,
    owner: Owner,
    /// Where its admin API is found.
    address: String,
    clock: Arc<StoreClock>,
    ids: Arc<MessageIds>,
    standing: Mutex<Standing>,
    /// The gateways that were alive at the last beat.
    alive: Mutex<Arc<[u8]>>,
    /// The carriers that not every node may send to at present, with the slots of their messages that are this node's.
    held: Mutex<HashMap<CarrierId, Slots>>,
    gains: Mutex<HashMap<CarrierId, u64>>,
    /// Why its program may not go on with the store, once that is so.
    outdated: OnceLock<String>,
    /// That is so.
    is_outdated: CancellationToken,
    /// It has gone.
    gone: CancellationToken,
}

/// What the store last said.
#[derive(Clone, Copy, Debug)]
struct Standing {
    number: u8,
    epoch: u64,
    /// The store is for one gateway.
    is_only: bool,
    slots: Slots,
    heard_at: Instant,
}

impl ClusterNode {
    /// Comes to a store.
    ///
    /// # Errors
    /// Those of [`MembershipStore::join`].
    pub async fn join(
        store: Arc<dyn MembershipStore>,
        owner: Owner,
        address: &str,
        clock: Arc<StoreClock>,
    ) -> StoreResult<Self> {
        let membership = join(&*store, owner, address, &clock).await?;
        let ids = Arc::new(MessageIds::new(source(&membership), membership.ids_until));
        Ok(Self {
            store,
            owner,
            address: address.to_owned(),
            clock,
            ids,
            standing: Mutex::new(standing(&membership)),
            alive: Mutex::new(Arc::new([membership.number])),
            held: Mutex::default(),
            gains: Mutex::default(),
            outdated: OnceLock::new(),
            is_outdated: CancellationToken::new(),
            gone: CancellationToken::new(),
        })
    }

    /// Where its ids come from.
    pub const fn ids(&self) -> &Arc<MessageIds> {
        &self.ids
    }

    /// What it asks the store for: its slots, and nothing while the store does not hear it.
    pub fn slots(&self) -> Slots {
        if self.is_heard() { self.standing.lock().slots } else { Slots::NONE }
    }

    /// The same for a carrier's messages: where not every node has something of its limits, those that have share the slots.
    pub fn slots_of(&self, carrier: &CarrierId) -> Slots {
        let held = self.held.lock().get(carrier).copied();
        held.filter(|_| self.is_heard()).unwrap_or_else(|| self.slots())
    }

    /// The carriers of which it has other slots than its own.
    pub fn held(&self) -> Vec<CarrierId> {
        self.held.lock().keys().cloned().collect()
    }

    /// These are the carriers of which it has other slots from now on.
    pub(crate) fn hold(&self, slots: HashMap<CarrierId, Slots>) {
        *self.held.lock() = slots;
    }

    /// Some of a carrier's slots were another node's, which may have put off what waits in them.
    pub(crate) fn gained(&self, carrier: &CarrierId) {
        *self.gains.lock().entry(carrier.clone()).or_default() += 1;
    }

    /// How often that was so. A lane that finds another number than before looks at what was put off, too.
    pub fn gains_of(&self, carrier: &CarrierId) -> u64 {
        self.gains.lock().get(carrier).copied().unwrap_or_default()
    }

    /// Whether the store is for one gateway: all limits are this node's then.
    pub fn is_only(&self) -> bool {
        self.standing.lock().is_only
    }

    /// Its number.
    pub fn number(&self) -> u8 {
        self.standing.lock().number
    }

    /// How often that number was taken, this run included.
    pub fn epoch(&self) -> u64 {
        self.standing.lock().epoch
    }

    /// Where its admin API is found.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// How long ago the store heard it; a store for one gateway needs not.
    pub fn heard(&self) -> std::time::Duration {
        let standing = *self.standing.lock();
        if standing.is_only { std::time::Duration::ZERO } else { standing.heard_at.elapsed() }
    }

    /// Which run of it this is.
    pub const fn owner(&self) -> Owner {
        self.owner
    }

    /// The gateways that are alive.
    pub fn alive(&self) -> Arc<[u8]> {
        Arc::clone(&self.alive.lock())
    }

    /// What its own clock says.
    pub fn own_time(&self) -> jiff::Timestamp {
        self.clock.own()
    }

    /// Waits till it has left.
    pub async fn gone(&self) {
        self.gone.cancelled().await;
    }

    /// Waits till its program may not go on with the store: why, in a sentence.
    pub async fn outdated(&self) -> String {
        self.is_outdated.cancelled().await;
        self.outdated.get().cloned().unwrap_or_default()
    }

    /// Whether the store heard it a moment ago. While it does not, nothing is taken and nothing begun: others may hold this node for dead.
    /// The same holds for one whose program may not go on.
    pub fn is_heard(&self) -> bool {
        self.outdated.get().is_none() && self.standing.lock().is_heard()
    }

    /// Why it is not ready, as far as that is its own.
    pub fn fault(&self) -> Option<String> {
        if let Some(why) = self.outdated.get() {
            return Some(why.clone());
        }
        if !self.is_heard() {
            return Some(format!("the store has not heard this node for {} s", ALONE_AFTER.as_secs()));
        }
        self.clock_fault()
    }

    /// That its clock is off, if it is.
    pub(crate) fn clock_fault(&self) -> Option<String> {
        let offset = self.clock.offset();
        (offset.unsigned_abs() > CLOCK_OFF).then(|| {
            let seconds = offset.unsigned_abs().as_secs();
            let side = if offset.is_positive() { "behind" } else { "ahead of" };
            format!("the clock is {seconds} s {side} the store's: set it right")
        })
    }

    /// Says that it is there till it [leaves](Self::leave), also while it stops.
    /// What is in force here, and whether it takes nothing new, is asked before each beat.
    pub async fn beat(
        self: Arc<Self>,
        revision: impl Fn() -> u64 + Send,
        is_draining: impl Fn() -> bool + Send,
    ) {
        if self.standing.lock().is_only {
            return;
        }
        let mut is_told = false;
        loop {
            let beat = Beat {
                owner: self.owner,
                revision: revision(),
                is_draining: is_draining(),
                now: self.clock.own(),
            };
            match self.hear(beat).await {
                Ok(()) => {
                    if std::mem::take(&mut is_told) {
                        tracing::info!("the store hears this node again");
                    }
                }
                Err(error) if !is_told => {
                    is_told = true;
                    tracing::warn!(%error, "the store does not hear this node");
                }
                Err(_) => {}
            }
            tokio::select! {
                () = self.gone.cancelled() => return,
                () = sleep(BEAT_EVERY) => {}
            }
        }
    }

    async fn hear(&self, beat: Beat) -> StoreResult<()> {
        let asked = beat.now;
        let heard = match timeout(BEAT_TIME, self.store.heartbeat(beat)).await {
            Ok(Err(StoreError::LostLease)) => return self.come_again().await,
            Ok(heard) => heard?,
            Err(_) => return Err(StoreError::not_done("it does not answer in time")),
        };
        if let Some(why) = heard.outdated {
            // Whoever runs this node has it stop.
            let _ = self.outdated.set(why);
            self.is_outdated.cancel();
        }
        self.clock.hear(asked, heard.time);
        self.ids.extend(heard.ids_until);
        let mut standing = self.standing.lock();
        let slots = Slots::of(standing.number, &heard.alive);
        if slots != standing.slots {
            tracing::info!(slots = slots.len(), nodes = heard.alive.len(), "the nodes have changed");
        }
        *standing = Standing { slots, heard_at: Instant::now(), ..*standing };
        drop(standing);
        *self.alive.lock() = heard.alive.into();
        Ok(())
    }

    /// Its number is another's by now, since it was not heard of for so long: it comes as a new one.
    async fn come_again(&self) -> StoreResult<()> {
        let membership = join(&*self.store, self.owner, &self.address, &self.clock).await?;
        tracing::warn!(number = membership.number, "this node was held for dead, and has come again");
        self.ids.replace(source(&membership), membership.ids_until);
        *self.standing.lock() = standing(&membership);
        Ok(())
    }

    /// Goes, once all is given back.
    pub async fn leave(&self) {
        self.gone.cancel();
        if let Err(error) = self.store.leave(self.owner).await {
            tracing::warn!(%error, "the store was not told that this node goes");
        }
    }
}

impl Standing {
    fn is_heard(&self) -> bool {
        self.is_only || self.heard_at.elapsed() < ALONE_AFTER
    }
}

async fn join(
    store: &dyn MembershipStore,
    owner: Owner,
    address: &str,
    clock: &StoreClock,
) -> StoreResult<Membership> {
    let asked = clock.own();
    let (address, version) = (address.to_owned(), env!("CARGO_PKG_VERSION").to_owned());
    let joining = Joining { owner, kind: NodeKind::Gateway, address, version, now: asked };
    let membership = store.join(joining).await?;
    clock.hear(asked, membership.time);
    Ok(membership)
}

fn source(membership: &Membership) -> IdSource {
    IdSource::new(membership.number, membership.ids_after)
}

/// Of one that has just come. Where there are others, its slots are told with its first beat.
fn standing(membership: &Membership) -> Standing {
    let Membership { number, epoch, is_only, .. } = *membership;
    let slots = if is_only { Slots::ALL } else { Slots::NONE };
    Standing { number, epoch, is_only, slots, heard_at: Instant::now() }
}

#[cfg(test)]
mod tests;
