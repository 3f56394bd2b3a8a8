//! What a step of a message's life has to know: stores load it, within the transaction in which they write what follows.

use jiff::Timestamp;

use super::{
    callback::OwedCallback,
    effects::WorkChange,
    intervention::Standing,
    read_reply::{CarrierReadReply, ReadStatus},
    report::is_unanswered,
    state::State,
};
use crate::{
    Id,
    account::AccountName,
    address::is_same,
    carrier::CarrierId,
    message::CarrierReport,
    store::{Lease, NextStep, Owner, StoreError},
};

/// The most waiting reports that are loaded by address on behalf of one message, and the most messages without an answer that are
/// loaded on behalf of one report.
pub const LOOKED_AT: u32 = 100;

/// What is to be done about a message that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkKind {
    /// It is to be sent, now or later.
    Send,
    /// An attempt is under way.
    Sending,
    /// Reports are awaited.
    Report,
}

impl WorkKind {
    /// Every kind.
    pub const ALL: &'static [Self] = &[Self::Send, Self::Sending, Self::Report];

    /// The number that stores keep.
    pub const fn number(self) -> u8 {
        match self {
            Self::Send => 0,
            Self::Sending => 1,
            Self::Report => 2,
        }
    }

    /// The kind of a stored number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.number() == number)
    }

    /// What its timer says when it goes off; `None` for what is to be sent, which is no timer.
    pub const fn timer(self) -> Option<TimerKind> {
        match self {
            Self::Send => None,
            Self::Sending => Some(TimerKind::Interrupted),
            Self::Report => Some(TimerKind::ReportDue),
        }
    }
}

/// What a timer says that went off; [`Timer`](crate::store::Timer) says it with what belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimerKind {
    /// An attempt was begun and nobody ended it: its outcome is unknown.
    Interrupted,
    /// No terminal report came in time.
    ReportDue,
}

/// The work on a message that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work {
    /// What is to be done.
    pub kind: WorkKind,
    /// When it is due; while it is leased, when the lease ends.
    pub due: Timestamp,
    /// Whose lease it is under, or was last.
    pub owner: Option<Owner>,
    /// Since when it waits for its next attempt.
    pub since: Timestamp,
    /// Whether the last attempt found no connection.
    pub unreached: bool,
    /// ExpiryDate of the message.
    pub expiry: Timestamp,
}

impl Work {
    /// The first work on a message that is accepted at this time: leased, or due at once.
    ///
    /// ```
    /// use jiff::Timestamp;
    /// use posthouse_core::life::load::{Work, WorkKind};
    /// let (now, expiry) = (Timestamp::from_second(10).unwrap(), Timestamp::from_second(99).unwrap());
    /// let work = Work::first(None, expiry, now);
    /// assert_eq!((work.kind, work.due, work.owner), (WorkKind::Send, now, None));
    /// ```
    pub fn first(lease: Option<Lease>, expiry: Timestamp, accepted_at: Timestamp) -> Self {
        Self {
            kind: WorkKind::Send,
            due: lease.map_or(accepted_at, |lease| lease.until),
            owner: lease.map(|lease| lease.owner),
            since: accepted_at,
            unreached: false,
            expiry,
        }
    }

    /// Whether somebody holds a lease on it that has not ended.
    pub fn is_in_hand(&self, now: Timestamp) -> bool {
        self.owner.is_some() && self.due > now
    }

    /// Whether it is to be sent now: due, and under nobody's lease.
    pub fn is_due_to_be_sent(&self, now: Timestamp) -> bool {
        self.kind == WorkKind::Send && self.due <= now
    }

    /// Whether it waits for an attempt since before this time, under nobody's lease: what a connection that came back is tried with.
    pub fn waits_since_before(&self, time: Timestamp) -> bool {
        self.kind == WorkKind::Send && self.owner.is_none() && self.since < time
    }

    /// Whether it is a timer that went off: an attempt that nobody ended, or reports that did not come.
    pub fn is_timer_due(&self, now: Timestamp) -> bool {
        self.kind != WorkKind::Send && self.due <= now
    }

    /// As it is under a new lease: another's till the lease ends, and otherwise what it was.
    #[must_use]
    pub const fn leased(self, lease: Lease) -> Self {
        Self { due: lease.until, owner: Some(lease.owner), ..self }
    }

