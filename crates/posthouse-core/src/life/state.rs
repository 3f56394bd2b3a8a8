//! The state machine of a message (contract 4.5): a total match over states and events.
//!
//! Nothing else changes the state of a message: stores load it, ask [`State::after`], and write what it says, in one
//! transaction.

use mm7::{MmStatus, StatusCode};

pub use crate::message::{State, Terminal};

/// What can happen to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LifeEvent {
    /// An attempt begins.
    Begin,
    /// The carrier took it.
    Taken,
    /// The carrier, or the gateway on its behalf, refused it for good.
    Refused(Terminal, StatusCode),
    /// The attempt provably did not deliver it, or may have: another will be made.
    Again,
    /// The attempt may have delivered it, and it is not to be sent again.
    Unknown,
    /// A carrier's report.
    Report(MmStatus),
    /// ExpiryDate passed before the carrier took it.
    ExpiryPassed {
        /// Whether the last attempts found no connection: then Unreachable.
        unreached: bool,
    },
    /// No terminal report came in time.
    ReportTimeout,
    /// In relay mode the VASP was told in the answer itself: nothing is owed.
    Declined(StatusCode),
    /// An operator wants the next attempt at once, also of what may have arrived.
    Requeued,
    /// An operator ends it as Expired.
    ExpiredByHand,
}

/// What an event does to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transition {
    /// The state changes, or stays while something new is owed.
    To {
        /// The state from now on.
        state: State,
        /// The report that is owed for it, if the VASP wants reports.
        owed: Option<MmStatus>,
    },
    /// Recorded on the timeline; nothing changes and nothing is owed.
    Recorded,
}

impl State {
    /// What this event does to a message in this state.
    #[must_use]
    pub fn after(self, event: LifeEvent) -> Transition {
        match (self, event) {
            (Self::Ended(_), _) => Transition::Recorded,
            (_, LifeEvent::Report(status)) => self.after_report(status),
            (Self::Accepted, LifeEvent::Begin) => Transition::silent(Self::Sending),
            (Self::Accepted | Self::Sending | Self::Parked, LifeEvent::Taken) => {
                Transition::owing(Self::Forwarded, MmStatus::Forwarded)
            }
            // A report said already that the carrier has it: its answer, whatever it is, comes too late to matter.
            (
                Self::Forwarded | Self::Deferred,
                LifeEvent::Begin
                | LifeEvent::Taken
                | LifeEvent::Refused(..)
                | LifeEvent::Again
                | LifeEvent::Unknown
                | LifeEvent::ExpiryPassed { .. }
                | LifeEvent::Declined(_)
                | LifeEvent::Requeued
                | LifeEvent::ExpiredByHand,
            ) => Transition::Recorded,
            (Self::Accepted | Self::Sending | Self::Parked, LifeEvent::Refused(terminal, _)) => {
                Transition::ended(terminal)
            }
            (Self::Accepted | Self::Sending | Self::Parked, LifeEvent::Declined(code)) => {
                Transition::silent(Self::Ended(declined_as(code)))
            }
            (Self::Accepted | Self::Sending, LifeEvent::Again) => Transition::silent(Self::Accepted),
            (Self::Accepted | Self::Parked, LifeEvent::Requeued) => Transition::silent(Self::Accepted),
            (Self::Accepted | Self::Parked, LifeEvent::ExpiredByHand) => Transition::ended(Terminal::Expired),
            (Self::Accepted | Self::Sending, LifeEvent::Unknown) => Transition::silent(Self::Parked),
            (Self::Accepted | Self::Sending, LifeEvent::ExpiryPassed { unreached }) => {
                Transition::ended(if unreached { Terminal::Unreachable } else { Terminal::Expired })
            }
            (Self::Parked | Self::Forwarded | Self::Deferred, LifeEvent::ReportTimeout) => {
                Transition::ended(Terminal::Indeterminate)
            }
            // A parked message is not sent again and does not expire; a time-out of reports concerns no message that
            // waits for none; an attempt that is under way is not begun again, and nobody intervenes.
            (
                Self::Parked,
                LifeEvent::Begin | LifeEvent::Again | LifeEvent::Unknown | LifeEvent::ExpiryPassed { .. },
            )
            | (Self::Accepted | Self::Sending, LifeEvent::ReportTimeout)
            | (Self::Sending, LifeEvent::Begin | LifeEvent::Requeued | LifeEvent::ExpiredByHand) => {
                Transition::Recorded
            }
        }
    }

    fn after_report(self, status: MmStatus) -> Transition {
        match (self, status, Terminal::of(status)) {
            (_, _, Some(terminal)) => Transition::ended(terminal),
            // The carrier repeats what its answer said.
            (Self::Forwarded | Self::Deferred, MmStatus::Forwarded, None) => Transition::Recorded,
            (_, MmStatus::Forwarded, None) => Transition::owing(Self::Forwarded, MmStatus::Forwarded),
            (Self::Deferred, _, None) => Transition::Recorded,
            (_, _, None) => Transition::owing(Self::Deferred, MmStatus::Deferred),
        }
    }
}

/// What a message ends as that was declined in the answer: as it would have in a report (contract 4.4).
const fn declined_as(code: StatusCode) -> Terminal {
    match code {
        StatusCode::UnsupportedMm7Version | StatusCode::CarrierUnsupportedOperation => Terminal::NotSupported,
        _ => Terminal::Rejected,
    }
}

impl Transition {
    const fn silent(state: State) -> Self {
        Self::To { state, owed: None }
    }

    const fn owing(state: State, status: MmStatus) -> Self {
        Self::To { state, owed: Some(status) }
    }

