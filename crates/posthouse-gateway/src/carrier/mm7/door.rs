//! The door for carriers: reports, read replies and messages from handsets come in here.

use std::{net::IpAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode as HttpStatus, header};
use http_body_util::Full;
use hyper::body::Incoming;
use mm7::{
    DecodeError, Decoded, Dialect, Framing, Message, Namespace, Rule, StatusCode, Version,
    dialect::Refusal,
    http1::HeadFaultKind,
    message::{DeliveryReportReq, Operation},
    soap,
};
use posthouse_core::{
    address::Msisdn,
    carrier::{Carrier, CarrierId},
    certificate::is_asked_for,
    message::CarrierReport,
    store::{Recorded, Store},
    submit::ContentLength,
    time::Clock,
    unreadable::Unreadable,
};
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::{
    auth::{At, PasswordVerdict, Verifier},
    handoff::Handoff,
    http::{
        basic,
        body::{self, Read},
        memory::Memory,
        proxies::Proxies,
        requests::{content_length, head_fault, is_encoded, is_for},
        seats::RequestProgress,
        server::{HttpAnswer, Peer, plain},
    },
    ids::MessageIds,
    intake::SHED_FOR,
    mm7_http::envelope::{self, OpenedEnvelope, Unopened},
    snapshot::SnapshotCell,
    telemetry::Metrics,
};

/// The longest piece of a report that goes onto a timeline, in characters.
const MAX_SAID: usize = 200;

/// So many oddities of a request's form go onto a timeline.
const MOST_ODD: usize = 4;

/// The longest line about a request's form, in characters.
const MAX_ODD: usize = 400;

/// How the door is set up.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What comes before the carrier's id in the path.
    pub path_before: String,
    /// What comes after it.
    pub path_after: String,
    /// The longest body, in bytes.
    pub max_request_bytes: u64,
    /// How long a body may take to arrive.
    pub read_timeout: Duration,
    /// Whose `X-Forwarded-For` is believed.
    pub proxies: Proxies,
}

/// The door for carriers.
pub struct CarrierDoor {
    /// How it is set up.
    pub settings: Settings,
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
    /// Rung when a callback became owed.
    pub handoff: Arc<Handoff>,
    /// Counts.
    pub metrics: Arc<Metrics>,
    /// Bounds the memory that bodies take.
    pub memory: Memory,
}

/// A request that is refused.
pub(super) struct RefusedRequest {
    code: StatusCode,
    /// Why it cannot be read, where that is the reason: then it is kept for people.
    unreadable: Option<String>,
}

impl RefusedRequest {
    /// For a reason that is none of the request's form.
    pub(super) const fn by(code: StatusCode) -> Self {
        Self { code, unreadable: None }
    }
}

/// What the door takes.
const TAKEN: &[Operation] = &[Operation::DeliveryReport, Operation::Deliver, Operation::ReadReply];

impl From<DecodeError> for RefusedRequest {
    fn from(error: DecodeError) -> Self {
        Self { code: error.status(), unreadable: Some(format!("{}: {error}", error.rule.name())) }
    }
}

impl CarrierDoor {
    /// Answers one HTTP request.
    pub async fn answer(self: Arc<Self>, request: Request<Incoming>, peer: Peer) -> HttpAnswer {
        let fault = head_fault(request.headers());
        let carrier = self.carrier(request.uri().path());
        if carrier.is_none() && !is_for(&request, |_| false) {
            return plain(HttpStatus::NOT_FOUND, "there is no such carrier\n");
        }
        if request.method() != Method::POST {
            return plain(HttpStatus::METHOD_NOT_ALLOWED, "MM7 requests are posted\n");
        }
        let Some(carrier) = carrier.filter(|_| fault.is_none()) else {
            let address = self.settings.proxies.requester(request.headers(), &peer).address;
            let reason = fault.map(HeadFaultKind::words);
            tracing::warn!(%address, reason, "a request at the carriers' door was refused");
            return answer_refusal(Dialect::POSTHOUSE, None, None, StatusCode::InvalidHttpHeader);
        };
        if let Some(refused) = self.keep_out(&carrier, request.headers(), &peer).await {
            return refused;
        }
        let from = self.settings.proxies.requester(request.headers(), &peer).address;
        let span = tracing::debug_span!("carrier_request", carrier = %carrier.id, address = %from);
        self.take(&carrier, request, from, &peer.progress).instrument(span).await
    }

