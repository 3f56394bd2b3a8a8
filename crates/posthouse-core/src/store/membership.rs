//! The nodes that serve a store.

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Owner, StoreResult};
use crate::{Id, cluster::is_alive};

/// What comes to a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// A gateway: it takes messages and sends them.
    Gateway,
    /// A command that changes something by hand, beside the gateways.
    Visitor,
}

impl NodeKind {
    /// The number that stores keep of it.
    pub const fn number(self) -> u8 {
        match self {
            Self::Gateway => 0,
            Self::Visitor => 1,
        }
    }

    /// The one with this number, if there is one.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Gateway),
            1 => Some(Self::Visitor),
            _ => None,
        }
    }
}

/// Who comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joining {
    /// This run of it, by which the store knows its leases.
    pub owner: Owner,
    /// What it is.
    pub kind: NodeKind,
    /// Where its admin API is found, for other nodes and commands; empty for a visitor.
    pub address: String,
    /// The version of its program.
    pub version: String,
    /// What time it is by its own clock. A backend without a clock of its own goes by it.
    pub now: Timestamp,
}

/// What a node got when it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Membership {
    /// Its number, which is in the ids that it makes ([`cluster`](crate::cluster) says which there are).
    pub number: u8,
    /// How often that number was taken before: what an earlier holder still does is told from what this one does.
    pub epoch: u64,
    /// The store is for one gateway: all slots and all limits are this node's.
    pub is_only: bool,
    /// Its ids come after this one.
    pub ids_after: Option<Id>,
    /// Its ids are made at times before this; each beat moves it.
    pub ids_until: Timestamp,
    /// The store's time.
    pub time: Timestamp,
}

/// A node says that it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beat {
    /// Which run of a node.
    pub owner: Owner,
    /// The revision of provisioning that is in force there.
    pub revision: u64,
    /// It stops: it takes nothing new.
    pub is_draining: bool,
    /// What time it is by its own clock. A backend without a clock of its own goes by it.
    pub now: Timestamp,
}

/// What a node hears when it says that it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// The store's time.
    pub time: Timestamp,
    /// Ids are made at times before this from now on.
    pub ids_until: Timestamp,
    /// The revision of provisioning in the store.
    pub revision: u64,
    /// The gateways that are [alive](crate::cluster::is_alive), in the order of their numbers; this one is among them.
    pub alive: Vec<u8>,
    /// Why the node's program may not go on, in a sentence for its operator: the store needs a newer one from now on. It takes nothing and
    /// begins nothing any more, and leaves. `None`: it may go on.
    pub outdated: Option<String>,
}

/// A node, as others see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its number.
    pub number: u8,
    /// Which run of it has the number.
    pub owner: Owner,
    /// How often the number was taken, this run included.
    pub epoch: u64,
    /// What it is.
    pub kind: NodeKind,
    /// Where its admin API is found; empty for a visitor.
    pub address: String,
    /// The version of its program.
    pub version: String,
    /// The revision of provisioning that was in force there when it was last heard of.
    pub revision: u64,
    /// It stops.
    pub is_draining: bool,
    /// When it was last heard of.
    pub beat_at: Timestamp,
}

impl Node {
    /// Whether it takes a part of what waits, as the node of this owner sees it, which is alive itself.
    pub fn serves(&self, asker: Owner, now: Timestamp) -> bool {
        self.kind == NodeKind::Gateway && (self.owner == asker || is_alive(self.beat_at, now))
    }
}

/// Knows the nodes that serve a store. See the [module](super) for what every operation keeps, and for the errors that each may have.
///
/// A backend for one gateway gives that the number [0](crate::cluster::ONLY_NODE), keeps nothing of it on disk, and calls its own lock the
/// proof that there is no other.
#[async_trait]
pub trait MembershipStore: Send + Sync + 'static {
    /// A node comes: it gets a number that is [free](crate::cluster::is_number_free), or was this owner's before. No id is made twice under
    /// one number, whatever clocks say: the next holder begins behind where the last one might have come to.
    ///
    /// # Errors
    /// Those of every operation that writes; [`Refused`](super::StoreError::Refused) when no number is free, naming the nodes.
    async fn join(&self, joining: Joining) -> StoreResult<Membership>;

    /// A node says that it is there, every [`BEAT_EVERY`](crate::cluster::BEAT_EVERY).
    ///
    /// # Errors
    /// Those of every operation that writes; [`LostLease`](super::StoreError::LostLease) when its number is another's by now, or it never
    /// came: it must make no id and begin nothing any more.
    async fn heartbeat(&self, beat: Beat) -> StoreResult<Heartbeat>;

    /// A node goes, with everything given back: its slots and its part of [limits](super::DivisionStore) are others' at once, and its number
    /// is free. One that is not there is none.
    ///
    /// # Errors
    /// Those of every operation that writes. Nothing has to be done about them: it counts as dead after a while.
    async fn leave(&self, owner: Owner) -> StoreResult<()>;

    /// All nodes that have a number, dead ones with them till their number is taken, in the order of their numbers.
    ///
    /// # Errors
    /// Those of every operation that reads.
    async fn nodes(&self) -> StoreResult<Vec<Node>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gateways_serve_while_they_are_heard_of_and_the_asker_does_anyway() {
        let (at, own, other) = (|second| Timestamp::from_second(second).unwrap(), Owner(1), Owner(2));
        let node = |kind, owner| Node {
            number: 1,
            owner,
            epoch: 1,
            kind,
            address: String::new(),
            version: String::new(),
            revision: 0,
            is_draining: false,
            beat_at: at(100),
        };
        for (kind, owner, now, expected) in [
            (NodeKind::Gateway, other, 101, true),
            (NodeKind::Gateway, other, 102, false),
            (NodeKind::Gateway, own, 900, true),
            (NodeKind::Visitor, other, 100, false),
            (NodeKind::Visitor, own, 100, false),
        ] {
            assert_eq!(node(kind, owner).serves(own, at(now)), expected, "{kind:?} {owner:?} {now}");
        }
        for kind in [NodeKind::Gateway, NodeKind::Visitor] {
            assert_eq!(NodeKind::from_number(kind.number()), Some(kind));
        }
        assert_eq!(NodeKind::from_number(2), None);
    }
}
