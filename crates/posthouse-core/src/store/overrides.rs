//! Overrides of connections.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreResult;
use crate::{
    actor::Actor,
    carrier::CarrierId,
    overrides::{ConnectionOverride, OverrideKind},
};

/// Keeps what operators decide about connections for a while. A [visitor](super#who-may-do-what) may do all of it. See the
/// [module](super) for what every operation keeps, and for the errors that each may have.
#[async_trait]
pub trait OverrideStore: Send + Sync + 'static {
    /// The overrides that are in force at `now`, by carrier, connection and kind; also of connections that are not provisioned any more.
    /// There are at most two for each connection that ever had one. Cheap enough to ask several times a second.
    ///
    /// # Errors
    /// Those of every operation that reads.
    async fn overrides(&self, now: Timestamp) -> StoreResult<Vec<ConnectionOverride>>;

    /// Puts one in force, in place of the one of its kind that the connection may have, with a row of [audit](crate::audit). Those that
    /// are over by now are forgotten.
    ///
    /// # Errors
    /// Those of every operation that writes. It may be asked for again after any of them.
    async fn put_override(&self, put: &ConnectionOverride, by: &Actor, now: Timestamp) -> StoreResult<()>;

    /// Ends one, with a row of [audit](crate::audit). Says whether there was one in force.
    ///
    /// # Errors
    /// Those of every operation that writes.
    async fn lift_override(
        &self,
        carrier: &CarrierId,
        connection: &str,
        kind: OverrideKind,
        by: &Actor,
        now: Timestamp,
    ) -> StoreResult<bool>;
}
