//! How fast a connection is used: within the window and the rate that are provisioned, and below them while the carrier has more to
//! do than it can. Down by halves, up again by a step for each answer: what congestion control does.
//!
//! The narrowed window counts what the carrier is at work on. A request that takes far longer than usual hangs there rather than
//! keeps it busy: it gives its place in the narrowed window to another, and keeps its place in the provisioned one, which is
//! never exceeded.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// What an answer's time is never called slow below.
const NEVER_SLOW: Duration = Duration::from_secs(1);
/// An answer is slow when it took so many times what is usual.
const SLOW_TIMES: u32 = 4;
/// How far a burst may run ahead of the rate.
const BURST: Duration = Duration::from_millis(100);
/// The narrowest window, in requests, where a wider one is provisioned: one that hangs must not be all.
const NARROWEST: u32 = 2;
/// The lowest rate, in requests a second.
const LOWEST: f64 = 1.0;
/// From this rate on, in requests a second, a connection without a provisioned one is not held to any.
const UNLIMITED_FROM: f64 = 40.0;
/// What the rate gains in a second while requests go out at it, in requests a second.
const GAIN: f64 = 2.0;

/// What is provisioned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Requests in flight, at least 1.
    pub window: u32,
    /// Requests a second; `None`: as many as the window lets through.
    pub per_second: Option<u32>,
    /// How long an answer may take.
    pub timeout: Duration,
}

/// What of the bounds is this node's, where several keep them together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacePart {
    /// Requests in flight; 0: none.
    pub window: u32,
    /// Requests a second; `None`: as many as the window lets through.
    pub per_second: Option<u32>,
    /// From then on it is nothing.
    pub until: Instant,
}

impl PacePart {
    /// Nothing at all.
    pub const fn nothing(now: Instant) -> Self {
        Self { window: 0, per_second: None, until: now }
    }

    /// Whether anything may go by it.
    pub fn is_something(&self, now: Instant) -> bool {
        self.window > 0 && self.per_second != Some(0) && now < self.until
    }
}

/// How a connection was used since that was last asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// The most requests in flight.
    pub most: u32,
    /// The requests that went out.
    pub begun: u32,
    /// The requests in flight now.
    pub in_flight: u32,
}

/// What a request came to, as far as the pace is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// An answer that says nothing about how much the carrier has to do.
    Answer,
    /// The carrier has too much to do: 4006, HTTP 429 or 5xx.
    Busy,
    /// No answer: in time, or at all.
    Silence,
    /// It was not sent.
    Nothing,
}

/// When the next request may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Now.
    Now,
    /// By the rate, not before this.
    At(Instant),
    /// Once another one has ended.
    AfterAnother,
}

/// A request that holds a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flight {
    number: u64,
    begun: Instant,
}

impl Flight {
    /// It goes out only now: what is measured begins.
    pub const fn goes_out(&mut self, now: Instant) {
        self.begun = now;
    }
}

/// Why a connection is used less than is provisioned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slowed {
    /// The carrier said that it has too much to do.
    Busy,
    /// Its answers take far longer than usual.
    Slow,
    /// Answers did not come.
    Silent,
}

impl Slowed {
    /// The word for it, in metrics, logs and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Slow => "slow",
            Self::Silent => "silent",
        }
    }
}

/// How fast a connection is used, and why not faster.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PaceState {
    /// How many requests hold a place.
    pub in_flight: u32,
    /// How many may be in flight now, and by provisioning.
    pub window: (u32, u32),
    /// The requests a second that are allowed now, and by provisioning; `None`: as many as the window lets through.
    pub per_second: (Option<f64>, Option<u32>),
    /// How long an answer takes, smoothed; `None` before the first.
    pub answer_time: Option<Duration>,
    /// How long an answer took before the pace gave way; `None` where it did not, or that was not known.
    pub usual_time: Option<Duration>,
    /// Why less than is provisioned is asked for.
    pub slowed: Option<Slowed>,
}

