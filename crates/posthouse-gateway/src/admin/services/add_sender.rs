//! `PUT /api/v1/accounts/{name}/services/{vasid}/senders/{sender}`: a service may send under one more address.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, State},
};
use http::{HeaderMap, Uri};
use posthouse_api::ChangeMade;
use posthouse_core::{account::AccountName, actor::Actor, provisioning::verbs::ProvisioningVerb};

use super::super::{
    AdminState,
    answer::{JsonAnswer, ProblemAnswer},
    change::requested,
};

/// Lets a service send under one more address
#[utoipa::path(
    put, path = "/accounts/{name}/services/{vasid}/senders/{sender}", tag = "provisioning", operation_id = "add_sender",
    params(("name" = String, Path, description = "The account's name"), ("vasid" = String, Path, description = "The service"), ("sender" = String, Path, description = "The SenderAddress"), ("if-match" = Option<String>, Header, description = "The revision that is expected", pattern = "^\"?[0-9]{1,18}\"?$")),
    responses(
        (status = 200, description = "What came of it", body = ChangeMade),
        (status = 412, description = "Provisioning is at another revision"))
)]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Extension(by): Extension<Actor>,
    Path((account, vasid, sender)): Path<(String, String, String)>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<JsonAnswer<ChangeMade>, ProblemAnswer> {
    let verb = ProvisioningVerb::AddSender { account: AccountName(account), vasid, sender };
    requested(&state, &by, (&headers, &uri), &verb).await
}
