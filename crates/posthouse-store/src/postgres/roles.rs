//! The store's operations, role by role: what needs no transaction is done here, and the rest becomes one of a batch, or a read.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use posthouse_core::{
    Id,
    account::AccountName,
    actor::Actor,
    address::Msisdn,
    audit::{AuditEntry, AuditFilter, AuditRecord, AuditVerb},
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
    store::{
        Acceptance, AuditStore, Beat, BulkStore, Callback, CallbackOutcome, CallbackStore, CdrFile, CdrStore,
        ClockMarks, CountBy, Demand, Divided, DivisionStore, Due, EndedAttempt, Endpoint, EndpointStore,
        Ends, ForNobody, HandedOn, Heartbeat, IdempotencyStore, InboundStore, IntakeStore, Joining,
        KeptCallback, KeptFilter, KeyStore, Lease, Membership, MembershipStore, MessageCount, MessageFilter,
        MoFilter, NewMessage, NewMo, NewRefusal, NextStep, Node, NumberStore, OperationItem, OperationPage,
        OperationsStore, OverrideStore, Owner, PendingRecord, ProvisioningStore, QueueStore, Queues,
        Recorded, RecordsOf, RefusalFilter, RefusalStore, ReportStore, RevisionStore, SearchStore, Settled,
        StoreError, StoreResult, StoreStatistics, StoredMo, Swept, Take, Timer, ToSend, TokenStore,
        UnmatchedFilter, UnmatchedReport, UpkeepStore, UserStore, Wanting, WorkStore,
    },
    token::TokenRecord,
    unreadable::{KeptUnreadable, Unreadable},
    user::{SessionRecord, UserChange, UserRecord},
};

use super::{
    PostgresStore,
    accept::{self, MessageRows},
    audit,
    batch::{BatchTx, Going},
    bulk, callback, cdr, clock,
    days::Calendar,
    division, due, endpoint,
    fault::BatchResult,
    inbound, intervene, keys, member,
    mo::{self, MoRows},
    overrides, provisioning, queues,
    refusals::{self, RefusalRow},
    report, request_key,
    retention::RetentionPlace,
    revision, search, seen, signed_in, sweep, token, unreadable, user,
    work::{self, EndOfAttempt, LeasedSend},
};
use crate::sqlite::{Mode, transaction::Transaction};

/// About how many bytes an operation writes that writes little.
const LITTLE: usize = 500;

/// An operation of a batch, which may be run more than once: it owns what it runs on.
macro_rules! run {
    ($($owned:ident),*; |$tx:ident| $body:expr) => {{
        $(let $owned = Arc::new($owned);)*
        move |$tx: BatchTx| {
            $(let $owned = Arc::clone(&$owned);)*
            boxed(async move { let $tx = &$tx; $body })
        }
    }};
}

fn boxed<T>(going: impl Future<Output = BatchResult<T>> + Send + 'static) -> Going<T> {
    Box::pin(going)
}

#[async_trait]
impl IntakeStore for PostgresStore {
    async fn accept(&self, message: &NewMessage) -> StoreResult<Acceptance> {
        let prepared = MessageRows::new(message, self.media.keep(message).await?)?;
        let (weight, key) = (prepared.weight(), prepared.key());
        let run = run!(prepared; |tx| accept::accept(tx, &prepared).await);
        let accepted = self.write(Transaction::Accept, weight, true, run).await;
        let Err(StoreError::NotDone(_)) = accepted else { return accepted };
        // Its id may be its own, of an earlier try: one that was declined is remembered no more.
        let id = message.id;
        let run = run!(; |tx| accept::is_stored(tx, id, key).await);
        let is_stored = self.write(Transaction::Accept, LITTLE, true, run).await?;
        if is_stored { Ok(Acceptance::Fresh) } else { accepted }
    }

    async fn repeated(
        &self,
        account: &AccountName,
        transaction_id: &str,
        digest: Digest,
        since: Timestamp,
    ) -> StoreResult<Option<Id>> {
        let key = accept::key_of(&account.0, transaction_id, digest);
        let run = run!(; |tx| {
            let known = seen::known(tx, key, since).await?;
            if known.is_some() {
                tx.answer_after_commit();
            }
            Ok(known)
        });
        self.write(Transaction::Accept, LITTLE, true, run).await
    }

    async fn accept_mo(&self, mo: NewMo, take: Take) -> StoreResult<HandedOn<Acceptance>> {
        let mo = mo.within_bounds();
        let media = self.media.keep_mo(&mo).await?;
        let prepared = MoRows::new(mo, media)?;
        let weight = prepared.weight();
        let run = run!(prepared, take; |tx| {
            tx.hand_on_to(&take);
            mo::accept(tx, &prepared).await
        });
        self.write(Transaction::AcceptMo, weight, true, run).await
    }
}

