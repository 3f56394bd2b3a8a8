//! Reports of carriers: which message they are about, what they change, and how many of those that nobody can place are kept.

use super::{
    effects::Decided,
    load::{Loaded, Needs, Neighbour, Subject, Waiting, is_between},
    settlement::{Recorded, Settled},
    space::Demand,
    state::{LifeEvent, State, Terminal, Transition},
    waiting::Scene,
};
use crate::{address::Msisdn, bounds, message::CarrierReport, store_error::StoreError};

pub use super::load::is_unanswered;

/// The message whose MessageID was never learned that a report is about: the only one between the two that it names, unless that
/// is being sent.
pub fn only_one_between(unanswered: Vec<Neighbour>, report: &CarrierReport) -> Option<Subject> {
    let mut between = unanswered
        .into_iter()
        .filter(|neighbour| is_between(&neighbour.loaded.subject, &neighbour.sender, report))
        .map(|neighbour| neighbour.loaded.subject);
    match (between.next(), between.next()) {
        (Some(only), None) if only.state != State::Sending => Some(only),
        _ => None,
    }
}

/// The message that a report is about, if that can be told: the one with its MessageID, or else [the only one](only_one_between) between
/// the two that it names. Those [without an answer](is_unanswered) to a recipient are asked for only where they count.
///
/// # Errors
/// Those of asking for them.
pub fn meant<E>(
    by_id: Option<Subject>,
    unanswered: impl FnOnce(&Msisdn) -> Result<Vec<Neighbour>, E>,
    report: &CarrierReport,
) -> Result<Option<Subject>, E> {
    match (by_id, &report.recipient, &report.sender) {
        (None, Some(recipient), Some(_)) => Ok(only_one_between(unanswered(recipient)?, report)),
        (by_id, _, _) => Ok(by_id),
    }
}

/// What becomes of a report on this message while the store is short of space, if it is not recorded as always.
///
/// # Errors
/// [`StoreError::Full`] for one that does not end the message.
pub fn when_short_of_space(
    subject: &Subject,
    report: &CarrierReport,
) -> Result<Option<Recorded>, StoreError> {
    if subject.state.is_terminal() {
        // Not even a line on the timeline.
        return Ok(Some(Recorded::Late(subject.id)));
    }
    let demand = if ends(subject, report) { Demand::End } else { Demand::More };
    demand.may_be_met(true, None).map(|()| None)
}

/// What a report needs of its message.
pub fn needs(subject: &Subject, report: &CarrierReport) -> Needs {
    Needs { owed: ends(subject, report), late: is_too_late(subject, report), told: false }
}

/// The carrier's MessageID that comes with a report, if one does.
pub fn learned(report: &CarrierReport) -> Option<&str> {
    Some(report.carrier_message_id.as_str()).filter(|id| !id.is_empty())
}

/// Whether a message ends by it.
const fn ends(subject: &Subject, report: &CarrierReport) -> bool {
    !subject.state.is_terminal() && Terminal::of(report.status).is_some()
}

/// Whether it changes nothing.
fn is_too_late(subject: &Subject, report: &CarrierReport) -> bool {
    subject.state.after(LifeEvent::Report(report.status)) == Transition::Recorded
}

/// A report came about this message.
pub fn record(loaded: Loaded, waiting: Option<Waiting>, report: &CarrierReport) -> Decided<Recorded> {
    let mut scene = Scene::new(loaded, waiting);
    let stepped = scene.subject.hear(report);
    let owed_by_others = scene.apply_waiting();
    let Subject { id, state, .. } = *scene.subject.subject();
    let owes_report = stepped.owed.is_some() || owed_by_others;
    scene.decided(match stepped.changed {
        true => Recorded::Applied(id, Settled { state, owes_report }),
        false => Recorded::Late(id),
    })
}

/// How many reports and read replies wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Crowd {
    /// Under the MessageID of one that came; those without one are told apart by their addresses only, and 0 here.
    pub under_its_id: u32,
    /// Of these, those that say the same.
    pub saying_the_same: u32,
    /// Of the same carrier.
    pub of_carrier: u32,
}

impl Crowd {
    /// Those that one of this MessageID comes to. `under_its_id` counts those that wait under it, and those of them that say the same
    /// ([of reports](CarrierReport::says_the_same), [of read replies](super::read_reply::CarrierReadReply::says_the_same)); it is asked
    /// only where that counts.
    ///
    /// # Errors
    /// Those of counting.
    pub fn of<E>(
        carrier_message_id: &str,
        of_carrier: u32,
        under_its_id: impl FnOnce() -> Result<(u32, u32), E>,
    ) -> Result<Self, E> {
        let (under_its_id, saying_the_same) =
            if carrier_message_id.is_empty() { (0, 0) } else { under_its_id()? };
        Ok(Self { under_its_id, saying_the_same, of_carrier })
    }
}