impl PaceState {
    /// Whether it is far below what is provisioned: a quarter of the window at most, or a lower rate.
    pub fn is_throttled(&self) -> bool {
        let (window, most) = self.window;
        let is_narrow = window.saturating_mul(4) <= most;
        let is_held = match self.per_second {
            (Some(rate), Some(most)) => rate < f64::from(most),
            (rate, None) => rate.is_some(),
            (None, Some(_)) => false,
        };
        self.slowed.is_some() && (is_narrow || is_held)
    }
}

/// The pace of a connection. It takes the time as an argument.
///
/// ```
/// use std::time::{Duration, Instant};
/// use posthouse_core::pace::{Bounds, Heard, Pace, Turn};
/// let now = Instant::now();
/// let mut pace = Pace::new(Bounds { window: 8, per_second: None, timeout: Duration::from_secs(10) });
/// let first = pace.begin(now);
/// for _ in 1..8 {
///     pace.begin(now);
/// }
/// assert_eq!(pace.turn(now), Turn::AfterAnother);
/// pace.end(first, now + Duration::from_millis(50), Heard::Busy);
/// assert_eq!(pace.window(), 4);
/// ```
#[derive(Clone, Debug)]
pub struct Pace {
    bounds: Bounds,
    /// `None`: all of the bounds.
    part: Option<PacePart>,
    usage: Usage,
    /// Those that hold a place, each with its number and since when, in the order in which they began.
    in_flight: VecDeque<(u64, Instant)>,
    /// The number of the next.
    next: u64,
    window: u32,
    /// Up to here the window grows by one for each answer, beyond it by one for each window of them: half of what it was when
    /// there began to be too much.
    threshold: u32,
    /// Whether it was lowered and nothing was answered since.
    is_falling: bool,
    /// How many answers came since the window last changed.
    answers: u32,
    /// The rate that the carrier's answers asked for, below the provisioned one.
    rate: Option<f64>,
    /// When the next request is due by the rate, had all come evenly.
    due: Option<Instant>,
    /// What was begun before says nothing new.
    lowered_at: Option<Instant>,
    /// How long an answer takes, smoothed.
    usual: Option<Duration>,
    /// Why it is below what is provisioned, and how long an answer took before it was.
    slowed: Option<(Slowed, Option<Duration>)>,
}

impl Pace {
    /// As fast as is provisioned.
    pub fn new(bounds: Bounds) -> Self {
        let bounds = Bounds { window: bounds.window.max(1), ..bounds };
        Self {
            bounds,
            part: None,
            usage: Usage::default(),
            in_flight: VecDeque::new(),
            next: 0,
            window: bounds.window,
            threshold: bounds.window,
            is_falling: false,
            answers: 0,
            rate: None,
            due: None,
            lowered_at: None,
            usual: None,
            slowed: None,
        }
    }

    /// Holds it to other bounds from now on. What the carrier's answers asked for stays, within them.
    pub fn set_bounds(&mut self, bounds: Bounds) {
        let bounds = Bounds { window: bounds.window.max(1), ..bounds };
        if bounds == self.bounds {
            return;
        }
        let is_slowed = self.slowed.is_some();
        self.bounds = bounds;
        self.window = if is_slowed { self.window.min(bounds.window) } else { bounds.window };
        self.threshold = if is_slowed { self.threshold.min(bounds.window) } else { bounds.window };
        self.rate = self.rate.filter(|rate| bounds.per_second.is_none_or(|most| *rate < f64::from(most)));
        self.due = None;
    }

    /// How fast it goes, and why not faster.
    pub fn state(&self) -> PaceState {
        PaceState {
            in_flight: count(self.in_flight.len()),
            window: (self.window, self.bounds.window),
            per_second: (self.per_second(), self.bounds.per_second),
            answer_time: self.usual,
            usual_time: self.slowed.and_then(|(_, before)| before),
            slowed: self.slowed.map(|(why, _)| why),
        }
    }

    /// How many requests may be in flight now.
    pub const fn window(&self) -> u32 {
        self.window
    }

    /// What of the bounds is this node's from now on. What is in flight beyond it ends by itself.
    pub const fn give(&mut self, part: PacePart) {
        self.part = Some(part);
    }

