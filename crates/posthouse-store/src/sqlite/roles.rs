//! The store's operations, role by role: what needs no transaction is done here, and the rest becomes one, or a read.

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use posthouse_core::{
    Id,
    account::AccountName,
    actor::Actor,
    audit::{AuditEntry, AuditFilter, AuditRecord, AuditVerb},
    carrier::CarrierId,
    idempotency::{KeptAnswer, KeyClaim, KeyedRequest},
    life::callback::{CallbackAttempt, NotRetried},
    life::counts::StateCounts,
    life::intervention::{FailedCallback, FailedFilter, Intervention, LeftAlone, Ruling},
    life::read_reply::CarrierReadReply,
    life::reroute::RerouteTarget,
    message::{CarrierReport, Digest, StoredMessage, TimelineEvent},
    operation::{BulkOperation, NotStarted},
    provisioning::{Change, Provisioning},
    refusal::KeptRefusal,
    slots::Slots,
    store::{
        Acceptance, AuditStore, Beat, BulkStore, Callback, CallbackOutcome, CallbackStore, ClockMarks,
        CountBy, Demand, Divided, DivisionStore, Due, EndedAttempt, Endpoint, EndpointStore, Ends, ForNobody,
        HandedOn, Heartbeat, IdempotencyStore, InboundStore, IntakeStore, Joining, KeptCallback, KeptFilter,
        Lease, Membership, MembershipStore, MessageCount, MessageFilter, MoFilter, NewMessage, NewMo,
        NewRefusal, NextStep, Node, OperationItem, OperationPage, OperationsStore, Owner, ProvisioningStore,
        QueueStore, Queues, Recorded, RefusalFilter, RefusalStore, ReportStore, SearchStore, Settled,
        StoreError, StoreResult, StoreStatistics, StoredMo, Swept, Take, Timer, ToSend, TokenStore,
        UnmatchedFilter, UnmatchedReport, UpkeepStore, UserStore, Wanting, WorkStore,
    },
    token::TokenRecord,
    unreadable::{KeptUnreadable, Unreadable},
    user::{SessionRecord, UserChange, UserRecord},
};
use rusqlite::Connection;

use super::{
    SqliteStore,
    accept::{self, PreparedMessage},
    all_of, audit, bulk, callback, clock, due, endpoint, inbound, intervene,
    job::Tx,
    mo,
    options::Mode,
    provisioning, queues,
    refusals::{self, PreparedRefusal},
    report, request_key, search, session, sweep, token,
    transaction::Transaction,
    tries, unreadable, user, work,
};
use crate::stored::corrupt_media;

#[async_trait]
impl IntakeStore for SqliteStore {
    async fn accept(&self, message: &NewMessage) -> StoreResult<Acceptance> {
        let prepared = PreparedMessage::new(message, self.inline_max)?;
        self.write(Transaction::Accept, move |tx| accept::accept(tx, &prepared)).await
    }

    async fn repeated(
        &self,
        account: &AccountName,
        transaction_id: &str,
        digest: Digest,
        since: Timestamp,
    ) -> StoreResult<Option<Id>> {
        let (account, transaction_id) = (account.clone(), transaction_id.to_owned());
        let recent = self.recent.clone();
        let look = move |connection: &Connection| {
            let recent = recent.as_deref().filter(|recent| recent.lock().is_loaded());
            accept::repeated(connection, recent, (&account.0, &transaction_id, &digest.0), since)
        };
        self.readers.read(look).await
    }

    async fn accept_mo(&self, mo: NewMo, take: Take) -> StoreResult<HandedOn<Acceptance>> {
        let prepared = mo::PreparedMo::new(mo.within_bounds(), self.inline_max)?;
        self.hand_on(Transaction::AcceptMo, take, move |tx| mo::accept(tx, &prepared)).await
    }
}

