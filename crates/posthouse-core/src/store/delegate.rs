//! Stores that wrap another one: to break on purpose in a test, or to count.

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;

use super::{
    Acceptance, AuditStore, Beat, BulkStore, Callback, CallbackOutcome, CallbackStore, CdrFile, CdrStore,
    ClockMarks, CountBy, Divided, DivisionStore, Due, EndedAttempt, Endpoint, EndpointStore, Ends, ForNobody,
    HandedOn, Heartbeat, IdempotencyStore, InboundStore, IntakeStore, Joining, KeptCallback, KeptFilter,
    KeyStore, Lease, Membership, MembershipStore, MessageCount, MessageFilter, MoFilter, NewMessage, NewMo,
    NewRefusal, NextStep, Node, NumberStore, OperationItem, OperationPage, OperationsStore, OverrideStore,
    Owner, PendingRecord, ProvisioningStore, QueueStore, Queues, Recorded, RecordsOf, RefusalFilter,
    RefusalStore, ReportStore, RevisionStore, SearchStore, Settled, Settlement, StoreResult, StoreStatistics,
    StoredMo, Swept, Take, Timer, ToSend, TokenStore, UnmatchedFilter, UnmatchedReport, UpkeepStore,
    UserStore, Wanting, WorkStore,
};
use crate::{
    Id,
    account::AccountName,
    actor::Actor,
    address::Msisdn,
    audit::{AuditEntry, AuditFilter, AuditRecord},
    carrier::CarrierId,
    idempotency::{KeptAnswer, KeyClaim, KeyedRequest},
    life::callback::{CallbackAttempt, NotRetried},
    life::intervention::{FailedCallback, FailedFilter, Intervention, LeftAlone, Ruling},
    life::read_reply::CarrierReadReply,
    life::reroute::RerouteTarget,
    message::{CarrierReport, Digest, StoredMessage, TimelineEvent},
    operation::{BulkOperation, NotStarted},
    overrides::{ConnectionOverride, OverrideKind},
    provisioning::{
        Blacklisted, Change, Prefix, Provisioning, Range,
        revision::{Revised, Revision},
    },
    refusal::KeptRefusal,
    slots::Slots,
    token::TokenRecord,
    unreadable::{KeptUnreadable, Unreadable},
    user::{SessionRecord, UserChange, UserRecord},
};

