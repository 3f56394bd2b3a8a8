//! What is owed to VASPs: reports, read replies, and messages from handsets.
//!
//! Those of one message reach its VASP in the order in which they became owed: a later one is held (it is not due) while an earlier
//! one is owed. When the message has ended, Forwarded and Deferred are not owed any more; one that is being delivered just then
//! is left to its owner first, so that it cannot overtake, or be overtaken by, the terminal one.

use std::fmt;

use jiff::Timestamp;

use super::{
    callback_outcome::{CallbackAnswer, CallbackOutcome},
    callback_says::CallbackSays,
    effects::{Effects, NewCallback, StoodBefore},
    intervention::{FailedCallback, LeftAlone},
    load::Subject,
    state::{State, Terminal},
    words,
};
use crate::{
    Id,
    bounds::TRIES,
    lease::{Lease, Owner},
    message::TimelineEvent,
    names::{AccountName, CarrierId},
    store_error::StoreError,
};

pub use super::load::OwedCallback;

/// How a callback stands, whatever it says: what stores keep of it that changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallbackRow {
    /// When it is due, or its lease ends; `None` while an earlier one about the same message is owed, and once it failed.
    pub due: Option<Timestamp>,
    /// Whose lease it is under, or was last.
    pub owner: Option<Owner>,
    /// How many tries failed.
    pub attempts: u32,
    /// No try is left: it is kept for an operator.
    pub failed: bool,
}

impl CallbackRow {
    /// One that becomes owed.
    pub const fn new(callback: &NewCallback) -> Self {
        Self::fresh(callback.due)
    }

    /// With all its tries, under nobody's lease.
    const fn fresh(due: Option<Timestamp>) -> Self {
        Self { due, owner: None, attempts: 0, failed: false }
    }

    /// As it is under a new lease.
    #[must_use]
    pub const fn leased(self, lease: Lease) -> Self {
        Self { due: Some(lease.until), owner: Some(lease.owner), ..self }
    }

    /// As it is for what takes callbacks as they become due: under its lease, where it has room; and that lease. One that has to wait for another
    /// is not asked about.
    pub fn taken(self, take: impl FnOnce() -> Option<Lease>) -> (Self, Option<Lease>) {
        match self.due.and_then(|_| take()) {
            Some(lease) => (self.leased(lease), Some(lease)),
            None => (self, None),
        }
    }

    /// As it is when it has not to wait for another any more.
    #[must_use]
    pub const fn freed(self, due: Timestamp) -> Self {
        Self { due: Some(due), ..self }
    }

    /// As it is after a try; `None` when it goes.
    pub const fn after(self, change: CallbackChange) -> Option<Self> {
        let attempts = self.attempts.saturating_add(1);
        match change {
            CallbackChange::Removed => None,
            CallbackChange::Again(due) => Some(Self { due: Some(due), owner: None, attempts, ..self }),
            CallbackChange::Failed => Some(Self { due: None, owner: None, attempts, failed: true }),
        }
    }
}

/// A callback that is owed, or was kept as failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptCallback {
    /// Its own id.
    pub id: Id,
    /// The message it is about; of a message from a handset, its LinkedID.
    pub message: Id,
    /// The account that it is owed to.
    pub account: AccountName,
    /// The carrier that it comes from.
    pub carrier: CarrierId,
    /// What it says.
    pub says: CallbackSays,
    /// When it became owed.
    pub at: Timestamp,
    /// How it stands.
    pub row: CallbackRow,
    /// Whether it says what is not owed any more: Forwarded or Deferred, of a message that has ended.
    pub superseded: bool,
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
    /// The message it is about; of one from a handset, its LinkedID.
    pub about: Id,
    /// How it stands.
    pub row: CallbackRow,
    /// The state of the message it is about; `None` for one from a handset.
    pub message: Option<State>,
    /// The [first](first_of) of the other callbacks about the same message that have not failed: its id, and when it is due.
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
    /// How the try ended, where that is kept: of callbacks that are not delivered at once.
    pub attempt: Option<CallbackAttempt>,
}

