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
    cluster::{IDS_AHEAD, is_alive},
    store::{
        Beat, ClockMarks, Heartbeat, Joining, Membership, MembershipStore, Node, Owner, Store, StoreError,
        StoreResult, StoreStatistics, Swept, UpkeepStore,
    },
    time::{Clock, after},
};

use crate::fragile::passes_on;

/// A store that several gateways of this process serve.
pub struct SharedPlace {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    nodes: Mutex<Vec<Node>>,
}

impl SharedPlace {
    /// This store, whose time is this clock's.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { store, clock, nodes: Mutex::default() })
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
    SharedStore: IntakeStore, WorkStore, CallbackStore, BulkStore, EndpointStore, InboundStore, ReportStore, RefusalStore,
    SearchStore, OperationsStore, OverrideStore, ProvisioningStore, NumberStore, QueueStore, RevisionStore, AuditStore,
    TokenStore
);

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
        nodes.push(Node { number, owner, kind, address, version, revision, is_draining, beat_at });
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
        Ok(Heartbeat { time, ids_until: after(time, IDS_AHEAD), revision: beat.revision, alive })
    }

    async fn leave(&self, owner: Owner) -> StoreResult<()> {
        self.there()?.retain(|node| node.owner != owner);
        Ok(())
    }

    async fn nodes(&self) -> StoreResult<Vec<Node>> {
        Ok(self.there()?.clone())
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
