//! Provisioning: what a document would change, and changing it.
//!
//! A document brings everything it needs: the gateway reads neither its own environment nor its own files for the sender of one.

pub mod apply;
pub mod diff;
pub mod export;
pub mod outside;
pub mod plan;
pub mod revisions;
pub mod rollback;

use std::{net::SocketAddr, sync::Arc};

use axum::{body::Body, extract::Request};
use http::{HeaderMap, Uri, header};
use posthouse_api::{
    PlannedField, PlannedStep, ProblemCode, ProblemDetails, ProblemError, ProvisioningPlan,
    ProvisioningRequest,
};
use posthouse_core::{
    actor::Actor,
    mistake::Mistake,
    provisioning::{Plan, PlanAction, PlanStep, ThingKind},
    shown::masked,
    store::StoreError,
};
use tokio::{runtime::Handle, task::spawn_blocking};

use super::{
    AdminState, VerbError,
    answer::{JSON, JsonAnswer, ProblemAnswer},
    body, listed,
    query::Parameters,
};
use crate::{
    carrier::open,
    config::{
        Applied, ApplyError, ApplyMode, ConfigErrors, ConfigFile, ConfigMistake, revisions::RevisionError,
    },
};

/// The media type of a document that is sent as it is.
const TOML: &str = "application/toml";
/// What to do when others change provisioning all the time.
pub(super) const AGAIN: &str = "try again";
/// What a document is called in messages.
const DOCUMENT: &str = "document";

/// A plan as it is shown, with the revision of provisioning: the one place where plans become JSON.
pub fn shown(plan: &Plan, revision: u64, carriers_listen: SocketAddr) -> ProvisioningPlan {
    let warnings = open::warnings(carriers_listen, &plan.open_carriers);
    ProvisioningPlan { warnings, ..steps(plan, revision, |step| step.name.clone()) }
}

/// The same of what needs no warnings, for it was so before, and is told to whoever may look: numbers of handsets are masked, but where
/// they are revealed.
fn differences(plan: &Plan, revision: u64, reveal: bool) -> ProvisioningPlan {
    steps(plan, revision, |step| match step.kind {
        ThingKind::Blacklist if !reveal => masked(&step.name).into_owned(),
        _ => step.name.clone(),
    })
}

fn steps(plan: &Plan, revision: u64, name: impl Fn(&PlanStep) -> String) -> ProvisioningPlan {
    let steps = plan.steps.iter().map(|step| PlannedStep {
        kind: step.kind.to_string(),
        name: name(step),
        action: step.action.to_string(),
        fields: step
            .fields
            .iter()
            .map(|field| PlannedField {
                field: field.field.clone(),
                from: field.from.clone(),
                to: field.to.clone(),
            })
            .collect(),
    });
    ProvisioningPlan {
        revision,
        create: plan.count(PlanAction::Create),
        change: plan.count(PlanAction::Change),
        remove: plan.count(PlanAction::Remove),
        keep: plan.count(PlanAction::Keep),
        steps: steps.collect(),
        losses: plan.losses.clone(),
        warnings: Vec::new(),
    }
}

/// Parameters of a document that is sent as it is.
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[expect(dead_code, reason = "it is a parameter's documentation")]
struct Prune {
    /// Remove what the document does not name.
    prune: Option<bool>,
    /// Leave what the document leaves out of an account, a carrier or the lookup as it is.
    partial: Option<bool>,
    /// Let credentials, callbacks, connections, services, accounts or carriers end by it.
    allow_removals: Option<bool>,
}

/// What a verb does with a document.
type Verb = fn(&AdminState, &ProvisioningRequest, &Actor) -> Result<Applied, VerbError>;

/// Reads the request, and does it away from the threads that serve requests: passwords are hashed, and there may be a great many
/// things.
async fn answer(
    state: Arc<AdminState>,
    by: Actor,
    request: Request,
    verb: Verb,
) -> Result<JsonAnswer<ProvisioningPlan>, ProblemAnswer> {
    let (head, body) = request.into_parts();
    let request = read(&head.headers, &head.uri, body).await?;
    let done = spawn_blocking(move || {
        let Applied { plan, revision } = verb(&state, &request, &by)?;
        Ok::<_, VerbError>(shown(&plan, revision, state.carriers_listen))
    });
    Ok(JsonAnswer(done.await.map_err(broke)??))
}

pub(super) fn broke(error: tokio::task::JoinError) -> ProblemDetails {
    tracing::error!(%error, "provisioning broke off");
    ProblemDetails::new(ProblemCode::Internal)
}

