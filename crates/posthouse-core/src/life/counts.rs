//! How many messages stand where, kept in memory as it changes, so that nobody has to scan for it.
//!
//! A store tells of each change within the transaction that makes it, and whether that was committed. What was there before is counted once
//! beside it ([`StateCounts::begin_count`]), and again when somebody else may have changed it.

use std::{collections::HashMap, time::Duration};

use jiff::Timestamp;

use super::{
    effects::Effects,
    state::{State, Terminal},
};
use crate::{
    Id,
    distribution::Distribution,
    message::Reason,
    names::{AccountName, CarrierId},
};

/// How many messages of an account for a carrier stand where. What has ended is not counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueDepth {
    /// The carrier.
    pub carrier: CarrierId,
    /// The account that sent them.
    pub account: AccountName,
    /// Accepted: they wait for their next attempt.
    pub waiting: u64,
    /// An attempt is under way.
    pub sending: u64,
    /// Their attempt may have arrived; only a report or the time-out tells.
    pub parked: u64,
    /// The carrier has them; its terminal report is awaited.
    pub at_carrier: u64,
}

/// How often messages ended in one way since the store was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndCount {
    /// The carrier they went to.
    pub carrier: CarrierId,
    /// The account that sent them.
    pub account: AccountName,
    /// How they ended.
    pub terminal: Terminal,
    /// Why, where they were refused.
    pub reason: Option<Reason>,
    /// How many.
    pub messages: u64,
}

/// How long messages took that ended since the store was opened.
#[derive(Clone, Debug, PartialEq)]
pub struct EndTimes {
    /// The carrier they went to.
    pub carrier: CarrierId,
    /// From when they were accepted to their end, in seconds.
    pub end_to_end: Distribution,
    /// Of those that a report ended: from when they began to wait for the attempt that the carrier took, in seconds.
    pub report_delay: Distribution,
}

/// The ends of messages since the store was opened, by whatever they came: an answer, a report, a time-out, an operator.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ends {
    /// How many.
    pub counts: Vec<EndCount>,
    /// How long they took.
    pub times: Vec<EndTimes>,
}

/// Upper bounds of the buckets of times, in seconds: from an answer at once to a wait of three days.
const TIMES: [u64; 13] = [1, 2, 5, 10, 30, 60, 300, 1_800, 3_600, 21_600, 86_400, 172_800, 259_200];

/// How many stand where: waiting, being sent, parked, at the carrier.
type Standing = [i64; 4];

/// Where a message stands that has not ended.
const fn place(state: State) -> Option<usize> {
    match state {
        State::Accepted => Some(0),
        State::Sending => Some(1),
        State::Parked => Some(2),
        State::Forwarded | State::Deferred => Some(3),
        State::Ended(_) => None,
    }
}

/// How many messages stand where, by carrier and account, and how those ended that did meanwhile.
#[derive(Debug, Default)]
pub struct StateCounts {
    index: HashMap<CarrierId, HashMap<AccountName, usize>>,
    cells: Vec<CountCell>,
    /// What the transaction that is under way changes.
    pending: Vec<Moved>,
    /// Whether somebody counts at this moment.
    is_counting: bool,
    /// Whether what was there at the beginning is known.
    is_known: bool,
}

#[derive(Debug)]
struct CountCell {
    carrier: CarrierId,
    account: AccountName,
    standing: Standing,
    /// What changed since the count began that is under way.
    meanwhile: Standing,
    ended: HashMap<(Terminal, Option<Reason>), u64>,
    end_to_end: Times,
    report_delay: Times,
}

#[derive(Clone, Copy, Debug)]
struct Moved {
    cell: usize,
    from: Option<State>,
    /// `None`: it goes to another carrier, and is counted there.
    to: Option<State>,
    reason: Option<Reason>,
    took: Duration,
    reported: Option<Duration>,
}

#[derive(Clone, Debug, Default)]
struct Times {
    buckets: [u64; TIMES.len() + 1],
    sum: f64,
}

impl Times {
    fn observe(&mut self, took: Duration) {
        let bucket = TIMES.partition_point(|bound| Duration::from_secs(*bound) < took);
        if let Some(bucket) = self.buckets.get_mut(bucket) {
            *bucket += 1;
        }
        self.sum += took.as_secs_f64();
    }

    fn add(&mut self, other: &Self) {
        self.buckets.iter_mut().zip(&other.buckets).for_each(|(sum, more)| *sum += more);
        self.sum += other.sum;
    }

    fn distribution(&self) -> Distribution {
        let bounds = TIMES.iter().map(|bound| Duration::from_secs(*bound).as_secs_f64());
        let bounds = bounds.chain([f64::INFINITY]);
        Distribution { sum: self.sum, buckets: bounds.zip(self.buckets).collect() }
    }
}