/// How a try to deliver a callback ended, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryEnd {
    /// The VASP acknowledged it.
    Delivered,
    /// It did not, and another try follows.
    Retried,
    /// It did not, and no try is left.
    Failed,
    /// It was not to be delivered at all.
    Withdrawn,
}

impl TryEnd {
    /// Every end.
    pub const ALL: &'static [Self] = &[Self::Delivered, Self::Retried, Self::Failed, Self::Withdrawn];

    /// The word, as metrics, stores and JSON have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Retried => "retried",
            Self::Failed => "failed",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The end of a word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|end| end.as_str() == name)
    }

    /// That of an outcome.
    pub const fn of(outcome: &CallbackOutcome) -> Self {
        match outcome {
            CallbackOutcome::Delivered => Self::Delivered,
            CallbackOutcome::Again { .. } => Self::Retried,
            CallbackOutcome::Failed { .. } => Self::Failed,
            CallbackOutcome::Withdrawn { .. } => Self::Withdrawn,
        }
    }
}

/// A try to deliver a callback, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallbackAttempt {
    /// When it ended.
    pub at: Timestamp,
    /// How.
    pub ended: TryEnd,
    /// What the VASP said; of one that was delivered, nothing.
    pub said: CallbackAnswer,
}

impl CallbackAttempt {
    /// Of what is kept of a callback that was tried `before` times already: none of one that is delivered at once.
    fn of(outcome: &CallbackOutcome, before: u32, at: Timestamp) -> Option<Self> {
        let said = match outcome {
            CallbackOutcome::Again { said, .. } | CallbackOutcome::Failed { said } => said.clone(),
            _ if before == 0 => return None,
            CallbackOutcome::Withdrawn { said } => said.clone().into(),
            CallbackOutcome::Delivered => CallbackAnswer::default(),
        };
        Some(Self { at, ended: TryEnd::of(outcome), said })
    }

    /// Whether there may be too many of its callback now, so that the oldest go: at the end of a round, and while it is a long one.
    /// `before`: how many came before it in its round.
    pub fn may_be_too_many(&self, before: u32) -> bool {
        before >= TRIES || self.ended != TryEnd::Retried
    }

    /// Whether it says that the account's endpoint fails.
    pub const fn is_failure(&self) -> bool {
        matches!(self.ended, TryEnd::Retried | TryEnd::Failed)
    }
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

/// The callback that a message owes first, but for `without`: its id, and when it is due. Of those that have not failed it is the one
/// that became owed first, and so has the lowest id.
pub fn first_of(owed: &[OwedCallback], without: Id) -> Option<(Id, Option<Timestamp>)> {
    let others = owed.iter().filter(|callback| callback.id != without);
    others.min_by_key(|callback| callback.id).map(|callback| (callback.id, callback.due))
}

/// The callback, when this owner holds its lease.
///
/// # Errors
/// [`StoreError::LostLease`] when another holds it by now, or it is settled.
pub fn held(callback: Option<TriedCallback>, owner: Owner) -> Result<TriedCallback, StoreError> {
    callback.filter(|callback| callback.row.owner == Some(owner)).ok_or(StoreError::LostLease)
}

/// What becomes of a callback that is due when somebody asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnLease {
    /// It is [leased](CallbackRow::leased).
    Lease,
    /// Its last owner fell silent while the message ended: it is to be [withdrawn](withdraw), and what it held back may be leased in
    /// its place.
    Withdraw,
}

/// Somebody asks for a callback that is due. Which comes [next](TriedCallback::next) need not be known for that.
pub fn on_lease(due: &TriedCallback) -> OnLease {
    if is_superseded(due.says, due.message) { OnLease::Withdraw } else { OnLease::Lease }
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
        attempt: CallbackAttempt::of(outcome, tried.row.attempts, now),
    }
}