/// Why revisions cannot be looked at or gone back to, as a refusal.
fn unrevised(error: RevisionError) -> VerbError {
    let said = error.to_string();
    let (code, remedy) = match error {
        RevisionError::Store(error) => return error.into(),
        RevisionError::Moved { expected, found } => return moved(expected, found).into(),
        RevisionError::Unknown { .. } | RevisionError::Forgotten { .. } => {
            (ProblemCode::NotFound, listed_revisions())
        }
        RevisionError::Contended => (ProblemCode::Unavailable, AGAIN.to_owned()),
    };
    ProblemDetails::new(code).detail(said).remedy(remedy).into()
}

/// What a remedy says of where revisions are listed.
fn listed_revisions() -> String {
    listed("provisioning revisions", "provisioning/revisions")
}

/// Waits for the store on a thread that may wait.
pub(super) fn wait<T>(work: impl Future<Output = T>) -> T {
    Handle::current().block_on(work)
}

/// A document as TOML, with parameters beside it; or both in one as JSON.
async fn read(headers: &HeaderMap, uri: &Uri, body: Body) -> Result<ProvisioningRequest, ProblemDetails> {
    let mut given = Parameters::of(uri);
    let (prune, partial) = (given.flag("prune"), given.flag("partial"));
    let allow_removals = given.flag("allow_removals");
    given.finish()?;
    let expected = if_match(headers)?;
    let bytes = body::bytes(body).await;
    let request = if body::is_of_type(headers, JSON) {
        body::from_json::<ProvisioningRequest>(&bytes)?
    } else if body::is_of_type(headers, TOML) {
        let text = String::from_utf8(bytes.into());
        let toml = text.map_err(|_| {
            ProblemDetails::new(ProblemCode::Malformed)
                .detail("the document is not UTF-8")
                .remedy("save it as UTF-8")
        })?;
        ProvisioningRequest { toml, ..ProvisioningRequest::default() }
    } else {
        return Err(body::unsupported(TOML));
    };
    let mistakes = outside::refused(&request.toml);
    if !mistakes.is_empty() {
        return Err(invalid(mistakes));
    }
    Ok(ProvisioningRequest {
        prune: request.prune || prune,
        partial: request.partial || partial,
        allow_removals: request.allow_removals || allow_removals,
        expect_revision: request.expect_revision.or(expected),
        ..request
    })
}

/// The revision in `If-Match`, with or without quotes.
pub(super) fn if_match(headers: &HeaderMap) -> Result<Option<u64>, ProblemDetails> {
    let Some(value) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    let number = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let revision = number.parse().map_err(|_| {
        ProblemDetails::new(ProblemCode::Malformed)
            .detail("If-Match is no revision of provisioning")
            .remedy("send one such as If-Match: \"7\"")
    })?;
    Ok(Some(revision))
}

/// A document as the reader takes it.
fn document(request: &ProvisioningRequest) -> ConfigFile {
    ConfigFile { file: DOCUMENT.to_owned(), text: request.toml.clone(), folder: "".into() }
}

/// How a document is read.
fn mode(request: &ProvisioningRequest) -> ApplyMode {
    let &ProvisioningRequest { prune, partial, allow_removals, expect_revision: expected, .. } = request;
    ApplyMode { prune, partial, expected, allow_removals }
}

pub(super) fn moved(expected: u64, revision: u64) -> ProblemDetails {
    ProblemDetails::new(ProblemCode::RevisionMoved)
        .detail(format!("provisioning is at revision {revision}, not at {expected}; nothing was changed"))
        .remedy("plan again")
}

/// That something would end on which somebody may depend.
pub(super) fn removes(losses: &[String]) -> ProblemDetails {
    ProblemDetails::new(ProblemCode::Removes)
        .detail(format!("this would end {}; nothing was changed", losses.join(", ")))
        .remedy("look whether that is meant, and send it again with allow_removals=true")
}

fn refused(error: ApplyError) -> VerbError {
    match error {
        ApplyError::Mistakes(ConfigErrors { mistakes }) => {
            let errors = mistakes.into_iter().map(|ConfigMistake { line, what, .. }| mistake_at(line, what));
            invalid(errors.collect()).into()
        }
        ApplyError::Removes(losses) => removes(&losses).into(),
        ApplyError::Store(StoreError::RevisionMoved { expected, found }) => moved(expected, found).into(),
        ApplyError::Store(error) => error.into(),
        contended @ ApplyError::Contended => {
            ProblemDetails::new(ProblemCode::Unavailable).detail(contended.to_string()).remedy(AGAIN).into()
        }
    }
}

fn invalid(errors: Vec<ProblemError>) -> ProblemDetails {
    ProblemDetails::new(ProblemCode::InvalidDocument).with_errors(errors)
}

/// A mistake of a document.
pub(super) fn mistake_at(line: Option<usize>, what: Mistake) -> ProblemError {
    ProblemError { line, ..mistake(what) }
}

/// The same, wherever it stands.
pub(super) fn mistake(Mistake { problem, remedy }: Mistake) -> ProblemError {
    ProblemError { detail: problem, remedy, ..ProblemError::default() }
}
