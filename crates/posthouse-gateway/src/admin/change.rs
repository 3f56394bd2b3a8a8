//! What the verbs of one thing have in common: who does it, at which revision, and what came of it.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{FromRequestParts, rejection::ExtensionRejection},
};
use http::request::Parts;
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

/// What came of a change.
pub(super) type ChangeAnswer = Result<JsonAnswer<ChangeMade>, ProblemAnswer>;

/// A request for a change that its path names, and its query: it has no body.
pub(super) struct ChangeRequest {
    /// Who asks.
    pub by: Actor,
    state: Arc<AdminState>,
    head: Parts,
}

impl ChangeRequest {
    /// Its query.
    pub fn parameters(&self) -> Parameters {
        Parameters::of(&self.head.uri)
    }

    /// The revision at which it asks that provisioning is.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn expected(&self) -> Result<Option<u64>, ProblemDetails> {
        if_match(&self.head.headers)
    }

    /// Does what it asks for, which takes no parameters.
    pub async fn carry_out(&self, verb: &ProvisioningVerb) -> ChangeAnswer {
        self.parameters().finish()?;
        self.carry_out_at(self.expected()?, verb).await
    }

    /// Does what it asks for; with `expected`, only when provisioning is at that revision.
    pub async fn carry_out_at(&self, expected: Option<u64>, verb: &ProvisioningVerb) -> ChangeAnswer {
        let Self { state, by, .. } = self;
        Ok(JsonAnswer(change(&*state.store, verb, expected, by, state.clock.now()).await?))
    }
}

impl FromRequestParts<Arc<AdminState>> for ChangeRequest {
    type Rejection = ExtensionRejection;

    async fn from_request_parts(
        head: &mut Parts,
        state: &Arc<AdminState>,
    ) -> Result<Self, ExtensionRejection> {
        let Extension(by) = Extension::from_request_parts(head, state).await?;
        Ok(Self { state: Arc::clone(state), by, head: head.clone() })
    }
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
