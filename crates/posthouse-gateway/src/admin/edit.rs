//! What PUT, PATCH and DELETE of things that are provisioned have in common.

use std::sync::Arc;

use axum::{body::Body, extract::Request, response::Response};
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
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it is a parameter's documentation")]
pub(super) struct AllowRemovals {
    /// Let credentials, callbacks, connections, services, accounts or carriers end by it.
    allow_removals: Option<bool>,
}

/// Makes it what the body says.
pub(super) async fn put(
    state: Arc<AdminState>,
    by: Actor,
    path: ThingPath,
    request: Request,
) -> Result<Response, ProblemAnswer> {
    let (head, document) = document(request, JSON).await?;
    answer(state, by, path, ThingEdit::Put(document), &head).await
}

/// Merges what the body says into it.
pub(super) async fn patch(
    state: Arc<AdminState>,
    by: Actor,
    path: ThingPath,
    request: Request,
) -> Result<Response, ProblemAnswer> {
    let (head, document) = document(request, MERGE_PATCH).await?;
    answer(state, by, path, ThingEdit::Patch(document), &head).await
}

/// Removes it.
pub(super) async fn remove(
    state: Arc<AdminState>,
    by: Actor,
    path: ThingPath,
    request: Request,
) -> Result<Response, ProblemAnswer> {
    let (head, _) = request.into_parts();
    answer(state, by, path, ThingEdit::Remove, &head).await
}

/// The head of a request, and its body as JSON; `also` is another type in which that may come.
async fn document(
    request: Request<Body>,
    also: &str,
) -> Result<(http::request::Parts, Value), ProblemDetails> {
    let (head, body) = request.into_parts();
    if !body::is_of_type(&head.headers, JSON) && !body::is_of_type(&head.headers, also) {
        return Err(body::unsupported(also));
    }
    let document = body::from_json(&body::bytes(body).await)?;
    Ok((head, document))
}

async fn answer(
    state: Arc<AdminState>,
    by: Actor,
    path: ThingPath,
    change: ThingEdit,
    head: &http::request::Parts,
) -> Result<Response, ProblemAnswer> {
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
