//! How attempts, waits and reports ended, and what follows next: what operations on a message are given, and what they answer.

use jiff::Timestamp;
use mm7::StatusCode;

use super::state::{State, Terminal};
use crate::{Id, bounds};

/// How an attempt (or a wait) ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// The carrier took it. Reports that came before are applied now.
    Taken {
        /// The carrier's MessageID, if it gave one.
        carrier_message_id: Option<String>,
        /// When a terminal report is overdue.
        report_until: Timestamp,
    },
    /// Refused for good.
    Refused {
        /// Rejected or NotSupported.
        terminal: Terminal,
        /// Why, as a status code of MM7.
        reason: StatusCode,
        /// What the carrier said about it in Details, as one short line: it goes on with the reason.
        details: Option<String>,
    },
    /// It was provably not delivered: another attempt is due at that time.
    Again {
        /// When the next attempt is due (UTC, milliseconds).
        due: Timestamp,
        /// Whether no connection was found.
        unreached: bool,
        /// Why, as a status code of MM7.
        reason: StatusCode,
    },
    /// It may have been delivered, and is sent again all the same: another attempt is due at that time, unless a report on this one
    /// comes first. Reports that came before and match are applied now.
    Resend {
        /// When the next attempt is due (UTC, milliseconds).
        due: Timestamp,
        /// Why, as a status code of MM7.
        reason: StatusCode,
        /// When a terminal report is overdue, once one says that it did arrive.
        report_until: Timestamp,
    },
    /// It may have been delivered, and is not sent again: parked. Reports that came before and match are applied now.
    Unknown {
        /// When a terminal report is overdue.
        report_until: Timestamp,
    },
    /// ExpiryDate passed before the carrier took it.
    Expired {
        /// Whether the last attempts found no connection.
        unreached: bool,
    },
    /// No terminal report came in time.
    ReportTimeout,
    /// Relay mode: the answer told the VASP, nothing is owed.
    Declined {
        /// What it was told.
        reason: StatusCode,
    },
}

impl Settlement {
    /// What of it is kept.
    #[must_use]
    pub fn within_bounds(mut self) -> Self {
        match &mut self {
            Self::Taken { carrier_message_id: Some(id), .. } => bounds::shorten_id(id),
            Self::Refused { details: Some(details), .. } => bounds::shorten(details, bounds::DETAILS),
            _ => {}
        }
        self
    }
}

/// An attempt over one connection that did not end in 1xxx: kept, so that it can be looked for by its code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedAttempt {
    /// When it ended (UTC, milliseconds).
    pub at: Timestamp,
    /// How, as a code of our table.
    pub code: StatusCode,
    /// The connection; `None` where none was had, or it is not known any more.
    pub connection: Option<String>,
}

/// How an attempt or a wait ended, with what is kept of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedAttempt<'a> {
    /// How.
    pub settlement: Settlement,
    /// What the carrier said, for the timeline; empty adds nothing.
    pub said: &'a str,
    /// How it ended over each connection that did not take the message, in order: what of it is kept, at most
    /// [`FAILED_ATTEMPTS`](crate::bounds::FAILED_ATTEMPTS) of a message, is found by its code as long as the message is.
    pub failed: &'a [FailedAttempt],
}

/// What is to be done about a message next, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextStep {
    /// Another attempt is due at this time; it is ExpiryDate when there is none before.
    Attempt(Timestamp),
    /// A gateway is about to send it. If it falls silent, any other may from this time on.
    InHand(Timestamp),
    /// An attempt is under way. Without an outcome by this time it counts as [interrupted](crate::store::Timer::Interrupted).
    UnderWay(Timestamp),
    /// Reports are awaited till this time; without a terminal one it ends as Indeterminate.
    Reports(Timestamp),
}

/// What an operation on a message left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The message's state now.
    pub state: State,
    /// Whether a report became owed to the VASP: callbacks may be looked for at once.
    pub owes_report: bool,
}

/// What became of a carrier's report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It changed this message.
    Applied(Id, Settled),
    /// It is on this message's timeline and changes nothing.
    Late(Id),
    /// No message of this carrier is known by it yet: kept, and applied when one is.
    Unmatched,
}

impl Recorded {
    /// The message that it is about, where one is known.
    pub const fn message(self) -> Option<Id> {
        match self {
            Self::Applied(id, _) | Self::Late(id) => Some(id),
            Self::Unmatched => None,
        }
    }
}