#[async_trait]
impl WorkStore for SqliteStore {
    async fn begin(
        &self,
        id: Id,
        owner: Owner,
        connection: &str,
        attempt_until: Timestamp,
        now: Timestamp,
    ) -> StoreResult<()> {
        let connection = connection.to_owned();
        let begin = move |tx: &mut Tx<'_>| work::begin(tx, id, owner, &connection, attempt_until, now);
        self.write(Transaction::Begin, begin).await
    }

    async fn settle_attempt(
        &self,
        id: Id,
        owner: Owner,
        ended: EndedAttempt<'_>,
        now: Timestamp,
        take: Take,
    ) -> StoreResult<HandedOn<Settled>> {
        let EndedAttempt { settlement, said, failed } = ended;
        let (settlement, said, failed) = (settlement.within_bounds(), said.to_owned(), failed.to_vec());
        let settle = move |tx: &mut Tx<'_>| work::settle(tx, id, owner, &settlement, &said, &failed, now);
        self.hand_on(Transaction::Settle, take, settle).await
    }

    async fn release(&self, ids: &[Id], owner: Owner, now: Timestamp) -> StoreResult<()> {
        let ids = ids.to_vec();
        self.write(Transaction::Release, move |tx| work::release(tx, &ids, owner, now)).await
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
        all_of(slots)?;
        let carrier = carrier.clone();
        let take =
            move |tx: &mut Tx<'_>| work::lease_sends(tx, &carrier, lease, now, waiting_since_before, limit);
        self.write(Transaction::LeaseSends, take).await
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
        all_of(slots)?;
        let carrier = carrier.clone();
        self.write(Transaction::PutOff, move |tx| {
            work::put_off(tx, &carrier, until, nobody_there, now, limit)
        })
        .await
    }

    async fn lease_timers(
        &self,
        lease: Lease,
        now: Timestamp,
        slots: Slots,
        limit: usize,
    ) -> StoreResult<Vec<Timer>> {
        all_of(slots)?;
        let spared = self.member.spared(lease.owner, now);
        let take = move |tx: &mut Tx<'_>| work::lease_timers(tx, lease, now, spared, limit);
        self.write(Transaction::LeaseTimers, take).await
    }

    async fn due(&self, now: Timestamp, slots: Slots) -> StoreResult<Due> {
        all_of(slots)?;
        self.readers.read(move |connection| due::due(connection, now)).await
    }

    async fn oldest_due(&self, now: Timestamp) -> StoreResult<Option<Timestamp>> {
        self.readers.read(move |connection| due::oldest(connection, now)).await
    }
}

#[async_trait]
impl CallbackStore for SqliteStore {
    async fn lease_callbacks(
        &self,
        account: &AccountName,
        lease: Lease,
        now: Timestamp,
        limit: usize,
    ) -> StoreResult<Vec<Callback>> {
        let account = account.clone();
        let take = move |tx: &mut Tx<'_>| callback::lease(tx, &account, lease, now, limit);
        self.write(Transaction::LeaseCallbacks, take).await
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
        let settle = move |tx: &mut Tx<'_>| callback::settle(tx, id, owner, &outcome, now);
        self.hand_on(Transaction::SettleCallback, take, settle).await
    }

    async fn release_callbacks(&self, ids: &[Id], owner: Owner, now: Timestamp) -> StoreResult<()> {
        let ids = ids.to_vec();
        let release = move |tx: &mut Tx<'_>| callback::release(tx, &ids, owner, now);
        self.write(Transaction::ReleaseCallbacks, release).await
    }
}

#[async_trait]
impl EndpointStore for SqliteStore {
    async fn kept_callbacks(&self, filter: &KeptFilter, limit: usize) -> StoreResult<Vec<KeptCallback>> {
        let filter = filter.clone();
        self.readers.search(move |connection| endpoint::list(connection, &filter, limit)).await
    }

    async fn kept_callback(&self, id: Id) -> StoreResult<Option<KeptCallback>> {
        self.readers.read(move |connection| endpoint::find(connection, id)).await
    }

