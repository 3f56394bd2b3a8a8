//! `GET /api/v1/services`: which account may send as what, and to which carriers.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::Uri;
use posthouse_api::{PageOf, ServiceView};
use posthouse_core::store::NumberStore;

use super::super::{
    AdminState, VerbError,
    accounts::service_view,
    answer::{self, ProblemAnswer},
    not_provisioned,
    query::Parameters,
};

/// Services of accounts, with the senders that they may use
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/services", tag = "provisioning", operation_id = "list_services",
    params(("account" = Option<String>, Query, description = "Only this account's"), ("sender" = Option<String>, Query, description = "Only those that may send as this")),
    responses((status = 200, description = "All of them", body = PageOf<ServiceView>))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    uri: Uri,
) -> Result<Response, ProblemAnswer> {
    let mut given = Parameters::of(&uri);
    let (account, sender) = (given.one("account"), given.one("sender"));
    given.finish()?;
    let items = list(&*state.store, account.as_deref(), sender.as_deref()).await?;
    Ok(answer::page(PageOf { items, next: None }, &uri))
}

/// All services; only those of an account, or that may send as `sender`, where that is asked for.
///
/// # Errors
/// There is no such account, or what the store says.
pub async fn list<S: NumberStore + ?Sized>(
    store: &S,
    account: Option<&str>,
    sender: Option<&str>,
) -> Result<Vec<ServiceView>, VerbError> {
    let accounts = store.without_numbers().await?.accounts;
    if let Some(name) = account
        && !accounts.iter().any(|account| account.name.0 == name)
    {
        return Err(not_provisioned("account", name).into());
    }
    let of_account = accounts.iter().filter(|one| account.is_none_or(|name| one.name.0 == name));
    let all =
        of_account.flat_map(|account| account.services.iter().map(|service| service_view(account, service)));
    Ok(all
        .filter(|service| sender.is_none_or(|sender| service.senders.iter().any(|own| own == sender)))
        .collect())
}
