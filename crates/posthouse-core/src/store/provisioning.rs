//! Provisioning: all of it, under one revision.

use async_trait::async_trait;

use jiff::Timestamp;

use super::{StoreError, StoreResult};
use crate::{
    actor::Actor,
    provisioning::{
        Change, Provisioning,
        revision::{Revised, Revision},
    },
};

/// The revision after these changes of provisioning at revision `found`; `None` where there are none, and it stays.
///
/// # Errors
/// [`StoreError::RevisionMoved`] when another one was expected.
pub fn next_revision(found: u64, expected: Option<u64>, changes: &[Change]) -> StoreResult<Option<u64>> {
    if let Some(expected) = expected.filter(|expected| *expected != found) {
        return Err(StoreError::RevisionMoved { expected, found });
    }
    Ok((!changes.is_empty()).then(|| found.saturating_add(1)))
}

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

    /// Makes changes, all or none, with a row of [audit](crate::audit), and returns the new revision. With `expected`, only when the revision is still that one.
    /// What they change is kept with it ([`RevisionStore`]).
    ///
    /// # Errors
    /// [`RevisionMoved`](super::StoreError::RevisionMoved) when it is not: plan anew. After
    /// [`Failed`](super::StoreError::Failed) the revision tells whether the changes were made.
    async fn change(
        &self,
        changes: &[Change],
        expected: Option<u64>,
        by: &Actor,
        now: Timestamp,
    ) -> StoreResult<u64>;

    /// The store's own secret key, made at random when the store is created: VASPIDs are hashed under it.
    ///
    /// # Errors
    /// Those of every operation that reads.
    async fn key(&self) -> StoreResult<[u8; 32]>;
}

/// What changes of provisioning changed: the last of them, within the [bounds](crate::provisioning::revision). A
/// [visitor](super#who-may-do-what) may do all of it.
#[async_trait]
pub trait RevisionStore: Send + Sync + 'static {
    /// Revisions that are kept, the newest first, at most `limit` of them; with `below`, those of lower numbers.
    ///
    /// # Errors
    /// Those of every operation that reads.
    async fn revisions(&self, below: Option<u64>, limit: usize) -> StoreResult<Vec<Revision>>;

    /// The oldest revision that is kept.
    ///
    /// # Errors
    /// Those of every operation that reads.
    async fn oldest_revision(&self) -> StoreResult<Option<u64>>;

    /// What a revision changed; `None` where it is not kept.
    ///
    /// # Errors
    /// Those of every operation that reads.
    async fn revised(&self, number: u64) -> StoreResult<Option<Vec<Revised>>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_is_that_of_a_change() {
        let change = [Change::SetLookup(None)];
        let moved = |expected| Err(StoreError::RevisionMoved { expected, found: 7 });
        for (expected, changes, next) in [
            (None, &change[..], Ok(Some(8))),
            (Some(7), &change, Ok(Some(8))),
            (Some(6), &change, moved(6)),
            (Some(8), &[], moved(8)),
            (Some(7), &[], Ok(None)),
            (None, &[], Ok(None)),
        ] {
            assert_eq!(next_revision(7, expected, changes), next, "{expected:?} {changes:?}");
        }
    }
}
