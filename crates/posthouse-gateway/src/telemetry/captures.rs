//! What goes over the wire for an account or a carrier, kept in memory for a while, because an operator asked for it. Neither keys nor content
//! are (`posthouse_core::capture`). While nobody asks, it costs one relaxed load for each exchange.

use std::{
    collections::VecDeque,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, StatusCode as HttpStatus};
use jiff::{SignedDuration, Timestamp};
use posthouse_core::{Id, account::AccountName, capture::exchange_text, carrier::CarrierId, lock::Mutex};
use tokio::time::Instant;

/// How many captures there may be at a time.
pub(crate) const MOST_CAPTURES: usize = 8;
/// How many characters all of them may have together.
const MOST_TEXT: usize = 64 << 20;
/// How long a capture is kept once it is over.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(1);

/// Whose exchanges are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CaptureOf {
    /// An account's.
    Account(AccountName),
    /// A carrier's.
    Carrier(CarrierId),
}

/// What is known of a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Capture {
    /// Its number.
    pub(crate) id: u64,
    /// Whose exchanges it keeps.
    pub(crate) of: CaptureOf,
    /// Who began it.
    pub(crate) by: String,
    /// When.
    pub(crate) begun_at: Timestamp,
    /// Till when.
    pub(crate) until: Timestamp,
    /// How many it may have.
    pub(crate) max: u16,
    /// How many were kept.
    pub(crate) kept: u64,
    /// How many were left out, for there was no room.
    pub(crate) left_out: u64,
}

impl Capture {
    /// Whether more comes in.
    pub(crate) fn is_running(&self, now: Timestamp) -> bool {
        now < self.until && self.kept < u64::from(self.max)
    }
}

/// A request and its answer, as they may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WireExchange {
    pub(crate) number: u64,
    pub(crate) at: Timestamp,
    pub(crate) took: Duration,
    pub(crate) leg: &'static str,
    pub(crate) peer: String,
    pub(crate) message_id: Option<Id>,
    pub(crate) request: String,
    pub(crate) answer: String,
}

#[derive(Debug)]
struct Held {
    capture: Capture,
    exchanges: VecDeque<WireExchange>,
}

#[derive(Debug, Default)]
struct All {
    held: Vec<Held>,
    made: u64,
    /// How many characters there are.
    text: usize,
}

/// All captures.
#[derive(Debug, Default)]
pub(crate) struct Captures {
    /// Whether one may be running.
    is_on: AtomicBool,
    all: Mutex<All>,
}

/// An exchange under way that is kept once it has ended.
#[derive(Debug)]
pub struct Tap<'a> {
    captures: &'a Captures,
    of: Vec<u64>,
    leg: &'static str,
    peer: String,
    message_id: Option<Id>,
    began: Instant,
    /// When it was asked for, by both clocks.
    asked: (Timestamp, Instant),
}