    /// As it is after a change; `None` when nothing is left to be done. An attempt that begins keeps the lease; what waits has none.
    pub const fn after(self, change: WorkChange) -> Option<Self> {
        match change {
            WorkChange::UnderWay { until } => Some(Self { kind: WorkKind::Sending, due: until, ..self }),
            WorkChange::Send { due, since, unreached } => {
                Some(Self { kind: WorkKind::Send, due, owner: None, since, unreached, ..self })
            }
            WorkChange::Report { until } => {
                Some(Self { kind: WorkKind::Report, due: until, owner: None, ..self })
            }
            WorkChange::Done => None,
        }
    }

    /// As it is when this owner gives it back: due at once, for anybody. `None` where it is left alone: it is not this owner's any more,
    /// or an attempt is under way, which only its end gives back.
    pub fn given_back(self, owner: Owner, now: Timestamp) -> Option<Self> {
        let may_be = self.owner == Some(owner) && self.kind != WorkKind::Sending;
        may_be.then_some(Self { due: now, owner: None, ..self })
    }

    /// As it is when no connection of its carrier serves: put off till then, but not beyond its ExpiryDate. `None` where it is left
    /// alone: it is not [due](Self::is_due_to_be_sent), or has expired and is to be ended.
    pub fn put_off(self, until: Timestamp, nobody_there: bool, now: Timestamp) -> Option<Self> {
        let may_be = self.is_due_to_be_sent(now) && self.expiry > now;
        let unreached = self.unreached || nobody_there;
        may_be.then_some(Self { due: until.min(self.expiry), owner: None, unreached, ..self })
    }

    /// What is to be done next, and when.
    pub fn next(&self, now: Timestamp) -> NextStep {
        match self.kind {
            WorkKind::Send if self.is_in_hand(now) => NextStep::InHand(self.due),
            WorkKind::Send => NextStep::Attempt(self.due),
            WorkKind::Sending => NextStep::UnderWay(self.due),
            WorkKind::Report => NextStep::Reports(self.due),
        }
    }
}

/// A message, as far as a step of its life has to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Its MessageID.
    pub id: Id,
    /// Where it stands.
    pub state: State,
    /// Whose it is.
    pub account: AccountName,
    /// The carrier it goes to.
    pub carrier: CarrierId,
    /// The recipient's digits.
    pub recipient: String,
    /// Whether the VASP wants reports.
    pub delivery_report: bool,
    /// The MessageID that the carrier gave it.
    pub carrier_message_id: Option<String>,
    /// Set when an attempt may have arrived and another is made all the same: when a terminal report is overdue, should one
    /// say that it did arrive.
    pub report_until: Option<Timestamp>,
    /// What is to be done about it; `None` once it has ended.
    pub work: Option<Work>,
    /// Whether a callback about it is owed: one that has not failed for good.
    pub owes: bool,
}

impl Subject {
    /// Where it stands, for an [intervention](super::intervention::Intervention); `None` when it has not ended and there is no work
    /// for it, which no store may let happen.
    pub fn standing(&self, now: Timestamp) -> Option<Standing> {
        let (due, expiry) = match self.work {
            Some(work) => (work.due, work.expiry),
            None if self.state.is_terminal() => (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH),
            None => return None,
        };
        let in_hand = self.work.is_some_and(|work| work.is_in_hand(now));
        Some(Standing { state: self.state, in_hand, due, expiry })
    }
}

/// The message and the work on it, when this owner holds its lease.
///
/// # Errors
/// [`StoreError::LostLease`] when another holds it by now, or the work is done.
pub fn held(subject: Option<Subject>, owner: Owner) -> Result<Subject, StoreError> {
    let is_held = |subject: &Subject| subject.work.is_some_and(|work| work.owner == Some(owner));
    subject.filter(is_held).ok_or(StoreError::LostLease)
}

/// A message that something happens to, with all that may be needed to say what follows.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The message.
    pub subject: Subject,
    /// The callbacks about it that have not failed for good, in the order of their ids: where they are [needed](Needs::owed).
    pub owed: Vec<OwedCallback>,
    /// The details of the lines on its timeline about reports that came too late, at most
    /// [`LATE_REPORTS`](crate::bounds::LATE_REPORTS): where they are [needed](Needs::late).
    pub late: Vec<String>,
    /// The read replies about it that its VASP was told: where they are [needed](Needs::told).
    pub told: Vec<ReadStatus>,
}

