//! A client for the API: HTTP/1.1, with a deadline for each answer and a limit for its length.

mod captures;
mod connections;
mod keys;
mod numbers;
mod process;
mod users;
mod verbs;

use std::{error::Error, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Response, Uri, header};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use rustls::ClientConfig;
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::{Instant, sleep, timeout};

use crate::{
    AccountQueue, AccountView, AuditQuery, AuditRow, BASE, BlacklistEntry, CallbackQuery, CallbackTries,
    CallbackView, CarrierQueue, CarrierView, EndpointTested, EndpointView, ForNobodyView, FoundView,
    IDEMPOTENCY_HEADER, InterveneRequest, Intervened, IssuedToken, LookupView, MessageDetail, MessageQuery,
    MessageSummary, MessageTotal, MessageView, MoQuery, MoView, NodeView, OperationItemView,
    OperationRequest, OperationView, PageOf, ProblemCode, ProblemDetails, ProvisioningPlan,
    ProvisioningRequest, REASON_HEADER, RefusalQuery, RefusalView, RerouteRequest, ResendRequest,
    ResentBatch, ResubmitRequest, Resubmitted, RevisionView, Revoked, RollbackRequest, ServiceView,
    StartRequest, TokenRequest, TokenView, USER_HEADER, UnmatchedQuery, UnmatchedView, UnreadableQuery,
    UnreadableRequest, VersionView,
};

/// The longest answer that is taken, in bytes: a plan lists everything that is provisioned.
const MAX_ANSWER_BYTES: usize = 64 << 20;
/// How long a connection is kept that is not used.
const IDLE: Duration = Duration::from_secs(20);
/// How long is waited before a change is asked for again whose answer was lost.
const ASKED_AGAIN_AFTER: Duration = Duration::from_millis(250);
/// The media type of bodies.
const JSON: &str = "application/json";

/// Why a request brought nothing that could be used.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The URL is not one that can be called.
    #[error(
        "{url} cannot be called: a URL has the form http://host:port, and https:// only where TLS is set up"
    )]
    Url {
        /// The URL as it was given.
        url: String,
    },
    /// No connection could be made; nothing was done.
    #[error("no connection to {url}")]
    Connect {
        /// The URL.
        url: String,
        /// What the system, or TLS, says.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The connection broke, or what came back is no HTTP. Whether anything was done is unknown.
    #[error("the connection to {url} broke before the answer was complete")]
    Broken {
        /// The URL.
        url: String,
        /// What broke.
        source: Box<dyn Error + Send + Sync>,
    },
    /// No whole answer came in time. Whether anything was done is unknown.
    #[error("no answer from {url} within {after:?}")]
    TimedOut {
        /// The URL.
        url: String,
        /// How long was waited.
        after: Duration,
    },
    /// The answer is longer than is taken.
    #[error("the answer of {url} is longer than {limit} bytes")]
    TooLong {
        /// The URL.
        url: String,
        /// The limit, in bytes.
        limit: usize,
    },
    /// The gateway refused it, and says why; nothing was done.
    #[error(transparent)]
    Refused(Box<ProblemDetails>),
    /// What answers is not this API, or another version of it.
    #[error(
        "{url} answers HTTP {status} without what this API says; is it the admin door of a Posthouse gateway?"
    )]
    Unexpected {
        /// The URL.
        url: String,
        /// The HTTP status.
        status: u16,
    },
}

impl ApiError {
    /// The problem that the gateway told, if it did.
    pub fn problem(&self) -> Option<&ProblemDetails> {
        if let Self::Refused(problem) = self { Some(problem) } else { None }
    }
}

/// A client of one gateway's admin door, with a pool of connections; cloning it shares the pool.
#[derive(Clone)]
pub struct ApiClient {
    url: String,
    token: Option<HeaderValue>,
    /// Further headers of each request.
    says: Vec<(HeaderName, HeaderValue)>,
    pool: legacy::Client<HttpConnector, Full<Bytes>>,
    /// For an `https` URL.
    secure: Option<legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>>,
    timeout: Duration,
}

