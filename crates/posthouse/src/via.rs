//! How a command reaches messages: through the API of a gateway, or through the store itself when no gateway runs on it.

mod audit;
mod connections;
mod inbound;
mod keys;
mod numbers;
mod operations;
mod provisioning;
mod users;

use std::{path::PathBuf, sync::Arc};

use anyhow::bail;
use jiff::Timestamp;
use posthouse_api::{
    AccountQueue, ApiClient, ApiError, CallbackQuery, CallbackTries, CallbackView, CarrierQueue,
    EndpointTested, EndpointView, FoundView, InterveneRequest, Intervened, IssuedToken, MAX_PAGE,
    MessageDetail, MessageQuery, MessageSummary, MessageTotal, MessageView, PageOf, ProblemCode,
    ProblemDetails, RefusalQuery, RefusalView, ResendRequest, ResentBatch, Revoked, TokenRequest, TokenView,
    UnreadableQuery, UnreadableRequest,
};
use posthouse_core::{
    actor::Actor, carrier::CarrierId, provisioning::Snapshot, store::Store, token::MOST_TOKENS,
};
use posthouse_gateway::{
    admin::{VerbError, callbacks, endpoints, find, messages, queues, refusals, tokens, unreadable},
    config::Settings,
};
use posthouse_store::OpenError;

use crate::{
    running,
    target::{GatewayAddress, settings_of, visit},
    who::at_the_files,
};

/// The way to messages. Both ways answer in the same types.
pub enum Via {
    /// By a gateway.
    Gateway(Box<ApiClient>),
    /// By the store itself: no gateway runs on it, or its API cannot be used. And who does it.
    Store(Arc<dyn Store>, Actor),
}

/// The arguments of a command that goes by way of a gateway or of the store.
#[derive(clap::Args)]
pub struct ViaArgs {
    /// The configuration that says where the store is; without one, $POSTHOUSE_CONFIG, ./posthouse.toml, /etc/posthouse/posthouse.toml, else ./posthouse-data
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    #[command(flatten)]
    pub gateway: GatewayAddress,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

impl ViaArgs {
    /// The way that they say.
    ///
    /// # Errors
    /// The configuration cannot be read, or the store cannot be opened.
    pub async fn open(&self) -> anyhow::Result<Via> {
        Via::open(&settings_of(self.config.as_deref())?, &self.gateway).await
    }

    /// Asks for one thing.
    ///
    /// # Errors
    /// As [`open`](Self::open), and what it is answered.
    pub async fn ask<T>(&self, ask: impl AsyncFnOnce(&Via) -> anyhow::Result<T>) -> anyhow::Result<T> {
        let via = self.open().await?;
        let answer = ask(&via).await;
        via.close().await?;
        answer
    }
}

/// What is done to messages that wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Their next attempt is due at once.
    Requeue,
    /// They end as Expired.
    Expire,
}

/// That the store cannot be opened. Of one that is not there, [`crate::complaints`] says what puts it right.
fn unopened(error: OpenError) -> anyhow::Error {
    match error {
        OpenError::Missing(_) => error.into(),
        _ => anyhow::Error::from(error)
            .context("the store cannot be opened; -c says which configuration names it"),
    }
}

impl Via {
    /// The gateway at the URL that was given, the one that runs on the store, or the store.
    ///
    /// # Errors
    /// The store cannot be opened.
    pub async fn open(settings: &Settings, gateway: &GatewayAddress) -> anyhow::Result<Self> {
        if let Some(url) = &gateway.url {
            return Ok(Self::Gateway(Box::new(running::api_at(url, settings, gateway)?)));
        }
        if let Some(api) = running::api(settings, gateway).await? {
            return Ok(Self::Gateway(Box::new(api)));
        }
        let opened = visit(settings, false).await;
        let store = opened.map_err(unopened)?;
        Ok(Self::Store(store, at_the_files(gateway)))
    }