impl Loaded {
    /// A message of which nothing else is loaded.
    pub const fn only(subject: Subject) -> Self {
        Self { subject, owed: Vec::new(), late: Vec::new(), told: Vec::new() }
    }

    /// A message with what a step needs of it, and nothing else.
    ///
    /// # Errors
    /// Those of `more`.
    pub fn with<M: LoadMore>(subject: Subject, needs: Needs, more: &M) -> Result<Self, M::Error> {
        let mut loaded = Self::only(subject);
        loaded.load(needs, more)?;
        Ok(loaded)
    }

    /// Loads what a step needs of a message of which nothing else is loaded. Each list is asked for once at most.
    ///
    /// # Errors
    /// Those of `more`.
    pub fn load<M: LoadMore>(&mut self, needs: Needs, more: &M) -> Result<(), M::Error> {
        let Subject { id, owes, .. } = self.subject;
        if needs.owed && owes {
            self.owed = more.owed(id)?;
        }
        if needs.late {
            self.late = more.late(id)?;
        }
        if needs.told {
            self.told = more.told(id)?;
        }
        Ok(())
    }
}

/// Where a store loads from what a step needs of a message beside its row.
pub trait LoadMore {
    /// What may go wrong.
    type Error;

    /// [`Loaded::owed`]; asked for only where [`Subject::owes`] says that there are any.
    ///
    /// # Errors
    /// Those of reading.
    fn owed(&self, message: Id) -> Result<Vec<OwedCallback>, Self::Error>;

    /// [`Loaded::late`].
    ///
    /// # Errors
    /// Those of reading.
    fn late(&self, message: Id) -> Result<Vec<String>, Self::Error>;

    /// [`Loaded::told`].
    ///
    /// # Errors
    /// Those of reading.
    fn told(&self, message: Id) -> Result<Vec<ReadStatus>, Self::Error>;
}

/// Which lists of [`Loaded`] a step needs: each step says it of itself, such as [`attempt::needs`](super::attempt::needs).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// What is owed: where the message may end, and where reports wait, which may end it.
    pub owed: bool,
    /// The lines about reports that came too late: where one does, and where reports wait, of which one may.
    pub late: bool,
    /// The read replies that were told: where one comes, and where read replies wait.
    pub told: bool,
}

impl Needs {
    /// The needs of a step during which this waits.
    #[must_use]
    pub fn beside(self, waiting: Option<&Waiting>) -> Self {
        let reports = waiting.is_some_and(|waiting| !waiting.reports.is_empty());
        let read_replies = waiting.is_some_and(|waiting| !waiting.read_replies.is_empty());
        Self { owed: self.owed || reports, late: self.late || reports, told: self.told || read_replies }
    }

    /// The needs of a [neighbour](Waiting::neighbours), to which nothing happens but what waits.
    pub fn of_neighbour(waiting: &Waiting) -> Self {
        Self::default().beside(Some(waiting))
    }
}

/// A report or a read reply that waits for its message, under its number in the store.
pub type Numbered<T> = (i64, T);

/// What waits for something to be learned about a message, and the other messages that it may be about.
#[derive(Clone, Debug, Default)]
pub struct Waiting {
    /// Reports in the order in which they came: those under the MessageID that the message has or is about to learn; of the
    /// others those on its recipient, at most [`LOOKED_AT`]; and those under the MessageIDs of these.
    pub reports: Vec<Numbered<CarrierReport>>,
    /// Read replies under any of these MessageIDs, in the order in which they came.
    pub read_replies: Vec<Numbered<CarrierReadReply>>,
    /// The SenderAddress of the message itself. Needed when reports wait by address.
    pub sender: String,
    /// The other messages without an answer to the same recipient, at most [`LOOKED_AT`], and those that bear the MessageID of a
    /// report that waits by address.
    pub neighbours: Vec<Neighbour>,
}

/// A message that a waiting report may be about.
#[derive(Clone, Debug)]
pub struct Neighbour {
    /// The message.
    pub loaded: Loaded,
    /// Its SenderAddress.
    pub sender: String,
}