impl ApiClient {
    /// A client of the admin door at this URL, such as `http://127.0.0.1:8080`, that waits `timeout` for a whole answer, connecting
    /// included. It shows no token.
    pub fn new(url: &str, timeout: Duration) -> Self {
        let pool = builder().build(connector(timeout));
        Self {
            url: url.trim_end_matches('/').to_owned(),
            token: None,
            says: Vec::new(),
            pool,
            secure: None,
            timeout,
        }
    }

    /// The same, which shows this token. A text that cannot stand in a header is no token, and is not shown.
    #[must_use]
    pub fn with_token(self, token: &str) -> Self {
        let header = HeaderValue::from_str(&format!("Bearer {token}")).ok();
        let token = header.map(|mut header| {
            header.set_sensitive(true);
            header
        });
        Self { token, ..self }
    }

    /// The same, which says why it asks, and which user of the machine asks. What cannot stand in a header is not said.
    #[must_use]
    pub fn saying(mut self, reason: Option<&str>, user: Option<&str>) -> Self {
        for (name, text) in [(REASON_HEADER, reason), (USER_HEADER, user)] {
            let value = text.and_then(|text| HeaderValue::from_bytes(text.as_bytes()).ok());
            self.says.extend(value.map(|value| (HeaderName::from_static(name), value)));
        }
        self
    }

    /// The same, which calls an `https` URL over this TLS.
    #[must_use]
    pub fn with_tls(mut self, config: Arc<ClientConfig>) -> Self {
        let mut connector = connector(self.timeout);
        connector.enforce_http(false);
        self.secure = Some(builder().build(HttpsConnector::from((connector, config))));
        self
    }

    /// The same with another deadline for each answer.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// The URL of the admin door.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Gets a path of the admin door, such as `/readyz`, whatever the status of its answer.
    ///
    /// # Errors
    /// All but [`ApiError::Refused`] and [`ApiError::Unexpected`].
    pub async fn get_raw(&self, path: &str) -> Result<Response<Bytes>, ApiError> {
        self.exchange(Method::GET, path, None).await
    }

    /// Which gateway answers.
    ///
    /// # Errors
    /// Every [`ApiError`]; so do all that follow.
    pub async fn version(&self) -> Result<VersionView, ApiError> {
        self.get("/version", &[]).await
    }