    /// What of the bounds is this node's; `None`: all.
    pub const fn part(&self) -> Option<PacePart> {
        self.part
    }

    /// How it was used since this was last asked.
    pub fn usage(&mut self) -> Usage {
        let in_flight = count(self.in_flight.len());
        let next = Usage { most: in_flight, begun: 0, in_flight };
        Usage { in_flight, ..std::mem::replace(&mut self.usage, next) }
    }

    /// The most requests that may be in flight, however fast the carrier is.
    fn most(&self, now: Instant) -> u32 {
        match self.part {
            None => self.bounds.window,
            Some(part) if part.is_something(now) => self.bounds.window.min(part.window),
            Some(_) => 0,
        }
    }

    /// How many requests there is room for, with those that are in flight.
    pub fn places(&self, now: Instant) -> u32 {
        self.window.saturating_add(self.overdue(now)).min(self.most(now))
    }

    /// How many that are in flight do not count any more: they take far longer than usual.
    pub fn overdue(&self, now: Instant) -> u32 {
        count(
            self.in_flight.partition_point(|(_, since)| self.is_slow(now.saturating_duration_since(*since))),
        )
    }

    /// The requests a second that are allowed now; `None`: as many as the window lets through.
    pub fn per_second(&self) -> Option<f64> {
        let part = self.part.and_then(|part| part.per_second);
        let provisioned =
            self.bounds.per_second.map_or(part, |most| Some(part.map_or(most, |part| part.min(most))));
        match (self.rate, provisioned.map(f64::from)) {
            (Some(rate), Some(most)) => Some(rate.min(most)),
            (rate, most) => rate.or(most),
        }
    }

    /// How many requests the rate allows within a time; `None`: as many as the window lets through.
    pub fn within(&self, time: Duration) -> Option<u64> {
        // Seconds times requests a second.
        self.per_second().map(|rate| time.mul_f64(rate).as_secs())
    }

    /// When the next request may go.
    pub fn turn(&self, now: Instant) -> Turn {
        let in_flight = count(self.in_flight.len());
        if in_flight >= self.most(now) || in_flight - self.overdue(now) >= self.window {
            return Turn::AfterAnother;
        }
        match (self.per_second(), self.due) {
            (Some(rate), Some(due)) => {
                let ahead = BURST.saturating_sub(interval(rate));
                if due <= now + ahead { Turn::Now } else { Turn::At(due.checked_sub(ahead).unwrap_or(due)) }
            }
            _ => Turn::Now,
        }
    }

    /// A request goes.
    pub fn begin(&mut self, now: Instant) -> Flight {
        let flight = Flight { number: self.next, begun: now };
        self.next += 1;
        self.in_flight.push_back((flight.number, now));
        self.usage.begun = self.usage.begun.saturating_add(1);
        self.usage.most = self.usage.most.max(count(self.in_flight.len()));
        self.due = self.per_second().map(|rate| self.due.map_or(now, |due| due.max(now)) + interval(rate));
        flight
    }

    /// A request has ended.
    pub fn end(&mut self, flight: Flight, now: Instant, heard: Heard) {
        let Flight { number, begun } = flight;
        if let Ok(place) = self.in_flight.binary_search_by_key(&number, |(number, _)| *number) {
            self.in_flight.remove(place);
        }
        let took = now.saturating_duration_since(begun);
        let before = self.usual;
        let is_slow = match heard {
            Heard::Answer => self.is_slow(took),
            Heard::Silence => true,
            Heard::Busy | Heard::Nothing => false,
        };
        // How long there was silence says what our own patience is.
        if heard == Heard::Answer {
            self.learn(took);
        }
        // What went out before the last change was made says nothing about it.
        let is_news = self.lowered_at.is_none_or(|at| begun > at);
        match heard {
            Heard::Nothing => {}
            Heard::Busy if is_news => self.lower(now, Slowed::Busy, before),
            Heard::Silence if is_news => self.lower(now, Slowed::Silent, before),
            _ if is_slow && is_news => self.lower(now, Slowed::Slow, before),
            Heard::Answer if !is_slow => self.raise(),
            _ => {}
        }
    }