#[async_trait]
impl WorkStore for PostgresStore {
    async fn begin(
        &self,
        id: Id,
        owner: Owner,
        connection: &str,
        attempt_until: Timestamp,
        now: Timestamp,
    ) -> StoreResult<()> {
        let connection = connection.to_owned();
        let run = run!(connection; |tx| work::begin(tx, id, owner, &connection, attempt_until, now).await);
        self.write(Transaction::Begin, LITTLE, true, run).await
    }

    async fn settle_attempt(
        &self,
        id: Id,
        owner: Owner,
        ended: EndedAttempt<'_>,
        now: Timestamp,
        take: Take,
    ) -> StoreResult<HandedOn<Settled>> {
        let end = EndOfAttempt {
            settlement: ended.settlement.within_bounds(),
            said: ended.said.to_owned(),
            failed: ended.failed.to_vec(),
        };
        let weight = LITTLE + end.said.len();
        let run = run!(end, take; |tx| {
            tx.hand_on_to(&take);
            work::settle(tx, id, owner, &end, now).await
        });
        self.write(Transaction::Settle, weight, true, run).await
    }

    async fn release(&self, ids: &[Id], owner: Owner, now: Timestamp) -> StoreResult<()> {
        let ids = ids.to_vec();
        let run = run!(ids; |tx| work::release(tx, &ids, owner, now).await);
        self.write(Transaction::Release, LITTLE, true, run).await
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
        let carrier = carrier.clone();
        let run = run!(carrier; |tx| {
            work::lease_sends(tx, &carrier, lease, now, waiting_since_before, slots, limit).await
        });
        let leased = self.write(Transaction::LeaseSends, LITTLE, true, run).await?;
        let mut sends = Vec::with_capacity(leased.len());
        self.at_hand.note(leased.into_iter().filter_map(|LeasedSend { send, in_object }| {
            sends.push(send);
            in_object
        }));
        Ok(sends)
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
        let carrier = carrier.clone();
        let run = run!(carrier; |tx| {
            work::put_off(tx, &carrier, until, nobody_there, now, slots, limit).await
        });
        self.write(Transaction::PutOff, LITTLE, true, run).await
    }

    async fn lease_timers(
        &self,
        lease: Lease,
        now: Timestamp,
        slots: Slots,
        limit: usize,
    ) -> StoreResult<Vec<Timer>> {
        let run = run!(; |tx| work::lease_timers(tx, lease, now, slots, limit).await);
        self.write(Transaction::LeaseTimers, LITTLE, true, run).await
    }

    async fn due(&self, now: Timestamp, slots: Slots) -> StoreResult<Due> {
        due::due(&self.readers, now, slots).await
    }

    async fn oldest_due(&self, now: Timestamp) -> StoreResult<Option<Timestamp>> {
        due::oldest(&self.readers, now).await
    }
}

#[async_trait]
impl CallbackStore for PostgresStore {
    async fn lease_callbacks(
        &self,
        account: &AccountName,
        lease: Lease,
        now: Timestamp,
        limit: usize,
    ) -> StoreResult<Vec<Callback>> {
        loop {
            let account = account.clone();
            let run = run!(account; |tx| callback::lease(tx, &account, lease, now, limit).await);
            let leased = self.write(Transaction::LeaseCallbacks, LITTLE, true, run).await?;
            // What was withdrawn may have held others.
            if !leased.withdrawn || !leased.callbacks.is_empty() {
                return Ok(leased.callbacks);
            }
        }
    }

    async fn settle_callback(
        &self,
        id: Id,
        owner: Owner,
        outcome: CallbackOutcome,
        now: Timestamp,
        take: Take,
    ) -> StoreResult<HandedOn<()>> {
        let outcome = outcome.within_bounds();
        let run = run!(outcome, take; |tx| {
            tx.hand_on_to(&take);
            callback::settle(tx, id, owner, &outcome, now).await
        });
        self.write(Transaction::SettleCallback, LITTLE, true, run).await
    }

    async fn release_callbacks(&self, ids: &[Id], owner: Owner, now: Timestamp) -> StoreResult<()> {
        let ids = ids.to_vec();
        let run = run!(ids; |tx| {
            callback::release(tx, &ids, owner, now);
            Ok(())
        });
        self.write(Transaction::ReleaseCallbacks, LITTLE, true, run).await
    }
}

#[async_trait]
impl EndpointStore for PostgresStore {
    async fn kept_callbacks(&self, filter: &KeptFilter, limit: usize) -> StoreResult<Vec<KeptCallback>> {
        endpoint::list(&self.readers, filter, limit).await
    }

    async fn kept_callback(&self, id: Id) -> StoreResult<Option<KeptCallback>> {
        endpoint::find(&self.readers, id).await
    }

