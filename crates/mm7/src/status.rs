//! The code table: one row per status code and per delivery status, with the texts peers see.
//!
//! TS 23.140 clause 8.7.8.4 gives the classes (first digit) and the rule for codes a peer does not know;
//! the rows from 2500 and 3500 up are the implementation-specific ones that the field uses.

use std::fmt;

/// The class of a status code: its first digit (TS 23.140 clause 8.7.8.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// 1xxx: carried out, wholly or for a part.
    Success,
    /// 2xxx: the request is at fault.
    Client,
    /// 3xxx: the server is at fault.
    Server,
    /// 4xxx: the service refuses.
    Service,
}

impl Class {
    /// The class of any code a peer may send; a code outside the four classes counts as 3000
    /// (TS 23.140 clause 8.7.8.4).
    ///
    /// ```
    /// use mm7::status::Class;
    /// assert_eq!(Class::of(1234), Class::Success);
    /// assert_eq!(Class::of(9999), Class::Server);
    /// ```
    pub fn of(code: u32) -> Self {
        match code {
            1000..=1999 => Self::Success,
            2000..=2999 => Self::Client,
            4000..=4999 => Self::Service,
            _ => Self::Server,
        }
    }
}

macro_rules! status_codes {
    ($($name:ident = $code:literal, $text:literal, $details:literal;)*) => {
        /// A status code of the table. A code that is not in it travels as a plain number in
        /// `Status`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u16)]
        pub enum StatusCode {
            $(#[doc = concat!($text, ". ", $details)] $name = $code,)*
        }

        impl StatusCode {
            /// Every row of the table, in ascending order of code.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The StatusText that goes on the wire.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The Details that go on the wire; `None` where the table has none.
            pub const fn details(self) -> Option<&'static str> {
                let details = match self { $(Self::$name => $details,)* };
                if details.is_empty() { None } else { Some(details) }
            }

            /// The row of a code, if the table has one.
            ///
            /// ```
            /// use mm7::StatusCode;
            /// assert_eq!(StatusCode::from_code(2002), Some(StatusCode::AddressError));
            /// assert_eq!(StatusCode::from_code(2001), None);
            /// ```
            pub const fn from_code(code: u32) -> Option<Self> {
                match code { $($code => Some(Self::$name),)* _ => None }
            }
        }
    };
}

status_codes! {
    Success = 1000, "Success", "Successfully parsed and validated request.";
    ClientError = 2000, "Client error", "Invalid IP Address or Protocol";
    AddressError = 2002, "Address Error", "Invalid Address";
    MultimediaRefused = 2004, "Multimedia refused", "Carrier refuses content";
    UnableToParse = 2007, "Unable to parse request", "Message format corrupt";
    InvalidHttpHeader = 2500, "Missing or Invalid HTTP header Content-Length or Content-Type", "Ensure the HTTP Content-Length and Content Type header are included and valid.";
    MissingDestination = 2502, "Missing destination address", "Ensure the recipient is specified correctly for the MM7 version that is used.";
    MultipleDestinations = 2503, "Multiple destination addresses not supported", "Multiple recipients not supported. Instead, create multiple messages";
    MissingSource = 2504, "Missing source address", "Ensure source address is specified correctly for the MM7 version that is used";
    UnsupportedVersion = 2505, "Missing or unsupported MM7 Version", "Ensure specified MM7 version is on the list of supported versions, and is in the format x.y.z";
    MissingContent = 2506, "Missing XML element – Content", "Ensure the Content element is included in the SubmitRequest.";
    UnsupportedNamespace = 2507, "Unsupported namespace", "Ensure that all the namespaces specified are on the list of supported namespaces.";
    InvalidSoapHeader = 2510, "Missing or Invalid SOAP header", "Ensure the SOAP envelope contains a SOAP header with only the TransactionID element";
    InvalidSoapBody = 2511, "Missing or Invalid SOAP body", "Ensure the SOAP envelope contains a SOAP body with the SubmitReq";
    UnsupportedOperation = 2512, "Unsupported operation", "SubmitReq is the only supported operation";
    UnparsableAttachment = 2513, "Unable to parse attachment", "Ensure your attachment is specified, and encoded properly";
    InvalidAttachmentContentType = 2514, "Invalid SOAP attachment header Content-Type", "Ensure the Content-Type headers of all the attachments are formatted properly";
    InvalidSoapPartContentType = 2515, "Invalid SOAP body part Content-Type", "Ensure the Content-Type header of the SOAP body part, aka the SOAP envelope part, is formatted properly";
    AccountDisabled = 2550, "Account disabled", "Your account is no longer provisioned for MMS";
    AccountNotProvisionedForMm7 = 2551, "Account not Provisioned for MM7", "Your account is not provisioned for MM7 API";
    ContentLengthExceeded = 2560, "Content length exceeded maximum supported request size", "Reduce the size of the content you are sending.";
    InvalidSenderIdentification = 2561, "Invalid sender identification", "Sender identification invalid or missing.";
    InvalidVasId = 2562, "Invalid VASID", "The VASID is your ServiceID";
    InvalidSource = 2563, "Invalid source address", "The Shortcode may be incorrect or not provisioned";
    InvalidVaspId = 2564, "Invalid VASPID", "The VASPID is your API Key";
    ReplyChargingNotSupported = 2565, "Message rejected, reply charging not supported", "Message rejected, reply charging not supported";
    InvalidCarrier = 2566, "Invalid carrier", "Invalid carrier ID.";
    MissingCarrierId = 2567, "Missing carrier ID", "Carrier ID is required to be passed";
    UnableToAuthenticate = 2568, "Unable to authenticate", "Ensure the HTTP username and password you have specified are correct and formatted properly within the Authorization header.";
    LookupDown = 2569, "Carrier Lookup Service is down. Please retry.", "";
    CarrierNotProvisioned = 2570, "Carrier Not Provisioned", "";
    SystemError = 3000, "System error", "Internal system/service error.";
    NumberBlacklisted = 3001, "Number blacklisted", "Phone number is blacklisted for receiving messages do not retry";
    ChargedPartyNotSupported = 3002, "Charged party not supported", "Charged Party not supported";
    MultimediaDownloadFailed = 3003, "Multimedia download failed", "Using URLs in the MM7 the fetch of content failed or took too long";
    Timeout = 3500, "Timeout", "Carrier gateway timeout";
    ThroughputExceeded = 3510, "Throughput exceeded", "Throughput exceeded please retry later";
    ProvisioningIssue = 3520, "Provisioning issue", "Provisioning problem, please contact your account manager";
    GeneralServiceError = 4000, "General service error", "Carrier rejects the message due to a general service error";
    UnsupportedMm7Version = 4002, "Unsupported MM7 version", "The carrier does not support this MM7 version";
    CarrierUnsupportedOperation = 4003, "Unsupported operation", "Carrier rejects the message due to unsupported operation or format";
    ValidationError = 4004, "Validation error", "Validation error";
    ServiceUnavailable = 4006, "Service unavailable", "Carrier capacity reached. Retry later";
    ServiceDenied = 4007, "Service denied", "Carrier denies service for the recipient address";
}

