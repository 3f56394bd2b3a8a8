//! Everything that a SubmitReq is refused for, in words, with the check that finds it: what `codes` and `lint` tell.

use std::time::Duration;

use mm7::{Rule, StatusCode};

use super::{Check, Reject};

/// One reason for a refusal.
#[derive(Clone, Copy, Debug)]
pub struct Cause {
    /// The refusal.
    pub reject: Reject,
    /// The row of contract 4.1.
    pub row: u8,
    /// The names of the checks that find it, the first of which is the usual one; none for what shows only after the
    /// checks.
    pub checks: &'static [&'static str],
    /// What is wrong, in one sentence with a full stop.
    pub meaning: &'static str,
    /// The clause or source it follows.
    pub clause: &'static str,
}

/// Every reason for which the gateway itself refuses, in the order in which the first is answered. What carriers say
/// in relay mode (row 33) is in [`classify`](crate::life::classify::classify).
pub fn causes() -> Vec<Cause> {
    let rules = Rule::ALL.iter().map(|rule| Reject::Decode(*rule));
    let mut causes: Vec<Cause> = OWN.iter().copied().chain(rules).filter_map(Cause::of).collect();
    let place = |cause: &Cause| {
        let first = cause.checks.first();
        let check = first.and_then(|name| super::CHECKS.iter().position(|check| check.name == *name));
        check.unwrap_or(usize::MAX)
    };
    causes.sort_by_key(place);
    causes
}

/// Every [`Reject`] that is no broken rule of the format and no carrier's answer.
const OWN: &[Reject] = &[
    Reject::HttpHeaders,
    Reject::Chunks,
    Reject::RequestTooLong,
    Reject::NotSubmitReq,
    Reject::NoVaspId,
    Reject::UnknownVaspId,
    Reject::AddressOrProtocol,
    Reject::ClientCertificate,
    Reject::Credentials,
    Reject::AccountDisabled,
    Reject::NotProvisionedForMm7,
    Reject::Throughput { retry_after: Duration::from_secs(1) },
    Reject::UnknownVasId,
    Reject::NoSender,
    Reject::ForeignSender,
    Reject::NoRecipient,
    Reject::SeveralRecipients,
    Reject::BadRecipient,
    Reject::ReplyCharging,
    Reject::ChargedParty,
    Reject::NoContent,
    Reject::MessageTooLong,
    Reject::Blacklisted,
    Reject::NoCarrierId,
    Reject::UnknownCarrierId,
    Reject::LookupDown,
    Reject::NoCarrier,
    Reject::CarrierNotReached,
    Reject::NoConnection,
    Reject::CarrierRefusesContent,
    Reject::FetchFailed,
    Reject::System,
];

impl Cause {
    /// What is known of a refusal; `None` for rules that no SubmitReq is refused for, and for carriers' answers.
    pub fn of(reject: Reject) -> Option<Self> {
        let checks = checks_of(reject);
        let row = match (reject, checks.first()) {
            (Reject::System, _) => 32,
            (_, first) => Check::named(first?)?.row,
        };
        let (meaning, clause) = words(reject);
        Some(Self { reject, row, checks, meaning, clause })
    }

    /// The code that is answered.
    pub const fn status(&self) -> StatusCode {
        self.reject.status()
    }
}

