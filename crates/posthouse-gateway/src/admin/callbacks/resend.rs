//! `POST /api/v1/callbacks/{id}/resend`: a callback that failed for good, or waits for its next try, is due at once, with all its tries.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, State},
};
use http::Uri;
use jiff::Timestamp;
use posthouse_api::{CallbackView, ProblemCode, ProblemDetails};
use posthouse_core::{actor::Actor, life::callback::NotRetried, store::Store};

use super::{
    super::{
        AdminState, VerbError,
        answer::{JsonAnswer, ProblemAnswer},
        patiently,
        query::Parameters,
    },
    get::get,
    id_of, own, unknown,
};

/// Makes a callback due at once, with all its tries anew
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/callbacks/{id}/resend", tag = "callbacks", operation_id = "resend_callback",
    params(("id" = String, Path, description = "The callback's id")),
    responses(
        (status = 200, description = "The callback, as it stands then", body = CallbackView),
        (status = 409, description = "It was left alone"))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Path(id): Path<String>,
    Extension(by): Extension<Actor>,
    uri: Uri,
) -> Result<JsonAnswer<CallbackView>, ProblemAnswer> {
    Parameters::of(&uri).finish()?;
    own(&*state.store, &id, &by).await?;
    let resent = resend(&*state.store, &id, &by, state.clock.now()).await?;
    state.bell.ring();
    Ok(JsonAnswer(resent))
}

/// Makes it due. It is shown as it stands then.
///
/// # Errors
/// There is none, why it is left alone, or what the store says.
pub async fn resend(
    store: &dyn Store,
    id: &str,
    by: &Actor,
    now: Timestamp,
) -> Result<CallbackView, VerbError> {
    let ids = [id_of(id)?];
    match patiently(|| store.retry_callbacks(&ids, by, now)).await?.first() {
        Some(Ok(())) => get(store, id, now).await,
        Some(Err(NotRetried::Unknown)) | None => Err(unknown(id).into()),
        Some(Err(why)) => {
            let problem = ProblemDetails::new(ProblemCode::LeftAlone).detail(format!("it is {why}"));
            Err(problem.remedy(why.remedy()).into())
        }
    }
}
