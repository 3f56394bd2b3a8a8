//! What PUT, PATCH and DELETE of things that are provisioned have in common.

use std::sync::Arc;

use axum::{
    Extension,
    body::Body,
    extract::{FromRequest, FromRequestParts as _, Request, rejection::ExtensionRejection},
    response::Response,
};
use http::request::Parts;
use posthouse_api::{ChangeMade, ProblemCode, ProblemDetails, ProblemError};
use posthouse_core::{actor::Actor, provisioning::reading::Problems, store::StoreError};
use serde_json::Value;
use tokio::task::spawn_blocking;

use super::{
    AdminState, VerbError,
    answer::{JSON, ProblemAnswer, at_revision},
    body,
    provisioning::{AGAIN, broke, if_match, mistake, moved, removes, wait},
    query::Parameters,
    unknown,
};
use crate::config::{
    Applied,
    edit::{EditError, EditMode, ThingEdit, ThingPath, edit},
};

/// The media type of what is merged with what is there (RFC 7396).
const MERGE_PATCH: &str = "application/merge-patch+json";

/// Parameters of such a change.
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[expect(dead_code, reason = "it is a parameter's documentation")]
pub(super) struct AllowRemovals {
    /// Let credentials, callbacks, connections, services, accounts or carriers end by it.
    allow_removals: Option<bool>,
}

/// For what a document is refused.
#[cfg_attr(feature = "openapi", derive(utoipa::IntoResponses))]
#[expect(dead_code, reason = "it is the documentation of answers")]
pub(super) enum DocumentRefused {
    /// It would end what somebody may depend on
    #[cfg_attr(feature = "openapi", response(status = 409))]
    Removes,
    /// Provisioning is at another revision
    #[cfg_attr(feature = "openapi", response(status = 412))]
    Moved,
    /// The document has mistakes
    #[cfg_attr(feature = "openapi", response(status = 422))]
    Mistakes,
}

/// For what a removal is refused.
#[cfg_attr(feature = "openapi", derive(utoipa::IntoResponses))]
#[expect(dead_code, reason = "it is the documentation of answers")]
pub(super) enum RemovalRefused {
    /// Somebody may depend on it
    #[cfg_attr(feature = "openapi", response(status = 409))]
    Removes,
    /// Provisioning is at another revision
    #[cfg_attr(feature = "openapi", response(status = 412))]
    Moved,
    /// Something else names it
    #[cfg_attr(feature = "openapi", response(status = 422))]
    Named,
}

/// What came of an edit.
pub(super) type EditAnswer = Result<Response, ProblemAnswer>;

/// A request to put, patch or remove one thing that is provisioned.
pub(super) struct EditRequest {
    state: Arc<AdminState>,
    by: Actor,
    head: Parts,
    body: Body,
}

impl EditRequest {
    /// Makes it what the body says.
    pub async fn put(self, path: ThingPath) -> EditAnswer {
        let document = document(&self.head, self.body, JSON).await?;
        answer(self.state, self.by, path, ThingEdit::Put(document), &self.head).await
    }

    /// Merges what the body says into it.
    pub async fn patch(self, path: ThingPath) -> EditAnswer {
        let document = document(&self.head, self.body, MERGE_PATCH).await?;
        answer(self.state, self.by, path, ThingEdit::Patch(document), &self.head).await
    }

    /// Removes it.
    pub async fn remove(self, path: ThingPath) -> EditAnswer {
        answer(self.state, self.by, path, ThingEdit::Remove, &self.head).await
    }
}

impl FromRequest<Arc<AdminState>> for EditRequest {
    type Rejection = ExtensionRejection;

    async fn from_request(request: Request, state: &Arc<AdminState>) -> Result<Self, ExtensionRejection> {
        let (mut head, body) = request.into_parts();
        let Extension(by) = Extension::from_request_parts(&mut head, state).await?;
        Ok(Self { state: Arc::clone(state), by, head, body })
    }
}

/// A body as JSON; `also` is another type in which that may come.
async fn document(head: &Parts, body: Body, also: &str) -> Result<Value, ProblemDetails> {
    if !body::is_of_type(&head.headers, JSON) && !body::is_of_type(&head.headers, also) {
        return Err(body::unsupported(also));
    }
    body::from_json(&body::bytes(body).await)
}

async fn answer(
    state: Arc<AdminState>,
    by: Actor,
    path: ThingPath,
    change: ThingEdit,
    head: &Parts,
) -> EditAnswer {
    let mut given = Parameters::of(&head.uri);
    let allow_removals = given.flag("allow_removals");
    given.finish()?;
    let mode = EditMode { expected: if_match(&head.headers)?, allow_removals };
    let done = spawn_blocking(move || {
        let now = state.clock.now();
        wait(edit(&*state.store, &path, &change, mode, &by, now)).map_err(refused)
    });
    let Applied { plan, revision } = done.await.map_err(broke)??;
    Ok(at_revision(ChangeMade { revision, changed: !plan.changes.is_empty() }, revision))
}

fn refused(error: EditError) -> VerbError {
    match error {
        EditError::Unknown { kind, name } => unknown(kind, &name).into(),
        EditError::Mistakes(Problems(problems)) => {
            let errors = problems.into_iter().map(|problem| ProblemError {
                pointer: problem.spot.line().is_none().then(|| problem.spot.to_string()),
                ..mistake(problem.what)
            });
            ProblemDetails::new(ProblemCode::InvalidDocument).with_errors(errors.collect()).into()
        }
        EditError::Removes(losses) => removes(&losses).into(),
        EditError::Store(StoreError::RevisionMoved { expected, found }) => moved(expected, found).into(),
        EditError::Store(error) => error.into(),
        EditError::Contended => {
            ProblemDetails::new(ProblemCode::Unavailable).detail(error.to_string()).remedy(AGAIN).into()
        }
    }
}
