//! `POST /api/v1/accounts/{name}/enable`: it may send again.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, State},
};
use http::{HeaderMap, Uri};
use posthouse_api::ChangeMade;
use posthouse_core::{
    account::{AccountName, AccountStatus},
    actor::Actor,
    provisioning::verbs::ProvisioningVerb,
};

use super::super::{
    AdminState,
    answer::{JsonAnswer, ProblemAnswer},
    change::requested,
};

/// Lets an account send again
#[utoipa::path(
    post, path = "/accounts/{name}/enable", tag = "provisioning", operation_id = "enable_account",
    params(("name" = String, Path, description = "The account's name"), ("if-match" = Option<String>, Header, description = "The revision that is expected", pattern = "^\"?[0-9]{1,18}\"?$")),
    responses(
        (status = 200, description = "What came of it", body = ChangeMade),
        (status = 409, description = "It is a sandbox, which is neither"),
        (status = 412, description = "Provisioning is at another revision"))
)]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Extension(by): Extension<Actor>,
    Path(name): Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<JsonAnswer<ChangeMade>, ProblemAnswer> {
    let verb = ProvisioningVerb::SetStatus { account: AccountName(name), status: AccountStatus::Active };
    requested(&state, &by, (&headers, &uri), &verb).await
}