/// A callback that is [superseded](is_superseded) is not delivered any more.
pub fn withdraw(superseded: &TriedCallback, now: Timestamp) -> AfterTry {
    AfterTry {
        change: CallbackChange::Removed,
        timeline: Some(words::withdrawn(superseded.says, "", now)),
        mo_ended: None,
        freed: superseded.held_next(),
        attempt: None,
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

impl ResentCallback {
    /// How it stands then.
    pub const fn row(&self) -> CallbackRow {
        CallbackRow::fresh(self.due)
    }
}

/// In which order failed callbacks are sent again: that in which they became owed, for a later one of the same message waits for the
/// earlier.
pub fn resend_order(callbacks: &[Id]) -> Vec<Id> {
    let mut callbacks = callbacks.to_vec();
    callbacks.sort_unstable();
    callbacks
}

/// Somebody of this name wants a callback that was kept as failed delivered after all. `message_owes`: whether another one about the same
/// message is owed. `None`: what it says is not owed any more.
pub fn resend(
    failed: &FailedCallback,
    message_owes: bool,
    by: &str,
    now: Timestamp,
) -> Option<ResentCallback> {
    let is_mo = failed.says == CallbackSays::Mo;
    (!failed.superseded).then(|| ResentCallback {
        due: (!message_owes).then_some(now),
        timeline: (!is_mo).then(|| words::resent(failed.says, by, now)),
        is_mo_reopened: is_mo,
    })
}

/// An operator wants a message's VASP to be told once more what it was told of it: the lines of the timeline of what was `reported`, as
/// they were written. `owed`: what is owed by now, with what had failed and is tried again; `is_retried`: whether there is such.
///
/// # Errors
/// That there is nothing that is not owed already.
pub fn report_again(
    subject: &Subject,
    reported: &[String],
    owed: &[CallbackSays],
    is_retried: bool,
    by: &str,
    now: Timestamp,
) -> Result<Effects, LeftAlone> {
    let reported: Vec<_> = reported.iter().filter_map(|words| CallbackSays::from_words(words)).collect();
    let again = told_again(subject.state, &reported, owed);
    if again.is_empty() && !is_retried {
        return Err(LeftAlone::NothingReported);
    }
    let mut effects = Effects::none(subject.id, subject.account.clone(), StoodBefore::of(subject));
    for says in again {
        // What is owed about one message is owed one by one.
        let is_next = owed.is_empty() && effects.owed.is_empty();
        effects.owed.push(NewCallback { says, at: now, due: is_next.then_some(now) });
        effects.timeline.push(words::resent(says, by, now));
    }
    Ok(effects)
}

/// What a VASP is to be told once more of a message in this state, in order: what it was told before, each once, but for what is not owed
/// any more, and what is owed already.
fn told_again(state: State, reported: &[CallbackSays], owed: &[CallbackSays]) -> Vec<CallbackSays> {
    let mut again: Vec<CallbackSays> = Vec::new();
    for says in reported {
        if !is_superseded(*says, Some(state)) && !owed.contains(says) && !again.contains(says) {
            again.push(*says);
        }
    }
    again
}

/// Why a callback is not tried at once that an operator wants tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotRetried {
    /// No callback has this id: it was delivered, or withdrawn.
    Unknown,
    /// What it says is not owed any more.
    Superseded,
    /// It is being delivered, or about to be.
    InHand,
    /// An earlier one about the same message comes first.
    Held,
    /// It is due already.
    Due,
}

impl NotRetried {
    /// Every reason.
    pub const ALL: &'static [Self] = &[Self::Unknown, Self::Superseded, Self::InHand, Self::Held, Self::Due];

    /// The word for it in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Superseded => "superseded",
            Self::InHand => "in_hand",
            Self::Held => "held",
            Self::Due => "due",
        }
    }

    /// What can be done instead.
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::Unknown => "`posthouse callbacks list` shows those there are",
            Self::Superseded => "nothing is to be done: a later report says how it ended",
            Self::InHand => "look again once the try has ended",
            Self::Held => "send the earlier one first: `posthouse callbacks list` shows it",
            Self::Due => "wait: it goes as soon as the account's window has room",
        }
    }
}

