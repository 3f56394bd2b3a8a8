//! The queue against a model that fits on two pages: any sequence of steps, by two owners and an operator, over restarts.

mod owed;

use mm7::{MmStatus, StatusCode};
use posthouse_core::{
    Id,
    address::Msisdn,
    life::intervention::{CallbackSays, FailedFilter, Intervention, LeftAlone, Ruling as Verdict, Standing},
    life::read_reply::ReadStatus,
    life::state::{State, Terminal},
    slots::Slots,
    store::{
        CallbackOutcome, FirstAttempt, Lease, NewMessage, Owner, Recorded, Settled, Settlement, Store,
        StoreError, Timer,
    },
};
use posthouse_store::{
    suite::Backend,
    suite::bed::{acme, at, carrier, message, operator, read_reply, report},
};
use proptest::{
    prelude::*,
    test_runner::{TestCaseError, TestCaseResult},
};

use crate::{pg_place::PgPlace, place::Place};

use self::owed::{Ledger, Says, Try};

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
    ReadReply { message: usize, status: ReadStatus },
    LeaseCallbacks { owner: usize },
    SettleCallback { callback: usize, owner: usize, end: Try },
    Intervene { message: usize, intervention: Intervention },
    Resend { message: usize },
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
    let read_status = proptest::sample::select(ReadStatus::ALL);
    let attempt = prop_oneof![2 => Just(Try::Delivered), 1 => Just(Try::Again), 2 => Just(Try::Failed)];
    let intervention = prop_oneof![
        Just(Intervention::Requeue { parked: false }),
        Just(Intervention::Requeue { parked: true }),
        Just(Intervention::Expire),
    ];
    prop_oneof![
        3 => proptest::option::of(owner.clone()).prop_map(|leased_to| Step::Accept { leased_to }),
        3 => (owner.clone(), any::<bool>()).prop_map(|(owner, came_back)| Step::LeaseSends { owner, came_back }),
        2 => owner.clone().prop_map(|owner| Step::LeaseTimers { owner }),
        4 => (message.clone(), owner.clone()).prop_map(|(message, owner)| Step::Begin { message, owner }),
        5 => (message.clone(), owner.clone(), end)
            .prop_map(|(message, owner, end)| Step::Settle { message, owner, end }),
        1 => (message.clone(), owner.clone()).prop_map(|(message, owner)| Step::Release { message, owner }),
        3 => (message.clone(), status).prop_map(|(message, status)| Step::Report { message, status }),
        2 => (message.clone(), read_status).prop_map(|(message, status)| Step::ReadReply { message, status }),
        3 => owner.clone().prop_map(|owner| Step::LeaseCallbacks { owner }),
        4 => (0_usize..8, owner, attempt)
            .prop_map(|(callback, owner, end)| Step::SettleCallback { callback, owner, end }),
        2 => (message.clone(), intervention)
            .prop_map(|(message, intervention)| Step::Intervene { message, intervention }),
        1 => message.prop_map(|message| Step::Resend { message }),
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
    /// Reports that came before it was known, and when.
    early: Vec<(MmStatus, i64)>,
    /// Read replies that came before it was known, and when; and those that were told.
    early_read: Vec<(ReadStatus, i64)>,
    read: Vec<ReadStatus>,
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

    /// What is owed for it.
    fn end(&mut self, terminal: Terminal) -> Option<Says> {
        self.state = State::Ended(terminal);
        self.work = None;
        Some(Says::Report(terminal.status()))
    }

    /// Applies a report; what is owed for it, if it changes anything.
    fn apply(&mut self, status: MmStatus) -> Option<Says> {
        self.known = true;
        match (self.state, Terminal::of(status)) {
            (State::Ended(_), _) => return None,
            (_, Some(terminal)) => return self.end(terminal),
            (State::Accepted, None) => {
                // It arrived: it waits till ExpiryDate, which is later than its patience.
                self.wait_for_reports(open_state(status), self.accepted_at + EXPIRY - PATIENCE);
            }
            (State::Parked | State::Forwarded, None) if status == MmStatus::Deferred => {
                self.state = State::Deferred;
            }
            (State::Parked, None) => self.state = State::Forwarded,
            _ => return None,
        }
        Some(Says::Report(status))
    }

    /// Applies what waited for the carrier's MessageID, or for the message to be parked or sent again; what is owed for it, since it came.
    fn apply_early(&mut self) -> Vec<(Says, i64)> {
        self.known |= self.state == State::Forwarded;
        let early = std::mem::take(&mut self.early);
        let mut owed = Vec::new();
        for (status, since) in early {
            owed.extend(self.apply(status).map(|says| (says, since)));
        }
        if self.known {
            for (status, since) in std::mem::take(&mut self.early_read) {
                owed.extend(self.read(status).map(|says| (says, since)));
            }
        }
        owed
    }

    /// A read reply; what is owed for it, unless the same was said before.
    fn read(&mut self, status: ReadStatus) -> Option<Says> {
        let is_new = !self.read.contains(&status);
        self.read.push(status);
        is_new.then_some(Says::ReadReply(status))
    }

    fn standing(&self, now: i64) -> Standing {
        let due = self.work.map_or(0, |work| work.due);
        Standing {
            state: self.state,
            in_hand: self.work.is_some_and(|work| work.owner.is_some() && work.due > now),
            due: at(due),
            expiry: at(self.accepted_at + EXPIRY),
        }
    }

    /// Due at once, whatever is known of the last attempt.
    fn requeue(&mut self, now: i64) {
        self.resent |= self.state == State::Parked;
        self.state = State::Accepted;
        let since = self.work.filter(|work| work.kind == Kind::Send).map_or(now, |work| work.since);
        self.work = Some(Work { kind: Kind::Send, due: now, owner: None, since });
    }
}

