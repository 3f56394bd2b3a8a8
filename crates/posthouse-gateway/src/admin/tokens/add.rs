//! `POST /api/v1/tokens`: makes a token for a principal. Its text is in this answer, and nowhere else.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Request, State},
};
use jiff::Timestamp;
use posthouse_api::{IssuedToken, ProblemCode, ProblemDetails, ProblemError, TokenRequest};
use posthouse_core::{
    actor::{Actor, Role},
    store::Store,
    token::{MOST_TOKENS, TokenRecord},
};

use super::{
    super::{
        AdminState, VerbError,
        answer::{ProblemAnswer, ToldOnce},
        body, principal,
    },
    text_of, view,
};
use crate::{random, secrets::vasp_hash};

/// How much of its hash a token is called by, in digits.
const ID: usize = 10;

/// Makes a token for a principal; its text is told only here
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/tokens", tag = "tokens", operation_id = "add_token",
    request_body = TokenRequest,
    responses(
        (status = 200, description = "The token, with its text", body = IssuedToken),
        (status = 409, description = "There are too many"))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Extension(by): Extension<Actor>,
    request: Request,
) -> Result<ToldOnce<IssuedToken>, ProblemAnswer> {
    let request: TokenRequest = body::required(request).await?;
    Ok(ToldOnce(add(&*state.store, &request, &by, state.clock.now()).await?))
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
    principal::is_provisioned(store, &role).await?;
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
    let role = principal::role_of(&request.role);
    let mut errors: Vec<_> = principal::name_fault(&request.name).into_iter().collect();
    if request.expires_at.is_some_and(|expires_at| expires_at <= now) {
        let error = ProblemError::at_pointer("/expires_at", "this time has passed");
        errors.push(error.with_remedy("write a time to come, or leave it out"));
    }
    match role {
        Ok(role) => principal::no_faults(errors).map(|()| role),
        Err(error) => {
            errors.push(error);
            Err(ProblemDetails::new(ProblemCode::InvalidParameter).with_errors(errors))
        }
    }
}