/// What becomes of a report or read reply whose message is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeping {
    /// Enough wait for the same: it goes.
    Dropped,
    /// It waits.
    Kept {
        /// As many of its carrier wait as may: the oldest of these goes.
        oldest_goes: bool,
    },
}

/// Whether one more may wait, with so many that do.
pub const fn keeping(crowd: Crowd) -> Keeping {
    if !bounds::may_wait(crowd.under_its_id, crowd.saying_the_same) {
        return Keeping::Dropped;
    }
    Keeping::Kept { oldest_goes: crowd.of_carrier >= bounds::WAITING_OF_CARRIER }
}

#[cfg(test)]
mod tests {
    use mm7::MmStatus;

    use super::*;
    use crate::life::{
        load::WorkKind,
        sample::{at, id, neighbour, owing, report, shown, subject},
    };

    fn recorded(loaded: Loaded, status: MmStatus) -> (String, Recorded) {
        let decided = record(loaded, None, &report("c-1", status));
        (shown(&decided.effects[0]), decided.answer)
    }

    /// By the work that there is: what is to be sent, being sent, or waited for.
    #[test]
    fn what_a_report_leaves_to_do() {
        let resent = |state, kind| Subject { report_until: Some(at(5000)), ..subject(state, kind) };
        for (subject, status, expected) in [
            (resent(State::Accepted, WorkKind::Send), MmStatus::Forwarded, "; work reports till 9000"),
            (resent(State::Accepted, WorkKind::Send), MmStatus::Retrieved, "; work done"),
            (subject(State::Accepted, WorkKind::Send), MmStatus::Forwarded, ""),
            (subject(State::Sending, WorkKind::Sending), MmStatus::Retrieved, ""),
            (subject(State::Sending, WorkKind::Sending), MmStatus::Deferred, ""),
            (subject(State::Parked, WorkKind::Report), MmStatus::Deferred, ""),
            (subject(State::Parked, WorkKind::Report), MmStatus::Expired, "; work done"),
        ] {
            let told = match status {
                MmStatus::Forwarded => "→Forwarded id c-1WORK; [Forwarded: ]; +Forwarded",
                MmStatus::Deferred => "→Deferred id c-1WORK; [Deferred: ]; +Deferred",
                MmStatus::Expired => "→Expired id c-1WORK; [Ended: Expired]; +Expired",
                _ => "→Retrieved id c-1WORK; [Ended: Retrieved]; +Retrieved",
            };
            let (effects, _) = recorded(Loaded::only(subject.clone()), status);
            assert_eq!(effects, told.replace("WORK", expected), "{subject:?}");
        }
    }

    #[test]
    fn a_terminal_report_ends_what_nobody_delivers_of_those_before() {
        let forwarded =
            |kind| Subject { carrier_message_id: Some("c-1".to_owned()), ..subject(State::Forwarded, kind) };
        for (owed, expected) in [
            (
                &[(7, MmStatus::Forwarded, Some(900), false)][..],
                "[ReportWithdrawn: Forwarded]; -7; +Retrieved",
            ),
            // Its lease has ended.
            (
                &[(7, MmStatus::Forwarded, Some(1000), true)][..],
                "[ReportWithdrawn: Forwarded]; -7; +Retrieved",
            ),
            (&[(7, MmStatus::Forwarded, Some(1001), true)][..], "+Retrieved held"),
            (
                &[(7, MmStatus::Forwarded, Some(1001), true), (8, MmStatus::Deferred, None, false)][..],
                "[ReportWithdrawn: Deferred]; -8; +Retrieved held",
            ),
            (
                &[(7, MmStatus::Forwarded, Some(900), false), (8, MmStatus::Deferred, None, false)][..],
                "[ReportWithdrawn: Forwarded]; [ReportWithdrawn: Deferred]; -7; -8; +Retrieved",
            ),
        ] {
            let (effects, _) = recorded(owing(forwarded(WorkKind::Report), owed), MmStatus::Retrieved);
            assert_eq!(effects, format!("→Retrieved; work done; [Ended: Retrieved]; {expected}"), "{owed:?}");
        }
    }