    async fn callback_attempts(&self, callback: Id) -> StoreResult<Vec<CallbackAttempt>> {
        self.readers.read(move |connection| tries::attempts(connection, callback)).await
    }

    async fn retry_callbacks(
        &self,
        ids: &[Id],
        by: &Actor,
        now: Timestamp,
    ) -> StoreResult<Vec<Result<(), NotRetried>>> {
        let (ids, by) = (ids.to_vec(), by.clone());
        self.write(Transaction::RetryCallbacks, move |tx| endpoint::retry(tx, &ids, &by, now)).await
    }

    async fn endpoints(&self) -> StoreResult<Vec<Endpoint>> {
        self.readers.read(endpoint::endpoints).await
    }

    async fn paused_endpoints(&self) -> StoreResult<Vec<AccountName>> {
        let paused = self.readers.read(endpoint::paused).await?;
        Ok(paused.into_iter().map(AccountName).collect())
    }

    async fn pause(&self, account: &AccountName, by: &Actor, now: Timestamp) -> StoreResult<bool> {
        let (account, by) = (account.clone(), by.clone());
        self.write(Transaction::PauseEndpoint, move |tx| endpoint::pause(tx, &account, &by, now)).await
    }

    async fn resume(&self, account: &AccountName, by: &Actor, now: Timestamp) -> StoreResult<bool> {
        let (account, by) = (account.clone(), by.clone());
        self.write(Transaction::ResumeEndpoint, move |tx| endpoint::resume(tx, &account, &by, now)).await
    }

    async fn note_recovered(&self, account: &AccountName) -> StoreResult<()> {
        let account = account.clone();
        self.write(Transaction::NoteRecovered, move |tx| endpoint::note_recovered(tx, &account)).await
    }
}

#[async_trait]
impl BulkStore for SqliteStore {
    async fn plan_operation(&self, operation: &BulkOperation) -> StoreResult<()> {
        let operation = operation.clone();
        self.write(Transaction::PlanOperation, move |tx| bulk::plan(tx, &operation)).await
    }

    async fn operation(&self, id: Id) -> StoreResult<Option<BulkOperation>> {
        self.readers.read(move |connection| bulk::find(connection, id)).await
    }

    async fn operations(&self, below: Option<Id>, limit: usize) -> StoreResult<Vec<BulkOperation>> {
        self.readers.read(move |connection| bulk::list(connection, below, limit)).await
    }

    async fn start_operation(
        &self,
        id: Id,
        expect_count: u64,
        by: &Actor,
        now: Timestamp,
    ) -> StoreResult<Result<BulkOperation, NotStarted>> {
        let by = by.clone();
        let start = move |tx: &mut Tx<'_>| bulk::start(tx, id, expect_count, &by, now);
        self.write(Transaction::StartOperation, start).await
    }

    async fn cancel_operation(
        &self,
        id: Id,
        by: &Actor,
        now: Timestamp,
    ) -> StoreResult<Result<BulkOperation, NotStarted>> {
        let by = by.clone();
        self.write(Transaction::CancelOperation, move |tx| bulk::cancel(tx, id, &by, now)).await
    }

    async fn lease_operation(&self, lease: Lease, now: Timestamp) -> StoreResult<Option<BulkOperation>> {
        // Nothing runs, mostly: a look costs no transaction.
        if !self.readers.read(move |connection| bulk::is_any_running(connection, now)).await? {
            return Ok(None);
        }
        self.write(Transaction::LeaseOperation, move |tx| bulk::lease(tx, lease, now)).await
    }

    async fn run_operation(
        &self,
        id: Id,
        lease: Lease,
        page: &OperationPage,
        now: Timestamp,
    ) -> StoreResult<BulkOperation> {
        let page = page.clone();
        self.write(Transaction::RunOperation, move |tx| bulk::run(tx, id, lease, &page, now)).await
    }

    async fn release_operation(&self, id: Id, owner: Owner) -> StoreResult<()> {
        self.write(Transaction::ReleaseOperation, move |tx| bulk::release(tx, id, owner)).await
    }