    /// A page of the messages that match.
    ///
    /// # Errors
    /// What the gateway or the store says; so it is with all that follow.
    pub async fn messages(
        &self,
        query: &MessageQuery,
        cursor: Option<String>,
        limit: u16,
    ) -> anyhow::Result<PageOf<MessageView>> {
        let api = match self {
            Self::Store(store, _) => {
                of_verb(messages::provisioned_in(&**store, query).await)?;
                return of_verb(messages::list::find(&**store, query, cursor.as_deref(), limit).await);
            }
            Self::Gateway(api) => api,
        };
        let ask = async |cursor: Option<&str>, limit| {
            as_allowed(async |reveal| api.messages(query, cursor, limit, reveal).await).await
        };
        paged(limit, cursor, ask).await
    }

    /// Everything that has this id or number.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn find(&self, q: &str, settings: &Settings, now: Timestamp) -> anyhow::Result<FoundView> {
        match self {
            Self::Gateway(api) => api.find(q, true).await.map_err(told),
            Self::Store(store, _) => {
                of_verb(find::find(&**store, q, true, settings.retention.messages, now).await)
            }
        }
    }

    /// How many messages match.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn count(&self, query: &MessageQuery, now: Timestamp) -> anyhow::Result<MessageTotal> {
        match self {
            Self::Gateway(api) => api.count(query).await.map_err(told),
            Self::Store(store, _) => {
                of_verb(messages::provisioned_in(&**store, query).await)?;
                of_verb(messages::count::count(&**store, query.clone(), now).await)
            }
        }
    }

    /// How many messages match, told apart.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn summary(
        &self,
        query: &MessageQuery,
        by: &[String],
        now: Timestamp,
    ) -> anyhow::Result<MessageSummary> {
        match self {
            Self::Gateway(api) => api.summary(query, by).await.map_err(told),
            Self::Store(store, _) => {
                of_verb(messages::provisioned_in(&**store, query).await)?;
                of_verb(messages::summary::summary(&**store, query.clone(), by, now).await)
            }
        }
    }

    /// A message and its timeline; `None` where there is no such message.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn message(&self, id: &str, now: Timestamp) -> anyhow::Result<Option<MessageDetail>> {
        match self {
            Self::Gateway(api) => found(as_allowed(async |reveal| api.message(id, reveal).await).await),
            Self::Store(store, _) => match id.parse() {
                Ok(id) => found_in(messages::get::get(&**store, id, now, true).await),
                Err(_) => Ok(None),
            },
        }
    }

    /// Does it to a batch of messages.
    ///
    /// # Errors
    /// What the gateway or the store says, or that a message is not there that was named.
    pub async fn intervene(&self, verb: Verb, request: &InterveneRequest) -> anyhow::Result<Intervened> {
        let now = Timestamp::now();
        if let (Self::Store(store, _), Some(filter)) = (self, &request.filter) {
            of_verb(messages::provisioned_in(&**store, filter).await)?;
        }
        let done = match (self, verb) {
            (Self::Gateway(api), Verb::Requeue) => api.requeue(request).await.map_err(told),
            (Self::Gateway(api), Verb::Expire) => api.expire(request).await.map_err(told),
            (Self::Store(store, by), Verb::Requeue) => {
                of_verb(messages::requeue::requeue(&**store, request, by, now).await)
            }
            (Self::Store(store, by), Verb::Expire) => {
                of_verb(messages::expire::expire(&**store, request, by, now).await)
            }
        };
        match done {
            Err(error) => match error.downcast_ref::<ProblemDetails>() {
                Some(problem) if problem.is(ProblemCode::NotFound) => {
                    let detail = problem.detail.as_deref().unwrap_or("there is no such message");
                    bail!("{detail}; `posthouse messages list` shows those there are")
                }
                _ => Err(error),
            },
            done => done,
        }
    }

    /// Makes a batch of failed reports due again.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn resend_reports(&self, request: &ResendRequest) -> anyhow::Result<ResentBatch> {
        match self {
            Self::Gateway(api) => api.resend_reports(request).await.map_err(told),
            Self::Store(store, by) => {
                let named = MessageQuery {
                    account: request.account.clone(),
                    carrier: request.carrier.clone(),
                    unprovisioned: request.unprovisioned,
                    ..MessageQuery::default()
                };
                of_verb(messages::provisioned_in(&**store, &named).await)?;
                of_verb(
                    messages::resend_reports::resend_reports(&**store, request, by, Timestamp::now()).await,
                )
            }
        }
    }

    /// A page of the refusals that match.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn refusals(
        &self,
        query: &RefusalQuery,
        cursor: Option<String>,
        limit: u16,
    ) -> anyhow::Result<PageOf<RefusalView>> {
        match self {
            Self::Gateway(api) => {
                let ask = async |cursor: Option<&str>, limit| api.refusals(query, cursor, limit).await;
                paged(limit, cursor, ask).await
            }
            Self::Store(store, _) => {
                let (cursor, limit) = (cursor.as_deref(), limit.into());
                of_verb(refusals::list::find_provisioned(&**store, query, cursor, limit).await)
            }
        }
    }

    /// One of them; `None` where there is none with this id.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn refusal(&self, id: &str) -> anyhow::Result<Option<RefusalView>> {
        match self {
            Self::Gateway(api) => found(api.refusal(id).await),
            Self::Store(store, _) => found_in(refusals::get::get(&**store, id).await),
        }
    }

    /// What carriers posted and could not be read; `None` where the carrier that is asked for is not provisioned.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn unreadable(
        &self,
        carrier: Option<&str>,
        below: Option<i64>,
        limit: u16,
    ) -> anyhow::Result<Option<Vec<UnreadableRequest>>> {
        match self {
            Self::Gateway(api) => unreadable_at(api, carrier, below, limit).await,
            Self::Store(store, _) => {
                let carrier = carrier.map(|id| CarrierId(id.to_owned()));
                if let Some(carrier) = &carrier {
                    let known = store.provisioning().await?.carriers;
                    if !known.iter().any(|known| known.id == *carrier) {
                        return Ok(None);
                    }
                }
                let page = unreadable::list::list(&**store, carrier.as_ref(), below, limit.into()).await?;
                Ok(Some(page.items))
            }
        }
    }

    /// One of them; `None` where there is none of this number.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn unreadable_request(&self, number: i64) -> anyhow::Result<Option<UnreadableRequest>> {
        match self {
            Self::Gateway(api) => found(api.unreadable_request(number).await),
            Self::Store(store, _) => found_in(unreadable::get::get(&**store, number).await),
        }
    }

    /// How much waits for each carrier.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn carrier_queues(&self) -> anyhow::Result<Vec<CarrierQueue>> {
        Ok(match self {
            Self::Gateway(api) => api.queues().await.map_err(told)?.items,
            Self::Store(store, _) => queues::list::of_carriers(&**store, Timestamp::now()).await?.items,
        })
    }

    /// How much waits of each account.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn account_queues(&self) -> anyhow::Result<Vec<AccountQueue>> {
        Ok(match self {
            Self::Gateway(api) => api.account_queues().await.map_err(told)?.items,
            Self::Store(store, _) => queues::list::of_accounts(&**store, Timestamp::now()).await?.items,
        })
    }

    /// A page of the callbacks that are owed or were kept as failed.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn callbacks(
        &self,
        query: &CallbackQuery,
        cursor: Option<String>,
        limit: u16,
    ) -> anyhow::Result<PageOf<CallbackView>> {
        match self {
            Self::Gateway(api) => {
                paged(limit, cursor, async |cursor, limit| api.callbacks(query, cursor, limit).await).await
            }
            Self::Store(store, _) => {
                let (account, carrier) = (query.account.as_deref(), query.carrier.as_deref());
                if !query.unprovisioned {
                    messages::selection::provisioned(&snapshot(&**store).await?, account, carrier)?;
                }
                let now = Timestamp::now();
                of_verb(callbacks::list::find(&**store, query, cursor.as_deref(), limit, now).await)
            }
        }
    }

    /// A callback; `None` where there is none of this id that is owed or has failed.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn callback(&self, id: &str) -> anyhow::Result<Option<CallbackView>> {
        match self {
            Self::Gateway(api) => found(api.callback(id).await),
            Self::Store(store, _) => found_in(callbacks::get::get(&**store, id, Timestamp::now()).await),
        }
    }

    /// The tries of a callback; `None` where there is neither one of them nor a callback of this id.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn callback_tries(&self, id: &str) -> anyhow::Result<Option<CallbackTries>> {
        match self {
            Self::Gateway(api) => found(api.callback_tries(id).await),
            Self::Store(store, _) => found_in(callbacks::attempts::attempts(&**store, id).await),
        }
    }

    /// Makes a callback due at once; or says why not.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn resend_callback(
        &self,
        id: &str,
    ) -> anyhow::Result<Result<CallbackView, Box<ProblemDetails>>> {
        let done = match self {
            Self::Gateway(api) => api.resend_callback(id).await.map_err(told),
            Self::Store(store, by) => {
                of_verb(callbacks::resend::resend(&**store, id, by, Timestamp::now()).await)
            }
        };
        let is_left_alone = |problem: &ProblemDetails| {
            problem.is(ProblemCode::LeftAlone) || problem.is(ProblemCode::NotFound)
        };
        match done {
            Ok(callback) => Ok(Ok(callback)),
            Err(error) => error.downcast::<ProblemDetails>().and_then(|problem| {
                if is_left_alone(&problem) { Ok(Err(Box::new(problem))) } else { Err(problem.into()) }
            }),
        }
    }

    /// The accounts' endpoints, or this account's.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn endpoints(&self, account: Option<&str>) -> anyhow::Result<Vec<EndpointView>> {
        match self {
            Self::Gateway(api) => {
                let ask = async |cursor: Option<&str>, limit| api.endpoints(account, cursor, limit).await;
                Ok(paged(u16::MAX, None, ask).await?.items)
            }
            Self::Store(store, _) => {
                let snapshot = snapshot(&**store).await?;
                messages::selection::provisioned(&snapshot, account, None)?;
                Ok(endpoints::list::list(&**store, &snapshot, account, None, usize::from(u16::MAX))
                    .await?
                    .items)
            }
        }
    }

    /// Holds back what is owed to an account.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn pause_endpoint(&self, account: &str) -> anyhow::Result<EndpointView> {
        match self {
            Self::Gateway(api) => api.pause_endpoint(account).await.map_err(told),
            Self::Store(store, by) => {
                let snapshot = snapshot(&**store).await?;
                of_verb(endpoints::pause::pause(&**store, &snapshot, account, by, Timestamp::now()).await)
            }
        }
    }

    /// Ends a pause.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn resume_endpoint(&self, account: &str) -> anyhow::Result<EndpointView> {
        match self {
            Self::Gateway(api) => api.resume_endpoint(account).await.map_err(told),
            Self::Store(store, by) => {
                let (snapshot, now) = (snapshot(&**store).await?, Timestamp::now());
                of_verb(endpoints::resume::resume(&**store, &snapshot, account, by, now).await)
            }
        }
    }

    /// Sees what an account's endpoint answers.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn test_endpoint(&self, account: &str) -> anyhow::Result<EndpointTested> {
        match self {
            Self::Gateway(api) => api.test_endpoint(account).await.map_err(told),
            Self::Store(store, _) => {
                let snapshot = snapshot(&**store).await?;
                Ok(endpoints::test::test(&snapshot, account, Timestamp::now()).await?)
            }
        }
    }

    /// The tokens of principals, by id.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn tokens(&self) -> anyhow::Result<Vec<TokenView>> {
        let (mut all, mut after): (Vec<TokenView>, Option<String>) = (Vec::new(), None);
        loop {
            let page = match self {
                Self::Gateway(api) => api.tokens(after.as_deref(), MAX_PAGE).await.map_err(told)?,
                Self::Store(store, _) => {
                    tokens::list::list(&**store, after.as_deref(), MAX_PAGE.into()).await?
                }
            };
            all.extend(page.items);
            after = page.next;
            if after.is_none() || all.len() >= MOST_TOKENS {
                return Ok(all);
            }
        }
    }

    /// Makes a token for a principal.
    ///
    /// # Errors
    /// What the gateway or the store says.
    pub async fn add_token(&self, request: &TokenRequest) -> anyhow::Result<IssuedToken> {
        match self {
            Self::Gateway(api) => api.add_token(request).await.map_err(told),
            Self::Store(store, by) => {
                of_verb(tokens::add::add(&**store, request, by, Timestamp::now()).await)
            }
        }
    }

    /// Ends a token.
    ///
    /// # Errors
    /// There is none of this id, or what the gateway or the store says.
    pub async fn revoke_token(&self, id: &str) -> anyhow::Result<Revoked> {
        match self {
            Self::Gateway(api) => api.revoke_token(id).await.map_err(told),
            Self::Store(store, by) => {
                of_verb(tokens::revoke::revoke(&**store, id, by, Timestamp::now()).await)
            }
        }
    }

    /// Ends it.
    ///
    /// # Errors
    /// What the store says.
    pub async fn close(self) -> anyhow::Result<()> {
        match self {
            Self::Gateway(_) => Ok(()),
            Self::Store(store, _) => Ok(store.close().await?),
        }
    }
}

