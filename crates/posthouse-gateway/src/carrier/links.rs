//! A carrier's connections in use: which one a message goes over, and when.
//!
//! Those of the best priority share the messages by weight; the others stand by till none of those can be used. Whether a
//! connection can be is told by results: its breaker opens on failures, lets one message through now and then, and closes when
//! that is answered. How much a connection is given at a time is its [`Pace`].

use std::{
    sync::{
        Arc, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use posthouse_core::{
    Id, bounds,
    carrier::Connection,
    divisions::LimitClaim,
    life::classify::{NextAction, Said},
    lock::Mutex,
    overrides::OverridesInForce,
    pace::{Bounds, Flight, Heard, Pace, PacePart, PaceState, Turn},
    share::{Candidate, Share},
    shown::masked,
};
use tokio::{
    sync::{Mutex as Line, Notify},
    time::{Instant, timeout},
};

use super::connector::{AnyConnector, Connector};
use crate::{
    breaker::{Breaker, BreakerChange, BreakerPolicy},
    telemetry::ConnectionState,
};

/// Nobody was there. That costs a message nothing, and whether somebody is there again is found out without one
/// ([`Links::look`]); only if that never says so is one tried.
const UNREACHED: BreakerPolicy =
    BreakerPolicy { failures: 3, pause: Duration::from_secs(60), longest_pause: Duration::from_secs(60) };
/// How many messages in a row, with none served between, have to meet a refusal of our credentials before others are concerned:
/// one alone may be refused so for what it is.
pub(crate) const REFUSALS: usize = 5;
/// The carrier said that it cannot, or does not know us: trying costs an answer. As many failures as [`REFUSALS`].
const REFUSED: BreakerPolicy =
    BreakerPolicy { failures: 5, pause: Duration::from_secs(1), longest_pause: Duration::from_secs(8) };
/// No answer came: each try may cost a message that nobody knows the end of.
const SILENT: BreakerPolicy =
    BreakerPolicy { failures: 5, pause: Duration::from_secs(2), longest_pause: Duration::from_secs(60) };

/// How much is kept of what a failed attempt met, in characters.
const LONGEST_FAILURE: usize = 200;
/// How long a waiter sleeps before it checks by itself: every event wakes it except the passing of time.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long a message waits in hand at most for its turn by a connection's rate.
const RATE_AHEAD: Duration = Duration::from_secs(10);

/// How an attempt ended, as far as its connection is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkOutcome {
    /// With an answer about the message.
    Served,
    /// Nobody was there.
    Unreached,
    /// The carrier has too much to do, or is broken.
    Busy,
    /// The carrier refuses our credentials.
    NotLetIn,
    /// With an answer that says neither what of the message nor of the connection.
    Odd,
    /// Without an answer.
    Silent,
}

impl LinkOutcome {
    /// What was said, and what that means for the message.
    pub const fn of(said: Said, next: NextAction) -> Self {
        match (said, next) {
            (Said::Unreached, _) => Self::Unreached,
            (_, NextAction::Forwarded | NextAction::End(_)) => Self::Served,
            (_, NextAction::Elsewhere { alarm: true, .. }) => Self::NotLetIn,
            (_, NextAction::Elsewhere { .. }) => Self::Busy,
            (_, NextAction::ElsewhereOrEnd(_)) => Self::Odd,
            (_, NextAction::Unknown) => Self::Silent,
        }
    }

    const fn heard(self) -> Heard {
        match self {
            Self::Served => Heard::Answer,
            Self::Busy => Heard::Busy,
            Self::Silent => Heard::Silence,
            Self::Unreached | Self::NotLetIn | Self::Odd => Heard::Nothing,
        }
    }
}

/// What an attempt's end made of its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Noted {
    /// Whether it is used from now on, or is not any more.
    pub turn: BreakerChange,
    /// It serves again: what waits for the carrier may go at once.
    pub came_back: bool,
}

/// For how long at least nothing is said once it was said that a connection gives way.
const SAY_EVERY: Duration = Duration::from_secs(60);

/// What is worth a line in the log about how fast a connection is used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum PaceNews {
    /// It is used far less than is provisioned.
    GaveWay(PaceState),
    /// It is used as much as is provisioned again.
    Recovered,
}