impl Captures {
    /// To be asked before an exchange, or once it is known whose it is: `None` where nobody wants it. `peer` is the address or connection.
    pub(crate) fn tap(
        &self,
        now: Timestamp,
        (account, carrier): (Option<&AccountName>, Option<&CarrierId>),
        leg: &'static str,
        peer: impl FnOnce() -> String,
        began: Instant,
    ) -> Option<Tap<'_>> {
        if !self.is_on.load(Ordering::Relaxed) {
            return None;
        }
        let all = self.all.lock();
        let running = || all.held.iter().map(|held| &held.capture).filter(|capture| capture.is_running(now));
        if running().next().is_none() {
            self.is_on.store(false, Ordering::Relaxed);
            return None;
        }
        let wants = |capture: &&Capture| match &capture.of {
            CaptureOf::Account(name) => account == Some(name),
            CaptureOf::Carrier(id) => carrier == Some(id),
        };
        let of: Vec<u64> = running().filter(wants).map(|capture| capture.id).collect();
        drop(all);
        let asked = (now, Instant::now());
        (!of.is_empty()).then(|| Tap {
            captures: self,
            of,
            leg,
            peer: peer(),
            message_id: None,
            began,
            asked,
        })
    }

    /// Begins one; `None`: there are too many.
    pub(crate) fn begin(&self, mut capture: Capture, now: Timestamp) -> Option<Capture> {
        let mut all = self.all.lock();
        all.forget_old(now);
        if all.held.len() >= MOST_CAPTURES {
            return None;
        }
        all.made += 1;
        capture.id = all.made;
        all.held.push(Held { capture: capture.clone(), exchanges: VecDeque::new() });
        self.is_on.store(true, Ordering::Relaxed);
        Some(capture)
    }

    /// Those that there are.
    pub(crate) fn list(&self, now: Timestamp) -> Vec<Capture> {
        let mut all = self.all.lock();
        all.forget_old(now);
        all.held.iter().map(|held| held.capture.clone()).collect()
    }

    /// One, and its exchanges behind a number, at most so many.
    pub(crate) fn exchanges(
        &self,
        id: u64,
        after: u64,
        limit: usize,
    ) -> Option<(Capture, Vec<WireExchange>)> {
        let all = self.all.lock();
        let held = all.held.iter().find(|held| held.capture.id == id)?;
        let behind = held.exchanges.iter().filter(|exchange| exchange.number > after);
        Some((held.capture.clone(), behind.take(limit).cloned().collect()))
    }

    /// What all of them have about a message, the oldest first, at most so many. What two of them have is told once.
    pub(crate) fn about(&self, message: Id, most: usize) -> Vec<(u64, WireExchange)> {
        let all = self.all.lock();
        let mut found: Vec<(u64, &WireExchange)> = all
            .held
            .iter()
            .flat_map(|held| held.exchanges.iter().map(move |exchange| (held.capture.id, exchange)))
            .filter(|(_, exchange)| exchange.message_id == Some(message))
            .collect();
        found.sort_by_key(|(_, exchange)| (exchange.at, exchange.leg));
        found.dedup_by_key(|(_, exchange)| (exchange.at, exchange.leg));
        found.into_iter().take(most).map(|(capture, exchange)| (capture, exchange.clone())).collect()
    }

    /// Ends one, and forgets what it has; whether there was one.
    pub(crate) fn remove(&self, id: u64) -> bool {
        let mut all = self.all.lock();
        let before = all.held.len();
        all.retain(|held| held.capture.id != id);
        before != all.held.len()
    }
}

impl All {
    fn retain(&mut self, keep: impl Fn(&Held) -> bool) {
        self.held.retain(keep);
        let length = |exchange: &WireExchange| exchange.request.len() + exchange.answer.len();
        self.text = self.held.iter().flat_map(|held| &held.exchanges).map(length).sum();
    }

    fn forget_old(&mut self, now: Timestamp) {
        let is_old =
            |held: &Held| held.capture.until.checked_add(KEPT_FOR).is_ok_and(|forgotten| forgotten <= now);
        if self.held.iter().any(is_old) {
            self.retain(|held| !is_old(held));
        }
    }
}

impl Tap<'_> {
    /// It is about this message.
    #[must_use]
    pub(crate) const fn about(mut self, message: Option<Id>) -> Self {
        self.message_id = message;
        self
    }

    /// It has ended.
    pub(crate) fn keep(self, request: String, answer: String) {
        let (asked_at, asked) = self.asked;
        let now = asked_at.checked_add(asked.elapsed()).unwrap_or(asked_at);
        let mut all = self.captures.all.lock();
        let (length, took) = (request.len() + answer.len(), self.began.elapsed());
        let mut added = 0;
        let has_room = all.text.saturating_add(length.saturating_mul(self.of.len())) <= MOST_TEXT;
        for held in all.held.iter_mut().filter(|held| self.of.contains(&held.capture.id)) {
            if !has_room || !held.capture.is_running(now) {
                held.capture.left_out += 1;
                continue;
            }
            held.capture.kept += 1;
            added += length;
            held.exchanges.push_back(WireExchange {
                number: held.capture.kept,
                at: now,
                took,
                leg: self.leg,
                peer: self.peer.clone(),
                message_id: self.message_id,
                request: request.clone(),
                answer: answer.clone(),
            });
        }
        all.text = all.text.saturating_add(added);
    }
}

/// An answer as it may be shown, `about` this message where that is known.
pub(crate) fn answer_text(
    status: HttpStatus,
    headers: &HeaderMap,
    body: &Bytes,
    about: Option<Id>,
) -> String {
    exchange_text(&format!("HTTP/1.1 {}", status.as_u16()), headers, body, about)
}

