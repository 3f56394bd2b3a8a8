//! The one node that serves the store. That there is no other is proved by the lock, so nothing of it is kept on disk.

use jiff::Timestamp;
use posthouse_core::{
    Id,
    cluster::{DEAD_AFTER, ONLY_NODE, VISITOR_NUMBERS},
    divisions::{Divisions, NodeDemands},
    lock::Mutex,
    store::{
        Beat, Divided, Heartbeat, Joining, Membership, Node, NodeKind, Owner, StoreError, StoreResult,
        Wanting,
    },
    time::after,
};

use super::options::Mode;

/// Which run of a gateway serves the store, if one has come; a visitor's store knows the visitor.
#[derive(Debug, Default)]
pub(super) struct Member(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    node: Option<Node>,
    epoch: u64,
    divisions: Divisions,
}

impl Member {
    /// It came, in the place of any other: those of one process follow each other.
    pub(super) fn join(
        &self,
        mode: Mode,
        joining: Joining,
        newest: Option<Id>,
        revision: u64,
    ) -> StoreResult<Membership> {
        let number = match (mode, joining.kind) {
            (Mode::Serve, NodeKind::Gateway) => ONLY_NODE,
            (Mode::Visit, NodeKind::Visitor) => *VISITOR_NUMBERS.end(),
            _ => return Err(StoreError::refused("it was opened for something else")),
        };
        let mut held = self.0.lock();
        if held.node.as_ref().is_none_or(|node| node.owner != joining.owner) {
            held.epoch += 1;
        }
        let Joining { owner, kind, address, version, now } = joining;
        let epoch = held.epoch;
        let node =
            Node { number, owner, epoch, kind, address, version, revision, is_draining: false, beat_at: now };
        held.node = Some(node);
        Ok(Membership {
            number,
            epoch: held.epoch,
            is_only: true,
            ids_after: newest,
            ids_until: Timestamp::MAX,
            time: now,
        })
    }

    /// It is there. `revision` is that in the store.
    pub(super) fn heartbeat(&self, beat: &Beat, revision: u64) -> StoreResult<Heartbeat> {
        let mut held = self.0.lock();
        let is_it = |node: &&mut Node| node.owner == beat.owner;
        let node = held.node.as_mut().filter(is_it).ok_or(StoreError::LostLease)?;
        node.beat_at = beat.now;
        node.revision = beat.revision;
        node.is_draining = beat.is_draining;
        let alive = node.serves(beat.owner, beat.now).then_some(node.number);
        Ok(Heartbeat {
            time: beat.now,
            ids_until: Timestamp::MAX,
            revision,
            alive: alive.into_iter().collect(),
            outdated: None,
        })
    }

    /// All of each limit is its own.
    pub(super) fn divide(&self, wanting: Wanting) -> StoreResult<Divided> {
        let mut held = self.0.lock();
        let Wanting { owner, demands, now } = wanting;
        let node = held.node.as_ref().filter(|node| node.owner == owner).ok_or(StoreError::LostLease)?.number;
        if held.divisions.is_due(&demands, now) {
            held.divisions = held.divisions.next(&[NodeDemands { node, demands, said_at: now }], now);
        }
        Ok(Divided { time: now, divisions: held.divisions.clone() })
    }

    /// It goes.
    pub(super) fn leave(&self, owner: Owner) {
        let mut held = self.0.lock();
        if held.node.take_if(|node| node.owner == owner).is_some() {
            held.divisions = Divisions::default();
        }
    }

    /// It, if it is there.
    pub(super) fn nodes(&self) -> Vec<Node> {
        self.0.lock().node.iter().cloned().collect()
    }

    /// Whose attempts are not interrupted when `asker` looks for such: [`is_interrupted`](posthouse_core::cluster::is_interrupted).
    pub(super) fn spared(&self, asker: Owner, now: Timestamp) -> Option<Owner> {
        let held = self.0.lock();
        let node = held.node.as_ref()?;
        let is_dead = now >= after(node.beat_at, DEAD_AFTER);
        (node.owner != asker && !is_dead).then_some(node.owner)
    }
}