    /// A page of the messages that match, the newest first.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn messages(
        &self,
        query: &MessageQuery,
        cursor: Option<&str>,
        limit: u16,
        reveal: bool,
    ) -> Result<PageOf<MessageView>, ApiError> {
        let mut parameters = query.parameters();
        parameters.push(("limit", limit.to_string()));
        parameters.extend(cursor.map(|cursor| ("cursor", cursor.to_owned())));
        parameters.extend(reveal.then(|| ("reveal", "true".to_owned())));
        self.get("/messages", &parameters).await
    }

    /// Everything that has this id or number.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn find(&self, q: &str, reveal: bool) -> Result<FoundView, ApiError> {
        let mut parameters = vec![("q", q.to_owned())];
        parameters.extend(reveal.then(|| ("reveal", "true".to_owned())));
        self.get("/find", &parameters).await
    }

    /// How many messages match.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn count(&self, query: &MessageQuery) -> Result<MessageTotal, ApiError> {
        self.get("/messages/count", &query.parameters()).await
    }

    /// How many messages match, told apart by `state`, `carrier`, `code` and `account`, or some of them.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn summary(&self, query: &MessageQuery, by: &[String]) -> Result<MessageSummary, ApiError> {
        let mut parameters = query.parameters();
        parameters.push(("by", by.join(",")));
        self.get("/messages/summary", &parameters).await
    }

    /// A message and its timeline.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn message(&self, id: &str, reveal: bool) -> Result<MessageDetail, ApiError> {
        let reveal = reveal.then(|| ("reveal", "true".to_owned()));
        self.get(&format!("/messages/{}", segment(id)), reveal.as_slice()).await
    }

    /// Makes the next attempt of a batch of messages due.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn requeue(&self, request: &InterveneRequest) -> Result<Intervened, ApiError> {
        self.post("/messages/requeue", request).await
    }

    /// Ends a batch of messages as Expired.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn expire(&self, request: &InterveneRequest) -> Result<Intervened, ApiError> {
        self.post("/messages/expire", request).await
    }

    /// Makes a batch of failed reports due again.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn resend_reports(&self, request: &ResendRequest) -> Result<ResentBatch, ApiError> {
        self.post("/messages/resend-reports", request).await
    }

    /// A page of the callbacks that are owed or were kept as failed, the newest first.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn callbacks(
        &self,
        query: &CallbackQuery,
        cursor: Option<&str>,
        limit: u16,
    ) -> Result<PageOf<CallbackView>, ApiError> {
        let mut parameters = query.parameters();
        parameters.push(("limit", limit.to_string()));
        parameters.extend(cursor.map(|cursor| ("cursor", cursor.to_owned())));
        self.get("/callbacks", &parameters).await
    }

    /// A callback that is owed or was kept as failed.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn callback(&self, id: &str) -> Result<CallbackView, ApiError> {
        self.get(&format!("/callbacks/{}", segment(id)), &[]).await
    }

    /// How the newest tries to deliver a callback ended.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn callback_tries(&self, id: &str) -> Result<CallbackTries, ApiError> {
        self.get(&format!("/callbacks/{}/attempts", segment(id)), &[]).await
    }

    /// Makes a callback due at once.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn resend_callback(&self, id: &str) -> Result<CallbackView, ApiError> {
        self.post(&format!("/callbacks/{}/resend", segment(id)), &Nothing {}).await
    }

    /// A page of the accounts' endpoints, by name.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn endpoints(
        &self,
        account: Option<&str>,
        cursor: Option<&str>,
        limit: u16,
    ) -> Result<PageOf<EndpointView>, ApiError> {
        let mut parameters = vec![("limit", limit.to_string())];
        parameters.extend(account.map(|account| ("account", account.to_owned())));
        parameters.extend(cursor.map(|cursor| ("cursor", cursor.to_owned())));
        self.get("/endpoints", &parameters).await
    }

    /// Holds back what is owed to an account, for the reason that the client [gives](Self::saying).
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn pause_endpoint(&self, account: &str) -> Result<EndpointView, ApiError> {
        self.post(&format!("/endpoints/{}/pause", segment(account)), &Nothing {}).await
    }

    /// Ends a pause.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn resume_endpoint(&self, account: &str) -> Result<EndpointView, ApiError> {
        self.post(&format!("/endpoints/{}/resume", segment(account)), &Nothing {}).await
    }

    /// Sees what an account's endpoint answers.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn test_endpoint(&self, account: &str) -> Result<EndpointTested, ApiError> {
        self.post(&format!("/endpoints/{}/test", segment(account)), &Nothing {}).await
    }

    /// A page of operations, the newest first.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn operations(
        &self,
        cursor: Option<&str>,
        limit: u16,
    ) -> Result<PageOf<OperationView>, ApiError> {
        let mut parameters = vec![("limit", limit.to_string())];
        parameters.extend(cursor.map(|cursor| ("cursor", cursor.to_owned())));
        self.get("/operations", &parameters).await
    }

    /// An operation.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn operation(&self, id: &str) -> Result<OperationView, ApiError> {
        self.get(&format!("/operations/{}", segment(id)), &[]).await
    }

    /// A page of what came of an operation's messages, the newest first.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn operation_items(
        &self,
        id: &str,
        cursor: Option<&str>,
        limit: u16,
    ) -> Result<PageOf<OperationItemView>, ApiError> {
        let mut parameters = vec![("limit", limit.to_string())];
        parameters.extend(cursor.map(|cursor| ("cursor", cursor.to_owned())));
        self.get(&format!("/operations/{}/items", segment(id)), &parameters).await
    }

    /// Plans an operation.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn plan_operation(&self, request: &OperationRequest) -> Result<OperationView, ApiError> {
        self.post("/operations", request).await
    }

    /// Starts one.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn start_operation(&self, id: &str, request: &StartRequest) -> Result<OperationView, ApiError> {
        self.post(&format!("/operations/{}/start", segment(id)), request).await
    }

    /// Cancels one.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn cancel_operation(&self, id: &str) -> Result<OperationView, ApiError> {
        self.post(&format!("/operations/{}/cancel", segment(id)), &Nothing {}).await
    }

    /// Sends a message that has ended again, as a new one.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn resubmit(&self, id: &str, request: &ResubmitRequest) -> Result<Resubmitted, ApiError> {
        self.post(&format!("/messages/{}/resubmit", segment(id)), request).await
    }

    /// Sends a message that waits to another carrier, or over another connection.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn reroute(&self, id: &str, request: &RerouteRequest) -> Result<MessageView, ApiError> {
        self.post(&format!("/messages/{}/reroute", segment(id)), request).await
    }

    /// A page of the messages from handsets that match, the newest first; numbers are masked.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn mos(
        &self,
        query: &MoQuery,
        cursor: Option<&str>,
        limit: u16,
    ) -> Result<PageOf<MoView>, ApiError> {
        let mut parameters = query.parameters();
        parameters.push(("limit", limit.to_string()));
        parameters.extend(cursor.map(|cursor| ("cursor", cursor.to_owned())));
        self.get("/mo", &parameters).await
    }

    /// A message from a handset.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn mo(&self, id: &str, reveal: bool) -> Result<MoView, ApiError> {
        let reveal = reveal.then(|| ("reveal", "true".to_owned()));
        self.get(&format!("/mo/{}", segment(id)), reveal.as_slice()).await
    }

    /// Makes a message from a handset owed once more.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn resend_mo(&self, id: &str) -> Result<MoView, ApiError> {
        self.post(&format!("/mo/{}/resend", segment(id)), &Nothing {}).await
    }

    /// A page of the messages from handsets that were for nobody, the newest first; numbers are masked.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn for_nobody(
        &self,
        carrier: Option<&str>,
        cursor: Option<&str>,
        limit: u16,
    ) -> Result<PageOf<ForNobodyView>, ApiError> {
        let mut parameters = vec![("limit", limit.to_string())];
        parameters.extend(carrier.map(|carrier| ("carrier", carrier.to_owned())));
        parameters.extend(cursor.map(|cursor| ("cursor", cursor.to_owned())));
        self.get("/mo/for-nobody", &parameters).await
    }

    /// A page of the reports whose message is not known, the newest first; numbers are masked.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn unmatched(
        &self,
        query: &UnmatchedQuery,
        cursor: Option<&str>,
        limit: u16,
    ) -> Result<PageOf<UnmatchedView>, ApiError> {
        let mut parameters = query.parameters();
        parameters.push(("limit", limit.to_string()));
        parameters.extend(cursor.map(|cursor| ("cursor", cursor.to_owned())));
        self.get("/unmatched-reports", &parameters).await
    }

    /// A report whose message is not known.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn unmatched_report(&self, number: i64, reveal: bool) -> Result<UnmatchedView, ApiError> {
        let reveal = reveal.then(|| ("reveal", "true".to_owned()));
        self.get(&format!("/unmatched-reports/{number}"), reveal.as_slice()).await
    }

    /// A page of the refusals that match, the newest first.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn refusals(
        &self,
        query: &RefusalQuery,
        cursor: Option<&str>,
        limit: u16,
    ) -> Result<PageOf<RefusalView>, ApiError> {
        let mut parameters = query.parameters();
        parameters.push(("limit", limit.to_string()));
        parameters.extend(cursor.map(|cursor| ("cursor", cursor.to_owned())));
        self.get("/refusals", &parameters).await
    }

    /// One refusal, with the head of its request.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn refusal(&self, id: &str) -> Result<RefusalView, ApiError> {
        self.get(&format!("/refusals/{}", segment(id)), &[]).await
    }

    /// A page of the requests of carriers that could not be read, the newest first.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn unreadable(&self, query: &UnreadableQuery) -> Result<PageOf<UnreadableRequest>, ApiError> {
        let mut parameters = Vec::new();
        let mut add = |name, value: Option<String>| parameters.extend(value.map(|value| (name, value)));
        add("carrier", query.carrier.clone());
        add("cursor", query.cursor.clone());
        add("limit", query.limit.map(|limit| limit.to_string()));
        self.get("/unreadable", &parameters).await
    }

    /// One of them, with its bytes.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn unreadable_request(&self, number: i64) -> Result<UnreadableRequest, ApiError> {
        self.get(&format!("/unreadable/{number}"), &[]).await
    }

    /// A page of what operators did, the newest first.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn audit(
        &self,
        query: &AuditQuery,
        limit: u16,
        reveal: bool,
    ) -> Result<PageOf<AuditRow>, ApiError> {
        let mut parameters = query.parameters();
        parameters.push(("limit", limit.to_string()));
        parameters.extend(reveal.then(|| ("reveal", "true".to_owned())));
        self.get("/audit", &parameters).await
    }

    /// Has the node that answers take nothing new, or take new messages again.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn drain(&self, drain: bool) -> Result<NodeView, ApiError> {
        let path = if drain { "/nodes/self/drain" } else { "/nodes/self/undrain" };
        self.post(path, &()).await
    }

    /// How much waits for each carrier, and how fast it is sent.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn queues(&self) -> Result<PageOf<CarrierQueue>, ApiError> {
        self.get("/queues", &[]).await
    }

    /// How much waits of each account, and what it is owed.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn account_queues(&self) -> Result<PageOf<AccountQueue>, ApiError> {
        self.get("/queues", &[("by", "account".to_owned())]).await
    }

    /// A page of the tokens of principals.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn tokens(&self, cursor: Option<&str>, limit: u16) -> Result<PageOf<TokenView>, ApiError> {
        let mut parameters = vec![("limit", limit.to_string())];
        parameters.extend(cursor.map(|cursor| ("cursor", cursor.to_owned())));
        self.get("/tokens", &parameters).await
    }

    /// Makes a token for a principal.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn add_token(&self, request: &TokenRequest) -> Result<IssuedToken, ApiError> {
        self.post("/tokens", request).await
    }

    /// Ends a token.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn revoke_token(&self, id: &str) -> Result<Revoked, ApiError> {
        let path = format!("/tokens/{}", segment(id));
        let answer = self.exchange(Method::DELETE, &format!("{BASE}{path}"), None).await?;
        self.read(&path, &answer)
    }

    /// What a provisioning document would change.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn plan(&self, request: &ProvisioningRequest) -> Result<ProvisioningPlan, ApiError> {
        self.ask("/provisioning/plan", request).await
    }

    /// Makes provisioning what a document says: all of it, or nothing.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn apply(&self, request: &ProvisioningRequest) -> Result<ProvisioningPlan, ApiError> {
        self.post("/provisioning/apply", request).await
    }

    /// All that is provisioned, as a document that `apply` takes back.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn export(&self) -> Result<String, ApiError> {
        let path = "/provisioning/export";
        let answer = self.get_raw(&format!("{BASE}{path}")).await?;
        self.read_text(path, &answer)
    }

    /// A text; what is no success is a problem.
    fn read_text(&self, path: &str, answer: &Response<Bytes>) -> Result<String, ApiError> {
        if !answer.status().is_success() {
            let refused = self.read::<ProblemDetails>(path, answer).err();
            return Err(refused.unwrap_or_else(|| self.unexpected(path, answer)));
        }
        String::from_utf8(answer.body().to_vec()).map_err(|_| self.unexpected(path, answer))
    }

    /// A page of the accounts, by name.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn accounts(&self, cursor: Option<&str>, limit: u16) -> Result<PageOf<AccountView>, ApiError> {
        self.get("/accounts", &paged(cursor, limit)).await
    }

    /// An account.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn account(&self, name: &str) -> Result<AccountView, ApiError> {
        self.get(&format!("/accounts/{}", segment(name)), &[]).await
    }

    /// A page of the carriers, by id.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn carriers(&self, cursor: Option<&str>, limit: u16) -> Result<PageOf<CarrierView>, ApiError> {
        self.get("/carriers", &paged(cursor, limit)).await
    }

    /// A carrier.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn carrier(&self, id: &str) -> Result<CarrierView, ApiError> {
        self.get(&format!("/carriers/{}", segment(id)), &[]).await
    }

    /// The services: all, those of an account, those that may send as `sender`.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn services(
        &self,
        account: Option<&str>,
        sender: Option<&str>,
    ) -> Result<PageOf<ServiceView>, ApiError> {
        let mut parameters = Vec::new();
        parameters.extend(account.map(|account| ("account", account.to_owned())));
        parameters.extend(sender.map(|sender| ("sender", sender.to_owned())));
        self.get("/services", &parameters).await
    }

    /// A page of the blacklist, with whole numbers; only an account's own entries, where one is named.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn blacklist(
        &self,
        account: Option<&str>,
        cursor: Option<&str>,
        limit: u16,
    ) -> Result<PageOf<BlacklistEntry>, ApiError> {
        let mut parameters = paged(cursor, limit);
        parameters.extend(account.map(|account| ("account", account.to_owned())));
        self.get("/blacklist", &parameters).await
    }

    /// The entries of the blacklist for a number.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn blacklisted(&self, number: &str, reveal: bool) -> Result<PageOf<BlacklistEntry>, ApiError> {
        let reveal = reveal.then(|| ("reveal", "true".to_owned()));
        self.get(&format!("/blacklist/{}", segment(number)), reveal.as_slice()).await
    }

    /// Whose a number is.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn lookup(&self, number: &str, account: Option<&str>) -> Result<LookupView, ApiError> {
        let account = account.map(|account| ("account", account.to_owned()));
        self.get(&format!("/lookups/{}", segment(number)), account.as_slice()).await
    }

    /// A page of the changes of provisioning, the newest first.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn revisions(
        &self,
        cursor: Option<&str>,
        limit: u16,
    ) -> Result<PageOf<RevisionView>, ApiError> {
        let mut parameters = vec![("limit", limit.to_string())];
        parameters.extend(cursor.map(|cursor| ("cursor", cursor.to_owned())));
        self.get("/provisioning/revisions", &parameters).await
    }

    /// What a revision changed; with `to`, what changed from it to that one.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn revision_diff(&self, number: u64, to: Option<u64>) -> Result<ProvisioningPlan, ApiError> {
        let to = to.map(|to| ("to", to.to_string()));
        self.get(&format!("/provisioning/revisions/{number}/diff"), to.as_slice()).await
    }

    /// Brings provisioning back to what it was at a revision.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn rollback(&self, request: &RollbackRequest) -> Result<ProvisioningPlan, ApiError> {
        self.post("/provisioning/rollback", request).await
    }

    async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        parameters: &[(&'static str, String)],
    ) -> Result<T, ApiError> {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(parameters);
        let query = query.finish();
        let separator = if query.is_empty() { "" } else { "?" };
        let answer = self.exchange(Method::GET, &format!("{BASE}{path}{separator}{query}"), None).await?;
        self.read(path, &answer)
    }

    /// Asks for a change. It has a key by which it is known, so that it can be asked for again where the answer is lost.
    async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, ApiError> {
        // Types of this crate always can be written.
        let body = serde_json::to_vec(body).unwrap_or_default();
        let answer = self.exchange_keyed(path, (body.into(), HeaderValue::from_static(JSON))).await?;
        self.read(path, &answer)
    }

    /// Asks something that changes nothing and needs a body.
    async fn ask<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, ApiError> {
        let body = serde_json::to_vec(body).unwrap_or_default();
        let answer = self.exchange(Method::POST, &format!("{BASE}{path}"), Some(body.into())).await?;
        self.read(path, &answer)
    }

    /// A POST under a key of its own, which is sent again where its connection breaks before the answer is here, and while the first is
    /// said to be under way.
    async fn exchange_keyed(
        &self,
        path: &str,
        body: (Bytes, HeaderValue),
    ) -> Result<Response<Bytes>, ApiError> {
        let key = new_key();
        let until = Instant::now() + self.timeout;
        let mut is_lost = false;
        loop {
            let sent = Some(body.clone());
            let done = self.exchange_as(Method::POST, &format!("{BASE}{path}"), sent, key.as_ref()).await;
            let again = match &done {
                // Without a key it might be done twice.
                Err(ApiError::Broken { .. }) => key.is_some(),
                Err(ApiError::Connect { .. }) => is_lost,
                Ok(answer) => is_lost && is_under_way(answer),
                Err(_) => false,
            };
            if !again || Instant::now() + ASKED_AGAIN_AFTER >= until {
                return done;
            }
            is_lost = true;
            sleep(ASKED_AGAIN_AFTER).await;
        }
    }

    fn read<T: DeserializeOwned>(&self, path: &str, answer: &Response<Bytes>) -> Result<T, ApiError> {
        let unexpected = || self.unexpected(path, answer);
        if answer.status().is_success() {
            return serde_json::from_slice(answer.body()).map_err(|_| unexpected());
        }
        let problem = serde_json::from_slice(answer.body()).map_err(|_| unexpected())?;
        Err(ApiError::Refused(Box::new(problem)))
    }

    fn unexpected(&self, path: &str, answer: &Response<Bytes>) -> ApiError {
        ApiError::Unexpected { url: format!("{}{BASE}{path}", self.url), status: answer.status().as_u16() }
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Option<Bytes>,
    ) -> Result<Response<Bytes>, ApiError> {
        self.exchange_as(method, path, body.map(|body| (body, HeaderValue::from_static(JSON))), None).await
    }

    /// The same with a body of some media type, and under a key.
    async fn exchange_as(
        &self,
        method: Method,
        path: &str,
        body: Option<(Bytes, HeaderValue)>,
        key: Option<&HeaderValue>,
    ) -> Result<Response<Bytes>, ApiError> {
        let (body, media_type) = body.unzip();
        let url = format!("{}{path}", self.url);
        let uri: Uri = url.parse().map_err(|_| ApiError::Url { url: url.clone() })?;
        let is_callable = match uri.scheme_str() {
            Some("http") => true,
            Some("https") => self.secure.is_some(),
            _ => false,
        };
        if !is_callable || uri.host().is_none() {
            return Err(ApiError::Url { url });
        }
        let mut request = Request::new(Full::new(body.unwrap_or_default()));
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        if let Some(token) = &self.token {
            request.headers_mut().insert(header::AUTHORIZATION, token.clone());
        }
        request.headers_mut().extend(self.says.iter().cloned());
        if let Some(key) = key {
            request.headers_mut().insert(HeaderName::from_static(IDEMPOTENCY_HEADER), key.clone());
        }
        if let Some(media_type) = media_type {
            request.headers_mut().insert(header::CONTENT_TYPE, media_type);
        }
        match timeout(self.timeout, self.round_trip(request, &url)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(ApiError::TimedOut { url, after: self.timeout }),
        }
    }

    async fn round_trip(
        &self,
        request: Request<Full<Bytes>>,
        url: &str,
    ) -> Result<Response<Bytes>, ApiError> {
        let url = || url.to_owned();
        let answering = match &self.secure {
            Some(secure) if request.uri().scheme_str() == Some("https") => secure.request(request),
            _ => self.pool.request(request),
        };
        let answer = answering.await.map_err(|source| match source.is_connect() {
            true => ApiError::Connect { url: url(), source: source.into() },
            false => ApiError::Broken { url: url(), source: source.into() },
        })?;
        let (head, body) = answer.into_parts();
        let body =
            Limited::new(body, MAX_ANSWER_BYTES).collect().await.map_err(|source| match source
                .is::<LengthLimitError>(
            ) {
                true => ApiError::TooLong { url: url(), limit: MAX_ANSWER_BYTES },
                false => ApiError::Broken { url: url(), source },
            })?;
        Ok(Response::from_parts(head, body.to_bytes()))
    }
}

