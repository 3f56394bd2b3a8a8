//! Who changed what.

use posthouse_api::{AuditQuery, AuditRow, PageOf};
use posthouse_gateway::admin::audit;

use super::{Via, as_allowed, of_verb, paged};

impl Via {
    /// A page of what was done, the newest first; with whole numbers, where the caller may see them.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn audit(&self, query: &AuditQuery, limit: u16) -> anyhow::Result<PageOf<AuditRow>> {
        match self {
            Self::Gateway(api) => {
                let ask = async |cursor: Option<&str>, limit| {
                    let query = AuditQuery { cursor: cursor.map(str::to_owned), ..query.clone() };
                    as_allowed(async |reveal| api.audit(&query, limit, reveal).await).await
                };
                paged(limit, query.cursor.clone(), ask).await
            }
            Self::Store(store, _) => of_verb(audit::list::list(&**store, query, limit.into(), true).await),
        }
    }
}
