//! Carries a verb out on a store.

use jiff::Timestamp;
use posthouse_core::{
    actor::Actor,
    provisioning::verbs::{ProvisioningVerb, VerbRefusal},
    store::{Store, StoreError},
};

use super::apply::TRIES;

/// Why a verb was not carried out. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerbFailure {
    /// It cannot be done.
    #[error(transparent)]
    Refused(#[from] VerbRefusal),
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Others change provisioning faster than it can be looked at.
    #[error("provisioning was changed by others {TRIES} times meanwhile")]
    Contended,
}

/// Does it; with `expected`, only when provisioning is at that revision. The revision that it is at now, and whether anything changed.
///
/// # Errors
/// It cannot be done, provisioning is at another revision, or the store fails.
pub async fn carry_out(
    store: &dyn Store,
    verb: &ProvisioningVerb,
    expected: Option<u64>,
    by: &Actor,
    now: Timestamp,
) -> Result<(u64, bool), VerbFailure> {
    for _ in 0..TRIES {
        let mut current = store.without_numbers().await?;
        if let Some(expected) = expected.filter(|expected| *expected != current.revision) {
            return Err(StoreError::RevisionMoved { expected, found: current.revision }.into());
        }
        if let ProvisioningVerb::Block(entry) | ProvisioningVerb::Unblock(entry) = verb {
            current.blacklist = store.blacklisted(&entry.number).await?;
        }
        let changes = verb.changes(&current)?;
        if changes.is_empty() {
            return Ok((current.revision, false));
        }
        match store.change(&changes, Some(current.revision), by, now).await {
            Ok(revision) => return Ok((revision, true)),
            Err(StoreError::RevisionMoved { .. }) if expected.is_none() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(VerbFailure::Contended)
}
