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
        /// After how long the caller may try again.
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

/// The rows of contract 4.1 that mean something beside their place in the order.
pub(crate) mod row {
    /// The last that is judged by the head alone.
    pub(crate) const REQUEST_LENGTH: u8 = 2;
    /// The first that the envelope counts in: before it, no VASPID is known.
    pub(crate) const SOAP_HEADER: u8 = 5;
    /// The operation is SubmitReq.
    pub(crate) const OPERATION: u8 = 8;
    /// The first that asks who sends the request.
    pub(crate) const SENDER_IDENTIFICATION: u8 = 10;
    /// The account's throughput, and the gateway's load.
    pub(crate) const THROUGHPUT: u8 = 15;
    /// Something of our own broke. No check stands here.
    pub(crate) const SYSTEM: u8 = 32;
    /// The carrier's answer in relay mode. No check stands here.
    pub(crate) const CARRIER_ANSWER: u8 = 33;
}

/// How long a peer is told to wait (Retry-After) when the gateway itself is short of something.
pub const SHED_FOR: Duration = Duration::from_secs(5);

/// A refusal and the row of contract 4.1 it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The row: some dialects dress refusals up to row 9 otherwise.
    pub row: u8,
    /// Why the request is refused.
    pub reject: Reject,
}

impl Rejection {
    /// Something of our own broke.
    pub const SYSTEM: Self = Self { row: row::SYSTEM, reject: Reject::System };

    /// The gateway sheds load: the request may come again after this time.
    pub const fn shedding(retry_after: Duration) -> Self {
        Self { row: row::THROUGHPUT, reject: Reject::Throughput { retry_after } }
    }

    /// What the carrier said in relay mode.
    pub const fn by_carrier(code: StatusCode) -> Self {
        Self { row: row::CARRIER_ANSWER, reject: Reject::Carrier(code) }
    }

    /// The code that is answered.
    pub const fn status(self) -> StatusCode {
        self.reject.status()
    }

    /// Whether it comes before anything in the envelope counts, its VASPID included (rows 1 to 4): the default dialect answers.
    pub const fn anonymous(self) -> bool {
        self.row < row::SOAP_HEADER && !matches!(self.reject, Reject::Chunks)
    }

    /// Whether the request came as far as SenderIdentification (row 10 or later).
    pub const fn identified(self) -> bool {
        self.row >= row::SENDER_IDENTIFICATION
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::submit::{CHECKS, Check};

    #[test]
    fn named_rows_are_those_of_the_checks() {
        for (name, row) in [
            ("request_length", row::REQUEST_LENGTH),
            ("soap_header", row::SOAP_HEADER),
            ("operation", row::OPERATION),
            ("sender_identification", row::SENDER_IDENTIFICATION),
            ("throughput", row::THROUGHPUT),
        ] {
            assert_eq!(Check::named(name).map(|check| check.row), Some(row), "{name}");
        }
        assert!(CHECKS.iter().all(|check| ![row::SYSTEM, row::CARRIER_ANSWER].contains(&check.row)));
    }
}