    async fn callback_attempts(&self, callback: Id) -> StoreResult<Vec<CallbackAttempt>> {
        endpoint::attempts(&self.readers, callback).await
    }

    async fn retry_callbacks(
        &self,
        ids: &[Id],
        by: &Actor,
        now: Timestamp,
    ) -> StoreResult<Vec<std::result::Result<(), NotRetried>>> {
        let (ids, by, weight) = (ids.to_vec(), by.clone(), LITTLE * ids.len());
        let run = run!(ids, by; |tx| endpoint::retry(tx, &ids, &by, now).await);
        self.write(Transaction::RetryCallbacks, weight, false, run).await
    }

    async fn endpoints(&self) -> StoreResult<Vec<Endpoint>> {
        endpoint::endpoints(&self.readers).await
    }

    async fn paused_endpoints(&self) -> StoreResult<Vec<AccountName>> {
        let paused = endpoint::paused(&self.readers).await?;
        Ok(paused.into_iter().map(AccountName).collect())
    }

    async fn pause(&self, account: &AccountName, by: &Actor, now: Timestamp) -> StoreResult<bool> {
        let (account, by) = (account.clone(), by.clone());
        let run = run!(account, by; |tx| endpoint::pause(tx, &account, &by, now).await);
        self.write(Transaction::PauseEndpoint, LITTLE, false, run).await
    }

    async fn resume(&self, account: &AccountName, by: &Actor, now: Timestamp) -> StoreResult<bool> {
        let (account, by) = (account.clone(), by.clone());
        let run = run!(account, by; |tx| endpoint::resume(tx, &account, &by, now).await);
        self.write(Transaction::ResumeEndpoint, LITTLE, false, run).await
    }

    async fn note_recovered(&self, account: &AccountName) -> StoreResult<()> {
        let account = account.clone();
        let run = run!(account; |tx| {
            endpoint::note_recovered(tx, &account);
            Ok(())
        });
        self.write(Transaction::NoteRecovered, LITTLE, true, run).await
    }
}

#[async_trait]
impl ReportStore for PostgresStore {
    async fn record_report(&self, report: CarrierReport, take: Take) -> StoreResult<HandedOn<Recorded>> {
        let report = report.within_bounds();
        let run = run!(report, take; |tx| {
            tx.hand_on_to(&take);
            report::record(tx, &report).await
        });
        self.write(Transaction::RecordReport, LITTLE, true, run).await
    }

    async fn record_read_reply(
        &self,
        reply: CarrierReadReply,
        take: Take,
    ) -> StoreResult<HandedOn<Recorded>> {
        let reply = reply.within_bounds();
        let run = run!(reply, take; |tx| {
            tx.hand_on_to(&take);
            report::record_read_reply(tx, &reply).await
        });
        self.write(Transaction::RecordReadReply, LITTLE, true, run).await
    }

    async fn keep_unreadable(&self, request: Unreadable) -> StoreResult<()> {
        let request = request.within_bounds();
        let weight = LITTLE + request.body.len();
        let run = run!(request; |tx| unreadable::keep(tx, &request).await);
        self.write(Transaction::KeepUnreadable, weight, true, run).await
    }
}

#[async_trait]
impl SearchStore for PostgresStore {
    async fn message(&self, id: Id) -> StoreResult<Option<StoredMessage>> {
        search::message(&self.readers, id).await
    }

    async fn timeline(&self, id: Id) -> StoreResult<Option<Vec<TimelineEvent>>> {
        search::timeline(&self.readers, id).await
    }

    async fn next(&self, id: Id, now: Timestamp) -> StoreResult<Option<NextStep>> {
        search::next(&self.readers, id, now).await
    }

    async fn messages(&self, filter: &MessageFilter, limit: usize) -> StoreResult<Vec<StoredMessage>> {
        search::messages(&self.readers, filter, limit).await
    }

    async fn nth_newest(&self, messages: u32) -> StoreResult<Option<Id>> {
        search::nth_newest(&self.readers, messages).await
    }

    async fn count(
        &self,
        filter: &MessageFilter,
        by: &[CountBy],
        limit: usize,
    ) -> StoreResult<Vec<MessageCount>> {
        search::count(&self.readers, filter, by, limit).await
    }

    async fn media(&self, id: Id) -> StoreResult<Vec<Bytes>> {
        search::media(&self.readers, &self.media, &self.at_hand, id).await
    }

    async fn unreadable(
        &self,
        carrier: Option<&CarrierId>,
        below: Option<i64>,
        limit: usize,
    ) -> StoreResult<Vec<KeptUnreadable>> {
        unreadable::list(&self.readers, carrier, below, limit).await
    }
}

