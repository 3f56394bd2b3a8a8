//! How many callbacks of each account may be under way from this node. Where several nodes share a store, `callbacks.window` holds for all of
//! them together: each has a part, which it asks for while it has something to deliver (`divided.rs`). A node that has no part while others
//! have all leaves callbacks in the store, where those find them.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use posthouse_core::{account::AccountName, divisions::LimitClaim, lock::Mutex};
use tokio::{
    sync::{Mutex as Line, Notify},
    time::Instant,
};

/// A node asks for its part so long after it last delivered something: a part that another gives up is free some seconds later only.
const ASKED_FOR: Duration = Duration::from_secs(60);
/// So many windows are asked for at most. Callbacks of other accounts are delivered by the node that has their slot.
const MOST_ASKED: usize = 1000;

/// What of an account's window is this node's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WindowPart {
    /// So many callbacks may be under way from here.
    pub(crate) places: u32,
    /// Till then; from then on none.
    pub(crate) until: Instant,
    /// Other nodes have something of it.
    pub(crate) is_others_too: bool,
    /// The account's slot is this node's.
    pub(crate) is_in_slots: bool,
}

/// All windows.
pub struct CallbackWindows {
    /// Whether this node has a part of each only.
    is_divided: bool,
    windows: Mutex<BTreeMap<AccountName, Arc<CallbackWindow>>>,
    /// Rung when this node has less of a window than it wants.
    short: Arc<Notify>,
}

/// An account's window.
pub(super) struct CallbackWindow {
    is_divided: bool,
    state: Mutex<WindowState>,
    /// Callbacks have their turns in the order in which they asked.
    line: Line<()>,
    /// Rung when there may be room.
    room: Notify,
    short: Arc<Notify>,
}

struct WindowState {
    /// As provisioned, for all nodes together.
    total: u32,
    part: Option<WindowPart>,
    in_flight: u32,
    /// The most that were under way since that was last asked, and whether one had to wait because this node had too little.
    most: u32,
    is_short: bool,
    asked_until: Instant,
    /// It is wanted, and not asked for: too many are.
    is_left_to_slots: bool,
}

/// Whether a callback may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WindowRoom {
    Now,
    Later,
    AtOthers,
}

impl CallbackWindows {
    /// None yet. `is_divided`: this node has a part of each only, and is told which.
    pub fn new(is_divided: bool) -> Self {
        Self { is_divided, windows: Mutex::default(), short: Arc::default() }
    }

    /// An account's.
    pub(super) fn of(&self, account: &AccountName) -> Arc<CallbackWindow> {
        let mut windows = self.windows.lock();
        let new = || Arc::new(CallbackWindow::new(self.is_divided, &self.short));
        Arc::clone(windows.entry(account.clone()).or_insert_with(new))
    }

    /// Waits till this node has less of some window than it wants.
    pub(crate) async fn runs_short(&self) {
        self.short.notified().await;
    }

    /// What this node wants of each that it used lately; asked about once a second.
    pub(crate) fn claims(&self) -> BTreeMap<AccountName, LimitClaim> {
        let now = Instant::now();
        let mut claims = BTreeMap::new();
        for (account, window) in &*self.windows.lock() {
            let mut state = window.state.lock();
            let Some(claim) = state.claim(now) else { continue };
            state.is_left_to_slots = claims.len() == MOST_ASKED;
            if !state.is_left_to_slots {
                claims.insert(account.clone(), claim);
            }
        }
        claims
    }

    /// The accounts of all windows.
    pub(crate) fn accounts(&self) -> Vec<AccountName> {
        self.windows.lock().keys().cloned().collect()
    }

    /// What of an account's is this node's from now on. Returns whether that is something where it was nothing before.
    pub(crate) fn give(&self, account: &AccountName, part: WindowPart) -> bool {
        let window = self.windows.lock().get(account).cloned();
        window.is_some_and(|window| window.give(part))
    }
}

impl WindowState {
    fn places(&self, now: Instant) -> u32 {
        let Some(part) = self.part.filter(|part| now < part.until) else { return 0 };
        if self.is_left_to_slots && !part.is_others_too && part.is_in_slots {
            return self.total;
        }
        part.places
    }

