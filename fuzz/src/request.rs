//! Any bytes as a request of a VASP: unpacked, decoded, decided, answered.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use mm7::dialect::Refusal;
use mm7::message::{Operation, SubmitReq};
use mm7::mime::{Package, unpack};
use mm7::{
    DecodeError, Decoded, Dialect, Framing, Limits, Message, Namespace, Rule, SeenNamespace, Version, decode,
    encode,
};
use posthouse_core::Id;
use posthouse_core::account::{Account, AccountName, AccountStatus, Callbacks, Service, SubmitMode, VaspKey};
use posthouse_core::carrier::{Carrier, CarrierId, Connection, Inbound, OnUnknown};
use posthouse_core::message::Digest;
use posthouse_core::provisioning::{DialectName, Snapshot};
use posthouse_core::submit::{
    AdaptFact, Admission, Arrival, Ask, Body, CarrierFact, ContentLength, ContentTypeHeader, CredentialsFact,
    Decision, Facts, FetchFact, Head, Mm7Body, Rejection, decide, plan,
};
use posthouse_core::url::PeerUrl;
use posthouse_core::vocabulary::Vocabulary;

use super::input::{Input, check_error};
use super::multipart::check_packed;

/// One more than the checks can ask for.
const MAX_ASKS: usize = 8;
/// What the gateway takes at most.
const MAX_REQUEST_BYTES: u64 = 5 << 20;

/// Decides the request as that of an account of each dialect, whatever VASPID it names, and checks the answer.
pub fn check(data: &[u8]) {
    let input = Input::read(data);
    let limits = Limits::default();
    let package =
        input.content_type.as_ref().map(|content_type| unpack(content_type, input.body.clone(), &limits));
    let decoded = read_root(package.as_ref(), &limits);
    for dialect in Dialect::ALL {
        let mut facts = Facts::new(Arc::new(Snapshot::default()), head(&input));
        let mut body = Body {
            arrival: Arrival::Whole,
            length: input.body.len() as u64,
            digest: Digest([0; 16]),
            mm7: Mm7Body { package: package.clone().unwrap_or_default(), decoded: decoded.clone() },
            account: None,
            dialect,
            carrier_id: None,
        };
        body.account = Some(Arc::new(account(dialect, body.mm7.submit_req())));
        let mut body = Some(body);
        match decision(&mut facts, &mut body) {
            Some(refusal) => check_refusal(&facts, refusal),
            None => check_accepted(&facts, input.body.len()),
        }
    }
}

fn read_root(package: Option<&Package>, limits: &Limits) -> Result<Decoded, DecodeError> {
    let none = || DecodeError::new(Rule::RootContentType, 0, "there is no root part");
    let root = package.and_then(|package| package.root.as_ref()).ok_or_else(none)?;
    let charset = root.content_type.as_ref().and_then(|content_type| content_type.param("charset"));
    decode(&root.bytes()?, charset, limits)
}

fn head(input: &Input) -> Head {
    Head {
        fault: None,
        content_type: input
            .content_type
            .clone()
            .map_or(ContentTypeHeader::Malformed, ContentTypeHeader::Read),
        content_length: ContentLength::Bytes(input.body.len() as u64),
        is_encoded: false,
        max_request_bytes: MAX_REQUEST_BYTES,
        remote: IpAddr::V4(Ipv4Addr::LOCALHOST),
        tls: false,
        certificate: None,
        is_vouched_for: false,
    }
}

/// The refusal, or `None` where the request is accepted.
fn decision(facts: &mut Facts, body: &mut Option<Body>) -> Option<Rejection> {
    for _ in 0..MAX_ASKS {
        match decide(facts) {
            Decision::Refuse(refusal) => return Some(refusal),
            Decision::Accept => return None,
            Decision::Ask(ask) => find_out(ask, facts, body),
        }
    }
    unreachable!("the checks ask for the same again");
}

fn find_out(ask: Ask, facts: &mut Facts, body: &mut Option<Body>) {
    match ask {
        Ask::Body => facts.body = body.take(),
        Ask::Credentials => facts.credentials = Some(CredentialsFact::Right),
        Ask::Admission => facts.admission = Some(Admission::In),
        Ask::Content => {
            facts.content = facts.body.as_ref().and_then(|body| body.read_content(&Limits::default()));
        }
        Ask::Carrier => {
            facts.carrier = Some(CarrierFact::Found { carrier: Arc::new(carrier()), refuses_us: false });
        }
        Ask::Fetch => facts.fetched = Some(FetchFact::Failed),
        Ask::Adapt => facts.adapted = Some(AdaptFact::Failed),
    }
}