/// What was said of a connection's pace.
#[derive(Clone, Copy, Debug, Default)]
struct ToldPace {
    gave_way: bool,
    at: Option<Instant>,
}

impl ToldPace {
    fn news(&mut self, state: PaceState, now: Instant) -> Option<PaceNews> {
        if self.gave_way {
            let has_recovered = state.slowed.is_none();
            self.gave_way = !has_recovered;
            return has_recovered.then_some(PaceNews::Recovered);
        }
        let is_due = self.at.is_none_or(|at| now.saturating_duration_since(at) >= SAY_EVERY);
        if !is_due || !state.is_throttled() {
            return None;
        }
        *self = Self { gave_way: true, at: Some(now) };
        Some(PaceNews::GaveWay(state))
    }
}

/// A connection with its health and its pace.
pub struct Link {
    connector: AnyConnector,
    breaker: Breaker,
    pace: Mutex<Pace>,
    told: Mutex<ToldPace>,
    /// What operators decided about it, and whether that is that it is suspended: each message asks.
    overrides: Mutex<OverridesInForce>,
    is_suspended: AtomicBool,
    /// The last attempt found nobody there.
    is_unreached: AtomicBool,
    /// What the attempt met since which it is not used; in the words of a log, and bounded.
    failure: Mutex<Option<String>>,
    /// The messages that met a refusal of our credentials since one was served, at most [`REFUSALS`].
    refused: Mutex<Vec<Id>>,
    /// Rung when a message may have its turn now.
    room: Arc<Notify>,
    /// A message waited for its turn since that was last asked.
    was_short: AtomicBool,
    /// What the metrics were last told: whether it is up, and its window.
    told_state: Mutex<Option<(bool, u32)>>,
}

impl Link {
    fn new(connection: &Connection, connector: AnyConnector, room: &Arc<Notify>) -> Self {
        let Connection { window, per_second, timeout, .. } = *connection;
        Self {
            connector,
            breaker: Breaker::new(REFUSED),
            pace: Mutex::new(Pace::new(Bounds { window, per_second, timeout })),
            told: Mutex::default(),
            overrides: Mutex::default(),
            is_suspended: AtomicBool::new(false),
            is_unreached: AtomicBool::new(false),
            failure: Mutex::default(),
            refused: Mutex::default(),
            room: Arc::clone(room),
            was_short: AtomicBool::new(false),
            told_state: Mutex::default(),
        }
    }

    /// What writes and reads.
    pub const fn connector(&self) -> &AnyConnector {
        &self.connector
    }

    /// What was provisioned.
    pub fn connection(&self) -> &Connection {
        self.connector.connection()
    }

    /// Whether it has another's name: it may be that one, provisioned otherwise.
    pub fn is_named_as(&self, other: &Self) -> bool {
        self.connection().name == other.connection().name
    }

    /// Whether it works, and is not only tried now and then.
    pub fn is_up(&self) -> bool {
        !self.breaker.is_open()
    }

    /// Why it is left alone: what the attempt met by which it became so, numbers masked. `None` while it serves.
    pub fn failure(&self) -> Option<String> {
        self.failure.lock().clone()
    }

    /// Keeps what an attempt met that made it left alone, and forgets it when it serves again.
    pub(crate) fn keep_failure(&self, turn: BreakerChange, words: &str) {
        match turn {
            BreakerChange::Opened => {
                *self.failure.lock() = Some(bounds::cut(&masked(words), LONGEST_FAILURE).to_owned());
            }
            BreakerChange::Closed => *self.failure.lock() = None,
            BreakerChange::Same => {}
        }
    }

    /// What operators decided about it.
    pub fn overrides(&self) -> OverridesInForce {
        self.overrides.lock().clone()
    }

    /// Goes by what operators decided from now on; what that was before.
    pub(super) fn override_with(&self, in_force: OverridesInForce) -> OverridesInForce {
        let (window, per_second) = in_force.bounds(self.connection());
        let timeout = self.connection().timeout;
        self.pace().set_bounds(Bounds { window, per_second, timeout });
        self.is_suspended.store(in_force.suspended.is_some(), Ordering::Relaxed);
        let is_same = *self.overrides.lock() == in_force;
        let before = std::mem::replace(&mut *self.overrides.lock(), in_force);
        if !is_same {
            self.room.notify_waiters();
        }
        before
    }

