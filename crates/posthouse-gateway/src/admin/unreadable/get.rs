//! `GET /api/v1/unreadable/{number}`: one of them, with its bytes.

use std::sync::Arc;

use axum::extract::{Path, State};
use http::Uri;
use posthouse_api::{ProblemCode, ProblemDetails, UnreadableRequest};
use posthouse_core::store::Store;

use super::{
    super::{
        AdminState, VerbError,
        answer::{JsonAnswer, ProblemAnswer},
        listed,
        query::Parameters,
    },
    views,
};

/// A request of a carrier that could not be read
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/unreadable/{number}", tag = "unreadable", operation_id = "get_unreadable",
    params(("number" = i64, Path, description = "Its number")),
    responses((status = 200, description = "The request, with its bytes", body = UnreadableRequest))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Path(number): Path<String>,
    uri: Uri,
) -> Result<JsonAnswer<UnreadableRequest>, ProblemAnswer> {
    Parameters::of(&uri).finish()?;
    let number = number.parse().map_err(|_| unknown(&number))?;
    Ok(JsonAnswer(get(&*state.store, number).await?))
}

/// The one of this number.
///
/// # Errors
/// There is none, or what the store says.
pub async fn get(store: &dyn Store, number: i64) -> Result<UnreadableRequest, VerbError> {
    let found = store.unreadable(None, number.checked_add(1), 1).await?;
    let found = found.into_iter().find(|found| found.number == number);
    Ok(views::request(&found.ok_or_else(|| unknown(number))?, true))
}

fn unknown(number: impl std::fmt::Display) -> ProblemDetails {
    ProblemDetails::new(ProblemCode::NotFound)
        .detail(format!("there is no unreadable request {number}"))
        .remedy(listed("messages unreadable", "unreadable"))
}