    async fn resubmit(
        &self,
        operation: Option<Id>,
        message: &NewMessage,
        by: &Actor,
        now: Timestamp,
    ) -> StoreResult<Result<Id, LeftAlone>> {
        let of = message.submission.resubmission.and_then(|resubmission| Id::from_number(resubmission.of));
        let Some(of) = of else { return Err(StoreError::refused("it is sent again for no message")) };
        let (prepared, by) = (PreparedMessage::new(message, self.inline_max)?, by.clone());
        let resubmit = move |tx: &mut Tx<'_>| bulk::resubmit(tx, operation, (of, &prepared), &by, now);
        self.write(Transaction::Resubmit, resubmit).await
    }

    async fn operation_items(
        &self,
        id: Id,
        below: Option<Id>,
        limit: usize,
    ) -> StoreResult<Vec<OperationItem>> {
        self.readers.read(move |connection| bulk::items(connection, id, below, limit)).await
    }
}

#[async_trait]
impl InboundStore for SqliteStore {
    async fn mos(&self, filter: &MoFilter, limit: usize) -> StoreResult<Vec<StoredMo>> {
        let filter = filter.clone();
        self.readers.search(move |connection| inbound::mos(connection, &filter, limit)).await
    }

    async fn mo(&self, id: Id) -> StoreResult<Option<StoredMo>> {
        self.readers.read(move |connection| inbound::mo(connection, id)).await
    }

    async fn resend_mos(
        &self,
        ids: &[Id],
        by: &Actor,
        now: Timestamp,
    ) -> StoreResult<Vec<Result<(), NotRetried>>> {
        let (ids, by) = (ids.to_vec(), by.clone());
        self.write(Transaction::ResendMos, move |tx| inbound::resend(tx, &ids, &by, now)).await
    }

    async fn keep_for_nobody(&self, mo: ForNobody) -> StoreResult<i64> {
        let mo = mo.within_bounds();
        self.write(Transaction::KeepForNobody, move |tx| inbound::keep_for_nobody(tx, &mo)).await
    }

    async fn for_nobody(
        &self,
        carrier: Option<&CarrierId>,
        below: Option<i64>,
        limit: usize,
    ) -> StoreResult<Vec<(i64, ForNobody)>> {
        let carrier = carrier.cloned();
        self.readers
            .read(move |connection| inbound::for_nobody(connection, carrier.as_ref(), below, limit))
            .await
    }

    async fn unmatched(&self, filter: &UnmatchedFilter, limit: usize) -> StoreResult<Vec<UnmatchedReport>> {
        let filter = filter.clone();
        self.readers.search(move |connection| inbound::unmatched(connection, &filter, limit)).await
    }
}

#[async_trait]
impl ReportStore for SqliteStore {
    async fn record_report(&self, report: CarrierReport, take: Take) -> StoreResult<HandedOn<Recorded>> {
        let report = report.within_bounds();
        self.hand_on(Transaction::RecordReport, take, move |tx| report::record(tx, &report)).await
    }

    async fn record_read_reply(
        &self,
        reply: CarrierReadReply,
        take: Take,
    ) -> StoreResult<HandedOn<Recorded>> {
        let reply = reply.within_bounds();
        let record = move |tx: &mut Tx<'_>| report::record_read_reply(tx, &reply);
        self.hand_on(Transaction::RecordReadReply, take, record).await
    }

    async fn keep_unreadable(&self, request: Unreadable) -> StoreResult<()> {
        let request = request.within_bounds();
        self.write(Transaction::KeepUnreadable, move |tx| unreadable::keep(tx, &request)).await
    }
}

#[async_trait]
impl RefusalStore for SqliteStore {
    async fn keep_refusals(&self, refusals: &[NewRefusal]) -> StoreResult<()> {
        let prepare = refusals.iter().map(PreparedRefusal::new);
        let prepared = prepare.collect::<Result<Vec<_>, _>>().map_err(StoreError::refused)?;
        self.write(Transaction::KeepRefusals, move |tx| refusals::keep(tx, &prepared)).await
    }

