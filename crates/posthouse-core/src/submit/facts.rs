//! What is known of a request, more as the checks ask for it.

use std::{net::IpAddr, sync::Arc, time::Duration};

use mm7::{
    DecodeError, Decoded, Dialect,
    http1::HeadFaultKind,
    mime::{ContentType, Package},
};

use crate::{
    account::{Account, Service},
    address::Msisdn,
    carrier::Carrier,
    certificate::ShownCertificate,
    message::Digest,
    provisioning::Snapshot,
    submit::{ContentFacts, request::SubmitRequest},
};

/// The Content-Type of the HTTP request.
#[derive(Clone, Debug, PartialEq)]
pub enum ContentTypeHeader {
    /// The header is missing.
    Missing,
    /// The header is malformed.
    Malformed,
    /// The header can be read.
    Read(ContentType),
}

/// The Content-Length of the HTTP request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentLength {
    /// The header is missing.
    Missing,
    /// The header cannot be used: it is not a number, there are two that differ, or a Transfer-Encoding that is not `chunked` alone; or
    /// what came is not as long as it says.
    Malformed,
    /// The body has this many bytes.
    Bytes(u64),
    /// The header is missing, since the body comes in chunks.
    Chunked,
}

/// What the HTTP head says.
#[derive(Clone, Debug)]
pub struct Head {
    /// Why it cannot be read at all, where it cannot: then nothing else of it is known.
    pub fault: Option<HeadFaultKind>,
    /// Content-Type.
    pub content_type: ContentTypeHeader,
    /// Content-Length.
    pub content_length: ContentLength,
    /// Whether there is a Content-Encoding other than `identity`.
    pub is_encoded: bool,
    /// The longest body that the gateway takes, in bytes.
    pub max_request_bytes: u64,
    /// The caller's address, as far as trusted proxies tell.
    pub remote: IpAddr,
    /// Whether the request came over TLS, as far as trusted proxies tell.
    pub tls: bool,
    /// The client certificate that the caller showed us, and whose chain is good.
    pub certificate: Option<Arc<ShownCertificate>>,
    /// Whether it is known by other means whose request this is: then nothing of what an account's own requests have to show (rows 12 and
    /// 13) is asked for.
    pub is_vouched_for: bool,
}

impl Head {
    /// What is wrong with it, for whatever comes behind it (row 1).
    pub fn unusable(&self) -> Option<&'static str> {
        if let Some(fault) = self.fault {
            return Some(fault.words());
        }
        let content_type = match &self.content_type {
            ContentTypeHeader::Missing => Some("there is no Content-Type"),
            ContentTypeHeader::Malformed => Some("the Content-Type cannot be read"),
            ContentTypeHeader::Read(content_type) => unusable_type(content_type),
        };
        content_type
            .or(match self.content_length {
                ContentLength::Missing => Some("there is no Content-Length"),
                ContentLength::Malformed => Some("the length of the body cannot be told"),
                ContentLength::Bytes(_) | ContentLength::Chunked => None,
            })
            .or(self.is_encoded.then_some("there is a Content-Encoding: bodies are taken as they are"))
    }
}

fn unusable_type(content_type: &ContentType) -> Option<&'static str> {
    match content_type.essence() {
        "multipart/related"
            if content_type.param("boundary").is_some_and(|boundary| !boundary.is_empty()) =>
        {
            None
        }
        "multipart/related" => Some("multipart/related has no boundary"),
        _ => (!content_type.is_bare_envelope())
            .then_some("the Content-Type is neither multipart/related nor XML"),
    }
}

/// How the body arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// All of it.
    Whole,
    /// More than `max_request_bytes`; the rest was not read.
    TooLong,
}

/// A body of MM7.
#[derive(Debug)]
pub struct Mm7Body {
    /// The MIME parts.
    pub package: Package,
    /// The envelope; `Err` where the root part cannot be read as one.
    pub decoded: Result<Decoded, DecodeError>,
}

/// What the body says, whatever door it came in by.
#[derive(Debug)]
pub struct Body {
    /// Whether all of it is here.
    pub arrival: Arrival,
    /// Its length in bytes.
    pub length: u64,
    /// What identifies its content.
    pub digest: Digest,
    /// What the MM7 door read in it.
    pub mm7: Mm7Body,
    /// The account that its key names (the VASPID in MM7).
    pub account: Option<Arc<Account>>,
    /// The dialect that answers: the account's, else the default.
    pub dialect: &'static Dialect,
    /// The carrier that the request's header names.
    pub carrier_id: Option<String>,
}

/// Whether the credentials are right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialsFact {
    /// The credentials are right, or none are asked for.
    Right,
    /// The credentials are wrong or malformed, or there were too many wrong tries.
    Wrong,
    /// The request has no credentials.
    Missing,
    /// Too many others were being checked: these had no turn in time.
    NoTurn {
        /// After how long the caller may try again.
        retry_after: Duration,
    },
}

