//! The MM7 door for VASPs: from an HTTP request to facts, and from the decision to an MM7 answer.

mod answer;
mod exchange;
mod head;
mod refused;
mod vouched;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method, Request, StatusCode as HttpStatus};
use hyper::body::Incoming;
use posthouse_core::{
    Id,
    submit::{Facts, Rejection},
};
use tokio::time::Instant;
use tracing::{Instrument as _, Span, field};

use self::exchange::Exchange;
pub use self::vouched::{VouchedAnswer, VouchedRequest};
use crate::{
    auth::{Verifier, key_uses::KeyUses},
    http::{
        body::drain,
        limits::DoorLimits,
        peer::Peer,
        requests::{is_for, is_same_place},
        server::{HttpAnswer, method_not_allowed, plain, shown},
    },
    intake::{Inquiry, Intake},
    refusals::RefusalBook,
    snapshot::SnapshotCell,
    telemetry::captures::request_text,
};

/// What this leg is called in captures.
const FRONT_LEG: &str = "submit";
/// What this protocol is called in metrics.
const FRONT: &str = "mm7";

/// The MM7 door for VASPs.
pub struct Mm7Door {
    /// The path that SubmitReq are posted to.
    pub path: String,
    /// The header that names the carrier.
    pub carrier_id_header: HeaderName,
    /// What a request may take.
    pub limits: DoorLimits,
    /// Provisioning.
    pub snapshot: Arc<SnapshotCell>,
    /// The store's key, under which VASPIDs are hashed.
    pub key: [u8; 32],
    /// Verifies passwords.
    pub verifier: Arc<Verifier>,
    /// Told which keys are used.
    pub key_uses: Arc<KeyUses>,
    /// Decides about what is submitted, and accepts it.
    pub intake: Arc<Intake>,
    /// Keeps what is refused.
    pub refusals: Arc<RefusalBook>,
}

impl Mm7Door {
    /// Answers one HTTP request.
    pub async fn answer(self: Arc<Self>, request: Request<Incoming>, peer: Peer) -> HttpAnswer {
        if !is_for(&request, |path| is_same_place(path, &self.path)) {
            return plain(HttpStatus::NOT_FOUND, "there is nothing here\n");
        }
        if request.method() != Method::POST {
            return method_not_allowed("POST", "MM7 requests are posted\n");
        }
        let span = tracing::debug_span!("submit", id = field::Empty, address = %peer.address);
        self.submit(request, peer, &span).instrument(span.clone()).await
    }

    async fn submit(&self, request: Request<Incoming>, peer: Peer, span: &Span) -> HttpAnswer {
        let began = Instant::now();
        let (head, body) = request.into_parts();
        let facts = Facts::new(self.snapshot.get(), self.read_head(&head.headers, &peer));
        let mut inquiry = Inquiry::new(facts);
        inquiry.caller = self.intake.caller(&head.headers);
        let mut exchange = Exchange {
            door: self,
            memory: self.limits.share(inquiry.facts.head.remote),
            inquiry,
            headers: head.headers,
            body: Some(body),
            whole: None,
            progress: peer.progress,
        };
        let Some(outcome) = self.intake.submit(&mut exchange).await else {
            // The body did not come in time, or not at all.
            return plain(HttpStatus::REQUEST_TIMEOUT, "the request did not arrive in time\n");
        };
        let facts = &exchange.inquiry.facts;
        let answer = match outcome {
            Ok(id) => {
                span.record("id", field::display(id));
                answer::success(facts, id)
            }
            Err(refusal) => answer::refusal(facts, refusal),
        };
        if let Some(rest) = exchange.body.take() {
            drain(rest);
        }
        let answer = self.captured(&exchange, outcome, answer, began).await;
        self.intake.record(FRONT, &exchange.inquiry, outcome, began.elapsed());
        if let Err(refusal) = outcome {
            self.note(&exchange.inquiry.facts, refusal, &exchange.headers, exchange.whole);
        }
        answer
    }

    /// Keeps the exchange, where an operator wants it.
    async fn captured(
        &self,
        exchange: &Exchange<'_>,
        outcome: Result<Id, Rejection>,
        answer: HttpAnswer,
        began: Instant,
    ) -> HttpAnswer {
        let facts = &exchange.inquiry.facts;
        let (account, carrier) = (facts.account().map(|account| &account.name), None);
        let (captures, now) = (self.intake.metrics.captures(), self.intake.clock.now());
        let peer = || facts.head.remote.to_string();
        let Some(tap) = captures.tap(now, (account, carrier), FRONT_LEG, peer, began) else { return answer };
        let (path, chunks) = (&self.path, exchange.whole.clone().map_or_else(Vec::new, |whole| vec![whole]));
        let message = outcome.ok();
        let request = request_text(path, &exchange.headers, &chunks, message);
        let (answer, told) = shown(answer, message).await;
        tap.about(message).keep(request, told);
        answer
    }

    /// Notes a refusal: what is wrong with the request is found out later, beside the way of all others.
    fn note(&self, facts: &Facts, refusal: Rejection, headers: &HeaderMap, body: Option<Bytes>) {
        self.refusals.note(refusal.reject, &refused::kind(facts, refusal), || {
            let head = (self.path.as_str(), headers);
            refused::noted(facts, refusal, head, body, &self.key, self.intake.clock.now())
        });
    }
}
