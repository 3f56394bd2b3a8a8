//! `GET /api/v1/unmatched-reports/{number}`: one report whose message is not known.

use super::super::parameters::Reveal;
use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, State},
};
use http::Uri;
use posthouse_api::{ProblemCode, ProblemDetails, UnmatchedView};
use posthouse_core::{
    actor::{Actor, Right},
    store::{Store, UnmatchedFilter},
};

use super::{
    super::{
        AdminState, VerbError,
        answer::{JsonAnswer, ProblemAnswer},
        context::need,
        query::Parameters,
    },
    views,
};

/// One report whose message is not known
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/unmatched-reports/{number}", tag = "unmatched-reports", operation_id = "get_unmatched_report",
    params(("number" = i64, Path, description = "Its number"), Reveal),
    responses((status = 200, description = "The report", body = UnmatchedView))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Path(number): Path<String>,
    Extension(by): Extension<Actor>,
    uri: Uri,
) -> Result<JsonAnswer<UnmatchedView>, ProblemAnswer> {
    let mut given = Parameters::of(&uri);
    let reveal = given.flag("reveal");
    given.finish()?;
    if reveal {
        need(&by, Right::Reveal)?;
    }
    let number = number.parse().map_err(|_| unknown(&number))?;
    Ok(JsonAnswer(get(&*state.store, number, reveal).await?))
}

/// The one of this number.
///
/// # Errors
/// There is none: it was applied, or went; or what the store says.
pub async fn get(store: &dyn Store, number: i64, reveal: bool) -> Result<UnmatchedView, VerbError> {
    let filter = UnmatchedFilter { below: number.checked_add(1), ..UnmatchedFilter::default() };
    let found = store.unmatched(&filter, 1).await?.into_iter().find(|found| found.number == number);
    Ok(views::report(&found.ok_or_else(|| unknown(number))?, reveal))
}

fn unknown(number: impl std::fmt::Display) -> ProblemDetails {
    ProblemDetails::new(ProblemCode::NotFound)
        .detail(format!("no report {number} waits for its message"))
        .remedy("one that was applied is on the timeline of its message")
}