    fn is_slow(&self, took: Duration) -> bool {
        let usual = self.usual.unwrap_or(NEVER_SLOW);
        took > (usual * SLOW_TIMES).max(NEVER_SLOW).min(self.bounds.timeout / 2)
    }

    fn learn(&mut self, took: Duration) {
        self.usual = Some(self.usual.map_or(took, |usual| usual * 7 / 8 + took / 8));
    }

    /// Half of the window; once that is at its narrowest and is too much, half of the rate.
    fn lower(&mut self, now: Instant, why: Slowed, usual: Option<Duration>) {
        self.lowered_at = Some(now);
        self.slowed = Some((why, self.slowed.map_or(usual, |(_, before)| before)));
        let is_busy = why == Slowed::Busy;
        let narrowest = self.bounds.window.min(NARROWEST);
        if is_busy && self.window <= narrowest {
            let usual = self.bounds.per_second.map_or(UNLIMITED_FROM, f64::from).min(UNLIMITED_FROM);
            self.rate = Some((self.rate.unwrap_or(usual) / 2.0).max(LOWEST).min(usual));
        }
        let half = (self.window / 2).max(narrowest);
        // All that is too much in a row is one trouble.
        if !self.is_falling {
            self.threshold = half;
        }
        (self.window, self.answers, self.is_falling) = (half, 0, true);
    }

    /// First the rate, then the window: by one request for each answer up to where it was half of what was too much, and from
    /// there on each time that a whole window of them was answered.
    fn raise(&mut self) {
        self.is_falling = false;
        let Some(rate) = self.rate else {
            self.answers += 1;
            if self.answers >= self.window || self.window < self.threshold {
                self.window = (self.window + 1).min(self.bounds.window);
                self.answers = 0;
            }
            if self.window == self.bounds.window {
                self.slowed = None;
            }
            return;
        };
        let raised = rate + GAIN / rate;
        let most = self.bounds.per_second.map_or(UNLIMITED_FROM, f64::from);
        self.rate = Some(raised).filter(|raised| *raised < most);
    }
}

/// So many; there are never more than the window has.
fn count(requests: usize) -> u32 {
    u32::try_from(requests).unwrap_or(u32::MAX)
}