/// A request of ours as it may be shown, `about` this message where that is known: of its address there is the path alone.
pub(crate) fn request_text(path: &str, headers: &HeaderMap, chunks: &[Bytes], about: Option<Id>) -> String {
    exchange_text(&format!("POST {path} HTTP/1.1"), headers, &Bytes::from(chunks.concat()), about)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn capture(name: &str, max: u16) -> Capture {
        Capture {
            id: 0,
            of: CaptureOf::Account(AccountName(name.to_owned())),
            by: "ann".to_owned(),
            begun_at: at(0),
            until: at(100),
            max,
            kept: 0,
            left_out: 0,
        }
    }

    fn exchange(captures: &Captures, name: &str, now: i64) -> bool {
        let (name, nobody) = (AccountName(name.to_owned()), || "peer".to_owned());
        let tap = captures.tap(at(now), (Some(&name), None), "submit", nobody, Instant::now());
        let is_wanted = tap.is_some();
        if let Some(tap) = tap {
            tap.keep("request".to_owned(), "answer".to_owned());
        }
        is_wanted
    }

    #[tokio::test]
    async fn what_is_asked_for_is_kept_till_there_is_enough_or_the_time_is_over() {
        let captures = Captures::default();
        assert!(!exchange(&captures, "acme", 1), "nobody asked");
        let id = captures.begin(capture("acme", 2), at(0)).unwrap().id;
        assert!(!exchange(&captures, "beta", 1), "it is another account's");
        assert!(exchange(&captures, "acme", 1) && exchange(&captures, "acme", 2));
        assert!(!exchange(&captures, "acme", 3), "there are enough");
        let (known, kept) = captures.exchanges(id, 1, 10).unwrap();
        assert_eq!((known.kept, known.left_out, known.is_running(at(3))), (2, 0, false));
        assert_eq!(kept.iter().map(|one| one.number).collect::<Vec<_>>(), [2]);
        let other = captures.begin(capture("acme", 9), at(4)).unwrap().id;
        assert!(exchange(&captures, "acme", 99) && !exchange(&captures, "acme", 100), "its time is over");
        assert_eq!(captures.list(at(100)).len(), 2);
        assert!(captures.remove(id) && !captures.remove(id));
        assert_eq!(captures.list(at(100)).iter().map(|one| one.id).collect::<Vec<_>>(), [other]);
        assert_eq!(captures.list(at(100 + 3600)), [], "what is over for long is forgotten");
    }

    #[tokio::test]
    async fn what_two_have_about_a_message_is_told_once() {
        let captures = Captures::default();
        let first = captures.begin(capture("acme", 9), at(0)).unwrap().id;
        captures.begin(capture("acme", 9), at(0)).unwrap();
        let name = AccountName("acme".to_owned());
        let (message, other) = (Id::from_number(7).unwrap(), Id::from_number(8).unwrap());
        for (now, leg, about) in [(3, "callback", message), (1, "submit", message), (2, "submit", other)] {
            let tap = captures.tap(at(now), (Some(&name), None), leg, String::new, Instant::now()).unwrap();
            tap.about(Some(about)).keep("request".to_owned(), "answer".to_owned());
        }
        let told = |most| {
            let about = captures.about(message, most);
            about.into_iter().map(|(capture, one)| (capture, one.leg)).collect::<Vec<_>>()
        };
        assert_eq!(told(9), [(first, "submit"), (first, "callback")]);
        assert_eq!(told(1), [(first, "submit")]);
    }

    #[tokio::test]
    async fn captures_are_bounded() {
        let captures = Captures::default();
        for _ in 0..MOST_CAPTURES {
            assert!(captures.begin(capture("acme", 1000), at(0)).is_some());
        }
        assert!(captures.begin(capture("acme", 1000), at(0)).is_none());
        let name = AccountName("acme".to_owned());
        let tap = || captures.tap(at(1), (Some(&name), None), "submit", String::new, Instant::now());
        tap().unwrap().keep("x".repeat(MOST_TEXT / MOST_CAPTURES), String::new());
        tap().unwrap().keep("x".to_owned(), String::new());
        let first = captures.list(at(1)).remove(0);
        assert_eq!((first.kept, first.left_out), (1, 1));
        assert!(captures.remove(first.id));
        tap().unwrap().keep("x".to_owned(), String::new());
        assert_eq!(captures.list(at(1)).remove(0).kept, 2, "there is room again");
    }
}
