//! The ordered checks of contract 4.1.

use mm7::Rule;

use super::{
    Ask, Reject, Rejection,
    adapt::{adaptations, fits},
    facts::{
        AdaptFact, Admission, Arrival, Body, CarrierFact, ContentLength, CredentialsFact, Facts, FetchFact,
    },
};
use crate::{account::AccountStatus, address::bare, carrier::Carrier, certificate::is_asked_for};

/// One check: a row of contract 4.1, or a part of one.
pub struct Check {
    /// The row.
    pub row: u8,
    /// What is checked, for tests and traces.
    pub name: &'static str,
    examine: fn(&Facts) -> Outcome,
}

/// `Err` ends the checks.
type Outcome = Result<(), Stop>;

enum Stop {
    Refuse(Reject),
    Ask(Ask),
}

impl From<Reject> for Stop {
    fn from(reject: Reject) -> Self {
        Self::Refuse(reject)
    }
}

impl From<Ask> for Stop {
    fn from(ask: Ask) -> Self {
        Self::Ask(ask)
    }
}

/// What the checks say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Refuse: the first row that does not pass.
    Refuse(Rejection),
    /// Find this out and ask again.
    Ask(Ask),
    /// Every row passed: [`plan`](super::plan) makes a message of it.
    Accept,
}

/// Runs the checks in their order.
pub fn decide(facts: &Facts) -> Decision {
    CHECKS
        .iter()
        .map(|check| check.examine(facts))
        .find(|decision| *decision != Decision::Accept)
        .unwrap_or(Decision::Accept)
}

impl Check {
    /// Runs this check alone, whatever those before it say.
    pub fn examine(&self, facts: &Facts) -> Decision {
        match (self.examine)(facts) {
            Ok(()) => Decision::Accept,
            Err(Stop::Refuse(reject)) => Decision::Refuse(Rejection { row: self.row, reject }),
            Err(Stop::Ask(ask)) => Decision::Ask(ask),
        }
    }

    /// The check of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        CHECKS.iter().find(|check| check.name == name)
    }
}

macro_rules! checks {
    ($($row:literal $name:ident;)*) => {
        /// Every check, in the order in which the first that does not pass is answered.
        pub static CHECKS: &[Check] = &[$(Check { row: $row, name: stringify!($name), examine: $name },)*];
    };
}

checks! {
    1 http_headers;
    2 request_length;
    3 root_content_type;
    4 envelope_reads;
    5 soap_header;
    6 soap_body;
    7 namespaces;
    8 operation;
    9 version;
    9 schema;
    10 sender_identification;
    11 vaspid;
    12 address_and_protocol;
    13 client_certificate;
    13 credentials;
    14 account_status;
    14 account_mm7;
    15 throughput;
    16 vasid;
    17 sender_present;
    17 sender_provisioned;
    18 recipient_present;
    18 one_recipient;
    18 recipient_number;
    19 reply_charging;
    20 charged_party;
    21 content_present;
    22 message_length;
    23 attachment_content_types;
    24 attachments_read;
    25 blacklist;
    26 carrier_id_present;
    26 carrier_id_known;
    27 lookup;
    28 service_reaches_carrier;
    29 carrier_has_connection;
    30 carrier_takes_content;
    31 content_by_url;
    // Again, now that all of the content is known. What came along and is refused by itself costs no fetch.
    30 carrier_takes_whole_content;
}

fn refuse_if(condition: bool, reject: Reject) -> Outcome {
    if condition { Err(reject.into()) } else { Ok(()) }
}

fn body(facts: &Facts) -> Result<&Body, Stop> {
    facts.body.as_ref().ok_or(Stop::Ask(Ask::Body))
}

/// Refuses for the first of these rules that is broken and that the dialect does not tolerate.
fn rules(facts: &Facts, from: Rule, to: Rule) -> Outcome {
    let body = body(facts)?;
    let in_envelope = body.decoded.as_ref().map_or(&[][..], |decoded| &decoded.errors);
    let broken = in_envelope
        .iter()
        .chain(&body.package.errors)
        .map(|error| error.rule)
        .find(|rule| (from..=to).contains(rule) && body.dialect.refuses(*rule));
    broken.map_or(Ok(()), |rule| Err(Reject::Decode(rule).into()))
}

