//! Verbs that change one thing that is provisioned.

use http::Method;

use super::{ApiClient, ApiError, Nothing, segment};
use crate::{BASE, ChangeMade};

impl ApiClient {
    /// Lets an account send no more, or again.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn set_enabled(&self, account: &str, enabled: bool) -> Result<ChangeMade, ApiError> {
        let verb = if enabled { "enable" } else { "disable" };
        self.post(&format!("/accounts/{}/{verb}", segment(account)), &Nothing {}).await
    }

    /// Lets a service send under one more address, or under one less.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn set_sender(
        &self,
        account: &str,
        vasid: &str,
        sender: &str,
        may: bool,
    ) -> Result<ChangeMade, ApiError> {
        let method = if may { Method::PUT } else { Method::DELETE };
        let (account, vasid, sender) = (segment(account), segment(vasid), segment(sender));
        self.change(method, &format!("/accounts/{account}/services/{vasid}/senders/{sender}")).await
    }

    /// Blocks a number, or unblocks it: for an account, or for every account.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn set_blocked(
        &self,
        number: &str,
        account: Option<&str>,
        blocked: bool,
    ) -> Result<ChangeMade, ApiError> {
        let method = if blocked { Method::PUT } else { Method::DELETE };
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(account.map(|account| ("account", account)));
        let query = query.finish();
        let separator = if query.is_empty() { "" } else { "?" };
        self.change(method, &format!("/blacklist/{}{separator}{query}", segment(number))).await
    }

    pub(super) async fn change(&self, method: Method, path: &str) -> Result<ChangeMade, ApiError> {
        let answer = self.exchange(method, &format!("{BASE}{path}"), None).await?;
        self.read(path, &answer)
    }
}
