//! Intake: from the facts of a submission to a decision, and from an acceptance to a message on its way. It knows no protocol: a door
//! finds out what stands in its request, and writes the answer.

pub mod adapt;
pub mod admission;
mod find_out;

use std::{sync::Arc, time::Duration};

use http::HeaderMap;
use jiff::Timestamp;
use mm7::StatusCode;
use posthouse_core::{
    Id,
    account::SubmitMode,
    life::load::Work,
    refusal::name_of,
    slots::Slot,
    store::{Acceptance, FirstAttempt, Lease, NewMessage, Owner, Store, StoreError, ToSend},
    submit::{
        Ask, CredentialsFact, Decision, Facts, Reject, Rejection, SHED_FOR, decide, plan, repeats_since,
    },
    time::{Clock, after},
};
use tokio::{sync::oneshot, time::Instant};

pub use self::find_out::Inquiry;
use self::{adapt::Adapter, admission::Admissions};
use crate::{
    bell::Bell,
    drain::DrainState,
    fetch::Fetcher,
    handoff::{Dispatch, Handoff, LEASE, LaneState, PUT_OFF, Room},
    ids::MessageIds,
    lookup::Directory,
    node::ClusterNode,
    patience::within,
    telemetry::{
        Metrics, Shed,
        traces::{Span, SpanContext, SpanSide},
    },
};

/// A request at a door, while it is decided about.
pub trait AtDoor: Send {
    /// What is known of it.
    fn inquiry(&mut self) -> &mut Inquiry;

    /// Reads the body and what it holds, or finds that its length cannot be used. `None`: it did not come in time, or the peer hung up.
    fn read_body(&mut self) -> impl Future<Output = Option<()>> + Send;

    /// Whether the credentials that the request shows are right.
    fn credentials(&mut self) -> impl Future<Output = CredentialsFact> + Send;
}

/// Decides about submissions and accepts them.
pub struct Intake {
    /// Where messages are kept.
    pub store: Arc<dyn Store>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Makes MessageIDs.
    pub ids: Arc<MessageIds>,
    /// Whether the store hears this node: then it takes messages.
    pub node: Arc<ClusterNode>,
    /// This run of this node.
    pub owner: Owner,
    /// Counts what accounts send.
    pub admissions: Arc<Admissions>,
    /// Whether anything new is taken.
    pub drain: Arc<DrainState>,
    /// Looks up which carrier serves a number.
    pub directory: Arc<Directory>,
    /// Fetches content by URL.
    pub fetcher: Arc<Fetcher>,
    /// Makes pictures small enough for carriers.
    pub adapter: Adapter,
    /// Takes fresh messages to their carriers' lanes.
    pub handoff: Arc<Handoff>,
    /// Rung for a message that waits in the store.
    pub bell: Arc<Bell>,
    /// Counts answers, fetches and adaptations.
    pub metrics: Arc<Metrics>,
}

