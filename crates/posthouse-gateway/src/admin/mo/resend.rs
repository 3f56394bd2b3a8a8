//! `POST /api/v1/mo/{id}/resend`: a message from a handset is owed once more, whether it failed, waits, or was delivered.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, State},
};
use http::Uri;
use jiff::Timestamp;
use posthouse_api::{MoView, ProblemCode, ProblemDetails};
use posthouse_core::{actor::Actor, life::callback::NotRetried, store::Store};

use super::{
    super::{
        AdminState, VerbError,
        answer::{JsonAnswer, ProblemAnswer},
        context::is_there,
        patiently,
        query::Parameters,
    },
    get::get,
    id_of, unknown,
};

/// Makes a message from a handset due again
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/mo/{id}/resend", tag = "mo", operation_id = "resend_mo",
    params(("id" = String, Path, description = "Its LinkedID")),
    responses(
        (status = 200, description = "The message, as it stands then", body = MoView),
        (status = 409, description = "It was left alone"))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Path(id): Path<String>,
    Extension(by): Extension<Actor>,
    uri: Uri,
) -> Result<JsonAnswer<MoView>, ProblemAnswer> {
    Parameters::of(&uri).finish()?;
    if by.account().is_some() && !is_there(&by, &get(&*state.store, &id, false).await?.account) {
        return Err(unknown(id).into());
    }
    let resent = resend(&*state.store, &id, &by, state.clock.now()).await?;
    state.bell.ring();
    Ok(JsonAnswer(resent))
}

/// Makes it owed. It is shown as it stands then.
///
/// # Errors
/// There is none, why it is left alone, or what the store says.
pub async fn resend(store: &dyn Store, id: &str, by: &Actor, now: Timestamp) -> Result<MoView, VerbError> {
    let ids = [id_of(id)?];
    match patiently(|| store.resend_mos(&ids, by, now)).await?.first() {
        Some(Ok(())) => get(store, id, false).await,
        Some(Err(NotRetried::Unknown)) | None => Err(unknown(id).into()),
        Some(Err(why)) => {
            let problem = ProblemDetails::new(ProblemCode::LeftAlone).detail(format!("it is {why}"));
            Err(problem.remedy(why.remedy()).into())
        }
    }
}
