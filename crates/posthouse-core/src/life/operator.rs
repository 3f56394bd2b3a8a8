//! What an operator does by hand to a message.

use jiff::Timestamp;

use super::{
    draft::Draft,
    effects::{Effects, WorkChange},
    load::{Loaded, Work, WorkKind},
    state::{LifeEvent, State},
    words,
};

/// Carries out what [was judged possible](super::intervention::Intervention::judge).
pub fn carry_out(loaded: Loaded, event: LifeEvent, now: Timestamp) -> Effects {
    let mut draft = Draft::new(loaded);
    let was_parked = draft.state() == State::Parked;
    let stepped = draft.step(event, None, "", now);
    if draft.state().is_terminal() {
        let [by_operator, ended] = words::expired_by_hand(draft.state(), now);
        draft.note(by_operator);
        draft.note(ended);
        draft.set_work(WorkChange::Done);
    } else {
        draft.note(words::requeued(was_parked, now));
        requeue(&mut draft, was_parked, now);
    }
    draft.owe(stepped.owed, now);
    draft.into_effects()
}

/// The next attempt is due at once. What was parked may have arrived: a terminal report is overdue when it would have been.
fn requeue(draft: &mut Draft, was_parked: bool, now: Timestamp) {
    let Some(Work { kind, due, since, unreached, .. }) = draft.subject().work else { return };
    if was_parked {
        draft.may_have_arrived(due);
    }
    let (since, unreached) = if kind == WorkKind::Send { (since, unreached) } else { (now, false) };
    draft.set_work(WorkChange::Send { due: now, since, unreached });
}

#[cfg(test)]
mod tests {
    use mm7::MmStatus;

    use super::*;
    use crate::life::{
        load::Subject,
        sample::{NOW, at, owing, shown, subject},
    };

    #[test]
    fn what_is_requeued_is_due_at_once() {
        for (state, kind, expected) in [
            (
                State::Accepted,
                WorkKind::Send,
                "→Accepted; work send at 1000 since 500, unreached; [Operator: requeued by operator]",
            ),
            (
                State::Parked,
                WorkKind::Report,
                "→Accepted report_until 2000; work send at 1000 since 1000; \
                 [Operator: requeued by operator, though it may have arrived]",
            ),
        ] {
            let effects = carry_out(Loaded::only(subject(state, kind)), LifeEvent::Requeued, at(NOW));
            assert_eq!(shown(&effects), expected);
        }
    }

    #[test]
    fn what_is_expired_is_reported_as_that() {
        let loaded =
            owing(subject(State::Parked, WorkKind::Report), &[(7, MmStatus::Forwarded, Some(900), false)]);
        assert_eq!(
            shown(&carry_out(loaded, LifeEvent::ExpiredByHand, at(NOW))),
            "→Expired; work done; [Operator: expired by operator]; [Ended: Expired]; \
             [ReportWithdrawn: Forwarded]; -7; +Expired"
        );
    }

    #[test]
    fn where_a_message_stands() {
        let leased = subject(State::Accepted, WorkKind::Send);
        let standing = leased.standing(at(1999)).unwrap();
        assert_eq!((standing.in_hand, standing.due, standing.expiry), (true, at(2000), at(9000)));
        assert!(!leased.standing(at(2000)).unwrap().in_hand, "the lease has ended");
        let broken = Subject { work: None, ..leased };
        assert_eq!(broken.standing(at(NOW)), None);
    }
}