impl Intake {
    /// Runs the checks, finding out what they ask for, and accepts what passes them. `None`: the body did not come.
    pub async fn submit(&self, request: &mut impl AtDoor) -> Option<Result<Id, Rejection>> {
        loop {
            match decide(&request.inquiry().facts) {
                Decision::Refuse(refusal) => return Some(Err(refusal)),
                Decision::Accept => return Some(self.accept(&request.inquiry().facts).await),
                Decision::Ask(Ask::Body) => request.read_body().await?,
                Decision::Ask(Ask::Credentials) => {
                    let fact = request.credentials().await;
                    request.inquiry().facts.credentials = Some(fact);
                }
                // Both are long work that a repetition need not do again.
                Decision::Ask(ask @ (Ask::Fetch | Ask::Adapt)) => {
                    match self.repeated(&request.inquiry().facts).await {
                        Ok(None) => self.find_out(ask, request.inquiry()).await,
                        Ok(Some(first)) => return Some(Ok(first)),
                        Err(error) => return Some(Err(self.refuse_for(&error))),
                    }
                }
                Decision::Ask(ask) => self.find_out(ask, request.inquiry()).await,
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
        let Some(id) = self.ids.next(now).ok().filter(|_| self.node.is_heard()) else {
            self.metrics.shed(Shed::Store);
            tracing::warn!("shedding load: the store does not hear this node");
            return Err(Rejection::shedding(SHED_FOR));
        };
        let Some(mut message) = plan(facts, id, now) else {
            tracing::error!("the checks passed a request that is no message");
            return Err(Rejection::SYSTEM);
        };
        let account = facts.account();
        let relayed = account.filter(|account| account.submit_mode == SubmitMode::Relay);
        // In relay mode the VASP is told that the carrier cannot be reached; other messages need no attempt for that.
        let lane = relayed.map_or_else(|| self.handoff.state(&message.carrier), |_| LaneState::Open);
        let bytes = message.media.iter().map(bytes::Bytes::len).sum();
        let room = match lane {
            LaneState::Open => self.handoff.room(&message.carrier, bytes).await,
            LaneState::Closed | LaneState::Down { .. } => None,
        };
        if relayed.is_some() && room.is_none() {
            return Err(Rejection::shedding(SHED_FOR));
        }
        message.first_attempt = match (&room, lane) {
            (Some(_), _) => FirstAttempt::Leased(Lease { owner: self.owner, until: after(now, LEASE) }),
            (None, LaneState::Down { nobody_there }) if self.is_sent_here(&message) => {
                FirstAttempt::PutOff { until: after(now, PUT_OFF), nobody_there }
            }
            (None, _) => FirstAttempt::Due,
        };
        let stored = self.store_traced(&message).await;
        match stored {
            Ok(Acceptance::Repeats(first)) => return Ok(first),
            Ok(Acceptance::Fresh) => {}
            Err(error) => return Err(self.refuse_for(&error)),
        }
        match (room, message.first_attempt, relayed) {
            (Some(room), FirstAttempt::Leased(lease), Some(account)) => {
                self.relay(id, room, fresh(message, lease), account.relay_timeout).await
            }
            (Some(room), FirstAttempt::Leased(lease), None) => {
                room.send(fresh(message, lease));
                Ok(id)
            }
            _ => {
                self.leave_in_store(&message, now);
                Ok(id)
            }
        }
    }

    /// Whether its carrier's lane on this node is the one that would take it from the store: what it knows of the carrier is what counts.
    fn is_sent_here(&self, message: &NewMessage) -> bool {
        self.node.slots_of(&message.carrier).contains(Slot::of_message(message.id))
    }

    /// Sees to it that what waits in the store is attempted in time.
    fn leave_in_store(&self, message: &NewMessage, now: Timestamp) {
        if matches!(message.first_attempt, FirstAttempt::PutOff { .. }) {
            self.handoff.was_put_off(&message.carrier);
        }
        let due = Work::first(message.first_attempt, message.submission.expiry, now).due;
        self.bell.ring_for(due, now);
    }

    async fn store_traced(&self, message: &NewMessage) -> Result<Acceptance, StoreError> {
        let Some(traces) = self.metrics.traces() else { return self.store.accept(message).await };
        let began = Instant::now();
        let stored = self.store.accept(message).await;
        let span = Span::new("accept", SpanSide::Internal, self.clock.now(), began.elapsed())
            .of(traces.inside(message.id), message.id)
            .failed(stored.as_ref().err().map(ToString::to_string))
            .with("posthouse.carrier", message.carrier.0.clone());
        traces.record(span);
        stored
    }

    /// What a peer says of its own trace, where traces are sent.
    pub(crate) fn caller(&self, headers: &HeaderMap) -> Option<SpanContext> {
        self.metrics.traces().and_then(|_| SpanContext::read(headers))
    }

    /// The span of a submission. One that was refused has a trace of its own.
    fn trace_submit(
        &self,
        front: &'static str,
        inquiry: &Inquiry,
        outcome: Result<Id, Rejection>,
        took: Duration,
    ) {
        let Some(traces) = self.metrics.traces() else { return };
        let code = outcome.map_or_else(Rejection::status, |_| StatusCode::Success);
        let mut span = Span::new("submit", SpanSide::Server, self.clock.now(), took);
        span = match outcome {
            Ok(id) => span.of(SpanContext::of_message(id), id),
            Err(_) => {
                span.context = traces.fresh(front.as_bytes());
                span.failed(Some(code.to_string()))
            }
        };
        if let Some(account) = inquiry.facts.account() {
            span = span.with("posthouse.account", account.name.0.clone());
        }
        let span = span.called_by(inquiry.caller).with("posthouse.front", front);
        traces.record(span.with("posthouse.code", code.code().to_string()));
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

    /// The refusal of a message that could not be stored.
    fn refuse_for(&self, error: &StoreError) -> Rejection {
        match error {
            StoreError::Unavailable { retry_after } => {
                self.metrics.shed(Shed::Store);
                tracing::warn!(%error, "shedding load");
                Rejection::shedding(*retry_after)
            }
            // The database went before it said whether the message is stored: one that comes again gets the id of the first then.
            StoreError::Failed(_) if !self.node.is_only() => {
                self.metrics.shed(Shed::Store);
                tracing::warn!(%error, "shedding load");
                Rejection::shedding(SHED_FOR)
            }
            StoreError::Full | StoreError::Overloaded => {
                let is_full = *error == StoreError::Full;
                self.metrics.shed(if is_full { Shed::Space } else { Shed::Store });
                tracing::warn!(%error, "shedding load");
                Rejection::shedding(SHED_FOR)
            }
            _ => {
                tracing::error!(%error, "a message could not be stored");
                Rejection::SYSTEM
            }
        }
    }

    /// Counts and logs how a submission was answered, `took` after it began.
    /// `front` is the name of the protocol that it came by.
    pub fn record(
        &self,
        front: &'static str,
        inquiry: &Inquiry,
        outcome: Result<Id, Rejection>,
        took: Duration,
    ) {
        self.trace_submit(front, inquiry, outcome, took);
        let facts = &inquiry.facts;
        let code = outcome.map_or_else(Rejection::status, |_| StatusCode::Success);
        let (name, bytes) = (facts.account().map(|account| &account.name), facts.body.as_ref());
        self.metrics.submit_answered(name, front, code, took, bytes.map(|body| body.length));
        if outcome.is_ok() && !tracing::enabled!(tracing::Level::DEBUG) {
            // What is not written need not be put together.
            return;
        }
        let account = facts.account().map(|account| account.name.to_string());
        let recipient = facts.recipient().map(|recipient| recipient.to_string());
        let transaction_id = facts.transaction_id();
        match outcome {
            Ok(id) => tracing::debug!(%id, account, recipient, transaction_id, "accepted"),
            Err(refusal) => {
                let head = matches!(refusal.reject, Reject::HttpHeaders).then(|| facts.head.unusable());
                let reason = head.flatten();
                tracing::info!(
                    code = code.code(),
                    row = refusal.row,
                    rule = name_of(refusal.reject),
                    account,
                    recipient,
                    transaction_id,
                    reason,
                    address = %facts.head.remote,
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
