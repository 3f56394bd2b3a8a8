//! What is owed to VASPs: reports, read replies, and messages from handsets.
//!
//! Those of one message reach its VASP in the order in which they became owed: a later one is held (it is not due) while an earlier
//! one is owed. When the message has ended, Forwarded and Deferred are not owed any more; one that is being delivered just then
//! is left to its owner first, so that it cannot overtake, or be overtaken by, the terminal one.

use jiff::Timestamp;

use super::{
    effects::NewCallback,
    intervention::{CallbackSays, FailedCallback},
    state::{State, Terminal},
    words,
};
use crate::{
    Id,
    message::TimelineEvent,
    store::{CallbackOutcome, Owner},
};

/// A callback that is owed and has not failed for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwedCallback {
    /// Its own id.
    pub id: Id,
    /// What it says.
    pub says: CallbackSays,
    /// When it is due, or its lease ends; `None` while an earlier one about the same message is owed.
    pub due: Option<Timestamp>,
    /// Whose lease it is under, or was last.
    pub owner: Option<Owner>,
}

impl OwedCallback {
    /// Whether it is a report that nobody is delivering.
    pub(super) fn is_idle_report(&self, now: Timestamp) -> bool {
        let is_idle = self.owner.is_none() || self.due.is_some_and(|due| due <= now);
        matches!(self.says, CallbackSays::Report(_)) && is_idle
    }
}

/// A message from a handset becomes owed.
pub const fn of_mo(received_at: Timestamp) -> NewCallback {
    NewCallback { says: CallbackSays::Mo, at: received_at, due: Some(received_at) }
}

/// Whether a callback says what is not owed any more: Forwarded or Deferred, of a message that has ended.
pub fn is_superseded(says: CallbackSays, message: Option<State>) -> bool {
    let is_passing = matches!(says, CallbackSays::Report(status) if Terminal::of(status).is_none());
    is_passing && message.is_some_and(State::is_terminal)
}

/// A callback that somebody tried to deliver, with all that is needed to say what follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TriedCallback {
    /// What it says.
    pub says: CallbackSays,
    /// The state of the message it is about; `None` for one from a handset.
    pub message: Option<State>,
    /// Of the other callbacks about the same message that have not failed, the first: its id, and when it is due.
    pub next: Option<(Id, Option<Timestamp>)>,
}

/// What is to be written about a callback that somebody tried to deliver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AfterTry {
    /// What becomes of it.
    pub change: CallbackChange,
    /// A line for the message's timeline. A message from a handset has none.
    pub timeline: Option<TimelineEvent>,
    /// The message from a handset that it carries ended then: it has reached its VASP, or never will.
    pub mo_ended: Option<Timestamp>,
    /// The callback that had to wait for it, and is due now.
    pub freed: Option<Id>,
}

/// What becomes of a callback that somebody tried to deliver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallbackChange {
    /// It goes.
    Removed,
    /// One more try failed; the next is due then.
    Again(Timestamp),
    /// One more try failed, and it is kept as failed.
    Failed,
}

/// A try to deliver a callback ends.
pub fn settle(tried: &TriedCallback, outcome: &CallbackOutcome, now: Timestamp) -> AfterTry {
    let is_superseded = is_superseded(tried.says, tried.message);
    let change = match outcome {
        CallbackOutcome::Delivered | CallbackOutcome::Withdrawn { .. } => CallbackChange::Removed,
        CallbackOutcome::Again { .. } | CallbackOutcome::Failed { .. } if is_superseded => {
            return withdraw(tried, now);
        }
        CallbackOutcome::Again { due, .. } => CallbackChange::Again(*due),
        CallbackOutcome::Failed { .. } => CallbackChange::Failed,
    };
    let is_over = !matches!(change, CallbackChange::Again(_));
    let is_mo = tried.says == CallbackSays::Mo;
    AfterTry {
        change,
        timeline: (!is_mo).then(|| words::tried(tried.says, outcome, now)),
        mo_ended: (is_mo && is_over).then_some(now),
        freed: tried.held_next().filter(|_| is_over),
    }
}

