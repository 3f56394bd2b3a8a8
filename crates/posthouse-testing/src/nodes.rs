//! Several gateways in one process on one store, as if each were a node of its own.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use jiff::Timestamp;
use posthouse_core::{
    Id,
    actor::Actor,
    carrier::CarrierId,
    cluster::{IDS_AHEAD, is_alive},
    divisions::{Divisions, NodeDemands},
    slots::Slots,
    store::{
        Beat, ClockMarks, Divided, DivisionStore, Due, EndedAttempt, HandedOn, Heartbeat, Joining, Lease,
        Membership, MembershipStore, Node, Owner, Settled, Store, StoreError, StoreResult, StoreStatistics,
        Swept, Take, Timer, ToSend, UpkeepStore, Wanting, WorkStore,
    },
    time::{Clock, after},
};

use crate::fragile::passes_on;

/// A store that several gateways of this process serve.
pub struct SharedPlace {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    nodes: Mutex<Vec<Node>>,
    limits: Mutex<(Vec<NodeDemands>, Divisions)>,
}

impl SharedPlace {
    /// This store, whose time is this clock's.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { store, clock, nodes: Mutex::default(), limits: Mutex::default() })
    }

    /// The numbers of the nodes that have come and not gone.
    pub fn numbers(&self) -> Vec<u8> {
        self.nodes.lock().expect("nobody panicked").iter().map(|node| node.number).collect()
    }

    /// Closes the store, once all gateways have stopped.
    ///
    /// # Errors
    /// Those of [`UpkeepStore::close`].
    pub async fn close(&self) -> StoreResult<()> {
        self.store.close().await
    }
}

/// One gateway's way to a store that others serve too.
pub struct SharedStore(Arc<dyn Store>, Arc<SharedPlace>, Arc<AtomicBool>);

impl SharedStore {
    /// A way to the store, and what cuts it off: then the store does not hear the node, though all else goes on.
    pub fn of(place: &Arc<SharedPlace>) -> (Arc<Self>, Arc<AtomicBool>) {
        let is_cut = Arc::<AtomicBool>::default();
        (Arc::new(Self(Arc::clone(&place.store), Arc::clone(place), Arc::clone(&is_cut))), is_cut)
    }

    fn there(&self) -> StoreResult<std::sync::MutexGuard<'_, Vec<Node>>> {
        match self.2.load(Ordering::SeqCst) {
            true => Err(StoreError::not_done("it is cut off")),
            false => Ok(self.1.nodes.lock().expect("nobody panicked")),
        }
    }
}

passes_on!(
    SharedStore: IntakeStore, CallbackStore, CdrStore, BulkStore, EndpointStore, InboundStore, ReportStore, RefusalStore,
    SearchStore, OperationsStore, OverrideStore, ProvisioningStore, NumberStore, QueueStore, RevisionStore, AuditStore,
    KeyStore, TokenStore, UserStore, IdempotencyStore
);

/// A store that one gateway serves knows no slots: a node that has any gets what is in all of them, and leases keep two apart.
fn all_or_none(slots: Slots) -> Option<Slots> {
    (!slots.is_empty()).then_some(Slots::ALL)
}

#[async_trait]
impl WorkStore for SharedStore {
    async fn begin(
        &self,
        id: Id,
        owner: Owner,
        connection: &str,
        attempt_until: Timestamp,
        now: Timestamp,
    ) -> StoreResult<()> {
        self.0.begin(id, owner, connection, attempt_until, now).await
    }

    async fn settle_attempt(
        &self,
        id: Id,
        owner: Owner,
        ended: EndedAttempt<'_>,
        now: Timestamp,
        take: Take,
    ) -> StoreResult<HandedOn<Settled>> {
        self.0.settle_attempt(id, owner, ended, now, take).await
    }

    async fn release(&self, ids: &[Id], owner: Owner, now: Timestamp) -> StoreResult<()> {
        self.0.release(ids, owner, now).await
    }

    async fn lease_sends(
        &self,
        carrier: &CarrierId,
        lease: Lease,
        now: Timestamp,
        waiting_since_before: Option<Timestamp>,
        slots: Slots,
        limit: usize,
    ) -> StoreResult<Vec<ToSend>> {
        let Some(slots) = all_or_none(slots) else { return Ok(Vec::new()) };
        self.0.lease_sends(carrier, lease, now, waiting_since_before, slots, limit).await
    }

    async fn put_off(
        &self,
        carrier: &CarrierId,
        until: Timestamp,
        nobody_there: bool,
        now: Timestamp,
        slots: Slots,
        limit: usize,
    ) -> StoreResult<usize> {
        let Some(slots) = all_or_none(slots) else { return Ok(0) };
        self.0.put_off(carrier, until, nobody_there, now, slots, limit).await
    }

