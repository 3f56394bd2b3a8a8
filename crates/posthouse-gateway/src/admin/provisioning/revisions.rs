//! `GET /api/v1/provisioning/revisions`: who changed provisioning, when and what for, the newest first.

use super::super::parameters::{Cursor, Limit};
use std::sync::Arc;

use axum::extract::State;
use http::Uri;
use posthouse_api::{PageOf, RevisionView};
use posthouse_core::{
    provisioning::revision::Revision,
    store::{RevisionStore, StoreResult},
};

use super::super::{
    AdminState,
    answer::{JsonAnswer, ProblemAnswer, page_of},
    query::{NO_CURSOR, Parameters},
};

/// Who changed provisioning, when and what for, the newest first
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/provisioning/revisions", tag = "provisioning", operation_id = "list_revisions",
    params(Cursor, Limit),
    responses((status = 200, description = "A page of revisions", body = PageOf<RevisionView>))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    uri: Uri,
) -> Result<JsonAnswer<PageOf<RevisionView>>, ProblemAnswer> {
    let number = |text: &str| text.parse::<u64>().map_err(|_| NO_CURSOR);
    let mut given = Parameters::of(&uri);
    let (below, limit) = (given.read("cursor", number), given.limit());
    given.finish()?;
    Ok(JsonAnswer(list(&*state.store, below, limit).await?))
}

/// A page of them. It has a next one when it is full.
///
/// # Errors
/// What the store says.
pub async fn list<S: RevisionStore + ?Sized>(
    store: &S,
    below: Option<u64>,
    limit: usize,
) -> StoreResult<PageOf<RevisionView>> {
    let kept = store.revisions(below, limit).await?;
    let view = |kept: Revision| RevisionView {
        number: kept.number,
        at: kept.at,
        actor: kept.actor,
        reason: kept.reason,
        summary: kept.summary,
        things: kept.things,
    };
    Ok(page_of(kept, limit, |last| last.number.to_string(), view))
}