    /// Whether an operator wants nothing to go out over it.
    pub fn is_suspended(&self) -> bool {
        self.is_suspended.load(Ordering::Relaxed)
    }

    /// Whether messages go over it.
    fn is_used(&self) -> bool {
        self.is_up() && !self.is_suspended()
    }

    /// Whether a message may try it now.
    fn would_take(&self, allowed: Allowed, now: Instant) -> bool {
        !self.is_suspended() && (allowed == Allowed::All || self.breaker.would_admit(now))
    }

    /// Connects and hangs up: whether it can be reached. If so, what was left alone is tried.
    pub async fn probe(&self) -> bool {
        let is_reached = self.connector.probe().await;
        if is_reached {
            self.breaker.try_now(Instant::now());
            self.room.notify_waiters();
        }
        is_reached
    }

    /// Its state, for the metrics.
    pub(crate) fn state(&self) -> ConnectionState<'_> {
        let (name, is_up, window) = (&self.connection().name, self.is_up(), self.pace().window());
        ConnectionState { name, is_up, window }
    }

    /// Tells its state, where that is not what was told last.
    pub(crate) fn tell_state(&self, tell: impl FnOnce(ConnectionState<'_>)) {
        // Held while it is told, so that of two the later one is the last.
        let mut told = self.told_state.lock();
        let state = self.state();
        if told.replace((state.is_up, state.window)) != Some((state.is_up, state.window)) {
            tell(state);
        }
    }

    /// How fast it is used, and why not faster.
    pub fn pace_state(&self) -> PaceState {
        self.pace().state()
    }

    /// In a word, whether it serves.
    pub fn standing(&self, pace: &PaceState) -> &'static str {
        match (self.is_up(), pace.is_throttled()) {
            _ if self.is_suspended() => "suspended",
            (false, _) => "left_alone",
            (true, true) => "throttled",
            (true, false) => "serving",
        }
    }

    /// What is to be said about its pace, once.
    pub(crate) fn pace_news(&self) -> Option<PaceNews> {
        let state = self.pace_state();
        self.told.lock().news(state, Instant::now())
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock()
    }

    /// Whether nobody was there, so that it is worth finding out whether somebody is.
    fn is_gone(&self) -> bool {
        self.breaker.is_open() && !self.is_suspended() && self.is_unreached.load(Ordering::Relaxed)
    }

    /// What of it is this node's from now on. Returns whether that is something where it was nothing before, or the other way round.
    pub(crate) fn give(&self, part: PacePart) -> bool {
        let now = Instant::now().into_std();
        let before = {
            let mut pace = self.pace();
            let before = pace.part();
            pace.give(part);
            before
        };
        self.room.notify_waiters();
        before.is_none_or(|before| before.is_something(now)) != part.is_something(now)
    }

    /// Its window and its rate, as provisioned, or as operators decided, for all nodes together.
    pub(crate) fn bounds(&self) -> (u32, Option<u32>) {
        self.overrides.lock().bounds(self.connection())
    }

    /// Whether none of it is this node's.
    fn is_others(&self) -> bool {
        self.pace().part().is_some_and(|part| !part.is_something(Instant::now().into_std()))
    }

    /// What this node wants of its window, and of its rate where one is provisioned: what it used since this was last asked, or all, where
    /// a message had to wait.
    pub(crate) fn claims(&self) -> Vec<LimitClaim> {
        let usage = self.pace().usage();
        let was_short = self.was_short.swap(false, Ordering::Relaxed);
        let claim = |total: u32, used: u32, in_use: u32| {
            let wanted = if was_short { total } else { used.min(total) };
            LimitClaim { total: total.into(), wanted: wanted.into(), in_use: in_use.into() }
        };
        let (window, per_second) = self.bounds();
        let rate = per_second.map(|per_second| claim(per_second, usage.begun, 0));
        [Some(claim(window, usage.most, usage.in_flight)), rate].into_iter().flatten().collect()
    }

    /// How many messages it is worked on at a time: while some are under way, others are begun and settled.
    fn places(&self) -> usize {
        let pace = self.pace();
        let places = u64::from(pace.places(Instant::now().into_std())).saturating_mul(2);
        let places = pace.within(RATE_AHEAD).map_or(places, |ahead| places.min(ahead));
        // One waits in hand where there is room for none: so it is seen that something waits.
        let places = places.max(1);
        usize::try_from(places).unwrap_or(usize::MAX)
    }

    /// Whether it refuses our credentials: several messages in a row met that, with none served between.
    pub fn refuses_us(&self) -> bool {
        self.refused().len() >= REFUSALS
    }

    fn refused(&self) -> MutexGuard<'_, Vec<Id>> {
        self.refused.lock()
    }

    /// Our credentials were refused. A message that is tried again and again counts once, or it would stop all others.
    fn refuse(&self, message: Option<Id>, now: Instant) -> BreakerChange {
        let mut refused = self.refused();
        let is_known = message.is_some_and(|message| refused.contains(&message));
        if is_known && !self.breaker.is_open() {
            return BreakerChange::Same;
        }
        if !is_known && refused.len() < REFUSALS {
            refused.extend(message);
        }
        drop(refused);
        self.breaker.failed(REFUSED, now)
    }

    fn note(
        &self,
        ended: LinkOutcome,
        message: Option<Id>,
        retry_after: Option<Duration>,
        now: Instant,
    ) -> Noted {
        let was_unreached = self.is_unreached.swap(ended == LinkOutcome::Unreached, Ordering::Relaxed);
        let turn = match ended {
            LinkOutcome::Served => {
                self.refused().clear();
                self.breaker.served()
            }
            LinkOutcome::Odd => self.breaker.answered(),
            LinkOutcome::Busy => match retry_after.filter(|pause| !pause.is_zero()) {
                Some(pause) => self.breaker.hold(pause, now),
                None => self.breaker.failed(REFUSED, now),
            },
            LinkOutcome::NotLetIn => self.refuse(message, now),
            LinkOutcome::Unreached => self.breaker.failed(UNREACHED, now),
            LinkOutcome::Silent => self.breaker.failed(SILENT, now),
        };
        let came_back = matches!(ended, LinkOutcome::Served | LinkOutcome::Odd)
            && (was_unreached || turn == BreakerChange::Closed);
        Noted { turn, came_back }
    }
}

