//! The door for carriers: reports, read replies and messages from handsets come in here.

use std::{net::IpAddr, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode as HttpStatus, header};
use hyper::body::Incoming;
use mm7::{
    DecodeError, Decoded, Dialect, Framing, Message, Rule, StatusCode, dialect::Refusal,
    http1::HeadFaultKind, message::Operation,
};
use posthouse_core::{
    Id,
    carrier::{Carrier, CarrierId},
    certificate::is_asked_for,
    store::Store,
    submit::{ContentLength, SHED_FOR},
    time::Clock,
    unreadable::Unreadable,
};
use tokio::time::Instant;
use tracing::Instrument as _;

use super::refusal::CarrierRefusal;
use crate::{
    auth::{At, PasswordVerdict, Verifier},
    handoff::callbacks::CallbackHandoff,
    http::{
        basic,
        body::{self, Read},
        limits::DoorLimits,
        peer::Peer,
        requests::{content_length, head_fault, is_encoded, is_for},
        seats::RequestProgress,
        server::{HttpAnswer, method_not_allowed, plain, shown},
    },
    ids::MessageIds,
    mm7_http::{
        answer::{self, unframed},
        envelope::{self, OpenedEnvelope, Unopened},
    },
    snapshot::SnapshotCell,
    telemetry::{Metrics, captures::request_text, traces::SpanContext},
};

/// The door for carriers.
pub struct CarrierDoor {
    /// The part of the path before the carrier's id.
    pub path_before: String,
    /// The part of the path after it.
    pub path_after: String,
    /// What a request may take.
    pub limits: DoorLimits,
    /// Where reports are recorded.
    pub store: Arc<dyn Store>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Provisioning.
    pub snapshot: Arc<SnapshotCell>,
    /// Verifies passwords.
    pub verifier: Arc<Verifier>,
    /// Makes the LinkedIDs of messages from handsets.
    pub ids: Arc<MessageIds>,
    /// Where callbacks go that become owed.
    pub callbacks: Arc<CallbackHandoff>,
    /// Counts what came.
    pub metrics: Arc<Metrics>,
}

/// A request that is on disk.
pub(super) struct Accepted {
    /// What is answered.
    pub(super) answer: Message,
    /// The message that it is about, or that it is; `None` where the report is about none that is known, or the message for nobody.
    pub(super) about: Option<Id>,
}

/// What the door takes.
const TAKEN: &[Operation] = &[Operation::DeliveryReport, Operation::Deliver, Operation::ReadReply];

impl CarrierDoor {
    /// Answers one HTTP request.
    pub async fn answer(self: Arc<Self>, request: Request<Incoming>, peer: Peer) -> HttpAnswer {
        let fault = head_fault(request.headers());
        let carrier = self.carrier(request.uri().path());
        if carrier.is_none() && !is_for(&request, |_| false) {
            return plain(HttpStatus::NOT_FOUND, "there is no such carrier\n");
        }
        if request.method() != Method::POST {
            return method_not_allowed("POST", "MM7 requests are posted\n");
        }
        let Some(carrier) = carrier.filter(|_| fault.is_none()) else {
            let address = peer.requester(request.headers(), &self.limits.proxies).address;
            let reason = fault.map(HeadFaultKind::words);
            tracing::warn!(%address, reason, "a request at the carriers' door was refused");
            return answer_refusal(Dialect::POSTHOUSE, None, None, CarrierRefusal::Head.status());
        };
        if let Some(refused) = self.keep_out(&carrier, request.headers(), &peer).await {
            return refused;
        }
        let from = peer.requester(request.headers(), &self.limits.proxies).address;
        let span = tracing::debug_span!("carrier_request", carrier = %carrier.id, address = %from);
        self.take(&carrier, request, from, &peer.progress).instrument(span).await
    }

    fn carrier(&self, path: &str) -> Option<Arc<Carrier>> {
        let without_slash = |path: &'_ str| path.len() - usize::from(path.ends_with('/'));
        let behind = path.strip_prefix(&self.path_before)?;
        let after = &self.path_after;
        let behind = behind.get(..without_slash(behind))?;
        let id = behind.strip_suffix(after.get(..without_slash(after))?)?;
        let carrier = self.snapshot.get().carrier(&CarrierId(id.to_owned())).cloned();
        // Nobody posts in the name of the one inside of the gateway.
        carrier.filter(|carrier| !carrier.id.is_sandbox())
    }