    async fn lease_timers(
        &self,
        lease: Lease,
        now: Timestamp,
        slots: Slots,
        limit: usize,
    ) -> StoreResult<Vec<Timer>> {
        let Some(slots) = all_or_none(slots) else { return Ok(Vec::new()) };
        self.0.lease_timers(lease, now, slots, limit).await
    }

    async fn due(&self, now: Timestamp, _: Slots) -> StoreResult<Due> {
        self.0.due(now, Slots::ALL).await
    }

    async fn oldest_due(&self, now: Timestamp) -> StoreResult<Option<Timestamp>> {
        self.0.oldest_due(now).await
    }
}

#[async_trait]
impl MembershipStore for SharedStore {
    async fn join(&self, joining: Joining) -> StoreResult<Membership> {
        let time = self.1.clock.now();
        let newest = self.0.newest_id().await?;
        let mut nodes = self.there()?;
        nodes.retain(|node| node.owner != joining.owner);
        let is_free = |number: &u8| nodes.iter().all(|node| node.number != *number);
        let number = (1..).find(is_free).ok_or_else(|| StoreError::refused("no number is free"))?;
        let Joining { owner, kind, address, version, .. } = joining;
        let (revision, is_draining, beat_at) = (0, false, time);
        nodes.push(Node { number, owner, epoch: 1, kind, address, version, revision, is_draining, beat_at });
        let ids_until = after(time, IDS_AHEAD);
        Ok(Membership { number, epoch: 1, is_only: false, ids_after: newest, ids_until, time })
    }

    async fn heartbeat(&self, beat: Beat) -> StoreResult<Heartbeat> {
        let time = self.1.clock.now();
        let mut nodes = self.there()?;
        let node = nodes.iter_mut().find(|node| node.owner == beat.owner).ok_or(StoreError::LostLease)?;
        (node.revision, node.is_draining, node.beat_at) = (beat.revision, beat.is_draining, time);
        let mut alive: Vec<u8> =
            nodes.iter().filter(|node| is_alive(node.beat_at, time)).map(|node| node.number).collect();
        alive.sort_unstable();
        Ok(Heartbeat {
            time,
            ids_until: after(time, IDS_AHEAD),
            revision: beat.revision,
            alive,
            outdated: None,
        })
    }

    async fn leave(&self, owner: Owner) -> StoreResult<()> {
        let mut nodes = self.there()?;
        let Some(index) = nodes.iter().position(|node| node.owner == owner) else { return Ok(()) };
        let gone = nodes.remove(index).number;
        let mut limits = self.1.limits.lock().expect("nobody panicked");
        limits.0.retain(|said| said.node != gone);
        limits.1 = limits.1.without(gone);
        Ok(())
    }

    async fn nodes(&self) -> StoreResult<Vec<Node>> {
        Ok(self.there()?.clone())
    }
}

#[async_trait]
impl DivisionStore for SharedStore {
    async fn divide(&self, wanting: Wanting) -> StoreResult<Divided> {
        let time = self.1.clock.now();
        let nodes = self.there()?;
        let node = nodes.iter().find(|node| node.owner == wanting.owner).ok_or(StoreError::LostLease)?.number;
        let mut limits = self.1.limits.lock().expect("nobody panicked");
        let (said, divisions) = &mut *limits;
        let is_due = divisions.is_due(&wanting.demands, time);
        said.retain(|demands| demands.node != node);
        said.push(NodeDemands { node, demands: wanting.demands, said_at: time });
        if is_due {
            *divisions = divisions.next(said, time);
        }
        Ok(Divided { time, divisions: divisions.clone() })
    }
}

#[async_trait]
impl UpkeepStore for SharedStore {
    async fn newest_id(&self) -> StoreResult<Option<Id>> {
        self.0.newest_id().await
    }

    async fn sweep(
        &self,
        media_before: Timestamp,
        messages_before: Timestamp,
        limit: usize,
    ) -> StoreResult<Swept> {
        self.0.sweep(media_before, messages_before, limit).await
    }

    async fn clock(&self) -> StoreResult<ClockMarks> {
        self.0.clock().await
    }

    async fn note_seen(&self, now: Timestamp) -> StoreResult<()> {
        self.0.note_seen(now).await
    }

    async fn confirm_clock(&self, by: &Actor, now: Timestamp) -> StoreResult<()> {
        self.0.confirm_clock(by, now).await
    }

    async fn check(&self) -> StoreResult<()> {
        self.0.check().await
    }

    fn statistics(&self) -> StoreStatistics {
        self.0.statistics()
    }

    /// One that stops leaves it to the others.
    async fn close(&self) -> StoreResult<()> {
        Ok(())
    }
}
