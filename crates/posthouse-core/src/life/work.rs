//! The work on a message: what is to be done about it, when, and under whose lease.

use jiff::Timestamp;

use super::settlement::NextStep;
use crate::{
    lease::{Lease, Owner},
    message::FirstAttempt,
};

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
    /// The first work on a message that is accepted at this time.
    ///
    /// ```
    /// use jiff::Timestamp;
    /// use posthouse_core::{life::load::{Work, WorkKind}, message::FirstAttempt};
    /// let (now, expiry) = (Timestamp::from_second(10).unwrap(), Timestamp::from_second(99).unwrap());
    /// let work = Work::first(FirstAttempt::Due, expiry, now);
    /// assert_eq!((work.kind, work.due, work.owner), (WorkKind::Send, now, None));
    /// ```
    pub fn first(attempt: FirstAttempt, expiry: Timestamp, accepted_at: Timestamp) -> Self {
        let (due, owner, unreached) = match attempt {
            FirstAttempt::Due => (accepted_at, None, false),
            FirstAttempt::Leased(lease) => (lease.until, Some(lease.owner), false),
            FirstAttempt::PutOff { until, nobody_there } => (until.min(expiry), None, nobody_there),
        };
        Self { kind: WorkKind::Send, due, owner, since: accepted_at, unreached, expiry }
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

/// What is to be done about a message from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkChange {
    /// An attempt is under way, under the lease that there is.
    UnderWay {
        /// When it counts as interrupted.
        until: Timestamp,
    },
    /// It is to be sent; no lease is on it.
    Send {
        /// When.
        due: Timestamp,
        /// Since when it waits for that.
        since: Timestamp,
        /// Whether the last attempt found no connection.
        unreached: bool,
    },
    /// Reports are awaited; no lease is on it.
    Report {
        /// Till when.
        until: Timestamp,
    },
    /// Nothing is: the work goes.
    Done,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::life::{
        sample::{EXPIRY, NOW, OWNER, at, subject},
        state::State,
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
