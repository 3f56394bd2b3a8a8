//! `GET /api/v1/blacklist/export` and `…/ranges/export`: the list in CSV, a hundred thousand lines an answer.

use std::sync::Arc;

use axum::{Extension, extract::State, response::Response};
use http::{StatusCode as HttpStatus, Uri, header};
use posthouse_api::{ProblemCode, ProblemDetails, ProblemError};
use posthouse_core::{
    actor::Actor,
    audit::{AuditEntry, AuditVerb},
    provisioning::csv::NumberList,
    store::Store,
};

use super::{
    super::{
        AdminState, VerbError,
        answer::{ProblemAnswer, link, written},
        query::Parameters,
    },
    CSV,
};
use crate::config::numbers;

/// The blacklist, with whole numbers
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/blacklist/export", tag = "numbers", operation_id = "export_blacklist",
    params(("cursor" = Option<String>, Query, description = "As `Link` of the part before has it")),
    responses((status = 200, description = "Lines of number,account; `Link` leads to the next part, if there is one", body = String, content_type = "text/csv"))
))]
pub(in super::super) async fn handle_blacklist(
    State(state): State<Arc<AdminState>>,
    Extension(by): Extension<Actor>,
    uri: Uri,
) -> Result<Response, ProblemAnswer> {
    let answer = handle(&state, &uri, NumberList::Blacklist).await?;
    let entry = AuditEntry::new(&by, AuditVerb::Reveal, uri.path(), state.clock.now());
    state.store.record_audit(&entry).await?;
    Ok(answer)
}

/// The ranges
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/ranges/export", tag = "numbers", operation_id = "export_ranges",
    params(("cursor" = Option<String>, Query, description = "As `Link` of the part before has it")),
    responses((status = 200, description = "Lines of prefix,carrier; `Link` leads to the next part, if there is one", body = String, content_type = "text/csv"))
))]
pub(in super::super) async fn handle_ranges(
    State(state): State<Arc<AdminState>>,
    uri: Uri,
) -> Result<Response, ProblemAnswer> {
    handle(&state, &uri, NumberList::Ranges).await
}

async fn handle(state: &AdminState, uri: &Uri, list: NumberList) -> Result<Response, ProblemAnswer> {
    let mut given = Parameters::of(uri);
    let cursor = given.one("cursor");
    given.finish()?;
    let (text, next) = export(&*state.store, list, cursor.as_deref()).await?;
    let mut answer = written(HttpStatus::OK, CSV, text);
    if let Some(link) = next.and_then(|next| link(uri, &next)) {
        answer.headers_mut().insert(header::LINK, link);
    }
    Ok(answer)
}

/// A part of the list, behind the line that `cursor` is; and the cursor of the next part.
///
/// # Errors
/// The cursor is none, or what the store says.
pub async fn export(
    store: &dyn Store,
    list: NumberList,
    cursor: Option<&str>,
) -> Result<(String, Option<String>), VerbError> {
    let part = numbers::export(store, list, cursor).await?;
    Ok(part.ok_or_else(|| {
        let error = ProblemError::in_parameter("cursor", "it is none of this list");
        let error = error.with_remedy("follow Link of the part before");
        ProblemDetails::new(ProblemCode::InvalidParameter).error(error)
    })?)
}