impl StateCounts {
    /// A message is accepted, in the transaction that is under way.
    pub fn accepted(&mut self, carrier: &CarrierId, account: &AccountName) {
        let cell = self.cell(carrier, account);
        self.moved(cell, None, Some(State::FIRST));
    }

    /// It stands elsewhere, without having come nearer to its end.
    fn moved(&mut self, cell: usize, from: Option<State>, to: Option<State>) {
        self.pending.push(Moved { cell, from, to, reason: None, took: Duration::ZERO, reported: None });
    }

    /// This is written about a message, in the transaction that is under way.
    pub fn written(&mut self, effects: &Effects) {
        if let Some(carrier) = effects.message.carrier.as_ref().filter(|to| **to != effects.before.carrier) {
            let before = effects.before.state;
            let after = effects.message.state.map_or(before, |change| change.state);
            let (left, entered) =
                (self.cell(&effects.before.carrier, &effects.account), self.cell(carrier, &effects.account));
            self.moved(left, Some(before), None);
            self.moved(entered, None, Some(after));
            return;
        }
        let Some(change) = effects.message.state.filter(|change| change.state != effects.before.state) else {
            return;
        };
        let cell = self.cell(&effects.before.carrier, &effects.account);
        let from = effects.before.state;
        let is_reported = matches!(from, State::Forwarded | State::Deferred) && change.reason.is_none();
        self.pending.push(Moved {
            cell,
            from: Some(from),
            to: Some(change.state),
            reason: change.reason,
            took: between(Id::time(effects.id), change.at),
            reported: effects.before.since.filter(|_| is_reported).map(|since| between(since, change.at)),
        });
    }

    /// A place to go [back](Self::undo_to) to.
    pub fn mark(&self) -> usize {
        self.pending.len()
    }

    /// What was told of since the mark was not done after all; 0: nothing of the transaction was.
    pub fn undo_to(&mut self, mark: usize) {
        self.pending.truncate(mark);
    }

    /// The transaction was committed.
    pub fn commit(&mut self) {
        let is_counting = self.is_counting;
        for moved in self.pending.drain(..) {
            if let Some(cell) = self.cells.get_mut(moved.cell) {
                cell.apply(&moved, is_counting);
            }
        }
    }

    /// Somebody begins to count what stands where, as it is now that no transaction is under way.
    pub fn begin_count(&mut self) {
        self.is_counting = true;
        self.cells.iter_mut().for_each(|cell| cell.meanwhile = Standing::default());
    }

    /// What was counted, as it was at [`Self::begin_count`].
    pub fn counted(&mut self, counted: &[(CarrierId, AccountName, State, u64)]) {
        self.is_counting = false;
        self.is_known = true;
        self.cells.iter_mut().for_each(|cell| cell.standing = cell.meanwhile);
        for (carrier, account, state, messages) in counted {
            let cell = self.cell(carrier, account);
            let place = place(*state);
            if let Some(count) = self.cells.get_mut(cell).and_then(|cell| cell.standing.get_mut(place?)) {
                *count = count.saturating_add_unsigned(*messages);
            }
        }
    }

    /// How many stand where; `None` before the first count is done. Who has nothing anywhere is left out.
    pub fn depths(&self) -> Option<Vec<QueueDepth>> {
        let depths = self.cells.iter().filter(|cell| cell.standing != Standing::default());
        self.is_known.then(|| depths.map(CountCell::depth).collect())
    }

    /// How messages ended meanwhile.
    pub fn ends(&self) -> Ends {
        let mut times: HashMap<&CarrierId, (Times, Times)> = HashMap::new();
        let mut counts = Vec::new();
        for cell in &self.cells {
            let (end_to_end, report_delay) = times.entry(&cell.carrier).or_default();
            end_to_end.add(&cell.end_to_end);
            report_delay.add(&cell.report_delay);
            counts.extend(cell.ended.iter().map(|((terminal, reason), messages)| EndCount {
                carrier: cell.carrier.clone(),
                account: cell.account.clone(),
                terminal: *terminal,
                reason: *reason,
                messages: *messages,
            }));
        }
        let times = times.into_iter().map(|(carrier, (end_to_end, report_delay))| EndTimes {
            carrier: carrier.clone(),
            end_to_end: end_to_end.distribution(),
            report_delay: report_delay.distribution(),
        });
        Ends { counts, times: times.collect() }
    }

    fn cell(&mut self, carrier: &CarrierId, account: &AccountName) -> usize {
        if let Some(cell) = self.index.get(carrier).and_then(|accounts| accounts.get(account)) {
            return *cell;
        }
        let number = self.cells.len();
        self.cells.push(CountCell {
            carrier: carrier.clone(),
            account: account.clone(),
            standing: Standing::default(),
            meanwhile: Standing::default(),
            ended: HashMap::new(),
            end_to_end: Times::default(),
            report_delay: Times::default(),
        });
        self.index.entry(carrier.clone()).or_default().insert(account.clone(), number);
        number
    }
}

