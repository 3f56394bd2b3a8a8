//! When a message is over, and since when: from then on retention counts, and in the end it goes.

use jiff::Timestamp;

use super::state::State;
use crate::Id;

/// What retention has to know of a message, or of one from a handset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    /// When it ended; `None` when it has not.
    pub ended_at: Option<Timestamp>,
    /// Whether there is work on it.
    pub has_work: bool,
    /// Whether a callback about it, or the one that carries it, is owed: one that has not failed for good.
    pub owes: bool,
}

impl Ending {
    /// Of a message in this state since `changed_at`: it ends with the change to a terminal state.
    pub fn of_message(state: State, changed_at: Timestamp, has_work: bool, owes: bool) -> Self {
        Self { ended_at: state.is_terminal().then_some(changed_at), has_work, owes }
    }

    /// Of a message from a handset, which ends [with its callback](super::callback::AfterTry::mo_ended). There is no work on these.
    pub const fn of_mo(ended_at: Option<Timestamp>, owes: bool) -> Self {
        Self { ended_at, has_work: false, owes }
    }

    /// Whether it has ended and owes nothing.
    pub const fn is_over(&self) -> bool {
        self.ended_at.is_some() && !self.has_work && !self.owes
    }

    /// Whether it may be thrown away, when what ended before this time goes.
    pub fn may_go(&self, before: Timestamp) -> bool {
        self.is_over() && self.ended_at.is_some_and(|ended_at| ended_at < before)
    }
}

/// Why there is nothing under an id of ours: it holds the time at which it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absence {
    /// What was made then may have been thrown away since.
    OlderThanRetention,
    /// It was never made here: what was made then would be there.
    NeverAccepted,
}

impl Absence {
    /// Of an id that is not there, where messages that ended before `messages_before` are thrown away.
    pub fn of(id: Id, messages_before: Timestamp) -> Self {
        if id.time() < messages_before { Self::OlderThanRetention } else { Self::NeverAccepted }
    }

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OlderThanRetention => "older_than_retention",
            Self::NeverAccepted => "never_accepted",
        }
    }
}

#[cfg(test)]
mod tests {
    use mm7::MmStatus;

    use super::*;
    use crate::life::{sample::at, state::Terminal};

    #[test]
    fn what_has_ended_and_owes_nothing_may_go() {
        let ended = State::Ended(Terminal::of(MmStatus::Retrieved).unwrap());
        for (state, has_work, owes, is_over) in [
            (ended, false, false, true),
            (ended, true, false, false),
            (ended, false, true, false),
            (State::Accepted, false, false, false),
            (State::Parked, false, false, false),
            (State::Deferred, true, true, false),
        ] {
            let message = Ending::of_message(state, at(10), has_work, owes);
            assert_eq!(message.is_over(), is_over, "{message:?}");
            assert_eq!((message.may_go(at(10)), message.may_go(at(11))), (false, is_over), "{message:?}");
        }
        for (ended_at, owes, is_over) in
            [(Some(at(10)), false, true), (Some(at(10)), true, false), (None, false, false)]
        {
            let mo = Ending::of_mo(ended_at, owes);
            assert_eq!((mo.is_over(), mo.may_go(at(10)), mo.may_go(at(11))), (is_over, false, is_over));
        }
    }

    #[test]
    fn an_id_that_is_not_there_tells_why_by_its_time() {
        let id = Id::first_at("2026-11-29T02:00:00Z".parse().unwrap());
        for (before, expected) in [
            ("2026-11-29T02:00:00Z", Absence::NeverAccepted),
            ("2026-11-29T02:00:00.001Z", Absence::OlderThanRetention),
            ("2026-01-01T00:00:00Z", Absence::NeverAccepted),
        ] {
            assert_eq!(Absence::of(id, before.parse().unwrap()), expected, "{before}");
        }
    }
}
