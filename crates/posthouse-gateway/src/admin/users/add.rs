//! `POST /api/v1/users`: adds a user. The link by which a password is set is in this answer, and nowhere else.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Request, State},
};
use jiff::Timestamp;
use posthouse_api::{IssuedLink, ProblemCode, ProblemDetails, UserRequest};
use posthouse_core::{
    actor::Actor,
    store::Store,
    user::{MOST_USERS, UserRecord},
};

use super::{
    super::{
        AdminState, VerbError,
        answer::{ProblemAnswer, ToldOnce},
        body, principal,
    },
    issued, new_link,
};

/// Adds a user; the link by which a password is set is told only here
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/users", tag = "users", operation_id = "add_user",
    request_body = UserRequest,
    responses(
        (status = 200, description = "The user, with the link", body = IssuedLink),
        (status = 409, description = "There is one of this name, or there are too many"))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Extension(by): Extension<Actor>,
    request: Request,
) -> Result<ToldOnce<IssuedLink>, ProblemAnswer> {
    let request: UserRequest = body::required(request).await?;
    Ok(ToldOnce(add(&*state.store, &request, &by, state.clock.now()).await?))
}

/// Adds one.
///
/// # Errors
/// The request is not right, names an account that is not provisioned, or there is one of this name or too many; or what the store says.
pub async fn add(
    store: &dyn Store,
    request: &UserRequest,
    by: &Actor,
    now: Timestamp,
) -> Result<IssuedLink, VerbError> {
    let role = principal::role_of(&request.role);
    let faults = principal::name_fault(&request.name).into_iter().chain(role.as_ref().err().cloned());
    principal::no_faults(faults.collect())?;
    // What has no fault has a role.
    let role = role.map_err(|error| ProblemDetails::new(ProblemCode::InvalidParameter).error(error))?;
    principal::is_provisioned(store, &role).await?;
    let (link, secret) = new_link(store, now).await?;
    let user = UserRecord {
        name: request.name.clone(),
        role,
        password_hash: None,
        link: Some(link),
        created_at: now,
        signed_in_at: None,
    };
    if store.add_user(&user, by, now).await? {
        return Ok(issued(user, &secret));
    }
    let problem = ProblemDetails::new(ProblemCode::LeftAlone);
    Err(match store.user(&user.name).await? {
        Some(known) => problem
            .detail(format!("there is a user {} already", known.name))
            .remedy("reset the password, or change the role"),
        None => problem
            .detail(format!("there are {MOST_USERS} users already"))
            .remedy("remove those that are not needed any more"),
    }
    .into())
}