/// Whether the request is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It may be handled now.
    In,
    /// It has to come again.
    Later {
        /// After how long the caller may try again.
        retry_after: Duration,
    },
}

/// The recipient's carrier.
#[derive(Clone, Debug)]
pub enum CarrierFact {
    /// A provisioned carrier serves the recipient.
    Found {
        /// The carrier.
        carrier: Arc<Carrier>,
        /// Whether every connection to it refuses our own credentials.
        refuses_us: bool,
    },
    /// No provisioned carrier serves the recipient.
    NoCarrier,
    /// The lookup failed and nothing was cached.
    LookupDown,
}

/// What the content's URLs gave.
#[derive(Clone, Debug, PartialEq)]
pub enum FetchFact {
    /// At least one could not be fetched.
    Failed,
    /// The gateway has no room for what they give.
    NoRoom {
        /// After how long the caller may try again.
        retry_after: Duration,
    },
    /// The content with what they gave; `Err` where that is no content that can be sent.
    Fetched(Result<ContentFacts, DecodeError>),
}

/// What adapting pictures for the carrier gave.
#[derive(Clone, Debug, PartialEq)]
pub enum AdaptFact {
    /// At least one could not be made as small as it has to be.
    Failed,
    /// The gateway has no room, or no time, for more pictures.
    NoRoom {
        /// After how long the caller may try again.
        retry_after: Duration,
    },
    /// The content with what they became.
    Adapted(ContentFacts),
}

/// A fact that a check asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ask {
    /// The body: read, decoded, and the account of its VASPID looked up. Fills [`Facts::body`].
    Body,
    /// Whether the Authorization header is right for the account. Fills [`Facts::credentials`].
    Credentials,
    /// Whether the account's throughput and the gateway's load let the request in. Fills [`Facts::admission`].
    Admission,
    /// The media. Fills [`Facts::content`].
    Content,
    /// The recipient's carrier. Fills [`Facts::carrier`].
    Carrier,
    /// What the content's URLs give. Fills [`Facts::fetched`].
    Fetch,
    /// The content with its pictures made as small as [`adaptations`](super::adaptations) says. Fills [`Facts::adapted`].
    Adapt,
}

/// What is known of a request.
#[derive(Debug)]
pub struct Facts {
    /// Provisioning, as it was when the request began.
    pub snapshot: Arc<Snapshot>,
    /// The HTTP head.
    pub head: Head,
    /// Answers [`Ask::Body`].
    pub body: Option<Body>,
    /// Answers [`Ask::Credentials`].
    pub credentials: Option<CredentialsFact>,
    /// Answers [`Ask::Admission`].
    pub admission: Option<Admission>,
    /// Answers [`Ask::Content`].
    pub content: Option<Result<ContentFacts, DecodeError>>,
    /// Answers [`Ask::Carrier`].
    pub carrier: Option<CarrierFact>,
    /// Answers [`Ask::Fetch`].
    pub fetched: Option<FetchFact>,
    /// Answers [`Ask::Adapt`].
    pub adapted: Option<AdaptFact>,
}

impl Facts {
    /// What is known when only the head has come.
    pub const fn new(snapshot: Arc<Snapshot>, head: Head) -> Self {
        Self {
            snapshot,
            head,
            body: None,
            credentials: None,
            admission: None,
            content: None,
            carrier: None,
            fetched: None,
            adapted: None,
        }
    }

    /// The account, once it is known.
    pub fn account(&self) -> Option<&Arc<Account>> {
        self.body.as_ref()?.account.as_ref()
    }

    /// The dialect that answers: the account's once it is known, else the default.
    pub fn dialect(&self) -> &'static Dialect {
        self.body.as_ref().map_or(Dialect::POSTHOUSE, |body| body.dialect)
    }

    /// The TransactionID, once it is known.
    pub fn transaction_id(&self) -> Option<&str> {
        self.body.as_ref()?.transaction_id()
    }

    /// The content that is sent: with what was fetched and adapted, where something was.
    pub fn whole_content(&self) -> Option<&ContentFacts> {
        if let Some(AdaptFact::Adapted(content)) = &self.adapted {
            return Some(content);
        }
        match &self.fetched {
            Some(FetchFact::Fetched(content)) => content.as_ref().ok(),
            Some(FetchFact::Failed | FetchFact::NoRoom { .. }) => None,
            None => self.content.as_ref()?.as_ref().ok().filter(|content| content.urls.is_empty()),
        }
    }

    /// What is asked for, once it is known and a request to send a message.
    pub fn request(&self) -> Option<SubmitRequest<'_>> {
        self.body.as_ref()?.request()
    }

    /// The service that the request is sent as, if the account has it.
    pub fn service(&self) -> Option<&Service> {
        self.account()?.service(self.request()?.service)
    }

    /// The recipient, if there is exactly one and it is a number that the dialect takes.
    pub fn recipient(&self) -> Option<Msisdn> {
        self.request()?.only_recipient()
    }
}
