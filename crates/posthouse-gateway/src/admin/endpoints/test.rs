//! `POST /api/v1/endpoints/{account}/test`: posts a report on a message that never was, and says what the VASP answers.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, State},
};
use http::Uri;
use jiff::Timestamp;
use posthouse_api::{EndpointTested, ProblemCode, ProblemDetails};
use posthouse_core::{account::AccountName, actor::Actor, provisioning::Snapshot};

use super::{
    super::{
        AdminState,
        answer::{JsonAnswer, ProblemAnswer},
        context::is_there,
        query::Parameters,
        unreadable::escaped,
    },
    no_account,
};
use crate::callbacks::trial::try_out;

/// Posts a report on a message that never was to an account
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/endpoints/{account}/test", tag = "endpoints", operation_id = "test_endpoint",
    params(("account" = String, Path, description = "The account's name")),
    responses(
        (status = 200, description = "What came of it", body = EndpointTested),
        (status = 409, description = "It was left alone"))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Path(account): Path<String>,
    Extension(by): Extension<Actor>,
    uri: Uri,
) -> Result<JsonAnswer<EndpointTested>, ProblemAnswer> {
    Parameters::of(&uri).finish()?;
    if !is_there(&by, &account) {
        return Err(no_account(&account).into());
    }
    Ok(JsonAnswer(test(&state.snapshot.get(), &account, state.clock.now()).await?))
}

/// Tests it; within the account's own time-out.
///
/// # Errors
/// There is no such account, or it has nowhere to send to.
pub async fn test(
    snapshot: &Snapshot,
    account: &str,
    now: Timestamp,
) -> Result<EndpointTested, ProblemDetails> {
    let account = snapshot.account(&AccountName(account.to_owned())).ok_or_else(|| no_account(account))?;
    let trial = try_out(account, now).await.map_err(|why| {
        ProblemDetails::new(ProblemCode::LeftAlone).detail(why).remedy("provision its report_url")
    })?;
    let acknowledged = trial.said.is_none();
    let said = trial.said.unwrap_or_default();
    Ok(EndpointTested {
        url: trial.url,
        acknowledged,
        took_ms: u64::try_from(trial.took.as_millis()).unwrap_or(u64::MAX),
        http_status: said.http_status,
        said: escaped(said.words.as_bytes()),
        body: escaped(&said.body),
    })
}