    #[test]
    fn a_later_report_waits_for_those_before_it() {
        let subject = Subject { owes: true, ..subject(State::Forwarded, WorkKind::Report) };
        let (effects, answer) = recorded(Loaded::only(subject), MmStatus::Deferred);
        assert_eq!(effects, "→Deferred id c-1; [Deferred: ]; +Deferred held");
        let settled = Settled { state: State::Deferred, owes_report: true };
        assert_eq!(answer, Recorded::Applied(id(1), settled));
    }

    #[test]
    fn a_read_reply_that_waited_for_a_withdrawn_report_is_free() {
        let mut loaded = owing(
            subject(State::Forwarded, WorkKind::Report),
            &[(7, MmStatus::Forwarded, Some(900), false), (8, MmStatus::Retrieved, None, false)],
        );
        loaded.owed[1].says =
            crate::life::intervention::CallbackSays::ReadReply(crate::life::read_reply::ReadStatus::Read);
        let (effects, _) = recorded(loaded, MmStatus::Retrieved);
        assert!(effects.ends_with("; -7; ~8; +Retrieved held"), "{effects}");
    }

    #[test]
    fn what_comes_too_late_is_noted_a_few_times() {
        let ended = || {
            let id = Some("c-1".to_owned());
            Subject {
                work: None,
                carrier_message_id: id,
                ..subject(State::Ended(Terminal::Retrieved), WorkKind::Report)
            }
        };
        let late =
            |said: &str, count: usize| Loaded { late: vec![said.to_owned(); count], ..Loaded::only(ended()) };
        for (loaded, expected) in [
            (late("", 0), "; [LateReport: ]"),
            (late("", 2), "; [LateReport: ]"),
            (late("", 3), ""),
            (late("other", 19), "; [LateReport: ]"),
            (late("other", 20), ""),
        ] {
            let count = loaded.late.len();
            let (effects, answer) = recorded(loaded, MmStatus::Retrieved);
            assert_eq!((effects.as_str(), answer), (expected, Recorded::Late(id(1))), "{count}");
        }
        assert!(is_too_late(&ended(), &report("c-1", MmStatus::Retrieved)));
        assert!(!is_too_late(&subject(State::Parked, WorkKind::Report), &report("c-1", MmStatus::Forwarded)));
    }

    #[test]
    fn what_is_odd_about_its_form_is_noted_beside_it() {
        let odd = CarrierReport {
            odd: "no namespace".into(),
            said: "DELIVRD".into(),
            ..report("c-1", MmStatus::Retrieved)
        };
        let decided = record(Loaded::only(subject(State::Parked, WorkKind::Report)), None, &odd);
        assert_eq!(
            shown(&decided.effects[0]),
            "→Retrieved id c-1; work done; [Ended: Retrieved: DELIVRD]; [Noted: no namespace]; +Retrieved"
        );
    }

    #[test]
    fn a_report_is_matched_by_its_id_and_else_by_its_addresses() {
        let by_id = || Some(subject(State::Forwarded, WorkKind::Report));
        let parked = |number| neighbour(number, State::Parked);
        let whole = || report("c-1", MmStatus::Retrieved);
        for (by_id, report, unanswered, expected) in [
            (by_id(), whole(), None, Some(1)),
            (by_id(), CarrierReport { sender: None, ..whole() }, None, Some(1)),
            (None, whole(), Some(vec![parked(5)]), Some(5)),
            (None, whole(), Some(vec![parked(5), parked(6)]), None),
            (None, whole(), Some(vec![neighbour(5, State::Sending)]), None),
            (None, whole(), Some(Vec::new()), None),
            (None, CarrierReport { sender: None, ..whole() }, None, None),
            (None, CarrierReport { recipient: None, ..whole() }, None, None),
        ] {
            let mut asked = false;
            let is_asked = unanswered.is_some();
            let ask = |_: &Msisdn| {
                asked = true;
                Ok::<_, StoreError>(unanswered.unwrap_or_default())
            };
            let found = meant(by_id, ask, &report).unwrap();
            assert_eq!((found.map(|subject| subject.id), asked), (expected.map(id), is_asked), "{report:?}");
        }
        let fails = |_: &Msisdn| Err(StoreError::Closed);
        assert_eq!(meant(None, fails, &whole()), Err(StoreError::Closed));
    }

    #[test]
    fn what_a_report_needs() {
        let ended = State::Ended(Terminal::Retrieved);
        for (state, status, owed, late) in [
            (State::Forwarded, MmStatus::Retrieved, true, false),
            (State::Forwarded, MmStatus::Deferred, false, false),
            (State::Forwarded, MmStatus::Forwarded, false, true),
            (ended, MmStatus::Retrieved, false, true),
        ] {
            let subject = subject(state, WorkKind::Report);
            let expected = Needs { owed, late, told: false };
            assert_eq!(needs(&subject, &report("c-1", status)), expected, "{state} {status:?}");
        }
        assert_eq!(learned(&report("c-1", MmStatus::Forwarded)), Some("c-1"));
        assert_eq!(learned(&report("", MmStatus::Forwarded)), None);
    }

