//! `GET /api/v1/audit`: what operators did, the newest first.

use std::sync::Arc;

use axum::{Extension, extract::State, response::Response};
use http::Uri;
use posthouse_api::{AuditQuery, AuditRow, PageOf, ProblemCode, ProblemDetails, ProblemError};
use posthouse_core::{
    actor::{Actor, Right},
    audit::{AuditFilter, AuditRecord, AuditVerb},
    provisioning::words::OneOfWords as _,
    shown::masked,
    store::Store,
};

use super::super::{
    AdminState, VerbError,
    answer::{self, ProblemAnswer},
    context::need,
    parameters::{Limit, Reveal},
    query::{NO_CURSOR, Parameters, in_parameter},
};

/// Who changed what, the newest first
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/audit", tag = "audit", operation_id = "list_audit",
    params(AuditQuery, Limit, Reveal),
    responses((status = 200, description = "A page of changes", body = PageOf<AuditRow>))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Extension(by): Extension<Actor>,
    uri: Uri,
) -> Result<Response, ProblemAnswer> {
    let mut given = Parameters::of(&uri);
    let (since, until) = given.window();
    let query = AuditQuery {
        actor: given.one("actor"),
        verb: given.one("verb"),
        target: given.one("target"),
        since,
        until,
        cursor: given.one("cursor"),
    };
    let (limit, reveal) = (given.limit(), given.flag("reveal"));
    given.finish()?;
    if reveal {
        need(&by, Right::Reveal)?;
    }
    Ok(answer::page(list(&*state.store, &query, limit, reveal).await?, &uri))
}

/// A page of what was done. It has a next one when it is full.
///
/// # Errors
/// The query cannot be read, or what the store says.
pub async fn list(
    store: &dyn Store,
    query: &AuditQuery,
    limit: usize,
    reveal: bool,
) -> Result<PageOf<AuditRow>, VerbError> {
    let rows = store.audit(&filter(query)?, limit).await?;
    Ok(answer::page_of(rows, limit, |last| last.number.to_string(), |row| view(row, reveal)))
}

fn filter(query: &AuditQuery) -> Result<AuditFilter, ProblemDetails> {
    let wrong = |error| ProblemDetails::new(ProblemCode::InvalidParameter).error(error);
    if let Some(verb) = &query.verb
        && AuditVerb::of_word(verb).is_none()
    {
        let known: Vec<_> = AuditVerb::ALL.iter().map(|verb| verb.word()).collect();
        let error = ProblemError::in_parameter("verb", format!("there is no verb {verb:?}"));
        return Err(wrong(error.with_remedy(format!("write one of {}", known.join(", ")))));
    }
    let below = query
        .cursor
        .as_deref()
        .map(str::parse)
        .transpose()
        .map_err(|_| wrong(in_parameter("cursor", NO_CURSOR)))?;
    Ok(AuditFilter {
        since: query.since,
        before: query.until,
        below,
        actor: query.actor.clone(),
        verb: query.verb.clone(),
        target: query.target.clone(),
    })
}

fn view(AuditRecord { number, entry }: AuditRecord, reveal: bool) -> AuditRow {
    let shown = |text: String| if reveal { text } else { masked(&text).into_owned() };
    AuditRow {
        number: number.to_string(),
        at: entry.at,
        actor: entry.actor,
        role: entry.role,
        credential: entry.credential,
        address: entry.address,
        verb: entry.verb,
        target: entry.target,
        before: entry.before,
        after: entry.after,
        reason: entry.reason.map(shown),
    }
}