#[async_trait]
impl OperationsStore for PostgresStore {
    async fn judge(
        &self,
        ids: &[Id],
        intervention: Intervention,
        now: Timestamp,
    ) -> StoreResult<Vec<Ruling>> {
        intervene::judge(&self.readers, ids, intervention, now).await
    }

    async fn intervene(
        &self,
        ids: &[Id],
        intervention: Intervention,
        by: &Actor,
        now: Timestamp,
    ) -> StoreResult<Vec<Ruling>> {
        let (ids, by, weight) = (ids.to_vec(), by.clone(), LITTLE * ids.len());
        let run = run!(ids, by; |tx| intervene::intervene(tx, &ids, (intervention, None), &by, now).await);
        self.write(Transaction::Intervene, weight, false, run).await
    }

    async fn reroute(
        &self,
        ids: &[Id],
        to: &RerouteTarget,
        parked: bool,
        by: &Actor,
        now: Timestamp,
    ) -> StoreResult<Vec<Ruling>> {
        let (ids, to, by, weight) = (ids.to_vec(), to.clone(), by.clone(), LITTLE * ids.len());
        let how = Intervention::Reroute { parked };
        let run = run!(ids, to, by; |tx| intervene::intervene(tx, &ids, (how, Some(&to)), &by, now).await);
        self.write(Transaction::Intervene, weight, false, run).await
    }

    async fn failed_callbacks(
        &self,
        filter: &FailedFilter,
        limit: usize,
    ) -> StoreResult<Vec<FailedCallback>> {
        intervene::failed(&self.readers, filter, limit).await
    }

    async fn resend(&self, callbacks: &[Id], by: &Actor, now: Timestamp) -> StoreResult<Vec<Id>> {
        let (callbacks, by) = (callbacks.to_vec(), by.clone());
        let run = run!(callbacks, by; |tx| intervene::resend(tx, &callbacks, &by, now).await);
        self.write(Transaction::Resend, LITTLE, false, run).await
    }
}

#[async_trait]
impl ProvisioningStore for PostgresStore {
    async fn revision(&self) -> StoreResult<u64> {
        provisioning::present(&self.readers).await
    }

    async fn provisioning(&self) -> StoreResult<Provisioning> {
        provisioning::provisioning(&self.readers).await
    }

    async fn change(
        &self,
        changes: &[Change],
        expected: Option<u64>,
        by: &Actor,
        now: Timestamp,
    ) -> StoreResult<u64> {
        let (changes, by, weight) = (changes.to_vec(), by.clone(), LITTLE * changes.len());
        let run = run!(changes, by; |tx| provisioning::change(tx, &changes, expected, &by, now).await);
        self.write(Transaction::Change, weight, false, run).await
    }

    async fn key(&self) -> StoreResult<[u8; 32]> {
        Ok(self.key)
    }
}

#[async_trait]
impl NumberStore for PostgresStore {
    async fn without_numbers(&self) -> StoreResult<Provisioning> {
        provisioning::without_numbers(&self.readers).await
    }

    async fn blacklisted(&self, number: &Msisdn) -> StoreResult<Vec<Blacklisted>> {
        provisioning::blacklisted_number(&self.readers, number).await
    }

    async fn blacklist(&self, after: Option<&Blacklisted>, limit: usize) -> StoreResult<Vec<Blacklisted>> {
        provisioning::blacklist(&self.readers, after, limit).await
    }

    async fn ranges(&self, after: Option<&Prefix>, limit: usize) -> StoreResult<Vec<Range>> {
        provisioning::ranges(&self.readers, after, limit).await
    }
}

#[async_trait]
impl BulkStore for PostgresStore {
    async fn plan_operation(&self, operation: &BulkOperation) -> StoreResult<()> {
        let (operation, weight) = (operation.clone(), LITTLE + operation.spec.selection.len());
        let run = run!(operation; |tx| bulk::plan(tx, &operation));
        self.write(Transaction::PlanOperation, weight, false, run).await
    }

    async fn operation(&self, id: Id) -> StoreResult<Option<BulkOperation>> {
        bulk::find(&self.readers, id).await
    }

    async fn operations(&self, below: Option<Id>, limit: usize) -> StoreResult<Vec<BulkOperation>> {
        bulk::list(&self.readers, below, limit).await
    }

    async fn start_operation(
        &self,
        id: Id,
        expect_count: u64,
        by: &Actor,
        now: Timestamp,
    ) -> StoreResult<std::result::Result<BulkOperation, NotStarted>> {
        let by = by.clone();
        let run = run!(by; |tx| bulk::start(tx, id, expect_count, &by, now).await);
        self.write(Transaction::StartOperation, LITTLE, false, run).await
    }