fn http_headers(facts: &Facts) -> Outcome {
    refuse_if(facts.head.unusable().is_some(), Reject::HttpHeaders)?;
    // Whose dialect counts is known only with the body: till then, chunks are taken.
    let refuses_chunks = facts.body.as_ref().is_some_and(|body| !body.dialect.takes_chunks);
    refuse_if(facts.head.content_length == ContentLength::Chunked && refuses_chunks, Reject::Chunks)
}

fn request_length(facts: &Facts) -> Outcome {
    match facts.head.content_length {
        ContentLength::Bytes(length) => {
            refuse_if(length > facts.head.max_request_bytes, Reject::RequestTooLong)?;
        }
        ContentLength::Chunked => {}
        ContentLength::Missing | ContentLength::Malformed => return Ok(()),
    }
    refuse_if(body(facts)?.arrival == Arrival::TooLong, Reject::RequestTooLong)
}

fn root_content_type(facts: &Facts) -> Outcome {
    rules(facts, Rule::RootContentType, Rule::RootContentType)
}

fn envelope_reads(facts: &Facts) -> Outcome {
    match &body(facts)?.decoded {
        Ok(_) => Ok(()),
        Err(error) => Err(Reject::Decode(error.rule).into()),
    }
}

fn soap_header(facts: &Facts) -> Outcome {
    rules(facts, Rule::NotAnEnvelope, Rule::OtherHeaderEntry)
}

fn soap_body(facts: &Facts) -> Outcome {
    rules(facts, Rule::NoBody, Rule::SeveralOperations)
}

fn namespaces(facts: &Facts) -> Outcome {
    rules(facts, Rule::ForeignNamespace, Rule::NoNamespace)
}

fn operation(facts: &Facts) -> Outcome {
    refuse_if(body(facts)?.submit_req().is_none(), Reject::NotSubmitReq)
}

fn version(facts: &Facts) -> Outcome {
    rules(facts, Rule::NoVersion, Rule::UnknownVersion)?;
    let body = body(facts)?;
    let Ok(decoded) = &body.decoded else { return Ok(()) };
    let taken =
        decoded.version.is_some_and(|version| body.dialect.takes_version(version, &decoded.namespace));
    refuse_if(!taken, Reject::Decode(Rule::UnknownVersion))
}

/// What a strict dialect refuses of the rest of the envelope. Elements that are missing have rows of their own.
fn schema(facts: &Facts) -> Outcome {
    rules(facts, Rule::ElementOrder, Rule::RepeatedElement)?;
    rules(facts, Rule::ChildNamespace, Rule::StrayText)
}

fn sender_identification(facts: &Facts) -> Outcome {
    refuse_if(body(facts)?.submit_req().is_none_or(|req| req.sender.vaspid.is_none()), Reject::NoVaspId)
}

fn vaspid(facts: &Facts) -> Outcome {
    refuse_if(body(facts)?.account.is_none(), Reject::UnknownVaspId)
}

fn address_and_protocol(facts: &Facts) -> Outcome {
    let Some(account) = facts.account() else { return Ok(()) };
    let allowed = account.allowed_ips.is_empty()
        || account.allowed_ips.iter().any(|network| network.contains(&facts.head.remote));
    refuse_if(!allowed || (account.require_tls && !facts.head.tls), Reject::AddressOrProtocol)
}

fn client_certificate(facts: &Facts) -> Outcome {
    let Some(account) = facts.account() else { return Ok(()) };
    let asked_for = is_asked_for(&account.client_certs, facts.head.certificate.as_deref());
    refuse_if(!asked_for, Reject::ClientCertificate)
}

