//! How peers differ: one table, used for VASPs (how an account talks) and for carriers (how a connection does).

use crate::error::{DecodeError, Rule};
use crate::message::{ErrorRsp, Fault, FaultCode, FaultDetail, Message, Operation, Status};
use crate::mime::Inner;
use crate::soap::{Decoded, Namespace, SeenNamespace};
use crate::status::{Class, MmStatus, StatusCode};
use crate::types::Version;

/// Which MM7Versions are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Versions {
    /// From the first to the last, both included.
    Between(Version, Version),
    /// Those that the schema of the request's namespace lists; without such a schema, 5.2.0 to 6.10.0.
    OfSchema,
    /// Every one.
    Any,
}

/// What faultstring says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultString {
    /// The code and its text: `2002 Address Error`.
    CodeAndText,
    /// `Client error` or `Server error`.
    Class,
}

/// Which refusals are a normal response (HTTP 200) instead of a Fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusesInResponse {
    /// None.
    Never,
    /// Those of a caller that was identified.
    OnceIdentified,
    /// Every one.
    Always,
}

/// How one kind of peer talks: what is taken from it and what it is given.
///
/// ```
/// use mm7::{Dialect, Rule};
/// let dialect = Dialect::by_name("skycore").ok_or("no such dialect")?;
/// assert!(dialect.refuses(Rule::NoNamespace));
/// assert!(!Dialect::POSTHOUSE.refuses(Rule::NoNamespace));
/// # Ok::<(), &str>(())
/// ```
#[derive(Debug)]
pub struct Dialect {
    /// The name in provisioning.
    pub name: &'static str,
    /// The rules that may be broken; every other one is refused.
    pub tolerates: &'static [Rule],
    /// The MM7Versions taken.
    pub versions: Versions,
    /// HTTP headers that carry the carrier's id, beside the configured one.
    pub carrier_id_headers: &'static [&'static str],
    /// Whether an MM without a SMIL presentation is refused (2513).
    pub smil_required: bool,
    /// Whether a body may come in chunks (Transfer-Encoding) instead of with its length.
    pub takes_chunks: bool,
    /// Whether a leading `+` and `/TYPE=PLMN` are taken in a Number.
    pub lenient_addresses: bool,
    /// Whether a Content/@href that finds no part means the only other part there is.
    pub href_fallback: bool,
    /// Whether a SubmitReq without Content means the only other part there is.
    pub content_optional: bool,
    /// Whether Sender and SenderAddress are written as bare text, without the element that says their kind.
    pub sender_as_text: bool,
    /// Whether a request without credentials, where the account has some, is asked for them: HTTP 401 with
    /// `WWW-Authenticate` beside the refusal (RFC 9110 clause 11.6.1).
    pub challenges: bool,
    /// Whether HTTP 200 with an empty body acknowledges a report or MO.
    pub empty_body_acknowledges: bool,
    /// Whether a request repeated with the same TransactionID and body gets the first answer again.
    pub repeats_first_answer: bool,
    /// The namespace of what is written to it first, when nothing else was asked for.
    pub written: Namespace,
    /// How several media are held together inside the payload part.
    pub inner: Inner,
    /// Content-Type of answers.
    pub answer_content_type: &'static str,
    /// The HTTP status of a Fault.
    pub fault_http_status: u16,
    /// What faultstring says.
    pub fault_string: FaultString,
    /// Which refusals are a normal response (HTTP 200) instead of a Fault.
    pub refuses_in_response: RefusesInResponse,
    /// Codes that mean something else to this peer, and what is sent for them.
    codes: &'static [(StatusCode, MappedCode)],
    /// Which words its reports use for delivery statuses.
    pub statuses: Statuses,
}

/// What is sent for a code of the table.
#[derive(Debug)]
enum MappedCode {
    /// Another row of the table.
    Row(StatusCode),
    /// A code that the table does not have.
    Foreign(u32, &'static str),
}

/// Which words reports use for delivery statuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statuses {
    /// Those of the table ([`MmStatus::as_str`]), in every release.
    Table,
    /// Those of TS 23.140 Annex L: what a release lacks is told by the nearest word that it has, or not at all.
    ThreeGpp,
}

