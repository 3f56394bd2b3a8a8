//! `DELETE /api/v1/accounts/{name}/services/{vasid}/senders/{sender}`: a service may not send under an address any more.

use axum::extract::Path;
use posthouse_api::ChangeMade;
use posthouse_core::{account::AccountName, provisioning::verbs::ProvisioningVerb};

use super::super::{
    change::{ChangeAnswer, ChangeRequest},
    parameters::IfMatch,
};

/// Lets a service send under an address no more
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/accounts/{name}/services/{vasid}/senders/{sender}", tag = "provisioning", operation_id = "remove_sender",
    params(("name" = String, Path, description = "The account's name"), ("vasid" = String, Path, description = "The service"), ("sender" = String, Path, description = "The SenderAddress"), IfMatch),
    responses(
        (status = 200, description = "What came of it", body = ChangeMade),
        (status = 412, description = "Provisioning is at another revision"))
))]
pub(in super::super) async fn handle(
    Path((account, vasid, sender)): Path<(String, String, String)>,
    request: ChangeRequest,
) -> ChangeAnswer {
    let verb = ProvisioningVerb::RemoveSender { account: AccountName(account), vasid, sender };
    request.carry_out(&verb).await
}