fn interval(rate: f64) -> Duration {
    Duration::from_secs(1).div_f64(rate.max(f64::MIN_POSITIVE))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);
    const BOUNDS: Bounds = Bounds { window: 16, per_second: None, timeout: Duration::from_secs(10) };

    /// As many as may begin at once.
    fn fill(pace: &mut Pace, now: Instant) -> Vec<Flight> {
        let mut begun = Vec::new();
        while pace.turn(now) == Turn::Now && begun.len() < 1000 {
            begun.push(pace.begin(now));
        }
        begun
    }

    /// One request after the other, each answered after so long; the time afterwards.
    fn exchange(pace: &mut Pace, mut now: Instant, took: Duration, heard: Heard, times: u32) -> Instant {
        for _ in 0..times {
            if let Turn::At(at) = pace.turn(now) {
                now = at;
            }
            let flight = pace.begin(now);
            pace.end(flight, now + took, heard);
            now += took;
        }
        now
    }

    /// How many requests of 1 ms go out in a second, one after the other.
    fn in_a_second(pace: &mut Pace, start: Instant) -> u32 {
        let (mut now, mut count) = (start, 0);
        while now < start + 1000 * MS {
            match pace.turn(now) {
                Turn::At(at) => now = at,
                _ => {
                    let flight = pace.begin(now);
                    pace.end(flight, now + MS, Heard::Nothing);
                    (now, count) = (now + MS, count + 1);
                }
            }
        }
        count
    }

    #[test]
    fn no_more_are_in_flight_than_the_window_has() {
        let (mut pace, now) = (Pace::new(BOUNDS), Instant::now());
        let flights = fill(&mut pace, now);
        assert_eq!(flights.len(), 16);
        assert_eq!(pace.turn(now), Turn::AfterAnother);
        pace.end(flights[0], now + MS, Heard::Answer);
        assert_eq!(pace.turn(now), Turn::Now);
    }

    #[test]
    fn no_more_go_out_than_the_rate_allows() {
        let now = Instant::now();
        for rate in [1, 5, 10, 50, 500] {
            let mut pace = Pace::new(Bounds { per_second: Some(rate), ..BOUNDS });
            let first = in_a_second(&mut pace, now);
            assert!((rate..=rate + rate / 10 + 1).contains(&first), "{first} at {rate}");
            let second = in_a_second(&mut pace, now + 1000 * MS);
            assert!((rate.saturating_sub(1)..=rate + 1).contains(&second), "then {second} at {rate}");
        }
    }

    #[test]
    fn time_without_requests_is_not_saved_up() {
        let now = Instant::now();
        let mut pace = Pace::new(Bounds { per_second: Some(50), ..BOUNDS });
        let flights = fill(&mut pace, now);
        assert_eq!(flights.len(), 5);
        let later = now + 60_000 * MS;
        for flight in flights {
            pace.end(flight, later, Heard::Nothing);
        }
        assert_eq!(fill(&mut pace, later).len(), 5);
    }

    #[test]
    fn other_bounds_count_at_once_and_leave_what_was_asked_for() {
        let (mut pace, now) = (Pace::new(BOUNDS), Instant::now());
        let flights = fill(&mut pace, now);
        pace.set_bounds(Bounds { window: 2, per_second: Some(5), ..BOUNDS });
        assert_eq!((pace.window(), pace.per_second()), (2, Some(5.0)));
        assert_eq!(pace.turn(now), Turn::AfterAnother, "16 are under way");
        for flight in flights {
            pace.end(flight, now + MS, Heard::Nothing);
        }
        assert_eq!(in_a_second(&mut pace, now), 5);
        pace.set_bounds(BOUNDS);
        assert_eq!((pace.window(), pace.per_second()), (16, None));
        let later = exchange(&mut pace, now + 2000 * MS, MS, Heard::Busy, 1);
        assert_eq!(pace.window(), 8);
        pace.set_bounds(Bounds { window: 12, ..BOUNDS });
        assert_eq!(pace.window(), 8, "the carrier asked for it");
        pace.set_bounds(Bounds { window: 4, ..BOUNDS });
        pace.set_bounds(BOUNDS);
        assert_eq!(pace.window(), 4, "it grows with answers");
        exchange(&mut pace, later, MS, Heard::Answer, 1000);
        assert_eq!(pace.window(), 16);
    }

    #[test]
    fn busy_halves_the_window_once_for_all_that_was_under_way() {
        let (mut pace, now) = (Pace::new(BOUNDS), Instant::now());
        for flight in fill(&mut pace, now) {
            pace.end(flight, now + 50 * MS, Heard::Busy);
        }
        assert_eq!(pace.window(), 8);
        let now = now + 60 * MS;
        let flights = fill(&mut pace, now);
        assert_eq!(flights.len(), 8);
        pace.end(flights[0], now + 50 * MS, Heard::Busy);
        assert_eq!(pace.window(), 4);
    }

    #[test]
    fn on_a_quiet_connection_it_is_the_window_that_is_halved_and_not_the_one_request() {
        for heard in [Heard::Busy, Heard::Silence] {
            let (mut pace, now) = (Pace::new(BOUNDS), Instant::now());
            exchange(&mut pace, now, 5001 * MS, heard, 1);
            assert_eq!((pace.window(), pace.per_second()), (8, None), "{heard:?}");
        }
        let (mut pace, now) = (Pace::new(BOUNDS), Instant::now());
        exchange(&mut pace, now, MS, Heard::Silence, 1);
        assert_eq!(pace.window(), 8, "a hang-up at once counts too");
    }

    #[test]
    fn it_is_never_narrower_than_two_where_two_are_provisioned() {
        for (window, narrowest) in [(1, 1), (2, 2), (3, 2), (16, 2)] {
            let (mut pace, now) = (Pace::new(Bounds { window, ..BOUNDS }), Instant::now());
            exchange(&mut pace, now, MS, Heard::Silence, 20);
            assert_eq!(pace.window(), narrowest);
            exchange(&mut pace, now + 60_000 * MS, MS, Heard::Busy, 20);
            assert_eq!(pace.window(), narrowest);
        }
    }

    #[test]
    fn it_grows_by_one_for_each_window_of_answers_and_never_beyond() {
        let (mut pace, now) = (Pace::new(BOUNDS), Instant::now());
        let now = exchange(&mut pace, now, MS, Heard::Busy, 1) + MS;
        assert_eq!(pace.window(), 8);
        let now = exchange(&mut pace, now, MS, Heard::Answer, 7);
        assert_eq!(pace.window(), 8, "slowly");
        let now = exchange(&mut pace, now, MS, Heard::Answer, 1);
        assert_eq!(pace.window(), 9);
        let now = exchange(&mut pace, now, MS, Heard::Answer, 9);
        assert_eq!(pace.window(), 10);
        exchange(&mut pace, now, MS, Heard::Answer, 1000);
        assert_eq!(pace.window(), 16);
    }

    #[test]
    fn what_was_too_much_in_a_row_is_half_made_good_as_fast_as_answers_come() {
        let (mut pace, now) = (Pace::new(BOUNDS), Instant::now());
        let now = exchange(&mut pace, now, MS, Heard::Silence, 1) + MS;
        let now = exchange(&mut pace, now, MS, Heard::Silence, 1) + MS;
        let now = exchange(&mut pace, now, MS, Heard::Silence, 1) + MS;
        assert_eq!(pace.window(), 2);
        let now = exchange(&mut pace, now, MS, Heard::Answer, 6);
        assert_eq!(pace.window(), 8);
        let now = exchange(&mut pace, now, MS, Heard::Answer, 7) + MS;
        assert_eq!(pace.window(), 8);
        // Too much again, after answers: from half of that on, slowly.
        let now = exchange(&mut pace, now, MS, Heard::Busy, 1) + MS;
        exchange(&mut pace, now, MS, Heard::Answer, 3);
        assert_eq!(pace.window(), 4);
    }

    #[test]
    fn a_request_that_hangs_holds_no_place_in_a_narrowed_window_and_one_in_the_provisioned() {
        let bounds = Bounds { window: 4, ..BOUNDS };
        let (mut pace, now) = (Pace::new(bounds), Instant::now());
        let now = exchange(&mut pace, now, 50 * MS, Heard::Answer, 20);
        let now = exchange(&mut pace, now, 50 * MS, Heard::Busy, 1) + MS;
        assert_eq!(pace.window(), 2);
        let hung = fill(&mut pace, now);
        assert_eq!(hung.len(), 2);
        assert_eq!(pace.turn(now + 1000 * MS), Turn::AfterAnother, "a second is not long yet");
        let now = now + 1001 * MS;
        assert_eq!((pace.overdue(now), pace.places(now)), (2, 4));
        assert_eq!(fill(&mut pace, now).len(), 2);
        let now = now + 5000 * MS;
        assert_eq!(
            (pace.overdue(now), pace.turn(now)),
            (4, Turn::AfterAnother),
            "never more than are provisioned"
        );
        pace.end(hung[1], now, Heard::Silence);
        assert_eq!((pace.overdue(now), fill(&mut pace, now).len()), (3, 1));
        pace.end(hung[0], now, Heard::Answer);
        assert_eq!(pace.overdue(now), 2);
    }

    #[test]
    fn one_at_a_time_and_still_busy_halves_the_rate() {
        let bounds = Bounds { per_second: Some(30), window: 2, ..BOUNDS };
        let (mut pace, now) = (Pace::new(bounds), Instant::now());
        let now = exchange(&mut pace, now, MS, Heard::Busy, 1) + MS;
        assert_eq!((pace.window(), pace.per_second()), (2, Some(15.0)));
        let now = exchange(&mut pace, now, MS, Heard::Busy, 1) + MS;
        assert_eq!(pace.per_second(), Some(7.5));
        let now = exchange(&mut pace, now, MS, Heard::Busy, 20) + MS;
        assert_eq!(pace.per_second(), Some(1.0), "never nothing");
        let begun = now;
        let now = exchange(&mut pace, now, MS, Heard::Answer, 100);
        let rate = pace.per_second().unwrap();
        let gained = 1.0 + GAIN * (now - begun).as_secs_f64();
        assert!((rate - gained).abs() < gained / 4.0, "{rate} after {:?}", now - begun);
        let now = exchange(&mut pace, now, MS, Heard::Answer, 1000);
        assert_eq!(pace.per_second(), Some(30.0), "never more than provisioned");
        exchange(&mut pace, now, MS, Heard::Answer, 1000);
        assert_eq!((pace.window(), pace.per_second()), (2, Some(30.0)));
    }

    #[test]
    fn a_connection_without_a_rate_gets_one_while_the_carrier_is_busy() {
        let (mut pace, now) = (Pace::new(BOUNDS), Instant::now());
        let busy = |pace: &mut Pace, now| exchange(pace, now, MS, Heard::Busy, 1) + MS;
        let now = busy(&mut pace, now);
        let now = busy(&mut pace, now);
        let now = busy(&mut pace, now);
        assert_eq!((pace.window(), pace.per_second()), (2, None));
        let now = busy(&mut pace, now);
        let now = busy(&mut pace, now);
        assert!(pace.per_second().is_some_and(|rate| rate < 20.0), "{:?}", pace.per_second());
        exchange(&mut pace, now, MS, Heard::Answer, 1000);
        assert_eq!(pace.per_second(), None);
    }

    #[test]
    fn answers_that_take_longer_than_usual_narrow_the_window() {
        let (mut pace, now) = (Pace::new(BOUNDS), Instant::now());
        let now = exchange(&mut pace, now, 400 * MS, Heard::Answer, 20);
        assert_eq!(pace.window(), 16);
        let now = exchange(&mut pace, now, 1500 * MS, Heard::Answer, 1);
        assert_eq!(pace.window(), 16, "that happens");
        let flights = fill(&mut pace, now);
        pace.end(flights[0], now + 4000 * MS, Heard::Answer);
        assert_eq!(pace.window(), 8);
        pace.end(flights[1], now + 10_000 * MS, Heard::Silence);
        assert_eq!(pace.window(), 8, "was under way before");
        let now = now + 11_000 * MS;
        let flight = pace.begin(now);
        pace.end(flight, now + 10_000 * MS, Heard::Silence);
        assert_eq!((pace.window(), pace.per_second()), (4, None));
    }

    #[test]
    fn what_made_it_give_way_is_told_till_it_has_recovered() {
        let (mut pace, now) = (Pace::new(BOUNDS), Instant::now());
        let now = exchange(&mut pace, now, 200 * MS, Heard::Answer, 50);
        assert_eq!((pace.state().slowed, pace.state().is_throttled()), (None, false));
        let mut now = exchange(&mut pace, now, 400 * MS, Heard::Busy, 1) + MS;
        assert_eq!((pace.state().window, pace.state().is_throttled()), ((8, 16), false));
        now = exchange(&mut pace, now, 400 * MS, Heard::Busy, 1) + MS;
        let state = pace.state();
        assert_eq!((state.window, state.slowed, state.is_throttled()), ((4, 16), Some(Slowed::Busy), true));
        assert!(state.usual_time.is_some_and(|usual| usual.abs_diff(200 * MS) < MS), "{state:?}");
        now = exchange(&mut pace, now, 300 * MS, Heard::Answer, 3);
        assert_eq!(pace.state().slowed, Some(Slowed::Busy), "it has not recovered yet");
        exchange(&mut pace, now, 200 * MS, Heard::Answer, 1000);
        assert_eq!((pace.state().slowed, pace.state().usual_time, pace.window()), (None, None, 16));
    }

    #[test]
    fn what_is_always_slow_is_usual() {
        let (mut pace, now) = (Pace::new(BOUNDS), Instant::now());
        exchange(&mut pace, now, 4000 * MS, Heard::Answer, 200);
        assert_eq!(pace.window(), 16);
    }
}
