//! Which carrier a number belongs to, and whether it can be reached at all.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use posthouse_core::{
    address::Msisdn,
    carrier::{Carrier, CarrierId, Connection},
    provisioning::Provider,
    route::Snapshot,
    submit::CarrierFact,
};
use tokio::time::Instant;

/// For how long a refusal of our credentials counts: then the next message finds out again.
const REFUSAL_COUNTS: Duration = Duration::from_secs(30);

/// Knows whose numbers are, and which carriers refuse our own credentials.
#[derive(Debug, Default)]
pub struct Directory {
    refusing: Mutex<HashMap<(CarrierId, String), Instant>>,
}

impl Directory {
    /// The carrier of a number, by the provider that is provisioned.
    pub async fn carrier_of(&self, snapshot: &Snapshot, number: &Msisdn) -> CarrierFact {
        match snapshot.lookup().provider {
            Provider::Ranges => snapshot
                .carrier_by_range(number)
                .map_or(CarrierFact::NoCarrier, |carrier| self.found(carrier)),
            // Provisioning refuses these providers in this version.
            Provider::Http | Provider::Enum => CarrierFact::LookupDown,
        }
    }

    /// A carrier that was found, with what is known of it.
    pub fn found(&self, carrier: &Arc<Carrier>) -> CarrierFact {
        let refusing = self.refusing.lock().unwrap_or_else(PoisonError::into_inner);
        let refuses = |connection: &Connection| {
            let since = refusing.get(&(carrier.id.clone(), connection.name.clone()));
            since.is_some_and(|since| since.elapsed() < REFUSAL_COUNTS)
        };
        let refuses_us = !carrier.connections.is_empty() && carrier.connections.iter().all(refuses);
        CarrierFact::Found { carrier: Arc::clone(carrier), refuses_us }
    }

    /// Notes whether a connection refuses our credentials, as its last answer said.
    pub fn note(&self, carrier: &CarrierId, connection: &str, refuses_us: bool) {
        let key = (carrier.clone(), connection.to_owned());
        let mut refusing = self.refusing.lock().unwrap_or_else(PoisonError::into_inner);
        if refuses_us {
            refusing.insert(key, Instant::now());
        } else {
            refusing.remove(&key);
        }
    }
}
