//! What only a gateway that runs can tell or do: its nodes, its log, its series, its sandboxes, and how it would answer a request.

use http::{HeaderValue, Method};

use super::{ApiClient, ApiError, paged};
use crate::{
    BASE, LintView, LogLevelRequest, LogLevelView, NodeView, PageOf, SandboxClear, SandboxCleared,
    SandboxDelivered, SandboxDelivery, SandboxMessage, SeriesView, StoreView,
};

impl ApiClient {
    /// The nodes.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn nodes(&self) -> Result<PageOf<NodeView>, ApiError> {
        self.get("/nodes", &[]).await
    }

    /// Sets what the node that answers logs, till its process ends.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn set_log_level(&self, request: &LogLevelRequest) -> Result<LogLevelView, ApiError> {
        self.post("/nodes/self/log-level", request).await
    }

    /// A number of the gateway, or of a carrier's connections, over the last six hours; each value is the mean of `step` seconds.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn series(
        &self,
        name: &str,
        carrier: Option<&str>,
        step: u32,
    ) -> Result<PageOf<SeriesView>, ApiError> {
        let mut parameters = vec![("name", name.to_owned()), ("step", step.to_string())];
        parameters.extend(carrier.map(|carrier| ("carrier", carrier.to_owned())));
        self.get("/stats/series", &parameters).await
    }

    /// How large the store is, and whether there is room for more.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn store_stats(&self) -> Result<StoreView, ApiError> {
        self.get("/stats/store", &[]).await
    }

    /// A page of the inbox of a sandbox, the newest first.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn sandbox_messages(
        &self,
        account: Option<&str>,
        to: Option<&str>,
        cursor: Option<&str>,
        limit: u16,
    ) -> Result<PageOf<SandboxMessage>, ApiError> {
        let mut parameters = paged(cursor, limit);
        parameters.extend(account.map(|account| ("account", account.to_owned())));
        parameters.extend(to.map(|to| ("to", to.to_owned())));
        self.get("/sandbox/messages", &parameters).await
    }

    /// Has the handset of a sandbox write to its account.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn deliver_to_sandbox(&self, request: &SandboxDelivery) -> Result<SandboxDelivered, ApiError> {
        self.post("/sandbox/deliver", request).await
    }

    /// Has the inbox of a sandbox begin anew.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn clear_sandbox(&self, request: &SandboxClear) -> Result<SandboxCleared, ApiError> {
        self.post("/sandbox/clear", request).await
    }

    /// What would be answered to a request as it goes over the wire, judged by what is provisioned of an account: this one, or whose
    /// VASPID the request has.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn lint(
        &self,
        request: Vec<u8>,
        account: Option<&str>,
        dialect: Option<&str>,
    ) -> Result<LintView, ApiError> {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(account.map(|account| ("account", account)));
        query.extend_pairs(dialect.map(|dialect| ("dialect", dialect)));
        let path = format!("/lint?{}", query.finish());
        let body = (request.into(), HeaderValue::from_static("application/octet-stream"));
        let answer = self.exchange_as(Method::POST, &format!("{BASE}{path}"), Some(body), None).await?;
        self.read(&path, &answer)
    }
}
