//! What carriers say of a message that they took: reports and read replies, once decoded.

use std::fmt;

use jiff::Timestamp;
use mm7::MmStatus;

use crate::{address::Msisdn, bounds, names::CarrierId};

/// A report that a carrier sent, once decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CarrierReport {
    /// The carrier at whose door it came.
    pub carrier: CarrierId,
    /// The carrier's MessageID.
    pub carrier_message_id: String,
    /// The recipient's digits, where they could be read.
    pub recipient: Option<Msisdn>,
    /// The sender as text, where it could be read.
    pub sender: Option<String>,
    /// What the carrier says, mapped.
    pub status: MmStatus,
    /// What the carrier said, word for word (MMStatus and StatusText), for the timeline.
    pub said: String,
    /// What was odd about its form, for the timeline; empty: nothing.
    pub odd: String,
    /// When it was received.
    pub received_at: Timestamp,
}

impl CarrierReport {
    /// Whether another one under the same MessageID of the same carrier says the same, word for word or not.
    pub fn says_the_same(&self, other: &Self) -> bool {
        (self.status, &self.recipient, &self.sender) == (other.status, &other.recipient, &other.sender)
    }

    /// What of it is kept.
    #[must_use]
    pub fn within_bounds(mut self) -> Self {
        bounds::shorten_id(&mut self.carrier_message_id);
        bounds::shorten(&mut self.said, bounds::LINE);
        if let Some(sender) = &mut self.sender {
            bounds::shorten(sender, bounds::ADDRESS);
        }
        self
    }
}

/// What a recipient did with a message: the schema's `mmReadStatusType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReadStatus {
    /// It was read.
    Read,
    /// It was deleted unread.
    Deleted,
    /// It is not known.
    Indeterminate,
}

impl ReadStatus {
    /// Every status.
    pub const ALL: &'static [Self] = &[Self::Read, Self::Deleted, Self::Indeterminate];

    /// The name, as the schema spells it and stores keep it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "Read",
            Self::Deleted => "Deleted",
            Self::Indeterminate => "Indeterminate",
        }
    }

    /// The status of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|status| status.as_str() == name)
    }

    /// What a carrier means: in any case, also as MM1 spells it (`Deleted without being read`). What is not known is
    /// Indeterminate, as in reports.
    ///
    /// ```
    /// use posthouse_core::life::read_reply::ReadStatus;
    /// assert_eq!(ReadStatus::from_wire("READ"), ReadStatus::Read);
    /// assert_eq!(ReadStatus::from_wire("Deleted without being read"), ReadStatus::Deleted);
    /// assert_eq!(ReadStatus::from_wire("Forwarded"), ReadStatus::Indeterminate);
    /// ```
    pub fn from_wire(text: &str) -> Self {
        match text.trim().to_ascii_lowercase().as_str() {
            "read" | "displayed" => Self::Read,
            "deleted" | "deleted without being read" => Self::Deleted,
            _ => Self::Indeterminate,
        }
    }
}

impl fmt::Display for ReadStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A read reply that a carrier sent, once decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CarrierReadReply {
    /// The carrier at whose door it came.
    pub carrier: CarrierId,
    /// The carrier's MessageID.
    pub carrier_message_id: String,
    /// What it says, mapped.
    pub status: ReadStatus,
    /// TimeStamp: when the recipient did so.
    pub time_stamp: Timestamp,
    /// What the carrier said, word for word (MMStatus and StatusText), for the timeline.
    pub said: String,
    /// What was odd about its form, for the timeline; empty: nothing.
    pub odd: String,
    /// When it was received.
    pub received_at: Timestamp,
}

impl CarrierReadReply {
    /// Whether another one under the same MessageID of the same carrier says the same.
    pub fn says_the_same(&self, other: &Self) -> bool {
        self.status == other.status
    }

    /// What of it is kept.
    #[must_use]
    pub fn within_bounds(mut self) -> Self {
        bounds::shorten_id(&mut self.carrier_message_id);
        bounds::shorten(&mut self.said, bounds::LINE);
        self
    }
}