    #[test]
    fn what_comes_to_a_crowd() {
        let counted = || Ok::<_, StoreError>((7, 2));
        for (id, under_its_id, saying_the_same) in [("c-1", 7, 2), ("", 0, 0)] {
            let expected = Crowd { under_its_id, saying_the_same, of_carrier: 40 };
            assert_eq!(Crowd::of(id, 40, counted), Ok(expected), "{id:?}");
        }
        assert_eq!(Crowd::of("c-1", 40, || Err(StoreError::Closed)), Err(StoreError::Closed));
    }

    #[test]
    fn what_says_the_same() {
        let first = report("c-1", MmStatus::Forwarded);
        let base = || first.clone();
        for (other, expected) in [
            (CarrierReport { said: "again".to_owned(), odd: "odd".to_owned(), ..base() }, true),
            (CarrierReport { received_at: at(2000), ..base() }, true),
            (CarrierReport { status: MmStatus::Deferred, ..base() }, false),
            (CarrierReport { recipient: None, ..base() }, false),
            (CarrierReport { sender: None, ..base() }, false),
            (CarrierReport { sender: Some("222222".to_owned()), ..base() }, false),
        ] {
            assert_eq!(first.says_the_same(&other), expected, "{other:?}");
        }
    }

    #[test]
    fn short_of_space_only_an_end_is_recorded() {
        let parked = subject(State::Parked, WorkKind::Report);
        let ended = subject(State::Ended(Terminal::Expired), WorkKind::Report);
        let told = |subject, status| when_short_of_space(subject, &report("c-1", status));
        assert_eq!(told(&parked, MmStatus::Retrieved), Ok(None));
        assert_eq!(told(&parked, MmStatus::Deferred), Err(StoreError::Full));
        assert_eq!(told(&ended, MmStatus::Retrieved), Ok(Some(Recorded::Late(id(1)))));
    }

    #[test]
    fn a_report_without_a_known_id_is_about_the_only_one_between_the_two() {
        let told = report("c-9", MmStatus::Retrieved);
        let only = |unanswered| only_one_between(unanswered, &told).map(|subject| subject.id.number());
        assert_eq!(only(vec![neighbour(2, State::Parked)]), Some(2));
        assert_eq!(only(vec![neighbour(2, State::Forwarded)]), Some(2));
        assert_eq!(only(vec![neighbour(2, State::Sending)]), None, "its answer may tell");
        assert_eq!(only(vec![neighbour(2, State::Parked), neighbour(3, State::Sending)]), None);
        assert_eq!(only(vec![neighbour(2, State::Parked), neighbour(3, State::Deferred)]), None);
        let mut by_another = neighbour(3, State::Parked);
        by_another.sender = "+111133".to_owned();
        assert_eq!(only(vec![neighbour(2, State::Parked), by_another]), Some(2));
        let mut answered = neighbour(3, State::Forwarded);
        answered.loaded.subject.carrier_message_id = Some("c-3".to_owned());
        assert_eq!(only(vec![neighbour(2, State::Parked), answered]), Some(2));
        let mut waits = neighbour(3, State::Accepted);
        assert_eq!(only(vec![waits.clone()]), None, "it was never sent");
        waits.loaded.subject.report_until = Some(at(5000));
        assert_eq!(only(vec![waits]), Some(3));
        let mut elsewhere = report("c-9", MmStatus::Retrieved);
        elsewhere.sender = None;
        assert_eq!(only_one_between(vec![neighbour(2, State::Parked)], &elsewhere), None);
    }

    #[test]
    fn how_many_wait() {
        let crowd =
            |under_its_id, saying_the_same, of_carrier| Crowd { under_its_id, saying_the_same, of_carrier };
        for (crowd, expected) in [
            (crowd(0, 0, 0), Keeping::Kept { oldest_goes: false }),
            (crowd(31, 2, 99_999), Keeping::Kept { oldest_goes: false }),
            (crowd(32, 0, 40), Keeping::Dropped),
            (crowd(5, 3, 40), Keeping::Dropped),
            (crowd(0, 0, 100_000), Keeping::Kept { oldest_goes: true }),
        ] {
            assert_eq!(keeping(crowd), expected, "{crowd:?}");
        }
    }
}