    /// Whether other nodes deliver what is owed, and this one has no part in it.
    fn is_at_others(&self, now: Instant) -> bool {
        let is_others = |part: WindowPart| {
            now < part.until && (part.is_others_too || self.is_left_to_slots && !part.is_in_slots)
        };
        self.places(now) == 0 && self.part.is_some_and(is_others)
    }

    /// What is wanted of it; `None` where nothing was for a while.
    fn claim(&mut self, now: Instant) -> Option<LimitClaim> {
        if self.is_short || self.most > 0 {
            self.asked_until = now + ASKED_FOR;
        }
        let wanted = if self.is_short { self.total } else { self.most.min(self.total) };
        (self.most, self.is_short) = (self.in_flight, false);
        let claim =
            LimitClaim { total: self.total.into(), wanted: wanted.into(), in_use: self.in_flight.into() };
        (now < self.asked_until).then_some(claim)
    }
}

impl CallbackWindow {
    fn new(is_divided: bool, short: &Arc<Notify>) -> Self {
        let state = WindowState {
            total: 1,
            part: None,
            in_flight: 0,
            most: 0,
            is_short: false,
            asked_until: Instant::now(),
            is_left_to_slots: false,
        };
        let (line, room, short) = (Line::default(), Notify::new(), Arc::clone(short));
        Self { is_divided, state: Mutex::new(state), line, room, short }
    }

    /// It is provisioned so, for all nodes together.
    pub(super) fn is_provisioned(&self, window: u32) {
        let before = std::mem::replace(&mut self.state.lock().total, window.max(1));
        if before != window {
            self.room.notify_waiters();
        }
    }

    /// How many callbacks may be under way from here.
    pub(super) fn places(&self) -> u32 {
        let state = self.state.lock();
        if self.is_divided { state.places(Instant::now()).min(state.total) } else { state.total }
    }

    /// Whether callbacks are to be left to other nodes: this one has no part, and others have. It asks for one.
    pub(super) fn is_at_others(&self) -> bool {
        let is_at_others = self.is_divided && self.state.lock().is_at_others(Instant::now());
        if is_at_others {
            self.wants_more(&mut self.state.lock());
        }
        is_at_others
    }

    fn wants_more(&self, state: &mut WindowState) {
        if !std::mem::replace(&mut state.is_short, true) {
            self.short.notify_one();
        }
    }

    fn give(&self, part: WindowPart) -> bool {
        let now = Instant::now();
        let mut state = self.state.lock();
        let before = state.places(now);
        state.part = Some(part);
        let is_more = before == 0 && state.places(now) > 0;
        drop(state);
        self.room.notify_waiters();
        is_more
    }

    /// Waits for a callback's turn. `None`: others have all of the window, and what is owed is to be left to them.
    pub(super) async fn turn(self: &Arc<Self>) -> Option<CallbackTurn> {
        let _first = self.line.lock().await;
        loop {
            let room = self.room.notified();
            match self.take() {
                WindowRoom::Now => return Some(CallbackTurn(Arc::clone(self))),
                WindowRoom::AtOthers => return None,
                WindowRoom::Later => room.await,
            }
        }
    }

    fn take(&self) -> WindowRoom {
        let now = Instant::now();
        let mut state = self.state.lock();
        let places = if self.is_divided { state.places(now).min(state.total) } else { state.total };
        if state.in_flight < places {
            state.in_flight += 1;
            state.most = state.most.max(state.in_flight);
            return WindowRoom::Now;
        }
        if self.is_divided && places < state.total {
            self.wants_more(&mut state);
        }
        if self.is_divided && state.is_at_others(now) { WindowRoom::AtOthers } else { WindowRoom::Later }
    }
}

/// A callback's place among those under way.
pub(super) struct CallbackTurn(Arc<CallbackWindow>);

impl Drop for CallbackTurn {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.in_flight = state.in_flight.saturating_sub(1);
        drop(state);
        self.0.room.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acme() -> AccountName {
        AccountName("acme".to_owned())
    }

    fn window(windows: &CallbackWindows, total: u32) -> Arc<CallbackWindow> {
        let window = windows.of(&acme());
        window.is_provisioned(total);
        window
    }

    fn part(places: u32, is_others_too: bool, is_in_slots: bool) -> WindowPart {
        let until = Instant::now() + Duration::from_secs(5);
        WindowPart { places, until, is_others_too, is_in_slots }
    }