    async fn keep_out(&self, carrier: &Carrier, headers: &HeaderMap, peer: &Peer) -> Option<HttpAnswer> {
        let allowed = &carrier.inbound.allowed_ips;
        let address = peer.requester(headers, &self.limits.proxies).address;
        if !allowed.is_empty() && !allowed.iter().any(|network| network.contains(&address)) {
            tracing::warn!(carrier = %carrier.id, %address, "a carrier's request came from an address that is not allowed");
            return Some(plain(HttpStatus::FORBIDDEN, "this address may not post here\n"));
        }
        if !is_asked_for(&carrier.inbound.client_certs, peer.certificate.as_deref()) {
            tracing::warn!(carrier = %carrier.id, %address, "a carrier's request came without a client certificate that is asked for");
            return Some(plain(HttpStatus::FORBIDDEN, "a client certificate that may post here is needed\n"));
        }
        let expected = carrier.inbound.basic_auth.as_ref()?;
        match self.verifier.judge(basic::shown(headers), expected, address, At::Carriers).await {
            PasswordVerdict::Right => return None,
            PasswordVerdict::Wrong => {}
            PasswordVerdict::NoTurn => return Some(come_again()),
        }
        tracing::warn!(carrier = %carrier.id, %address, "a carrier's request had wrong or no credentials");
        let mut refused = plain(HttpStatus::UNAUTHORIZED, "wrong or missing credentials\n");
        let realm = HeaderValue::from_static("Basic realm=\"posthouse\"");
        refused.headers_mut().insert(header::WWW_AUTHENTICATE, realm);
        Some(refused)
    }

    async fn take(
        &self,
        carrier: &Carrier,
        request: Request<Incoming>,
        from: IpAddr,
        progress: &RequestProgress,
    ) -> HttpAnswer {
        let (head, body) = request.into_parts();
        if let Some(reason) = unusable(&head.headers) {
            tracing::warn!(carrier = %carrier.id, reason, "a carrier's request has a head that cannot be used");
            body::drain(body);
            return refuse(carrier, None, None, &CarrierRefusal::Head);
        }
        let mut memory = self.limits.share(from);
        let bytes = match self.limits.read(body, &mut memory).await {
            Read::Whole(bytes) => bytes,
            Read::TooLong(rest) => {
                body::drain(rest);
                let refused = CarrierRefusal::TooLong(self.limits.max_request_bytes);
                self.keep(carrier, &head.headers, Bytes::new(), &refused).await;
                return refuse(carrier, None, None, &refused);
            }
            Read::Misframed => {
                return refuse(carrier, None, None, &CarrierRefusal::Head);
            }
            Read::Broken | Read::TooLate => {
                return plain(HttpStatus::REQUEST_TIMEOUT, "the request did not arrive in time\n");
            }
        };
        progress.working();
        let began = Instant::now();
        let (answer, about) = self.answer_to(carrier, &head.headers, bytes.clone()).await;
        let (whose, peer) = ((None, Some(&carrier.id)), || from.to_string());
        let captures = self.metrics.captures();
        let Some(tap) = captures.tap(self.clock.now(), whose, "carrier", peer, began) else { return answer };
        let request = request_text(head.uri.path(), &head.headers, &[bytes], about);
        let (answer, told) = shown(answer, about).await;
        tap.about(about).keep(request, told);
        answer
    }

    /// The answer to a request that is here in full, and the message that it is about.
    async fn answer_to(
        &self,
        carrier: &Carrier,
        headers: &HeaderMap,
        bytes: Bytes,
    ) -> (HttpAnswer, Option<Id>) {
        let opened = match envelope::open_forgiving(headers, bytes.clone()) {
            Ok(opened) => opened,
            Err(Unopened { error, framing }) => {
                let refused = error.into();
                self.keep(carrier, headers, bytes, &refused).await;
                return (refuse(carrier, None, framing, &refused), None);
            }
        };
        let caller = self.metrics.traces().and_then(|_| SpanContext::read(headers));
        match self.accept(carrier, &opened, caller).await {
            Ok(accepted) => {
                let framing = Framing::echoing(&opened.decoded);
                let dialect = carrier.inbound_dialect();
                (answer::write(HttpStatus::OK, &accepted.answer, &framing, dialect), accepted.about)
            }
            Err(refused) => {
                self.keep(carrier, headers, bytes, &refused).await;
                (refuse(carrier, Some(&opened.decoded), None, &refused), None)
            }
        }
    }