    async fn refusals(&self, filter: &RefusalFilter, limit: usize) -> StoreResult<Vec<KeptRefusal>> {
        let filter = filter.clone();
        self.readers.search(move |connection| refusals::list(connection, &filter, limit)).await
    }
}

#[async_trait]
impl SearchStore for SqliteStore {
    async fn message(&self, id: Id) -> StoreResult<Option<StoredMessage>> {
        self.readers.read(move |connection| search::message(connection, id)).await
    }

    async fn timeline(&self, id: Id) -> StoreResult<Option<Vec<TimelineEvent>>> {
        self.readers.read(move |connection| search::timeline(connection, id)).await
    }

    async fn next(&self, id: Id, now: Timestamp) -> StoreResult<Option<NextStep>> {
        self.readers.read(move |connection| search::next(connection, id, now)).await
    }

    async fn messages(&self, filter: &MessageFilter, limit: usize) -> StoreResult<Vec<StoredMessage>> {
        let filter = filter.clone();
        self.readers.search(move |connection| search::messages(connection, &filter, limit)).await
    }

    async fn nth_newest(&self, messages: u32) -> StoreResult<Option<Id>> {
        self.readers.search(move |connection| search::nth_newest(connection, messages)).await
    }

    async fn count(
        &self,
        filter: &MessageFilter,
        by: &[CountBy],
        limit: usize,
    ) -> StoreResult<Vec<MessageCount>> {
        let (filter, by) = (filter.clone(), by.to_vec());
        self.readers.search(move |connection| search::count(connection, &filter, &by, limit)).await
    }

    async fn media(&self, id: Id) -> StoreResult<Vec<Bytes>> {
        let folder = self.media.clone();
        let (found, media) = self
            .readers
            .read(move |connection| {
                let found = search::find_media(connection, id)?;
                let media = search::read_media(&found, &folder)?;
                Ok((found, media))
            })
            .await?;
        if let Some(media) = media {
            return Ok(media);
        }
        // A sweep may have come between the row and the segment: then the row is gone by now.
        let again = self.readers.read(move |connection| search::find_media(connection, id)).await?;
        if again == found {
            return Err(corrupt_media(id));
        }
        Err(StoreError::NotFound("media"))
    }

    async fn unreadable(
        &self,
        carrier: Option<&CarrierId>,
        below: Option<i64>,
        limit: usize,
    ) -> StoreResult<Vec<KeptUnreadable>> {
        let carrier = carrier.cloned();
        self.readers
            .read(move |connection| unreadable::list(connection, carrier.as_ref(), below, limit))
            .await
    }
}

#[async_trait]
impl OperationsStore for SqliteStore {
    async fn judge(
        &self,
        ids: &[Id],
        intervention: Intervention,
        now: Timestamp,
    ) -> StoreResult<Vec<Ruling>> {
        let ids = ids.to_vec();
        self.readers.read(move |connection| intervene::judge(connection, &ids, intervention, now)).await
    }

    async fn intervene(
        &self,
        ids: &[Id],
        intervention: Intervention,
        by: &Actor,
        now: Timestamp,
    ) -> StoreResult<Vec<Ruling>> {
        let (ids, by) = (ids.to_vec(), by.clone());
        let intervene = move |tx: &mut Tx<'_>| intervene::intervene(tx, &ids, (intervention, None), &by, now);
        self.write(Transaction::Intervene, intervene).await
    }

    async fn reroute(
        &self,
        ids: &[Id],
        to: &RerouteTarget,
        parked: bool,
        by: &Actor,
        now: Timestamp,
    ) -> StoreResult<Vec<Ruling>> {
        let (ids, to, by) = (ids.to_vec(), to.clone(), by.clone());
        let intervention = Intervention::Reroute { parked };
        let reroute =
            move |tx: &mut Tx<'_>| intervene::intervene(tx, &ids, (intervention, Some(&to)), &by, now);
        self.write(Transaction::Intervene, reroute).await
    }

