//! What the verbs of one thing have in common: who does it, at which revision, and what came of it.

use http::{HeaderMap, Uri};
use jiff::Timestamp;
use posthouse_api::{ChangeMade, ProblemCode, ProblemDetails};
use posthouse_core::{
    actor::Actor,
    provisioning::verbs::{ProvisioningVerb, VerbRefusal},
    store::{Store, StoreError},
};

use super::{
    AdminState, VerbError,
    answer::{JsonAnswer, ProblemAnswer},
    provisioning::{AGAIN, if_match, moved},
    query::Parameters,
};
use crate::config::verbs::{self, VerbFailure};

/// Does it as the request asks, which has no parameters.
pub(super) async fn requested(
    state: &AdminState,
    by: &Actor,
    (headers, uri): (&HeaderMap, &Uri),
    verb: &ProvisioningVerb,
) -> Result<JsonAnswer<ChangeMade>, ProblemAnswer> {
    Parameters::of(uri).finish()?;
    let expected = if_match(headers)?;
    Ok(JsonAnswer(change(&*state.store, verb, expected, by, state.clock.now()).await?))
}

/// Does it; with `expected`, only when provisioning is at that revision.
///
/// # Errors
/// It cannot be done, provisioning is at another revision, or the store fails.
pub async fn change(
    store: &dyn Store,
    verb: &ProvisioningVerb,
    expected: Option<u64>,
    by: &Actor,
    now: Timestamp,
) -> Result<ChangeMade, VerbError> {
    let done = verbs::carry_out(store, verb, expected, by, now).await;
    let (revision, changed) = done.map_err(refused)?;
    Ok(ChangeMade { revision, changed })
}

fn refused(failure: VerbFailure) -> VerbError {
    let code = match &failure {
        VerbFailure::Store(StoreError::RevisionMoved { expected, found }) => {
            return moved(*expected, *found).into();
        }
        VerbFailure::Store(error) => return error.clone().into(),
        VerbFailure::Refused(VerbRefusal::LastSender { .. } | VerbRefusal::NoSender { .. }) => {
            ProblemCode::InvalidParameter
        }
        VerbFailure::Refused(
            VerbRefusal::KeyTaken { .. }
            | VerbRefusal::TooManyKeys { .. }
            | VerbRefusal::OwnKey { .. }
            | VerbRefusal::Sandbox { .. },
        ) => ProblemCode::LeftAlone,
        VerbFailure::Refused(_) => ProblemCode::NotFound,
        VerbFailure::Contended => ProblemCode::Unavailable,
    };
    let problem = ProblemDetails::new(code).detail(failure.to_string());
    let remedy = match &failure {
        VerbFailure::Refused(refusal) => refusal.remedy(),
        VerbFailure::Contended => Some(AGAIN),
        VerbFailure::Store(_) => None,
    };
    match remedy {
        Some(remedy) => problem.remedy(remedy).into(),
        None => problem.into(),
    }
}