    async fn cancel_operation(
        &self,
        id: Id,
        by: &Actor,
        now: Timestamp,
    ) -> StoreResult<std::result::Result<BulkOperation, NotStarted>> {
        let by = by.clone();
        let run = run!(by; |tx| bulk::cancel(tx, id, &by, now).await);
        self.write(Transaction::CancelOperation, LITTLE, false, run).await
    }

    async fn lease_operation(&self, lease: Lease, now: Timestamp) -> StoreResult<Option<BulkOperation>> {
        // Nothing runs, mostly: a look costs no transaction.
        if !bulk::is_any_running(&self.readers, now).await? {
            return Ok(None);
        }
        let run = run!(; |tx| bulk::lease(tx, lease, now).await);
        self.write(Transaction::LeaseOperation, LITTLE, true, run).await
    }

    async fn run_operation(
        &self,
        id: Id,
        lease: Lease,
        page: &OperationPage,
        now: Timestamp,
    ) -> StoreResult<BulkOperation> {
        let (page, weight) = (page.clone(), LITTLE * page.ids.len().saturating_add(1));
        let run = run!(page; |tx| bulk::run(tx, id, lease, &page, now).await);
        // Once more it would be another page.
        self.write(Transaction::RunOperation, weight, false, run).await
    }

    async fn release_operation(&self, id: Id, owner: Owner) -> StoreResult<()> {
        let run = run!(; |tx| { bulk::release(tx, id, owner); Ok(()) });
        self.write(Transaction::ReleaseOperation, LITTLE, true, run).await
    }

    async fn resubmit(
        &self,
        operation: Option<Id>,
        message: &NewMessage,
        by: &Actor,
        now: Timestamp,
    ) -> StoreResult<std::result::Result<Id, LeftAlone>> {
        let of = message.submission.resubmission.and_then(|resubmission| Id::from_number(resubmission.of));
        let Some(of) = of else { return Err(StoreError::refused("it is sent again for no message")) };
        let prepared = MessageRows::new(message, self.media.keep(message).await?)?;
        let (weight, by) = (prepared.weight(), by.clone());
        let run = run!(prepared, by; |tx| bulk::resubmit(tx, operation, (of, &prepared), &by, now).await);
        self.write(Transaction::Resubmit, weight, true, run).await
    }

    async fn operation_items(
        &self,
        id: Id,
        below: Option<Id>,
        limit: usize,
    ) -> StoreResult<Vec<OperationItem>> {
        bulk::items(&self.readers, id, below, limit).await
    }
}

#[async_trait]
impl RefusalStore for PostgresStore {
    async fn keep_refusals(&self, refusals: &[NewRefusal]) -> StoreResult<()> {
        let prepare = refusals.iter().map(RefusalRow::new);
        let prepared = prepare.collect::<std::result::Result<Vec<_>, _>>().map_err(StoreError::refused)?;
        let weight = prepared.iter().map(RefusalRow::weight).sum();
        let run = run!(prepared; |tx| refusals::keep(tx, &prepared).await);
        self.write(Transaction::KeepRefusals, weight, true, run).await
    }

    async fn refusals(&self, filter: &RefusalFilter, limit: usize) -> StoreResult<Vec<KeptRefusal>> {
        refusals::list(&self.readers, filter, limit).await
    }
}

#[async_trait]
impl InboundStore for PostgresStore {
    async fn mos(&self, filter: &MoFilter, limit: usize) -> StoreResult<Vec<StoredMo>> {
        inbound::mos(&self.readers, filter, limit).await
    }

    async fn mo(&self, id: Id) -> StoreResult<Option<StoredMo>> {
        inbound::mo(&self.readers, id).await
    }

    async fn resend_mos(
        &self,
        ids: &[Id],
        by: &Actor,
        now: Timestamp,
    ) -> StoreResult<Vec<std::result::Result<(), NotRetried>>> {
        let (ids, by, weight) = (ids.to_vec(), by.clone(), LITTLE * ids.len());
        let run = run!(ids, by; |tx| inbound::resend(tx, &ids, &by, now).await);
        self.write(Transaction::ResendMos, weight, false, run).await
    }

    async fn keep_for_nobody(&self, mo: ForNobody) -> StoreResult<i64> {
        let mo = mo.within_bounds();
        let run = run!(mo; |tx| inbound::keep_for_nobody(tx, &mo).await);
        self.write(Transaction::KeepForNobody, LITTLE, true, run).await
    }

    async fn for_nobody(
        &self,
        carrier: Option<&CarrierId>,
        below: Option<i64>,
        limit: usize,
    ) -> StoreResult<Vec<(i64, ForNobody)>> {
        inbound::for_nobody(&self.readers, carrier, below, limit).await
    }

    async fn unmatched(&self, filter: &UnmatchedFilter, limit: usize) -> StoreResult<Vec<UnmatchedReport>> {
        inbound::unmatched(&self.readers, filter, limit).await
    }
}

