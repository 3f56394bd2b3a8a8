//! `DELETE /api/v1/accounts/{name}/keys/{key}`: a key that is good beside the account's own is none any more.

use axum::extract::Path;
use posthouse_api::ChangeMade;
use posthouse_core::{account::AccountName, provisioning::verbs::ProvisioningVerb};

use super::{
    super::super::change::{ChangeAnswer, ChangeRequest},
    own,
};

/// Ends a key that is good beside the account's own
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/accounts/{name}/keys/{key}", tag = "keys", operation_id = "remove_key",
    params(("name" = String, Path, description = "The account's name"), ("key" = String, Path, description = "Its id, or the leading characters of a VASPID as they are shown"), ("if-match" = Option<String>, Header, description = "The revision that is expected")),
    responses(
        (status = 200, description = "What came of it", body = ChangeMade),
        (status = 409, description = "It is the account's own, which another has to follow"),
        (status = 412, description = "Provisioning is at another revision"))
))]
pub(in super::super::super) async fn handle(
    Path((name, key)): Path<(String, String)>,
    request: ChangeRequest,
) -> ChangeAnswer {
    own(&request.by, &name)?;
    let verb = ProvisioningVerb::RemoveKey { account: AccountName(name), key };
    request.carry_out(&verb).await
}
