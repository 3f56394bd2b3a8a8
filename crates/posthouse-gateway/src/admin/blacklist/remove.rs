//! `DELETE /api/v1/blacklist/{number}`: it does again.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, State},
};
use http::{HeaderMap, Uri};
use posthouse_api::ChangeMade;
use posthouse_core::{actor::Actor, provisioning::verbs::ProvisioningVerb};

use super::{
    super::{
        AdminState,
        answer::{JsonAnswer, ProblemAnswer},
    },
    changed,
};

/// Unblocks a number
#[utoipa::path(
    delete, path = "/blacklist/{number}", tag = "provisioning", operation_id = "unblock_number",
    params(("number" = String, Path, description = "The number, in any usual spelling", pattern = "^\\+?[1-9][0-9]{6,14}$"), ("account" = Option<String>, Query, description = "For this account alone"), ("if-match" = Option<String>, Header, description = "The revision that is expected", pattern = "^\"?[0-9]{1,18}\"?$")),
    responses(
        (status = 200, description = "What came of it", body = ChangeMade),
        (status = 412, description = "Provisioning is at another revision"))
)]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Extension(by): Extension<Actor>,
    Path(number): Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<JsonAnswer<ChangeMade>, ProblemAnswer> {
    changed(&state, &by, &number, (&headers, &uri), ProvisioningVerb::Unblock).await
}
