//! `PATCH /api/v1/users/{name}`: gives a user another role, and ends the user's sessions.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, Request, State},
};
use jiff::Timestamp;
use posthouse_api::{ProblemCode, ProblemDetails, RoleRequest, UserView};
use posthouse_core::{actor::Actor, store::Store, user::UserChange};

use super::{
    super::{
        AdminState, VerbError,
        answer::{JsonAnswer, ProblemAnswer},
        body, principal,
    },
    unknown, view,
};

/// Gives a user another role, and ends the user's sessions
#[cfg_attr(feature = "openapi", utoipa::path(
    patch, path = "/users/{name}", tag = "users", operation_id = "set_role",
    params(("name" = String, Path, description = "The user's name")),
    request_body = RoleRequest,
    responses((status = 200, description = "The user", body = UserView))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Path(name): Path<String>,
    Extension(by): Extension<Actor>,
    request: Request,
) -> Result<JsonAnswer<UserView>, ProblemAnswer> {
    let request: RoleRequest = body::required(request).await?;
    Ok(JsonAnswer(set_role(&*state.store, &name, &request, &by, state.clock.now()).await?))
}

/// Gives a user another role.
///
/// # Errors
/// It is no role, its account is not provisioned, there is no such user, or what the store says.
pub async fn set_role(
    store: &dyn Store,
    name: &str,
    request: &RoleRequest,
    by: &Actor,
    now: Timestamp,
) -> Result<UserView, VerbError> {
    let wrong = |error| ProblemDetails::new(ProblemCode::InvalidParameter).error(error);
    let role = principal::role_of(&request.role).map_err(wrong)?;
    principal::is_provisioned(store, &role).await?;
    let changed = store.change_user(name, &UserChange::Role(role), by, now).await?;
    Ok(view(changed.ok_or_else(|| unknown(name))?))
}
