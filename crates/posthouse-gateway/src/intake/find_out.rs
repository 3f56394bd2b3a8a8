//! Finds out what the checks ask for.

use bytes::Bytes;
use http::{HeaderMap, header};
use hyper::body::Incoming;
use mm7::{DecodeError, Dialect, Limits, mime};
use posthouse_core::submit::{
    AdaptFact, Arrival, Ask, Body, CarrierFact, ContentFacts, ContentLength, ContentTypeHeader,
    CredentialsFact, Facts, FetchFact, adaptations, insert_fetched, read_content,
};
use tokio::time::Instant;

use super::{Ingress, SHED_FOR};
use crate::{
    auth::{At, PasswordVerdict},
    fetch::{Failure, FetchError},
    http::{
        basic,
        body::{self, Read},
        memory::MemoryShare,
        seats::RequestProgress,
    },
    mm7_http::envelope::{decode_root, digest},
    secrets::vasp_hash,
    shares::Claim,
};

/// How often is fetched for one message: what it names, and what a SMIL among that names.
const FETCH_ROUNDS: usize = 2;

/// A request under way.
pub(super) struct Exchange {
    /// What is known of it.
    pub(super) facts: Facts,
    /// Its headers.
    pub(super) headers: HeaderMap,
    /// What was not read of it.
    pub(super) body: Option<Incoming>,
    /// The memory that its body takes.
    pub(super) memory: MemoryShare,
    /// To be told when its body is here.
    pub(super) progress: RequestProgress,
    /// The memory that content takes which was fetched for it.
    pub(super) fetched_memory: Vec<Claim<String>>,
}

impl Ingress {
    /// Reads and decodes the body, or finds that its length cannot be used. `None`: it did not come in time, or the peer hung up.
    pub(super) async fn read_body(&self, exchange: &mut Exchange) -> Option<()> {
        let body = exchange.body.take()?;
        let deadline = Instant::now() + self.settings.read_timeout;
        let limit = self.settings.max_request_bytes;
        let (arrival, bytes) = match body::read(body, limit, deadline, &mut exchange.memory).await {
            Read::Whole(bytes) => (Arrival::Whole, bytes),
            Read::TooLong(rest) => {
                exchange.body = Some(rest);
                (Arrival::TooLong, Bytes::new())
            }
            Read::Misframed => {
                exchange.facts.head.content_length = ContentLength::Malformed;
                return Some(());
            }
            Read::Broken | Read::TooLate => return None,
        };
        exchange.progress.working();
        exchange.facts.body = Some(self.read(exchange, arrival, bytes));
        Some(())
    }

    fn read(&self, exchange: &Exchange, arrival: Arrival, bytes: Bytes) -> Body {
        let limits = Limits::default();
        let length = bytes.len() as u64;
        let package = match &exchange.facts.head.content_type {
            ContentTypeHeader::Read(content_type) => mime::unpack(content_type, bytes, &limits),
            // The first check refuses these before it asks for the body.
            ContentTypeHeader::Missing | ContentTypeHeader::Malformed => mime::Package::default(),
        };
        let (decoded, digest) = (decode_root(&package, &limits), digest(&package));
        let account = decoded.as_ref().ok().and_then(|decoded| decoded.vaspid.as_ref()).and_then(|vaspid| {
            let hash = vasp_hash(&self.key, vaspid.as_str());
            exchange.facts.snapshot.account_by_vaspid(&hash).cloned()
        });
        let dialect = account.as_ref().map_or(Dialect::POSTHOUSE, |account| account.dialect.get());
        let carrier_id = self.carrier_id(&exchange.headers, dialect);
        Body { arrival, length, digest, package, decoded, account, dialect, carrier_id }
    }

    /// The carrier that the request names, in the configured header or one of the dialect's.
    fn carrier_id(&self, headers: &HeaderMap, dialect: &Dialect) -> Option<String> {
        let configured = self.settings.carrier_id_header.as_str();
        let value = std::iter::once(configured)
            .chain(dialect.carrier_id_headers.iter().copied())
            .find_map(|name| headers.get(name))?;
        Some(String::from_utf8_lossy(value.as_bytes()).trim().to_owned())
    }

