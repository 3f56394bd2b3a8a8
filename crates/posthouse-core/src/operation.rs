//! Operations in bulk: a selection that is frozen first, started by a caller that has seen how many it is, and carried out a page at a time.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Id,
    actor::{Actor, Credential, Role},
    lease::{Lease, Owner},
    life::{intervention::Intervention, reroute::RerouteTarget},
    names::CarrierId,
    store_error::StoreError,
    words::words,
};

/// How many messages are changed at a time, in one transaction, by operations and by requests about many messages: where they lie far apart
/// among millions, each is read from the disk while others wait for the writer, and 250 took 65 ms.
pub const PAGE: usize = 100;
/// Above so many a start has to say why.
pub const WITHOUT_REASON: u64 = 10_000;
/// How many of those that match a dry run judges; the others are only counted.
pub const JUDGED: usize = 10_000;
/// How many of them it names.
pub const NAMED: usize = 20;

words! {
    /// What is done to each message.
    pub enum OperationVerb {
        /// Its next attempt is due at once.
        Requeue = "requeue",
        /// It ends as Expired.
        Expire = "expire",
        /// What waits goes to another carrier, or over another connection.
        Reroute = "reroute",
        /// What has ended is sent again, as a new message.
        Resubmit = "resubmit",
        /// What its VASP was told of it is owed once more, also what was delivered.
        ResendReports = "resend-reports",
    }
}

words! {
    /// Where an operation stands.
    pub enum OperationState {
        /// Its selection is frozen; nothing is done.
        Planned = "planned",
        /// It is carried out.
        Running = "running",
        /// It has ended.
        Done = "done",
        /// Somebody ended it; what was done stays done.
        Cancelled = "cancelled",
    }
}

/// What is done, to what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationSpec {
    /// What is done to each message.
    pub verb: OperationVerb,
    /// Of what is sent again: also those whose last attempt may have arrived.
    #[serde(default)]
    pub parked: bool,
    /// Over which connection the next attempt goes.
    #[serde(default)]
    pub via: Option<String>,
    /// Of a reroute: the carrier that it goes to.
    #[serde(default)]
    pub carrier: Option<CarrierId>,
    /// Of a resubmit: whether the VASP gets reports on the new messages.
    #[serde(default)]
    pub reports: bool,
    /// Which messages, as the caller wrote it; times in it are absolute.
    pub selection: String,
    /// These messages, where they are named.
    #[serde(default)]
    pub ids: Vec<i64>,
}

impl OperationSpec {
    /// Where a reroute leads; `None` for what is none.
    pub fn reroute(&self) -> Option<RerouteTarget> {
        let to = || RerouteTarget { carrier: self.carrier.clone(), connection: self.via.clone() };
        (self.verb == OperationVerb::Reroute).then(to)
    }

    /// What it does to messages that wait; `None` for one that does something to others.
    pub const fn intervention(&self) -> Option<Intervention> {
        match self.verb {
            OperationVerb::Requeue => Some(Intervention::Requeue { parked: self.parked }),
            OperationVerb::Expire => Some(Intervention::Expire),
            OperationVerb::Reroute => Some(Intervention::Reroute { parked: self.parked }),
            OperationVerb::Resubmit | OperationVerb::ResendReports => None,
        }
    }
}

/// An operation: what was frozen, and how far it has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkOperation {
    /// Its id.
    pub number: i64,
    /// What is done, to what.
    pub spec: OperationSpec,
    /// Where it stands.
    pub state: OperationState,
    /// Who planned it.
    pub by: String,
    /// As what.
    pub role: Role,
    /// Why, in the words of the operator who planned or started it.
    pub reason: Option<String>,
    /// When it was planned.
    pub created_at: Timestamp,
    /// Only ids below this one are meant.
    pub below: i64,
    /// How many matched when it was planned.
    pub count: u64,
    /// Of how many of them it was judged whether it may be done to them.
    pub judged: u64,
    /// The first of those that it would be done to.
    pub first: Vec<i64>,
    /// How many of the judged would be left alone, by reason.
    pub would_leave_alone: BTreeMap<String, u64>,
    /// When it was started.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Everything from this id on was looked at.
    pub cursor: Option<i64>,
    /// How many were looked at.
    pub looked_at: u64,
    /// To how many it was done.
    pub done: u64,
    /// How many were left alone, by reason.
    pub left_alone: BTreeMap<String, u64>,
}

/// Why an operation is not started, or not cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotStarted {
    /// There is none of this id.
    Unknown,
    /// It is not in a state for that.
    State(OperationState),
    /// Another number was expected.
    Count(u64),
    /// It is about so many that somebody has to say why.
    NoReason,
}

impl BulkOperation {
    /// Its id.
    pub fn id(&self) -> Option<Id> {
        Id::from_number(self.number)
    }

    /// Who does it: who planned it, by the gateway's hand.
    pub fn actor(&self) -> Actor {
        let reason = self.reason.clone().unwrap_or_default();
        let actor = Actor::new(self.by.clone(), self.role.clone(), Credential::Gateway);
        actor.because(&format!("operation {}: {reason}", self.number))
    }