impl Statuses {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Table, Self::ThreeGpp];

    /// The name in provisioning.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::ThreeGpp => "3gpp",
        }
    }

    /// Those of this name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|statuses| statuses.name() == name)
    }

    /// How a status is spelled to a peer that reads this namespace; `None`: it is not sent.
    ///
    /// ```
    /// use mm7::{MmStatus, Namespace, SeenNamespace, dialect::Statuses};
    /// let old = SeenNamespace::Known(Namespace::Rel5(0));
    /// assert_eq!(Statuses::Table.spelling(MmStatus::NotSupported, &old), Some("NotSupported"));
    /// assert_eq!(Statuses::ThreeGpp.spelling(MmStatus::NotSupported, &old), Some("Rejected"));
    /// assert_eq!(Statuses::ThreeGpp.spelling(MmStatus::Deferred, &old), None);
    /// ```
    pub fn spelling(self, status: MmStatus, namespace: &SeenNamespace) -> Option<&'static str> {
        let spelled = match self {
            Self::Table => None,
            Self::ThreeGpp => STATUSES_OF_3GPP.iter().find(|spelled| spelled.status == status),
        };
        match spelled {
            None => Some(status.as_str()),
            Some(spelled) if namespace.release() == 5 => spelled.release_5,
            Some(spelled) => spelled.release_6,
        }
    }
}

/// How a delivery status is spelled.
#[derive(Debug)]
struct SpelledStatus {
    status: MmStatus,
    release_5: Option<&'static str>,
    release_6: Option<&'static str>,
}

/// What peers get wrong in the contents of a message without being misunderstood.
macro_rules! lenient_contents {
    ($($more:ident)*) => {
        &[
            $(Rule::$more,)*
            Rule::ElementOrder,
            Rule::UnknownElement,
            Rule::RepeatedElement,
            Rule::MissingElement,
            Rule::ChildNamespace,
            Rule::BadValue,
            Rule::BadDate,
            Rule::BooleanCase,
            Rule::AddressForm,
            Rule::UnknownAttribute,
            Rule::MissingAttribute,
            Rule::StrayText,
        ]
    };
}

const V5_2_0: Version = Version { major: 5, minor: 2, patch: 0 };
const V6_10_0: Version = Version { major: 6, minor: 10, patch: 0 };
const TEXT_XML: &str = "text/xml; charset=utf-8";

/// The codes whose number means something else in TS 23.140 clause 8.7.8.4.
const CODES_OF_3GPP: &[(StatusCode, MappedCode)] = &[
    (StatusCode::NumberBlacklisted, MappedCode::Row(StatusCode::ServiceDenied)),
    (StatusCode::ChargedPartyNotSupported, MappedCode::Foreign(2001, "Operation restricted")),
    (StatusCode::MultimediaDownloadFailed, MappedCode::Row(StatusCode::MultimediaRefused)),
];

/// The statuses that Annex L lacks, or spells otherwise.
const STATUSES_OF_3GPP: &[SpelledStatus] = &[
    SpelledStatus { status: MmStatus::Deferred, release_5: None, release_6: Some("Deferred") },
    SpelledStatus {
        status: MmStatus::Unrecognized,
        release_5: Some("Indeterminate"),
        release_6: Some("Unrecognised"),
    },
    SpelledStatus {
        status: MmStatus::Unreachable,
        release_5: Some("Indeterminate"),
        release_6: Some("Indeterminate"),
    },
    SpelledStatus {
        status: MmStatus::NotSupported,
        release_5: Some("Rejected"),
        release_6: Some("Rejected"),
    },
];

