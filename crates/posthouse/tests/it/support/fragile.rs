//! A store that breaks on purpose.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use posthouse_core::{
    Id,
    account::AccountName,
    carrier::CarrierId,
    life::intervention::{FailedCallback, FailedFilter, Intervention, Ruling},
    life::read_reply::CarrierReadReply,
    message::{CarrierReport, Digest, StoredMessage, TimelineEvent},
    provisioning::{Change, Provisioning},
    store::{
        Acceptance, Callback, CallbackOutcome, ClockMarks, Due, Lease, MessageFilter, NewMessage, NewMo,
        NextStep, Owner, Recorded, Settled, Settlement, Store, StoreError, StoreResult, Swept, Timer, ToSend,
    },
    unreadable::{KeptUnreadable, Unreadable},
};

/// A store that accepts no message whose TransactionID, and records no report whose MessageID, begins with one of these:
/// `broken` (the backend fails), `full` (no disk space), `busy` (more to do than it may hold).
pub struct FragileStore(pub Arc<dyn Store>);

fn fail(id: &str) -> StoreResult<()> {
    match id {
        id if id.starts_with("broken") => Err(StoreError::Failed("on purpose".to_owned())),
        id if id.starts_with("full") => Err(StoreError::Full),
        id if id.starts_with("busy") => Err(StoreError::Overloaded),
        _ => Ok(()),
    }
}

#[async_trait]
impl Store for FragileStore {
    async fn accept(&self, message: &NewMessage) -> StoreResult<Acceptance> {
        fail(&message.submission.transaction_id)?;
        self.0.accept(message).await
    }

    async fn repeated(
        &self,
        account: &AccountName,
        transaction_id: &str,
        digest: Digest,
        since: Timestamp,
    ) -> StoreResult<Option<Id>> {
        self.0.repeated(account, transaction_id, digest, since).await
    }

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

    async fn settle(
        &self,
        id: Id,
        owner: Owner,
        settlement: Settlement,
        said: &str,
        now: Timestamp,
    ) -> StoreResult<Settled> {
        self.0.settle(id, owner, settlement, said, now).await
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
        limit: usize,
    ) -> StoreResult<Vec<ToSend>> {
        self.0.lease_sends(carrier, lease, now, waiting_since_before, limit).await
    }

    async fn put_off(
        &self,
        carrier: &CarrierId,
        until: Timestamp,
        nobody_there: bool,
        now: Timestamp,
        limit: usize,
    ) -> StoreResult<usize> {
        self.0.put_off(carrier, until, nobody_there, now, limit).await
    }

    async fn lease_timers(&self, lease: Lease, now: Timestamp, limit: usize) -> StoreResult<Vec<Timer>> {
        self.0.lease_timers(lease, now, limit).await
    }

    async fn media(&self, id: Id) -> StoreResult<Vec<Bytes>> {
        self.0.media(id).await
    }

    async fn record_report(&self, report: CarrierReport) -> StoreResult<Recorded> {
        fail(&report.carrier_message_id)?;
        self.0.record_report(report).await
    }

    async fn record_read_reply(&self, reply: CarrierReadReply) -> StoreResult<Recorded> {
        fail(&reply.carrier_message_id)?;
        self.0.record_read_reply(reply).await
    }

    async fn keep_unreadable(&self, request: Unreadable) -> StoreResult<()> {
        self.0.keep_unreadable(request).await
    }

    async fn unreadable(
        &self,
        carrier: Option<&CarrierId>,
        below: Option<i64>,
        limit: usize,
    ) -> StoreResult<Vec<KeptUnreadable>> {
        self.0.unreadable(carrier, below, limit).await
    }

    async fn accept_mo(&self, mo: NewMo) -> StoreResult<Acceptance> {
        self.0.accept_mo(mo).await
    }

    async fn lease_callbacks(
        &self,
        account: &AccountName,
        lease: Lease,
        now: Timestamp,
        limit: usize,
    ) -> StoreResult<Vec<Callback>> {
        self.0.lease_callbacks(account, lease, now, limit).await
    }

    async fn settle_callback(
        &self,
        id: Id,
        owner: Owner,
        outcome: CallbackOutcome,
        now: Timestamp,
    ) -> StoreResult<bool> {
        self.0.settle_callback(id, owner, outcome, now).await
    }

    async fn due(&self, now: Timestamp) -> StoreResult<Due> {
        self.0.due(now).await
    }

    async fn message(&self, id: Id) -> StoreResult<Option<StoredMessage>> {
        self.0.message(id).await
    }

    async fn timeline(&self, id: Id) -> StoreResult<Option<Vec<TimelineEvent>>> {
        self.0.timeline(id).await
    }

    async fn next(&self, id: Id, now: Timestamp) -> StoreResult<Option<NextStep>> {
        self.0.next(id, now).await
    }

    async fn messages(&self, filter: &MessageFilter, limit: usize) -> StoreResult<Vec<StoredMessage>> {
        self.0.messages(filter, limit).await
    }

    async fn judge(
        &self,
        ids: &[Id],
        intervention: Intervention,
        now: Timestamp,
    ) -> StoreResult<Vec<Ruling>> {
        self.0.judge(ids, intervention, now).await
    }

    async fn intervene(
        &self,
        ids: &[Id],
        intervention: Intervention,
        now: Timestamp,
    ) -> StoreResult<Vec<Ruling>> {
        self.0.intervene(ids, intervention, now).await
    }

    async fn failed_callbacks(
        &self,
        filter: &FailedFilter,
        limit: usize,
    ) -> StoreResult<Vec<FailedCallback>> {
        self.0.failed_callbacks(filter, limit).await
    }

    async fn resend(&self, callbacks: &[Id], now: Timestamp) -> StoreResult<Vec<Id>> {
        self.0.resend(callbacks, now).await
    }

    async fn newest_id(&self) -> StoreResult<Option<Id>> {
        self.0.newest_id().await
    }

    async fn revision(&self) -> StoreResult<u64> {
        self.0.revision().await
    }

    async fn provisioning(&self) -> StoreResult<Provisioning> {
        self.0.provisioning().await
    }

    async fn change(&self, changes: &[Change], expected: Option<u64>) -> StoreResult<u64> {
        self.0.change(changes, expected).await
    }

    async fn key(&self) -> StoreResult<[u8; 32]> {
        self.0.key().await
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

    async fn confirm_clock(&self, now: Timestamp) -> StoreResult<()> {
        self.0.confirm_clock(now).await
    }

    async fn check(&self) -> StoreResult<()> {
        self.0.check().await
    }

    async fn close(&self) -> StoreResult<()> {
        self.0.close().await
    }
}
