//! Brings what a store holds to what a file declares.

use jiff::Timestamp;
use posthouse_core::{
    actor::Actor,
    provisioning::{Ground, Plan},
    store::{ProvisioningStore, StoreError},
};

use super::{
    provisioning::{declared_in, plan},
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
    /// Somebody may depend on what would end.
    #[error("this would end {}", .0.join(", "))]
    Removes(Vec<String>),
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Others change provisioning faster than it can be planned.
    #[error("provisioning was changed by others {TRIES} times meanwhile")]
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

/// How a file is read, and what has to be so before it is applied.
#[derive(Clone, Copy, Debug, Default)]
pub struct ApplyMode {
    /// Whether what the file does not name goes.
    pub prune: bool,
    /// Whether what it leaves out of an account, a carrier or the lookup stays.
    pub partial: bool,
    /// The revision at which provisioning has to be, if at one.
    pub expected: Option<u64>,
    /// Whether what somebody may depend on may end by it ([`Plan::losses`]).
    pub allow_removals: bool,
}

/// Plans what [`apply`] would do now; the revision is the one that it was planned for.
///
/// # Errors
/// The file's mistakes, or the store's failure.
pub async fn prepare(
    store: &dyn ProvisioningStore,
    document: &ConfigFile,
    environment: &Environment<'_>,
    mode: ApplyMode,
) -> Result<Applied, ApplyError> {
    let ApplyMode { prune, partial, expected, allow_removals: _ } = mode;
    let key = store.key().await?;
    let current = store.provisioning().await?;
    if let Some(expected) = expected.filter(|expected| *expected != current.revision) {
        return Err(StoreError::RevisionMoved { expected, found: current.revision }.into());
    }
    let declared = declared_in(document, environment, &key, Ground { current: &current, prune }, partial)?;
    Ok(Applied { plan: plan(&declared, &current), revision: current.revision })
}

/// Makes provisioning what a file declares: all of it, or nothing, whatever ends by it. A plan that is overtaken by another change is made
/// anew.
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
    apply_in(
        store,
        document,
        environment,
        ApplyMode { prune, allow_removals: true, ..ApplyMode::default() },
        by,
        now,
    )
    .await
}

/// The same in another mode.
///
/// # Errors
/// Those of [`apply`]; [`ApplyError::Removes`] where something would end that may not; and [`StoreError::RevisionMoved`] where provisioning is not at the revision that was expected.
pub async fn apply_in(
    store: &dyn ProvisioningStore,
    document: &ConfigFile,
    environment: &Environment<'_>,
    mode: ApplyMode,
    by: &Actor,
    now: Timestamp,
) -> Result<Applied, ApplyError> {
    for _ in 0..TRIES {
        let Applied { plan, revision } = prepare(store, document, environment, mode).await?;
        if !plan.losses.is_empty() && !mode.allow_removals {
            return Err(ApplyError::Removes(plan.losses));
        }
        if plan.changes.is_empty() {
            return Ok(Applied { plan, revision });
        }
        match store.change(&plan.changes, Some(revision), by, now).await {
            Ok(revision) => return Ok(Applied { plan, revision }),
            Err(StoreError::RevisionMoved { .. }) if mode.expected.is_none() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(ApplyError::Contended)
}