fn credentials(facts: &Facts) -> Outcome {
    if facts.account().is_none_or(|account| account.basic_auth.is_none()) {
        return Ok(());
    }
    match facts.credentials.ok_or(Ask::Credentials)? {
        CredentialsFact::Right => Ok(()),
        CredentialsFact::Wrong | CredentialsFact::Missing => Err(Reject::Credentials.into()),
        CredentialsFact::NoTurn { retry_after } => Err(Reject::Throughput { retry_after }.into()),
    }
}

fn account_status(facts: &Facts) -> Outcome {
    refuse_if(
        facts.account().is_some_and(|account| account.status == AccountStatus::Disabled),
        Reject::AccountDisabled,
    )
}

fn account_mm7(facts: &Facts) -> Outcome {
    refuse_if(facts.account().is_some_and(|account| !account.mm7), Reject::NotProvisionedForMm7)
}

fn throughput(facts: &Facts) -> Outcome {
    match facts.admission.ok_or(Ask::Admission)? {
        Admission::In => Ok(()),
        Admission::Later { retry_after } => Err(Reject::Throughput { retry_after }.into()),
    }
}

fn vasid(facts: &Facts) -> Outcome {
    refuse_if(facts.service().is_none(), Reject::UnknownVasId)
}

fn sender_present(facts: &Facts) -> Outcome {
    let req = body(facts)?.submit_req();
    refuse_if(req.is_none_or(|req| req.sender.address.is_none()), Reject::NoSender)
}

fn sender_provisioned(facts: &Facts) -> Outcome {
    let sender = body(facts)?.submit_req().and_then(|req| req.sender.address.as_ref());
    let (Some(service), Some(sender)) = (facts.service(), sender) else { return Ok(()) };
    let lenient = facts.dialect().lenient_addresses;
    let known = service.senders.iter().any(|provisioned| same_sender(provisioned, sender.as_str(), lenient));
    refuse_if(!known, Reject::ForeignSender)
}

/// The same text; or the same but for `+` and `/TYPE=PLMN`, where these are taken. How it was provisioned counts for nothing.
fn same_sender(provisioned: &str, sender: &str, lenient: bool) -> bool {
    let sender = if lenient { bare(sender) } else { sender.trim() };
    provisioned == sender || bare(provisioned) == sender
}

fn recipients(facts: &Facts) -> Result<usize, Stop> {
    let req = body(facts)?.submit_req();
    Ok(req.map_or(0, |req| req.recipients.iter().filter(|recipient| !recipient.display_only).count()))
}

fn recipient_present(facts: &Facts) -> Outcome {
    refuse_if(recipients(facts)? == 0, Reject::NoRecipient)
}

fn one_recipient(facts: &Facts) -> Outcome {
    refuse_if(recipients(facts)? > 1, Reject::SeveralRecipients)
}

fn recipient_number(facts: &Facts) -> Outcome {
    refuse_if(facts.recipient().is_none(), Reject::BadRecipient)
}

fn reply_charging(facts: &Facts) -> Outcome {
    let req = body(facts)?.submit_req();
    refuse_if(req.is_some_and(|req| req.reply_charging.is_some()), Reject::ReplyCharging)
}

fn charged_party(facts: &Facts) -> Outcome {
    let req = body(facts)?.submit_req();
    let charged = req.is_some_and(|req| req.charged_party.is_some() || req.charged_party_id.is_some());
    refuse_if(charged, Reject::ChargedParty)
}

fn content_present(facts: &Facts) -> Outcome {
    refuse_if(body(facts)?.content().is_none(), Reject::NoContent)
}

fn message_length(facts: &Facts) -> Outcome {
    let length = body(facts)?.length;
    refuse_if(
        facts.account().is_some_and(|account| length > account.max_message_bytes),
        Reject::MessageTooLong,
    )
}

fn attachment_content_types(facts: &Facts) -> Outcome {
    rules(facts, Rule::PartWithoutContentType, Rule::PartContentType)
}

