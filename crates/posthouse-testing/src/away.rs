//! A store that can be away for a while, or hold messages up.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use posthouse_core::{
    Id,
    account::AccountName,
    carrier::CarrierId,
    life::read_reply::CarrierReadReply,
    lock::Mutex,
    message::{CarrierReport, Digest},
    slots::Slots,
    store::{
        Acceptance, Callback, CallbackOutcome, CallbackStore, Due, EndedAttempt, FirstAttempt, HandedOn,
        IntakeStore, Lease, NewMessage, NewMo, Owner, Recorded, ReportStore, Settled, Store, StoreError,
        StoreResult, Take, Timer, ToSend, WorkStore,
    },
    unreadable::Unreadable,
};
use tokio::sync::Notify;

use crate::fragile::passes_on_the_rest;

/// What a store that is away says: ask again after so long.
pub const RETRY_AFTER: Duration = Duration::from_secs(7);

/// Takes a store away or holds messages up in front of it, and tells what was asked of it.
#[derive(Debug, Default)]
pub struct StoreSwitch {
    is_away: AtomicBool,
    settles: AtomicU64,
    first_attempts: Mutex<Vec<FirstAttempt>>,
    holds: AtomicBool,
    goes_on: Notify,
}

impl StoreSwitch {
    /// Takes it away, or brings it back.
    pub fn set_away(&self, is_away: bool) {
        self.is_away.store(is_away, Ordering::SeqCst);
    }

    /// How many ends of attempts it did not take.
    pub fn refused_settles(&self) -> u64 {
        self.settles.load(Ordering::SeqCst)
    }

    /// Holds messages up that are to be accepted, or lets them go on.
    pub fn hold(&self, holds: bool) {
        self.holds.store(holds, Ordering::SeqCst);
        self.goes_on.notify_waiters();
    }

    /// When the messages that were to be accepted are attempted first, in the order in which they came.
    pub fn first_attempts(&self) -> Vec<FirstAttempt> {
        self.first_attempts.lock().clone()
    }

    async fn pass(&self, message: &NewMessage) {
        self.first_attempts.lock().push(message.first_attempt);
        loop {
            let goes_on = self.goes_on.notified();
            if !self.holds.load(Ordering::SeqCst) {
                return;
            }
            goes_on.await;
        }
    }
}

/// A store that is away while somebody says so: messages, work, callbacks and reports are neither read nor written then, as if nobody
/// could reach it. What is provisioned is known.
pub struct AwayStore(Arc<dyn Store>, Arc<StoreSwitch>);

impl AwayStore {
    /// A store, and the switch that takes it away.
    pub fn new(store: Arc<dyn Store>, switch: Arc<StoreSwitch>) -> Self {
        Self(store, switch)
    }

    fn there(&self) -> StoreResult<&dyn Store> {
        match self.1.is_away.load(Ordering::SeqCst) {
            true => Err(StoreError::Unavailable { retry_after: RETRY_AFTER }),
            false => Ok(&*self.0),
        }
    }
}

passes_on_the_rest!(AwayStore);

#[async_trait]
impl IntakeStore for AwayStore {
    async fn accept(&self, message: &NewMessage) -> StoreResult<Acceptance> {
        self.1.pass(message).await;
        self.there()?.accept(message).await
    }

    async fn repeated(
        &self,
        account: &AccountName,
        transaction_id: &str,
        digest: Digest,
        since: Timestamp,
    ) -> StoreResult<Option<Id>> {
        self.there()?.repeated(account, transaction_id, digest, since).await
    }

    async fn accept_mo(&self, mo: NewMo, take: Take) -> StoreResult<HandedOn<Acceptance>> {
        self.there()?.accept_mo(mo, take).await
    }
}

#[async_trait]
impl WorkStore for AwayStore {
    async fn begin(
        &self,
        id: Id,
        owner: Owner,
        connection: &str,
        attempt_until: Timestamp,
        now: Timestamp,
    ) -> StoreResult<()> {
        self.there()?.begin(id, owner, connection, attempt_until, now).await
    }

    async fn settle_attempt(
        &self,
        id: Id,
        owner: Owner,
        ended: EndedAttempt<'_>,
        now: Timestamp,
        take: Take,
    ) -> StoreResult<HandedOn<Settled>> {
        if self.there().is_err() {
            self.1.settles.fetch_add(1, Ordering::SeqCst);
        }
        self.there()?.settle_attempt(id, owner, ended, now, take).await
    }

    async fn release(&self, ids: &[Id], owner: Owner, now: Timestamp) -> StoreResult<()> {
        self.there()?.release(ids, owner, now).await
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
        self.there()?.lease_sends(carrier, lease, now, waiting_since_before, slots, limit).await
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
        self.there()?.put_off(carrier, until, nobody_there, now, slots, limit).await
    }

    async fn lease_timers(
        &self,
        lease: Lease,
        now: Timestamp,
        slots: Slots,
        limit: usize,
    ) -> StoreResult<Vec<Timer>> {
        self.there()?.lease_timers(lease, now, slots, limit).await
    }

    async fn due(&self, now: Timestamp, slots: Slots) -> StoreResult<Due> {
        self.there()?.due(now, slots).await
    }

    async fn oldest_due(&self, now: Timestamp) -> StoreResult<Option<Timestamp>> {
        self.there()?.oldest_due(now).await
    }
}

#[async_trait]
impl CallbackStore for AwayStore {
    async fn lease_callbacks(
        &self,
        account: &AccountName,
        lease: Lease,
        now: Timestamp,
        limit: usize,
    ) -> StoreResult<Vec<Callback>> {
        self.there()?.lease_callbacks(account, lease, now, limit).await
    }

    async fn settle_callback(
        &self,
        id: Id,
        owner: Owner,
        outcome: CallbackOutcome,
        now: Timestamp,
        take: Take,
    ) -> StoreResult<HandedOn<()>> {
        self.there()?.settle_callback(id, owner, outcome, now, take).await
    }

    async fn release_callbacks(&self, ids: &[Id], owner: Owner, now: Timestamp) -> StoreResult<()> {
        self.there()?.release_callbacks(ids, owner, now).await
    }
}

#[async_trait]
impl ReportStore for AwayStore {
    async fn record_report(&self, report: CarrierReport, take: Take) -> StoreResult<HandedOn<Recorded>> {
        self.there()?.record_report(report, take).await
    }

    async fn record_read_reply(
        &self,
        reply: CarrierReadReply,
        take: Take,
    ) -> StoreResult<HandedOn<Recorded>> {
        self.there()?.record_read_reply(reply, take).await
    }

    async fn keep_unreadable(&self, request: Unreadable) -> StoreResult<()> {
        self.there()?.keep_unreadable(request).await
    }
}