    fn claim(total: u64, wanted: u64, in_use: u64) -> BTreeMap<AccountName, LimitClaim> {
        BTreeMap::from([(acme(), LimitClaim { total, wanted, in_use })])
    }

    /// As many turns as there are at once.
    async fn turns(window: &Arc<CallbackWindow>) -> Vec<CallbackTurn> {
        let mut turns = Vec::new();
        loop {
            tokio::select! {
                biased;
                turn = window.turn() => match turn {
                    Some(turn) => turns.push(turn),
                    None => return turns,
                },
                () = tokio::task::yield_now() => return turns,
            }
        }
    }

    #[tokio::test]
    async fn a_node_alone_has_all_of_it() {
        let windows = CallbackWindows::new(false);
        let window = window(&windows, 3);
        let three = turns(&window).await;
        assert_eq!(three.len(), 3);
        assert!(!window.is_at_others());
        window.is_provisioned(2);
        drop(three);
        assert_eq!((turns(&window).await.len(), window.places()), (2, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_node_among_others_has_its_part_for_as_long_as_that_is_valid() {
        let windows = CallbackWindows::new(true);
        let window = window(&windows, 16);
        assert_eq!(windows.claims(), BTreeMap::new(), "nothing is wanted yet");
        assert!(turns(&window).await.is_empty(), "nothing is its own unasked");
        windows.runs_short().await;
        assert_eq!(windows.claims(), claim(16, 16, 0), "it waits, so it wants all");
        assert!(windows.give(&acme(), part(5, true, false)));
        let five = turns(&window).await;
        assert_eq!(five.len(), 5);
        assert!(!windows.give(&acme(), part(2, true, false)), "it had some before");
        drop(five);
        assert_eq!(turns(&window).await.len(), 2);
        assert_eq!(windows.claims(), claim(16, 16, 0));
        tokio::time::advance(Duration::from_secs(5)).await;
        assert!(turns(&window).await.is_empty(), "nobody said for how long it would be");
        assert!(!window.is_at_others(), "it is not known that others have it");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_under_way_is_told_and_what_is_not_used_is_given_up() {
        let windows = CallbackWindows::new(true);
        let window = window(&windows, 4);
        windows.give(&acme(), part(4, false, false));
        let one = window.turn().await.unwrap();
        assert_eq!(windows.claims(), claim(4, 1, 1));
        assert_eq!(windows.claims(), claim(4, 1, 1), "as long as it takes");
        drop(one);
        assert_eq!(windows.claims(), claim(4, 1, 0));
        assert_eq!(windows.claims(), claim(4, 0, 0));
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(windows.claims(), BTreeMap::new());
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_is_sent_away_once_others_have_all_of_it() {
        let windows = CallbackWindows::new(true);
        let window = window(&windows, 1);
        let waiting = tokio::spawn({
            let window = Arc::clone(&window);
            async move { window.turn().await.is_some() }
        });
        tokio::task::yield_now().await;
        windows.give(&acme(), part(0, true, true));
        assert!(!waiting.await.unwrap());
        assert!(window.is_at_others());
        assert_eq!(windows.claims(), claim(1, 1, 0), "it wants it all the same");
        windows.give(&acme(), part(1, false, true));
        assert!(!window.is_at_others());
    }

    #[tokio::test(start_paused = true)]
    async fn of_more_accounts_than_are_asked_for_the_node_with_the_slot_has_all() {
        let windows = CallbackWindows::new(true);
        for number in 0..MOST_ASKED {
            windows.of(&AccountName(number.to_string())).take();
        }
        let last = AccountName("z".to_owned());
        let window = windows.of(&last);
        window.is_provisioned(3);
        window.take();
        let claims = windows.claims();
        assert!(claims.len() == MOST_ASKED && !claims.contains_key(&last));
        for (part, places, is_at_others) in [
            (part(0, false, true), 3, false),
            (part(0, false, false), 0, true),
            (part(0, true, true), 0, true),
            (part(2, true, true), 2, false),
        ] {
            windows.give(&last, part);
            assert_eq!((window.places(), window.is_at_others()), (places, is_at_others), "{part:?}");
        }
    }
}