impl Neighbour {
    /// Whether a report may be about it: by its MessageID, or by its addresses while it has none.
    pub fn may_be_meant(&self, report: &CarrierReport) -> bool {
        let subject = &self.loaded.subject;
        bears(subject, &report.carrier_message_id) || is_between(subject, &self.sender, report)
    }
}

/// Whether a message is known by this MessageID of its carrier.
pub(super) fn bears(subject: &Subject, carrier_message_id: &str) -> bool {
    subject.carrier_message_id.as_deref().is_some_and(|id| id == carrier_message_id)
}

/// Whether a message without an answer goes between the two that a report names.
pub(super) fn is_between(subject: &Subject, sender: &str, report: &CarrierReport) -> bool {
    let (Some(recipient), Some(from)) = (&report.recipient, &report.sender) else { return false };
    is_unanswered(subject)
        && subject.carrier == report.carrier
        && subject.recipient == recipient.as_str()
        && is_same(sender, from)
}

/// Whether a report on the recipient of a message may turn out to be about it, with this SenderAddress, or about one of its neighbours.
pub fn may_be_about(report: &CarrierReport, sender: &str, neighbours: &[Neighbour]) -> bool {
    report.sender.as_deref().is_some_and(|from| is_same(sender, from))
        || neighbours.iter().any(|neighbour| neighbour.may_be_meant(report))
}

#[cfg(test)]
mod tests {
    use mm7::MmStatus;

    use super::*;
    use crate::life::{
        intervention::CallbackSays,
        sample::{EXPIRY, NOW, OWNER, at, read_reply, report, subject},
    };

    /// Due at 2000.
    fn work(kind: WorkKind) -> Work {
        subject(State::Accepted, kind).work.unwrap()
    }

    #[test]
    fn what_is_next() {
        for (kind, now, expected) in [
            (WorkKind::Send, 1999, NextStep::InHand(at(2000))),
            (WorkKind::Send, 2000, NextStep::Attempt(at(2000))),
            (WorkKind::Sending, 1999, NextStep::UnderWay(at(2000))),
            (WorkKind::Report, 2000, NextStep::Reports(at(2000))),
        ] {
            assert_eq!(work(kind).next(at(now)), expected);
        }
    }

    #[test]
    fn what_is_due_to_whom() {
        for (kind, now, sent, timer) in [
            (WorkKind::Send, 2000, true, false),
            (WorkKind::Send, 1999, false, false),
            (WorkKind::Sending, 2000, false, true),
            (WorkKind::Sending, 1999, false, false),
            (WorkKind::Report, 2000, false, true),
        ] {
            let work = work(kind);
            let due = (work.is_due_to_be_sent(at(now)), work.is_timer_due(at(now)));
            assert_eq!(due, (sent, timer), "{kind:?} at {now}");
        }
        let waiting = Work { owner: None, ..work(WorkKind::Send) };
        assert!(waiting.waits_since_before(at(501)) && !waiting.waits_since_before(at(500)));
        assert!(!work(WorkKind::Send).waits_since_before(at(501)), "somebody has it in hand");
        let reports = Work { owner: None, ..work(WorkKind::Report) };
        assert!(!reports.waits_since_before(at(501)));
    }

    /// Says of each list that it was loaded.
    struct Everything;

    impl LoadMore for Everything {
        type Error = StoreError;

        fn owed(&self, message: Id) -> Result<Vec<OwedCallback>, StoreError> {
            let says = CallbackSays::ReadReply(ReadStatus::Read);
            Ok(vec![OwedCallback { id: message, says, due: None, owner: None }])
        }

        fn late(&self, _: Id) -> Result<Vec<String>, StoreError> {
            Ok(vec!["late".to_owned()])
        }

        fn told(&self, _: Id) -> Result<Vec<ReadStatus>, StoreError> {
            Ok(vec![ReadStatus::Read])
        }
    }

    #[test]
    fn what_is_needed_is_loaded_and_nothing_else() {
        for (owes, owed, late, told) in [
            (false, true, false, false),
            (true, true, false, false),
            (true, false, true, false),
            (true, false, false, true),
            (false, true, true, true),
        ] {
            let subject = Subject { owes, ..subject(State::Accepted, WorkKind::Send) };
            let needs = Needs { owed, late, told };
            let loaded = Loaded::with(subject, needs, &Everything).unwrap();
            let found = (loaded.owed.len(), loaded.late.len(), loaded.told.len());
            let expected = (usize::from(owes && owed), usize::from(late), usize::from(told));
            assert_eq!(found, expected, "{needs:?} owes {owes}");
        }
    }

