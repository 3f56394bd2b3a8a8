//! Read replies: a recipient read a message, or deleted it unread (contract 4.6; TS 23.140 clause 8.7.5).

use super::{
    draft::Draft,
    effects::Decided,
    load::{Loaded, Needs, Subject},
    settlement::{Recorded, Settled},
    space::Demand,
};
use crate::store_error::StoreError;

pub use crate::message::{CarrierReadReply, ReadStatus};

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