#[async_trait]
impl RevisionStore for PostgresStore {
    async fn revisions(&self, below: Option<u64>, limit: usize) -> StoreResult<Vec<Revision>> {
        revision::list(&self.readers, below, limit).await
    }

    async fn oldest_revision(&self) -> StoreResult<Option<u64>> {
        revision::oldest(&self.readers).await
    }

    async fn revised(&self, number: u64) -> StoreResult<Option<Vec<Revised>>> {
        revision::revised(&self.readers, number).await
    }
}

#[async_trait]
impl QueueStore for PostgresStore {
    async fn queues(&self, now: Timestamp) -> StoreResult<Queues> {
        queues::queues(&self.readers, now).await
    }

    fn ends(&self) -> Ends {
        self.ids.counts.lock().ends()
    }
}

#[async_trait]
impl AuditStore for PostgresStore {
    async fn audit(&self, filter: &AuditFilter, limit: usize) -> StoreResult<Vec<AuditRecord>> {
        audit::list(&self.readers, filter, limit).await
    }

    async fn record_audit(&self, entry: &AuditEntry) -> StoreResult<()> {
        let entry = entry.clone();
        let run = run!(entry; |tx| {
            audit::write(tx, &entry);
            Ok(())
        });
        self.write(Transaction::RecordAudit, LITTLE, false, run).await
    }

    async fn sweep_audit(&self, before: Timestamp, limit: usize) -> StoreResult<u64> {
        let run = run!(; |tx| audit::sweep(tx, before, limit).await);
        self.write(Transaction::SweepAudit, LITTLE, true, run).await
    }
}

#[async_trait]
impl TokenStore for PostgresStore {
    async fn add_token(&self, token: &TokenRecord, by: &Actor, now: Timestamp) -> StoreResult<bool> {
        let (token, by) = (token.clone(), by.clone());
        let run = run!(token, by; |tx| token::add(tx, &token, &by, now).await);
        self.write(Transaction::AddToken, LITTLE, false, run).await
    }

    async fn revoke_token(&self, id: &str, by: &Actor, now: Timestamp) -> StoreResult<bool> {
        let (id, by) = (id.to_owned(), by.clone());
        let run = run!(id, by; |tx| token::revoke(tx, &id, &by, now).await);
        self.write(Transaction::RevokeToken, LITTLE, false, run).await
    }

    async fn tokens(&self, after: Option<&str>, limit: usize) -> StoreResult<Vec<TokenRecord>> {
        token::list(&self.readers, after, limit).await
    }

    async fn token(&self, hash: &str) -> StoreResult<Option<TokenRecord>> {
        token::by_hash(&self.readers, hash).await
    }

    async fn note_token_used(&self, id: &str, now: Timestamp) -> StoreResult<()> {
        let id = id.to_owned();
        let run = run!(id; |tx| { token::note_used(tx, &id, now); Ok(()) });
        self.write(Transaction::NoteTokenUsed, LITTLE, true, run).await
    }
}

#[async_trait]
impl KeyStore for PostgresStore {
    async fn note_keys_used(&self, used: &[(String, Timestamp)]) -> StoreResult<()> {
        if used.is_empty() {
            return Ok(());
        }
        let used = used.to_vec();
        let run = run!(used; |tx| { keys::note(tx, &used); Ok(()) });
        self.write(Transaction::NoteKeysUsed, LITTLE, true, run).await
    }

    async fn keys_used(&self, ids: &[String]) -> StoreResult<Vec<(String, Timestamp)>> {
        keys::find(&self.readers, ids).await
    }
}

#[async_trait]
impl CdrStore for PostgresStore {
    fn keep_records(&self, on: bool) {
        self.ids.records.is_on.store(on, std::sync::atomic::Ordering::Relaxed);
    }

    async fn pending_records(&self, of: RecordsOf, limit: usize) -> StoreResult<Vec<PendingRecord>> {
        cdr::pending(&self.readers, of, limit).await
    }

    async fn pending_record_count(&self) -> StoreResult<u64> {
        cdr::count(&self.readers).await
    }

    async fn records_written(
        &self,
        ids: &[Id],
        before: Option<&CdrFile>,
        file: &CdrFile,
    ) -> StoreResult<bool> {
        let (ids, before, file) = (ids.to_vec(), before.cloned(), file.clone());
        let run = run!(ids, before, file; |tx| cdr::written(tx, &ids, (*before).as_ref(), &file).await);
        self.write(Transaction::RecordsWritten, LITTLE, true, run).await
    }

    async fn cdr_file(&self, folder: &str) -> StoreResult<Option<CdrFile>> {
        cdr::file_of(&self.readers, folder).await
    }
}