impl fmt::Display for NotRetried {
    /// For people, behind "it is".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "not there: it was delivered or withdrawn, or never was",
            Self::Superseded => "not owed any more, for the message has ended",
            Self::InHand => "being delivered just now",
            Self::Held => "behind an earlier one about the same message, which comes first",
            Self::Due => "due already",
        })
    }
}

/// An operator wants a callback tried at once, with all its tries anew, whether it failed for good or waits for its next try.
/// `message_owes`: whether another one about the same message is owed.
///
/// # Errors
/// Why it is left alone.
pub fn retry(
    kept: &KeptCallback,
    message_owes: bool,
    by: &str,
    now: Timestamp,
) -> Result<ResentCallback, NotRetried> {
    let (says, row) = (kept.says, kept.row);
    let is_mo = says == CallbackSays::Mo;
    let due = match row.due {
        _ if kept.superseded => return Err(NotRetried::Superseded),
        _ if row.failed => (!message_owes).then_some(now),
        None => return Err(NotRetried::Held),
        Some(due) if row.owner.is_some() && due > now => return Err(NotRetried::InHand),
        Some(due) if due <= now => return Err(NotRetried::Due),
        Some(_) => Some(now),
    };
    let timeline = (!is_mo).then(|| words::resent(says, by, now));
    Ok(ResentCallback { due, timeline, is_mo_reopened: is_mo && row.failed })
}

#[cfg(test)]
mod tests {
    use mm7::MmStatus;

    use super::*;
    use crate::{
        account::AccountName,
        carrier::CarrierId,
        life::{
            load::WorkKind,
            read_reply::ReadStatus,
            sample::{NOW, OWNER, at, id, subject},
        },
    };

    const FORWARDED: CallbackSays = CallbackSays::Report(MmStatus::Forwarded);
    const RETRIEVED: CallbackSays = CallbackSays::Report(MmStatus::Retrieved);
    const READ: CallbackSays = CallbackSays::ReadReply(ReadStatus::Read);
    const ENDED: State = State::Ended(Terminal::Retrieved);

