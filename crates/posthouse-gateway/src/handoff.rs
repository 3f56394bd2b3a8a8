//! Where the door for VASPs and the queue meet besides the store: a fresh message goes from memory to its carrier's lane.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use mm7::StatusCode;
use posthouse_core::{carrier::CarrierId, store::Send};
use tokio::sync::{Notify, mpsc, oneshot};

/// For how long a message is this node's to send; then any node may.
pub const LEASE: Duration = Duration::from_secs(30);

/// How many fresh messages a lane holds in memory; more wait in the store.
const LANE_ROOM: usize = 256;

/// A message that was just accepted under a lease of this node.
#[derive(Debug)]
pub struct Fresh {
    /// What is to be sent.
    pub send: Send,
    /// Its media, which so need not be read back.
    pub media: Vec<Bytes>,
    /// Relay mode: who waits for the carrier's answer, as a code of the table.
    pub answer: Option<oneshot::Sender<StatusCode>>,
}

/// Room for one fresh message in a lane.
pub type Room = mpsc::OwnedPermit<Fresh>;

/// The lanes that take fresh messages, and the bell that says that the store has work.
#[derive(Debug, Default)]
pub struct Handoff {
    lanes: Mutex<HashMap<CarrierId, mpsc::Sender<Fresh>>>,
    down: Mutex<HashSet<CarrierId>>,
    bell: Notify,
}

impl Handoff {
    /// Opens a carrier's lane. An earlier one gets nothing more.
    pub fn open(&self, carrier: CarrierId) -> mpsc::Receiver<Fresh> {
        let (sender, receiver) = mpsc::channel(LANE_ROOM);
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner).insert(carrier, sender);
        receiver
    }

    /// Closes every lane: they get nothing more.
    pub fn close(&self) {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Room for one message in a carrier's lane, if it has any.
    pub fn room(&self, carrier: &CarrierId) -> Option<Room> {
        let lane = self.lanes.lock().unwrap_or_else(PoisonError::into_inner).get(carrier).cloned();
        lane.and_then(|lane| lane.try_reserve_owned().ok())
    }

    /// Says whether any of a carrier's connections can be reached.
    pub fn note(&self, carrier: &CarrierId, is_down: bool) {
        let mut down = self.down.lock().unwrap_or_else(PoisonError::into_inner);
        if is_down {
            down.insert(carrier.clone());
        } else {
            down.remove(carrier);
        }
    }

    /// Whether none of a carrier's connections can be reached: what is for it waits best in the store.
    pub fn is_down(&self, carrier: &CarrierId) -> bool {
        self.down.lock().unwrap_or_else(PoisonError::into_inner).contains(carrier)
    }

    /// Says that the store has work that is due.
    pub fn ring(&self) {
        self.bell.notify_one();
    }

    /// Waits till somebody rings.
    pub async fn rung(&self) {
        self.bell.notified().await;
    }
}