    async fn failed_callbacks(
        &self,
        filter: &FailedFilter,
        limit: usize,
    ) -> StoreResult<Vec<FailedCallback>> {
        let filter = filter.clone();
        self.readers.read(move |connection| intervene::failed(connection, &filter, limit)).await
    }

    async fn resend(&self, callbacks: &[Id], by: &Actor, now: Timestamp) -> StoreResult<Vec<Id>> {
        let (callbacks, by) = (callbacks.to_vec(), by.clone());
        let resend = move |tx: &mut Tx<'_>| intervene::resend(tx, &callbacks, &by, now);
        self.write(Transaction::Resend, resend).await
    }
}

#[async_trait]
impl ProvisioningStore for SqliteStore {
    async fn revision(&self) -> StoreResult<u64> {
        self.readers.read(provisioning::present).await
    }

    async fn provisioning(&self) -> StoreResult<Provisioning> {
        self.readers.read(provisioning::provisioning).await
    }

    async fn change(
        &self,
        changes: &[Change],
        expected: Option<u64>,
        by: &Actor,
        now: Timestamp,
    ) -> StoreResult<u64> {
        let (changes, by) = (changes.to_vec(), by.clone());
        let change = move |tx: &mut Tx<'_>| provisioning::change(tx, &changes, expected, &by, now);
        self.write(Transaction::Change, change).await
    }

    async fn key(&self) -> StoreResult<[u8; 32]> {
        Ok(self.key)
    }
}

#[async_trait]
impl QueueStore for SqliteStore {
    async fn queues(&self, now: Timestamp) -> StoreResult<Queues> {
        let depths = match self.mode {
            Mode::Serve => self.counted().await?,
            Mode::Visit => {
                let standing = self.readers.read(queues::standing).await?;
                let mut counts = StateCounts::default();
                counts.counted(&standing);
                counts.depths().unwrap_or_default()
            }
        };
        let (ages, callbacks) = self
            .readers
            .read(move |connection| Ok((queues::ages(connection, now)?, queues::callbacks(connection)?)))
            .await?;
        Ok(Queues { depths, ages, callbacks })
    }

    fn ends(&self) -> Ends {
        self.writer.counts().lock().ends()
    }
}

#[async_trait]
impl UpkeepStore for SqliteStore {
    async fn newest_id(&self) -> StoreResult<Option<Id>> {
        self.readers.read(search::newest_id).await
    }

    async fn sweep(
        &self,
        media_before: Timestamp,
        messages_before: Timestamp,
        limit: usize,
    ) -> StoreResult<Swept> {
        let candidates = self
            .readers
            .read(move |connection| sweep::find(connection, media_before, messages_before, limit))
            .await?;
        let swept = match candidates.is_empty() {
            true => Swept::default(),
            false => self.write(Transaction::Sweep, move |tx| sweep::sweep(tx, &candidates)).await?,
        };
        self.erase(limit).await?;
        Ok(swept)
    }

    async fn clock(&self) -> StoreResult<ClockMarks> {
        self.readers.read(clock::marks).await
    }

    async fn note_seen(&self, now: Timestamp) -> StoreResult<()> {
        self.write(Transaction::NoteSeen, move |tx| clock::note_seen(tx, now)).await
    }

    async fn confirm_clock(&self, by: &Actor, now: Timestamp) -> StoreResult<()> {
        let entry = AuditEntry::new(by, AuditVerb::ConfirmClock, "clock", now).after(now.to_string());
        let confirm = move |tx: &mut Tx<'_>| {
            clock::confirm(tx, now)?;
            audit::write(tx, &entry)
        };
        self.write(Transaction::ConfirmClock, confirm).await
    }

    async fn check(&self) -> StoreResult<()> {
        let check = |tx: &mut Tx<'_>| {
            tx.has_room(Demand::New)?;
            let check = "UPDATE meta SET value = value + 1 WHERE name = 'checked'";
            tx.update_one(("meta", "checked"), check, [])
        };
        self.write(Transaction::Check, check).await
    }

    fn statistics(&self) -> StoreStatistics {
        self.writer.statistics()
    }

    async fn close(&self) -> StoreResult<()> {
        self.readers.close(self.read_connections).await;
        self.writer.close().await;
        Ok(())
    }
}

