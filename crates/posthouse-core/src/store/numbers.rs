//! Ranges and the blacklist, of which there may be a million, a page at a time.

use async_trait::async_trait;

use super::StoreResult;
use crate::{
    address::Msisdn,
    provisioning::{Blacklisted, Prefix, Provisioning, Range},
};

/// Reads provisioning without reading all of its numbers. A [visitor](super#who-may-do-what) may do all of it.
#[async_trait]
pub trait NumberStore: Send + Sync + 'static {
    /// Accounts, carriers and the lookup, at one revision: provisioning whose ranges and blacklist are left out.
    ///
    /// # Errors
    /// [`Corrupt`](super::StoreError::Corrupt) when any of it cannot be read.
    async fn without_numbers(&self) -> StoreResult<Provisioning>;

    /// The entries of the blacklist for a number, by account: that for every account is the first.
    ///
    /// # Errors
    /// Those of every operation that reads.
    async fn blacklisted(&self, number: &Msisdn) -> StoreResult<Vec<Blacklisted>>;

    /// The blacklist, by number and account: at most `limit` entries behind `after`.
    ///
    /// # Errors
    /// Those of every operation that reads.
    async fn blacklist(&self, after: Option<&Blacklisted>, limit: usize) -> StoreResult<Vec<Blacklisted>>;

    /// The ranges, by prefix: at most `limit` of them behind `after`.
    ///
    /// # Errors
    /// Those of every operation that reads.
    async fn ranges(&self, after: Option<&Prefix>, limit: usize) -> StoreResult<Vec<Range>>;
}