/// Something that plays a role of a store by passing every operation on.
///
/// A type that wraps a store says for each role either this, and has the role, or implements the role's own trait. Here, in one place,
/// stands what passing on is; a new operation of a role is one more method here, which the compiler asks for.
///
/// ```
/// use std::sync::Arc;
///
/// use posthouse_core::store::{Store, UpkeepStore, Wraps};
///
/// struct Wrapped(Arc<dyn Store>);
///
/// impl Wraps<dyn UpkeepStore> for Wrapped {
///     fn inner(&self) -> &dyn UpkeepStore {
///         &*self.0
///     }
/// }
///
/// fn plays_the_role(store: &Wrapped) -> &dyn UpkeepStore {
///     store
/// }
/// ```
pub trait Wraps<Role: ?Sized>: Send + Sync + 'static {
    /// The one that does the work.
    fn inner(&self) -> &Role;
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<W: Wraps<dyn IntakeStore>> IntakeStore for W {
    async fn accept(&self, message: &NewMessage) -> StoreResult<Acceptance> {
        self.inner().accept(message).await
    }

    async fn repeated(
        &self,
        account: &AccountName,
        transaction_id: &str,
        digest: Digest,
        since: Timestamp,
    ) -> StoreResult<Option<Id>> {
        self.inner().repeated(account, transaction_id, digest, since).await
    }

    async fn accept_mo(&self, mo: NewMo, take: Take) -> StoreResult<HandedOn<Acceptance>> {
        self.inner().accept_mo(mo, take).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<W: Wraps<dyn WorkStore>> WorkStore for W {
    async fn begin(
        &self,
        id: Id,
        owner: Owner,
        connection: &str,
        attempt_until: Timestamp,
        now: Timestamp,
    ) -> StoreResult<()> {
        self.inner().begin(id, owner, connection, attempt_until, now).await
    }

    async fn settle(
        &self,
        id: Id,
        owner: Owner,
        settlement: Settlement,
        said: &str,
        now: Timestamp,
        take: Take,
    ) -> StoreResult<HandedOn<Settled>> {
        self.inner().settle(id, owner, settlement, said, now, take).await
    }

    async fn settle_attempt(
        &self,
        id: Id,
        owner: Owner,
        ended: EndedAttempt<'_>,
        now: Timestamp,
        take: Take,
    ) -> StoreResult<HandedOn<Settled>> {
        self.inner().settle_attempt(id, owner, ended, now, take).await
    }

    async fn release(&self, ids: &[Id], owner: Owner, now: Timestamp) -> StoreResult<()> {
        self.inner().release(ids, owner, now).await
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
        self.inner().lease_sends(carrier, lease, now, waiting_since_before, slots, limit).await
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
        self.inner().put_off(carrier, until, nobody_there, now, slots, limit).await
    }

    async fn lease_timers(
        &self,
        lease: Lease,
        now: Timestamp,
        slots: Slots,
        limit: usize,
    ) -> StoreResult<Vec<Timer>> {
        self.inner().lease_timers(lease, now, slots, limit).await
    }

    async fn due(&self, now: Timestamp, slots: Slots) -> StoreResult<Due> {
        self.inner().due(now, slots).await
    }

    async fn oldest_due(&self, now: Timestamp) -> StoreResult<Option<Timestamp>> {
        self.inner().oldest_due(now).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<W: Wraps<dyn CallbackStore>> CallbackStore for W {
    async fn lease_callbacks(
        &self,
        account: &AccountName,
        lease: Lease,
        now: Timestamp,
        limit: usize,
    ) -> StoreResult<Vec<Callback>> {
        self.inner().lease_callbacks(account, lease, now, limit).await
    }

    async fn settle_callback(
        &self,
        id: Id,
        owner: Owner,
        outcome: CallbackOutcome,
        now: Timestamp,
        take: Take,
    ) -> StoreResult<HandedOn<()>> {
        self.inner().settle_callback(id, owner, outcome, now, take).await
    }

    async fn release_callbacks(&self, ids: &[Id], owner: Owner, now: Timestamp) -> StoreResult<()> {
        self.inner().release_callbacks(ids, owner, now).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<W: Wraps<dyn EndpointStore>> EndpointStore for W {
    async fn kept_callbacks(&self, filter: &KeptFilter, limit: usize) -> StoreResult<Vec<KeptCallback>> {
        self.inner().kept_callbacks(filter, limit).await
    }

    async fn kept_callback(&self, id: Id) -> StoreResult<Option<KeptCallback>> {
        self.inner().kept_callback(id).await
    }

    async fn callback_attempts(&self, callback: Id) -> StoreResult<Vec<CallbackAttempt>> {
        self.inner().callback_attempts(callback).await
    }

    async fn retry_callbacks(
        &self,
        ids: &[Id],
        by: &Actor,
        now: Timestamp,
    ) -> StoreResult<Vec<Result<(), NotRetried>>> {
        self.inner().retry_callbacks(ids, by, now).await
    }

    async fn endpoints(&self) -> StoreResult<Vec<Endpoint>> {
        self.inner().endpoints().await
    }

    async fn paused_endpoints(&self) -> StoreResult<Vec<AccountName>> {
        self.inner().paused_endpoints().await
    }

    async fn pause(&self, account: &AccountName, by: &Actor, now: Timestamp) -> StoreResult<bool> {
        self.inner().pause(account, by, now).await
    }

    async fn resume(&self, account: &AccountName, by: &Actor, now: Timestamp) -> StoreResult<bool> {
        self.inner().resume(account, by, now).await
    }

    async fn note_recovered(&self, account: &AccountName) -> StoreResult<()> {
        self.inner().note_recovered(account).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<W: Wraps<dyn KeyStore>> KeyStore for W {
    async fn note_keys_used(&self, used: &[(String, Timestamp)]) -> StoreResult<()> {
        self.inner().note_keys_used(used).await
    }

    async fn keys_used(&self, ids: &[String]) -> StoreResult<Vec<(String, Timestamp)>> {
        self.inner().keys_used(ids).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<W: Wraps<dyn OverrideStore>> OverrideStore for W {
    async fn overrides(&self, now: Timestamp) -> StoreResult<Vec<ConnectionOverride>> {
        self.inner().overrides(now).await
    }

    async fn put_override(&self, put: &ConnectionOverride, by: &Actor, now: Timestamp) -> StoreResult<()> {
        self.inner().put_override(put, by, now).await
    }

    async fn lift_override(
        &self,
        carrier: &CarrierId,
        connection: &str,
        kind: OverrideKind,
        by: &Actor,
        now: Timestamp,
    ) -> StoreResult<bool> {
        self.inner().lift_override(carrier, connection, kind, by, now).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<W: Wraps<dyn BulkStore>> BulkStore for W {
    async fn plan_operation(&self, operation: &BulkOperation) -> StoreResult<()> {
        self.inner().plan_operation(operation).await
    }

    async fn operation(&self, id: Id) -> StoreResult<Option<BulkOperation>> {
        self.inner().operation(id).await
    }

    async fn operations(&self, below: Option<Id>, limit: usize) -> StoreResult<Vec<BulkOperation>> {
        self.inner().operations(below, limit).await
    }

    async fn start_operation(
        &self,
        id: Id,
        expect_count: u64,
        by: &Actor,
        now: Timestamp,
    ) -> StoreResult<Result<BulkOperation, NotStarted>> {
        self.inner().start_operation(id, expect_count, by, now).await
    }

    async fn cancel_operation(
        &self,
        id: Id,
        by: &Actor,
        now: Timestamp,
    ) -> StoreResult<Result<BulkOperation, NotStarted>> {
        self.inner().cancel_operation(id, by, now).await
    }

    async fn lease_operation(&self, lease: Lease, now: Timestamp) -> StoreResult<Option<BulkOperation>> {
        self.inner().lease_operation(lease, now).await
    }

    async fn run_operation(
        &self,
        id: Id,
        lease: Lease,
        page: &OperationPage,
        now: Timestamp,
    ) -> StoreResult<BulkOperation> {
        self.inner().run_operation(id, lease, page, now).await
    }

    async fn release_operation(&self, id: Id, owner: Owner) -> StoreResult<()> {
        self.inner().release_operation(id, owner).await
    }

    async fn resubmit(
        &self,
        operation: Option<Id>,
        message: &NewMessage,
        by: &Actor,
        now: Timestamp,
    ) -> StoreResult<Result<Id, LeftAlone>> {
        self.inner().resubmit(operation, message, by, now).await
    }

    async fn operation_items(
        &self,
        id: Id,
        below: Option<Id>,
        limit: usize,
    ) -> StoreResult<Vec<OperationItem>> {
        self.inner().operation_items(id, below, limit).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<W: Wraps<dyn InboundStore>> InboundStore for W {
    async fn mos(&self, filter: &MoFilter, limit: usize) -> StoreResult<Vec<StoredMo>> {
        self.inner().mos(filter, limit).await
    }

    async fn mo(&self, id: Id) -> StoreResult<Option<StoredMo>> {
        self.inner().mo(id).await
    }

    async fn resend_mos(
        &self,
        ids: &[Id],
        by: &Actor,
        now: Timestamp,
    ) -> StoreResult<Vec<Result<(), NotRetried>>> {
        self.inner().resend_mos(ids, by, now).await
    }

    async fn keep_for_nobody(&self, mo: ForNobody) -> StoreResult<i64> {
        self.inner().keep_for_nobody(mo).await
    }

    async fn for_nobody(
        &self,
        carrier: Option<&CarrierId>,
        below: Option<i64>,
        limit: usize,
    ) -> StoreResult<Vec<(i64, ForNobody)>> {
        self.inner().for_nobody(carrier, below, limit).await
    }

    async fn unmatched(&self, filter: &UnmatchedFilter, limit: usize) -> StoreResult<Vec<UnmatchedReport>> {
        self.inner().unmatched(filter, limit).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<W: Wraps<dyn ReportStore>> ReportStore for W {
    async fn record_report(&self, report: CarrierReport, take: Take) -> StoreResult<HandedOn<Recorded>> {
        self.inner().record_report(report, take).await
    }

    async fn record_read_reply(
        &self,
        reply: CarrierReadReply,
        take: Take,
    ) -> StoreResult<HandedOn<Recorded>> {
        self.inner().record_read_reply(reply, take).await
    }

    async fn keep_unreadable(&self, request: Unreadable) -> StoreResult<()> {
        self.inner().keep_unreadable(request).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<W: Wraps<dyn RefusalStore>> RefusalStore for W {
    async fn keep_refusals(&self, refusals: &[NewRefusal]) -> StoreResult<()> {
        self.inner().keep_refusals(refusals).await
    }

    async fn refusals(&self, filter: &RefusalFilter, limit: usize) -> StoreResult<Vec<KeptRefusal>> {
        self.inner().refusals(filter, limit).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<W: Wraps<dyn SearchStore>> SearchStore for W {
    async fn message(&self, id: Id) -> StoreResult<Option<StoredMessage>> {
        self.inner().message(id).await
    }

    async fn timeline(&self, id: Id) -> StoreResult<Option<Vec<TimelineEvent>>> {
        self.inner().timeline(id).await
    }

    async fn next(&self, id: Id, now: Timestamp) -> StoreResult<Option<NextStep>> {
        self.inner().next(id, now).await
    }

    async fn messages(&self, filter: &MessageFilter, limit: usize) -> StoreResult<Vec<StoredMessage>> {
        self.inner().messages(filter, limit).await
    }

    async fn count(
        &self,
        filter: &MessageFilter,
        by: &[CountBy],
        limit: usize,
    ) -> StoreResult<Vec<MessageCount>> {
        self.inner().count(filter, by, limit).await
    }

    async fn media(&self, id: Id) -> StoreResult<Vec<Bytes>> {
        self.inner().media(id).await
    }

    async fn unreadable(
        &self,
        carrier: Option<&CarrierId>,
        below: Option<i64>,
        limit: usize,
    ) -> StoreResult<Vec<KeptUnreadable>> {
        self.inner().unreadable(carrier, below, limit).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<W: Wraps<dyn OperationsStore>> OperationsStore for W {
    async fn judge(
        &self,
        ids: &[Id],
        intervention: Intervention,
        now: Timestamp,
    ) -> StoreResult<Vec<Ruling>> {
        self.inner().judge(ids, intervention, now).await
    }

    async fn intervene(
        &self,
        ids: &[Id],
        intervention: Intervention,
        by: &Actor,
        now: Timestamp,
    ) -> StoreResult<Vec<Ruling>> {
        self.inner().intervene(ids, intervention, by, now).await
    }

    async fn reroute(
        &self,
        ids: &[Id],
        to: &RerouteTarget,
        parked: bool,
        by: &Actor,
        now: Timestamp,
    ) -> StoreResult<Vec<Ruling>> {
        self.inner().reroute(ids, to, parked, by, now).await
    }

    async fn failed_callbacks(
        &self,
        filter: &FailedFilter,
        limit: usize,
    ) -> StoreResult<Vec<FailedCallback>> {
        self.inner().failed_callbacks(filter, limit).await
    }

    async fn resend(&self, callbacks: &[Id], by: &Actor, now: Timestamp) -> StoreResult<Vec<Id>> {
        self.inner().resend(callbacks, by, now).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<W: Wraps<dyn ProvisioningStore>> ProvisioningStore for W {
    async fn revision(&self) -> StoreResult<u64> {
        self.inner().revision().await
    }

    async fn provisioning(&self) -> StoreResult<Provisioning> {
        self.inner().provisioning().await
    }

    async fn change(
        &self,
        changes: &[Change],
        expected: Option<u64>,
        by: &Actor,
        now: Timestamp,
    ) -> StoreResult<u64> {
        self.inner().change(changes, expected, by, now).await
    }

    async fn key(&self) -> StoreResult<[u8; 32]> {
        self.inner().key().await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<W: Wraps<dyn QueueStore>> QueueStore for W {
    async fn queues(&self, now: Timestamp) -> StoreResult<Queues> {
        self.inner().queues(now).await
    }

    fn ends(&self) -> Ends {
        self.inner().ends()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<W: Wraps<dyn NumberStore>> NumberStore for W {
    async fn without_numbers(&self) -> StoreResult<Provisioning> {
        self.inner().without_numbers().await
    }

    async fn blacklisted(&self, number: &Msisdn) -> StoreResult<Vec<Blacklisted>> {
        self.inner().blacklisted(number).await
    }

    async fn blacklist(&self, after: Option<&Blacklisted>, limit: usize) -> StoreResult<Vec<Blacklisted>> {
        self.inner().blacklist(after, limit).await
    }

    async fn ranges(&self, after: Option<&Prefix>, limit: usize) -> StoreResult<Vec<Range>> {
        self.inner().ranges(after, limit).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<W: Wraps<dyn RevisionStore>> RevisionStore for W {
    async fn revisions(&self, below: Option<u64>, limit: usize) -> StoreResult<Vec<Revision>> {
        self.inner().revisions(below, limit).await
    }

    async fn oldest_revision(&self) -> StoreResult<Option<u64>> {
        self.inner().oldest_revision().await
    }

    async fn revised(&self, number: u64) -> StoreResult<Option<Vec<Revised>>> {
        self.inner().revised(number).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<W: Wraps<dyn UpkeepStore>> UpkeepStore for W {
    async fn newest_id(&self) -> StoreResult<Option<Id>> {
        self.inner().newest_id().await
    }

    async fn sweep(
        &self,
        media_before: Timestamp,
        messages_before: Timestamp,
        limit: usize,
    ) -> StoreResult<Swept> {
        self.inner().sweep(media_before, messages_before, limit).await
    }

    async fn clock(&self) -> StoreResult<ClockMarks> {
        self.inner().clock().await
    }

    async fn note_seen(&self, now: Timestamp) -> StoreResult<()> {
        self.inner().note_seen(now).await
    }

    async fn confirm_clock(&self, by: &Actor, now: Timestamp) -> StoreResult<()> {
        self.inner().confirm_clock(by, now).await
    }

    async fn check(&self) -> StoreResult<()> {
        self.inner().check().await
    }

    fn statistics(&self) -> StoreStatistics {
        self.inner().statistics()
    }

    async fn close(&self) -> StoreResult<()> {
        self.inner().close().await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<W: Wraps<dyn AuditStore>> AuditStore for W {
    async fn audit(&self, filter: &AuditFilter, limit: usize) -> StoreResult<Vec<AuditRecord>> {
        self.inner().audit(filter, limit).await
    }

    async fn record_audit(&self, entry: &AuditEntry) -> StoreResult<()> {
        self.inner().record_audit(entry).await
    }

    async fn sweep_audit(&self, before: Timestamp, limit: usize) -> StoreResult<u64> {
        self.inner().sweep_audit(before, limit).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<W: Wraps<dyn MembershipStore>> MembershipStore for W {
    async fn join(&self, joining: Joining) -> StoreResult<Membership> {
        self.inner().join(joining).await
    }

    async fn heartbeat(&self, beat: Beat) -> StoreResult<Heartbeat> {
        self.inner().heartbeat(beat).await
    }

    async fn leave(&self, owner: Owner) -> StoreResult<()> {
        self.inner().leave(owner).await
    }

    async fn nodes(&self) -> StoreResult<Vec<Node>> {
        self.inner().nodes().await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<W: Wraps<dyn DivisionStore>> DivisionStore for W {
    async fn divide(&self, wanting: Wanting) -> StoreResult<Divided> {
        self.inner().divide(wanting).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<W: Wraps<dyn TokenStore>> TokenStore for W {
    async fn add_token(&self, token: &TokenRecord, by: &Actor, now: Timestamp) -> StoreResult<bool> {
        self.inner().add_token(token, by, now).await
    }

    async fn revoke_token(&self, id: &str, by: &Actor, now: Timestamp) -> StoreResult<bool> {
        self.inner().revoke_token(id, by, now).await
    }

    async fn tokens(&self, after: Option<&str>, limit: usize) -> StoreResult<Vec<TokenRecord>> {
        self.inner().tokens(after, limit).await
    }

    async fn token(&self, hash: &str) -> StoreResult<Option<TokenRecord>> {
        self.inner().token(hash).await
    }

    async fn note_token_used(&self, id: &str, now: Timestamp) -> StoreResult<()> {
        self.inner().note_token_used(id, now).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<W: Wraps<dyn UserStore>> UserStore for W {
    async fn add_user(&self, user: &UserRecord, by: &Actor, now: Timestamp) -> StoreResult<bool> {
        self.inner().add_user(user, by, now).await
    }

    async fn change_user(
        &self,
        name: &str,
        change: &UserChange,
        by: &Actor,
        now: Timestamp,
    ) -> StoreResult<Option<UserRecord>> {
        self.inner().change_user(name, change, by, now).await
    }

    async fn remove_user(&self, name: &str, by: &Actor, now: Timestamp) -> StoreResult<bool> {
        self.inner().remove_user(name, by, now).await
    }

    async fn users(&self, after: Option<&str>, limit: usize) -> StoreResult<Vec<UserRecord>> {
        self.inner().users(after, limit).await
    }

    async fn user(&self, name: &str) -> StoreResult<Option<UserRecord>> {
        self.inner().user(name).await
    }

    async fn user_of_link(&self, hash: &str) -> StoreResult<Option<UserRecord>> {
        self.inner().user_of_link(hash).await
    }

    async fn set_password(
        &self,
        link_hash: &str,
        password_hash: &str,
        by: &Actor,
        now: Timestamp,
    ) -> StoreResult<bool> {
        self.inner().set_password(link_hash, password_hash, by, now).await
    }

    async fn begin_session(&self, session: &SessionRecord, by: &Actor, now: Timestamp) -> StoreResult<bool> {
        self.inner().begin_session(session, by, now).await
    }

    async fn session(&self, hash: &str) -> StoreResult<Option<SessionRecord>> {
        self.inner().session(hash).await
    }

    async fn sessions(&self, after: Option<&str>, limit: usize) -> StoreResult<Vec<SessionRecord>> {
        self.inner().sessions(after, limit).await
    }

    async fn note_session_used(&self, id: &str, now: Timestamp) -> StoreResult<()> {
        self.inner().note_session_used(id, now).await
    }

    async fn end_session(&self, id: &str, by: &Actor, now: Timestamp) -> StoreResult<bool> {
        self.inner().end_session(id, by, now).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<W: Wraps<dyn CdrStore>> CdrStore for W {
    fn keep_records(&self, on: bool) {
        self.inner().keep_records(on);
    }

    async fn pending_records(&self, of: RecordsOf, limit: usize) -> StoreResult<Vec<PendingRecord>> {
        self.inner().pending_records(of, limit).await
    }

    async fn pending_record_count(&self) -> StoreResult<u64> {
        self.inner().pending_record_count().await
    }

    async fn records_written(
        &self,
        ids: &[Id],
        before: Option<&CdrFile>,
        file: &CdrFile,
    ) -> StoreResult<bool> {
        self.inner().records_written(ids, before, file).await
    }

    async fn cdr_file(&self, folder: &str) -> StoreResult<Option<CdrFile>> {
        self.inner().cdr_file(folder).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<W: Wraps<dyn IdempotencyStore>> IdempotencyStore for W {
    async fn claim_key(&self, request: &KeyedRequest) -> StoreResult<KeyClaim> {
        self.inner().claim_key(request).await
    }

    async fn keep_answer(&self, hash: &str, answer: &KeptAnswer) -> StoreResult<()> {
        self.inner().keep_answer(hash, answer).await
    }

    async fn release_key(&self, hash: &str) -> StoreResult<()> {
        self.inner().release_key(hash).await
    }

    async fn forget_keys(&self, until: Timestamp, limit: usize) -> StoreResult<u64> {
        self.inner().forget_keys(until, limit).await
    }
}