#[async_trait]
impl AuditStore for SqliteStore {
    async fn audit(&self, filter: &AuditFilter, limit: usize) -> StoreResult<Vec<AuditRecord>> {
        let filter = filter.clone();
        self.readers.search(move |connection| audit::list(connection, &filter, limit)).await
    }

    async fn record_audit(&self, entry: &AuditEntry) -> StoreResult<()> {
        let entry = entry.clone();
        self.write(Transaction::RecordAudit, move |tx| audit::write(tx, &entry)).await
    }

    async fn sweep_audit(&self, before: Timestamp, limit: usize) -> StoreResult<u64> {
        self.write(Transaction::SweepAudit, move |tx| audit::sweep(tx, before, limit)).await
    }
}

#[async_trait]
impl MembershipStore for SqliteStore {
    async fn join(&self, joining: Joining) -> StoreResult<Membership> {
        let newest = self.readers.read(search::newest_id).await?;
        let revision = self.readers.read(provisioning::present).await?;
        self.member.join(self.mode, joining, newest, revision)
    }

    async fn heartbeat(&self, beat: Beat) -> StoreResult<Heartbeat> {
        let revision = self.readers.read(provisioning::present).await?;
        self.member.heartbeat(&beat, revision)
    }

    async fn leave(&self, owner: Owner) -> StoreResult<()> {
        self.member.leave(owner);
        Ok(())
    }

    async fn nodes(&self) -> StoreResult<Vec<Node>> {
        Ok(self.member.nodes())
    }
}

#[async_trait]
impl DivisionStore for SqliteStore {
    async fn divide(&self, wanting: Wanting) -> StoreResult<Divided> {
        self.member.divide(wanting)
    }
}

#[async_trait]
impl TokenStore for SqliteStore {
    async fn add_token(&self, token: &TokenRecord, by: &Actor, now: Timestamp) -> StoreResult<bool> {
        let (token, by) = (token.clone(), by.clone());
        self.write(Transaction::AddToken, move |tx| token::add(tx, &token, &by, now)).await
    }

    async fn revoke_token(&self, id: &str, by: &Actor, now: Timestamp) -> StoreResult<bool> {
        let (id, by) = (id.to_owned(), by.clone());
        self.write(Transaction::RevokeToken, move |tx| token::revoke(tx, &id, &by, now)).await
    }

    async fn tokens(&self, after: Option<&str>, limit: usize) -> StoreResult<Vec<TokenRecord>> {
        let after = after.map(str::to_owned);
        self.readers.read(move |connection| token::list(connection, after.as_deref(), limit)).await
    }

    async fn token(&self, hash: &str) -> StoreResult<Option<TokenRecord>> {
        let hash = hash.to_owned();
        self.readers.read(move |connection| token::by_hash(connection, &hash)).await
    }

    async fn note_token_used(&self, id: &str, now: Timestamp) -> StoreResult<()> {
        let id = id.to_owned();
        self.write(Transaction::NoteTokenUsed, move |tx| token::note_used(tx, &id, now)).await
    }
}

#[async_trait]
impl UserStore for SqliteStore {
    async fn add_user(&self, user: &UserRecord, by: &Actor, now: Timestamp) -> StoreResult<bool> {
        let (user, by) = (user.clone(), by.clone());
        self.write(Transaction::AddUser, move |tx| user::add(tx, &user, &by, now)).await
    }

    async fn change_user(
        &self,
        name: &str,
        change: &UserChange,
        by: &Actor,
        now: Timestamp,
    ) -> StoreResult<Option<UserRecord>> {
        let (name, change, by) = (name.to_owned(), change.clone(), by.clone());
        self.write(Transaction::ChangeUser, move |tx| user::change(tx, &name, &change, &by, now)).await
    }