    fn carrier(&self, path: &str) -> Option<Arc<Carrier>> {
        let without_slash = |path: &'_ str| path.len() - usize::from(path.ends_with('/'));
        let behind = path.strip_prefix(&self.settings.path_before)?;
        let after = &self.settings.path_after;
        let behind = behind.get(..without_slash(behind))?;
        let id = behind.strip_suffix(after.get(..without_slash(after))?)?;
        self.snapshot.get().carrier(&CarrierId(id.to_owned())).cloned()
    }

    async fn keep_out(&self, carrier: &Carrier, headers: &HeaderMap, peer: &Peer) -> Option<HttpAnswer> {
        let allowed = &carrier.inbound.allowed_ips;
        let address = self.settings.proxies.requester(headers, peer).address;
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
            return refuse(carrier, None, None, &RefusedRequest::by(StatusCode::InvalidHttpHeader));
        }
        let deadline = Instant::now() + self.settings.read_timeout;
        let mut memory = self.memory.share(from);
        let bytes = match body::read(body, self.settings.max_request_bytes, deadline, &mut memory).await {
            Read::Whole(bytes) => bytes,
            Read::TooLong(rest) => {
                body::drain(rest);
                let refused = RefusedRequest {
                    code: StatusCode::ContentLengthExceeded,
                    unreadable: Some(format!("it is longer than {} bytes", self.settings.max_request_bytes)),
                };
                self.keep(carrier, &head.headers, Bytes::new(), &refused).await;
                return refuse(carrier, None, None, &refused);
            }
            Read::Misframed => {
                return refuse(carrier, None, None, &RefusedRequest::by(StatusCode::InvalidHttpHeader));
            }
            Read::Broken | Read::TooLate => {
                return plain(HttpStatus::REQUEST_TIMEOUT, "the request did not arrive in time\n");
            }
        };
        progress.working();
        let opened = match envelope::open_forgiving(&head.headers, bytes.clone()) {
            Ok(opened) => opened,
            Err(Unopened { error, framing }) => {
                let refused = error.into();
                self.keep(carrier, &head.headers, bytes, &refused).await;
                return refuse(carrier, None, framing, &refused);
            }
        };
        match self.accept(carrier, &opened).await {
            Ok(message) => {
                write(HttpStatus::OK, &message, &Framing::echoing(&opened.decoded), carrier.inbound_dialect())
            }
            Err(refused) => {
                self.keep(carrier, &head.headers, bytes, &refused).await;
                refuse(carrier, Some(&opened.decoded), None, &refused)
            }
        }
    }

    /// Keeps a request that cannot be read, so that somebody can see what is lost.
    async fn keep(&self, carrier: &Carrier, headers: &HeaderMap, body: Bytes, refused: &RefusedRequest) {
        let Some(why) = refused.unreadable.clone() else { return };
        self.metrics.unreadable(&carrier.id);
        let content_type = headers.get(header::CONTENT_TYPE);
        let unreadable = Unreadable {
            carrier: carrier.id.clone(),
            code: refused.code,
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
    async fn accept(&self, carrier: &Carrier, opened: &OpenedEnvelope) -> Result<Message, RefusedRequest> {
        // Whatever a carrier gets wrong: what can be understood is not lost for its form.
        if let Some(error) = Dialect::FORGIVING.first_refused(&opened.decoded, TAKEN) {
            // What is understood, and has no place here, is no riddle for anybody.
            let is_riddle = error.rule != Rule::UnknownOperation || opened.decoded.message.is_none();
            return Err(if is_riddle { error.into() } else { RefusedRequest::by(error.status()) });
        }
        match &opened.decoded.message {
            Some(Message::DeliveryReportReq(req)) => self.record(carrier, req, &opened.decoded).await,
            Some(Message::ReadReplyReq(req)) => self.record_read_reply(carrier, req, &opened.decoded).await,
            Some(Message::DeliverReq(req)) => self.accept_mo(carrier, req, opened).await,
            _ => Err(RefusedRequest::by(StatusCode::UnsupportedOperation)),
        }
    }

    /// Records a report.
    async fn record(
        &self,
        carrier: &Carrier,
        req: &DeliveryReportReq,
        decoded: &Decoded,
    ) -> Result<Message, RefusedRequest> {
        check_status(&req.mm_status, decoded)?;
        let report = CarrierReport { odd: odd(decoded), ..self.read_report(carrier, req)? };
        let status = report.status;
        let recorded = self.store.record_report(report).await.map_err(|error| {
            tracing::error!(%error, carrier = %carrier.id, "a report could not be recorded");
            RefusedRequest::by(StatusCode::SystemError)
        })?;
        self.metrics.report_recorded(&carrier.id, status);
        match recorded {
            Recorded::Applied(id, settled) => {
                tracing::debug!(%id, carrier = %carrier.id, %status, state = %settled.state, "report");
                if settled.owes_report {
                    self.handoff.ring();
                }
            }
            Recorded::Late(id) => {
                tracing::debug!(%id, carrier = %carrier.id, %status, "report changes nothing")
            }
            Recorded::Unmatched => {
                tracing::warn!(carrier = %carrier.id, %status, "report for an unknown id is kept")
            }
        }
        Ok(Operation::DeliveryReport.response(StatusCode::Success.into()))
    }

    fn read_report(
        &self,
        carrier: &Carrier,
        req: &DeliveryReportReq,
    ) -> Result<CarrierReport, RefusedRequest> {
        let Some(message_id) = &req.mm.message_id else {
            return Err(DecodeError::new(Rule::MissingElement, 0, "there is no MessageID").into());
        };
        Ok(CarrierReport {
            carrier: carrier.id.clone(),
            carrier_message_id: message_id.as_str().to_owned(),
            recipient: req.mm.recipient.as_ref().and_then(|address| Msisdn::parse(address.as_str(), true)),
            sender: req.mm.sender.as_ref().map(|address| address.as_str().to_owned()),
            status: carrier.vocabulary.status(&req.mm_status),
            said: said(&req.mm_status, req.status_text.as_deref()),
            odd: String::new(),
            received_at: self.clock.now(),
        })
    }
}

/// So many passwords are being checked that it was not this one's turn.
fn come_again() -> HttpAnswer {
    let mut refused = plain(HttpStatus::SERVICE_UNAVAILABLE, "too many passwords are being checked\n");
    refused.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(SHED_FOR.as_secs()));
    refused
}

