//! Brings what a store holds to what a file declares.

use jiff::Timestamp;
use posthouse_core::{
    actor::Actor,
    provisioning::{Ground, Plan},
    store::{ProvisioningStore, StoreError},
};

use super::{
    provisioning::{declared, plan},
    reader::{ConfigErrors, ConfigFile, Environment},
};

/// How often a plan is made anew because somebody else changed provisioning meanwhile.
pub(super) const TRIES: usize = 10;

/// Why a file was not applied, or could not be planned. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// The file is not right.
    #[error(transparent)]
    Mistakes(#[from] ConfigErrors),
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Others change provisioning faster than it can be planned.
    #[error("provisioning was changed by others {TRIES} times meanwhile; try again")]
    Contended,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// What was changed, and what was not.
    pub plan: Plan,
    /// The revision that provisioning is at now.
    pub revision: u64,
}

/// Plans what [`apply`] would do now; the revision is the one that it was planned for.
///
/// # Errors
/// The file's mistakes, or the store's failure.
pub async fn prepare(
    store: &dyn ProvisioningStore,
    document: &ConfigFile,
    environment: &Environment<'_>,
    prune: bool,
) -> Result<Applied, ApplyError> {
    let key = store.key().await?;
    let current = store.provisioning().await?;
    let declared = declared(document, environment, &key, Ground { current: &current, prune })?;
    Ok(Applied { plan: plan(&declared, &current), revision: current.revision })
}

/// Makes provisioning what a file declares: all of it, or nothing. A plan that is overtaken by another change is made anew.
///
/// # Errors
/// The file's mistakes, the store's failure, or too many overtaking changes.
pub async fn apply(
    store: &dyn ProvisioningStore,
    document: &ConfigFile,
    environment: &Environment<'_>,
    prune: bool,
    by: &Actor,
    now: Timestamp,
) -> Result<Applied, ApplyError> {
    for _ in 0..TRIES {
        let Applied { plan, revision } = prepare(store, document, environment, prune).await?;
        if plan.changes.is_empty() {
            return Ok(Applied { plan, revision });
        }
        match store.change(&plan.changes, Some(revision), by, now).await {
            Ok(revision) => return Ok(Applied { plan, revision }),
            Err(StoreError::RevisionMoved { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(ApplyError::Contended)
}
