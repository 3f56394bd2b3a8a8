//! `GET /api/v1/accounts/{name}/keys`: what an account's requests may show, and when each was last used.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Extension,
    extract::{Path, State},
    response::Response,
};
use http::Uri;
use posthouse_api::{KeyView, PageOf};
use posthouse_core::{actor::Actor, store::Store};

use super::{
    super::super::{
        AdminState, VerbError,
        answer::{self, ProblemAnswer},
        query::Parameters,
        unknown,
    },
    own, views, with_uses,
};

/// The keys of an account, without their texts
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/accounts/{name}/keys", tag = "keys", operation_id = "list_keys",
    params(("name" = String, Path, description = "The account's name")),
    responses((status = 200, description = "All of them, its own first", body = PageOf<KeyView>))
))]
pub(in super::super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Extension(by): Extension<Actor>,
    Path(name): Path<String>,
    uri: Uri,
) -> Result<Response, ProblemAnswer> {
    Parameters::of(&uri).finish()?;
    own(&by, &name)?;
    let keys = list(&*state.store, &name).await?;
    let items = keys.into_iter().map(|key| with_uses(key, &state.key_uses)).collect();
    Ok(answer::page(PageOf { items, next: None }, &uri))
}

/// All of them.
///
/// # Errors
/// There is no such account, or what the store says.
pub async fn list(store: &dyn Store, name: &str) -> Result<Vec<KeyView>, VerbError> {
    let accounts = store.without_numbers().await?.accounts;
    let account = accounts.iter().find(|account| account.name.0 == name);
    let keys = views(account.ok_or_else(|| unknown("account", name))?);
    let ids: Vec<_> = keys.iter().map(|key| key.id.clone()).collect();
    let used: HashMap<_, _> = store.keys_used(&ids).await?.into_iter().collect();
    Ok(keys.into_iter().map(|key| KeyView { last_used: used.get(&key.id).copied(), ..key }).collect())
}