impl StatusCode {
    /// The number on the wire.
    pub const fn code(self) -> u16 {
        self as u16
    }

    /// The class the code belongs to.
    pub fn class(self) -> Class {
        Class::of(u32::from(self.code()))
    }
}

impl fmt::Display for StatusCode {
    /// The code and its text: `2002 Address Error`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code(), self.text())
    }
}

macro_rules! delivery_statuses {
    ($($name:ident, $text:literal, $description:literal;)*) => {
        /// A delivery status of the table: what MMStatus of a DeliveryReportReq says (TS 23.140 clause 8.7.4).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum MmStatus {
            $(#[doc = $description] $name,)*
        }

        impl MmStatus {
            /// Every row of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The spelling of the table, which is MMStatus on the wire in the default dialect.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }

            /// The StatusText that goes with it.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// What the status means, for people.
            pub const fn description(self) -> &'static str {
                match self { $(Self::$name => $description,)* }
            }

            /// The row with exactly this spelling; [`MmStatus::from_wire`] takes what peers really send.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $(stringify!($name) => Some(Self::$name),)* _ => None }
            }
        }
    };
}

delivery_statuses! {
    Deferred, "Deferred", "The handset has retrieved the MMS header, but has not downloaded the full message from the mobile network. The handset may still download the message at a later time.";
    Expired, "Expired", "The handset did not retrieve the message before the message expiration time.";
    Forwarded, "Forwarded", "The message has been sent successfully to the mobile network.";
    Indeterminate, "Indeterminate", "The mobile network could not determine if the message was delivered correctly.";
    NotSupported, "NotSupported", "The request made to the MMS gateway is not supported";
    Rejected, "Rejected", "The message has been rejected by the MMS gateway or mobile network.";
    Retrieved, "Success", "The message was successfully delivered to the handset and the handset was configured to acknowledge the message with a delivery receipt.";
    Unreachable, "Unreachable", "The destination network or the mobile subscriber cannot be reached.";
    Unrecognized, "Unrecognized", "The handset of the mobile subscriber does not recognize the message content.";
}

impl fmt::Display for MmStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl MmStatus {
    /// Whether a message in this status has ended: nothing but Forwarded and Deferred can be followed by another.
    pub const fn is_terminal(self) -> bool {
        !matches!(self, Self::Forwarded | Self::Deferred)
    }

    /// Reads MMStatus as peers send it: 3GPP and vendor spellings, any case, padded; what is not known is
    /// Indeterminate, since a report must not be lost over its spelling.
    ///
    /// ```
    /// use mm7::MmStatus;
    /// assert_eq!(MmStatus::from_wire(" Unrecognised "), MmStatus::Unrecognized);
    /// assert_eq!(MmStatus::from_wire("Third:User Retrieved Success"), MmStatus::Indeterminate);
    /// ```
    pub fn from_wire(text: &str) -> Self {
        let text = text.trim();
        let known = Self::ALL.iter().copied().find(|status| status.as_str().eq_ignore_ascii_case(text));
        known.unwrap_or_else(|| match text.to_ascii_lowercase().as_str() {
            "unrecognised" => Self::Unrecognized,
            "delivered" | "success" => Self::Retrieved,
            "cancelled" | "canceled" | "replaced" | "deliveryconditionnotmet" => Self::Rejected,
            "processing" => Self::Forwarded,
            _ => Self::Indeterminate,
        })
    }
}
