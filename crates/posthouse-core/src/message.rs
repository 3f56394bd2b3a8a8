//! An MMS from SubmitReq to its last report, as the store keeps it.

mod new;
mod reports;
mod state;

use std::{fmt, time::Duration};

use bytes::Bytes;
use jiff::Timestamp;
use mm7::{
    StatusCode, ValueError,
    message::{Recipient, RecipientKind},
    mime::{ContentType, Media},
};
use serde::{Deserialize, Serialize};

use crate::{
    Id,
    address::{Msisdn, canonical},
    bounds,
    names::{AccountName, CarrierId},
};

pub use self::{
    new::{FirstAttempt, NewMessage, NewMo},
    reports::{CarrierReadReply, CarrierReport, ReadStatus},
    state::{State, Terminal},
};

/// ExpiryDate of a message that has none, from when it is accepted (contract 4.2).
pub const DEFAULT_EXPIRY: Duration = Duration::from_secs(3 * 24 * 3600);

/// One media part without its bytes: what its MIME headers said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredPart {
    /// The Content-Type, with its parameters.
    pub content_type: String,
    /// The Content-ID, without angle brackets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_id: Option<String>,
    /// The Content-Location.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_location: Option<String>,
    /// The file name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How many bytes it has.
    pub bytes: u64,
}

impl StoredPart {
    /// What is kept of a media part beside its bytes.
    pub fn of(media: &Media) -> Self {
        Self {
            content_type: media.content_type.to_string(),
            content_id: media.content_id.clone(),
            content_location: media.content_location.clone(),
            name: media.name.clone(),
            bytes: media.bytes.len() as u64,
        }
    }

    /// The media part again, with its bytes.
    ///
    /// # Errors
    /// The Content-Type cannot be read, which says that somebody else wrote it.
    pub fn media(&self, bytes: Bytes) -> Result<Media, ValueError> {
        Ok(Media {
            content_type: ContentType::parse(&self.content_type)?,
            content_id: self.content_id.clone(),
            content_location: self.content_location.clone(),
            name: self.name.clone(),
            bytes,
        })
    }
}

/// The form of an address ([`mm7::Address`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AddressKind {
    /// `<Number>`
    Number,
    /// `<ShortCode>`
    ShortCode,
    /// `<RFC2822Address>`
    Rfc2822Address,
}

/// What the VASP asked for: all that is needed to write the SubmitReq to the carrier and the reports to the VASP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    /// The TransactionID of the SubmitReq.
    pub transaction_id: String,
    /// The service it was sent as.
    pub vasid: String,
    /// The form of the SenderAddress.
    pub sender_kind: AddressKind,
    /// The SenderAddress.
    pub sender: String,
    /// The recipient.
    pub recipient: Msisdn,
    /// Subject, as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// MessageClass, as the schema spells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_class: Option<String>,
    /// Priority, as the schema spells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<String>,
    /// ServiceCode, as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_code: Option<String>,
    /// Content/@allowAdaptations, as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_adaptations: Option<bool>,
    /// TimeStamp, or when the message was accepted.
    pub time_stamp: Timestamp,
    /// ExpiryDate: after it the message is not sent any more.
    pub expiry: Timestamp,
    /// DeliveryReport: whether the VASP wants reports.
    pub delivery_report: bool,
    /// The MM7 namespace that the VASP writes in, in which its reports are written.
    pub namespace: String,
    /// The MM7Version that the VASP writes.
    pub version: String,
    /// What was noted while it was accepted: elements dropped, quirks tolerated.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Its media, in order; their bytes are kept beside it.
    pub parts: Vec<StoredPart>,
    /// The message that it was sent again for, by an operator; `None`: a VASP sent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resubmission: Option<Resubmission>,
    /// Over which connection an operator wants its next attempt to go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<NextConnection>,
}

/// What a message was sent again for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resubmission {
    /// The MessageID of the one that had ended.
    pub of: i64,
    /// Whether the VASP gets reports on this one.
    pub reports: bool,
}

