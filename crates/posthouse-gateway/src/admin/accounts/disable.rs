//! `POST /api/v1/accounts/{name}/disable`: its requests are refused by 2550.

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

/// Lets an account send no more
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/accounts/{name}/disable", tag = "provisioning", operation_id = "disable_account",
    params(("name" = String, Path, description = "The account's name"), IfMatch),
    responses(
        (status = 200, description = "What came of it", body = ChangeMade),
        (status = 409, description = "It is a sandbox, which is neither"),
        (status = 412, description = "Provisioning is at another revision"))
))]
pub(in super::super) async fn handle(Path(name): Path<String>, request: ChangeRequest) -> ChangeAnswer {
    let verb = ProvisioningVerb::SetStatus { account: AccountName(name), status: AccountStatus::Disabled };
    request.carry_out(&verb).await
}