    /// Keeps a request that cannot be read, so that an operator can see what is lost.
    async fn keep(&self, carrier: &Carrier, headers: &HeaderMap, body: Bytes, refused: &CarrierRefusal) {
        let Some(why) = refused.unreadable() else { return };
        self.metrics.unreadable(&carrier.id);
        let content_type = headers.get(header::CONTENT_TYPE);
        let unreadable = Unreadable {
            carrier: carrier.id.clone(),
            code: refused.status(),
            content_type: content_type.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()),
            length: body.len() as u64,
            digest: envelope::digest_of(&why, &body),
            why,
            body,
            received_at: self.clock.now(),
        };
        if let Err(error) = self.store.keep_unreadable(unreadable).await {
            tracing::warn!(%error, carrier = %carrier.id, "a carrier's request that cannot be read could not be kept");
        }
    }

    /// Puts on disk what came; the answer may be given only then.
    async fn accept(
        &self,
        carrier: &Carrier,
        opened: &OpenedEnvelope,
        caller: Option<SpanContext>,
    ) -> Result<Accepted, CarrierRefusal> {
        // Whatever a carrier gets wrong: what can be understood is not lost for its form.
        if let Some(error) = Dialect::FORGIVING.first_refused(&opened.decoded, TAKEN) {
            let is_understood = error.rule == Rule::UnknownOperation && opened.decoded.message.is_some();
            return Err(if is_understood { CarrierRefusal::NotTaken(error) } else { error.into() });
        }
        match &opened.decoded.message {
            Some(Message::DeliveryReportReq(req)) => {
                self.record_report(carrier, req, &opened.decoded, caller).await
            }
            Some(Message::ReadReplyReq(req)) => self.record_read_reply(carrier, req, &opened.decoded).await,
            Some(Message::DeliverReq(req)) => self.accept_mo(carrier, req, opened).await,
            _ => Err(CarrierRefusal::NotTaken(DecodeError::new(
                Rule::UnknownOperation,
                0,
                "it is none of the requests of carriers",
            ))),
        }
    }
}

/// The answer while so many passwords are being checked that it was not this one's turn in time.
fn come_again() -> HttpAnswer {
    let mut refused = plain(HttpStatus::SERVICE_UNAVAILABLE, "too many passwords are being checked\n");
    refused.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(SHED_FOR.as_secs()));
    refused
}

/// Why the body behind a head cannot be read, if so. Whatever its Content-Type says, the body is read for what it is.
fn unusable(headers: &HeaderMap) -> Option<&'static str> {
    match content_length(headers) {
        ContentLength::Missing => Some("there is no Content-Length"),
        ContentLength::Malformed => Some("the length of the body cannot be told"),
        ContentLength::Bytes(_) | ContentLength::Chunked => {
            is_encoded(headers).then_some("there is a Content-Encoding: bodies are taken as they are")
        }
    }
}

fn refuse(
    carrier: &Carrier,
    decoded: Option<&Decoded>,
    framing: Option<Framing>,
    refused: &CarrierRefusal,
) -> HttpAnswer {
    let is_kept = refused.unreadable().is_some();
    tracing::warn!(carrier = %carrier.id, code = refused.status().code(), is_kept, "a carrier's request was refused");
    answer_refusal(carrier.inbound_dialect(), decoded, framing, refused.status())
}

fn answer_refusal(
    dialect: &Dialect,
    decoded: Option<&Decoded>,
    framing: Option<Framing>,
    code: StatusCode,
) -> HttpAnswer {
    let operation = decoded.and_then(|decoded| decoded.message.as_ref()?.operation());
    let operation = operation.unwrap_or(Operation::DeliveryReport);
    let framing = decoded.map(Framing::echoing).or(framing);
    let framing = framing.unwrap_or_else(unframed);
    answer::refusal(dialect, &Refusal { code, identified: false, operation }, &framing)
}
