//! The door for VASPs: from the bytes of a SubmitReq to its answer.

pub mod adapt;
pub mod admission;
mod answer;
mod find_out;
mod head;

use std::{sync::Arc, time::Duration};

use http::{Method, Request, StatusCode as HttpStatus};
use hyper::body::Incoming;
use mm7::StatusCode;
use posthouse_core::{
    Id,
    account::SubmitMode,
    store::{Acceptance, Lease, NewMessage, Owner, Store, StoreError, ToSend},
    submit::{Ask, Decision, Facts, Reject, Rejection, decide, plan, repeats_since},
    time::{Clock, after},
};
use tokio::{sync::oneshot, time::Instant};
use tracing::{Instrument as _, Span, field};

use self::{adapt::Adapter, admission::Admissions, find_out::Exchange};
use crate::{
    auth::Verifier,
    fetch::Fetcher,
    handoff::{Dispatch, Handoff, LEASE, Room},
    http::{
        body::drain,
        memory::Memory,
        proxies::Proxies,
        requests::{is_for, is_same_place},
        server::{HttpAnswer, Peer, plain},
    },
    ids::MessageIds,
    lookup::Directory,
    patience::within,
    snapshot::SnapshotCell,
    telemetry::Metrics,
};

/// What a VASP is told to wait when the gateway itself is short of something.
pub const SHED_FOR: Duration = Duration::from_secs(5);

/// How the door is set up.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The path that SubmitReq are posted to.
    pub path: String,
    /// The header that names the carrier.
    pub carrier_id_header: http::HeaderName,
    /// The longest body, in bytes.
    pub max_request_bytes: u64,
    /// How long a body may take to arrive.
    pub read_timeout: Duration,
    /// Whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.
    pub proxies: Proxies,
}

/// The door for VASPs.
pub struct Ingress {
    /// How it is set up.
    pub settings: Settings,
    /// Where messages are kept.
    pub store: Arc<dyn Store>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Provisioning.
    pub snapshot: Arc<SnapshotCell>,
    /// Makes MessageIDs.
    pub ids: Arc<MessageIds>,
    /// This run of this node.
    pub owner: Owner,
    /// The store's key, under which VASPIDs are hashed.
    pub key: [u8; 32],
    /// Verifies passwords.
    pub verifier: Arc<Verifier>,
    /// Counts what accounts send.
    pub admissions: Admissions,
    /// Knows whose numbers are.
    pub directory: Arc<Directory>,
    /// Fetches content by URL.
    pub fetcher: Arc<Fetcher>,
    /// Makes pictures small enough for carriers.
    pub adapter: Adapter,
    /// Takes fresh messages to the queue.
    pub handoff: Arc<Handoff>,
    /// Counts.
    pub metrics: Arc<Metrics>,
    /// Bounds the memory that bodies take.
    pub memory: Memory,
}

impl Ingress {
    /// Answers one HTTP request.
    pub async fn answer(self: Arc<Self>, request: Request<Incoming>, peer: Peer) -> HttpAnswer {
        if !is_for(&request, |path| is_same_place(path, &self.settings.path)) {
            return plain(HttpStatus::NOT_FOUND, "there is nothing here\n");
        }
        if request.method() != Method::POST {
            let mut answer = plain(HttpStatus::METHOD_NOT_ALLOWED, "MM7 requests are posted\n");
            answer.headers_mut().insert(http::header::ALLOW, http::HeaderValue::from_static("POST"));
            return answer;
        }
        let span = tracing::debug_span!("submit", id = field::Empty, address = %peer.address);
        self.submit(request, peer, &span).instrument(span.clone()).await
    }

    async fn submit(&self, request: Request<Incoming>, peer: Peer, span: &Span) -> HttpAnswer {
        let began = Instant::now();
        let (head, body) = request.into_parts();
        let snapshot = self.snapshot.get();
        let facts = Facts::new(snapshot, self.read_head(&head.headers, &peer));
        let memory = self.memory.share(facts.head.remote);
        let mut exchange = Exchange {
            facts,
            headers: head.headers,
            body: Some(body),
            memory,
            progress: peer.progress,
            fetched_memory: Vec::new(),
        };
        let Some(outcome) = self.decide(&mut exchange).await else {
            // The body did not come in time, or not at all.
            return plain(HttpStatus::REQUEST_TIMEOUT, "the request did not arrive in time\n");
        };
        let answer = match outcome {
            Ok(id) => {
                span.record("id", field::display(id));
                answer::success(&exchange.facts, id)
            }
            Err(refusal) => answer::refusal(&exchange.facts, refusal),
        };
        if let Some(rest) = exchange.body.take() {
            drain(rest);
        }
        self.record(&exchange.facts, outcome, began.elapsed());
        answer
    }