/// What is provisioned on a store.
async fn snapshot(store: &dyn Store) -> anyhow::Result<Snapshot> {
    Ok(Snapshot::new(store.provisioning().await?))
}

/// As many pages of a gateway's as it takes for `limit` things.
async fn paged<T>(
    limit: u16,
    cursor: Option<String>,
    ask: impl AsyncFn(Option<&str>, u16) -> Result<PageOf<T>, ApiError>,
) -> anyhow::Result<PageOf<T>> {
    let mut whole = PageOf { items: Vec::new(), next: cursor };
    loop {
        let left = usize::from(limit).saturating_sub(whole.items.len());
        let page_limit = u16::try_from(left).unwrap_or(MAX_PAGE).min(MAX_PAGE);
        let page = ask(whole.next.as_deref(), page_limit).await.map_err(told)?;
        whole.items.extend(page.items);
        whole.next = page.next;
        if whole.next.is_none() || whole.items.len() >= usize::from(limit) {
            return Ok(whole);
        }
    }
}

async fn unreadable_at(
    api: &ApiClient,
    carrier: Option<&str>,
    below: Option<i64>,
    limit: u16,
) -> anyhow::Result<Option<Vec<UnreadableRequest>>> {
    let (mut all, mut cursor) = (Vec::new(), below.map(|number| number.to_string()));
    loop {
        let left = usize::from(limit).saturating_sub(all.len());
        let page_limit = u16::try_from(left).unwrap_or(MAX_PAGE).min(MAX_PAGE);
        let carrier = carrier.map(str::to_owned);
        let page = api.unreadable(&UnreadableQuery { carrier, cursor, limit: Some(page_limit) }).await;
        let page = match page {
            Err(ApiError::Refused(problem)) if problem.is(ProblemCode::NotProvisioned) => return Ok(None),
            page => page?,
        };
        all.extend(page.items);
        cursor = page.next;
        if cursor.is_none() || all.len() >= usize::from(limit) {
            return Ok(Some(all));
        }
    }
}

