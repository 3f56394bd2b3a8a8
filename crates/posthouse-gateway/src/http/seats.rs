//! Who may have how many of a door's connections.
//!
//! While there are free ones, anybody has as many as it opens. When all are taken, one more of an address that has fewer than another
//! address ends one of that other's: one that rests between requests or whose request is still coming, the one that has done so
//! for the longest. A request that is here in full is never cut off. What cannot be served yet waits for a moment on the porch, which is
//! bounded, and from which addresses with few connections are called in first.

use std::{
    collections::{BTreeMap, HashMap},
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use posthouse_core::lock::Mutex;
use tokio::{
    sync::oneshot,
    time::{Instant, sleep_until, timeout_at},
};

use super::proxies::Proxies;
use crate::shares::claimant;

/// How many connections wait on the porch: one for this many that are served.
const PORCH: usize = 32;
/// How often we check again whether a connection that waits may end another.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What a connection does, in the low bits of a word; above them is since when, in ms.
const OPEN: u64 = 0;
const ARRIVING: u64 = 1;
const WORKING: u64 = 2;
const DOING: u64 = 3;
const SINCE: u32 = 2;

/// The connections of a door. Clones are the same.
#[derive(Clone, Debug)]
pub struct Seats(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    most: usize,
    proxies: Proxies,
    began: Instant,
    room: Mutex<Room>,
}

#[derive(Debug, Default)]
struct Room {
    /// How many connections there were: the number of the next.
    entered: u64,
    taken: usize,
    addresses: HashMap<IpAddr, BTreeMap<u64, Occupant>>,
    porch: BTreeMap<u64, Caller>,
}

/// One that is served.
#[derive(Debug)]
struct Occupant {
    doing: Arc<AtomicU64>,
    end: oneshot::Sender<()>,
}

/// One that waits on the porch.
#[derive(Debug)]
struct Caller {
    from: IpAddr,
    called: oneshot::Sender<Seat>,
}

/// A connection's place among those that are served, till it is dropped.
#[derive(Debug)]
pub struct Seat {
    inner: Arc<Inner>,
    from: IpAddr,
    number: u64,
    doing: Arc<AtomicU64>,
    ended: oneshot::Receiver<()>,
}

/// What becomes of a connection that comes.
#[derive(Debug)]
pub enum Entered {
    /// It is served.
    Seat(Seat),
    /// It waits.
    Porch(Porch),
    /// There is no room even to wait.
    Full,
}

/// A place on the porch.
#[derive(Debug)]
pub struct Porch {
    seats: Seats,
    number: u64,
    called: oneshot::Receiver<Seat>,
}

impl Seats {
    /// At most `most` at a time, at least one. Proxies may have as many as they like: others are behind them.
    pub fn new(most: usize, proxies: Proxies) -> Self {
        let room = Mutex::default();
        Self(Arc::new(Inner { most: most.max(1), proxies, began: Instant::now(), room }))
    }

    /// A connection comes.
    pub fn enter(&self, address: SocketAddr) -> Entered {
        let from = claimant(address.ip());
        let mut room = self.0.room();
        if let Some(seat) = self.seat(&mut room, from) {
            return Entered::Seat(seat);
        }
        if !self.0.has_porch_for(&mut room, from) {
            return Entered::Full;
        }
        let (sender, called) = oneshot::channel();
        let number = room.next_number();
        room.porch.insert(number, Caller { from, called: sender });
        Entered::Porch(Porch { seats: self.clone(), number, called })
    }

    /// A seat that is free, or one that a peer with more of them has to give up.
    fn seat(&self, room: &mut Room, from: IpAddr) -> Option<Seat> {
        if room.taken >= self.0.most {
            self.0.end_one_of_more(room, from)?;
        }
        Some(self.0.seated(room, from))
    }
}

impl Inner {
    fn room(&self) -> MutexGuard<'_, Room> {
        self.room.lock()
    }

    fn seated(self: &Arc<Self>, room: &mut Room, from: IpAddr) -> Seat {
        let number = room.next_number();
        let doing = Arc::new(AtomicU64::new(self.now() | OPEN));
        let (end, ended) = oneshot::channel();
        room.taken += 1;
        let occupant = Occupant { doing: Arc::clone(&doing), end };
        room.addresses.entry(from).or_default().insert(number, occupant);
        Seat { inner: Arc::clone(self), from, number, doing, ended }
    }

    /// How many an address counts for: our proxies for none.
    fn weight(&self, from: &IpAddr, count: usize) -> usize {
        if self.proxies.is_ours(*from) { 0 } else { count }
    }

    fn held(&self, room: &Room, from: &IpAddr) -> usize {
        self.weight(from, room.addresses.get(from).map_or(0, BTreeMap::len))
    }

    /// Ends a connection of the address that has the most, if that has more than this one.
    fn end_one_of_more(&self, room: &mut Room, from: IpAddr) -> Option<()> {
        let held = self.held(room, &from);
        let weighed = room.addresses.iter().map(|(from, seats)| (self.weight(from, seats.len()), *from));
        let (_, heaviest) = weighed.max().filter(|(most, _)| *most > held)?;
        let seats = room.addresses.get(&heaviest)?;
        let may_end = |occupant: &Occupant| {
            let doing = occupant.doing.load(Ordering::Acquire);
            (doing & DOING != WORKING).then_some((doing & DOING, doing))
        };
        let longest = seats.iter().filter_map(|(number, seat)| Some((may_end(seat)?, *number))).min();
        let (_, number) = longest?;
        // Where it has ended by itself in this moment, its seat is free all the same.
        let _ = room.leave(heaviest, number)?.end.send(());
        Some(())
    }

    /// Whether one more may wait: when the porch is full, the newest of the address that has most there gives way to one of another that
    /// has fewer.
    fn has_porch_for(&self, room: &mut Room, from: IpAddr) -> bool {
        if room.porch.len() < self.most.div_ceil(PORCH) {
            return true;
        }
        let mut waiting: HashMap<IpAddr, (usize, u64)> = HashMap::new();
        for (number, caller) in &room.porch {
            let (count, newest) = waiting.entry(caller.from).or_default();
            (*count, *newest) = (*count + 1, *number);
        }
        let own = waiting.get(&from).map_or(0, |(count, _)| *count);
        let most = waiting.values().max().filter(|(count, _)| *count > own + 1);
        most.and_then(|(_, newest)| room.porch.remove(newest)).is_some()
    }

    const fn moment(ms: u64) -> u64 {
        ms << SINCE
    }

    fn now(&self) -> u64 {
        Self::moment(u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX >> SINCE))
    }

    /// Calls in one from the porch: of those of the address that has the fewest connections, the one that has waited longest.
    fn call_in(self: &Arc<Self>) {
        loop {
            let (called, seat) = {
                let mut room = self.room();
                if room.taken >= self.most {
                    return;
                }
                let next =
                    room.porch.iter().map(|(number, caller)| (self.held(&room, &caller.from), *number)).min();
                let Some((_, number)) = next else { return };
                let Some(caller) = room.porch.remove(&number) else { return };
                (caller.called, self.seated(&mut room, caller.from))
            };
            // One that has gone away gives its seat back.
            drop(called.send(seat));
        }
    }
}

