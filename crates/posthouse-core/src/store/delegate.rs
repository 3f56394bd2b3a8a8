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

/// Roles, with the operations of each: those that are waited for, which answer with a [`StoreResult`], and then those that answer at once.
macro_rules! passes_on {
    ($($role:ident {
        $(async fn $name:ident($($given:ident: $type:ty),*) -> $answer:ty;)*
        $(fn $told:ident($($word:ident: $of:ty),*) $(-> $said:ty)?;)*
    })*) => {$(
        #[async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl<W: Wraps<dyn $role>> $role for W {
            $(async fn $name(&self, $($given: $type),*) -> StoreResult<$answer> {
                self.inner().$name($($given),*).await
            })*

            $(fn $told(&self, $($word: $of),*) $(-> $said)? {
                self.inner().$told($($word),*)
            })*
        }
    )*};
}

passes_on! {
    IntakeStore {
        async fn accept(message: &NewMessage) -> Acceptance;
        async fn repeated(
            account: &AccountName, transaction_id: &str, digest: Digest, since: Timestamp
        ) -> Option<Id>;
        async fn accept_mo(mo: NewMo, take: Take) -> HandedOn<Acceptance>;
    }

    WorkStore {
        async fn begin(
            id: Id, owner: Owner, connection: &str, attempt_until: Timestamp, now: Timestamp
        ) -> ();
        async fn settle(
            id: Id, owner: Owner, settlement: Settlement, said: &str, now: Timestamp, take: Take
        ) -> HandedOn<Settled>;
        async fn settle_attempt(
            id: Id, owner: Owner, ended: EndedAttempt<'_>, now: Timestamp, take: Take
        ) -> HandedOn<Settled>;
        async fn release(ids: &[Id], owner: Owner, now: Timestamp) -> ();
        async fn lease_sends(
            carrier: &CarrierId, lease: Lease, now: Timestamp, waiting_since_before: Option<Timestamp>,
            slots: Slots, limit: usize
        ) -> Vec<ToSend>;
        async fn put_off(
            carrier: &CarrierId, until: Timestamp, nobody_there: bool, now: Timestamp, slots: Slots,
            limit: usize
        ) -> usize;
        async fn lease_timers(lease: Lease, now: Timestamp, slots: Slots, limit: usize) -> Vec<Timer>;
        async fn due(now: Timestamp, slots: Slots) -> Due;
        async fn oldest_due(now: Timestamp) -> Option<Timestamp>;
    }

    CallbackStore {
        async fn lease_callbacks(
            account: &AccountName, lease: Lease, now: Timestamp, limit: usize
        ) -> Vec<Callback>;
        async fn settle_callback(
            id: Id, owner: Owner, outcome: CallbackOutcome, now: Timestamp, take: Take
        ) -> HandedOn<()>;
        async fn release_callbacks(ids: &[Id], owner: Owner, now: Timestamp) -> ();
    }

    EndpointStore {
        async fn kept_callbacks(filter: &KeptFilter, limit: usize) -> Vec<KeptCallback>;
        async fn kept_callback(id: Id) -> Option<KeptCallback>;
        async fn callback_attempts(callback: Id) -> Vec<CallbackAttempt>;
        async fn retry_callbacks(ids: &[Id], by: &Actor, now: Timestamp) -> Vec<Result<(), NotRetried>>;
        async fn endpoints() -> Vec<Endpoint>;
        async fn paused_endpoints() -> Vec<AccountName>;
        async fn pause(account: &AccountName, by: &Actor, now: Timestamp) -> bool;
        async fn resume(account: &AccountName, by: &Actor, now: Timestamp) -> bool;
        async fn note_recovered(account: &AccountName) -> ();
    }

    KeyStore {
        async fn note_keys_used(used: &[(String, Timestamp)]) -> ();
        async fn keys_used(ids: &[String]) -> Vec<(String, Timestamp)>;
    }

    OverrideStore {
        async fn overrides(now: Timestamp) -> Vec<ConnectionOverride>;
        async fn put_override(put: &ConnectionOverride, by: &Actor, now: Timestamp) -> ();
        async fn lift_override(
            carrier: &CarrierId, connection: &str, kind: OverrideKind, by: &Actor, now: Timestamp
        ) -> bool;
    }

    BulkStore {
        async fn plan_operation(operation: &BulkOperation) -> ();
        async fn operation(id: Id) -> Option<BulkOperation>;
        async fn operations(below: Option<Id>, limit: usize) -> Vec<BulkOperation>;
        async fn start_operation(
            id: Id, expect_count: u64, by: &Actor, now: Timestamp
        ) -> Result<BulkOperation, NotStarted>;
        async fn cancel_operation(id: Id, by: &Actor, now: Timestamp) -> Result<BulkOperation, NotStarted>;
        async fn lease_operation(lease: Lease, now: Timestamp) -> Option<BulkOperation>;
        async fn run_operation(id: Id, lease: Lease, page: &OperationPage, now: Timestamp) -> BulkOperation;
        async fn release_operation(id: Id, owner: Owner) -> ();
        async fn resubmit(
            operation: Option<Id>, message: &NewMessage, by: &Actor, now: Timestamp
        ) -> Result<Id, LeftAlone>;
        async fn operation_items(id: Id, below: Option<Id>, limit: usize) -> Vec<OperationItem>;
    }

    InboundStore {
        async fn mos(filter: &MoFilter, limit: usize) -> Vec<StoredMo>;
        async fn mo(id: Id) -> Option<StoredMo>;
        async fn resend_mos(ids: &[Id], by: &Actor, now: Timestamp) -> Vec<Result<(), NotRetried>>;
        async fn keep_for_nobody(mo: ForNobody) -> i64;
        async fn for_nobody(
            carrier: Option<&CarrierId>, below: Option<i64>, limit: usize
        ) -> Vec<(i64, ForNobody)>;
        async fn unmatched(filter: &UnmatchedFilter, limit: usize) -> Vec<UnmatchedReport>;
    }

    ReportStore {
        async fn record_report(report: CarrierReport, take: Take) -> HandedOn<Recorded>;
        async fn record_read_reply(reply: CarrierReadReply, take: Take) -> HandedOn<Recorded>;
        async fn keep_unreadable(request: Unreadable) -> ();
    }

    RefusalStore {
        async fn keep_refusals(refusals: &[NewRefusal]) -> ();
        async fn refusals(filter: &RefusalFilter, limit: usize) -> Vec<KeptRefusal>;
    }

    SearchStore {
        async fn message(id: Id) -> Option<StoredMessage>;
        async fn timeline(id: Id) -> Option<Vec<TimelineEvent>>;
        async fn next(id: Id, now: Timestamp) -> Option<NextStep>;
        async fn messages(filter: &MessageFilter, limit: usize) -> Vec<StoredMessage>;
        async fn nth_newest(messages: u32) -> Option<Id>;
        async fn count(filter: &MessageFilter, by: &[CountBy], limit: usize) -> Vec<MessageCount>;
        async fn media(id: Id) -> Vec<Bytes>;
        async fn unreadable(
            carrier: Option<&CarrierId>, below: Option<i64>, limit: usize
        ) -> Vec<KeptUnreadable>;
    }

    OperationsStore {
        async fn judge(ids: &[Id], intervention: Intervention, now: Timestamp) -> Vec<Ruling>;
        async fn intervene(ids: &[Id], intervention: Intervention, by: &Actor, now: Timestamp) -> Vec<Ruling>;
        async fn reroute(
            ids: &[Id], to: &RerouteTarget, parked: bool, by: &Actor, now: Timestamp
        ) -> Vec<Ruling>;
        async fn failed_callbacks(filter: &FailedFilter, limit: usize) -> Vec<FailedCallback>;
        async fn resend(callbacks: &[Id], by: &Actor, now: Timestamp) -> Vec<Id>;
    }

    ProvisioningStore {
        async fn revision() -> u64;
        async fn provisioning() -> Provisioning;
        async fn change(changes: &[Change], expected: Option<u64>, by: &Actor, now: Timestamp) -> u64;
        async fn key() -> [u8; 32];
    }

    QueueStore {
        async fn queues(now: Timestamp) -> Queues;
        fn ends() -> Ends;
    }

    NumberStore {
        async fn without_numbers() -> Provisioning;
        async fn blacklisted(number: &Msisdn) -> Vec<Blacklisted>;
        async fn blacklist(after: Option<&Blacklisted>, limit: usize) -> Vec<Blacklisted>;
        async fn ranges(after: Option<&Prefix>, limit: usize) -> Vec<Range>;
    }

    RevisionStore {
        async fn revisions(below: Option<u64>, limit: usize) -> Vec<Revision>;
        async fn oldest_revision() -> Option<u64>;
        async fn revised(number: u64) -> Option<Vec<Revised>>;
    }

    UpkeepStore {
        async fn newest_id() -> Option<Id>;
        async fn sweep(media_before: Timestamp, messages_before: Timestamp, limit: usize) -> Swept;
        async fn clock() -> ClockMarks;
        async fn note_seen(now: Timestamp) -> ();
        async fn confirm_clock(by: &Actor, now: Timestamp) -> ();
        async fn check() -> ();
        async fn close() -> ();
        fn statistics() -> StoreStatistics;
    }

    AuditStore {
        async fn audit(filter: &AuditFilter, limit: usize) -> Vec<AuditRecord>;
        async fn record_audit(entry: &AuditEntry) -> ();
        async fn sweep_audit(before: Timestamp, limit: usize) -> u64;
    }

    MembershipStore {
        async fn join(joining: Joining) -> Membership;
        async fn heartbeat(beat: Beat) -> Heartbeat;
        async fn leave(owner: Owner) -> ();
        async fn nodes() -> Vec<Node>;
    }

    DivisionStore {
        async fn divide(wanting: Wanting) -> Divided;
    }

    TokenStore {
        async fn add_token(token: &TokenRecord, by: &Actor, now: Timestamp) -> bool;
        async fn revoke_token(id: &str, by: &Actor, now: Timestamp) -> bool;
        async fn tokens(after: Option<&str>, limit: usize) -> Vec<TokenRecord>;
        async fn token(hash: &str) -> Option<TokenRecord>;
        async fn note_token_used(id: &str, now: Timestamp) -> ();
    }

    UserStore {
        async fn add_user(user: &UserRecord, by: &Actor, now: Timestamp) -> bool;
        async fn change_user(
            name: &str, change: &UserChange, by: &Actor, now: Timestamp
        ) -> Option<UserRecord>;
        async fn remove_user(name: &str, by: &Actor, now: Timestamp) -> bool;
        async fn users(after: Option<&str>, limit: usize) -> Vec<UserRecord>;
        async fn user(name: &str) -> Option<UserRecord>;
        async fn user_of_link(hash: &str) -> Option<UserRecord>;
        async fn set_password(link_hash: &str, password_hash: &str, by: &Actor, now: Timestamp) -> bool;
        async fn begin_session(session: &SessionRecord, by: &Actor, now: Timestamp) -> bool;
        async fn session(hash: &str) -> Option<SessionRecord>;
        async fn sessions(after: Option<&str>, limit: usize) -> Vec<SessionRecord>;
        async fn note_session_used(id: &str, now: Timestamp) -> ();
        async fn end_session(id: &str, by: &Actor, now: Timestamp) -> bool;
    }

    CdrStore {
        async fn pending_records(of: RecordsOf, limit: usize) -> Vec<PendingRecord>;
        async fn pending_record_count() -> u64;
        async fn records_written(ids: &[Id], before: Option<&CdrFile>, file: &CdrFile) -> bool;
        async fn cdr_file(folder: &str) -> Option<CdrFile>;
        fn keep_records(on: bool);
    }

    IdempotencyStore {
        async fn claim_key(request: &KeyedRequest) -> KeyClaim;
        async fn keep_answer(hash: &str, answer: &KeptAnswer) -> ();
        async fn release_key(hash: &str) -> ();
        async fn forget_keys(until: Timestamp, limit: usize) -> u64;
    }
}
