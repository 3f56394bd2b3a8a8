//! Hands a fresh message from memory to its carrier's lane, without a read from the store; and callbacks likewise.

pub mod callbacks;

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
    time::Duration,
};

use mm7::StatusCode;
use posthouse_core::{carrier::CarrierId, lock::Mutex, store::ToSend};
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc, oneshot},
    time::{Instant, timeout},
};

/// For how long a message is this node's to send; then any node may.
pub const LEASE: Duration = Duration::from_secs(30);

/// How long messages are put off while their carrier is down, when it does not come back before.
pub const PUT_OFF: Duration = Duration::from_secs(600);

/// How many fresh messages a lane holds in memory beside those that it attempts; more wait in the store.
const LANE_ROOM: usize = 128;

/// How many bytes the media of the fresh messages of one carrier may take, from when they are accepted till they are sent. A
/// carrier that takes its time has the others wait in the store, and not in memory.
const LANE_BYTES: u32 = 24 << 20;

/// How long a message that is accepted waits for room in a lane that is full, and quick. Some milliseconds of such a lane cost less than the
/// store, which writes more pages of a message that waits there, and reads its media back.
const ROOM_WAIT: Duration = Duration::from_millis(50);

/// From so many fresh messages a second on a lane is quick: a VASP with one connection waits a millisecond for each. One whose carrier takes
/// fewer is not waited for, or VASPs could hand in no faster than that.
const QUICK_PER_SECOND: f64 = 1000.0;

/// For how long fresh messages are counted before that is judged.
const PACE_OVER: Duration = Duration::from_millis(50);

/// A message to be attempted, under a lease that this node holds.
#[derive(Debug)]
pub struct Dispatch {
    /// What is to be sent. One that was just accepted has its media, which so need not be read back.
    pub send: ToSend,
    /// Relay mode: where the carrier's answer is waited for, as a code of the table.
    pub answer: Option<oneshot::Sender<StatusCode>>,
    /// The part of the lane's memory that its media take, till they are dropped.
    pub memory: Option<OwnedSemaphorePermit>,
}

impl Dispatch {
    /// A message out of the store.
    pub const fn stored(send: ToSend) -> Self {
        Self { send, answer: None, memory: None }
    }
}

/// Room for one fresh message in a lane, and for its media in memory.
#[derive(Debug)]
pub struct Room {
    place: mpsc::OwnedPermit<Dispatch>,
    memory: OwnedSemaphorePermit,
}

impl Room {
    /// Gives the message to the lane.
    pub fn send(self, fresh: Dispatch) {
        self.place.send(Dispatch { memory: Some(self.memory), ..fresh });
    }
}

/// What a carrier's lane does with messages that are accepted now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LaneState {
    /// It takes them from memory, as far as there is room.
    Open,
    /// It takes them from the store: other nodes have all of the carrier's limits, or there is no lane.
    Closed,
    /// It attempts nothing till a connection serves again.
    Down {
        /// Whether nobody is there at any of them.
        nobody_there: bool,
    },
}

/// Where a lane takes fresh messages from.
#[derive(Debug)]
struct Mailbox {
    sender: mpsc::Sender<Dispatch>,
    memory: Arc<Semaphore>,
    state: LaneState,
    /// Whether a message was stored as put off while a connection came back.
    is_put_off_late: bool,
    /// How many messages got room.
    let_in: u64,
    /// When it was last judged whether the lane is quick, and how many messages it had taken by then.
    judged: (Instant, u64),
    is_quick: bool,
    /// The lane's bell. Who still has one says whether the lane is there, so it is not held.
    bell: Weak<Notify>,
}

impl Mailbox {
    /// Room that there is now.
    fn room(&mut self, bytes: u32) -> Option<Room> {
        let memory = Arc::clone(&self.memory).try_acquire_many_owned(bytes).ok()?;
        let place = self.sender.clone().try_reserve_owned().ok()?;
        self.let_in += 1;
        Some(Room { place, memory })
    }

    /// Whether the lane takes messages so fast that one may wait for it.
    fn is_quick(&mut self) -> bool {
        let (now, (before, taken_before)) = (Instant::now(), self.judged);
        let passed = now.duration_since(before);
        if passed >= PACE_OVER {
            let waiting = self.sender.max_capacity() - self.sender.capacity();
            let taken = self.let_in.saturating_sub(waiting as u64);
            let per_second = taken.saturating_sub(taken_before) as f64 / passed.as_secs_f64();
            (self.is_quick, self.judged) = (per_second >= QUICK_PER_SECOND, (now, taken));
        }
        self.is_quick
    }
}

