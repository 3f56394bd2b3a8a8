//! Where a message stands. What changes that is [`life::state`](crate::life::state).

use std::fmt;

use mm7::MmStatus;

/// Where a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// On disk, nothing sent yet, or waiting for the next attempt.
    Accepted,
    /// An attempt is under way.
    Sending,
    /// An attempt may have arrived; only a report or the time-out tells.
    Parked,
    /// The carrier took it.
    Forwarded,
    /// The handset knows of it and has not fetched it.
    Deferred,
    /// It has ended; nothing changes it any more.
    Ended(Terminal),
}

/// The statuses a message can end in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Terminal {
    /// The handset has it.
    Retrieved,
    /// It was not fetched, or not sent, in time.
    Expired,
    /// The carrier refused it.
    Rejected,
    /// Network or subscriber cannot be reached.
    Unreachable,
    /// The handset does not understand it.
    Unrecognized,
    /// The request is not supported.
    NotSupported,
    /// It is not known what became of it.
    Indeterminate,
}

impl Terminal {
    /// Every terminal status.
    pub const ALL: &'static [Self] = &[
        Self::Retrieved,
        Self::Expired,
        Self::Rejected,
        Self::Unreachable,
        Self::Unrecognized,
        Self::NotSupported,
        Self::Indeterminate,
    ];

    /// The delivery status of the table.
    pub const fn status(self) -> MmStatus {
        match self {
            Self::Retrieved => MmStatus::Retrieved,
            Self::Expired => MmStatus::Expired,
            Self::Rejected => MmStatus::Rejected,
            Self::Unreachable => MmStatus::Unreachable,
            Self::Unrecognized => MmStatus::Unrecognized,
            Self::NotSupported => MmStatus::NotSupported,
            Self::Indeterminate => MmStatus::Indeterminate,
        }
    }

    /// The terminal status that a delivery status is; `None` for Forwarded and Deferred.
    pub const fn of(status: MmStatus) -> Option<Self> {
        Some(match status {
            MmStatus::Retrieved => Self::Retrieved,
            MmStatus::Expired => Self::Expired,
            MmStatus::Rejected => Self::Rejected,
            MmStatus::Unreachable => Self::Unreachable,
            MmStatus::Unrecognized => Self::Unrecognized,
            MmStatus::NotSupported => Self::NotSupported,
            MmStatus::Indeterminate => Self::Indeterminate,
            MmStatus::Forwarded | MmStatus::Deferred => return None,
        })
    }
}

impl State {
    /// The state of a message that was accepted a moment ago.
    pub const FIRST: Self = Self::Accepted;

    /// Every state, for tables and tests.
    pub fn all() -> impl Iterator<Item = Self> {
        let open = [Self::Accepted, Self::Sending, Self::Parked, Self::Forwarded, Self::Deferred];
        open.into_iter().chain(Terminal::ALL.iter().copied().map(Self::Ended))
    }

    /// The states of a message that has ended in any other way than it should.
    pub fn failed() -> impl Iterator<Item = Self> {
        let ended = Terminal::ALL.iter().copied().filter(|terminal| *terminal != Terminal::Retrieved);
        ended.map(Self::Ended)
    }

    /// Whether the message has ended.
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Ended(_))
    }

    /// The number that stores keep: 0 to 4 for open states, from 10 for terminal ones.
    pub const fn number(self) -> u8 {
        match self {
            Self::Accepted => 0,
            Self::Sending => 1,
            Self::Parked => 2,
            Self::Forwarded => 3,
            Self::Deferred => 4,
            Self::Ended(Terminal::Retrieved) => 10,
            Self::Ended(Terminal::Expired) => 11,
            Self::Ended(Terminal::Rejected) => 12,
            Self::Ended(Terminal::Unreachable) => 13,
            Self::Ended(Terminal::Unrecognized) => 14,
            Self::Ended(Terminal::NotSupported) => 15,
            Self::Ended(Terminal::Indeterminate) => 16,
        }
    }

    /// The state of a stored number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::all().find(|state| state.number() == number)
    }

    /// The name, as timelines and `--json` show it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "Accepted",
            Self::Sending => "Sending",
            Self::Parked => "Parked",
            Self::Forwarded => "Forwarded",
            Self::Deferred => "Deferred",
            Self::Ended(terminal) => terminal.status().as_str(),
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