    async fn remove_user(&self, name: &str, by: &Actor, now: Timestamp) -> StoreResult<bool> {
        let (name, by) = (name.to_owned(), by.clone());
        self.write(Transaction::RemoveUser, move |tx| user::remove(tx, &name, &by, now)).await
    }

    async fn users(&self, after: Option<&str>, limit: usize) -> StoreResult<Vec<UserRecord>> {
        let after = after.map(str::to_owned);
        self.readers.read(move |connection| user::list(connection, after.as_deref(), limit)).await
    }

    async fn user(&self, name: &str) -> StoreResult<Option<UserRecord>> {
        let name = name.to_owned();
        self.readers.read(move |connection| user::by_name(connection, &name)).await
    }

    async fn user_of_link(&self, hash: &str) -> StoreResult<Option<UserRecord>> {
        let hash = hash.to_owned();
        self.readers.read(move |connection| user::by_link(connection, &hash)).await
    }

    async fn set_password(
        &self,
        link_hash: &str,
        password_hash: &str,
        by: &Actor,
        now: Timestamp,
    ) -> StoreResult<bool> {
        let (link, password, by) = (link_hash.to_owned(), password_hash.to_owned(), by.clone());
        let set = move |tx: &mut Tx<'_>| user::set_password(tx, &link, &password, &by, now);
        self.write(Transaction::SetPassword, set).await
    }

    async fn begin_session(&self, session: &SessionRecord, by: &Actor, now: Timestamp) -> StoreResult<bool> {
        let (session, by) = (session.clone(), by.clone());
        self.write(Transaction::BeginSession, move |tx| session::begin(tx, &session, &by, now)).await
    }

    async fn session(&self, hash: &str) -> StoreResult<Option<SessionRecord>> {
        let hash = hash.to_owned();
        self.readers.read(move |connection| session::by_hash(connection, &hash)).await
    }

    async fn sessions(&self, after: Option<&str>, limit: usize) -> StoreResult<Vec<SessionRecord>> {
        let after = after.map(str::to_owned);
        self.readers.read(move |connection| session::list(connection, after.as_deref(), limit)).await
    }

    async fn note_session_used(&self, id: &str, now: Timestamp) -> StoreResult<()> {
        let id = id.to_owned();
        self.write(Transaction::NoteSessionUsed, move |tx| session::note_used(tx, &id, now)).await
    }

    async fn end_session(&self, id: &str, by: &Actor, now: Timestamp) -> StoreResult<bool> {
        let (id, by) = (id.to_owned(), by.clone());
        self.write(Transaction::EndSession, move |tx| session::end(tx, &id, &by, now)).await
    }
}

#[async_trait]
impl IdempotencyStore for SqliteStore {
    async fn claim_key(&self, request: &KeyedRequest) -> StoreResult<KeyClaim> {
        let request = request.clone();
        self.write(Transaction::ClaimKey, move |tx| request_key::claim(tx, &request)).await
    }

    async fn keep_answer(&self, hash: &str, answer: &KeptAnswer) -> StoreResult<()> {
        let (hash, answer) = (hash.to_owned(), answer.clone());
        self.write(Transaction::KeepAnswer, move |tx| request_key::keep_answer(tx, &hash, &answer)).await
    }

    async fn release_key(&self, hash: &str) -> StoreResult<()> {
        let hash = hash.to_owned();
        self.write(Transaction::ReleaseKey, move |tx| request_key::release(tx, &hash)).await
    }

    async fn forget_keys(&self, until: Timestamp, limit: usize) -> StoreResult<u64> {
        let look = move |connection: &Connection| request_key::find_old(connection, until, limit);
        let old = self.readers.read(look).await?;
        if old.is_empty() {
            return Ok(0);
        }
        self.write(Transaction::ForgetKeys, move |tx| request_key::forget(tx, &old, until)).await
    }
}