/// What a carrier said, in a line for the timeline.
pub(super) fn said(status: &str, text: Option<&str>) -> String {
    let said = match text {
        Some(text) => format!("{status} {text}"),
        None => status.to_owned(),
    };
    said.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_SAID).collect()
}

/// What was odd about the form of a request, in a line for the timeline; empty: nothing.
pub(super) fn odd(decoded: &Decoded) -> String {
    let told = decoded.errors.iter().take(MOST_ODD).map(ToString::to_string);
    let mut odd = told.collect::<Vec<_>>().join("; ");
    if decoded.errors.len() > MOST_ODD {
        odd.push_str(&format!("; and {} more", decoded.errors.len() - MOST_ODD));
    }
    if odd.is_empty() {
        odd
    } else {
        format!("odd form, taken all the same: {odd}").chars().take(MAX_ODD).collect()
    }
}

/// A status that is missing from what broke off, or had to be mended, might have been any.
pub(super) fn check_status(status: &str, decoded: &Decoded) -> Result<(), DecodeError> {
    let broken = decoded.errors.iter().find(|error| error.rule == Rule::NotWellFormed);
    broken.filter(|_| status.is_empty()).map_or(Ok(()), |error| Err(error.clone()))
}

/// Why nothing can be read behind a head, if so. Whatever its Content-Type says, the body is read for what it is.
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
    refused: &RefusedRequest,
) -> HttpAnswer {
    let is_kept = refused.unreadable.is_some();
    tracing::warn!(carrier = %carrier.id, code = refused.code.code(), is_kept, "a carrier's request was refused");
    answer_refusal(carrier.inbound_dialect(), decoded, framing, refused.code)
}

fn answer_refusal(
    dialect: &Dialect,
    decoded: Option<&Decoded>,
    framing: Option<Framing>,
    code: StatusCode,
) -> HttpAnswer {
    let operation = decoded.and_then(|decoded| decoded.message.as_ref()?.operation());
    let operation = operation.unwrap_or(Operation::DeliveryReport);
    let dressed = dialect.refusal(&Refusal { code, identified: false, operation });
    let framing = decoded.map(Framing::echoing).or(framing);
    let framing = framing.unwrap_or_else(|| Framing::new(Namespace::LATEST, Version::V6_8_0, None));
    let status = HttpStatus::from_u16(dressed.http_status).unwrap_or(HttpStatus::OK);
    write(status, &dressed.message, &framing, dialect)
}

fn write(status: HttpStatus, message: &Message, framing: &Framing, dialect: &Dialect) -> HttpAnswer {
    let mut answer = Response::new(Full::new(Bytes::from(soap::encode(message, framing))));
    *answer.status_mut() = status;
    let content_type = HeaderValue::from_static(dialect.answer_content_type);
    answer.headers_mut().insert(header::CONTENT_TYPE, content_type);
    answer
}