/// The checks that refuse for it.
const fn checks_of(reject: Reject) -> &'static [&'static str] {
    match reject {
        Reject::HttpHeaders | Reject::Chunks => &["http_headers"],
        Reject::RequestTooLong => &["request_length"],
        Reject::Decode(rule) => checks_of_rule(rule),
        Reject::NotSubmitReq => &["operation"],
        Reject::NoVaspId => &["sender_identification"],
        Reject::UnknownVaspId => &["vaspid"],
        Reject::AddressOrProtocol => &["address_and_protocol"],
        Reject::ClientCertificate => &["client_certificate"],
        Reject::Credentials => &["credentials"],
        Reject::AccountDisabled => &["account_status"],
        Reject::NotProvisionedForMm7 => &["account_mm7"],
        Reject::Throughput { .. } => {
            &["throughput", "credentials", "content_by_url", "carrier_takes_whole_content"]
        }
        Reject::UnknownVasId => &["vasid"],
        Reject::NoSender => &["sender_present"],
        Reject::ForeignSender => &["sender_provisioned"],
        Reject::NoRecipient => &["recipient_present"],
        Reject::SeveralRecipients => &["one_recipient"],
        Reject::BadRecipient => &["recipient_number"],
        Reject::ReplyCharging => &["reply_charging"],
        Reject::ChargedParty => &["charged_party"],
        Reject::NoContent => &["content_present"],
        Reject::MessageTooLong => &["message_length"],
        Reject::Blacklisted => &["blacklist"],
        Reject::NoCarrierId => &["carrier_id_present"],
        Reject::UnknownCarrierId => &["carrier_id_known"],
        Reject::LookupDown | Reject::NoCarrier => &["lookup"],
        Reject::CarrierNotReached => &["service_reaches_carrier"],
        Reject::NoConnection => &["carrier_has_connection"],
        Reject::CarrierRefusesContent => &["carrier_takes_content", "carrier_takes_whole_content"],
        Reject::FetchFailed => &["content_by_url"],
        Reject::System | Reject::Carrier(_) => &[],
    }
}

/// The checks that refuse for a broken rule; none for those that another check has a code of its own for.
const fn checks_of_rule(rule: Rule) -> &'static [&'static str] {
    match rule {
        Rule::RootContentType => &["root_content_type"],
        Rule::NotWellFormed
        | Rule::Encoding
        | Rule::Doctype
        | Rule::TooDeep
        | Rule::TooManyAttributes
        | Rule::TextTooLong
        | Rule::EnvelopeTooLong => &["envelope_reads"],
        Rule::NotAnEnvelope
        | Rule::EnvelopeNamespace
        | Rule::NoHeader
        | Rule::NoTransactionId
        | Rule::BadTransactionId
        | Rule::ForeignMustUnderstand
        | Rule::OtherHeaderEntry => &["soap_header"],
        Rule::NoBody | Rule::EmptyBody | Rule::SeveralOperations => &["soap_body"],
        Rule::ForeignNamespace | Rule::InventedNamespace | Rule::NoNamespace => &["namespaces"],
        Rule::NoVersion | Rule::BadVersion | Rule::UnknownVersion => &["version"],
        Rule::ElementOrder
        | Rule::UnknownElement
        | Rule::RepeatedElement
        | Rule::ChildNamespace
        | Rule::BadValue
        | Rule::BadDate
        | Rule::BooleanCase
        | Rule::AddressForm
        | Rule::UnknownAttribute
        | Rule::MissingAttribute
        | Rule::StrayText => &["schema"],
        Rule::PartWithoutContentType | Rule::PartContentType => &["attachment_content_types"],
        Rule::PartHeaders
        | Rule::Boundary
        | Rule::TransferEncoding
        | Rule::PartsTooDeep
        | Rule::HrefWithoutPart => &["attachments_read"],
        // Content that was fetched may have these faults, too.
        Rule::TooManyParts | Rule::SmilReference | Rule::SmilForm => &["attachments_read", "content_by_url"],
        // NotSubmitReq, and the checks of single elements.
        Rule::UnknownOperation | Rule::MissingElement => &[],
    }
}

