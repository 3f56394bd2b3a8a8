//! Operations in bulk.

use jiff::Timestamp;
use posthouse_api::{
    MessageView, OperationItemView, OperationRequest, OperationView, PageOf, RerouteRequest, StartRequest,
};
use posthouse_gateway::admin::{
    messages::{self, selection},
    operations,
};

use super::{Via, found, found_in, of_verb, paged, snapshot, told};

impl Via {
    /// A page of operations, the newest first.
    ///
    /// # Errors
    /// What the gateway or the store says; so it is with all that follow.
    pub async fn operations(
        &self,
        cursor: Option<String>,
        limit: u16,
    ) -> anyhow::Result<PageOf<OperationView>> {
        match self {
            Self::Gateway(api) => {
                paged(limit, cursor, async |cursor, limit| api.operations(cursor, limit).await).await
            }
            Self::Store(store, _) => {
                let below =
                    cursor.as_deref().map(selection::cursor).transpose().map_err(anyhow::Error::msg)?;
                Ok(operations::list::list(&**store, below, limit.into()).await?)
            }
        }
    }

    /// An operation; `None` where there is none of this id.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn operation(&self, id: &str) -> anyhow::Result<Option<OperationView>> {
        match self {
            Self::Gateway(api) => found(api.operation(id).await),
            Self::Store(store, _) => found_in(operations::get::get(&**store, id).await),
        }
    }

    /// What came of each message of an operation, the newest first.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn operation_items(&self, id: &str) -> anyhow::Result<Vec<OperationItemView>> {
        let mut all = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let page = match self {
                Self::Gateway(api) => {
                    api.operation_items(id, cursor.as_deref(), posthouse_api::MAX_PAGE).await.map_err(told)?
                }
                Self::Store(store, _) => {
                    let below =
                        cursor.as_deref().map(selection::cursor).transpose().map_err(anyhow::Error::msg)?;
                    of_verb(operations::items::items(&**store, id, below, 1000).await)?
                }
            };
            all.extend(page.items);
            cursor = page.next;
            if cursor.is_none() {
                return Ok(all);
            }
        }
    }

    /// Sends one message elsewhere, or says whether that would be done: it as it was before.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn reroute(&self, id: &str, request: &RerouteRequest) -> anyhow::Result<MessageView> {
        match self {
            Self::Gateway(api) => api.reroute(id, request).await.map_err(told),
            Self::Store(store, by) => {
                let (id, snapshot) = (id.parse()?, snapshot(&**store).await?);
                let now = Timestamp::now();
                of_verb(messages::reroute::reroute(&**store, &snapshot, id, request, by, now).await)
            }
        }
    }

    /// Plans an operation.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn plan_operation(&self, request: &OperationRequest) -> anyhow::Result<OperationView> {
        match self {
            Self::Gateway(api) => api.plan_operation(request).await.map_err(told),
            Self::Store(store, by) => {
                let (snapshot, now) = (snapshot(&**store).await?, Timestamp::now());
                of_verb(operations::plan::plan(&**store, &snapshot, request, by, now).await)
            }
        }
    }

    /// Starts one that is about so many messages.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn start_operation(&self, id: &str, expect_count: u64) -> anyhow::Result<OperationView> {
        let request = StartRequest { expect_count: Some(expect_count) };
        match self {
            Self::Gateway(api) => api.start_operation(id, &request).await.map_err(told),
            Self::Store(store, by) => {
                of_verb(operations::start::start(&**store, id, &request, by, Timestamp::now()).await)
            }
        }
    }

    /// Cancels one.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn cancel_operation(&self, id: &str) -> anyhow::Result<OperationView> {
        match self {
            Self::Gateway(api) => api.cancel_operation(id).await.map_err(told),
            Self::Store(store, by) => {
                of_verb(operations::cancel::cancel(&**store, id, by, Timestamp::now()).await)
            }
        }
    }
}