impl CountCell {
    fn apply(&mut self, moved: &Moved, is_counting: bool) {
        let mut add = |state: State, change: i64| {
            let Some(place) = place(state) else { return };
            for standing in [Some(&mut self.standing), is_counting.then_some(&mut self.meanwhile)] {
                if let Some(count) = standing.and_then(|standing| standing.get_mut(place)) {
                    *count += change;
                }
            }
        };
        if let Some(from) = moved.from {
            add(from, -1);
        }
        let Some(to) = moved.to else { return };
        add(to, 1);
        if let State::Ended(terminal) = to {
            *self.ended.entry((terminal, moved.reason)).or_default() += 1;
            self.end_to_end.observe(moved.took);
            if let Some(reported) = moved.reported {
                self.report_delay.observe(reported);
            }
        }
    }

    /// A count below nothing is one that somebody else changed meanwhile; the next count puts it right.
    fn depth(&self) -> QueueDepth {
        let [waiting, sending, parked, at_carrier] =
            self.standing.map(|count| u64::try_from(count).unwrap_or(0));
        let (carrier, account) = (self.carrier.clone(), self.account.clone());
        QueueDepth { carrier, account, waiting, sending, parked, at_carrier }
    }
}

fn between(since: Timestamp, until: Timestamp) -> Duration {
    Duration::try_from(until.duration_since(since)).unwrap_or(Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::life::{
        effects::{StateChange, StoodBefore},
        load::WorkKind,
        sample::{at, subject},
    };

    fn moved(from: State, to: State) -> Effects {
        let subject = subject(from, WorkKind::Send);
        let before = StoodBefore::of(&subject);
        let mut effects = Effects::none(subject.id, subject.account, before);
        effects.message.state = Some(StateChange { state: to, at: at(5000), reason: None });
        effects
    }

    fn standing(counts: &StateCounts) -> Option<Vec<(u64, u64, u64, u64)>> {
        let depths = counts.depths()?.into_iter();
        Some(depths.map(|depth| (depth.waiting, depth.sending, depth.parked, depth.at_carrier)).collect())
    }

    fn names() -> (CarrierId, AccountName) {
        let subject = subject(State::Accepted, WorkKind::Send);
        (subject.carrier, subject.account)
    }

    #[test]
    fn what_is_committed_counts_and_what_is_undone_does_not() {
        let (carrier, account) = names();
        let mut counts = StateCounts::default();
        counts.accepted(&carrier, &account);
        assert_eq!(standing(&counts), None, "what was there before is not known");
        counts.begin_count();
        counts.commit();
        counts.counted(&[(carrier.clone(), account.clone(), State::Parked, 3)]);
        assert_eq!(standing(&counts), Some(vec![(1, 0, 3, 0)]), "what came meanwhile is kept");
        counts.written(&moved(State::Accepted, State::Sending));
        let mark = counts.mark();
        counts.written(&moved(State::Parked, State::Forwarded));
        counts.undo_to(mark);
        counts.commit();
        assert_eq!(standing(&counts), Some(vec![(0, 1, 3, 0)]));
        counts.accepted(&carrier, &account);
        counts.undo_to(0);
        counts.commit();
        assert_eq!(standing(&counts), Some(vec![(0, 1, 3, 0)]));
    }

    #[test]
    fn a_count_puts_right_what_others_changed() {
        let (carrier, account) = names();
        let mut counts = StateCounts::default();
        counts.begin_count();
        counts.counted(&[(carrier.clone(), account.clone(), State::Accepted, 2)]);
        counts.begin_count();
        counts.written(&moved(State::Accepted, State::Ended(Terminal::Expired)));
        counts.commit();
        let found =
            [State::Deferred, State::Accepted].map(|state| (carrier.clone(), account.clone(), state, 5));
        counts.counted(&found);
        assert_eq!(standing(&counts), Some(vec![(4, 0, 0, 5)]), "one ended while they were counted");
    }

    #[test]
    fn ends_are_counted_with_their_times() {
        let mut counts = StateCounts::default();
        let end = State::Ended(Terminal::Retrieved);
        counts.written(&moved(State::Forwarded, end));
        counts.written(&moved(State::Sending, State::Sending));
        counts.written(&moved(State::Sending, State::Ended(Terminal::Rejected)));
        counts.commit();
        let Ends { counts: ended, times } = counts.ends();
        let mut ended: Vec<_> =
            ended.iter().map(|end| (end.terminal.status().as_str(), end.messages)).collect();
        ended.sort_unstable();
        assert_eq!(ended, [("Rejected", 1), ("Retrieved", 1)]);
        assert_eq!((times[0].end_to_end.count(), times[0].report_delay.count()), (2, 1));
    }
}
