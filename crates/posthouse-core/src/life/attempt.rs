//! Attempts, and waits for reports: how they begin and end.

use jiff::Timestamp;
use mm7::StatusCode;

use super::{
    draft::{Draft, Stepped},
    effects::{Decided, Effects},
    load::{Loaded, Needs, Subject, Waiting},
    settlement::{FailedAttempt, Settled, Settlement},
    state::{LifeEvent, State},
    waiting::Scene,
    words,
    work::{Work, WorkChange, WorkKind},
};
use crate::{lease::Owner, message::Reason, store_error::StoreError};

/// Whether this owner's attempt till then is under way: for a store that may have begun it without having heard so.
pub fn is_under_way(subject: &Subject, owner: Owner, until: Timestamp) -> bool {
    let is_its =
        |work: Work| work.kind == WorkKind::Sending && work.owner == Some(owner) && work.due == until;
    subject.state == State::Sending && subject.work.is_some_and(is_its)
}

/// An attempt begins, over this connection; without an outcome by `until` it counts as interrupted.
///
/// # Errors
/// [`StoreError::LostLease`] when there is nothing to be sent any more.
pub fn begin(
    subject: Subject,
    connection: &str,
    until: Timestamp,
    now: Timestamp,
) -> Result<Effects, StoreError> {
    let waits_for_reports = subject.work.is_none_or(|work| work.kind == WorkKind::Report);
    let mut draft = Draft::new(Loaded::only(subject));
    draft.step(LifeEvent::Begin, None, "", now);
    // The next connection of the same attempt finds it in this state, and changes nothing about that.
    if waits_for_reports || draft.state() != State::Sending {
        return Err(StoreError::LostLease);
    }
    draft.begin_attempt(now);
    draft.set_work(WorkChange::UnderWay { until });
    draft.note(words::begun(connection, now));
    Ok(draft.into_effects())
}

/// The carrier's MessageID that comes with the end of an attempt, if one does.
pub fn learned(settlement: &Settlement) -> Option<&str> {
    match settlement {
        Settlement::Taken { carrier_message_id: Some(id), .. } if !id.is_empty() => Some(id),
        _ => None,
    }
}

/// What the end of an attempt or a wait needs of its message. Its beginning needs nothing.
pub const fn needs(settlement: &Settlement) -> Needs {
    Needs { owed: may_end(settlement), late: false, told: false }
}

/// Whether a message may end by it.
const fn may_end(settlement: &Settlement) -> bool {
    match settlement {
        Settlement::Refused { .. } | Settlement::Expired { .. } | Settlement::ReportTimeout => true,
        Settlement::Taken { .. }
        | Settlement::Again { .. }
        | Settlement::Resend { .. }
        | Settlement::Unknown { .. }
        | Settlement::Declined { .. } => false,
    }
}

/// An attempt or a wait ends. `said` is what the carrier said, for the timeline; `failed`, over which connections the attempt failed.
pub fn settle(
    loaded: Loaded,
    waiting: Option<Waiting>,
    settlement: &Settlement,
    said: &str,
    failed: &[FailedAttempt],
    now: Timestamp,
) -> Decided<Settled> {
    let mut scene = Scene::new(loaded, waiting);
    scene.subject.keep_failed(failures(settlement, failed, now));
    let is_last_word = matches!(settlement, Settlement::Refused { .. } | Settlement::Expired { .. });
    if is_last_word && let Some(owes_report) = hear_of_earlier(&mut scene, now) {
        note(&mut scene.subject, Stepped { changed: false, owed: None }, settlement, said, now);
        let state = scene.subject.state();
        return scene.decided(Settled { state, owes_report });
    }
    let draft = &mut scene.subject;
    let id = learned(settlement).unwrap_or_default();
    let stepped = draft.step(event_of(settlement), reason_of(settlement), id, now);
    note(draft, stepped, settlement, said, now);
    if let Settlement::Declined { .. } = settlement {
        // The VASP was refused, and refusals are not remembered: the same request is a new message.
        draft.never_repeat();
    }
    if let Settlement::Refused { details: Some(details), .. } = settlement
        && stepped.changed
    {
        draft.keep_details(details);
    }
    leave_work(draft, settlement, now);
    draft.owe(stepped.owed, now);
    let owed_by_reports = scene.apply_waiting();
    let state = scene.subject.state();
    scene.decided(Settled { state, owes_report: stepped.owed.is_some() || owed_by_reports })
}

