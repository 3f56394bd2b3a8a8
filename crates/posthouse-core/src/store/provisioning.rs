//! Provisioning: all of it, under one revision.

use async_trait::async_trait;

use super::StoreResult;
use crate::provisioning::{Change, Provisioning};

/// Keeps provisioning. A [visitor](super#who-may-do-what) may do all of it. See the [module](super) for what every operation keeps,
/// and for the errors that each may have.
#[async_trait]
pub trait ProvisioningStore: Send + Sync + 'static {
    /// The revision of provisioning; cheap enough to ask several times a second.
    ///
    /// # Errors
    /// Those of every operation that reads.
    async fn revision(&self) -> StoreResult<u64>;

    /// All of provisioning, at one revision.
    ///
    /// # Errors
    /// [`Corrupt`](super::StoreError::Corrupt) when any of it cannot be read: nothing is left out without a word.
    async fn provisioning(&self) -> StoreResult<Provisioning>;

    /// Makes changes, all or none, and returns the new revision. With `expected`, only when the revision is still that one.
    ///
    /// # Errors
    /// [`RevisionMoved`](super::StoreError::RevisionMoved) when it is not: plan anew. After
    /// [`Failed`](super::StoreError::Failed) the revision tells whether the changes were made.
    async fn change(&self, changes: &[Change], expected: Option<u64>) -> StoreResult<u64>;

    /// The store's own secret key, made at random when the store is created: VASPIDs are hashed under it.
    ///
    /// # Errors
    /// Those of every operation that reads.
    async fn key(&self) -> StoreResult<[u8; 32]>;
}