    /// Runs the checks, finding out what they ask for, and accepts what passes them. `None`: the body did not come.
    async fn decide(&self, exchange: &mut Exchange) -> Option<Result<Id, Rejection>> {
        loop {
            match decide(&exchange.facts) {
                Decision::Refuse(refusal) => return Some(Err(refusal)),
                Decision::Accept => return Some(self.accept(&exchange.facts).await),
                Decision::Ask(Ask::Body) => self.read_body(exchange).await?,
                // Both are long work that a repetition need not do again.
                Decision::Ask(ask @ (Ask::Fetch | Ask::Adapt)) => {
                    match self.repeated(&exchange.facts).await {
                        Ok(None) => self.find_out(ask, exchange).await,
                        Ok(Some(first)) => return Some(Ok(first)),
                        Err(error) => return Some(Err(self.refuse_for(&error))),
                    }
                }
                Decision::Ask(ask) => self.find_out(ask, exchange).await,
            }
        }
    }

    /// The message that a request repeats: what it names by URL may be gone by now, and the answer is the first one all the same.
    async fn repeated(&self, facts: &Facts) -> Result<Option<Id>, StoreError> {
        let known = facts.body.as_ref().zip(facts.account()).zip(facts.transaction_id());
        let Some(((body, account), transaction_id)) = known else { return Ok(None) };
        let Some(since) = repeats_since(body, self.clock.now()) else { return Ok(None) };
        self.store.repeated(&account.name, transaction_id, body.digest, since).await
    }

    /// Stores the message; then, and only then, there is an id to answer 1000 with.
    async fn accept(&self, facts: &Facts) -> Result<Id, Rejection> {
        let now = self.clock.now();
        let Some(mut message) = plan(facts, self.ids.next(now), now) else {
            tracing::error!("the checks passed a request that is no message");
            return Err(Rejection::SYSTEM);
        };
        let account = facts.account();
        let relayed = account.filter(|account| account.submit_mode == SubmitMode::Relay);
        // Who waits for the carrier's answer is told that it cannot be reached; the others need no attempt for that.
        let waits = relayed.is_none() && self.handoff.is_down(&message.carrier);
        let bytes = message.media.iter().map(bytes::Bytes::len).sum();
        let room = if waits { None } else { self.handoff.room(&message.carrier, bytes) };
        if relayed.is_some() && room.is_none() {
            return Err(Rejection::shedding(SHED_FOR));
        }
        message.lease = room.as_ref().map(|_| Lease { owner: self.owner, until: after(now, LEASE) });
        let id = message.id;
        match self.store.accept(&message).await {
            Ok(Acceptance::Repeats(first)) => return Ok(first),
            Ok(Acceptance::Fresh) => {}
            Err(error) => return Err(self.refuse_for(&error)),
        }
        let fresh = room.zip(message.lease).map(|(room, lease)| (room, fresh(message, lease)));
        match (fresh, relayed) {
            (Some((room, fresh)), Some(account)) => self.relay(id, room, fresh, account.relay_timeout).await,
            (Some((room, fresh)), None) => {
                room.send(fresh);
                Ok(id)
            }
            (None, _) => {
                self.handoff.ring();
                Ok(id)
            }
        }
    }

    /// Relay mode: the answer is the carrier's (contract 4.3).
    async fn relay(&self, id: Id, room: Room, mut fresh: Dispatch, wait: Duration) -> Result<Id, Rejection> {
        let (sender, answer) = oneshot::channel();
        fresh.answer = Some(sender);
        room.send(fresh);
        match within(Instant::now() + wait, answer).await {
            Ok(Ok(StatusCode::Success)) => Ok(id),
            Ok(Ok(code)) => Err(Rejection::by_carrier(code)),
            Ok(Err(_)) | Err(_) => Err(Rejection::by_carrier(StatusCode::Timeout)),
        }
    }

    fn refuse_for(&self, error: &StoreError) -> Rejection {
        match error {
            StoreError::Full | StoreError::Overloaded => {
                tracing::warn!(%error, "shedding load");
                Rejection::shedding(SHED_FOR)
            }
            _ => {
                tracing::error!(%error, "a message could not be stored");
                Rejection::SYSTEM
            }
        }
    }

    fn record(&self, facts: &Facts, outcome: Result<Id, Rejection>, took: Duration) {
        let code = outcome.map_or_else(Rejection::status, |_| StatusCode::Success);
        self.metrics.submit_answered(code, took);
        let account = facts.account().map(|account| account.name.to_string());
        let recipient = facts.recipient().map(|recipient| recipient.to_string());
        let transaction_id = facts.transaction_id();
        match outcome {
            Ok(id) => tracing::debug!(%id, account, recipient, transaction_id, "accepted"),
            Err(refusal) => {
                let head = matches!(refusal.reject, Reject::HttpHeaders).then(|| facts.head.unusable());
                let reason = head.flatten();
                // Whose it is was not read: the address is all there is to look for.
                let address = reason.map(|_| tracing::field::display(facts.head.remote));
                tracing::info!(
                    code = code.code(),
                    row = refusal.row,
                    account,
                    transaction_id,
                    reason,
                    address,
                    "refused"
                );
            }
        }
    }
}

fn fresh(message: NewMessage, lease: Lease) -> Dispatch {
    let send = ToSend {
        id: message.id,
        account: message.account,
        carrier: message.carrier,
        submission: message.submission,
        attempts: 0,
        unreached: false,
        media: Some(message.media),
        lease,
    };
    Dispatch::stored(send)
}
