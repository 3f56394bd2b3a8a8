//! Captures, and certificates.

use http::Method;

use super::{ApiClient, ApiError, paged, segment};
use crate::{BASE, CaptureRemoved, CaptureRequest, CaptureView, CapturedExchange, CertificateView, PageOf};

impl ApiClient {
    /// Begins a capture.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn begin_capture(&self, request: &CaptureRequest) -> Result<CaptureView, ApiError> {
        self.post("/captures", request).await
    }

    /// The captures of the node.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn captures(&self) -> Result<PageOf<CaptureView>, ApiError> {
        self.get("/captures", &[]).await
    }

    /// A capture.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn capture(&self, id: &str) -> Result<CaptureView, ApiError> {
        self.get(&format!("/captures/{}", segment(id)), &[]).await
    }

    /// A page of what it has, the oldest first.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn captured(
        &self,
        id: &str,
        cursor: Option<&str>,
        limit: u16,
    ) -> Result<PageOf<CapturedExchange>, ApiError> {
        self.get(&format!("/captures/{}/exchanges", segment(id)), &paged(cursor, limit)).await
    }

    /// Ends a capture, and forgets what it has.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn remove_capture(&self, id: &str) -> Result<CaptureRemoved, ApiError> {
        let path = format!("/captures/{}", segment(id));
        let answer = self.exchange(Method::DELETE, &format!("{BASE}{path}"), None).await?;
        self.read(&path, &answer)
    }

    /// The certificates that the gateway shows.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn certificates(&self) -> Result<PageOf<CertificateView>, ApiError> {
        self.get("/certificates", &[]).await
    }
}