/// A message's turn on a connection. While it is held, its place in the window is taken.
pub struct Ticket {
    link: Arc<Link>,
    /// Since when it holds its place.
    flight: Flight,
    message: Option<Id>,
    heard: Heard,
}

impl Ticket {
    /// The connection.
    pub fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// The request for this message goes out now.
    pub fn begin(&mut self, message: Id) {
        self.flight.goes_out(Instant::now().into_std());
        self.message = Some(message);
    }

    /// The request ended.
    pub(crate) fn end(mut self, ended: LinkOutcome, retry_after: Option<Duration>) -> Noted {
        self.heard = ended.heard();
        self.link.note(ended, self.message, retry_after, Instant::now())
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.link.pace().end(self.flight, Instant::now().into_std(), self.heard);
        self.link.room.notify_waiters();
    }
}

/// Which connections may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// Those whose breaker lets a message through.
    Healthy,
    /// All but those that are suspended: a VASP that waits for the answer is told what the carrier says, not what we expect it to say.
    All,
}

enum Choice {
    Taken(Ticket),
    /// All that may be used have as much to do as they may; by the rate, one has room then.
    Wait(Instant),
    /// None may be used.
    None,
}

/// The connections of a carrier.
pub struct Links {
    links: Vec<Arc<Link>>,
    share: Mutex<Share>,
    /// Only the first waiter watches for room: turns stay in order, and a wake-up wakes one task, not thousands.
    line: Line<()>,
    /// The line of messages that come from another connection. They are few, and hold up none of the others.
    second_line: Line<()>,
    room: Arc<Notify>,
}

impl Links {
    /// The links of these connections. One whose provisioning did not change is kept, with its TCP connections and all that is
    /// known of it.
    pub fn new(
        connections: &[Connection],
        before: &[Arc<Link>],
        connector: impl Fn(&Connection) -> AnyConnector,
        room: Arc<Notify>,
    ) -> Self {
        let kept =
            |connection: &Connection| before.iter().find(|link| link.connection() == connection).cloned();
        let made = |connection: &Connection| Arc::new(Link::new(connection, connector(connection), &room));
        let links = connections.iter().map(|connection| kept(connection).unwrap_or_else(|| made(connection)));
        Self {
            links: links.collect(),
            share: Mutex::default(),
            line: Line::default(),
            second_line: Line::default(),
            room,
        }
    }