/// The lanes that take fresh messages, and what they do with them.
#[derive(Debug, Default)]
pub struct Handoff {
    mailboxes: Mutex<HashMap<CarrierId, Mailbox>>,
}

impl Handoff {
    /// Opens a carrier's lane, which is rung by this bell. An earlier one gets nothing more.
    pub fn open(&self, carrier: CarrierId, bell: &Arc<Notify>) -> mpsc::Receiver<Dispatch> {
        let (sender, receiver) = mpsc::channel(LANE_ROOM);
        let mailbox = Mailbox {
            sender,
            memory: Arc::new(Semaphore::new(LANE_BYTES as usize)),
            state: LaneState::Open,
            is_put_off_late: false,
            let_in: 0,
            judged: (Instant::now(), 0),
            is_quick: false,
            bell: Arc::downgrade(bell),
        };
        self.mailboxes.lock().insert(carrier, mailbox);
        receiver
    }

    /// Closes every lane: they get nothing more.
    pub fn close(&self) {
        self.mailboxes.lock().clear();
    }

    /// Room for one message with `bytes` bytes of media in a carrier's lane, if the lane has any; one that is full but quick is waited for.
    pub async fn room(&self, carrier: &CarrierId, bytes: usize) -> Option<Room> {
        // One that is longer than all of it has room when it is alone.
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX).min(LANE_BYTES);
        let (memory, sender) = {
            let mut mailboxes = self.mailboxes.lock();
            let mailbox = mailboxes.get_mut(carrier)?;
            let is_quick = mailbox.is_quick();
            if let Some(room) = mailbox.room(bytes) {
                return Some(room);
            }
            if !is_quick {
                return None;
            }
            (Arc::clone(&mailbox.memory), mailbox.sender.clone())
        };
        let waiting = async {
            let memory = memory.acquire_many_owned(bytes).await.ok()?;
            Some(Room { place: sender.reserve_owned().await.ok()?, memory })
        };
        let room = timeout(ROOM_WAIT, waiting).await.ok().flatten()?;
        if let Some(mailbox) = self.mailboxes.lock().get_mut(carrier) {
            mailbox.let_in += 1;
        }
        Some(room)
    }

    /// Says what a carrier's lane does with messages from now on.
    pub fn note(&self, carrier: &CarrierId, state: LaneState) {
        if let Some(mailbox) = self.mailboxes.lock().get_mut(carrier) {
            mailbox.state = state;
        }
    }

    /// What a carrier's lane does with messages. One that is not there, or broke off, does nothing about them.
    pub fn state(&self, carrier: &CarrierId) -> LaneState {
        let mailboxes = self.mailboxes.lock();
        let mailbox = mailboxes.get(carrier).filter(|mailbox| !mailbox.sender.is_closed());
        mailbox.map_or(LaneState::Closed, |mailbox| mailbox.state)
    }

    /// A message was stored as put off: unless its carrier is still down, its lane looks once more at what was put off, since it may have
    /// done so before the message was there.
    pub fn was_put_off(&self, carrier: &CarrierId) {
        let mut mailboxes = self.mailboxes.lock();
        let Some(mailbox) = mailboxes.get_mut(carrier) else { return };
        if matches!(mailbox.state, LaneState::Down { .. }) {
            return;
        }
        mailbox.is_put_off_late = true;
        if let Some(bell) = mailbox.bell.upgrade() {
            bell.notify_one();
        }
    }

    /// Whether a message was put off late since this was last asked.
    pub fn take_put_off_late(&self, carrier: &CarrierId) -> bool {
        let mut mailboxes = self.mailboxes.lock();
        mailboxes.get_mut(carrier).is_some_and(|mailbox| std::mem::take(&mut mailbox.is_put_off_late))
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    fn handoff() -> (Handoff, CarrierId, mpsc::Receiver<Dispatch>) {
        let (handoff, carrier, receiver, _) = with_bell();
        (handoff, carrier, receiver)
    }

    fn with_bell() -> (Handoff, CarrierId, mpsc::Receiver<Dispatch>, Arc<Notify>) {
        let (handoff, carrier, bell) = (Handoff::default(), CarrierId("31003".to_owned()), Arc::default());
        let receiver = handoff.open(carrier.clone(), &bell);
        (handoff, carrier, receiver, bell)
    }

    async fn is_rung(bell: &Notify) -> bool {
        tokio::select! {
            biased;
            () = bell.notified() => true,
            () = tokio::task::yield_now() => false,
        }
    }

    #[tokio::test]
    async fn a_lane_whose_carrier_came_back_is_told_of_what_was_put_off_meanwhile() {
        let (handoff, carrier, receiver, bell) = with_bell();
        let down = LaneState::Down { nobody_there: true };
        handoff.note(&carrier, down);
        assert_eq!(handoff.state(&carrier), down);
        handoff.was_put_off(&carrier);
        assert!(
            !handoff.take_put_off_late(&carrier) && !is_rung(&bell).await,
            "it will look when one comes back"
        );
        handoff.note(&carrier, LaneState::Open);
        handoff.was_put_off(&carrier);
        assert!(is_rung(&bell).await && handoff.take_put_off_late(&carrier));
        assert!(!handoff.take_put_off_late(&carrier), "once");
        handoff.note(&carrier, down);
        drop(receiver);
        assert_eq!(handoff.state(&carrier), LaneState::Closed, "it broke off: what is due wakes it");
        assert_eq!(handoff.state(&CarrierId("31004".to_owned())), LaneState::Closed);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_sent_takes_a_bounded_memory() {
        let (handoff, carrier, _receiver) = handoff();
        let long = LANE_BYTES as usize / 2;
        let first = handoff.room(&carrier, long).await.expect("room");
        let second = handoff.room(&carrier, long).await.expect("room");
        assert!(handoff.room(&carrier, 1).await.is_none(), "the rest waits in the store");
        let other = CarrierId("31004".to_owned());
        let _receiver = handoff.open(other.clone(), &Arc::default());
        assert!(handoff.room(&other, long).await.is_some(), "each carrier has its own");
        drop(first);
        assert!(handoff.room(&carrier, long).await.is_some());
        drop(second);
        assert!(handoff.room(&carrier, usize::MAX).await.is_some(), "alone, however long");
    }

    #[tokio::test(start_paused = true)]
    async fn a_lane_has_a_bounded_number_of_places() {
        let (handoff, carrier, receiver) = handoff();
        let mut rooms = Vec::new();
        for _ in 0..LANE_ROOM {
            rooms.push(handoff.room(&carrier, 1).await.expect("room"));
        }
        assert!(handoff.room(&carrier, 1).await.is_none());
        drop((rooms, receiver));
        assert!(handoff.room(&carrier, 1).await.is_none(), "nobody is there any more");
    }

    /// A full lane that took so many messages in the last tenth of a second.
    async fn full(taken: usize) -> (Handoff, CarrierId, mpsc::Receiver<Dispatch>, Vec<Room>) {
        let (handoff, carrier, receiver) = handoff();
        sleep(PACE_OVER).await;
        for _ in 0..taken {
            drop(handoff.room(&carrier, 1).await.expect("room"));
        }
        let mut rooms = Vec::new();
        for _ in 0..LANE_ROOM {
            rooms.push(handoff.room(&carrier, 1).await.expect("room"));
        }
        sleep(Duration::from_millis(100)).await;
        (handoff, carrier, receiver, rooms)
    }

    async fn wait(handoff: &Handoff, carrier: &CarrierId) -> (bool, Duration) {
        let began = Instant::now();
        (handoff.room(carrier, 1).await.is_some(), began.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn a_lane_that_is_full_and_quick_is_waited_for_a_moment() {
        let (handoff, carrier, _receiver, mut rooms) = full(101).await;
        let leaving = async {
            sleep(ROOM_WAIT / 2).await;
            drop(rooms.pop());
        };
        let ((is_in, took), ()) = tokio::join!(wait(&handoff, &carrier), leaving);
        assert!(is_in && took >= ROOM_WAIT / 2 && took < ROOM_WAIT, "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_lane_that_is_full_and_not_quick_is_not_waited_for() {
        let (handoff, carrier, _receiver, _rooms) = full(99).await;
        assert_eq!(wait(&handoff, &carrier).await, (false, Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn a_quick_lane_that_stops_is_waited_for_once() {
        let (handoff, carrier, _receiver, _rooms) = full(101).await;
        let (is_in, took) = wait(&handoff, &carrier).await;
        assert!(!is_in && took >= ROOM_WAIT, "{took:?}");
        assert_eq!(wait(&handoff, &carrier).await, (false, Duration::ZERO));
    }
}