#[async_trait]
impl OverrideStore for PostgresStore {
    async fn overrides(&self, now: Timestamp) -> StoreResult<Vec<ConnectionOverride>> {
        overrides::in_force(&self.readers, now).await
    }

    async fn put_override(&self, put: &ConnectionOverride, by: &Actor, now: Timestamp) -> StoreResult<()> {
        let (put, by) = (put.clone(), by.clone());
        let run = run!(put, by; |tx| overrides::put_one(tx, &put, &by, now).await);
        self.write(Transaction::PutOverride, LITTLE, false, run).await
    }

    async fn lift_override(
        &self,
        carrier: &CarrierId,
        connection: &str,
        kind: OverrideKind,
        by: &Actor,
        now: Timestamp,
    ) -> StoreResult<bool> {
        let (carrier, connection, by) = (carrier.clone(), connection.to_owned(), by.clone());
        let run = run!(carrier, connection, by; |tx| {
            overrides::lift(tx, (&carrier, &connection, kind), &by, now).await
        });
        self.write(Transaction::LiftOverride, LITTLE, false, run).await
    }
}

#[async_trait]
impl UserStore for PostgresStore {
    async fn add_user(&self, user: &UserRecord, by: &Actor, now: Timestamp) -> StoreResult<bool> {
        let (user, by) = (user.clone(), by.clone());
        let run = run!(user, by; |tx| user::add(tx, &user, &by, now).await);
        self.write(Transaction::AddUser, LITTLE, false, run).await
    }

    async fn change_user(
        &self,
        name: &str,
        change: &UserChange,
        by: &Actor,
        now: Timestamp,
    ) -> StoreResult<Option<UserRecord>> {
        let (name, change, by) = (name.to_owned(), change.clone(), by.clone());
        let run = run!(name, change, by; |tx| user::change(tx, &name, &change, &by, now).await);
        self.write(Transaction::ChangeUser, LITTLE, false, run).await
    }

    async fn remove_user(&self, name: &str, by: &Actor, now: Timestamp) -> StoreResult<bool> {
        let (name, by) = (name.to_owned(), by.clone());
        let run = run!(name, by; |tx| user::remove(tx, &name, &by, now).await);
        self.write(Transaction::RemoveUser, LITTLE, false, run).await
    }

    async fn users(&self, after: Option<&str>, limit: usize) -> StoreResult<Vec<UserRecord>> {
        user::list(&self.readers, after, limit).await
    }

    async fn user(&self, name: &str) -> StoreResult<Option<UserRecord>> {
        user::by_name(&self.readers, name).await
    }

    async fn user_of_link(&self, hash: &str) -> StoreResult<Option<UserRecord>> {
        user::by_link(&self.readers, hash).await
    }

    async fn set_password(
        &self,
        link_hash: &str,
        password_hash: &str,
        by: &Actor,
        now: Timestamp,
    ) -> StoreResult<bool> {
        let (link, password, by) = (link_hash.to_owned(), password_hash.to_owned(), by.clone());
        let run = run!(link, password, by; |tx| user::set_password(tx, &link, &password, &by, now).await);
        self.write(Transaction::SetPassword, LITTLE, false, run).await
    }

    async fn begin_session(&self, session: &SessionRecord, by: &Actor, now: Timestamp) -> StoreResult<bool> {
        let (session, by) = (session.clone(), by.clone());
        let run = run!(session, by; |tx| signed_in::begin(tx, &session, &by, now).await);
        self.write(Transaction::BeginSession, LITTLE, false, run).await
    }

    async fn session(&self, hash: &str) -> StoreResult<Option<SessionRecord>> {
        signed_in::by_hash(&self.readers, hash).await
    }

    async fn sessions(&self, after: Option<&str>, limit: usize) -> StoreResult<Vec<SessionRecord>> {
        signed_in::list(&self.readers, after, limit).await
    }

    async fn note_session_used(&self, id: &str, now: Timestamp) -> StoreResult<()> {
        let id = id.to_owned();
        let run = run!(id; |tx| { signed_in::note_used(tx, &id, now); Ok(()) });
        self.write(Transaction::NoteSessionUsed, LITTLE, true, run).await
    }

    async fn end_session(&self, id: &str, by: &Actor, now: Timestamp) -> StoreResult<bool> {
        let (id, by) = (id.to_owned(), by.clone());
        let run = run!(id, by; |tx| signed_in::end(tx, &id, &by, now).await);
        self.write(Transaction::EndSession, LITTLE, false, run).await
    }
}

#[async_trait]
impl MembershipStore for PostgresStore {
    async fn join(&self, joining: Joining) -> StoreResult<Membership> {
        let run = run!(joining; |tx| member::join(tx, &joining).await);
        let membership = self.write(Transaction::Join, LITTLE, true, run).await?;
        self.ids.begin(membership.number, membership.ids_after);
        Ok(membership)
    }

