//! The queue against a model that fits on a page: any sequence of steps, by two owners, over restarts.

#![expect(clippy::unwrap_used, reason = "test code outside of test functions")]

mod common;

use mm7::{MmStatus, StatusCode};
use posthouse_core::{
    Id,
    address::Msisdn,
    state::{State, Terminal},
    store::{Lease, NewMessage, Owner, Recorded, Settled, Settlement, Store, StoreError, Timer},
};
use posthouse_store::{
    SqliteStore,
    suite::bed::{at, carrier, message, report},
};
use proptest::{
    prelude::*,
    test_runner::{TestCaseError, TestCaseResult},
};

use self::common::Place;

const OWNERS: [Owner; 2] = [Owner(1), Owner(2)];
/// How long leases last, and reports are waited for, in steps of time.
const LEASE: i64 = 3;
const PATIENCE: i64 = 6;
/// From acceptance to ExpiryDate.
const EXPIRY: i64 = 3 * 86_400;
/// So many at most are leased at once.
const LIMIT: usize = 3;

/// One step. Messages are meant by their number modulo how many there are.
#[derive(Clone, Debug)]
enum Step {
    Accept { leased_to: Option<usize> },
    LeaseSends { owner: usize, came_back: bool },
    LeaseTimers { owner: usize },
    Begin { message: usize, owner: usize },
    Settle { message: usize, owner: usize, end: End },
    Release { message: usize, owner: usize },
    Report { message: usize, status: MmStatus },
    Wait,
    Restart,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Taken,
    Unknown,
    Resend,
    Again,
    Refused,
    Expired,
    TimedOut,
}

fn step() -> impl Strategy<Value = Step> {
    let message = 0_usize..8;
    let owner = 0_usize..2;
    let end = prop_oneof![
        3 => Just(End::Taken),
        2 => Just(End::Unknown),
        2 => Just(End::Resend),
        2 => Just(End::Again),
        1 => Just(End::Refused),
        1 => Just(End::Expired),
        1 => Just(End::TimedOut),
    ];
    let status = prop_oneof![
        Just(MmStatus::Forwarded),
        Just(MmStatus::Deferred),
        Just(MmStatus::Retrieved),
        Just(MmStatus::Rejected),
    ];
    prop_oneof![
        3 => proptest::option::of(owner.clone()).prop_map(|leased_to| Step::Accept { leased_to }),
        3 => (owner.clone(), any::<bool>()).prop_map(|(owner, came_back)| Step::LeaseSends { owner, came_back }),
        2 => owner.clone().prop_map(|owner| Step::LeaseTimers { owner }),
        4 => (message.clone(), owner.clone()).prop_map(|(message, owner)| Step::Begin { message, owner }),
        5 => (message.clone(), owner.clone(), end)
            .prop_map(|(message, owner, end)| Step::Settle { message, owner, end }),
        1 => (message.clone(), owner).prop_map(|(message, owner)| Step::Release { message, owner }),
        3 => (message, status).prop_map(|(message, status)| Step::Report { message, status }),
        3 => Just(Step::Wait),
        1 => Just(Step::Restart),
    ]
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Send,
    Sending,
    Report,
}

#[derive(Clone, Copy, Debug)]
struct Work {
    kind: Kind,
    due: i64,
    owner: Option<Owner>,
    since: i64,
}

/// A message as the model has it.
#[derive(Clone, Debug)]
struct Entry {
    id: Id,
    state: State,
    attempts: u32,
    /// Whether the carrier's MessageID is known; it is `c-` and the id.
    known: bool,
    /// Reports that came before it was known.
    early: Vec<MmStatus>,
    /// Whether an attempt had no answer and it is sent again all the same.
    resent: bool,
    /// When it was accepted.
    accepted_at: i64,
    work: Option<Work>,
}

impl Entry {
    fn held_by(&self, owner: Owner) -> Option<Work> {
        self.work.filter(|work| work.owner == Some(owner))
    }

    fn wait_for_reports(&mut self, state: State, now: i64) {
        self.state = state;
        self.work = Some(Work { kind: Kind::Report, due: now + PATIENCE, owner: None, since: now });
    }

