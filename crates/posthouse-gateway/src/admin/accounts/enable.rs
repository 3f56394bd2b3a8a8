//! `POST /api/v1/accounts/{name}/enable`: it may send again.

use axum::extract::Path;
use posthouse_api::ChangeMade;
use posthouse_core::{
    account::{AccountName, AccountStatus},
    provisioning::verbs::ProvisioningVerb,
};

use super::super::{
    change::{ChangeAnswer, ChangeRequest},
    parameters::IfMatch,
};

/// Lets an account send again
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/accounts/{name}/enable", tag = "provisioning", operation_id = "enable_account",
    params(("name" = String, Path, description = "The account's name"), IfMatch),
    responses(
        (status = 200, description = "What came of it", body = ChangeMade),
        (status = 409, description = "It is a sandbox, which is neither"),
        (status = 412, description = "Provisioning is at another revision"))
))]
pub(in super::super) async fn handle(Path(name): Path<String>, request: ChangeRequest) -> ChangeAnswer {
    let verb = ProvisioningVerb::SetStatus { account: AccountName(name), status: AccountStatus::Active };
    request.carry_out(&verb).await
}