/// A connection that an operator wants one attempt to go over, where it serves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextConnection {
    /// Its name.
    pub connection: String,
    /// It is meant for the attempt that comes after so many.
    pub attempts: u32,
}

impl Submission {
    /// Whether reports on it are owed to the VASP.
    pub fn owes_reports(&self) -> bool {
        self.delivery_report && self.resubmission.is_none_or(|resubmission| resubmission.reports)
    }

    /// Whether read replies on it are owed to the VASP.
    pub fn owes_read_replies(&self) -> bool {
        self.resubmission.is_none_or(|resubmission| resubmission.reports)
    }

    /// The connection that the attempt after so many is wanted to go over.
    pub fn wanted_connection(&self, attempts: u32) -> Option<&str> {
        self.via.as_ref().filter(|via| via.attempts == attempts).map(|via| via.connection.as_str())
    }

    /// The SenderAddress as an MM7 address.
    pub fn sender_address(&self) -> mm7::Address {
        let text = self.sender.clone();
        match self.sender_kind {
            AddressKind::Number => mm7::Address::Number(text),
            AddressKind::ShortCode => mm7::Address::ShortCode(text),
            AddressKind::Rfc2822Address => mm7::Address::Rfc2822Address(text),
        }
    }
}

/// An address as it is kept: in its [one spelling](canonical).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptAddress {
    /// Its form.
    pub kind: AddressKind,
    /// The text inside.
    pub text: String,
}

impl From<&mm7::Address> for KeptAddress {
    fn from(address: &mm7::Address) -> Self {
        let (kind, text) = match canonical(address) {
            mm7::Address::Number(text) => (AddressKind::Number, text),
            mm7::Address::ShortCode(text) => (AddressKind::ShortCode, text),
            mm7::Address::Rfc2822Address(text) => (AddressKind::Rfc2822Address, text),
        };
        Self { kind, text }
    }
}

impl From<&KeptAddress> for mm7::Address {
    fn from(address: &KeptAddress) -> Self {
        let text = address.text.clone();
        match address.kind {
            AddressKind::Number => Self::Number(text),
            AddressKind::ShortCode => Self::ShortCode(text),
            AddressKind::Rfc2822Address => Self::Rfc2822Address(text),
        }
    }
}

impl KeptAddress {
    /// Cuts it to what of it is kept.
    fn shorten(&mut self) {
        bounds::shorten(&mut self.text, bounds::ADDRESS);
    }
}

/// Which of To, Cc and Bcc ([`mm7::message::RecipientKind`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum RecipientList {
    /// `To`
    #[default]
    To,
    /// `Cc`
    Cc,
    /// `Bcc`
    Bcc,
}

impl From<RecipientKind> for RecipientList {
    fn from(kind: RecipientKind) -> Self {
        match kind {
            RecipientKind::To => Self::To,
            RecipientKind::Cc => Self::Cc,
            RecipientKind::Bcc => Self::Bcc,
        }
    }
}

impl From<RecipientList> for RecipientKind {
    fn from(list: RecipientList) -> Self {
        match list {
            RecipientList::To => Self::To,
            RecipientList::Cc => Self::Cc,
            RecipientList::Bcc => Self::Bcc,
        }
    }
}

/// One of the recipients of a message from a handset. Stores of before it had lists keep an address alone: a plain To.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptRecipient {
    /// The address.
    #[serde(flatten)]
    pub address: KeptAddress,
    /// Where it stands.
    #[serde(default)]
    pub list: RecipientList,
    /// `displayOnly`: shown to the others, but not sent to.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub display_only: bool,
}

impl From<&Recipient> for KeptRecipient {
    fn from(recipient: &Recipient) -> Self {
        Self {
            address: (&recipient.address).into(),
            list: recipient.kind.into(),
            display_only: recipient.display_only,
        }
    }
}

