//! The ordered checks of contract 4.1, and those of them that hold at any door; the rows of the MM7 door alone are in [`mm7`](super::mm7).

use super::{
    adapt::{adaptations, fits},
    facts::{
        AdaptFact, Admission, Arrival, Ask, CarrierFact, ContentLength, CredentialsFact, Facts, FetchFact,
    },
    mm7::{
        account_mm7, attachment_content_types, attachments_read, charged_party, envelope_reads, http_headers,
        namespaces, operation, reply_charging, root_content_type, schema, sender_identification, soap_body,
        soap_header, vaspid, version,
    },
    outcome::{CheckOutcome, CheckStop, body, refuse_if, request},
    reject::{Reject, Rejection},
};
use crate::{
    account::{Account, AccountStatus},
    address::bare,
    carrier::Carrier,
    certificate::is_asked_for,
};

/// One check: a row of contract 4.1, or a part of one.
pub struct Check {
    /// The row.
    pub row: u8,
    /// What is checked, for tests and traces.
    pub name: &'static str,
    examine: fn(&Facts) -> CheckOutcome,
}

/// What the checks say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Refuse: the first row that does not pass.
    Refuse(Rejection),
    /// Find this out and ask again.
    Ask(Ask),
    /// Every row passed: [`plan`](fn@super::plan) makes a message of it.
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
            Err(CheckStop::Refuse(reject)) => Decision::Refuse(Rejection { row: self.row, reject }),
            Err(CheckStop::Ask(ask)) => Decision::Ask(ask),
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

fn request_length(facts: &Facts) -> CheckOutcome {
    match facts.head.content_length {
        ContentLength::Bytes(length) => {
            refuse_if(length > facts.head.max_request_bytes, Reject::RequestTooLong)?;
        }
        ContentLength::Chunked => {}
        ContentLength::Missing | ContentLength::Malformed => return Ok(()),
    }
    refuse_if(body(facts)?.arrival == Arrival::TooLong, Reject::RequestTooLong)
}

/// The account, where the request has to show by itself that it is the account's.
fn shows_itself(facts: &Facts) -> Option<&Account> {
    facts.account().filter(|_| !facts.head.is_vouched_for).map(AsRef::as_ref)
}

fn address_and_protocol(facts: &Facts) -> CheckOutcome {
    let Some(account) = shows_itself(facts) else { return Ok(()) };
    let allowed = account.allowed_ips.is_empty()
        || account.allowed_ips.iter().any(|network| network.contains(&facts.head.remote));
    refuse_if(!allowed || (account.require_tls && !facts.head.tls), Reject::AddressOrProtocol)
}

fn client_certificate(facts: &Facts) -> CheckOutcome {
    let Some(account) = shows_itself(facts) else { return Ok(()) };
    let asked_for = is_asked_for(&account.client_certs, facts.head.certificate.as_deref());
    refuse_if(!asked_for, Reject::ClientCertificate)
}

fn credentials(facts: &Facts) -> CheckOutcome {
    if shows_itself(facts).is_none_or(|account| account.basic_auth.is_none()) {
        return Ok(());
    }
    match facts.credentials.ok_or(Ask::Credentials)? {
        CredentialsFact::Right => Ok(()),
        CredentialsFact::Wrong | CredentialsFact::Missing => Err(Reject::Credentials.into()),
        CredentialsFact::NoTurn { retry_after } => Err(Reject::Throughput { retry_after }.into()),
    }
}

fn account_status(facts: &Facts) -> CheckOutcome {
    refuse_if(
        facts.account().is_some_and(|account| account.status == AccountStatus::Disabled),
        Reject::AccountDisabled,
    )
}

fn throughput(facts: &Facts) -> CheckOutcome {
    match facts.admission.ok_or(Ask::Admission)? {
        Admission::In => Ok(()),
        Admission::Later { retry_after } => Err(Reject::Throughput { retry_after }.into()),
    }
}

fn vasid(facts: &Facts) -> CheckOutcome {
    refuse_if(facts.service().is_none(), Reject::UnknownVasId)
}

fn sender_present(facts: &Facts) -> CheckOutcome {
    refuse_if(request(facts)?.is_none_or(|request| request.sender.is_none()), Reject::NoSender)
}

fn sender_provisioned(facts: &Facts) -> CheckOutcome {
    let sender = request(facts)?.and_then(|request| request.sender);
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

fn recipients(facts: &Facts) -> Result<usize, CheckStop> {
    Ok(request(facts)?.map_or(0, |request| request.recipients))
}

fn recipient_present(facts: &Facts) -> CheckOutcome {
    refuse_if(recipients(facts)? == 0, Reject::NoRecipient)
}

fn one_recipient(facts: &Facts) -> CheckOutcome {
    refuse_if(recipients(facts)? > 1, Reject::SeveralRecipients)
}

fn recipient_number(facts: &Facts) -> CheckOutcome {
    refuse_if(facts.recipient().is_none(), Reject::BadRecipient)
}

fn content_present(facts: &Facts) -> CheckOutcome {
    refuse_if(request(facts)?.is_none_or(|request| !request.has_content), Reject::NoContent)
}

fn message_length(facts: &Facts) -> CheckOutcome {
    let length = body(facts)?.length;
    refuse_if(
        facts.account().is_some_and(|account| length > account.max_message_bytes),
        Reject::MessageTooLong,
    )
}

fn blacklist(facts: &Facts) -> CheckOutcome {
    let (Some(recipient), Some(account)) = (facts.recipient(), facts.account()) else { return Ok(()) };
    refuse_if(facts.snapshot.is_blacklisted(&recipient, &account.name), Reject::Blacklisted)
}

fn carrier_id_present(facts: &Facts) -> CheckOutcome {
    let required = facts.account().is_some_and(|account| account.require_carrier_id);
    refuse_if(required && body(facts)?.carrier_id.is_none(), Reject::NoCarrierId)
}

fn carrier_id_known(facts: &Facts) -> CheckOutcome {
    let named = body(facts)?.carrier_id.as_deref();
    refuse_if(named.is_some_and(|id| facts.snapshot.named_carrier(id).is_none()), Reject::UnknownCarrierId)
}

fn lookup(facts: &Facts) -> CheckOutcome {
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

fn service_reaches_carrier(facts: &Facts) -> CheckOutcome {
    let (Some(carrier), Some(service)) = (carrier(facts), facts.service()) else { return Ok(()) };
    let reached = carrier.id.is_sandbox()
        || service.carriers.as_ref().is_none_or(|carriers| carriers.contains(&carrier.id));
    refuse_if(!reached, Reject::CarrierNotReached)
}

fn carrier_has_connection(facts: &Facts) -> CheckOutcome {
    let Some(CarrierFact::Found { carrier, refuses_us }) = &facts.carrier else { return Ok(()) };
    refuse_if(carrier.connections.is_empty() || *refuses_us, Reject::NoConnection)
}

/// What came along must fit the carrier, or be such that smaller pictures could make it fit.
fn carrier_takes_content(facts: &Facts) -> CheckOutcome {
    let (Some(carrier), Some(Ok(content))) = (carrier(facts), &facts.content) else { return Ok(()) };
    refuse_if(
        !fits(content, carrier) && adaptations(content, carrier).is_none(),
        Reject::CarrierRefusesContent,
    )
}

/// All of the content must fit the carrier, with its pictures adapted where they have to be.
fn carrier_takes_whole_content(facts: &Facts) -> CheckOutcome {
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

fn content_by_url(facts: &Facts) -> CheckOutcome {
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
