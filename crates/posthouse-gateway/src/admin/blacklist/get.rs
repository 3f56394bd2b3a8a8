//! `GET /api/v1/blacklist/{number}`: for whom a number is blocked.

use super::super::parameters::Reveal;
use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, State},
    response::Response,
};
use http::Uri;
use posthouse_api::{BlacklistEntry, PageOf};
use posthouse_core::{
    actor::{Actor, Right},
    address::Msisdn,
    provisioning::Blacklisted,
    store::{NumberStore, StoreResult},
};

use super::super::{
    AdminState,
    answer::{self, ProblemAnswer},
    context::need,
    number_of,
    query::Parameters,
};

/// Whether a number is blocked, for all or for some accounts
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/blacklist/{number}", tag = "numbers", operation_id = "get_blacklisted",
    params(("number" = String, Path, description = "The number, in any spelling", pattern = "^\\+?[1-9][0-9]{6,14}$"), Reveal),
    responses((status = 200, description = "Where it is blocked", body = PageOf<BlacklistEntry>))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Extension(by): Extension<Actor>,
    Path(number): Path<String>,
    uri: Uri,
) -> Result<Response, ProblemAnswer> {
    let mut given = Parameters::of(&uri);
    let reveal = given.flag("reveal");
    given.finish()?;
    if reveal {
        need(&by, Right::Reveal)?;
    }
    let items = get(&*state.store, &number_of(&number)?, reveal).await?;
    Ok(answer::page(PageOf { items, next: None }, &uri))
}

/// The entries of a number: for every account, and for each by itself. None where it is not blocked.
///
/// # Errors
/// What the store says.
pub async fn get<S: NumberStore + ?Sized>(
    store: &S,
    number: &Msisdn,
    reveal: bool,
) -> StoreResult<Vec<BlacklistEntry>> {
    let entries = store.blacklisted(number).await?;
    Ok(entries.iter().map(|entry| view(entry, reveal)).collect())
}

/// An entry as it is shown.
pub fn view(entry: &Blacklisted, reveal: bool) -> BlacklistEntry {
    let number = if reveal { entry.number.as_str().to_owned() } else { entry.number.to_string() };
    BlacklistEntry { number, account: entry.account.as_ref().map(ToString::to_string) }
}