/// The answer is in the caller's namespace and version, reads without complaint, and says the code.
fn check_refusal(facts: &Facts, refusal: Rejection) {
    let refused =
        Refusal { code: refusal.status(), identified: refusal.identified(), operation: Operation::Submit };
    let answer = facts.dialect().refusal(&refused);
    let decoded = facts.body.as_ref().and_then(|body| body.mm7.decoded.as_ref().ok());
    let framing =
        decoded.map_or_else(|| Framing::new(Namespace::LATEST, Version::V6_8_0, None), Framing::answering);
    let again = decode(&encode(&answer.message, &framing), None, &Limits::default());
    assert!(again.is_ok(), "{again:?}");
    let Ok(again) = again else { return };
    let is_invented = matches!(framing.namespace, SeenNamespace::Invented(_));
    let tolerated = |error: &DecodeError| match error.rule {
        Rule::NoTransactionId => framing.transaction_id.is_none(),
        Rule::InventedNamespace | Rule::UnknownVersion => is_invented,
        Rule::MissingElement => matches!(answer.message, Message::SubmitRsp(_)),
        _ => false,
    };
    assert!(again.errors.iter().all(tolerated), "{:?}", again.errors);
    assert_eq!(again.transaction_id, framing.transaction_id);
    let code = |message: &Message| message.status().map(|status| status.code);
    assert_eq!(again.message.as_ref().and_then(code), code(&answer.message));
    if let Some(Err(error)) = facts.body.as_ref().map(|body| &body.mm7.decoded) {
        check_error(error, usize::MAX);
    }
}

/// What the checks pass is a message, and its media can be passed on.
fn check_accepted(facts: &Facts, length: usize) {
    let message = Id::from_number(1).and_then(|id| plan(facts, id, Timestamp::UNIX_EPOCH));
    assert!(message.is_some(), "the checks passed what is no message");
    let Some(message) = message else { return };
    assert_eq!(message.media.len(), message.submission.parts.len());
    // A SMIL of ours stands first, and is no part of what came.
    let is_made = |note: &String| note == "a SMIL was made, since there was none";
    let made = usize::from(message.submission.notes.iter().any(is_made));
    let decoded: usize = message.media.iter().skip(made).map(|media| media.len()).sum();
    assert!(decoded <= length, "decoding made more of it");
    assert!(
        !message.submission.notes.iter().any(|note| note.contains(char::is_control)),
        "{:?}",
        message.submission.notes
    );
    if let Some(Ok(content)) = &facts.content {
        check_packed(&content.media, facts.dialect().inner);
    }
}

/// An account that may send as whatever service and sender the request names, so that the later checks are reached.
fn account(dialect: &'static Dialect, req: Option<&SubmitReq>) -> Account {
    let vasid = req.and_then(|req| req.sender.vasid.as_ref()).map_or("tides", |vasid| vasid.as_str());
    let sender = req.and_then(|req| req.sender.address.as_ref()).map_or("111122", |sender| sender.as_str());
    let service = Service {
        vasid: vasid.to_owned(),
        senders: vec![sender.trim().to_owned()],
        carriers: None,
        default: true,
    };
    Account {
        name: AccountName("harbour".to_owned()),
        vaspid: VaspKey { hash: String::new(), prefix: String::new() },
        status: AccountStatus::Active,
        mm7: true,
        basic_auth: None,
        further_keys: Vec::new(),
        allowed_ips: Vec::new(),
        client_certs: Vec::new(),
        require_tls: false,
        dialect: DialectName::new(dialect),
        statuses: None,
        must_understand: true,
        read_replies: false,
        submit_mode: SubmitMode::Queue,
        relay_timeout: Duration::from_secs(10),
        require_carrier_id: false,
        max_message_bytes: MAX_REQUEST_BYTES,
        throughput: None,
        callbacks: Callbacks::default(),
        services: vec![service],
    }
}

/// A carrier that takes everything; its connection is never used.
fn carrier() -> Carrier {
    let connection = Connection {
        name: "link".to_owned(),
        url: PeerUrl::parse("http://192.0.2.1/mm7".to_owned()).unwrap(),
        vaspid: None,
        vasid: None,
        basic_auth: None,
        dialect: DialectName::new(Dialect::THREE_GPP),
        timeout: Duration::from_secs(10),
        per_second: None,
        window: 1,
        priority: 1,
        weight: 1,
        namespace: None,
        version: None,
        tls: None,
    };
    Carrier {
        id: CarrierId("31003".to_owned()),
        aliases: Vec::new(),
        name: "Sea Mobile".to_owned(),
        max_message_bytes: MAX_REQUEST_BYTES,
        content_types: vec!["*/*".to_owned()],
        report_timeout: Duration::from_secs(3600),
        on_unknown: OnUnknown::Park,
        connections: vec![connection],
        inbound: Inbound::default(),
        vocabulary: Vocabulary::default(),
    }
}