/// A callback that is [superseded](is_superseded) is not delivered any more.
pub fn withdraw(superseded: &TriedCallback, now: Timestamp) -> AfterTry {
    AfterTry {
        change: CallbackChange::Removed,
        timeline: Some(words::withdrawn(superseded.says, "", now)),
        mo_ended: None,
        freed: superseded.held_next(),
    }
}

impl TriedCallback {
    /// The next one, if it is held.
    fn held_next(&self) -> Option<Id> {
        self.next.filter(|(_, due)| due.is_none()).map(|(id, _)| id)
    }
}

/// What is to be written about a callback that was kept as failed and is sent again by an operator, with all its tries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResentCallback {
    /// When it is due; `None`: once the one is settled that its message owes already.
    pub due: Option<Timestamp>,
    /// A line for the message's timeline. A message from a handset has none.
    pub timeline: Option<TimelineEvent>,
    /// The message from a handset that it carries has not ended any more.
    pub is_mo_reopened: bool,
}

/// An operator wants a callback that was kept as failed delivered after all. `message_owes`: whether another one about the same
/// message is owed. `None`: what it says is not owed any more.
pub fn resend(failed: &FailedCallback, message_owes: bool, now: Timestamp) -> Option<ResentCallback> {
    let is_mo = failed.says == CallbackSays::Mo;
    (!failed.superseded).then(|| ResentCallback {
        due: (!message_owes).then_some(now),
        timeline: (!is_mo).then(|| words::resent(failed.says, now)),
        is_mo_reopened: is_mo,
    })
}

#[cfg(test)]
mod tests {
    use mm7::MmStatus;

    use super::*;
    use crate::{
        account::AccountName,
        carrier::CarrierId,
        life::{
            read_reply::ReadStatus,
            sample::{NOW, at, id},
        },
    };

    const FORWARDED: CallbackSays = CallbackSays::Report(MmStatus::Forwarded);
    const RETRIEVED: CallbackSays = CallbackSays::Report(MmStatus::Retrieved);
    const READ: CallbackSays = CallbackSays::ReadReply(ReadStatus::Read);
    const ENDED: State = State::Ended(Terminal::Retrieved);

    fn line(after: &AfterTry) -> Option<String> {
        let line = after.timeline.as_ref()?;
        assert_eq!(line.at, at(NOW));
        Some(format!("{}: {}", line.kind.as_str(), line.detail))
    }

    #[test]
    fn how_a_try_ends() {
        use CallbackChange::{Again, Failed, Removed};
        let again = || CallbackOutcome::Again { due: at(3000), said: "HTTP 500".into() };
        let failed = || CallbackOutcome::Failed { said: "HTTP 500".into() };
        let withdrawn = || CallbackOutcome::Withdrawn { said: "no URL".into() };
        for (says, message, outcome, change, expected, frees) in [
            (FORWARDED, State::Forwarded, CallbackOutcome::Delivered, Removed, "Reported: Forwarded", true),
            (
                FORWARDED,
                State::Forwarded,
                again(),
                Again(at(3000)),
                "ReportRetrying: Forwarded: HTTP 500",
                false,
            ),
            (FORWARDED, State::Forwarded, failed(), Failed, "ReportFailed: Forwarded: HTTP 500", true),
            (FORWARDED, State::Forwarded, withdrawn(), Removed, "ReportWithdrawn: Forwarded: no URL", true),
            // The message ended meanwhile: it is not repeated, and what the VASP said does not count.
            (FORWARDED, ENDED, CallbackOutcome::Delivered, Removed, "Reported: Forwarded", true),
            (FORWARDED, ENDED, again(), Removed, "ReportWithdrawn: Forwarded", true),
            (FORWARDED, ENDED, failed(), Removed, "ReportWithdrawn: Forwarded", true),
            (RETRIEVED, ENDED, again(), Again(at(3000)), "ReportRetrying: Retrieved: HTTP 500", false),
            (READ, ENDED, again(), Again(at(3000)), "ReportRetrying: read reply Read: HTTP 500", false),
        ] {
            let tried = TriedCallback { says, message: Some(message), next: Some((id(9), None)) };
            let after = settle(&tried, &outcome, at(NOW));
            let freed = frees.then_some(id(9));
            assert_eq!((after.change, line(&after).unwrap().as_str()), (change, expected));
            assert_eq!((after.freed, after.mo_ended), (freed, None), "{says:?} {outcome:?}");
        }
    }

