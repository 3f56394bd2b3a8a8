//! `DELETE /api/v1/accounts/{name}/keys/{key}`: a key that is good beside the account's own is none any more.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, State},
};
use http::{HeaderMap, Uri};
use posthouse_api::ChangeMade;
use posthouse_core::{account::AccountName, actor::Actor, provisioning::verbs::ProvisioningVerb};

use super::{
    super::super::{
        AdminState,
        answer::{JsonAnswer, ProblemAnswer},
        change::requested,
    },
    own,
};

/// Ends a key that is good beside the account's own
#[utoipa::path(
    delete, path = "/accounts/{name}/keys/{key}", tag = "keys", operation_id = "remove_key",
    params(("name" = String, Path, description = "The account's name"), ("key" = String, Path, description = "Its id, or the leading characters of a VASPID as they are shown"), ("if-match" = Option<String>, Header, description = "The revision that is expected")),
    responses(
        (status = 200, description = "What came of it", body = ChangeMade),
        (status = 409, description = "It is the account's own, which another has to follow"),
        (status = 412, description = "Provisioning is at another revision"))
)]
pub(in super::super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Extension(by): Extension<Actor>,
    Path((name, key)): Path<(String, String)>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<JsonAnswer<ChangeMade>, ProblemAnswer> {
    own(&by, &name)?;
    let verb = ProvisioningVerb::RemoveKey { account: AccountName(name), key };
    requested(&state, &by, (&headers, &uri), &verb).await
}
