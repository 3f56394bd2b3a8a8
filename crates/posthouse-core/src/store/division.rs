//! How limits are divided among the nodes that serve a store.

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Owner, StoreResult};
use crate::divisions::{Demands, Divisions};

/// A node says what it wants of the limits that all nodes keep together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanting {
    /// Which run of a node.
    pub owner: Owner,
    /// What it wants: of each limit that it knows, also where it wants nothing at present. There are as many as connections and accounts
    /// are provisioned, at most.
    pub demands: Demands,
    /// What time it is by its own clock. A backend without a clock of its own goes by it.
    pub now: Timestamp,
}

/// What a node hears then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divided {
    /// The store's time.
    pub time: Timestamp,
    /// How all limits are divided.
    pub divisions: Divisions,
}

/// Divides limits among the nodes. See the [module](super) for what every operation keeps, and for the errors that each may have.
///
/// Where a backend is for one gateway, that one has all of each limit, and need not ask.
#[async_trait]
pub trait DivisionStore: Send + Sync + 'static {
    /// A node says what it wants, every [`DIVIDE_EVERY`](crate::divisions::DIVIDE_EVERY), and hears what it has. Where it is
    /// [due](Divisions::is_due), the limits are [divided anew](Divisions::next) in the same transaction, by what all nodes last said; of two
    /// that come at a time, the later one sees what the earlier one made.
    ///
    /// # Errors
    /// Those of every operation that writes; [`LostLease`](super::StoreError::LostLease) when the node [is not
    /// there](super::MembershipStore), or its number is another's by now: it has nothing of any limit.
    async fn divide(&self, wanting: Wanting) -> StoreResult<Divided>;
}
