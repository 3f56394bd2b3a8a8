//! What an operator does by hand.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreResult;
use crate::{
    Id,
    actor::Actor,
    life::{
        intervention::{FailedCallback, FailedFilter, Intervention, Ruling},
        reroute::RerouteTarget,
    },
};

/// Does what an operator asks for. A [visitor](super#who-may-do-what) may do all of it, beside a running gateway: what that holds a
/// lease on is left alone. See the [module](super) for what every operation keeps, and for the errors that each may have.
#[async_trait]
pub trait OperationsStore: Send + Sync + 'static {
    /// What [`intervene`](Self::intervene) would do to these messages, in their order. Nothing is changed.
    ///
    /// # Errors
    /// Those of every operation that reads.
    async fn judge(&self, ids: &[Id], intervention: Intervention, now: Timestamp)
    -> StoreResult<Vec<Ruling>>;

    /// Does to messages what an operator asks for, to each that it may be done to ([`Intervention::judge`]), all in one
    /// transaction, with a line on the timeline of each that says who, and a row of [audit](crate::audit). In the order of `ids`: whether it was done, or why not.
    ///
    /// # Errors
    /// Those of every operation that writes. It may be asked for again after any of them: what was done already is judged to be.
    async fn intervene(
        &self,
        ids: &[Id],
        intervention: Intervention,
        by: &Actor,
        now: Timestamp,
    ) -> StoreResult<Vec<Ruling>>;

    /// Sends messages that wait elsewhere, to each that it may be done to by where it stands ([`Intervention::Reroute`]): the next attempt
    /// is due at once. What is provisioned [was asked before](RerouteTarget::judge). As [`intervene`](Self::intervene) in all else.
    ///
    /// # Errors
    /// As [`intervene`](Self::intervene).
    async fn reroute(
        &self,
        ids: &[Id],
        to: &RerouteTarget,
        parked: bool,
        by: &Actor,
        now: Timestamp,
    ) -> StoreResult<Vec<Ruling>>;

    /// Callbacks that were kept as failed and match, newest first, at most `limit`.
    ///
    /// # Errors
    /// Those of every operation that reads.
    async fn failed_callbacks(&self, filter: &FailedFilter, limit: usize)
    -> StoreResult<Vec<FailedCallback>>;

    /// Makes callbacks that were kept as failed due again, with all their tries, in one transaction with a row of
    /// [audit](crate::audit); returns which. Left alone are
    /// those that have not failed, and those that are [superseded](FailedCallback::superseded). One whose message owes another
    /// report already comes after that.
    ///
    /// # Errors
    /// Those of every operation that writes. It may be asked for again after any of them.
    async fn resend(&self, callbacks: &[Id], by: &Actor, now: Timestamp) -> StoreResult<Vec<Id>>;
}