/// What is kept of attempts that failed: nothing of what the carrier took. Where no connection is named, and the end says that there
/// was a failure, that is kept without one.
fn failures(settlement: &Settlement, failed: &[FailedAttempt], now: Timestamp) -> Vec<FailedAttempt> {
    let mut kept: Vec<_> = failed.iter().filter(|one| !is_taken(one.code)).cloned().collect();
    if kept.is_empty()
        && let Some(code) = code_of(settlement)
    {
        kept.push(FailedAttempt { at: now, code, connection: None });
    }
    kept
}

/// Whether it is one of the codes 1xxx.
const fn is_taken(code: StatusCode) -> bool {
    code.code() / 1000 == 1
}

/// The code of an attempt that ended so; `None` for one that was taken, and for what is no attempt's end.
const fn code_of(settlement: &Settlement) -> Option<StatusCode> {
    match settlement {
        Settlement::Refused { reason, .. }
        | Settlement::Declined { reason }
        | Settlement::Again { reason, .. }
        | Settlement::Resend { reason, .. } => Some(*reason),
        Settlement::Unknown { .. } => Some(StatusCode::Timeout),
        Settlement::Taken { .. } | Settlement::Expired { .. } | Settlement::ReportTimeout => None,
    }
}

/// An attempt ends its message, and an earlier one may have arrived: a report that came meanwhile, and was kept while an answer might
/// still tell the MessageID, counts before that. Whether one did, and then whether a report is owed for it.
fn hear_of_earlier(scene: &mut Scene, now: Timestamp) -> Option<bool> {
    let subject = scene.subject.subject();
    if subject.state != State::Sending || subject.report_until.is_none() {
        return None;
    }
    // As if it waited to be sent again, when reports are matched by their addresses.
    scene.subject.step(LifeEvent::Again, None, "", now);
    scene.subject.set_work(WorkChange::Send { due: now, since: now, unreached: false });
    let owes_report = scene.apply_waiting();
    (scene.subject.state() != State::Accepted).then_some(owes_report)
}

fn event_of(settlement: &Settlement) -> LifeEvent {
    match settlement {
        Settlement::Taken { .. } => LifeEvent::Taken,
        Settlement::Refused { terminal, reason, .. } => LifeEvent::Refused(*terminal, *reason),
        Settlement::Again { .. } | Settlement::Resend { .. } => LifeEvent::Again,
        Settlement::Unknown { .. } => LifeEvent::Unknown,
        Settlement::Expired { unreached } => LifeEvent::ExpiryPassed { unreached: *unreached },
        Settlement::ReportTimeout => LifeEvent::ReportTimeout,
        Settlement::Declined { reason } => LifeEvent::Declined(*reason),
    }
}

fn reason_of(settlement: &Settlement) -> Option<Reason> {
    match settlement {
        Settlement::Refused { reason, .. } | Settlement::Declined { reason } => Some(Reason(*reason)),
        _ => None,
    }
}

/// One line for the timeline; for a message that had ended, only when there is something to say.
fn note(draft: &mut Draft, stepped: Stepped, settlement: &Settlement, said: &str, now: Timestamp) {
    if stepped.changed {
        draft.note(words::settled(settlement, draft.state(), said, now));
    } else if !said.is_empty() {
        draft.note(words::too_late(said, now));
    }
}

