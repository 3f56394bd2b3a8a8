//! Why a SubmitReq is refused: a closed enum, and one total match to the codes of the table.

use std::time::Duration;

use mm7::{Rule, StatusCode};

/// Why a SubmitReq is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reject {
    /// Content-Type or Content-Length missing or unusable.
    HttpHeaders,
    /// The body came in chunks, which the account's dialect does not take.
    Chunks,
    /// The request is longer than the gateway takes.
    RequestTooLong,
    /// A rule of the format is broken.
    Decode(Rule),
    /// An operation other than SubmitReq.
    NotSubmitReq,
    /// SenderIdentification is missing, or has no VASPID.
    NoVaspId,
    /// No account has this VASPID.
    UnknownVaspId,
    /// The caller's address is not allowed, or HTTPS is required and was not used.
    AddressOrProtocol,
    /// The client certificate is missing, or not one of the account's.
    ClientCertificate,
    /// Authorization is wrong or missing, or was wrong too often.
    Credentials,
    /// The account is disabled.
    AccountDisabled,
    /// The account is not provisioned for MM7.
    NotProvisionedForMm7,
    /// Over the account's throughput, or the gateway is shedding load.
    Throughput {
        /// When to come again.
        retry_after: Duration,
    },
    /// The VASID is not known, or missing where no service is the default.
    UnknownVasId,
    /// SenderAddress is missing.
    NoSender,
    /// SenderAddress is not one of the service's.
    ForeignSender,
    /// There is no recipient.
    NoRecipient,
    /// There is more than one recipient.
    SeveralRecipients,
    /// The recipient is no international number.
    BadRecipient,
    /// ReplyCharging is present.
    ReplyCharging,
    /// ChargedParty or ChargedPartyID is present.
    ChargedParty,
    /// Content is missing.
    NoContent,
    /// The request is longer than the account may send.
    MessageTooLong,
    /// The recipient is blacklisted.
    Blacklisted,
    /// The account must name the carrier, and the request does not.
    NoCarrierId,
    /// The request names a carrier that is not known.
    UnknownCarrierId,
    /// The lookup failed and nothing was cached.
    LookupDown,
    /// The number belongs to no carrier of ours.
    NoCarrier,
    /// The service does not reach the carrier.
    CarrierNotReached,
    /// The carrier has no usable connection, or refuses our own credentials.
    NoConnection,
    /// The carrier takes no media of this size or type.
    CarrierRefusesContent,
    /// Content by URL could not be fetched.
    FetchFailed,
    /// Something of our own broke.
    System,
    /// Relay mode: the carrier's answer, as a code of the table.
    Carrier(StatusCode),
}

impl Reject {
    /// The code that is answered.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::HttpHeaders | Self::Chunks => StatusCode::InvalidHttpHeader,
            Self::RequestTooLong | Self::MessageTooLong => StatusCode::ContentLengthExceeded,
            Self::Decode(rule) => rule.status(),
            Self::NotSubmitReq => StatusCode::UnsupportedOperation,
            Self::NoVaspId => StatusCode::InvalidSenderIdentification,
            Self::UnknownVaspId => StatusCode::InvalidVaspId,
            Self::AddressOrProtocol => StatusCode::ClientError,
            Self::ClientCertificate | Self::Credentials => StatusCode::UnableToAuthenticate,
            Self::AccountDisabled => StatusCode::AccountDisabled,
            Self::NotProvisionedForMm7 => StatusCode::AccountNotProvisionedForMm7,
            Self::Throughput { .. } => StatusCode::ThroughputExceeded,
            Self::UnknownVasId => StatusCode::InvalidVasId,
            Self::NoSender => StatusCode::MissingSource,
            Self::ForeignSender => StatusCode::InvalidSource,
            Self::NoRecipient => StatusCode::MissingDestination,
            Self::SeveralRecipients => StatusCode::MultipleDestinations,
            Self::BadRecipient => StatusCode::AddressError,
            Self::ReplyCharging => StatusCode::ReplyChargingNotSupported,
            Self::ChargedParty => StatusCode::ChargedPartyNotSupported,
            Self::NoContent => StatusCode::MissingContent,
            Self::Blacklisted => StatusCode::NumberBlacklisted,
            Self::NoCarrierId => StatusCode::MissingCarrierId,
            Self::UnknownCarrierId => StatusCode::InvalidCarrier,
            Self::LookupDown => StatusCode::LookupDown,
            Self::NoCarrier | Self::CarrierNotReached => StatusCode::CarrierNotProvisioned,
            Self::NoConnection => StatusCode::ProvisioningIssue,
            Self::CarrierRefusesContent => StatusCode::MultimediaRefused,
            Self::FetchFailed => StatusCode::MultimediaDownloadFailed,
            Self::System => StatusCode::SystemError,
            Self::Carrier(code) => code,
        }
    }
}

/// A refusal and the row of contract 4.1 it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The row: some dialects dress refusals up to row 9 otherwise.
    pub row: u8,
    /// Why.
    pub reject: Reject,
}

impl Rejection {
    /// A refusal of row 32: something of our own broke.
    pub const SYSTEM: Self = Self { row: 32, reject: Reject::System };

    /// A refusal of row 15 by the gateway's load.
    pub const fn shedding(retry_after: Duration) -> Self {
        Self { row: 15, reject: Reject::Throughput { retry_after } }
    }

    /// A refusal of row 33: what the carrier said in relay mode.
    pub const fn by_carrier(code: StatusCode) -> Self {
        Self { row: 33, reject: Reject::Carrier(code) }
    }

    /// The code that is answered.
    pub const fn status(self) -> StatusCode {
        self.reject.status()
    }

    /// Whether it comes before anything in the envelope counts, its VASPID included (rows 1 to 4): the default dialect answers.
    pub const fn anonymous(self) -> bool {
        self.row < 5 && !matches!(self.reject, Reject::Chunks)
    }

    /// Whether the request came as far as SenderIdentification (row 10 or later).
    pub const fn identified(self) -> bool {
        self.row >= 10
    }
}