    fn end(&mut self, terminal: Terminal) {
        self.state = State::Ended(terminal);
        self.work = None;
    }

    /// Applies a report; whether it changes anything.
    fn apply(&mut self, status: MmStatus) -> bool {
        self.known = true;
        match (self.state, Terminal::of(status)) {
            (State::Ended(_), _) => false,
            (_, Some(terminal)) => {
                self.end(terminal);
                true
            }
            (State::Accepted, None) => {
                // It arrived: it waits till ExpiryDate, which is later than its patience.
                self.wait_for_reports(open_state(status), self.accepted_at + EXPIRY - PATIENCE);
                true
            }
            (State::Parked | State::Forwarded, None) if status == MmStatus::Deferred => {
                self.state = State::Deferred;
                true
            }
            (State::Parked, None) => {
                self.state = State::Forwarded;
                true
            }
            _ => false,
        }
    }
}

const fn open_state(status: MmStatus) -> State {
    match status {
        MmStatus::Deferred => State::Deferred,
        _ => State::Forwarded,
    }
}

struct Run {
    place: Place,
    store: SqliteStore,
    entries: Vec<Entry>,
    now: i64,
}

impl Run {
    async fn new() -> Self {
        let place = Place::new();
        let store = place.open_store().await;
        Self { place, store, entries: Vec::new(), now: 0 }
    }

    fn lease(&self, owner: Owner) -> Lease {
        Lease { owner, until: at(self.now + LEASE) }
    }

    fn index(&self, message: usize) -> Option<usize> {
        (!self.entries.is_empty()).then(|| message % self.entries.len())
    }

    async fn take(&mut self, step: Step) -> TestCaseResult {
        match step {
            Step::Accept { leased_to } => self.accept(leased_to.map(|owner| OWNERS[owner])).await,
            Step::LeaseSends { owner, came_back } => self.lease_sends(OWNERS[owner], came_back).await?,
            Step::LeaseTimers { owner } => self.lease_timers(OWNERS[owner]).await?,
            Step::Begin { message, owner } => self.begin(message, OWNERS[owner]).await?,
            Step::Settle { message, owner, end } => self.settle(message, OWNERS[owner], end).await?,
            Step::Release { message, owner } => self.release(message, OWNERS[owner]).await,
            Step::Report { message, status } => self.report(message, status).await?,
            Step::Wait => self.now += 1,
            Step::Restart => self.restart().await,
        }
        self.compare().await
    }

    /// Each message has a recipient of its own, so that reports find a parked one.
    async fn accept(&mut self, owner: Option<Owner>) {
        let mut new = NewMessage { lease: owner.map(|owner| self.lease(owner)), ..message(self.now) };
        let number = format!("1617{:07}", self.entries.len());
        new.submission.recipient = Msisdn::parse(&number, false).unwrap();
        let due = if owner.is_some() { self.now + LEASE } else { self.now };
        let work = Some(Work { kind: Kind::Send, due, owner, since: self.now });
        let id = new.id;
        self.store.accept(new).await.unwrap();
        let state = State::Accepted;
        self.entries.push(Entry {
            id,
            state,
            attempts: 0,
            known: false,
            early: Vec::new(),
            resent: false,
            accepted_at: self.now,
            work,
        });
    }

    /// Leases what the condition allows, by the key, in the model.
    fn model_lease(
        &mut self,
        owner: Owner,
        limit: usize,
        allowed: impl Fn(&Work) -> bool,
        key: impl Fn(&Work) -> i64,
    ) -> Vec<Id> {
        let mut found: Vec<usize> = (0..self.entries.len())
            .filter(|index| self.entries[*index].work.as_ref().is_some_and(&allowed))
            .collect();
        found.sort_by_key(|index| {
            let entry = &self.entries[*index];
            (entry.work.as_ref().map(&key), entry.id)
        });
        found.truncate(limit);
        let until = self.now + LEASE;
        for index in &found {
            if let Some(work) = &mut self.entries[*index].work {
                (work.owner, work.due) = (Some(owner), until);
            }
        }
        found.into_iter().map(|index| self.entries[index].id).collect()
    }

