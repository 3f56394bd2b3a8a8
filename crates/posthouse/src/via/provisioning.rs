//! Provisioning.

use jiff::Timestamp;
use posthouse_api::{MAX_PAGE, PageOf, ProvisioningPlan, RevisionView, RollbackRequest};
use posthouse_gateway::admin::provisioning::{diff, revisions, rollback};

use super::{Via, of_verb, told};
impl Via {
    /// A page of the changes of provisioning, the newest first.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn revisions(&self, cursor: Option<u64>, limit: u16) -> anyhow::Result<PageOf<RevisionView>> {
        let (mut all, mut cursor) = (Vec::new(), cursor);
        loop {
            let left = usize::from(limit).saturating_sub(all.len());
            let page_limit = u16::try_from(left).unwrap_or(MAX_PAGE).min(MAX_PAGE);
            let page = match self {
                Self::Gateway(api) => {
                    let cursor = cursor.map(|cursor| cursor.to_string());
                    api.revisions(cursor.as_deref(), page_limit).await.map_err(told)?
                }
                Self::Store(store, _) => revisions::list(&**store, cursor, page_limit.into()).await?,
            };
            all.extend(page.items);
            cursor = page.next.as_deref().and_then(|next| next.parse().ok());
            if cursor.is_none() || all.len() >= usize::from(limit) {
                return Ok(PageOf { items: all, next: cursor.map(|cursor| cursor.to_string()) });
            }
        }
    }

    /// What a revision changed; with `to`, what changed from it to that one.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn revision_diff(&self, number: u64, to: Option<u64>) -> anyhow::Result<ProvisioningPlan> {
        match self {
            Self::Gateway(api) => api.revision_diff(number, to).await.map_err(told),
            Self::Store(store, _) => of_verb(diff::diff(&**store, number, to).await),
        }
    }

    /// Brings provisioning back to what it was at a revision.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn rollback(&self, request: &RollbackRequest) -> anyhow::Result<ProvisioningPlan> {
        match self {
            Self::Gateway(api) => api.rollback(request).await.map_err(told),
            Self::Store(store, by) => {
                of_verb(rollback::rollback(&**store, request, by, Timestamp::now()).await)
            }
        }
    }
}
