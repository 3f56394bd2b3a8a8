//! Single connections.

use jiff::Timestamp;
use posthouse_api::{ConnectionProbed, ConnectionStatus, LimitRequest, SuspendRequest};
use posthouse_core::carrier::CarrierId;
use posthouse_gateway::admin::connections::{limit, list, probe, resume, suspend};

use super::{Via, of_verb, told};

impl Via {
    /// The connections of a carrier.
    ///
    /// # Errors
    /// What the gateway or the store says; so it is with all that follow.
    pub async fn connections(&self, carrier: &str) -> anyhow::Result<Vec<ConnectionStatus>> {
        match self {
            Self::Gateway(api) => Ok(api.connections(carrier).await.map_err(told)?.items),
            Self::Store(store, _) => {
                of_verb(list::list(&**store, &CarrierId(carrier.to_owned()), Timestamp::now()).await)
            }
        }
    }

    /// Lets nothing go out over one.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn suspend(
        &self,
        carrier: &str,
        name: &str,
        request: &SuspendRequest,
    ) -> anyhow::Result<ConnectionStatus> {
        match self {
            Self::Gateway(api) => api.suspend(carrier, name, request).await.map_err(told),
            Self::Store(store, by) => {
                let (id, now) = (CarrierId(carrier.to_owned()), Timestamp::now());
                of_verb(suspend::suspend(&**store, (&id, name), request, by, now).await)
            }
        }
    }

    /// Uses it again.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn resume(&self, carrier: &str, name: &str) -> anyhow::Result<ConnectionStatus> {
        match self {
            Self::Gateway(api) => api.resume(carrier, name).await.map_err(told),
            Self::Store(store, by) => {
                let (id, now) = (CarrierId(carrier.to_owned()), Timestamp::now());
                of_verb(resume::resume(&**store, (&id, name), by, now).await)
            }
        }
    }

    /// Uses it less than is provisioned, or ends that.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn limit(
        &self,
        carrier: &str,
        name: &str,
        request: &LimitRequest,
    ) -> anyhow::Result<ConnectionStatus> {
        match self {
            Self::Gateway(api) => api.limit(carrier, name, request).await.map_err(told),
            Self::Store(store, by) => {
                let (id, now) = (CarrierId(carrier.to_owned()), Timestamp::now());
                of_verb(limit::limit(&**store, (&id, name), request, by, now).await)
            }
        }
    }

    /// Sees whether it can be reached.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn probe(&self, carrier: &str, name: &str) -> anyhow::Result<ConnectionProbed> {
        match self {
            Self::Gateway(api) => api.probe(carrier, name).await.map_err(told),
            Self::Store(store, _) => {
                of_verb(probe::probe(&**store, (&CarrierId(carrier.to_owned()), name)).await)
            }
        }
    }
}