    async fn lease_sends(&mut self, owner: Owner, came_back: bool) -> TestCaseResult {
        let now = self.now;
        let before = came_back.then(|| at(now));
        let lease = self.lease(owner);
        let sends = self.store.lease_sends(&carrier(), lease, at(now), before, LIMIT).await.unwrap();
        let due = |work: &Work| work.kind == Kind::Send && work.due <= now;
        let mut expected = self.model_lease(owner, LIMIT, due, |work| work.due);
        if came_back {
            let left = LIMIT - expected.len();
            let waiting = |work: &Work| work.kind == Kind::Send && work.owner.is_none() && work.since < now;
            expected.extend(self.model_lease(owner, left, waiting, |work| work.since));
        }
        let ids: Vec<Id> = sends.iter().map(|send| send.id).collect();
        prop_assert_eq!(ids, expected);
        for send in sends {
            let entry = self.entries.iter().find(|entry| entry.id == send.id).unwrap();
            prop_assert_eq!((send.attempts, send.lease), (entry.attempts, lease));
        }
        Ok(())
    }

    async fn lease_timers(&mut self, owner: Owner) -> TestCaseResult {
        let now = self.now;
        let timers = self.store.lease_timers(self.lease(owner), at(now), LIMIT).await.unwrap();
        let due = |work: &Work| work.kind != Kind::Send && work.due <= now;
        let expected = self.model_lease(owner, LIMIT, due, |work| work.due);
        prop_assert_eq!(timers.iter().map(Timer::id).collect::<Vec<_>>(), expected);
        for timer in timers {
            let entry = self.entries.iter().find(|entry| entry.id == timer.id()).unwrap();
            let interrupted = matches!(timer, Timer::Interrupted(_));
            prop_assert_eq!(interrupted, entry.work.map(|work| work.kind) == Some(Kind::Sending));
        }
        Ok(())
    }

    async fn begin(&mut self, message: usize, owner: Owner) -> TestCaseResult {
        let Some(index) = self.index(message) else { return Ok(()) };
        let (now, until) = (self.now, self.now + LEASE);
        let entry = &mut self.entries[index];
        let begun = self.store.begin(entry.id, owner, "vzw-1", at(until), at(now)).await;
        match entry.held_by(owner) {
            Some(work) if work.kind != Kind::Report => {
                entry.state = State::Sending;
                entry.attempts += 1;
                entry.work = Some(Work { kind: Kind::Sending, due: until, ..work });
                prop_assert_eq!(begun, Ok(()));
            }
            _ => prop_assert_eq!(begun, Err(StoreError::LostLease)),
        }
        Ok(())
    }

    async fn settle(&mut self, message: usize, owner: Owner, end: End) -> TestCaseResult {
        let Some(index) = self.index(message) else { return Ok(()) };
        let now = self.now;
        let entry = &mut self.entries[index];
        let waits = entry.work.is_some_and(|work| work.kind == Kind::Report);
        // What the gateway does: a wait times out, an attempt does not.
        let end = if waits {
            End::TimedOut
        } else if let End::TimedOut = end {
            End::Taken
        } else {
            end
        };
        let settled =
            self.store.settle(entry.id, owner, settlement(entry.id, end, now), "said", at(now)).await;
        if entry.held_by(owner).is_none() {
            prop_assert_eq!(settled, Err(StoreError::LostLease));
            return Ok(());
        }
        match end {
            End::Taken => {
                entry.wait_for_reports(State::Forwarded, now);
                apply_early(entry);
            }
            End::Unknown => {
                entry.wait_for_reports(State::Parked, now);
                apply_early(entry);
            }
            End::Again | End::Resend => {
                entry.resent |= end == End::Resend;
                entry.state = State::Accepted;
                entry.work = Some(Work { kind: Kind::Send, due: now + 4, owner: None, since: now });
                if entry.resent {
                    apply_early(entry);
                }
            }
            End::Refused => entry.end(Terminal::Rejected),
            End::Expired => entry.end(Terminal::Unreachable),
            End::TimedOut => entry.end(Terminal::Indeterminate),
        }
        prop_assert_eq!(settled.map(|settled| settled.state), Ok(entry.state));
        Ok(())
    }