    /// As it is once somebody starts it who expects that many.
    ///
    /// # Errors
    /// Why it is not started.
    pub fn started(
        mut self,
        expect_count: u64,
        reason: Option<&str>,
        now: Timestamp,
    ) -> Result<Self, NotStarted> {
        if self.state != OperationState::Planned {
            return Err(NotStarted::State(self.state));
        }
        if self.count != expect_count {
            return Err(NotStarted::Count(self.count));
        }
        if let Some(reason) = reason {
            self.reason = Some(reason.to_owned());
        }
        if self.count > WITHOUT_REASON && self.reason.is_none() {
            return Err(NotStarted::NoReason);
        }
        Ok(Self { state: OperationState::Running, started_at: Some(now), ..self })
    }

    /// As it is once somebody cancels it.
    ///
    /// # Errors
    /// It has ended.
    pub fn cancelled(self, now: Timestamp) -> Result<Self, NotStarted> {
        match self.state {
            OperationState::Planned | OperationState::Running => {
                Ok(Self { state: OperationState::Cancelled, ended_at: Some(now), ..self })
            }
            ended => Err(NotStarted::State(ended)),
        }
    }

    /// That it is carried out under this lease.
    ///
    /// # Errors
    /// [`StoreError::LostLease`]: another has it by now, or it is not carried out any more.
    pub fn held(self, owner: Option<Owner>, lease: Lease) -> Result<Self, StoreError> {
        match self.leased(lease) {
            Some(_) if owner == Some(lease.owner) => Ok(self),
            _ => Err(StoreError::LostLease),
        }
    }

    /// The lease that it goes on under; `None` once it is not carried out any more.
    pub fn leased(&self, lease: Lease) -> Option<Lease> {
        (self.state == OperationState::Running).then_some(lease)
    }

    /// As it is after a page: what came of each of its messages, and where the next begins; `None`: it was the last.
    #[must_use]
    pub fn after_page(
        mut self,
        outcomes: &[Result<(), &'static str>],
        next: Option<Id>,
        now: Timestamp,
    ) -> Self {
        for outcome in outcomes {
            self.looked_at += 1;
            match outcome {
                Ok(()) => self.done += 1,
                Err(reason) => *self.left_alone.entry((*reason).to_owned()).or_default() += 1,
            }
        }
        match next {
            Some(next) => self.cursor = Some(next.number()),
            None => {
                self.state = OperationState::Done;
                self.ended_at = Some(now);
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn planned(count: u64) -> BulkOperation {
        let spec = OperationSpec {
            verb: OperationVerb::Resubmit,
            parked: false,
            via: None,
            carrier: None,
            reports: false,
            selection: "{}".to_owned(),
            ids: Vec::new(),
        };
        BulkOperation {
            number: 7,
            spec,
            state: OperationState::Planned,
            by: "ann".to_owned(),
            role: Role::Operator,
            reason: None,
            created_at: at(1),
            below: 100,
            count,
            judged: count,
            first: Vec::new(),
            would_leave_alone: BTreeMap::new(),
            started_at: None,
            ended_at: None,
            cursor: None,
            looked_at: 0,
            done: 0,
            left_alone: BTreeMap::new(),
        }
    }

    #[test]
    fn it_is_started_by_who_knows_how_many_it_is_and_says_why_where_it_is_many() {
        assert_eq!(planned(3).started(2, None, at(2)), Err(NotStarted::Count(3)));
        let running = planned(3).started(3, None, at(2)).unwrap();
        assert_eq!((running.state, running.started_at), (OperationState::Running, Some(at(2))));
        let again = running.clone().started(3, None, at(3));
        assert_eq!(again, Err(NotStarted::State(OperationState::Running)));
        assert_eq!(planned(10_000).started(10_000, None, at(2)).map(|one| one.reason), Ok(None));
        assert_eq!(planned(10_001).started(10_001, None, at(2)), Err(NotStarted::NoReason));
        let why = planned(10_001).started(10_001, Some("carrier asked"), at(2)).unwrap();
        assert_eq!(why.reason.as_deref(), Some("carrier asked"));
        let cancelled = running.cancelled(at(4)).unwrap();
        assert_eq!((cancelled.state, cancelled.ended_at), (OperationState::Cancelled, Some(at(4))));
        assert_eq!(cancelled.cancelled(at(5)), Err(NotStarted::State(OperationState::Cancelled)));
    }

    #[test]
    fn pages_are_counted() {
        let running = planned(3).started(3, None, at(2)).unwrap();
        let page = running.after_page(&[Ok(()), Err("ended"), Err("ended")], Id::from_number(50), at(3));
        assert_eq!((page.looked_at, page.done, page.cursor), (3, 1, Some(50)));
        assert_eq!(page.left_alone, BTreeMap::from([("ended".to_owned(), 2)]));
        let (lease, other) = (Lease { owner: Owner(7), until: at(9) }, Some(Owner(8)));
        assert_eq!((page.leased(lease), planned(3).leased(lease)), (Some(lease), None));
        assert_eq!(page.clone().held(Some(Owner(7)), lease), Ok(page.clone()));
        for (operation, owner) in [(page.clone(), other), (page.clone(), None), (planned(3), Some(Owner(7)))]
        {
            assert_eq!(operation.held(owner, lease), Err(StoreError::LostLease));
        }
        let over = page.after_page(&[Ok(())], None, at(4));
        assert_eq!(over.leased(lease), None);
        assert_eq!(
            (over.state, over.looked_at, over.done, over.ended_at),
            (OperationState::Done, 4, 2, Some(at(4)))
        );
    }
}
