//! Which carrier a number belongs to, and whether it can be reached at all.
//!
//! A request's own word comes first and never gets here. Then the file of ported numbers, then the provider: ranges, which
//! are in memory, or somebody who is asked (`provider`) and whose answers are kept (`answers`).

mod answers;
mod dns;
pub(crate) mod enum_zone;
mod http_service;
mod number;
pub mod ported;
mod provider;

use std::{collections::HashMap, sync::Arc, time::Duration};

use posthouse_core::{
    address::Msisdn,
    carrier::{Carrier, CarrierId, Connection},
    lock::Mutex,
    provisioning::{Lookup, LookupProvider, LookupUrl, Snapshot},
    submit::CarrierFact,
};
use tokio::time::Instant;

use self::{
    dns::EnumServer,
    http_service::HttpService,
    ported::PortedNumbers,
    provider::{CachedProvider, ProviderAnswer},
};
use crate::telemetry::Metrics;

/// For how long it counts that a connection refuses our credentials: then the next message finds out again.
const REFUSAL_COUNTS: Duration = Duration::from_secs(30);

/// Knows which carrier serves a number, and which connections refuse our own credentials.
#[derive(Debug, Default)]
pub struct Directory {
    refusing: Mutex<HashMap<(CarrierId, String), Instant>>,
    ported: Arc<PortedNumbers>,
    in_use: Mutex<InUse>,
    metrics: Arc<Metrics>,
}

/// The provider in use, and what it was made from.
#[derive(Debug, Default)]
struct InUse {
    revision: u64,
    lookup: Option<Lookup>,
    provider: Option<Arc<CachedProvider>>,
}

impl Directory {
    /// A directory that counts what it finds.
    pub fn new(metrics: Arc<Metrics>) -> Self {
        Self { metrics, ..Self::default() }
    }

    /// Where the ported numbers are put.
    pub const fn ported(&self) -> &Arc<PortedNumbers> {
        &self.ported
    }

    /// The carrier of a number, by the file of ported numbers and the provider that are provisioned.
    pub async fn carrier_of(&self, snapshot: &Snapshot, number: &Msisdn) -> CarrierFact {
        let began = Instant::now();
        let (outcome, fact) = self.explain(snapshot, number).await;
        self.metrics.lookup_ended(outcome, began.elapsed());
        fact
    }

    /// The same with what decided: `ranges`, `ported`, `cache`, `provider`, `stale` (of a provider that is down), or `down`.
    pub async fn explain(&self, snapshot: &Snapshot, number: &Msisdn) -> (&'static str, CarrierFact) {
        if let Some(known) = self.ported_to(snapshot, number) {
            return known;
        }
        match snapshot.lookup().provider {
            LookupProvider::Ranges => ("ranges", self.known(snapshot.carrier_by_range(number))),
            LookupProvider::Http | LookupProvider::Enum => self.asked(snapshot, number).await,
        }
    }

    /// What the file of ported numbers says; `None`: nothing, ask on.
    fn ported_to(&self, snapshot: &Snapshot, number: &Msisdn) -> Option<(&'static str, CarrierFact)> {
        let path = snapshot.lookup().ported.as_deref()?;
        let Some(ported) = self.ported.get(path) else {
            // A ported number must not go to the carrier it left: nobody is answered before the file is read.
            return Some(("down", CarrierFact::LookupDown));
        };
        let name = ported.carrier(number)?;
        Some(("ported", self.known(snapshot.named_carrier(name))))
    }

    async fn asked(&self, snapshot: &Snapshot, number: &Msisdn) -> (&'static str, CarrierFact) {
        let Some(provider) = self.provider(snapshot) else { return ("down", CarrierFact::LookupDown) };
        let (outcome, name) = match provider.tell(number).await {
            ProviderAnswer::Remembered(name) => ("cache", name),
            ProviderAnswer::Asked(name) => ("provider", name),
            ProviderAnswer::Stale(name) => ("stale", Some(name)),
            ProviderAnswer::Nothing => return ("down", CarrierFact::LookupDown),
        };
        (outcome, self.known(name.and_then(|name| snapshot.named_carrier(&name))))
    }

    /// The provider that is provisioned, with what it has told so far. A request that began under an older provisioning
    /// takes the one of the newer.
    fn provider(&self, snapshot: &Snapshot) -> Option<Arc<CachedProvider>> {
        let mut in_use = self.in_use.lock();
        let newer = snapshot.revision() >= in_use.revision;
        if newer && in_use.lookup.as_ref() != Some(snapshot.lookup()) {
            let provider = provider(snapshot.lookup()).map(|provider| {
                Arc::new(CachedProvider::new(provider, snapshot.lookup().timeout, snapshot.lookup().cache))
            });
            *in_use =
                InUse { revision: snapshot.revision(), lookup: Some(snapshot.lookup().clone()), provider };
        }
        in_use.provider.clone()
    }

    fn known(&self, carrier: Option<&Arc<Carrier>>) -> CarrierFact {
        carrier.map_or(CarrierFact::NoCarrier, |carrier| self.found(carrier))
    }

    /// A carrier that was found, with what is known of it.
    pub fn found(&self, carrier: &Arc<Carrier>) -> CarrierFact {
        let refusing = self.refusing.lock();
        let refuses = |connection: &Connection| {
            let since = refusing.get(&(carrier.id.clone(), connection.name.clone()));
            since.is_some_and(|since| since.elapsed() < REFUSAL_COUNTS)
        };
        let refuses_us = !carrier.connections.is_empty() && carrier.connections.iter().all(refuses);
        CarrierFact::Found { carrier: Arc::clone(carrier), refuses_us }
    }

    /// Notes whether a connection refuses our credentials, as its last answers said.
    pub fn note(&self, carrier: &CarrierId, connection: &str, refuses_us: bool) {
        let key = (carrier.clone(), connection.to_owned());
        let mut refusing = self.refusing.lock();
        if refuses_us {
            refusing.insert(key, Instant::now());
        } else {
            refusing.remove(&key);
        }
    }
}

/// Whom to ask. `None` where nobody is to be asked, or where the URL is of another provider, which provisioning refuses.
fn provider(lookup: &Lookup) -> Option<Box<dyn provider::NumberProvider>> {
    match (lookup.provider, lookup.url.as_ref()?) {
        (LookupProvider::Http, LookupUrl::Service(url)) => {
            Some(Box::new(HttpService::new(url, lookup.timeout, lookup.tls.as_ref())))
        }
        (LookupProvider::Enum, LookupUrl::Zone(zone)) => {
            Some(Box::new(EnumServer::new(zone, lookup.timeout)))
        }
        _ => None,
    }
}