/// What is to be done next, by the state that the message is in now.
fn leave_work(draft: &mut Draft, settlement: &Settlement, now: Timestamp) {
    match (draft.state(), settlement) {
        (State::Ended(_), _) => draft.set_work(WorkChange::Done),
        (State::Accepted, Settlement::Again { due, unreached, .. }) => {
            draft.set_work(WorkChange::Send { due: *due, since: now, unreached: *unreached });
        }
        (State::Accepted, Settlement::Resend { due, report_until, .. }) => {
            draft.may_have_arrived(*report_until);
            draft.set_work(WorkChange::Send { due: *due, since: now, unreached: false });
        }
        (_, Settlement::Taken { report_until, .. } | Settlement::Unknown { report_until }) => {
            draft.set_work(WorkChange::Report { until: *report_until });
        }
        // It changed nothing: the work stays what it was, and the lease's end brings it back.
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use mm7::{MmStatus, StatusCode};

    use super::*;
    use crate::{
        life::{
            load::{Neighbour, held},
            sample::{NOW, OWNER, at, id, neighbour, owing, report, shown, subject, waiting},
            state::Terminal,
        },
        store::Owner,
    };

    const SENDING: State = State::Sending;

    fn sent() -> Subject {
        subject(SENDING, WorkKind::Sending)
    }

    #[test]
    fn what_an_end_needs() {
        let reason = StatusCode::Timeout;
        let (due, report_until) = (at(3000), at(5000));
        for (settlement, owed) in [
            (taken("c-1"), false),
            (Settlement::Refused { terminal: Terminal::Rejected, reason, details: None }, true),
            (Settlement::Again { due, unreached: false, reason }, false),
            (Settlement::Resend { due, reason, report_until }, false),
            (Settlement::Unknown { report_until }, false),
            (Settlement::Expired { unreached: false }, true),
            (Settlement::ReportTimeout, true),
            (Settlement::Declined { reason }, false),
        ] {
            assert_eq!(needs(&settlement), Needs { owed, late: false, told: false }, "{settlement:?}");
        }
    }

    fn taken(carrier_message_id: &str) -> Settlement {
        Settlement::Taken { carrier_message_id: Some(carrier_message_id.to_owned()), report_until: at(5000) }
    }

    fn refused() -> Settlement {
        let details = Some("no such subscriber".to_owned());
        Settlement::Refused { terminal: Terminal::Rejected, reason: StatusCode::ServiceDenied, details }
    }

    fn resend() -> Settlement {
        Settlement::Resend { due: at(3000), reason: StatusCode::Timeout, report_until: at(5000) }
    }

    fn settled(
        loaded: Loaded,
        waiting: Option<Waiting>,
        settlement: &Settlement,
    ) -> (Vec<String>, State, bool) {
        let decided = settle(loaded, waiting, settlement, "said", &[], at(NOW));
        let effects = decided.effects.iter().map(shown).collect();
        (effects, decided.answer.state, decided.answer.owes_report)
    }

    #[test]
    fn only_the_holder_of_the_lease_goes_on() {
        let with_work = sent();
        assert_eq!(held(Some(with_work.clone()), OWNER), Ok(with_work.clone()));
        for (subject, owner) in
            [(Some(with_work), Owner(8)), (Some(Subject { work: None, ..sent() }), OWNER), (None, OWNER)]
        {
            assert_eq!(held(subject, owner), Err(StoreError::LostLease));
        }
    }

    #[test]
    fn what_an_attempt_begins_with() {
        let begun = "→Sending begun; work under way till 4000; [Sending: east]";
        for (state, kind, expected) in [
            (State::Accepted, WorkKind::Send, Ok(begun)),
            (SENDING, WorkKind::Sending, Ok(begun)),
            (State::Parked, WorkKind::Report, Err(StoreError::LostLease)),
            (State::Forwarded, WorkKind::Sending, Err(StoreError::LostLease)),
            (State::Accepted, WorkKind::Report, Err(StoreError::LostLease)),
            (State::Ended(Terminal::Expired), WorkKind::Sending, Err(StoreError::LostLease)),
        ] {
            let effects = begin(subject(state, kind), "east", at(4000), at(NOW));
            let effects = effects.as_ref().map(shown);
            assert_eq!(effects.as_deref().map_err(|error| *error), expected.as_ref().copied(), "{state}");
        }
    }

    #[test]
    fn an_attempt_is_under_way_whose_owner_and_end_are_the_same() {
        let sending = subject(State::Sending, WorkKind::Sending);
        assert!(is_under_way(&sending, OWNER, at(2000)));
        assert!(!is_under_way(&sending, Owner(8), at(2000)) && !is_under_way(&sending, OWNER, at(2001)));
        for (state, kind) in [(State::Accepted, WorkKind::Send), (State::Parked, WorkKind::Report)] {
            assert!(!is_under_way(&subject(state, kind), OWNER, at(2000)), "{state}");
        }
    }

    #[test]
    fn how_an_attempt_ends() {
        let again = Settlement::Again { due: at(3000), unreached: true, reason: StatusCode::Timeout };
        let declined = Settlement::Declined { reason: StatusCode::ServiceDenied };
        for (settlement, expected, owes) in [
            (taken("c-1"), "→Forwarded id c-1; work reports till 5000; [Forwarded: said]; +Forwarded", true),
            (taken(""), "→Forwarded; work reports till 5000; [Forwarded: said]; +Forwarded", true),
            (
                refused(),
                "→Rejected(4007) details no such subscriber; work done; \
                 [Ended: Rejected: 4007 Service denied: said]; +Rejected; failed 4007",
                true,
            ),
            (
                again,
                "→Accepted; work send at 3000 since 1000, unreached; [Retrying: 3500 Timeout: said]; failed 3500",
                false,
            ),
            (
                resend(),
                "→Accepted report_until 5000; work send at 3000 since 1000; [Retrying: 3500 Timeout: said]; failed 3500",
                false,
            ),
            (
                Settlement::Unknown { report_until: at(5000) },
                "→Parked; work reports till 5000; [Parked: said]; failed 3500",
                false,
            ),
            (
                Settlement::Expired { unreached: true },
                "→Unreachable; work done; [Ended: Unreachable: said]; +Unreachable",
                true,
            ),
            (
                declined,
                "→Rejected(4007) never repeated; work done; [Ended: Rejected: 4007 Service denied: said]; failed 4007",
                false,
            ),
        ] {
            let (effects, _, owes_report) = settled(Loaded::only(sent()), None, &settlement);
            assert_eq!((effects, owes_report), (vec![expected.to_owned()], owes), "{settlement:?}");
        }
    }

    /// What was taken fails nowhere, and what ended without a connection has a code all the same.
    #[test]
    fn what_is_kept_of_failed_attempts() {
        let over = |connection: &str, code| FailedAttempt {
            at: at(900),
            code,
            connection: Some(connection.to_owned()),
        };
        let (busy, denied) = (StatusCode::ServiceUnavailable, StatusCode::ServiceDenied);
        let both = [over("east", busy), over("west", denied)];
        for (settlement, failed, expected) in [
            (taken("c-1"), &[][..], ""),
            (taken("c-1"), &both[..1], "; failed 4006 over east"),
            (taken("c-1"), &[over("east", StatusCode::Success)], ""),
            (refused(), &both, "; failed 4006 over east; failed 4007 over west"),
            (refused(), &[], "; failed 4007"),
            (resend(), &[], "; failed 3500"),
            (Settlement::Unknown { report_until: at(5000) }, &both[..1], "; failed 4006 over east"),
            (Settlement::Expired { unreached: false }, &[], ""),
            (Settlement::Expired { unreached: false }, &both[..1], "; failed 4006 over east"),
            (Settlement::ReportTimeout, &[], ""),
        ] {
            let decided = settle(Loaded::only(sent()), None, &settlement, "said", failed, at(NOW));
            let all = shown(&decided.effects[0]);
            let told = all.find("; failed").map_or("", |begin| &all[begin..]);
            assert_eq!(told, expected, "{settlement:?}");
        }
    }

    #[test]
    fn a_vasp_that_wants_no_reports_is_owed_none() {
        let subject = Subject { delivery_report: false, ..sent() };
        let (effects, _, owes_report) = settled(Loaded::only(subject), None, &taken("c-1"));
        assert!(!effects[0].contains('+') && !owes_report, "{effects:?}");
    }

    #[test]
    fn after_a_report_ended_it_only_the_id_is_kept() {
        let ended = State::Ended(Terminal::Retrieved);
        let (effects, state, _) =
            settled(Loaded::only(subject(ended, WorkKind::Sending)), None, &taken("c-1"));
        assert_eq!((effects[0].as_str(), state), (" id c-1; work done; [LateReport: said]", ended));
        // A report was faster than the answer, and did not end it: what the answer says is not done, but for the wait.
        for (settlement, expected) in [
            (taken("c-1"), " id c-1; work reports till 5000; [LateReport: said]"),
            (refused(), "; [LateReport: said]; failed 4007"),
            (resend(), "; [LateReport: said]; failed 3500"),
        ] {
            let forwarded = subject(State::Forwarded, WorkKind::Sending);
            let (effects, ..) = settled(Loaded::only(forwarded), None, &settlement);
            assert_eq!(effects, [expected]);
        }
    }

    #[test]
    fn a_report_that_waited_for_the_id_counts_at_once() {
        let early = [report("c-1", MmStatus::Deferred), report("c-1", MmStatus::Retrieved)];
        let decided = settle(Loaded::only(sent()), waiting(early, vec![]), &taken("c-1"), "", &[], at(NOW));
        assert_eq!(decided.forgotten, [1, 2]);
        assert!(decided.answer.owes_report);
        assert_eq!(
            shown(&decided.effects[0]),
            "→Retrieved id c-1; work done; [Forwarded: ]; [Deferred: ]; [Ended: Retrieved]; \
             [ReportWithdrawn: Forwarded]; [ReportWithdrawn: Deferred]; +Retrieved"
        );
    }

    #[test]
    fn the_last_word_is_that_of_an_earlier_attempt_which_arrived() {
        let resent = Subject { report_until: Some(at(5000)), ..sent() };
        let early = || [report("c-9", MmStatus::Retrieved)];
        let (effects, state, owes) =
            settled(Loaded::only(resent.clone()), waiting(early(), vec![]), &refused());
        assert_eq!(
            effects,
            ["→Retrieved id c-9; work done; [Ended: Retrieved]; [LateReport: said]; +Retrieved; failed 4007"]
        );
        assert_eq!((state, owes), (State::Ended(Terminal::Retrieved), true));
        // One that does not end it leaves it to wait for the one that does.
        let forwarded = [report("c-9", MmStatus::Forwarded)];
        let (effects, ..) = settled(Loaded::only(resent.clone()), waiting(forwarded, vec![]), &refused());
        assert_eq!(
            effects,
            [
                "→Forwarded id c-9; work reports till 9000; [Forwarded: ]; [LateReport: said]; +Forwarded; failed 4007"
            ]
        );
        // Nobody can tell which of two is meant; and one that was not sent before has nothing to hear.
        let other = neighbour(2, State::Parked);
        let (effects, ..) = settled(Loaded::only(resent), waiting(early(), vec![other]), &refused());
        assert!(effects[0].starts_with("→Rejected"), "{effects:?}");
        // Then the refusal takes it out of the way of the other.
        assert_eq!(effects[1], "→Retrieved id c-9; work done; [Ended: Retrieved]; +Retrieved");
        let (effects, ..) = settled(Loaded::only(sent()), waiting(early(), vec![]), &refused());
        assert_eq!(effects.len(), 1);
        assert!(effects[0].starts_with("→Rejected"), "{effects:?}");
    }

    #[test]
    fn what_is_parked_may_be_what_waits_by_address() {
        let unknown = Settlement::Unknown { report_until: at(5000) };
        let early = || [report("c-9", MmStatus::Retrieved)];
        let (effects, state, owes) = settled(Loaded::only(sent()), waiting(early(), vec![]), &unknown);
        assert_eq!(
            effects,
            ["→Retrieved id c-9; work done; [Parked: said]; [Ended: Retrieved]; +Retrieved; failed 3500"]
        );
        assert_eq!((state, owes), (State::Ended(Terminal::Retrieved), true));
        let by_another = Neighbour { sender: "111133".to_owned(), ..neighbour(2, State::Parked) };
        let (effects, ..) = settled(Loaded::only(sent()), waiting(early(), vec![by_another]), &unknown);
        assert!(effects[0].starts_with("→Retrieved"), "another sender's is not meant: {effects:?}");
        let being_sent = neighbour(2, SENDING);
        let (effects, ..) = settled(Loaded::only(sent()), waiting(early(), vec![being_sent]), &unknown);
        assert_eq!(
            effects,
            ["→Parked; work reports till 5000; [Parked: said]; failed 3500"],
            "it may be the other's"
        );
    }

    /// What is learned of one message tells whose the other's report is, whose id tells of the next.
    #[test]
    fn what_is_learned_of_one_goes_on_to_the_others() {
        let mut other = neighbour(2, State::Parked);
        other.loaded = owing(other.loaded.subject, &[(7, MmStatus::Forwarded, Some(900), false)]);
        let early = [
            report("c-1", MmStatus::Retrieved),
            report("c-2", MmStatus::Deferred),
            report("c-2", MmStatus::Retrieved),
        ];
        let decided =
            settle(Loaded::only(sent()), waiting(early, vec![other]), &taken("c-1"), "", &[], at(NOW));
        let effects: Vec<String> = decided.effects.iter().map(shown).collect();
        assert_eq!(decided.effects[1].id, id(2));
        assert_eq!(decided.forgotten, [1, 2, 3]);
        assert_eq!(
            effects,
            [
                "→Retrieved id c-1; work done; [Forwarded: ]; [Ended: Retrieved]; \
                 [ReportWithdrawn: Forwarded]; +Retrieved",
                "→Retrieved id c-2; work done; [Deferred: ]; [Ended: Retrieved]; [ReportWithdrawn: Forwarded]; \
                 [ReportWithdrawn: Deferred]; -7; +Retrieved",
            ]
        );
    }
}
