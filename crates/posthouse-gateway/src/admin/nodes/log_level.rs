//! `POST /api/v1/nodes/{node}/log-level`: what the node logs, till its process ends or reads its configuration again.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, Request, State},
};
use posthouse_api::{LogLevelRequest, LogLevelView, ProblemCode, ProblemDetails, ProblemError};
use posthouse_core::{
    actor::Actor,
    audit::{AuditEntry, AuditVerb},
};

use super::{
    super::{
        AdminState,
        answer::{JsonAnswer, ProblemAnswer},
        body,
        provisioning::mistake,
    },
    SELF,
    drain::is_this,
};
use crate::config::settings::check_levels;

/// Sets what a node logs, till its process ends or reads its configuration again
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/nodes/{node}/log-level", tag = "nodes", operation_id = "set_log_level",
    params(("node" = String, Path, description = "Its name; `self` is the one that answers")),
    request_body = LogLevelRequest,
    responses(
        (status = 200, description = "What it logs, and what it did before", body = LogLevelView),
        (status = 409, description = "The log is another program's"))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Path(node): Path<String>,
    Extension(by): Extension<Actor>,
    request: Request,
) -> Result<JsonAnswer<LogLevelView>, ProblemAnswer> {
    is_this(&state, &node)?;
    let LogLevelRequest { level } = body::required(request).await?;
    let levels = state.log_levels.as_ref().ok_or_else(|| {
        ProblemDetails::new(ProblemCode::LeftAlone)
            .detail("this gateway runs in a program that has a log of its own")
            .remedy("set the level where that program is started")
    })?;
    let wrong = |what| {
        ProblemDetails::new(ProblemCode::InvalidParameter)
            .error(ProblemError { pointer: Some("/level".to_owned()), ..mistake(what) })
    };
    check_levels(&level).map_err(wrong)?;
    let before = levels.change(&level).ok_or_else(|| wrong(format!("{level:?} cannot be set").into()))?;
    let entry = AuditEntry::new(&by, AuditVerb::SetLogLevel, SELF, state.clock.now());
    if let Err(error) = state.store.record_audit(&entry.before(before.clone()).after(level.clone())).await {
        // What nobody would know of is not done.
        let _ = levels.change(&before);
        return Err(error.into());
    }
    tracing::warn!(level, before, by = by.name, "what is logged was changed");
    Ok(JsonAnswer(LogLevelView { node: SELF.to_owned(), level, before }))
}
