//! Keys of accounts.

use http::Method;

use super::{ApiClient, ApiError, segment};
use crate::{ChangeMade, IssuedKey, KeyRequest, KeyView, PageOf};

impl ApiClient {
    /// The keys of an account.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn keys(&self, account: &str) -> Result<PageOf<KeyView>, ApiError> {
        self.get(&format!("/accounts/{}/keys", segment(account)), &[]).await
    }

    /// Gives it a new one.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn add_key(&self, account: &str, request: &KeyRequest) -> Result<IssuedKey, ApiError> {
        self.post(&format!("/accounts/{}/keys", segment(account)), request).await
    }

    /// Ends one of the further ones.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn remove_key(&self, account: &str, key: &str) -> Result<ChangeMade, ApiError> {
        self.change(Method::DELETE, &format!("/accounts/{}/keys/{}", segment(account), segment(key))).await
    }
}
