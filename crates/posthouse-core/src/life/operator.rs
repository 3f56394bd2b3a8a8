//! What an operator does by hand to a message.

use jiff::Timestamp;

use super::{
    draft::Draft,
    effects::Effects,
    intervention::{Intervention, LeftAlone},
    load::{Loaded, Needs, Subject},
    reroute::RerouteTarget,
    state::{LifeEvent, State},
    words,
    work::{Work, WorkChange, WorkKind},
};
use crate::store_error::{StoreError, StoreResult};

/// What carrying it out needs of a message: it may end it.
pub const NEEDS: Needs = Needs { owed: true, late: false, told: false };

impl Intervention {
    /// What this intervention [means](Self::judge) for the message that was found under an id.
    ///
    /// # Errors
    /// Why it is left alone; and [`StoreError::Corrupt`] for one that has not ended and for which there is no work.
    pub fn judge_subject(
        self,
        subject: Option<&Subject>,
        now: Timestamp,
    ) -> StoreResult<Result<LifeEvent, LeftAlone>> {
        let Some(subject) = subject else { return Ok(Err(LeftAlone::Unknown)) };
        let without_work = || StoreError::Corrupt {
            place: format!("message.id of row {}", subject.id),
            what: "it has not ended, and there is no work for it".to_owned(),
        };
        let standing = subject.standing(now).ok_or_else(without_work)?;
        Ok(self.judge(&standing, now))
    }
}

/// Carries out what [was judged possible](Intervention::judge_subject), for the operator of this name; `to`: where it goes from now on,
/// when that is what was asked for.
pub fn carry_out(
    loaded: Loaded,
    event: LifeEvent,
    to: Option<&RerouteTarget>,
    by: &str,
    now: Timestamp,
) -> Effects {
    let mut draft = Draft::new(loaded);
    let was_parked = draft.state() == State::Parked;
    let stepped = draft.step(event, None, "", now);
    if draft.state().is_terminal() {
        let [by_operator, ended] = words::expired_by_hand(draft.state(), by, now);
        draft.note(by_operator);
        draft.note(ended);
        draft.set_work(WorkChange::Done);
    } else {
        draft.note(match to {
            Some(to) => words::rerouted(to, was_parked, by, now),
            None => words::requeued(was_parked, by, now),
        });
        requeue(&mut draft, was_parked, now);
        let another = to.and_then(|to| to.another_than(&draft.subject().carrier)).cloned();
        if let Some(carrier) = another {
            draft.go_to(carrier);
        }
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
    use crate::carrier::CarrierId;
    use crate::life::{
        sample::{NOW, at, id, owing, shown, subject},
        state::Terminal,
    };

    #[test]
    fn what_is_requeued_is_due_at_once() {
        for (state, kind, expected) in [
            (
                State::Accepted,
                WorkKind::Send,
                "→Accepted; work send at 1000 since 500, unreached; [Operator: requeued by ann]",
            ),
            (
                State::Parked,
                WorkKind::Report,
                "→Accepted report_until 2000; work send at 1000 since 1000; \
                 [Operator: requeued by ann, though it may have arrived]",
            ),
        ] {
            let effects =
                carry_out(Loaded::only(subject(state, kind)), LifeEvent::Requeued, None, "ann", at(NOW));
            assert_eq!(shown(&effects), expected);
        }
    }

    #[test]
    fn what_is_rerouted_goes_there_at_once_and_the_carrier_before_is_forgotten() {
        let to = |carrier: Option<&str>, connection: Option<&str>| RerouteTarget {
            carrier: carrier.map(|id| CarrierId(id.to_owned())),
            connection: connection.map(str::to_owned),
        };
        let parked = subject(State::Parked, WorkKind::Report);
        let own = parked.carrier.0.clone();
        for (to, expected, carrier) in [
            (
                to(Some("31009"), None),
                "→Accepted; work send at 1000 since 1000; \
                 [Operator: rerouted by ann to carrier 31009, though it may have arrived]",
                Some("31009"),
            ),
            (
                to(Some(&own), Some("two")),
                "→Accepted report_until 2000; work send at 1000 since 1000; \
                 [Operator: rerouted by ann to carrier 31003, connection two, though it may have arrived]",
                None,
            ),
            (
                to(None, Some("two")),
                "→Accepted report_until 2000; work send at 1000 since 1000; \
                 [Operator: rerouted by ann to connection two, though it may have arrived]",
                None,
            ),
        ] {
            let loaded = Loaded::only(parked.clone());
            let effects = carry_out(loaded, LifeEvent::Requeued, Some(&to), "ann", at(NOW));
            assert_eq!(shown(&effects), expected);
            assert_eq!(effects.message.carrier, carrier.map(|id| CarrierId(id.to_owned())));
        }
    }

    #[test]
    fn what_is_expired_is_reported_as_that() {
        let loaded =
            owing(subject(State::Parked, WorkKind::Report), &[(7, MmStatus::Forwarded, Some(900), false)]);
        assert_eq!(
            shown(&carry_out(loaded, LifeEvent::ExpiredByHand, None, "ann", at(NOW))),
            "→Expired; work done; [Operator: expired by ann]; [Ended: Expired]; \
             [ReportWithdrawn: Forwarded]; -7; +Expired"
        );
    }

    #[test]
    fn what_is_found_under_an_id_is_judged() {
        let accepted = subject(State::Accepted, WorkKind::Send);
        let without = |state| Subject { state, work: None, ..accepted.clone() };
        let corrupt = StoreError::Corrupt {
            place: format!("message.id of row {}", id(1)),
            what: "it has not ended, and there is no work for it".to_owned(),
        };
        for (found, expected) in [
            (None, Ok(Err(LeftAlone::Unknown))),
            (Some(without(State::Ended(Terminal::Expired))), Ok(Err(LeftAlone::Ended))),
            (Some(without(State::Accepted)), Err(corrupt)),
            (Some(accepted.clone()), Ok(Ok(LifeEvent::ExpiredByHand))),
        ] {
            assert_eq!(Intervention::Expire.judge_subject(found.as_ref(), at(2000)), expected, "{found:?}");
        }
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