const fn open_state(status: MmStatus) -> State {
    match status {
        MmStatus::Deferred => State::Deferred,
        _ => State::Forwarded,
    }
}

struct Run {
    backend: Box<dyn Backend>,
    store: Box<dyn Store>,
    /// Whether a restart ends all leases: the store is for one gateway.
    is_for_one: bool,
    entries: Vec<Entry>,
    ledger: Ledger,
    now: i64,
}

impl Run {
    async fn new(backend: Box<dyn Backend>, is_for_one: bool) -> Self {
        let store = backend.open().await;
        Self { backend, store, is_for_one, entries: Vec::new(), ledger: Ledger::default(), now: 0 }
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
            Step::ReadReply { message, status } => self.read_reply(message, status).await?,
            Step::LeaseCallbacks { owner } => self.lease_callbacks(OWNERS[owner]).await?,
            Step::SettleCallback { callback, owner, end } => {
                self.settle_callback(callback, OWNERS[owner], end).await?;
            }
            Step::Intervene { message, intervention } => self.intervene(message, intervention).await?,
            Step::Resend { message } => self.resend(message).await?,
            Step::Wait => self.now += 1,
            Step::Restart => self.restart().await,
        }
        self.compare().await
    }

    /// Each message has a recipient of its own, so that reports find a parked one.
    async fn accept(&mut self, owner: Option<Owner>) {
        let mut new = NewMessage {
            first_attempt: owner.map_or(FirstAttempt::Due, |owner| FirstAttempt::Leased(self.lease(owner))),
            ..message(self.now)
        };
        let number = format!("1617{:07}", self.entries.len());
        new.submission.recipient = Msisdn::parse(&number, false).unwrap();
        let due = if owner.is_some() { self.now + LEASE } else { self.now };
        let work = Some(Work { kind: Kind::Send, due, owner, since: self.now });
        let id = new.id;
        self.store.accept(&new).await.unwrap();
        let state = State::Accepted;
        self.entries.push(Entry {
            id,
            state,
            attempts: 0,
            known: false,
            early: Vec::new(),
            early_read: Vec::new(),
            read: Vec::new(),
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
        let sends =
            self.store.lease_sends(&carrier(), lease, at(now), before, Slots::ALL, LIMIT).await.unwrap();
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
        let timers = self.store.lease_timers(self.lease(owner), at(now), Slots::ALL, LIMIT).await.unwrap();
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
            self.store.settle(entry.id, owner, settlement(entry.id, end, now), "said", at(now), None).await;
        let settled = settled.map(|settled| settled.answer);
        if entry.held_by(owner).is_none() {
            prop_assert_eq!(settled, Err(StoreError::LostLease));
            return Ok(());
        }
        let mut owed = Vec::new();
        let earlier_may_have_arrived = entry.state == State::Sending && entry.resent;
        if earlier_may_have_arrived && !entry.early.is_empty() && matches!(end, End::Refused | End::Expired) {
            // What came before the last word counts more.
            entry.state = State::Accepted;
            owed = entry.apply_early();
            return self.settled(index, settled, owed);
        }
        match end {
            End::Taken => {
                entry.wait_for_reports(State::Forwarded, now);
                owed.push((Says::Report(MmStatus::Forwarded), now));
                owed.extend(entry.apply_early());
            }
            End::Unknown => {
                entry.wait_for_reports(State::Parked, now);
                owed = entry.apply_early();
            }
            End::Again | End::Resend => {
                entry.resent |= end == End::Resend;
                entry.state = State::Accepted;
                entry.work = Some(Work { kind: Kind::Send, due: now + 4, owner: None, since: now });
                if entry.resent {
                    owed = entry.apply_early();
                }
            }
            End::Refused => owed.extend(entry.end(Terminal::Rejected).map(|says| (says, now))),
            End::Expired => owed.extend(entry.end(Terminal::Unreachable).map(|says| (says, now))),
            End::TimedOut => owed.extend(entry.end(Terminal::Indeterminate).map(|says| (says, now))),
        }
        self.settled(index, settled, owed)
    }

    fn settled(
        &mut self,
        index: usize,
        settled: Result<Settled, StoreError>,
        owed: Vec<(Says, i64)>,
    ) -> TestCaseResult {
        let Entry { id, state, .. } = self.entries[index];
        prop_assert_eq!(settled, Ok(Settled { state, owes_report: !owed.is_empty() }));
        owed.into_iter().for_each(|(says, since)| self.ledger.owe(id, says, since));
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
        let recorded = self.store.record_report(report, None).await.unwrap().answer;
        let may_be_meant = entry.state == State::Parked || (entry.state == State::Accepted && entry.resent);
        if !entry.known && !may_be_meant {
            entry.early.push((status, self.now));
            prop_assert_eq!(recorded, Recorded::Unmatched);
            return Ok(());
        }
        let id = entry.id;
        let applied = entry.apply(status);
        // Reports that came before it was parked or resent were applied then; read replies were not.
        let now = self.now;
        let owed = applied.map(|says| (says, now)).into_iter().chain(entry.apply_early());
        let owed: Vec<(Says, i64)> = owed.collect();
        let expected = match applied {
            Some(_) => Recorded::Applied(id, Settled { state: entry.state, owes_report: true }),
            None => Recorded::Late(id),
        };
        owed.into_iter().for_each(|(says, since)| self.ledger.owe(id, says, since));
        prop_assert_eq!(recorded, expected);
        Ok(())
    }

    async fn read_reply(&mut self, message: usize, status: ReadStatus) -> TestCaseResult {
        let Some(index) = self.index(message) else { return Ok(()) };
        let (now, entry) = (self.now, &mut self.entries[index]);
        let id = entry.id;
        let recorded = self
            .store
            .record_read_reply(read_reply(&format!("c-{id}"), status, now), None)
            .await
            .unwrap()
            .answer;
        if !entry.known {
            entry.early_read.push((status, now));
            prop_assert_eq!(recorded, Recorded::Unmatched);
            return Ok(());
        }
        let expected = match entry.read(status) {
            Some(says) => {
                self.ledger.owe(id, says, now);
                Recorded::Applied(id, Settled { state: entry.state, owes_report: true })
            }
            None => Recorded::Late(id),
        };
        prop_assert_eq!(recorded, expected);
        Ok(())
    }

    async fn lease_callbacks(&mut self, owner: Owner) -> TestCaseResult {
        let now = self.now;
        let callbacks = self.store.lease_callbacks(&acme(), self.lease(owner), at(now), LIMIT).await.unwrap();
        let leased = self.ledger.lease(owner, now, now + LEASE, LIMIT);
        let expected: Vec<_> = leased.iter().map(|index| &self.ledger.owed[*index]).collect();
        let shown = |message, says, attempts| format!("{message} {says:?} {attempts}");
        prop_assert_eq!(
            callbacks
                .iter()
                .map(|found| shown(found.message, Says::of(found), found.attempts))
                .collect::<Vec<_>>(),
            expected.iter().map(|owed| shown(owed.message, owed.says, owed.attempts)).collect::<Vec<_>>()
        );
        for (index, callback) in leased.into_iter().zip(callbacks) {
            let known = self.ledger.owed[index].id.replace(callback.id);
            prop_assert!(known.is_none_or(|known| known == callback.id));
        }
        Ok(())
    }

    /// Of those that were leased once.
    async fn settle_callback(&mut self, callback: usize, owner: Owner, end: Try) -> TestCaseResult {
        let now = self.now;
        let leased: Vec<usize> =
            (0..self.ledger.owed.len()).filter(|index| self.ledger.owed[*index].id.is_some()).collect();
        let Some(index) = leased.get(callback % leased.len().max(1)).copied() else { return Ok(()) };
        let (id, held) = (self.ledger.owed[index].id.unwrap(), self.ledger.owed[index].owner == Some(owner));
        let said = "said".to_owned();
        let outcome = match end {
            Try::Delivered => CallbackOutcome::Delivered,
            Try::Again => CallbackOutcome::Again { due: at(now + 4), said: said.into() },
            Try::Failed => CallbackOutcome::Failed { said: said.into() },
        };
        let settled = self.store.settle_callback(id, owner, outcome, at(now), None).await;
        if !held {
            prop_assert_eq!(settled, Err(StoreError::LostLease));
            return Ok(());
        }
        prop_assert!(settled.is_ok(), "{:?}", settled);
        self.ledger.settle(index, end, now, now + 4);
        Ok(())
    }

    async fn intervene(&mut self, message: usize, intervention: Intervention) -> TestCaseResult {
        let Some(index) = self.index(message) else { return Ok(()) };
        let (now, entry) = (self.now, &mut self.entries[index]);
        let id = entry.id;
        let unknown = Id::from_number(1).unwrap();
        let expected: Vec<Verdict> =
            vec![intervention.judge(&entry.standing(now), at(now)).map(drop), Err(LeftAlone::Unknown)];
        let ids = [id, unknown];
        let judged = self.store.judge(&ids, intervention, at(now)).await.unwrap();
        prop_assert_eq!(&judged, &expected, "looking");
        let done = self.store.intervene(&ids, intervention, &operator(), at(now)).await.unwrap();
        prop_assert_eq!(&done, &expected, "doing");
        match (expected[0], intervention) {
            (Err(_), _) => {}
            (Ok(()), Intervention::Requeue { .. } | Intervention::Reroute { .. }) => entry.requeue(now),
            (Ok(()), Intervention::Expire) => {
                let owed = entry.end(Terminal::Expired);
                owed.into_iter().for_each(|says| self.ledger.owe(id, says, now));
            }
        }
        Ok(())
    }

    /// `resend-reports` of one message.
    async fn resend(&mut self, message: usize) -> TestCaseResult {
        let Some(index) = self.index(message) else { return Ok(()) };
        let id = self.entries[index].id;
        let filter = FailedFilter { messages: vec![id], ..FailedFilter::default() };
        let failed = self.store.failed_callbacks(&filter, 100).await.unwrap();
        let shown = |says: Says, attempts, superseded| format!("{says:?} {attempts} {superseded}");
        let expected = self.ledger.owed.iter().filter(|owed| owed.message == id && owed.failed).rev();
        let expected: Vec<String> =
            expected.map(|owed| shown(owed.says, owed.attempts, self.ledger.is_superseded(owed))).collect();
        let found = failed.iter().map(|failed| {
            let says = match failed.says {
                CallbackSays::Report(status) => Says::Report(status),
                CallbackSays::ReadReply(status) => Says::ReadReply(status),
                CallbackSays::Mo => unreachable!("no message from a handset was accepted"),
            };
            shown(says, failed.attempts, failed.superseded)
        });
        prop_assert_eq!(found.collect::<Vec<_>>(), expected);
        let ids: Vec<Id> = failed.iter().map(|failed| failed.id).collect();
        let resent = self.store.resend(&ids, &operator(), at(self.now)).await.unwrap();
        let expected = self.ledger.resend(id, self.now);
        let expected: Vec<Id> = expected.into_iter().filter_map(|index| self.ledger.owed[index].id).collect();
        prop_assert_eq!(resent, expected);
        Ok(())
    }

    /// Everything that was leased is due, where nobody else may have it.
    async fn restart(&mut self) {
        self.store.close().await.unwrap();
        self.store = self.backend.open().await;
        if !self.is_for_one {
            return;
        }
        for work in self.entries.iter_mut().filter_map(|entry| entry.work.as_mut()) {
            if work.owner.take().is_some() {
                work.due = work.due.min(work.since);
            }
        }
        self.ledger.restart();
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
        let due = self.store.due(at(self.now), Slots::ALL).await.unwrap();
        prop_assert_eq!(!due.carriers.is_empty(), dues(false).any(|due| due <= self.now));
        prop_assert_eq!(due.timers, dues(true).any(|due| due <= self.now));
        let callbacks = || self.ledger.owed.iter().filter_map(|owed| owed.due);
        prop_assert_eq!(!due.accounts.is_empty(), callbacks().any(|due| due <= self.now));
        let all = dues(false).chain(dues(true)).chain(callbacks());
        prop_assert_eq!(due.next, all.filter(|due| *due > self.now).min().map(at));
        self.check_ledger()
    }

    /// What must hold of what is owed, however the model got there.
    fn check_ledger(&self) -> TestCaseResult {
        for entry in &self.entries {
            let of_this = || self.ledger.owed.iter().filter(|owed| owed.message == entry.id);
            let ends = |says: Says| matches!(says, Says::Report(status) if Terminal::of(status).is_some());
            let told =
                self.ledger.delivered.iter().filter(|(id, says)| *id == entry.id && ends(*says)).count();
            let owed = of_this().filter(|owed| ends(owed.says)).count();
            prop_assert_eq!(told + owed, usize::from(entry.state.is_terminal()), "one end is told, or owed");
            let on_their_way = of_this().filter(|owed| owed.due.is_some()).count();
            prop_assert!(on_their_way <= 1, "one at a time");
            let waiting = of_this().filter(|owed| !owed.failed).count();
            prop_assert_eq!(on_their_way, waiting.min(1), "the first is not held");
        }
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
        End::Refused => Settlement::Refused {
            terminal: Terminal::Rejected,
            reason: StatusCode::AddressError,
            details: None,
        },
        End::Expired => Settlement::Expired { unreached: true },
        End::TimedOut => Settlement::ReportTimeout,
    }
}

/// As many as `PROPTEST_CASES` says, or a few.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").map_or(32, |cases| cases.parse().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_queue_does_what_the_model_does(steps in proptest::collection::vec(step(), 1..80)) {
        run(Box::new(Place::new()), true, steps)?;
    }

    #[test]
    fn the_queue_on_postgres_does_what_the_model_does(steps in proptest::collection::vec(step(), 1..80)) {
        if let Some(place) = PgPlace::new(false) {
            run(Box::new(place), false, steps)?;
        }
    }

    #[test]
    fn the_queue_on_postgres_18_does_what_the_model_does(steps in proptest::collection::vec(step(), 1..80)) {
        if let Some(place) = PgPlace::on_18(false) {
            run(Box::new(place), false, steps)?;
        }
    }
}

fn run(backend: Box<dyn Backend>, is_for_one: bool, steps: Vec<Step>) -> Result<(), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut run = Run::new(backend, is_for_one).await;
        for step in steps {
            run.take(step).await?;
        }
        run.store.close().await.unwrap();
        Ok(())
    })
}
