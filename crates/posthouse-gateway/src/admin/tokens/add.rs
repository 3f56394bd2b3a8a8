//! `POST /api/v1/tokens`: makes a token for a principal. Its text is in this answer, and nowhere else.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Request, State},
};
use jiff::Timestamp;
use posthouse_api::{IssuedToken, ProblemCode, ProblemDetails, ProblemError, TokenRequest};
use posthouse_core::{
    actor::{Actor, MAX_NAME, Role},
    store::Store,
    token::{MOST_TOKENS, TokenRecord},
};

use super::{
    super::{
        AdminState, VerbError,
        answer::{JsonAnswer, ProblemAnswer},
        body,
    },
    text_of, view,
};
use crate::{random, secrets::vasp_hash};

/// How much of its hash a token is called by, in digits.
const ID: usize = 10;

/// Makes a token for a principal; its text is told only here
#[utoipa::path(
    post, path = "/tokens", tag = "tokens", operation_id = "add_token",
    request_body = TokenRequest,
    responses(
        (status = 200, description = "The token, with its text", body = IssuedToken),
        (status = 409, description = "There are too many"))
)]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Extension(by): Extension<Actor>,
    request: Request,
) -> Result<JsonAnswer<IssuedToken>, ProblemAnswer> {
    let request: TokenRequest = body::required(request).await?;
    Ok(JsonAnswer(add(&*state.store, &request, &by, state.clock.now()).await?))
}

/// Makes one.
///
/// # Errors
/// The request is not right, names an account that is not provisioned, or there are too many; or what the store says.
pub async fn add(
    store: &dyn Store,
    request: &TokenRequest,
    by: &Actor,
    now: Timestamp,
) -> Result<IssuedToken, VerbError> {
    let role = checked(request, now)?;
    if let Some(account) = role.account()
        && !store.provisioning().await?.accounts.iter().any(|known| known.name == *account)
    {
        return Err(ProblemDetails::new(ProblemCode::NotProvisioned)
            .detail(format!("no account {account} is provisioned"))
            .remedy("write vasp: and the name of an account")
            .into());
    }
    let secret = random::bytes().map_err(|error| {
        tracing::error!(%error, "the system gives no random bytes");
        ProblemDetails::new(ProblemCode::Internal)
    })?;
    let token = text_of(&secret);
    let hash = vasp_hash(&store.key().await?, &token);
    let record = TokenRecord {
        id: hash.chars().take(ID).collect(),
        name: request.name.clone(),
        role,
        hash,
        created_at: now,
        expires_at: request.expires_at,
        last_used: None,
    };
    match store.add_token(&record, by, now).await? {
        true => Ok(IssuedToken { view: view(record), token }),
        false => Err(ProblemDetails::new(ProblemCode::LeftAlone)
            .detail(format!("there are {MOST_TOKENS} tokens already"))
            .remedy("revoke those that are not used any more")
            .into()),
    }
}

/// The role, where all of the request is right.
fn checked(request: &TokenRequest, now: Timestamp) -> Result<Role, ProblemDetails> {
    let mut errors = Vec::new();
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '@' | '-');
    if request.name.is_empty() || request.name.len() > MAX_NAME || !request.name.chars().all(is_of_name) {
        let error =
            ProblemError::at_pointer("/name", format!("{:?} is no name of a principal", request.name));
        errors.push(error.with_remedy(format!("write 1 to {MAX_NAME} letters, digits, ., _, @ or -")));
    }
    if request.expires_at.is_some_and(|expires_at| expires_at <= now) {
        let error = ProblemError::at_pointer("/expires_at", "this time has passed");
        errors.push(error.with_remedy("write a time to come, or leave it out"));
    }
    let role = request.role.parse::<Role>();
    if let Err(error) = &role {
        let error = ProblemError::at_pointer("/role", error.to_string());
        errors.push(
            error.with_remedy("write viewer, support, operator, admin, or vasp: and an account's name"),
        );
    }
    match role {
        Ok(role) if errors.is_empty() => Ok(role),
        _ => Err(ProblemDetails {
            errors: errors.into(),
            ..ProblemDetails::new(ProblemCode::InvalidParameter)
        }),
    }
}