    async fn release(&mut self, message: usize, owner: Owner) {
        let Some(index) = self.index(message) else { return };
        let now = self.now;
        let entry = &mut self.entries[index];
        self.store.release(&[entry.id], owner, at(now)).await.unwrap();
        if let Some(work) = entry.held_by(owner).filter(|work| work.kind != Kind::Sending) {
            entry.work = Some(Work { due: now, owner: None, ..work });
        }
    }

    async fn report(&mut self, message: usize, status: MmStatus) -> TestCaseResult {
        let Some(index) = self.index(message) else { return Ok(()) };
        let entry = &mut self.entries[index];
        let mut report = report(&format!("c-{}", entry.id), status, self.now);
        report.recipient = Msisdn::parse(&format!("1617{index:07}"), false);
        let recorded = self.store.record_report(report).await.unwrap();
        let may_be_meant = entry.state == State::Parked || (entry.state == State::Accepted && entry.resent);
        if !entry.known && !may_be_meant {
            entry.early.push(status);
            prop_assert_eq!(recorded, Recorded::Unmatched);
            return Ok(());
        }
        let expected = if entry.apply(status) {
            Recorded::Applied(entry.id, Settled { state: entry.state, owes_report: true })
        } else {
            Recorded::Late(entry.id)
        };
        // Those that came before it was parked or resent were applied then.
        prop_assert_eq!(recorded, expected);
        Ok(())
    }

    /// Everything that was leased is due.
    async fn restart(&mut self) {
        self.store.close().await.unwrap();
        self.store = self.place.open_store().await;
        for work in self.entries.iter_mut().filter_map(|entry| entry.work.as_mut()) {
            if work.owner.take().is_some() {
                work.due = work.due.min(work.since);
            }
        }
    }

    async fn compare(&self) -> TestCaseResult {
        for entry in &self.entries {
            let found = self.store.message(entry.id).await.unwrap().unwrap();
            prop_assert_eq!((found.state, found.attempts), (entry.state, entry.attempts));
            let known = entry.known.then(|| format!("c-{}", entry.id));
            prop_assert_eq!(found.carrier_message_id, known);
        }
        let dues = |timers: bool| {
            let of_kind = move |work: &&Work| (work.kind != Kind::Send) == timers;
            self.entries.iter().filter_map(|entry| entry.work.as_ref()).filter(of_kind).map(|work| work.due)
        };
        let due = self.store.due(at(self.now)).await.unwrap();
        prop_assert_eq!(!due.carriers.is_empty(), dues(false).any(|due| due <= self.now));
        prop_assert_eq!(due.timers, dues(true).any(|due| due <= self.now));
        Ok(())
    }
}

fn settlement(id: Id, end: End, now: i64) -> Settlement {
    let report_until = at(now + PATIENCE);
    match end {
        End::Taken => Settlement::Taken { carrier_message_id: Some(format!("c-{id}")), report_until },
        End::Unknown => Settlement::Unknown { report_until },
        End::Resend => Settlement::Resend { due: at(now + 4), reason: StatusCode::Timeout, report_until },
        End::Again => {
            Settlement::Again { due: at(now + 4), unreached: false, reason: StatusCode::ServiceUnavailable }
        }
        End::Refused => {
            Settlement::Refused { terminal: Terminal::Rejected, reason: StatusCode::AddressError }
        }
        End::Expired => Settlement::Expired { unreached: true },
        End::TimedOut => Settlement::ReportTimeout,
    }
}

fn apply_early(entry: &mut Entry) {
    if entry.state == State::Forwarded {
        entry.known = true;
    }
    for status in std::mem::take(&mut entry.early) {
        entry.apply(status);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_queue_does_what_the_model_does(steps in proptest::collection::vec(step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let outcome: Result<(), TestCaseError> = runtime.block_on(async {
            let mut run = Run::new().await;
            for step in steps {
                run.take(step).await?;
            }
            run.store.close().await.unwrap();
            Ok(())
        });
        outcome?;
    }
}
