//! What revisions changed together, and the way back to one of them.

use jiff::Timestamp;
use posthouse_core::{
    actor::Actor,
    provisioning::{
        Plan,
        revision::{Revised, oldest_state, together},
    },
    store::{Store, StoreError},
};

use super::{
    apply::{Applied, TRIES},
    provisioning::fingerprints,
};

/// Why revisions cannot be compared, or gone back to. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RevisionError {
    /// There is no such revision.
    #[error("there is no revision {asked}; provisioning is at revision {present}")]
    Unknown {
        /// Which was asked for.
        asked: u64,
        /// The revision there is.
        present: u64,
    },
    /// It was, and what came after it is not kept any more.
    #[error("revision {asked} is not kept any more; the oldest that can be gone back to is {oldest}")]
    Forgotten {
        /// Which was asked for.
        asked: u64,
        /// The oldest that can be.
        oldest: u64,
    },
    /// Provisioning is at another revision than was expected.
    #[error("provisioning is at revision {found}, not at {expected}; nothing was changed")]
    Moved {
        /// Which was expected.
        expected: u64,
        /// Which it is.
        found: u64,
    },
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Others change provisioning faster than it can be taken back.
    #[error("provisioning was changed by others {TRIES} times meanwhile")]
    Contended,
}

/// What changed between two revisions, from the state at the one to that at the other; the other may be the older one.
///
/// # Errors
/// One of them is not known, or not any more, or the store fails.
pub async fn between(store: &dyn Store, from: u64, to: u64) -> Result<Vec<Revised>, RevisionError> {
    let (lower, upper) = (from.min(to), from.max(to));
    let present = store.revision().await?;
    if upper > present {
        return Err(RevisionError::Unknown { asked: upper, present });
    }
    let oldest = oldest_state(present, store.oldest_revision().await?);
    if lower < oldest {
        return Err(RevisionError::Forgotten { asked: lower, oldest });
    }
    let mut all = Vec::new();
    for number in lower.saturating_add(1)..=upper {
        // The oldest may go while they are read.
        let forgotten = RevisionError::Forgotten { asked: lower, oldest: number };
        all.extend(store.revised(number).await?.ok_or(forgotten)?);
    }
    let revised = together(all);
    Ok(if from <= to { revised } else { revised.into_iter().map(Revised::back).collect() })
}

/// What happened to each thing, for people.
pub fn steps_of(revised: &[Revised]) -> Plan {
    let mut steps: Vec<_> = revised.iter().filter_map(|one| one.step(&fingerprints)).collect();
    steps.sort_by(|one, other| (one.kind, &one.name).cmp(&(other.kind, &other.name)));
    Plan { steps, ..Plan::default() }
}

/// Brings provisioning back to what it was at a revision, which is a new revision; with `expected`, only when it is at that one now.
/// `dry_run` only says what would change.
///
/// # Errors
/// It is not known, or not any more; provisioning is at another revision than was expected; the store fails.
pub async fn roll_back(
    store: &dyn Store,
    to: u64,
    expected: Option<u64>,
    dry_run: bool,
    by: &Actor,
    now: Timestamp,
) -> Result<Applied, RevisionError> {
    for _ in 0..TRIES {
        let revision = store.revision().await?;
        if let Some(expected) = expected.filter(|expected| *expected != revision) {
            return Err(RevisionError::Moved { expected, found: revision });
        }
        let revised = between(store, revision, to).await?;
        let plan =
            Plan { changes: revised.iter().filter_map(Revised::change).collect(), ..steps_of(&revised) };
        if dry_run || plan.changes.is_empty() {
            return Ok(Applied { plan, revision });
        }
        match store.change(&plan.changes, Some(revision), by, now).await {
            Ok(revision) => return Ok(Applied { plan, revision }),
            Err(StoreError::RevisionMoved { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(RevisionError::Contended)
}
