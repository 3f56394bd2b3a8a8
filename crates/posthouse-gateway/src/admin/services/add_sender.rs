//! `PUT /api/v1/accounts/{name}/services/{vasid}/senders/{sender}`: a service may send under one more address.

use axum::extract::Path;
use posthouse_api::ChangeMade;
use posthouse_core::{account::AccountName, provisioning::verbs::ProvisioningVerb};

use super::super::{
    change::{ChangeAnswer, ChangeRequest},
    parameters::IfMatch,
};

/// Lets a service send under one more address
#[cfg_attr(feature = "openapi", utoipa::path(
    put, path = "/accounts/{name}/services/{vasid}/senders/{sender}", tag = "provisioning", operation_id = "add_sender",
    params(("name" = String, Path, description = "The account's name"), ("vasid" = String, Path, description = "The service"), ("sender" = String, Path, description = "The SenderAddress"), IfMatch),
    responses(
        (status = 200, description = "What came of it", body = ChangeMade),
        (status = 412, description = "Provisioning is at another revision"))
))]
pub(in super::super) async fn handle(
    Path((account, vasid, sender)): Path<(String, String, String)>,
    request: ChangeRequest,
) -> ChangeAnswer {
    let verb = ProvisioningVerb::AddSender { account: AccountName(account), vasid, sender };
    request.carry_out(&verb).await
}
