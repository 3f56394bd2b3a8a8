//! `GET /api/v1/accounts/{name}`: an account, with all that is provisioned of it but secrets.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, State},
    response::Response,
};
use http::Uri;
use posthouse_api::AccountView;
use posthouse_core::{actor::Actor, store::NumberStore};

use super::{
    super::{
        AdminState, VerbError,
        answer::{ProblemAnswer, at_revision},
        context::is_there,
        query::Parameters,
        unknown,
    },
    view,
};

/// One account, without its secrets
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/accounts/{name}", tag = "provisioning", operation_id = "get_account",
    params(("name" = String, Path, description = "Its name")),
    responses((status = 200, description = "The account; `ETag` is the revision", body = AccountView))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Path(name): Path<String>,
    Extension(by): Extension<Actor>,
    uri: Uri,
) -> Result<Response, ProblemAnswer> {
    Parameters::of(&uri).finish()?;
    if !is_there(&by, &name) {
        return Err(unknown("account", &name).into());
    }
    let (account, revision) = get(&*state.store, &name).await?;
    Ok(at_revision(&account, revision))
}

/// An account, and the revision at which it is so.
///
/// # Errors
/// There is none of this name, or the store fails.
pub async fn get<S: NumberStore + ?Sized>(store: &S, name: &str) -> Result<(AccountView, u64), VerbError> {
    let current = store.without_numbers().await?;
    let account = current.accounts.iter().find(|account| account.name.0 == name);
    let account = account.ok_or_else(|| unknown("account", name))?;
    Ok((view(account), current.revision))
}