impl From<&KeptRecipient> for Recipient {
    fn from(recipient: &KeptRecipient) -> Self {
        let KeptRecipient { address, list, display_only } = recipient;
        Self { kind: (*list).into(), display_only: *display_only, ..Self::to(address.into()) }
    }
}

/// A message from a handset (MO): all that is needed to write the DeliverReq to the VASP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mo {
    /// The TransactionID of the carrier's DeliverReq.
    pub transaction_id: String,
    /// The service that it is for.
    pub vasid: String,
    /// Sender.
    pub sender: KeptAddress,
    /// Recipients, in the order of the document.
    pub recipients: Vec<KeptRecipient>,
    /// Subject, as it came.
    pub subject: Option<String>,
    /// Priority, as the schema spells it.
    pub priority: Option<String>,
    /// TimeStamp, or when it came.
    pub time_stamp: Timestamp,
    /// What was odd about the form of the carrier's DeliverReq; empty: nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub odd: String,
    /// Its media, in order; their bytes are kept beside it.
    pub parts: Vec<StoredPart>,
}

/// Identifies the content of a request, so that a repetition is told from another request under the same id: the first 16 bytes of
/// a hash. Which hash, and over what, is up to whoever makes it (of a SubmitReq and a DeliverReq BLAKE3, of what a handset sent
/// SHA-256); digests of different kinds are never compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest(pub [u8; 16]);

/// The reason beside a status: a code of the table with its text (`4007 Service denied`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reason(pub StatusCode);

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A message as searches and the timeline show it.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredMessage {
    /// Its MessageID.
    pub id: Id,
    /// Whose it is.
    pub account: AccountName,
    /// The carrier it goes to.
    pub carrier: CarrierId,
    /// What was asked for.
    pub submission: Submission,
    /// Where it stands.
    pub state: State,
    /// The reason of a refusal.
    pub reason: Option<Reason>,
    /// What the carrier said about its refusal in Details.
    pub details: Option<String>,
    /// The MessageID that the carrier gave it.
    pub carrier_message_id: Option<String>,
    /// How many attempts were begun.
    pub attempts: u32,
    /// When it was accepted (1000).
    pub accepted_at: Timestamp,
    /// When its state last changed.
    pub changed_at: Timestamp,
}

/// One line of a message's timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimelineEvent {
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub kind: EventKind,
    /// The rest, in words for people; empty where the kind says it all.
    pub detail: String,
}

macro_rules! event_kinds {
    ($($(#[$doc:meta])* $name:ident = $number:literal;)*) => {
        /// What a line of a timeline is about. The numbers are what stores keep.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum EventKind { $($(#[$doc])* $name = $number,)* }

        impl EventKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The name, as timelines and `--json` show it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }

            /// The number that stores keep.
            pub const fn number(self) -> u8 {
                self as u8
            }

            /// The kind of a stored number.
            pub const fn from_number(number: u8) -> Option<Self> {
                match number { $($number => Some(Self::$name),)* _ => None }
            }
        }
    };
}

event_kinds! {
    /// 1000 was earned: the message is on disk.
    Accepted = 0;
    /// Something was noted while it was accepted.
    Noted = 1;
    /// An attempt was begun.
    Sending = 2;
    /// The carrier took it.
    Forwarded = 3;
    /// The attempt failed and will be repeated.
    Retrying = 4;
    /// The attempt may have arrived; nothing is sent again till it is known.
    Parked = 5;
    /// The handset has not fetched it yet.
    Deferred = 6;
    /// A terminal status was reached.
    Ended = 7;
    /// A report came that changes nothing any more.
    LateReport = 8;
    /// A report of ours reached the VASP.
    Reported = 9;
    /// A report of ours failed and will be repeated.
    ReportRetrying = 10;
    /// A report of ours failed for good and is kept.
    ReportFailed = 11;
    /// A report was not owed any more.
    ReportWithdrawn = 12;
    /// An operator intervened.
    Operator = 13;
    /// The recipient read it, or deleted it unread.
    ReadReply = 14;
}
