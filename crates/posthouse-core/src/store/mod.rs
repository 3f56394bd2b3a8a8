//! What a store must do. Its operations are verbs with a contract; atomicity is below these traits.
//!
//! There is a trait for each subject, and a [`Store`] is all of them. Whoever needs one subject takes that trait.
//!
//! # The contract that every operation keeps
//!
//! * **Durable**: when a writing operation returns `Ok`, its effect survives kill -9 and a power cut.
//! * **Atomic**: all of an operation's effect, or none of it.
//! * **States** change only through [`State::after`](crate::life::state::State::after), inside the operation's transaction.
//! * **Leases**: work is done by the [`Owner`] that leased it, till the lease ends. An operation on work whose lease
//!   another owner holds by now, or that is finished, changes nothing and says [`StoreError::LostLease`].
//! * **Bounded**: lists are limited by the caller; nothing reads a whole backlog into memory. What others send is kept
//!   [within bounds](crate::bounds), however often and long they send it.
//! * **Short of space**: below the low-water mark only what lets work drain is taken; the rest is refused with
//!   [`StoreError::Full`], and can be sent again.
//!
//! # Errors
//!
//! [`StoreError`] says of each error what was written and what a caller may do. Where a method speaks of the errors
//! *of every operation that reads*, these are [`Unavailable`](StoreError::Unavailable) while the store is away, [`Closed`](StoreError::Closed),
//! [`NotDone`](StoreError::NotDone) and [`Corrupt`](StoreError::Corrupt); *of every operation that writes*, these, [`Overloaded`](StoreError::Overloaded) once
//! the backend had no room for half a minute, [`Full`](StoreError::Full) on a disk without any space,
//! [`Refused`](StoreError::Refused) for a visitor, and [`Failed`](StoreError::Failed) where the outcome is unknown.
//! They are named at a method only where they mean something special there.
//!
//! # Who may do what
//!
//! Gateways serve a store and may do everything: one, where the backend is for one, or several nodes, which [join](MembershipStore) it.
//! Visitors may come at any time: they read, change provisioning, and do what an
//! operator asks for. Everything else is [`Refused`](StoreError::Refused) to them.
//!
//! One conformance suite tests all of it on every backend.

mod audit;
mod bulk;
mod callbacks;
mod cdr;
mod delegate;
mod division;
mod endpoints;
mod idempotency;
mod inbound;
mod intake;
mod keys;
mod membership;
mod numbers;
mod operations;
mod overrides;
mod provisioning;
mod queues;
mod refusals;
mod reports;
mod search;
mod tokens;
mod upkeep;
mod users;
mod work;

pub use self::{
    audit::AuditStore,
    bulk::{BulkStore, OperationItem, OperationPage},
    callbacks::{Callback, CallbackBody, CallbackStore, HandedOn, Take, TakeCallbacks},
    cdr::{CdrFile, CdrStore, PendingRecord, RecordSubject, RecordsOf},
    delegate::Wraps,
    division::{Divided, DivisionStore, Wanting},
    endpoints::{Endpoint, EndpointPause, EndpointStore, KeptFilter, LastFailure},
    idempotency::IdempotencyStore,
    inbound::{
        ForNobody, InboundStore, MOST_FOR_NOBODY, MoFilter, MoOutcome, StoredMo, UnmatchedFilter,
        UnmatchedReport, UnmatchedSays,
    },
    intake::{Acceptance, IntakeStore},
    keys::KeyStore,
    membership::{Beat, Heartbeat, Joining, Membership, MembershipStore, Node, NodeKind},
    numbers::NumberStore,
    operations::OperationsStore,
    overrides::OverrideStore,
    provisioning::{ProvisioningStore, RevisionStore, next_revision},
    queues::{COUNTED, CallbackDepth, QueueAge, QueueStore, Queues},
    refusals::{NewRefusal, RefusalFilter, RefusalStore},
    reports::ReportStore,
    search::{CountBy, MessageCount, MessageFilter, SearchStore},
    tokens::TokenStore,
    upkeep::{ClockMarks, StoreStatistics, Swept, TransactionCount, UpkeepStore},
    users::UserStore,
    work::{Due, Timer, ToSend, WorkStore},
};
pub use crate::{
    distribution::Distribution,
    lease::{Lease, Owner},
    life::{
        callback::KeptCallback,
        callback_outcome::{CallbackAnswer, CallbackOutcome},
        counts::{EndCount, EndTimes, Ends, QueueDepth},
        settlement::{EndedAttempt, FailedAttempt, NextStep, Recorded, Settled, Settlement},
        space::Demand,
    },
    message::{FirstAttempt, NewMessage, NewMo},
    store_error::{ErrorCause, SEARCH_TIME, StoreError, StoreResult},
};

/// Says once which roles there are.
macro_rules! every_role {
    ($($role:ident),+ $(,)?) => {
        /// Where messages, work, callbacks and provisioning are kept: every role that there is. See the [module](self) for what every
        /// operation keeps.
        pub trait Store: $($role +)+ {}

        impl<S> Store for S where S: $($role +)+ {}

        /// The traits of all roles, for those who hold a backend by its own type: `use posthouse_core::store::roles::*`. On a
        /// `dyn Store` their methods are there without.
        pub mod roles {
            pub use super::{$($role,)+};
        }
    };
}

every_role! {
    IntakeStore,
    WorkStore,
    CallbackStore,
    CdrStore,
    BulkStore,
    EndpointStore,
    InboundStore,
    ReportStore,
    RefusalStore,
    SearchStore,
    OperationsStore,
    OverrideStore,
    ProvisioningStore,
    NumberStore,
    QueueStore,
    RevisionStore,
    UpkeepStore,
    AuditStore,
    KeyStore,
    TokenStore,
    UserStore,
    MembershipStore,
    DivisionStore,
    IdempotencyStore,
}
