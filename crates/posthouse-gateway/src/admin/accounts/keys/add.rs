//! `POST /api/v1/accounts/{name}/keys`: a new VASPID or password, which takes the place of the account's own; that stays good for a while.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, Request, State},
};
use jiff::Timestamp;
use mm7::VaspId;
use posthouse_api::{IssuedKey, KeyKind, KeyRequest, ProblemCode, ProblemDetails, ProblemError};
use posthouse_core::{
    account::{AccountName, KeySecret, ShownCredentials},
    actor::Actor,
    duration,
    provisioning::verbs::ProvisioningVerb,
    store::Store,
    time::after,
};
use tokio::task::spawn_blocking;

use super::{
    super::super::{
        AdminState, VerbError,
        answer::{ProblemAnswer, ToldOnce},
        body, change,
        provisioning::if_match,
        query::Parameters,
        unknown,
    },
    own, view,
};
use crate::{
    random,
    secrets::{hash_password, vasp_key},
};

/// The longest password that is taken, in bytes.
const LONGEST: usize = 256;

/// Gives an account a new key, and keeps the one before good for a while
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/accounts/{name}/keys", tag = "keys", operation_id = "add_key",
    params(("name" = String, Path, description = "The account's name"), ("if-match" = Option<String>, Header, description = "The revision that is expected")),
    request_body = Option<KeyRequest>,
    responses(
        (status = 200, description = "The key; its text, where it was made here, is told only now", body = IssuedKey),
        (status = 409, description = "It is another account's, or there are as many as there may be"),
        (status = 412, description = "Provisioning is at another revision"))
))]
pub(in super::super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Extension(by): Extension<Actor>,
    Path(name): Path<String>,
    request: Request,
) -> Result<ToldOnce<IssuedKey>, ProblemAnswer> {
    Parameters::of(request.uri()).finish()?;
    own(&by, &name)?;
    let expected = if_match(request.headers())?;
    let wanted: KeyRequest = body::json(request).await?;
    Ok(ToldOnce(add(&*state.store, &name, &wanted, expected, &by, state.clock.now()).await?))
}

/// Adds one; with `expected`, only when provisioning is at that revision.
///
/// # Errors
/// There is no such account, the key is none or another's, provisioning is at another revision, or what the store says.
pub async fn add(
    store: &dyn Store,
    name: &str,
    wanted: &KeyRequest,
    expected: Option<u64>,
    by: &Actor,
    now: Timestamp,
) -> Result<IssuedKey, VerbError> {
    let until = wanted.overlap.as_deref().map(|text| overlap(text, now)).transpose()?;
    let (text, made) = match &wanted.value {
        Some(value) => (value.clone(), None),
        None => {
            let text = random_text()?;
            (text.clone(), Some(text))
        }
    };
    let secret = match wanted.kind {
        KeyKind::Vaspid => vaspid(store, wanted, &text).await?,
        KeyKind::Password => password(store, name, wanted, text).await?,
    };
    let key = view(&secret, true, None);
    let account = AccountName(name.to_owned());
    let verb = ProvisioningVerb::AddKey { account, secret, until, now };
    let changed = change::change(store, &verb, expected, by, now).await?;
    Ok(IssuedKey { key, value: made, revision: changed.revision })
}

fn overlap(text: &str, now: Timestamp) -> Result<Timestamp, ProblemDetails> {
    duration::parse(text).map(|overlap| after(now, overlap)).ok_or_else(|| {
        wrong(
            "/overlap",
            format!("{text:?} is no time"),
            "write one such as 7d or 12h; 0s ends the key before at once",
        )
    })
}

fn wrong(pointer: &str, what: impl Into<String>, remedy: &str) -> ProblemDetails {
    let error = ProblemError::at_pointer(pointer, what).with_remedy(remedy);
    ProblemDetails::new(ProblemCode::InvalidParameter).error(error)
}

async fn vaspid(store: &dyn Store, wanted: &KeyRequest, text: &str) -> Result<KeySecret, VerbError> {
    if wanted.username.is_some() {
        return Err(
            wrong("/username", "a VASPID has no user name", "leave it out, or make a password").into()
        );
    }
    let Ok(vaspid) = VaspId::new(text) else {
        return Err(
            wrong("/value", "it is no VASPID", "write 1 to 512 bytes that are not all white space").into()
        );
    };
    Ok(KeySecret::Vaspid(vasp_key(&store.key().await?, vaspid.as_str())))
}

async fn password(
    store: &dyn Store,
    name: &str,
    wanted: &KeyRequest,
    text: String,
) -> Result<KeySecret, VerbError> {
    let accounts = store.without_numbers().await?.accounts;
    let account = accounts.iter().find(|account| account.name.0 == name);
    let present = account.ok_or_else(|| unknown("account", name))?.basic_auth.as_ref();
    let username = wanted.username.clone().or_else(|| present.map(|present| present.username.clone()));
    let is_name =
        |name: &String| !name.is_empty() && !name.contains(':') && !name.chars().any(char::is_control);
    let Some(username) = username.filter(is_name) else {
        let remedy = "write the user name, which has no colon in it";
        return Err(wrong("/username", "the account has no user name yet, or this is none", remedy).into());
    };
    if text.is_empty() || text.len() > LONGEST || text.chars().any(char::is_control) {
        return Err(
            wrong("/value", "it is no password", "write 1 to 256 bytes without control characters").into()
        );
    }
    let hashed = spawn_blocking(move || hash_password(&text)).await;
    match hashed {
        Ok(Ok(password_hash)) => Ok(KeySecret::Password(ShownCredentials { username, password_hash })),
        failed => {
            tracing::error!(?failed, "a password could not be hashed");
            Err(ProblemDetails::new(ProblemCode::Internal).into())
        }
    }
}

fn random_text() -> Result<String, ProblemDetails> {
    let bytes: [u8; 20] = random::bytes().map_err(|error| {
        tracing::error!(%error, "the system gives no random bytes");
        ProblemDetails::new(ProblemCode::Internal)
    })?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