/// With whole numbers; with masked ones, where the caller may not see them whole.
async fn as_allowed<T>(ask: impl AsyncFn(bool) -> Result<T, ApiError>) -> Result<T, ApiError> {
    match ask(true).await {
        Err(ApiError::Refused(problem)) if problem.right.as_deref() == Some("reveal") => ask(false).await,
        answer => answer,
    }
}

/// What was asked for, where it is there.
fn found<T>(asked: Result<T, ApiError>) -> anyhow::Result<Option<T>> {
    match asked {
        Ok(found) => Ok(Some(found)),
        Err(ApiError::Refused(problem)) if problem.is(ProblemCode::NotFound) => Ok(None),
        Err(error) => Err(told(error)),
    }
}

fn found_in<T>(asked: Result<T, VerbError>) -> anyhow::Result<Option<T>> {
    match asked {
        Ok(found) => Ok(Some(found)),
        Err(VerbError::Refused(problem)) if problem.is(ProblemCode::NotFound) => Ok(None),
        Err(error) => of_verb(Err(error)),
    }
}

/// The problem that a gateway told, or what went wrong on the way to it.
fn told(error: ApiError) -> anyhow::Error {
    match error {
        ApiError::Refused(problem) => anyhow::Error::new(*problem),
        error => error.into(),
    }
}

fn of_verb<T>(done: Result<T, VerbError>) -> anyhow::Result<T> {
    done.map_err(|error| match error {
        VerbError::Refused(problem) => problem.into(),
        VerbError::Store(error) => error.into(),
    })
}