impl Dialect {
    /// The default: takes whatever can be understood. HTTP 200 even for Faults, and the code in the faultstring too,
    /// since real clients lose it otherwise.
    pub const POSTHOUSE: &'static Self = &Self {
        name: "posthouse",
        tolerates: lenient_contents!(EnvelopeNamespace OtherHeaderEntry InventedNamespace NoNamespace),
        versions: Versions::Between(V5_2_0, V6_10_0),
        carrier_id_headers: &[],
        smil_required: false,
        takes_chunks: true,
        lenient_addresses: true,
        href_fallback: true,
        content_optional: false,
        sender_as_text: false,
        challenges: true,
        empty_body_acknowledges: true,
        repeats_first_answer: true,
        written: Namespace::LATEST,
        inner: Inner::Related,
        answer_content_type: TEXT_XML,
        fault_http_status: 200,
        fault_string: FaultString::CodeAndText,
        refuses_in_response: RefusesInResponse::Never,
        codes: &[],
        statuses: Statuses::Table,
    };

    /// Skycore: only namespaces that exist, only TransactionID in the Header, 5.3.0 to 6.8.0.
    pub const SKYCORE: &'static Self = &Self {
        name: "skycore",
        tolerates: lenient_contents!(),
        versions: Versions::Between(Version::V5_3_0, Version::V6_8_0),
        carrier_id_headers: &["X-Skycore-Carrier-Id"],
        challenges: false,
        takes_chunks: false,
        empty_body_acknowledges: false,
        fault_string: FaultString::Class,
        ..*Self::POSTHOUSE
    };

    /// Sinch: as Skycore, and every MM needs a SMIL presentation.
    pub const SINCH: &'static Self = &Self {
        name: "sinch",
        carrier_id_headers: &["X-Mblox-Carrier-Id"],
        smil_required: true,
        ..*Self::SKYCORE
    };

    /// TS 23.140 to the letter: what the schema forbids is refused, and a caller that is known gets its refusals in a
    /// response. Three things are not as the schema has them: an MMStatus that it lacks is taken, since a report is worth more
    /// than its spelling; a duration below zero, and `xsi:type`, are refused.
    pub const THREE_GPP: &'static Self = &Self {
        name: "3gpp",
        // SOAP lets other header entries stand beside TransactionID as long as they need not be understood.
        tolerates: &[Rule::OtherHeaderEntry],
        versions: Versions::OfSchema,
        takes_chunks: false,
        lenient_addresses: false,
        href_fallback: false,
        challenges: false,
        empty_body_acknowledges: false,
        fault_http_status: 500,
        fault_string: FaultString::Class,
        refuses_in_response: RefusesInResponse::OnceIdentified,
        codes: CODES_OF_3GPP,
        statuses: Statuses::ThreeGpp,
        ..*Self::POSTHOUSE
    };

    /// China Mobile's SDK (mm7api). It sends no Content, and senders as bare text. It reads a refusal in the response to its
    /// request alone, and of the sender's address only bare text; recipients it reads, and writes, in their elements.
    pub const CMCC: &'static Self = &Self {
        name: "cmcc",
        content_optional: true,
        sender_as_text: true,
        challenges: false,
        written: Namespace::Rel6(0),
        refuses_in_response: RefusesInResponse::Always,
        ..*Self::POSTHOUSE
    };

    /// What is taken at a door where a message is worth more than its form, after
    /// [`decode_forgiving`](crate::soap::decode_forgiving): all in which an operation can be told. Nobody is provisioned with it.
    pub const FORGIVING: &'static Self = &Self {
        name: "forgiving",
        tolerates: lenient_contents!(
            RootContentType NotWellFormed Encoding NotAnEnvelope EnvelopeNamespace NoHeader NoTransactionId
            BadTransactionId ForeignMustUnderstand OtherHeaderEntry ForeignNamespace InventedNamespace NoNamespace
            NoVersion BadVersion UnknownVersion
        ),
        versions: Versions::Any,
        ..*Self::POSTHOUSE
    };

    /// Every dialect that a peer may be provisioned with.
    pub const ALL: [&'static Self; 5] =
        [Self::POSTHOUSE, Self::SKYCORE, Self::SINCH, Self::THREE_GPP, Self::CMCC];

    /// The dialect of this name.
    pub fn by_name(name: &str) -> Option<&'static Self> {
        Self::ALL.into_iter().find(|dialect| dialect.name == name)
    }

    /// Whether a request that breaks the rule is refused.
    pub fn refuses(&self, rule: Rule) -> bool {
        !self.tolerates.contains(&rule)
    }

    /// Whether the version is taken from a peer that writes in this namespace.
    pub fn takes_version(&self, version: Version, namespace: &SeenNamespace) -> bool {
        match (self.versions, namespace) {
            (Versions::Any, _) => true,
            (Versions::Between(first, last), _) => (first..=last).contains(&version),
            (Versions::OfSchema, SeenNamespace::Known(namespace)) => namespace.knows(version),
            (Versions::OfSchema, _) => (V5_2_0..=V6_10_0).contains(&version),
        }
    }

    /// The first thing that a request is refused for, by the order of [`Rule`]: what decoding found and the dialect
    /// does not tolerate, an operation that is not among `taken`, or a version that is not taken.
    pub fn first_refused(&self, decoded: &Decoded, taken: &[Operation]) -> Option<DecodeError> {
        let found = decoded.errors.iter().filter(|error| self.refuses(error.rule)).cloned();
        let own = self.untaken_operation(decoded, taken).into_iter().chain(self.untaken_version(decoded));
        found.chain(own).min_by_key(|error| error.rule)
    }

    fn untaken_operation(&self, decoded: &Decoded, taken: &[Operation]) -> Option<DecodeError> {
        let message = decoded.message.as_ref()?;
        let is_taken =
            message.is_request() && message.operation().is_some_and(|operation| taken.contains(&operation));
        let what = || format!("{} is not taken here", message.name());
        (!is_taken).then(|| DecodeError::new(Rule::UnknownOperation, decoded.operation_offset, what()))
    }

    fn untaken_version(&self, decoded: &Decoded) -> Option<DecodeError> {
        let version = decoded.version?;
        let what = || format!("MM7Version {version} is not supported");
        let is_taken = self.takes_version(version, &decoded.namespace);
        (!is_taken).then(|| DecodeError::new(Rule::UnknownVersion, decoded.version_offset, what()))
    }

    /// The Status that this peer is given for a code.
    pub fn status(&self, code: StatusCode) -> Status {
        match self.codes.iter().find(|(from, _)| *from == code) {
            None => Status::from(code),
            Some((_, MappedCode::Row(row))) => Status::from(*row),
            Some((_, MappedCode::Foreign(code, text))) => {
                Status { code: *code, text: (*text).to_owned(), details: None }
            }
        }
    }

    /// A refusal as this peer reads it.
    pub fn refusal(&self, refusal: &Refusal) -> RefusalAnswer {
        let status = self.status(refusal.code);
        let in_response = match self.refuses_in_response {
            RefusesInResponse::Never => false,
            RefusesInResponse::OnceIdentified => refusal.identified,
            RefusesInResponse::Always => true,
        };
        if in_response {
            return RefusalAnswer { http_status: 200, message: refusal.operation.response(status) };
        }
        let is_client = Class::of(status.code) == Class::Client;
        let string = match self.fault_string {
            FaultString::CodeAndText => format!("{} {}", status.code, status.text),
            FaultString::Class => if is_client { "Client error" } else { "Server error" }.to_owned(),
        };
        let code = if is_client { FaultCode::Client } else { FaultCode::Server };
        let detail = Some(FaultDetail::RsErrorRsp(ErrorRsp { status }));
        RefusalAnswer {
            http_status: self.fault_http_status,
            message: Message::Fault(Fault { code, string, detail }),
        }
    }
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The code of the table.
    pub code: StatusCode,
    /// Whether the caller got as far as being asked who it is: everything after the checks of the envelope.
    pub identified: bool,
    /// The operation that is refused.
    pub operation: Operation,
}