fn attachments_read(facts: &Facts) -> Outcome {
    rules(facts, Rule::PartHeaders, Rule::SmilForm)?;
    match facts.content.as_ref().ok_or(Ask::Content)? {
        Ok(_) => Ok(()),
        Err(error) => Err(Reject::Decode(error.rule).into()),
    }
}

fn blacklist(facts: &Facts) -> Outcome {
    let (Some(recipient), Some(account)) = (facts.recipient(), facts.account()) else { return Ok(()) };
    refuse_if(facts.snapshot.is_blacklisted(&recipient, &account.name), Reject::Blacklisted)
}

fn carrier_id_present(facts: &Facts) -> Outcome {
    let required = facts.account().is_some_and(|account| account.require_carrier_id);
    refuse_if(required && body(facts)?.carrier_id.is_none(), Reject::NoCarrierId)
}

fn carrier_id_known(facts: &Facts) -> Outcome {
    let named = body(facts)?.carrier_id.as_deref();
    refuse_if(named.is_some_and(|id| facts.snapshot.named_carrier(id).is_none()), Reject::UnknownCarrierId)
}

fn lookup(facts: &Facts) -> Outcome {
    match facts.carrier.as_ref().ok_or(Ask::Carrier)? {
        CarrierFact::Found { .. } => Ok(()),
        CarrierFact::NoCarrier => Err(Reject::NoCarrier.into()),
        CarrierFact::LookupDown => Err(Reject::LookupDown.into()),
    }
}

fn carrier(facts: &Facts) -> Option<&Carrier> {
    match facts.carrier.as_ref()? {
        CarrierFact::Found { carrier, .. } => Some(carrier),
        CarrierFact::NoCarrier | CarrierFact::LookupDown => None,
    }
}

fn service_reaches_carrier(facts: &Facts) -> Outcome {
    let (Some(carrier), Some(service)) = (carrier(facts), facts.service()) else { return Ok(()) };
    let reached = service.carriers.as_ref().is_none_or(|carriers| carriers.contains(&carrier.id));
    refuse_if(!reached, Reject::CarrierNotReached)
}

fn carrier_has_connection(facts: &Facts) -> Outcome {
    let Some(CarrierFact::Found { carrier, refuses_us }) = &facts.carrier else { return Ok(()) };
    refuse_if(carrier.connections.is_empty() || *refuses_us, Reject::NoConnection)
}

/// What came along must fit the carrier, or be such that smaller pictures could make it fit.
fn carrier_takes_content(facts: &Facts) -> Outcome {
    let (Some(carrier), Some(Ok(content))) = (carrier(facts), &facts.content) else { return Ok(()) };
    refuse_if(
        !fits(content, carrier) && adaptations(content, carrier).is_none(),
        Reject::CarrierRefusesContent,
    )
}

/// All of the content must fit the carrier, with its pictures adapted where they have to be.
fn carrier_takes_whole_content(facts: &Facts) -> Outcome {
    let (Some(carrier), Some(content)) = (carrier(facts), facts.whole_content()) else { return Ok(()) };
    if fits(content, carrier) {
        return Ok(());
    }
    match &facts.adapted {
        None if adaptations(content, carrier).is_some() => Err(Ask::Adapt.into()),
        Some(AdaptFact::NoRoom { retry_after }) => {
            Err(Reject::Throughput { retry_after: *retry_after }.into())
        }
        _ => Err(Reject::CarrierRefusesContent.into()),
    }
}

fn content_by_url(facts: &Facts) -> Outcome {
    let Some(Ok(content)) = &facts.content else { return Ok(()) };
    if content.urls.is_empty() {
        return Ok(());
    }
    match facts.fetched.as_ref().ok_or(Ask::Fetch)? {
        FetchFact::Fetched(Ok(_)) => Ok(()),
        // It came, and cannot be read: the code of what came along and cannot be read.
        FetchFact::Fetched(Err(error)) => Err(Reject::Decode(error.rule).into()),
        FetchFact::NoRoom { retry_after } => Err(Reject::Throughput { retry_after: *retry_after }.into()),
        FetchFact::Failed => Err(Reject::FetchFailed.into()),
    }
}