impl Room {
    const fn next_number(&mut self) -> u64 {
        self.entered += 1;
        self.entered
    }

    fn leave(&mut self, from: IpAddr, number: u64) -> Option<Occupant> {
        let seats = self.addresses.get_mut(&from)?;
        let occupant = seats.remove(&number)?;
        if seats.is_empty() {
            self.addresses.remove(&from);
        }
        self.taken -= 1;
        Some(occupant)
    }
}

impl Seat {
    /// What the connection's requests tell of themselves.
    pub fn progress(&self) -> RequestProgress {
        RequestProgress(Some((Arc::clone(&self.inner), Arc::clone(&self.doing))))
    }

    /// When the connection has to end, since others have none.
    pub async fn ended(&mut self) {
        if (&mut self.ended).await.is_err() {
            // Nobody can end it any more.
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.inner.room().leave(self.from, self.number);
        self.inner.call_in();
    }
}

impl Porch {
    /// Waits for a seat till then. `None`: there was none.
    pub async fn seat(mut self, deadline: Instant) -> Option<Seat> {
        loop {
            let look = Instant::now() + LOOK_EVERY;
            tokio::select! {
                called = timeout_at(deadline, &mut self.called) => return called.ok()?.ok(),
                () = sleep_until(look) => {
                    let seats = self.seats.clone();
                    let mut room = seats.0.room();
                    // Whoever is not there any more was called, or has to go: the other branch tells.
                    if let Some(from) = room.porch.get(&self.number).map(|caller| caller.from)
                        && let Some(seat) = seats.seat(&mut room, from)
                    {
                        room.porch.remove(&self.number);
                        return Some(seat);
                    }
                }
            }
        }
    }
}

impl Drop for Porch {
    fn drop(&mut self) {
        self.seats.0.room().porch.remove(&self.number);
    }
}

/// How far a connection's request is. Tells its door, which ends connections that hold up others, but none whose request is here.
#[derive(Clone, Debug, Default)]
pub struct RequestProgress(Option<(Arc<Inner>, Arc<AtomicU64>)>);

impl RequestProgress {
    /// A head has come, and now comes a body.
    pub fn arriving(&self) {
        self.is(ARRIVING);
    }

    /// All of the request is here.
    pub fn working(&self) {
        self.is(WORKING);
    }

    /// It is answered, and the next may come.
    pub fn open(&self) {
        self.is(OPEN);
    }