    /// Each of them, as provisioned.
    pub fn all(&self) -> &[Arc<Link>] {
        &self.links
    }

    /// Waits for a message's turn on one of the connections that it was not `tried` on. `None` when none of them may be used.
    pub async fn turn(&self, tried: &[Arc<Link>], allowed: Allowed) -> Option<Ticket> {
        let line = if tried.is_empty() { &self.line } else { &self.second_line };
        let _first = line.lock().await;
        loop {
            let room = self.room.notified();
            tokio::pin!(room);
            // From here on no ring is missed.
            room.as_mut().enable();
            let now = Instant::now();
            match self.choose(tried, allowed, now) {
                Choice::Taken(ticket) => return Some(ticket),
                Choice::None => return None,
                // Whether it was rung or time passed, look again.
                Choice::Wait(until) => drop(timeout(until - now, room).await),
            }
        }
    }

    fn choose(&self, tried: &[Arc<Link>], allowed: Allowed, now: Instant) -> Choice {
        // Held while looking and taking, so that two do not take the same room.
        let mut share = self.share.lock();
        let usable: Vec<(usize, &Arc<Link>)> = self
            .links
            .iter()
            .enumerate()
            .filter(|(_, link)| !tried.iter().any(|tried| Arc::ptr_eq(tried, link)))
            .filter(|(_, link)| link.would_take(allowed, now))
            .collect();
        let Some(best) = usable.iter().map(|(_, link)| link.connection().priority).min() else {
            return Choice::None;
        };
        let mut until = now + LOOK_EVERY;
        let best = usable.into_iter().filter(|(_, link)| link.connection().priority == best);
        let candidates: Vec<Candidate> = best
            .map(|(index, link)| {
                let turn = link.pace().turn(now.into_std());
                if turn != Turn::Now {
                    link.was_short.store(true, Ordering::Relaxed);
                }
                if let Turn::At(at) = turn {
                    until = until.min(at.into());
                }
                Candidate { index, weight: link.connection().weight, has_room: turn == Turn::Now }
            })
            .collect();
        let Some(link) = share.next(&candidates).and_then(|index| self.links.get(index)) else {
            return Choice::Wait(until.max(now + Duration::from_millis(1)));
        };
        // Where it is open, this message is the one that is let through.
        link.breaker.admits(now);
        let flight = link.pace().begin(now.into_std());
        Choice::Taken(Ticket { link: Arc::clone(link), flight, message: None, heard: Heard::Nothing })
    }

    /// How many messages there is work for at a time: none while no connection is used.
    pub fn places(&self) -> usize {
        let healthy = || self.links.iter().filter(|link| link.is_used());
        let best = healthy().map(|link| link.connection().priority).min();
        healthy()
            .filter(|link| Some(link.connection().priority) == best)
            .fold(0, |sum, link| sum.saturating_add(link.places()))
    }

    /// Whether none of the connections is used, but for a try now and then.
    pub fn are_down(&self) -> bool {
        !self.links.is_empty() && !self.links.iter().any(|link| link.is_used())
    }

    /// Whether nothing of any connection is this node's: other nodes have all.
    pub fn are_others(&self) -> bool {
        !self.links.is_empty() && self.links.iter().all(|link| link.is_others())
    }

    /// Whether none of the connections is used since nobody was there, at any of them, when they were last tried.
    pub fn is_nobody_there(&self) -> bool {
        !self.links.is_empty() && self.links.iter().all(|link| link.is_gone())
    }

    /// Whether any of the connections is not used.
    pub fn is_any_down(&self) -> bool {
        self.links.iter().any(|link| !link.is_used())
    }

    /// Whether it is time to try a connection with a message while all are down.
    pub fn is_try_due(&self) -> bool {
        let now = Instant::now();
        self.links.iter().any(|link| link.would_take(Allowed::Healthy, now))
    }

    /// Looks whether somebody is there again where nobody was. If so, the next message tries.
    pub async fn look(&self) {
        for link in self.links.iter().filter(|link| link.is_gone()) {
            link.probe().await;
        }
    }
}

#[cfg(test)]
mod tests;