/// What is wrong, and the clause.
const fn words(reject: Reject) -> (&'static str, &'static str) {
    const GATEWAY: &str = "provisioning of the gateway";
    const SUBMIT: &str = "TS 23.140 clause 8.7.1";
    match reject {
        Reject::Decode(rule) => (rule.meaning(), rule.clause()),
        Reject::HttpHeaders => (
            "Content-Type or Content-Length is missing or unusable (neither multipart/related with a boundary nor XML; no number; beside a Transfer-Encoding; not as long as the body), there is a Content-Encoding, or the HTTP head cannot be read.",
            "TS 23.140 clause 8.7.8.3, RFC 9110 clause 8, RFC 9112 clauses 5 and 6",
        ),
        Reject::Chunks => (
            "The body comes in chunks (Transfer-Encoding: chunked), and the account's dialect takes only a Content-Length.",
            "RFC 9112 clause 7.1, the dialect of the account",
        ),
        Reject::RequestTooLong => {
            ("The request is longer than the gateway takes.", "max_request_bytes of the gateway")
        }
        Reject::NotSubmitReq => ("The operation is not SubmitReq.", "TS 23.140 clause 8.7"),
        Reject::NoVaspId => ("SenderIdentification is missing, or has no VASPID.", SUBMIT),
        Reject::UnknownVaspId => ("No account has this VASPID.", GATEWAY),
        Reject::AddressOrProtocol => (
            "The caller's address is not among the account's, or HTTPS is asked for and was not used.",
            GATEWAY,
        ),
        Reject::ClientCertificate => (
            "The account asks for a client certificate, and none of its was shown in the TLS handshake.",
            "RFC 8446 clause 4.4.2, provisioning of the gateway",
        ),
        Reject::Credentials => (
            "Authorization is wrong, missing where the account asks for it, or was wrong too often.",
            "RFC 7617",
        ),
        Reject::AccountDisabled => ("The account is disabled.", GATEWAY),
        Reject::NotProvisionedForMm7 => ("The account is not provisioned for MM7.", GATEWAY),
        Reject::Throughput { .. } => {
            ("The account sends more than its throughput, or the gateway is shedding load.", GATEWAY)
        }
        Reject::UnknownVasId => (
            "The VASID is none of the account's services, or is missing where no service is the default.",
            GATEWAY,
        ),
        Reject::NoSender => ("SenderAddress is missing or empty.", SUBMIT),
        Reject::ForeignSender => ("SenderAddress is not one of the service's senders.", GATEWAY),
        Reject::NoRecipient => ("Recipients is missing or holds no address.", SUBMIT),
        Reject::SeveralRecipients => ("Recipients holds more than one address.", SUBMIT),
        Reject::BadRecipient => (
            "The recipient is not an international number: 7 to 15 digits, the first of them not 0.",
            "ITU-T E.164",
        ),
        Reject::ReplyCharging => ("ReplyCharging is present.", SUBMIT),
        Reject::ChargedParty => ("ChargedParty or ChargedPartyID is present.", SUBMIT),
        Reject::NoContent => ("Content is missing.", SUBMIT),
        Reject::MessageTooLong => ("The request is longer than the account may send.", GATEWAY),
        Reject::Blacklisted => ("The recipient is on the blacklist, for this account or for all.", GATEWAY),
        Reject::NoCarrierId => {
            ("The account must name the carrier in a header, and the request does not.", GATEWAY)
        }
        Reject::UnknownCarrierId => ("The header names a carrier that is not provisioned.", GATEWAY),
        Reject::LookupDown => ("The carrier lookup failed or timed out, and nothing was cached.", GATEWAY),
        Reject::NoCarrier => ("The number belongs to no carrier of the gateway.", GATEWAY),
        Reject::CarrierNotReached => ("The service does not reach the recipient's carrier.", GATEWAY),
        Reject::NoConnection => {
            ("The recipient's carrier has no connection, or refuses the gateway's own credentials.", GATEWAY)
        }
        Reject::CarrierRefusesContent => {
            ("The media are larger than the carrier takes, or of a type that it does not take.", GATEWAY)
        }
        Reject::FetchFailed => ("Content that lies at a URL could not be fetched.", SUBMIT),
        Reject::System => ("Something of the gateway's own broke.", "the gateway"),
        Reject::Carrier(_) => ("The carrier answered so.", "the carrier's answer"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use mm7::message::{Content, Recipient, SenderIdentification, SubmitReq};
    use mm7::mime::{ContentType, Package};
    use mm7::{
        Address, DecodeError, Decoded, Dialect, Framing, Limits, Message, Namespace, TransactionId, Version,
    };

    use super::*;
    use crate::{
        message::Digest,
        provisioning::Snapshot,
        submit::{Arrival, Body, CHECKS, ContentLength, ContentTypeHeader, Decision, Facts, Head, Mm7Body},
    };

    #[test]
    fn every_check_has_a_cause_and_every_cause_a_check() {
        let causes = causes();
        for check in CHECKS {
            assert!(causes.iter().any(|cause| cause.checks.contains(&check.name)), "{}", check.name);
        }
        for cause in &causes {
            assert!(cause.checks.iter().all(|name| Check::named(name).is_some()), "{:?}", cause.reject);
            assert!(cause.meaning.ends_with('.'), "{:?}", cause.reject);
            assert!(cause.meaning.len() > 10, "{:?}", cause.reject);
        }
    }

    fn submit() -> Decoded {
        let id = TransactionId::new("t").unwrap();
        let req = SubmitReq {
            sender: SenderIdentification {
                vaspid: mm7::VaspId::new("v").ok(),
                ..SenderIdentification::default()
            },
            recipients: vec![Recipient::to(Address::Number("16175550100".to_owned()))],
            content: Some(Content {
                href: Some("http://media.example/a.jpg".to_owned()),
                allow_adaptations: None,
            }),
            ..SubmitReq::default()
        };
        let xml = mm7::encode(
            &Message::SubmitReq(req),
            &Framing::new(Namespace::LATEST, Version::V6_8_0, Some(id)),
        );
        mm7::decode(&xml, None, &Limits::default()).unwrap()
    }

    fn facts(rule: Rule, dialect: &'static Dialect) -> Facts {
        let head = Head {
            fault: None,
            content_type: ContentTypeHeader::Read(ContentType::new("text/xml")),
            content_length: ContentLength::Bytes(1),
            is_encoded: false,
            max_request_bytes: 1000,
            remote: [127, 0, 0, 1].into(),
            tls: false,
            certificate: None,
            is_vouched_for: false,
        };
        let error = DecodeError::new(rule, 0, "");
        let mut decoded = Ok(submit());
        let mut package = Package::default();
        if checks_of_rule(rule).contains(&"envelope_reads") {
            decoded = Err(error);
        } else if rule == Rule::RootContentType || rule >= Rule::PartWithoutContentType {
            package.errors.push(error);
        } else if let Ok(decoded) = &mut decoded {
            decoded.errors.push(error);
        }
        let body = Body {
            arrival: Arrival::Whole,
            length: 1,
            digest: Digest([0; 16]),
            mm7: Mm7Body { package, decoded },
            account: None,
            dialect,
            carrier_id: None,
        };
        Facts { body: Some(body), ..Facts::new(Arc::new(Snapshot::default()), head) }
    }

    /// The table says of each rule what the checks do.
    #[test]
    fn a_broken_rule_is_refused_by_the_check_that_the_table_names() {
        for rule in Rule::ALL.iter().copied() {
            let dialect = Dialect::ALL.into_iter().find(|dialect| dialect.refuses(rule)).unwrap();
            let facts = facts(rule, dialect);
            let by_this = |check: &&Check| {
                let expected = Reject::Decode(rule);
                matches!(check.examine(&facts), Decision::Refuse(refusal) if refusal.reject == expected)
            };
            let found = CHECKS.iter().find(by_this).map(|check| check.name);
            assert_eq!(found, checks_of_rule(rule).first().copied(), "{rule:?}");
        }
    }
}