    fn is(&self, doing: u64) {
        if let Some((inner, state)) = &self.0 {
            state.store(inner.now() | doing, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    fn from(address: &str) -> SocketAddr {
        SocketAddr::new(address.parse().unwrap(), 1)
    }

    fn seat(seats: &Seats, address: &str) -> Seat {
        match seats.enter(from(address)) {
            Entered::Seat(seat) => seat,
            other => panic!("{address}: {other:?}"),
        }
    }

    fn porch(seats: &Seats, address: &str) -> Porch {
        match seats.enter(from(address)) {
            Entered::Porch(porch) => porch,
            other => panic!("{address}: {other:?}"),
        }
    }

    /// It is not among those that are served any more.
    fn is_ended(seat: &Seat) -> bool {
        let room = seat.inner.room();
        !room.addresses.get(&seat.from).is_some_and(|seats| seats.contains_key(&seat.number))
    }

    async fn later() {
        advance(Duration::from_millis(5)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn one_address_has_all_of_them_till_another_comes() {
        let seats = Seats::new(4, Proxies::default());
        let mut held = Vec::new();
        for _ in 0..4 {
            held.push(seat(&seats, "192.0.2.1"));
            later().await;
        }
        // The first has a request here, the second one that is coming; of the others the third is idle for longer.
        held[0].progress().working();
        held[1].progress().arriving();
        let other = seat(&seats, "192.0.2.2");
        assert_eq!(held.iter().map(is_ended).collect::<Vec<_>>(), [false, false, true, false]);
        let second = seat(&seats, "192.0.2.2");
        assert_eq!(held.iter().map(is_ended).collect::<Vec<_>>(), [false, false, true, true]);
        // Two each: nobody has more than another.
        let third = porch(&seats, "192.0.2.2");
        assert!(!is_ended(&other) && !is_ended(&second));
        // A third address ends one that rests, or whose request does not come.
        let _third = seat(&seats, "192.0.2.3");
        assert!(is_ended(&other) || is_ended(&held[1]));
        drop(third);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_is_here_is_never_cut_off() {
        let seats = Seats::new(2, Proxies::default());
        let held = [seat(&seats, "192.0.2.1"), seat(&seats, "192.0.2.1")];
        held.iter().for_each(|seat| seat.progress().working());
        let waiting = porch(&seats, "192.0.2.2");
        let waiting = tokio::spawn(waiting.seat(Instant::now() + Duration::from_secs(9)));
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert!(!held.iter().any(is_ended) && !waiting.is_finished());
        // Its answer is out: now the connection is one that may end.
        held[1].progress().open();
        assert!(waiting.await.unwrap().is_some());
        assert_eq!(held.iter().map(is_ended).collect::<Vec<_>>(), [false, true]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_porch_is_bounded_and_calls_in_who_has_the_fewest() {
        let seats = Seats::new(64, Proxies::default());
        let mut held: Vec<_> = (0..64).map(|_| seat(&seats, "192.0.2.1")).collect();
        held.iter().for_each(|seat| seat.progress().working());
        let (first, second) = (porch(&seats, "192.0.2.1"), porch(&seats, "192.0.2.1"));
        assert!(matches!(seats.enter(from("192.0.2.1")), Entered::Full));
        let other = porch(&seats, "192.0.2.2");
        let later = Instant::now() + Duration::from_secs(9);
        assert!(second.seat(later).await.is_none(), "the newest gave way");
        held.pop();
        assert_eq!(other.seat(later).await.map(|seat| seat.from), Some("192.0.2.2".parse().unwrap()));
        held.pop();
        assert!(first.seat(later).await.is_some());
        assert_eq!(seats.0.room().porch.len(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_too_long_or_goes_away_holds_no_seat() {
        let seats = Seats::new(1, Proxies::default());
        let held = seat(&seats, "192.0.2.1");
        held.progress().working();
        assert!(porch(&seats, "192.0.2.2").seat(Instant::now() + Duration::from_secs(1)).await.is_none());
        let gone = porch(&seats, "192.0.2.2");
        drop(gone);
        drop(held);
        let room = seats.0.room();
        assert_eq!((room.taken, room.addresses.len(), room.porch.len()), (0, 0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn our_proxies_may_have_as_many_as_they_like() {
        let seats = Seats::new(3, Proxies(vec!["10.0.0.0/8".parse().unwrap()]));
        let proxy = [seat(&seats, "10.0.0.1"), seat(&seats, "10.0.0.1")];
        let other = seat(&seats, "192.0.2.1");
        // One more ends another's, though the proxy has the most; and so does one more of the proxy's.
        let more = seat(&seats, "192.0.2.2");
        assert!(is_ended(&other) && !proxy.iter().any(is_ended));
        let _proxy = seat(&seats, "10.0.0.1");
        assert!(is_ended(&more) && !proxy.iter().any(is_ended));
    }
}
