//! Single connections.

use super::{ApiClient, ApiError, Nothing, segment};
use crate::{ConnectionProbed, ConnectionStatus, LimitRequest, PageOf, SuspendRequest};

impl ApiClient {
    /// The connections of a carrier.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn connections(&self, carrier: &str) -> Result<PageOf<ConnectionStatus>, ApiError> {
        self.get(&format!("/carriers/{}/connections", segment(carrier)), &[]).await
    }

    /// Lets nothing go out over a connection.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn suspend(
        &self,
        carrier: &str,
        name: &str,
        request: &SuspendRequest,
    ) -> Result<ConnectionStatus, ApiError> {
        self.post(&of_connection(carrier, name, "suspend"), request).await
    }

    /// Uses it again.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn resume(&self, carrier: &str, name: &str) -> Result<ConnectionStatus, ApiError> {
        self.post(&of_connection(carrier, name, "resume"), &Nothing {}).await
    }

    /// Uses it less than is provisioned, or ends that.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn limit(
        &self,
        carrier: &str,
        name: &str,
        request: &LimitRequest,
    ) -> Result<ConnectionStatus, ApiError> {
        self.post(&of_connection(carrier, name, "limit"), request).await
    }

    /// Sees whether it can be reached.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn probe(&self, carrier: &str, name: &str) -> Result<ConnectionProbed, ApiError> {
        self.post(&of_connection(carrier, name, "probe"), &Nothing {}).await
    }
}

fn of_connection(carrier: &str, name: &str, verb: &str) -> String {
    format!("/carriers/{}/connections/{}/{verb}", segment(carrier), segment(name))
}
