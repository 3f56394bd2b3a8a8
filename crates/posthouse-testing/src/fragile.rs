//! A store that breaks on purpose.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use posthouse_core::{
    Id,
    account::AccountName,
    life::read_reply::CarrierReadReply,
    message::{CarrierReport, Digest},
    store::{
        Acceptance, HandedOn, IntakeStore, NewMessage, NewMo, Recorded, ReportStore, Store, StoreError,
        StoreResult, Take,
    },
    unreadable::Unreadable,
};

/// A store that accepts no message whose TransactionID, and records no report whose MessageID, begins with one of these:
/// `broken` (the backend fails), `full` (no disk space), `busy` (more to do than it may hold), `away` (for 7 s at least).
pub struct FragileStore(pub Arc<dyn Store>);

fn fail(id: &str) -> StoreResult<()> {
    match id {
        id if id.starts_with("broken") => Err(StoreError::failed("on purpose")),
        id if id.starts_with("full") => Err(StoreError::Full),
        id if id.starts_with("busy") => Err(StoreError::Overloaded),
        id if id.starts_with("away") => Err(StoreError::Unavailable { retry_after: Duration::from_secs(7) }),
        _ => Ok(()),
    }
}

/// What a store that wraps another passes on.
macro_rules! passes_on {
    ($wrapper:ident: $($role:ident),+ $(,)?) => {
        $(impl posthouse_core::store::Wraps<dyn posthouse_core::store::$role> for $wrapper {
            fn inner(&self) -> &dyn posthouse_core::store::$role {
                &*self.0
            }
        })+
    };
}

/// The roles that no store here has reason to break.
macro_rules! passes_on_the_rest {
    ($wrapper:ident) => {
        $crate::fragile::passes_on_all_but_searches!($wrapper);
        $crate::fragile::passes_on!($wrapper: SearchStore);
    };
}

/// The same but for searches.
macro_rules! passes_on_all_but_searches {
    ($wrapper:ident) => {
        $crate::fragile::passes_on!(
            $wrapper:
            BulkStore,
            CdrStore,
            EndpointStore,
            InboundStore,
            OperationsStore,
            OverrideStore,
            ProvisioningStore,
            AuditStore,
            TokenStore,
            KeyStore,
            NumberStore,
            RevisionStore,
            UpkeepStore,
            UserStore,
            IdempotencyStore,
            MembershipStore,
            DivisionStore,
            QueueStore,
            RefusalStore
        );
    };
}

pub(crate) use {passes_on, passes_on_all_but_searches, passes_on_the_rest};

passes_on!(FragileStore: WorkStore, CallbackStore);
passes_on_the_rest!(FragileStore);

#[async_trait]
impl IntakeStore for FragileStore {
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

    async fn accept_mo(&self, mo: NewMo, take: Take) -> StoreResult<HandedOn<Acceptance>> {
        self.0.accept_mo(mo, take).await
    }
}

#[async_trait]
impl ReportStore for FragileStore {
    async fn record_report(&self, report: CarrierReport, take: Take) -> StoreResult<HandedOn<Recorded>> {
        fail(&report.carrier_message_id)?;
        self.0.record_report(report, take).await
    }

    async fn record_read_reply(
        &self,
        reply: CarrierReadReply,
        take: Take,
    ) -> StoreResult<HandedOn<Recorded>> {
        fail(&reply.carrier_message_id)?;
        self.0.record_read_reply(reply, take).await
    }

    async fn keep_unreadable(&self, request: Unreadable) -> StoreResult<()> {
        self.0.keep_unreadable(request).await
    }
}