    #[test]
    fn what_waits_may_need_more() {
        let needs = |owed, late, told| Needs { owed, late, told };
        let waiting = |reports, replies| Waiting {
            reports: (0..reports).map(|number| (number, report("c-1", MmStatus::Retrieved))).collect(),
            read_replies: (0..replies).map(|number| (number, read_reply("c-1", ReadStatus::Read))).collect(),
            ..Waiting::default()
        };
        assert_eq!(needs(true, false, true).beside(None), needs(true, false, true));
        for (reports, replies, expected) in [
            (0, 0, needs(false, false, false)),
            (2, 0, needs(true, true, false)),
            (0, 2, needs(false, false, true)),
            (1, 1, needs(true, true, true)),
        ] {
            let waiting = waiting(reports, replies);
            assert_eq!(Needs::default().beside(Some(&waiting)), expected);
            assert_eq!(Needs::of_neighbour(&waiting), expected);
        }
    }

    #[test]
    fn what_a_change_leaves() {
        for kind in WorkKind::ALL {
            let before = work(*kind);
            let (until, due, since) = (at(4000), at(3000), at(2500));
            for (change, expected) in [
                (
                    WorkChange::UnderWay { until },
                    Some(Work { kind: WorkKind::Sending, due: until, ..before }),
                ),
                (
                    WorkChange::Send { due, since, unreached: false },
                    Some(Work {
                        kind: WorkKind::Send,
                        due,
                        owner: None,
                        since,
                        unreached: false,
                        expiry: at(EXPIRY),
                    }),
                ),
                (
                    WorkChange::Report { until },
                    Some(Work { kind: WorkKind::Report, due: until, owner: None, ..before }),
                ),
                (WorkChange::Done, None),
            ] {
                assert_eq!(before.after(change), expected, "{kind:?} {change:?}");
            }
            let lease = Lease { owner: Owner(8), until };
            assert_eq!(before.leased(lease), Work { due: until, owner: Some(Owner(8)), ..before });
        }
    }

    #[test]
    fn what_a_timer_says() {
        for (kind, expected) in [
            (WorkKind::Send, None),
            (WorkKind::Sending, Some(TimerKind::Interrupted)),
            (WorkKind::Report, Some(TimerKind::ReportDue)),
        ] {
            assert_eq!(kind.timer(), expected, "{kind:?}");
            // What has one is what goes off as one.
            assert_eq!(work(kind).is_timer_due(at(2000)), expected.is_some(), "{kind:?}");
        }
    }

    #[test]
    fn what_was_not_begun_is_given_back_by_its_owner() {
        for kind in [WorkKind::Send, WorkKind::Report] {
            let free = Work { due: at(NOW), owner: None, ..work(kind) };
            assert_eq!(work(kind).given_back(OWNER, at(NOW)), Some(free));
            assert_eq!(work(kind).given_back(Owner(8), at(NOW)), None);
        }
        assert_eq!(work(WorkKind::Sending).given_back(OWNER, at(NOW)), None);
    }

    #[test]
    fn what_is_due_is_put_off_and_not_beyond_its_end() {
        let put_off = |work: Work, until, nobody_there| work.put_off(at(until), nobody_there, at(3000));
        let reached = Work { unreached: false, ..work(WorkKind::Send) };
        let expected = |due, unreached| Some(Work { due: at(due), owner: None, unreached, ..reached });
        assert_eq!(put_off(reached, 4000, false), expected(4000, false));
        assert_eq!(put_off(reached, 4000, true), expected(4000, true));
        assert_eq!(put_off(Work { unreached: true, ..reached }, 4000, false), expected(4000, true));
        assert_eq!(put_off(reached, EXPIRY + 1, false), expected(EXPIRY, false));
        for left_alone in [
            Work { expiry: at(3000), ..reached },
            Work { due: at(3001), ..reached },
            work(WorkKind::Sending),
            work(WorkKind::Report),
        ] {
            assert_eq!(put_off(left_alone, 4000, true), None, "{left_alone:?}");
        }
    }
}