    const fn ended(terminal: Terminal) -> Self {
        Self::owing(State::Ended(terminal), terminal.status())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &[(&str, LifeEvent)] = &[
        ("Begin", LifeEvent::Begin),
        ("Taken", LifeEvent::Taken),
        ("Refused(Rejected)", LifeEvent::Refused(Terminal::Rejected, StatusCode::ServiceDenied)),
        (
            "Refused(NotSupported)",
            LifeEvent::Refused(Terminal::NotSupported, StatusCode::UnsupportedMm7Version),
        ),
        ("Again", LifeEvent::Again),
        ("Unknown", LifeEvent::Unknown),
        ("ExpiryPassed", LifeEvent::ExpiryPassed { unreached: false }),
        ("ExpiryPassed(unreached)", LifeEvent::ExpiryPassed { unreached: true }),
        ("ReportTimeout", LifeEvent::ReportTimeout),
        ("Declined", LifeEvent::Declined(StatusCode::ServiceUnavailable)),
        ("Declined(4002)", LifeEvent::Declined(StatusCode::UnsupportedMm7Version)),
        ("Declined(4003)", LifeEvent::Declined(StatusCode::CarrierUnsupportedOperation)),
        ("Requeued", LifeEvent::Requeued),
        ("ExpiredByHand", LifeEvent::ExpiredByHand),
        ("Report(Forwarded)", LifeEvent::Report(MmStatus::Forwarded)),
        ("Report(Deferred)", LifeEvent::Report(MmStatus::Deferred)),
        ("Report(Retrieved)", LifeEvent::Report(MmStatus::Retrieved)),
        ("Report(Expired)", LifeEvent::Report(MmStatus::Expired)),
        ("Report(Rejected)", LifeEvent::Report(MmStatus::Rejected)),
        ("Report(Unreachable)", LifeEvent::Report(MmStatus::Unreachable)),
        ("Report(Unrecognized)", LifeEvent::Report(MmStatus::Unrecognized)),
        ("Report(NotSupported)", LifeEvent::Report(MmStatus::NotSupported)),
        ("Report(Indeterminate)", LifeEvent::Report(MmStatus::Indeterminate)),
    ];

    /// `Forwarded!` is a state with a report owed, `Sending` one without, `-` is "recorded only".
    fn shown(step: Transition) -> String {
        match step {
            Transition::Recorded => "-".to_owned(),
            Transition::To { state, owed: None } => state.to_string(),
            Transition::To { state, owed: Some(status) } => {
                assert_eq!(state.as_str(), status.as_str(), "what is owed is the state");
                format!("{state}!")
            }
        }
    }

    #[test]
    fn every_pair_of_open_state_and_event() {
        let expected = "
            Begin                    Sending       -             -              -              -
            Taken                    Forwarded!    Forwarded!    Forwarded!     -              -
            Refused(Rejected)        Rejected!     Rejected!     Rejected!      -              -
            Refused(NotSupported)    NotSupported! NotSupported! NotSupported!  -              -
            Again                    Accepted      Accepted      -              -              -
            Unknown                  Parked        Parked        -              -              -
            ExpiryPassed             Expired!      Expired!      -              -              -
            ExpiryPassed(unreached)  Unreachable!  Unreachable!  -              -              -
            ReportTimeout            -             -             Indeterminate! Indeterminate! Indeterminate!
            Declined                 Rejected      Rejected      Rejected       -              -
            Declined(4002)           NotSupported  NotSupported  NotSupported   -              -
            Declined(4003)           NotSupported  NotSupported  NotSupported   -              -
            Requeued                 Accepted      -             Accepted       -              -
            ExpiredByHand            Expired!      -             Expired!       -              -
            Report(Forwarded)        Forwarded!    Forwarded!    Forwarded!     -              -
            Report(Deferred)         Deferred!     Deferred!     Deferred!      Deferred!      -
            Report(Retrieved)        Retrieved!    Retrieved!    Retrieved!     Retrieved!     Retrieved!
            Report(Expired)          Expired!      Expired!      Expired!       Expired!       Expired!
            Report(Rejected)         Rejected!     Rejected!     Rejected!      Rejected!      Rejected!
            Report(Unreachable)      Unreachable!  Unreachable!  Unreachable!   Unreachable!   Unreachable!
            Report(Unrecognized)     Unrecognized! Unrecognized! Unrecognized!  Unrecognized!  Unrecognized!
            Report(NotSupported)     NotSupported! NotSupported! NotSupported!  NotSupported!  NotSupported!
            Report(Indeterminate)    Indeterminate! Indeterminate! Indeterminate! Indeterminate! Indeterminate!
        ";
        let open = [State::Accepted, State::Sending, State::Parked, State::Forwarded, State::Deferred];
        let rows: Vec<Vec<&str>> = expected
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>())
            .filter(|row| !row.is_empty())
            .collect();
        assert_eq!(rows.len(), EVENTS.len());
        for (row, (name, event)) in rows.iter().zip(EVENTS) {
            assert_eq!(row[0], *name);
            for (expected, state) in row[1..].iter().zip(open) {
                assert_eq!(shown(state.after(*event)), *expected, "{state} after {name}");
            }
        }
    }

    #[test]
    fn after_the_end_everything_is_only_recorded() {
        for state in State::all().filter(|state| state.is_terminal()) {
            for (name, event) in EVENTS {
                assert_eq!(state.after(*event), Transition::Recorded, "{state} after {name}");
            }
        }
    }

    #[test]
    fn stored_numbers_read_back() {
        for state in State::all() {
            assert_eq!(State::from_number(state.number()), Some(state));
        }
        assert_eq!(State::from_number(9), None);
    }
}