    const LEASED: CallbackRow =
        CallbackRow { due: Some(Timestamp::UNIX_EPOCH), owner: Some(OWNER), attempts: 2, failed: false };

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
            let next = Some((id(9), None));
            let tried = TriedCallback { says, about: id(1), row: LEASED, message: Some(message), next };
            let after = settle(&tried, &outcome, at(NOW));
            let freed = frees.then_some(id(9));
            assert_eq!((after.change, line(&after).unwrap().as_str()), (change, expected));
            assert_eq!((after.freed, after.mo_ended), (freed, None), "{says:?} {outcome:?}");
        }
    }

    #[test]
    fn tries_are_kept_of_what_is_not_delivered_at_once() {
        let said = CallbackAnswer {
            http_status: Some(500),
            body: "busy".into(),
            ..CallbackAnswer::from("HTTP 500")
        };
        let again = CallbackOutcome::Again { due: at(3000), said: said.clone() };
        let failed = CallbackOutcome::Failed { said: said.clone() };
        let withdrawn = CallbackOutcome::Withdrawn { said: "no URL".into() };
        for (outcome, before, expected) in [
            (CallbackOutcome::Delivered, 0, None),
            (CallbackOutcome::Delivered, 1, Some((TryEnd::Delivered, "", false))),
            (withdrawn.clone(), 0, None),
            (withdrawn, 1, Some((TryEnd::Withdrawn, "no URL", false))),
            (again.clone(), 0, Some((TryEnd::Retried, "HTTP 500", true))),
            (failed.clone(), 0, Some((TryEnd::Failed, "HTTP 500", true))),
            (failed, 5, Some((TryEnd::Failed, "HTTP 500", true))),
        ] {
            let row = CallbackRow { attempts: before, ..LEASED };
            let tried =
                TriedCallback { says: RETRIEVED, about: id(1), row, message: Some(ENDED), next: None };
            let kept = settle(&tried, &outcome, at(NOW)).attempt;
            let told = kept.as_ref().map(|one| (one.ended, one.said.words.as_str(), one.is_failure()));
            assert_eq!(told, expected, "{outcome:?} after {before}");
            assert!(kept.is_none_or(|one| one.at == at(NOW)));
        }
        // What is superseded counts for nothing.
        let tried =
            TriedCallback { says: FORWARDED, about: id(1), row: LEASED, message: Some(ENDED), next: None };
        assert_eq!(settle(&tried, &again, at(NOW)).attempt, None);
    }

    #[test]
    fn what_a_vasp_was_told_it_is_told_again() {
        let told = [FORWARDED, READ, RETRIEVED, RETRIEVED];
        for (state, reported, owed, expected) in [
            (ENDED, &told[..], &[][..], &[READ, RETRIEVED][..]),
            (ENDED, &told, &[RETRIEVED], &[READ]),
            (State::Forwarded, &told[..2], &[], &[FORWARDED, READ]),
            (ENDED, &[], &[], &[]),
        ] {
            assert_eq!(told_again(state, reported, owed), expected, "{state} {owed:?}");
        }
        for says in [FORWARDED, RETRIEVED, READ] {
            assert_eq!(CallbackSays::from_words(&says.to_string()), Some(says));
        }
        assert_eq!(CallbackSays::from_words("Retrieved: HTTP 500"), None);
    }

    #[test]
    fn what_is_told_again_goes_one_by_one_behind_what_is_owed() {
        let told: Vec<String> =
            [FORWARDED, READ, RETRIEVED].iter().map(ToString::to_string).chain(["scribble".into()]).collect();
        let subject = Subject { state: ENDED, ..subject(ENDED, WorkKind::Report) };
        for (owed, is_retried, expected) in [
            (&[][..], false, Ok(&[(READ, Some(at(NOW))), (RETRIEVED, None)][..])),
            (&[RETRIEVED], true, Ok(&[(READ, None)])),
            (&[FORWARDED], false, Ok(&[(READ, None), (RETRIEVED, None)])),
            (&[READ, RETRIEVED], true, Ok(&[])),
            (&[READ, RETRIEVED], false, Err(LeftAlone::NothingReported)),
        ] {
            let effects = report_again(&subject, &told, owed, is_retried, "ann", at(NOW));
            let again = effects.map(|effects| {
                assert_eq!(effects.timeline.len(), effects.owed.len());
                assert!(effects.owed.iter().all(|callback| callback.at == at(NOW)));
                effects.owed.iter().map(|callback| (callback.says, callback.due)).collect::<Vec<_>>()
            });
            assert_eq!(again, expected.map(<[_]>::to_vec), "{owed:?} {is_retried}");
        }
        assert_eq!(report_again(&subject, &[], &[], false, "ann", at(NOW)), Err(LeftAlone::NothingReported));
    }

    #[test]
    fn tries_may_be_too_many_at_the_end_of_a_round_and_in_a_long_one() {
        let try_ended = |ended| CallbackAttempt { at: at(NOW), ended, said: CallbackAnswer::default() };
        for (ended, before, expected) in [
            (TryEnd::Retried, 0, false),
            (TryEnd::Retried, TRIES - 1, false),
            (TryEnd::Retried, TRIES, true),
            (TryEnd::Delivered, 0, true),
            (TryEnd::Failed, 0, true),
            (TryEnd::Withdrawn, 0, true),
        ] {
            assert_eq!(try_ended(ended).may_be_too_many(before), expected, "{ended:?} {before}");
        }
    }

    #[test]
    fn what_may_be_tried_at_once() {
        let kept = |row, superseded| KeptCallback {
            id: id(5),
            message: id(1),
            account: AccountName("acme".to_owned()),
            carrier: CarrierId("31003".to_owned()),
            says: RETRIEVED,
            at: at(10),
            row,
            superseded,
        };
        let waiting =
            |due: Option<i64>, owner| CallbackRow { due: due.map(at), owner, attempts: 2, failed: false };
        let failed = CallbackRow { due: None, owner: None, attempts: 6, failed: true };
        for (row, superseded, owes, expected) in [
            (waiting(Some(NOW + 1), None), false, true, Ok(Some(at(NOW)))),
            (waiting(Some(NOW), None), false, true, Err(NotRetried::Due)),
            (waiting(Some(NOW + 1), Some(OWNER)), false, true, Err(NotRetried::InHand)),
            (waiting(Some(NOW), Some(OWNER)), false, true, Err(NotRetried::Due)),
            (waiting(None, None), false, true, Err(NotRetried::Held)),
            (waiting(Some(NOW + 1), None), true, true, Err(NotRetried::Superseded)),
            (failed, false, false, Ok(Some(at(NOW)))),
            (failed, false, true, Ok(None)),
            (failed, true, false, Err(NotRetried::Superseded)),
        ] {
            let after = retry(&kept(row, superseded), owes, "ann", at(NOW));
            assert_eq!(after.as_ref().map(|after| after.due).map_err(|why| *why), expected, "{row:?}");
            let line = after.ok().and_then(|after| after.timeline).map(|line| line.detail);
            assert_eq!(line.as_deref(), expected.is_ok().then_some("Retrieved: sent again by ann"));
        }
        let mo = KeptCallback { says: CallbackSays::Mo, ..kept(failed, false) };
        let again = retry(&mo, false, "ann", at(NOW)).unwrap();
        assert_eq!((again.timeline, again.is_mo_reopened), (None, true));
        let mo = KeptCallback { row: waiting(Some(NOW + 1), None), ..mo };
        assert!(!retry(&mo, true, "ann", at(NOW)).unwrap().is_mo_reopened, "it never ended");
    }

    #[test]
    fn how_a_callback_stands() {
        let row = |due: Option<i64>, owner, attempts, failed| CallbackRow {
            due: due.map(at),
            owner,
            attempts,
            failed,
        };
        for due in [None, Some(NOW)] {
            let new = NewCallback { says: FORWARDED, at: at(NOW), due: due.map(at) };
            assert_eq!(CallbackRow::new(&new), row(due, None, 0, false));
            let resent = ResentCallback { due: due.map(at), timeline: None, is_mo_reopened: false };
            assert_eq!(resent.row(), row(due, None, 0, false));
        }
        let leased = row(Some(2000), Some(OWNER), 2, false);
        for (change, expected) in [
            (CallbackChange::Removed, None),
            (CallbackChange::Again(at(3000)), Some(row(Some(3000), None, 3, false))),
            (CallbackChange::Failed, Some(row(None, None, 3, true))),
        ] {
            assert_eq!(leased.after(change), expected, "{change:?}");
        }
        let lease = Lease { owner: Owner(8), until: at(4000) };
        assert_eq!(leased.leased(lease), row(Some(4000), Some(Owner(8)), 2, false));
        assert_eq!(row(None, None, 1, false).freed(at(NOW)), row(Some(NOW), None, 1, false));
    }

    #[test]
    fn what_is_due_goes_to_who_takes_it() {
        let new = |due: Option<i64>| {
            CallbackRow::new(&NewCallback { says: FORWARDED, at: at(NOW), due: due.map(at) })
        };
        let lease = Lease { owner: Owner(8), until: at(4000) };
        let due = new(Some(NOW));
        assert_eq!(due.taken(|| Some(lease)), (due.leased(lease), Some(lease)));
        assert_eq!(due.taken(|| None), (due, None));
        let waits = new(None);
        assert_eq!(waits.taken(|| panic!("nobody is asked")), (waits, None));
    }

    #[test]
    fn only_its_owner_settles_a_callback() {
        let tried = |owner| TriedCallback {
            says: FORWARDED,
            about: id(1),
            row: CallbackRow { owner, ..LEASED },
            message: Some(State::Forwarded),
            next: None,
        };
        assert_eq!(held(Some(tried(Some(OWNER))), OWNER), Ok(tried(Some(OWNER))));
        for found in [None, Some(tried(None)), Some(tried(Some(Owner(8))))] {
            assert_eq!(held(found, OWNER), Err(StoreError::LostLease), "{found:?}");
        }
    }

    #[test]
    fn what_is_superseded_is_not_leased() {
        for (says, message, expected) in [
            (FORWARDED, Some(State::Forwarded), OnLease::Lease),
            (FORWARDED, Some(ENDED), OnLease::Withdraw),
            (RETRIEVED, Some(ENDED), OnLease::Lease),
            (READ, Some(ENDED), OnLease::Lease),
            (CallbackSays::Mo, None, OnLease::Lease),
        ] {
            let due = TriedCallback { says, about: id(1), row: LEASED, message, next: None };
            assert_eq!(on_lease(&due), expected, "{says:?} {message:?}");
        }
    }

    #[test]
    fn those_of_a_message_follow_by_their_ids() {
        let owed = |number, due: Option<i64>| OwedCallback {
            id: id(number),
            says: FORWARDED,
            due: due.map(at),
            owner: None,
        };
        let all = [owed(5, None), owed(3, Some(2000)), owed(9, None)];
        for (owed, without, expected) in [
            (&all[..], 3, Some((id(5), None))),
            (&all[..], 5, Some((id(3), Some(at(2000))))),
            (&all[..], 7, Some((id(3), Some(at(2000))))),
            (&all[..1], 5, None),
            (&[], 5, None),
        ] {
            assert_eq!(first_of(owed, id(without)), expected, "without {without}");
        }
        assert_eq!(resend_order(&[id(5), id(9), id(3)]), [id(3), id(5), id(9)]);
    }

    #[test]
    fn only_what_is_held_is_freed() {
        for (next, expected) in
            [(None, None), (Some((id(9), Some(at(2000)))), None), (Some((id(9), None)), Some(id(9)))]
        {
            let message = Some(State::Forwarded);
            let tried = TriedCallback { says: FORWARDED, about: id(1), row: LEASED, message, next };
            assert_eq!(settle(&tried, &CallbackOutcome::Delivered, at(NOW)).freed, expected);
        }
    }

    #[test]
    fn a_message_from_a_handset_ends_with_its_callback_and_has_no_timeline() {
        let tried =
            TriedCallback { says: CallbackSays::Mo, about: id(1), row: LEASED, message: None, next: None };
        let again = CallbackOutcome::Again { due: at(3000), said: "".into() };
        for (outcome, ended) in [
            (CallbackOutcome::Delivered, Some(at(NOW))),
            (CallbackOutcome::Failed { said: "".into() }, Some(at(NOW))),
            (CallbackOutcome::Withdrawn { said: String::new() }, Some(at(NOW))),
            (again, None),
        ] {
            let after = settle(&tried, &outcome, at(NOW));
            assert_eq!((after.mo_ended, after.timeline), (ended, None), "{outcome:?}");
        }
    }

    #[test]
    fn what_is_not_owed_any_more_lets_the_next_go() {
        let next = Some((id(9), None));
        let tried = TriedCallback { says: FORWARDED, about: id(1), row: LEASED, message: Some(ENDED), next };
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
        assert_eq!(resend(&failed(FORWARDED, true), false, "ann", at(NOW)), None);
        let again = resend(&failed(RETRIEVED, false), false, "ann", at(NOW)).unwrap();
        assert_eq!((again.due, again.is_mo_reopened), (Some(at(NOW)), false));
        assert_eq!(again.timeline.unwrap().detail, "Retrieved: sent again by ann");
        assert_eq!(resend(&failed(RETRIEVED, false), true, "ann", at(NOW)).unwrap().due, None, "it waits");
        let mo = resend(&failed(CallbackSays::Mo, false), false, "ann", at(NOW)).unwrap();
        assert_eq!((mo.timeline, mo.is_mo_reopened), (None, true));
    }
}