/// A key under which a request is known: 128 random bits. Where the system gives none, the request has no key.
fn new_key() -> Option<HeaderValue> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).ok()?;
    HeaderValue::from_str(&format!("{:032x}", u128::from_be_bytes(bytes))).ok()
}

/// Whether the first request under a key is not done yet.
fn is_under_way(answer: &Response<Bytes>) -> bool {
    let problem = serde_json::from_slice::<ProblemDetails>(answer.body());
    problem.is_ok_and(|problem| problem.is(ProblemCode::UnderWay))
}

/// The body of a request that has nothing to say.
#[derive(Serialize)]
struct Nothing {}
/// Which page of a list.
fn paged(cursor: Option<&str>, limit: u16) -> Vec<(&'static str, String)> {
    let mut parameters = vec![("limit", limit.to_string())];
    parameters.extend(cursor.map(|cursor| ("cursor", cursor.to_owned())));
    parameters
}

/// A segment of a path, in which nothing is taken for a part of the path.
fn segment(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

fn builder() -> legacy::Builder {
    let mut builder = legacy::Client::builder(TokioExecutor::new());
    builder.pool_timer(TokioTimer::new()).pool_idle_timeout(IDLE);
    builder
}

fn connector(timeout: Duration) -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(timeout));
    connector
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
        task::JoinHandle,
    };

    use super::*;
    use crate::ProblemCode;

    const LONG: Duration = Duration::from_secs(30);

    /// A server that takes one request, gives back its first bytes, and answers with these.
    async fn server(answer: &'static str) -> (String, JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let taken = tokio::spawn(async move {
            let (mut peer, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4096];
            let length = peer.read(&mut request).await.unwrap();
            peer.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8_lossy(&request[..length]).into_owned()
        });
        (url, taken)
    }

    #[tokio::test]
    async fn a_query_is_written_and_a_page_is_read() {
        let (url, taken) = server(
            "HTTP/1.1 200 OK\r\nContent-Length: 26\r\nConnection: close\r\n\r\n{\"items\":[],\"next\":\"1234\"}",
        )
        .await;
        let client = ApiClient::new(&url, LONG).with_token("hush");
        let query = MessageQuery {
            to: Some("+1 617".to_owned()),
            state: vec!["Parked".to_owned(), "Sending".to_owned()],
            ..MessageQuery::default()
        };
        let page = client.messages(&query, Some("99"), 7, true).await.unwrap();
        assert_eq!(page, PageOf { items: Vec::new(), next: Some("1234".to_owned()) });
        let request = taken.await.unwrap();
        assert!(
            request.starts_with(
                "GET /api/v1/messages?to=%2B1+617&state=Parked&state=Sending&limit=7&cursor=99&reveal=true HTTP/1.1\r\n"
            ),
            "{request}"
        );
        assert!(request.to_lowercase().contains("\r\nauthorization: bearer hush\r\n"), "{request}");
    }

    /// A change whose answer is lost is asked for again under the same key, also while the first is under way.
    #[tokio::test]
    async fn a_change_is_asked_for_again_under_its_key() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let under_way = r#"{"type":"","title":"","status":409,"code":"under_way"}"#;
        let done = r#"{"id":"a","revoked":true}"#;
        let answers = [
            String::new(),
            format!(
                "HTTP/1.1 409 Conflict\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{under_way}",
                under_way.len()
            ),
            format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{done}", done.len()),
        ];
        let taken = tokio::spawn(async move {
            let mut keys = Vec::new();
            for answer in answers {
                let (mut peer, _) = listener.accept().await.unwrap();
                let mut request = vec![0; 4096];
                let length = peer.read(&mut request).await.unwrap();
                peer.write_all(answer.as_bytes()).await.unwrap();
                let request = String::from_utf8_lossy(&request[..length]).to_lowercase();
                let key = request.lines().find_map(|line| line.strip_prefix("idempotency-key: "));
                keys.push(key.map(str::to_owned));
            }
            keys
        });
        let answer: serde_json::Value = ApiClient::new(&url, LONG).post("/x", &Nothing {}).await.unwrap();
        assert_eq!(answer["revoked"], true);
        let keys = taken.await.unwrap();
        assert_eq!(keys[0].as_ref().map(String::len), Some(32), "{keys:?}");
        assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
    }

    #[tokio::test]
    async fn a_problem_is_told_and_anything_else_is_unexpected() {
        let (url, _) = server(
            "HTTP/1.1 404 Not Found\r\nContent-Length: 97\r\nConnection: close\r\n\r\n{\"type\":\"urn:posthouse:problem:not_found\",\"title\":\"There is no\",\"status\":404,\"code\":\"not_found\"}   ",
        )
        .await;
        let error = ApiClient::new(&url, LONG).message("17/../4", false).await.unwrap_err();
        assert!(error.problem().is_some_and(|problem| problem.is(ProblemCode::NotFound)), "{error:?}");

        let (url, _) =
            server("HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\nConnection: close\r\n\r\nhere").await;
        let error = ApiClient::new(&url, LONG).version().await.unwrap_err();
        assert!(matches!(error, ApiError::Unexpected { status: 404, .. }), "{error:?}");
    }

    #[tokio::test]
    async fn a_server_that_does_not_answer_is_not_waited_for() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let error = ApiClient::new(&url, Duration::from_millis(50)).version().await.unwrap_err();
        assert!(matches!(error, ApiError::TimedOut { .. }), "{error:?}");
        drop(listener);
        let error = ApiClient::new(&url, LONG).version().await.unwrap_err();
        assert!(matches!(error, ApiError::Connect { .. }), "{error:?}");
        let error = ApiClient::new("https://127.0.0.1:1", LONG).version().await.unwrap_err();
        assert!(matches!(error, ApiError::Url { .. }), "{error:?}");
    }
}
