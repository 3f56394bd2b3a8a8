//! Hands a fresh message from memory to its carrier's lane, without a read from the store; and callbacks likewise.

pub mod callbacks;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use mm7::StatusCode;
use posthouse_core::{carrier::CarrierId, lock::Mutex, store::ToSend};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

/// For how long a message is this node's to send; then any node may.
pub const LEASE: Duration = Duration::from_secs(30);

/// How many fresh messages a lane holds in memory; more wait in the store.
const LANE_ROOM: usize = 256;

/// How many bytes the media of the fresh messages of one carrier may take, from when they are accepted till they are sent. A
/// carrier that takes its time has the others wait in the store, and not in memory.
const LANE_BYTES: u32 = 24 << 20;

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

/// Where a lane takes fresh messages from.
#[derive(Debug)]
struct Mailbox {
    sender: mpsc::Sender<Dispatch>,
    memory: Arc<Semaphore>,
}

/// The lanes that take fresh messages, and which carriers are down.
#[derive(Debug, Default)]
pub struct Handoff {
    mailboxes: Mutex<HashMap<CarrierId, Mailbox>>,
    down: Mutex<HashSet<CarrierId>>,
}

impl Handoff {
    /// Opens a carrier's lane. An earlier one gets nothing more.
    pub fn open(&self, carrier: CarrierId) -> mpsc::Receiver<Dispatch> {
        let (sender, receiver) = mpsc::channel(LANE_ROOM);
        let mailbox = Mailbox { sender, memory: Arc::new(Semaphore::new(LANE_BYTES as usize)) };
        self.mailboxes.lock().insert(carrier, mailbox);
        receiver
    }

    /// Closes every lane: they get nothing more.
    pub fn close(&self) {
        self.mailboxes.lock().clear();
    }

    /// Room for one message with `bytes` bytes of media in a carrier's lane, if the lane has any.
    pub fn room(&self, carrier: &CarrierId, bytes: usize) -> Option<Room> {
        let mailboxes = self.mailboxes.lock();
        let mailbox = mailboxes.get(carrier)?;
        // One that is longer than all of it has room when it is alone.
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX).min(LANE_BYTES);
        let memory = Arc::clone(&mailbox.memory).try_acquire_many_owned(bytes).ok()?;
        let place = mailbox.sender.clone().try_reserve_owned().ok()?;
        Some(Room { place, memory })
    }

    /// Says whether any of a carrier's connections can be reached.
    pub fn note(&self, carrier: &CarrierId, is_down: bool) {
        let mut down = self.down.lock();
        if is_down {
            down.insert(carrier.clone());
        } else {
            down.remove(carrier);
        }
    }

    /// Whether none of a carrier's connections can be reached: what is for it waits best in the store.
    pub fn is_down(&self, carrier: &CarrierId) -> bool {
        self.down.lock().contains(carrier)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handoff() -> (Handoff, CarrierId, mpsc::Receiver<Dispatch>) {
        let (handoff, carrier) = (Handoff::default(), CarrierId("31003".to_owned()));
        let receiver = handoff.open(carrier.clone());
        (handoff, carrier, receiver)
    }

    #[test]
    fn what_is_not_sent_takes_a_bounded_memory() {
        let (handoff, carrier, _receiver) = handoff();
        let long = LANE_BYTES as usize / 2;
        let first = handoff.room(&carrier, long).expect("room");
        let second = handoff.room(&carrier, long).expect("room");
        assert!(handoff.room(&carrier, 1).is_none(), "the rest waits in the store");
        let other = CarrierId("31004".to_owned());
        let _receiver = handoff.open(other.clone());
        assert!(handoff.room(&other, long).is_some(), "each carrier has its own");
        drop(first);
        assert!(handoff.room(&carrier, long).is_some());
        drop(second);
        assert!(handoff.room(&carrier, usize::MAX).is_some(), "alone, however long");
    }

    #[test]
    fn a_lane_has_a_bounded_number_of_places() {
        let (handoff, carrier, receiver) = handoff();
        let rooms: Vec<_> = (0..LANE_ROOM).filter_map(|_| handoff.room(&carrier, 1)).collect();
        assert_eq!(rooms.len(), LANE_ROOM);
        assert!(handoff.room(&carrier, 1).is_none());
        drop((rooms, receiver));
        assert!(handoff.room(&carrier, 1).is_none(), "nobody is there any more");
    }
}
