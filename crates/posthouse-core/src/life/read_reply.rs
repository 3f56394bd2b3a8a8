//! Read replies: a recipient read a message, or deleted it unread (contract 4.6; TS 23.140 clause 8.7.5).

use std::fmt;

use jiff::Timestamp;

use super::{
    draft::Draft,
    effects::Decided,
    load::{Loaded, Needs, Subject},
};
use crate::{
    carrier::CarrierId,
    store::{Demand, Recorded, Settled, StoreError},
};

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
}

/// What a read reply needs of its message.
pub const NEEDS: Needs = Needs { owed: false, late: false, told: true };

/// A read reply came about this message.
///
/// # Errors
/// [`StoreError::Full`] while the store is short of space: it is no work that could drain.
pub fn record(
    loaded: Loaded,
    reply: &CarrierReadReply,
    is_short_of_space: bool,
) -> Result<Decided<Recorded>, StoreError> {
    Demand::More.may_be_met(is_short_of_space, None)?;
    let Subject { id, state, .. } = loaded.subject;
    let mut draft = Draft::new(loaded);
    let answer = match draft.hear_reply(reply) {
        true => Recorded::Applied(id, Settled { state, owes_report: true }),
        false => Recorded::Late(id),
    };
    Ok(Decided { answer, effects: vec![draft.into_effects()], forgotten: Vec::new() })
}

#[cfg(test)]
mod tests {
    use mm7::MmStatus;

    use super::*;
    use crate::life::{
        attempt,
        load::{Waiting, WorkKind},
        sample::{NOW, at, id, read_reply, report, shown, subject},
        state::{State, Terminal},
    };

    #[test]
    fn each_status_is_owed_once_in_whatever_state_its_message_is() {
        for state in [State::Forwarded, State::Ended(Terminal::Retrieved)] {
            let mut loaded = Loaded::only(subject(state, WorkKind::Report));
            let reply = read_reply("c-1", ReadStatus::Read);
            let decided = record(loaded.clone(), &reply, false).unwrap();
            let applied = Recorded::Applied(id(1), Settled { state, owes_report: true });
            assert_eq!(decided.answer, applied);
            assert_eq!(shown(&decided.effects[0]), "; [ReadReply: Read]; read Read; +read reply Read");
            loaded.told.push(ReadStatus::Read);
            let again = record(loaded.clone(), &reply, false).unwrap();
            assert_eq!((again.answer, shown(&again.effects[0])), (Recorded::Late(id(1)), String::new()));
            loaded.subject.owes = true;
            let other = record(loaded, &read_reply("c-1", ReadStatus::Deleted), false).unwrap();
            assert!(shown(&other.effects[0]).ends_with("+read reply Deleted held"));
        }
    }

    #[test]
    fn what_says_the_same() {
        let first = read_reply("c-1", ReadStatus::Read);
        let later = CarrierReadReply {
            time_stamp: at(NOW),
            said: "again".to_owned(),
            odd: "odd".to_owned(),
            received_at: at(NOW + 1),
            ..first.clone()
        };
        assert!(first.says_the_same(&later));
        assert!(!first.says_the_same(&read_reply("c-1", ReadStatus::Deleted)));
    }

    #[test]
    fn short_of_space_none_is_recorded() {
        let loaded = Loaded::only(subject(State::Forwarded, WorkKind::Report));
        let refused = record(loaded, &read_reply("c-1", ReadStatus::Read), true);
        assert_eq!(refused, Err(StoreError::Full));
    }

    #[test]
    fn those_that_waited_come_after_the_reports() {
        let waiting = Waiting {
            reports: vec![(2, report("c-1", MmStatus::Retrieved))],
            read_replies: vec![
                (1, read_reply("c-1", ReadStatus::Read)),
                (3, read_reply("c-1", ReadStatus::Read)),
            ],
            ..Waiting::default()
        };
        let taken = crate::store::Settlement::Taken {
            carrier_message_id: Some("c-1".to_owned()),
            report_until: at(5000),
        };
        let loaded = Loaded::only(subject(State::Sending, WorkKind::Sending));
        let decided = attempt::settle(loaded, Some(waiting), &taken, "", &[], at(NOW));
        assert_eq!(decided.forgotten, [2, 1, 3]);
        assert_eq!(
            shown(&decided.effects[0]),
            "→Retrieved id c-1; work done; [Forwarded: ]; [Ended: Retrieved]; [ReportWithdrawn: Forwarded]; \
             [ReadReply: Read]; read Read; +Retrieved; +read reply Read held"
        );
    }
}
