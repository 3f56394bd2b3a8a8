//! `POST /api/v1/submissions`: a SubmitReq for an account, written of what a form says, judged, and sent through the intake of the MM7 door
//! where that is asked for.

mod request;
mod shell;

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Request, State},
};
use http_body_util::BodyExt as _;
use posthouse_api::{
    LintView, ProblemCode, ProblemDetails, SubmissionAnswer, SubmissionRequest, SubmissionView,
};
use posthouse_core::{
    account::{Account, AccountName},
    actor::Actor,
    audit::{AuditEntry, AuditVerb},
    submit::Rejection,
};

use self::request::WrittenRequest;
use super::{
    AdminState, VerbError,
    answer::{JsonAnswer, ProblemAnswer},
    body,
    context::confined,
    lint, not_provisioned,
    query::Parameters,
};
use crate::doors::mm7::{VouchedAnswer, VouchedRequest};

/// Writes a SubmitReq for an account, judges it, and sends it where that is asked for
///
/// Nothing is sent unless `send` is true. What is sent goes through the same checks as what the account sends itself; only that it needs
/// neither the account's VASPID nor its password, address or certificate.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/submissions", tag = "messages", operation_id = "submit",
    request_body = SubmissionRequest,
    responses((status = 200, description = "The request, what is wrong with it, and what was answered where it was sent", body = SubmissionView))
))]
pub(super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Extension(by): Extension<Actor>,
    request: Request,
) -> Result<JsonAnswer<SubmissionView>, ProblemAnswer> {
    Parameters::of(request.uri()).finish()?;
    let path = request.uri().path().to_owned();
    let asked: SubmissionRequest = body::required(request).await?;
    let account = account_of(&state, &by, asked.account.clone(), &path)?;
    let username = account.basic_auth.as_ref().map(|shown| shown.username.as_str());
    let written = request::write(&asked, username, &state.carrier_id_header, &state.mm7_url)?;
    let lint = lint::of_account(&state, written.file(), &account).await?;
    let sent = match asked.send {
        true => Some(send(&state, &by, &account, &written).await?),
        false => None,
    };
    Ok(JsonAnswer(view(&written, &account, lint, sent)))
}

/// The account that it is for.
///
/// # Errors
/// None is named, it is not there for the caller, or not provisioned.
fn account_of(
    state: &AdminState,
    by: &Actor,
    named: Option<String>,
    path: &str,
) -> Result<Arc<Account>, ProblemDetails> {
    let named = confined(by, named, path)?.ok_or_else(|| {
        ProblemDetails::new(ProblemCode::NothingSelected)
            .detail("nothing says for which account it is")
            .remedy("name the account")
    })?;
    let snapshot = state.snapshot.get();
    let account = snapshot.account(&AccountName(named.clone())).cloned();
    account.ok_or_else(|| not_provisioned("account", &named))
}

/// Sends it. That somebody did so is kept before anything goes out.
async fn send(
    state: &AdminState,
    by: &Actor,
    account: &Arc<Account>,
    written: &WrittenRequest,
) -> Result<SubmissionAnswer, VerbError> {
    let internal = || ProblemDetails::new(ProblemCode::Internal);
    let entry =
        AuditEntry::new(by, AuditVerb::Submit, format!("account {}", account.name), state.clock.now())
            .after(format!("TransactionID {}", written.transaction_id));
    state.store.record_audit(&entry).await?;
    let request = VouchedRequest {
        account: Arc::clone(account),
        headers: written.headers.clone(),
        body: written.body.clone(),
        from: by.address.ok_or_else(internal)?,
    };
    let VouchedAnswer { outcome, answer } = state.mm7.submit_vouched(request).await.ok_or_else(internal)?;
    let (head, body) = answer.into_parts();
    // What is in memory cannot fail.
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let code = outcome.map_or_else(Rejection::status, |_| mm7::StatusCode::Success);
    let status = account.dialect.get().status(code);
    Ok(SubmissionAnswer {
        code: status.code,
        text: status.text,
        message_id: outcome.ok().map(|id| id.to_string()),
        http_status: head.status.as_u16(),
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}

fn view(
    written: &WrittenRequest,
    account: &Account,
    lint: LintView,
    answer: Option<SubmissionAnswer>,
) -> SubmissionView {
    SubmissionView {
        account: account.name.0.clone(),
        transaction_id: written.transaction_id.clone(),
        request: written.shown(),
        curl: written.curl.clone(),
        lint,
        answer,
    }
}
