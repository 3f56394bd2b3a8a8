//! `POST /api/v1/sandbox/clear`: the inbox of a sandbox begins anew. Its messages stay where messages are.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Request, State},
};
use posthouse_api::{SandboxClear, SandboxCleared};
use posthouse_core::{
    actor::Actor,
    audit::{AuditEntry, AuditVerb},
};

use super::{
    super::{
        AdminState,
        answer::{JsonAnswer, ProblemAnswer},
        body,
    },
    account_of,
};

/// Has the inbox of a sandbox begin anew
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/sandbox/clear", tag = "sandbox", operation_id = "clear_sandbox",
    request_body = Option<SandboxClear>,
    responses(
        (status = 200, description = "Since when it shows messages", body = SandboxCleared),
        (status = 409, description = "The account is no sandbox"))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Extension(by): Extension<Actor>,
    request: Request,
) -> Result<JsonAnswer<SandboxCleared>, ProblemAnswer> {
    let path = request.uri().path().to_owned();
    let asked: SandboxClear = body::json(request).await?;
    let account = account_of(&state, &by, asked.account, &path)?;
    let now = state.clock.now();
    let entry = AuditEntry::new(&by, AuditVerb::ClearSandbox, &account.name.0, now);
    state.store.record_audit(&entry).await?;
    Ok(JsonAnswer(SandboxCleared { account: account.name.0.clone(), since: now }))
}