/// What a peer is answered with.
#[derive(Clone, Debug, PartialEq)]
pub struct RefusalAnswer {
    /// The HTTP status.
    pub http_status: u16,
    /// The message in the body.
    pub message: Message,
}

#[cfg(test)]
mod tests {
    use super::*;

    const REL_5: SeenNamespace = SeenNamespace::Known(Namespace::Rel5(0));
    const REL_6: SeenNamespace = SeenNamespace::Known(Namespace::LATEST);

    fn refused(dialect: &Dialect) -> Vec<&'static str> {
        Rule::ALL.iter().filter(|rule| dialect.refuses(**rule)).map(|rule| rule.name()).collect()
    }

    #[test]
    fn the_default_refuses_only_what_cannot_be_understood() {
        let expected = [
            "RootContentType",
            "NotWellFormed",
            "Encoding",
            "Doctype",
            "TooDeep",
            "TooManyAttributes",
            "TextTooLong",
            "EnvelopeTooLong",
            "NotAnEnvelope",
            "NoHeader",
            "NoTransactionId",
            "BadTransactionId",
            "ForeignMustUnderstand",
            "NoBody",
            "EmptyBody",
            "SeveralOperations",
            "ForeignNamespace",
            "UnknownOperation",
            "NoVersion",
            "BadVersion",
            "UnknownVersion",
            "PartWithoutContentType",
            "PartContentType",
            "PartHeaders",
            "Boundary",
            "TransferEncoding",
            "TooManyParts",
            "PartsTooDeep",
            "HrefWithoutPart",
            "SmilReference",
            "SmilForm",
        ];
        assert_eq!(refused(Dialect::POSTHOUSE), expected);
    }

    #[test]
    fn what_is_forgiven_leaves_what_holds_no_operation() {
        let expected = [
            "Doctype",
            "TooDeep",
            "TooManyAttributes",
            "TextTooLong",
            "EnvelopeTooLong",
            "NoBody",
            "EmptyBody",
            "SeveralOperations",
            "UnknownOperation",
        ];
        let envelope = refused(Dialect::FORGIVING);
        assert_eq!(envelope.iter().copied().take(expected.len()).collect::<Vec<_>>(), expected);
        assert_eq!(
            envelope.get(expected.len()),
            Some(&"PartWithoutContentType"),
            "what follows is of the parts"
        );
        assert_eq!(Dialect::by_name(Dialect::FORGIVING.name).map(|dialect| dialect.name), None);
    }

    #[test]
    fn what_the_others_refuse_besides() {
        let besides = |dialect: &Dialect| {
            let default = refused(Dialect::POSTHOUSE);
            refused(dialect).into_iter().filter(|rule| !default.contains(rule)).collect::<Vec<_>>()
        };
        let strict = ["EnvelopeNamespace", "OtherHeaderEntry", "InventedNamespace", "NoNamespace"];
        assert_eq!(besides(Dialect::SKYCORE), strict);
        assert_eq!(besides(Dialect::SINCH), strict);
        assert_eq!(besides(Dialect::CMCC), [""; 0]);
        let schema = [
            "EnvelopeNamespace",
            "InventedNamespace",
            "NoNamespace",
            "ElementOrder",
            "UnknownElement",
            "RepeatedElement",
            "MissingElement",
            "ChildNamespace",
            "BadValue",
            "BadDate",
            "BooleanCase",
            "AddressForm",
            "UnknownAttribute",
            "MissingAttribute",
            "StrayText",
        ];
        assert_eq!(besides(Dialect::THREE_GPP), schema);
    }

    #[test]
    fn versions() {
        let version = |text| Version::parse(text).unwrap_or(Version::V6_8_0);
        for (dialect, namespace, text, expected) in [
            (Dialect::POSTHOUSE, REL_5, "5.2.0", true),
            (Dialect::POSTHOUSE, REL_5, "6.10.0", true),
            (Dialect::POSTHOUSE, REL_6, "5.1.0", false),
            (Dialect::POSTHOUSE, REL_6, "6.11.0", false),
            (Dialect::SKYCORE, REL_6, "5.3.0", true),
            (Dialect::SKYCORE, REL_6, "5.2.0", false),
            (Dialect::SKYCORE, REL_6, "6.8.0", true),
            (Dialect::SINCH, REL_6, "6.9.0", false),
            (Dialect::THREE_GPP, REL_6, "6.9.0", true),
            (Dialect::THREE_GPP, REL_6, "5.2.0", false),
            (Dialect::THREE_GPP, REL_5, "5.2.0", true),
            (Dialect::THREE_GPP, REL_5, "6.8.0", false),
            (Dialect::THREE_GPP, SeenNamespace::Absent, "6.8.0", true),
            (Dialect::CMCC, REL_6, "6.3.0", true),
        ] {
            assert_eq!(dialect.takes_version(version(text), &namespace), expected, "{} {text}", dialect.name);
        }
    }

    #[test]
    fn refusals_as_each_peer_reads_them() {
        let refusal = |code, identified| Refusal { code, identified, operation: Operation::Submit };
        let fault = |dialect: &Dialect, code, identified| match dialect.refusal(&refusal(code, identified)) {
            RefusalAnswer { http_status, message: Message::Fault(Fault { code, string, detail }) } => {
                Some((http_status, code, string, detail.map(|detail| detail.status().code)))
            }
            _ => None,
        };
        let (client, server) = (FaultCode::Client, FaultCode::Server);
        let address = StatusCode::AddressError;
        let expected = (200, client.clone(), "2002 Address Error".to_owned(), Some(2002));
        assert_eq!(fault(Dialect::POSTHOUSE, address, true), Some(expected));
        let expected = (200, client.clone(), "Client error".to_owned(), Some(2002));
        assert_eq!(fault(Dialect::SKYCORE, address, true), Some(expected));
        let expected = (200, server, "Server error".to_owned(), Some(4007));
        assert_eq!(fault(Dialect::SINCH, StatusCode::ServiceDenied, true), Some(expected));
        let expected = (500, client, "Client error".to_owned(), Some(2505));
        assert_eq!(fault(Dialect::THREE_GPP, StatusCode::UnsupportedVersion, false), Some(expected));
        let answer = Dialect::THREE_GPP.refusal(&refusal(address, true));
        let status = Status::from(address);
        let expected = RefusalAnswer { http_status: 200, message: Operation::Submit.response(status) };
        assert_eq!(answer, expected);
        for identified in [true, false] {
            assert_eq!(Dialect::CMCC.refusal(&refusal(address, identified)), expected);
        }
    }

    #[test]
    fn codes_that_3gpp_knows_otherwise() {
        let sent = |code| {
            let status = Dialect::THREE_GPP.status(code);
            (status.code, status.text)
        };
        assert_eq!(sent(StatusCode::NumberBlacklisted), (4007, "Service denied".to_owned()));
        assert_eq!(sent(StatusCode::ChargedPartyNotSupported), (2001, "Operation restricted".to_owned()));
        assert_eq!(sent(StatusCode::MultimediaDownloadFailed), (2004, "Multimedia refused".to_owned()));
        for code in StatusCode::ALL {
            assert_eq!(Dialect::POSTHOUSE.status(*code), Status::from(*code));
        }
    }

    #[test]
    fn delivery_statuses_that_3gpp_spells_otherwise() {
        let sent = |namespace| {
            let all = MmStatus::ALL.iter();
            all.map(|status| Dialect::THREE_GPP.statuses.spelling(*status, &namespace).unwrap_or("-"))
                .collect::<Vec<_>>()
        };
        let rel_6 =
            "Deferred Expired Forwarded Indeterminate Rejected Rejected Retrieved Indeterminate Unrecognised";
        assert_eq!(sent(REL_6).join(" "), rel_6);
        let rel_5 =
            "- Expired Forwarded Indeterminate Rejected Rejected Retrieved Indeterminate Indeterminate";
        assert_eq!(sent(REL_5).join(" "), rel_5);
        for status in MmStatus::ALL {
            assert_eq!(Dialect::POSTHOUSE.statuses.spelling(*status, &REL_5), Some(status.as_str()));
        }
    }

    #[test]
    fn every_dialect_is_found_by_its_name() {
        for dialect in Dialect::ALL {
            assert_eq!(Dialect::by_name(dialect.name).map(|found| found.name), Some(dialect.name));
        }
        assert!(Dialect::by_name("Posthouse").is_none());
    }
}