    async fn heartbeat(&self, beat: Beat) -> StoreResult<Heartbeat> {
        let run = run!(beat; |tx| member::heartbeat(tx, &beat).await);
        self.write(Transaction::Heartbeat, LITTLE, true, run).await
    }

    async fn leave(&self, owner: Owner) -> StoreResult<()> {
        let run = run!(; |tx| member::leave(tx, owner).await);
        self.write(Transaction::Leave, LITTLE, true, run).await
    }

    async fn nodes(&self) -> StoreResult<Vec<Node>> {
        member::nodes(&self.readers).await
    }
}

#[async_trait]
impl DivisionStore for PostgresStore {
    async fn divide(&self, wanting: Wanting) -> StoreResult<Divided> {
        let run = run!(wanting; |tx| division::divide(tx, &wanting).await);
        self.write(Transaction::Divide, LITTLE, true, run).await
    }
}

#[async_trait]
impl UpkeepStore for PostgresStore {
    async fn newest_id(&self) -> StoreResult<Option<Id>> {
        search::newest_id(&self.readers).await
    }

    async fn sweep(
        &self,
        media_before: Timestamp,
        messages_before: Timestamp,
        limit: usize,
    ) -> StoreResult<Swept> {
        let calendar = Calendar::read(&self.readers).await?;
        let candidates = sweep::find(&self.readers, &calendar, media_before, messages_before, limit).await?;
        let mut swept = Swept::default();
        if !candidates.is_empty() {
            let run = run!(candidates; |tx| sweep::sweep(tx, &candidates).await);
            swept = self.write(Transaction::Sweep, LITTLE, true, run).await?;
        }
        if self.mode == Mode::Serve {
            let place = RetentionPlace { readers: &self.readers, media: &self.media, calendar: &calendar };
            let whole = self.retention.go(&place, media_before, messages_before).await?;
            swept.messages += whole.messages;
            swept.media += whole.media;
        }
        Ok(swept)
    }

    async fn clock(&self) -> StoreResult<ClockMarks> {
        clock::marks(&self.readers).await
    }

    async fn note_seen(&self, now: Timestamp) -> StoreResult<()> {
        let run = run!(; |tx| { clock::note_seen(tx, now); Ok(()) });
        self.write(Transaction::NoteSeen, LITTLE, true, run).await
    }

    async fn confirm_clock(&self, by: &Actor, now: Timestamp) -> StoreResult<()> {
        let entry = AuditEntry::new(by, AuditVerb::ConfirmClock, "clock", now).after(now.to_string());
        let run = run!(entry; |tx| {
            clock::confirm(tx, now);
            audit::write(tx, &entry);
            Ok(())
        });
        self.write(Transaction::ConfirmClock, LITTLE, true, run).await
    }

    async fn check(&self) -> StoreResult<()> {
        let run = run!(; |tx| {
            tx.has_room(Demand::New)?;
            tx.answer_after_commit();
            Ok(())
        });
        self.write(Transaction::Check, LITTLE, true, run).await
    }

    fn statistics(&self) -> StoreStatistics {
        self.writer.statistics()
    }

    async fn close(&self) -> StoreResult<()> {
        self.upkeep.stop();
        self.readers.close().await;
        self.writer.close().await;
        self.media.close().await;
        Ok(())
    }
}

#[async_trait]
impl IdempotencyStore for PostgresStore {
    async fn claim_key(&self, request: &KeyedRequest) -> StoreResult<KeyClaim> {
        let request = request.clone();
        let run = run!(request; |tx| request_key::claim(tx, &request).await);
        self.write(Transaction::ClaimKey, LITTLE, false, run).await
    }

    async fn keep_answer(&self, hash: &str, answer: &KeptAnswer) -> StoreResult<()> {
        let (hash, answer) = (hash.to_owned(), answer.clone());
        let size = LITTLE + answer.body.as_ref().map_or(0, String::len);
        let run = run!(hash, answer; |tx| { request_key::keep_answer(tx, &hash, &answer); Ok(()) });
        self.write(Transaction::KeepAnswer, size, true, run).await
    }

    async fn release_key(&self, hash: &str) -> StoreResult<()> {
        let hash = hash.to_owned();
        let run = run!(hash; |tx| { request_key::release(tx, &hash); Ok(()) });
        self.write(Transaction::ReleaseKey, LITTLE, true, run).await
    }

    async fn forget_keys(&self, until: Timestamp, limit: usize) -> StoreResult<u64> {
        let run = run!(; |tx| request_key::forget(tx, until, limit).await);
        self.write(Transaction::ForgetKeys, LITTLE, true, run).await
    }
}
