//! `PUT /api/v1/blacklist/{number}`: a number gets nothing any more; with `account`, nothing from that account.

use axum::extract::Path;
use posthouse_api::ChangeMade;
use posthouse_core::provisioning::verbs::ProvisioningVerb;

use super::{
    super::{
        change::{ChangeAnswer, ChangeRequest},
        parameters::IfMatch,
    },
    changed,
};

/// Blocks a number
#[cfg_attr(feature = "openapi", utoipa::path(
    put, path = "/blacklist/{number}", tag = "provisioning", operation_id = "block_number",
    params(("number" = String, Path, description = "The number, in any usual spelling", pattern = "^\\+?[1-9][0-9]{6,14}$"), ("account" = Option<String>, Query, description = "For this account alone"), IfMatch),
    responses(
        (status = 200, description = "What came of it", body = ChangeMade),
        (status = 412, description = "Provisioning is at another revision"))
))]
pub(in super::super) async fn handle(Path(number): Path<String>, request: ChangeRequest) -> ChangeAnswer {
    changed(&request, &number, ProvisioningVerb::Block).await
}
