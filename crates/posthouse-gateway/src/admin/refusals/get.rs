//! `GET /api/v1/refusals/{id}`: one refusal, with the head of its request.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, State},
};
use http::Uri;
use posthouse_api::{ProblemCode, ProblemDetails, RefusalView};
use posthouse_core::{
    actor::Actor,
    store::{RefusalFilter, Store},
};

use super::{
    super::{
        AdminState, VerbError,
        answer::{JsonAnswer, ProblemAnswer},
        listed,
        query::Parameters,
    },
    views,
};

/// One refusal, with the head of its request
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/refusals/{id}", tag = "refusals", operation_id = "get_refusal",
    params(("id" = String, Path, description = "Its id")),
    responses((status = 200, description = "The refusal", body = RefusalView))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Path(id): Path<String>,
    Extension(by): Extension<Actor>,
    uri: Uri,
) -> Result<JsonAnswer<RefusalView>, ProblemAnswer> {
    Parameters::of(&uri).finish()?;
    let found = get(&*state.store, &id).await?;
    match by.account().is_none_or(|own| found.account.as_ref() == Some(&own.0)) {
        true => Ok(JsonAnswer(found)),
        false => Err(unknown(&id).into()),
    }
}

/// The one with this id.
///
/// # Errors
/// There is none, or what the store says.
pub async fn get(store: &dyn Store, id: &str) -> Result<RefusalView, VerbError> {
    let number: i64 = id.parse().map_err(|_| unknown(id))?;
    let filter = RefusalFilter { below: number.checked_add(1), ..RefusalFilter::default() };
    let found = store.refusals(&filter, 1).await?.into_iter().find(|kept| kept.number == number);
    Ok(views::refusal(&found.ok_or_else(|| unknown(id))?, true))
}

fn unknown(id: &str) -> ProblemDetails {
    ProblemDetails::new(ProblemCode::NotFound)
        .detail(format!("there is no refusal {id}"))
        .remedy(listed("refusals list", "refusals"))
}