    pub(super) async fn find_out(&self, ask: Ask, exchange: &mut Exchange) {
        let Exchange { facts, headers, fetched_memory, .. } = exchange;
        match ask {
            Ask::Credentials => facts.credentials = Some(self.credentials(facts, headers).await),
            Ask::Admission => facts.admission = Some(self.admissions.admit(facts.account())),
            Ask::Content => facts.content = content(facts),
            Ask::Carrier => facts.carrier = Some(self.carrier(facts).await),
            Ask::Fetch => {
                let fact = self.fetch(facts, fetched_memory).await;
                self.metrics.fetch_ended(&fact);
                facts.fetched = Some(fact);
            }
            Ask::Adapt => facts.adapted = Some(self.adapt(facts).await),
            // Read before any other fact is asked for.
            Ask::Body => {}
        }
    }

    async fn credentials(&self, facts: &Facts, headers: &HeaderMap) -> CredentialsFact {
        let Some(expected) = facts.account().and_then(|account| account.basic_auth.as_ref()) else {
            return CredentialsFact::Right;
        };
        if !headers.contains_key(header::AUTHORIZATION) {
            return CredentialsFact::Missing;
        }
        match self.verifier.judge(basic::shown(headers), expected, facts.head.remote, At::Vasps).await {
            PasswordVerdict::Right => CredentialsFact::Right,
            PasswordVerdict::Wrong => CredentialsFact::Wrong,
            PasswordVerdict::NoTurn => CredentialsFact::NoTurn { retry_after: SHED_FOR },
        }
    }

    async fn carrier(&self, facts: &Facts) -> CarrierFact {
        let named = facts.body.as_ref().and_then(|body| body.carrier_id.as_deref());
        if let Some(carrier) = named.and_then(|id| facts.snapshot.named_carrier(id)) {
            return self.directory.found(carrier);
        }
        match facts.recipient() {
            Some(recipient) => self.directory.carrier_of(&facts.snapshot, &recipient).await,
            None => CarrierFact::NoCarrier,
        }
    }

    /// Fetches what the content names by URL, and then what a SMIL that came by URL names in its turn.
    async fn fetch(&self, facts: &Facts, memory: &mut Vec<Claim<String>>) -> FetchFact {
        let Some(Ok(content)) = &facts.content else { return FetchFact::Failed };
        let account = facts.account().map(|account| account.name.to_string()).unwrap_or_default();
        let deadline = self.fetcher.deadline();
        let mut content = content.clone();
        for _ in 0..FETCH_ROUNDS {
            let haul = match self.fetcher.fetch(&content.urls, &account, deadline).await {
                Ok(haul) => haul,
                Err(failure) => return self.not_fetched(facts, &failure),
            };
            memory.extend(haul.memory);
            content = match insert_fetched(&content, &haul.fetched, facts.dialect(), &Limits::default()) {
                Ok(content) => content,
                Err(error) => return FetchFact::Fetched(Err(error)),
            };
            if content.urls.is_empty() {
                return FetchFact::Fetched(Ok(content));
            }
        }
        FetchFact::Failed
    }

    async fn adapt(&self, facts: &Facts) -> AdaptFact {
        let Some(CarrierFact::Found { carrier, .. }) = &facts.carrier else { return AdaptFact::Failed };
        let Some(content) = facts.whole_content() else { return AdaptFact::Failed };
        let Some(wanted) = adaptations(content, carrier) else { return AdaptFact::Failed };
        let began = Instant::now();
        let account = facts.account().map(|account| account.name.to_string());
        let fact = self.adapter.adapt(content, &wanted, (account, facts.transaction_id())).await;
        self.metrics.adaptation_ended(&fact, began.elapsed());
        fact
    }

    /// The reason is for the operator's log alone.
    fn not_fetched(&self, facts: &Facts, failure: &Failure) -> FetchFact {
        let account = facts.account().map(|account| account.name.to_string());
        let (host, reason) = (&failure.host, &failure.source);
        tracing::warn!(account, transaction_id = facts.transaction_id(), host, %reason, "content by URL was not fetched");
        match failure.source {
            FetchError::NoRoom => FetchFact::NoRoom { retry_after: SHED_FOR },
            _ => FetchFact::Failed,
        }
    }
}

fn content(facts: &Facts) -> Option<Result<ContentFacts, DecodeError>> {
    let body = facts.body.as_ref()?;
    let content = body.content()?;
    Some(read_content(&body.package, &content, body.dialect, &Limits::default()))
}