    #[test]
    fn only_what_is_held_is_freed() {
        for (next, expected) in
            [(None, None), (Some((id(9), Some(at(2000)))), None), (Some((id(9), None)), Some(id(9)))]
        {
            let tried = TriedCallback { says: FORWARDED, message: Some(State::Forwarded), next };
            assert_eq!(settle(&tried, &CallbackOutcome::Delivered, at(NOW)).freed, expected);
        }
    }

    #[test]
    fn a_message_from_a_handset_ends_with_its_callback_and_has_no_timeline() {
        let tried = TriedCallback { says: CallbackSays::Mo, message: None, next: None };
        let again = CallbackOutcome::Again { due: at(3000), said: String::new() };
        for (outcome, ended) in [
            (CallbackOutcome::Delivered, Some(at(NOW))),
            (CallbackOutcome::Failed { said: String::new() }, Some(at(NOW))),
            (CallbackOutcome::Withdrawn { said: String::new() }, Some(at(NOW))),
            (again, None),
        ] {
            let after = settle(&tried, &outcome, at(NOW));
            assert_eq!((after.mo_ended, after.timeline), (ended, None), "{outcome:?}");
        }
    }

    #[test]
    fn what_is_not_owed_any_more_lets_the_next_go() {
        let tried = TriedCallback { says: FORWARDED, message: Some(ENDED), next: Some((id(9), None)) };
        let after = withdraw(&tried, at(NOW));
        assert_eq!(line(&after).unwrap(), "ReportWithdrawn: Forwarded");
        assert_eq!((after.change, after.freed), (CallbackChange::Removed, Some(id(9))));
        for (says, message, expected) in [
            (FORWARDED, Some(ENDED), true),
            (CallbackSays::Report(MmStatus::Deferred), Some(ENDED), true),
            (FORWARDED, Some(State::Deferred), false),
            (RETRIEVED, Some(ENDED), false),
            (READ, Some(ENDED), false),
            (CallbackSays::Mo, None, false),
        ] {
            assert_eq!(is_superseded(says, message), expected, "{says:?} {message:?}");
        }
    }

    #[test]
    fn what_failed_is_sent_again_in_its_turn() {
        let failed = |says, superseded| FailedCallback {
            id: id(5),
            message: id(1),
            account: AccountName("acme".to_owned()),
            carrier: CarrierId("31003".to_owned()),
            says,
            at: at(10),
            attempts: 6,
            superseded,
        };
        assert_eq!(resend(&failed(FORWARDED, true), false, at(NOW)), None);
        let again = resend(&failed(RETRIEVED, false), false, at(NOW)).unwrap();
        assert_eq!((again.due, again.is_mo_reopened), (Some(at(NOW)), false));
        assert_eq!(again.timeline.unwrap().detail, "Retrieved: sent again by operator");
        assert_eq!(resend(&failed(RETRIEVED, false), true, at(NOW)).unwrap().due, None, "it waits");
        let mo = resend(&failed(CallbackSays::Mo, false), false, at(NOW)).unwrap();
        assert_eq!((mo.timeline, mo.is_mo_reopened), (None, true));
    }
}
