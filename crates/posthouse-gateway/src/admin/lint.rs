//! `POST /api/v1/lint`: what would be answered to a request, and why, judged with what is provisioned. Nothing is sent or kept.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Request, State},
};
use bytes::Bytes;
use mm7::{Dialect, VaspId};
use posthouse_api::{LintFinding, LintView, ProblemCode, ProblemDetails};
use posthouse_core::{
    account::{Account, AccountName, AccountStatus},
    actor::Actor,
    lint::{
        JudgedFinding, LintProvisioning, LintReport, NOT_EVEN_PROVISIONED, NOT_JUDGED, Options,
        ProvisionedVerdict,
    },
    provisioning::Snapshot,
    store::StoreError,
    submit::CarrierFact,
};

use super::{
    AdminState, VerbError,
    answer::{JsonAnswer, ProblemAnswer},
    body,
    context::confined,
    messages::selection,
    query::{Parameters, at_pointer},
};
use crate::secrets::vasp_hash;

/// The most findings that are told.
const FINDINGS: usize = 200;

/// What would be answered to a request, and why
///
/// The body is the request as it goes over the wire: head, blank line, body; or a body alone.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/lint", tag = "messages", operation_id = "lint",
    params(
        ("account" = Option<String>, Query, description = "By this account's provisioning; without, by that of the account whose VASPID it has"),
        ("dialect" = Option<String>, Query, description = "In this dialect, where no account tells")),
    request_body(content = String, content_type = "application/octet-stream"),
    responses((status = 200, description = "What is wrong with it", body = LintView))
))]
pub(super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Extension(by): Extension<Actor>,
    request: Request,
) -> Result<JsonAnswer<LintView>, ProblemAnswer> {
    let mut given = Parameters::of(request.uri());
    let account = given.one("account");
    let dialect = given.read("dialect", |name| {
        let names = || Dialect::ALL.iter().map(|dialect| dialect.name).collect::<Vec<_>>().join(", ");
        Dialect::by_name(name)
            .ok_or_else(|| (format!("there is no dialect {name:?}"), format!("write one of {}", names())))
    });
    given.finish()?;
    let account = confined(&by, account, request.uri().path())?;
    selection::provisioned(&state.snapshot.get(), account.as_deref(), None)?;
    let file = body::bytes(request.into_body()).await;
    Ok(JsonAnswer(lint(&state, file, account, dialect.unwrap_or(Dialect::POSTHOUSE)).await?))
}

/// Judges a request.
async fn lint(
    state: &AdminState,
    file: Bytes,
    account: Option<String>,
    dialect: &'static Dialect,
) -> Result<LintView, VerbError> {
    if file.is_empty() {
        let problem = ProblemDetails::new(ProblemCode::InvalidParameter);
        return Err(problem
            .error(at_pointer(
                "",
                ("there is no request in the body", "send the request whole, with or without its HTTP head"),
            ))
            .into());
    }
    let report = read(state, file).await?;
    let owner = owner(state, &state.snapshot.get(), &report).await?;
    let given = provisioning(state, &report, account.map(AccountName), owner).await;
    Ok(match given.account {
        Some(_) => {
            let judged = report.judge_provisioned(&given);
            view(&report, &judged, Some(&given))
        }
        None => {
            let judged =
                ProvisionedVerdict { verdict: report.verdict(dialect).clone(), findings: Vec::new() };
            view(&report, &judged, None)
        }
    })
}

/// Judges a request of this account, in which something else stands for its VASPID.
///
/// # Errors
/// The request is too much to be read.
pub(super) async fn of_account(
    state: &AdminState,
    file: Bytes,
    account: &Arc<Account>,
) -> Result<LintView, VerbError> {
    let report = read(state, file).await?;
    let given = provisioning(state, &report, Some(account.name.clone()), Some(Arc::clone(account))).await;
    Ok(view(&report, &report.judge_provisioned(&given), Some(&given)))
}

/// Up to megabytes, which may be hostile: not on a thread that answers others.
async fn read(state: &AdminState, file: Bytes) -> Result<LintReport, ProblemDetails> {
    let options = Options { max_request_bytes: state.max_request_bytes, ..Options::default() };
    let report = tokio::task::spawn_blocking(move || LintReport::read(file, &options));
    report.await.map_err(|_| ProblemDetails::new(ProblemCode::Internal))
}

/// What is provisioned about a request: its account is the one that is named, or whose VASPID it has.
async fn provisioning(
    state: &AdminState,
    report: &LintReport,
    named: Option<AccountName>,
    owner: Option<Arc<Account>>,
) -> LintProvisioning {
    let snapshot = state.snapshot.get();
    let account = match &named {
        Some(name) => snapshot.account(name).cloned(),
        None => owner.clone(),
    };
    let is_own_key = owner.zip(account.as_ref()).is_some_and(|(owner, account)| owner.name == account.name);
    let carrier_id = account.as_ref().and_then(|account| carrier_id(state, report, account));
    let carrier = match &account {
        Some(account) if account.status == AccountStatus::Sandbox => {
            snapshot.sandbox().map(|carrier| state.directory.found(carrier))
        }
        Some(_) => carrier(state, &snapshot, report, carrier_id.as_deref()).await,
        None => None,
    };
    LintProvisioning { snapshot, account, is_own_key, carrier_id, carrier }
}

async fn owner(
    state: &AdminState,
    snapshot: &Snapshot,
    report: &LintReport,
) -> Result<Option<Arc<Account>>, StoreError> {
    let decoded = report.lint.decoded.as_ref().ok();
    let Some(vaspid) = decoded.and_then(|decoded| decoded.vaspid.as_ref()) else { return Ok(None) };
    let hash = vasp_hash(&state.store.key().await?, VaspId::as_str(vaspid));
    Ok(snapshot.account_by_vaspid(&hash, state.clock.now()).cloned())
}

/// The carrier that the head names, in the configured header or one of the dialect's.
fn carrier_id(state: &AdminState, report: &LintReport, account: &Account) -> Option<String> {
    let names = std::iter::once(state.carrier_id_header.as_str());
    let mut names = names.chain(account.dialect.get().carrier_id_headers.iter().copied());
    names.find_map(|name| report.lint.raw.header(name)).map(|header| header.value.trim().to_owned())
}

async fn carrier(
    state: &AdminState,
    snapshot: &Snapshot,
    report: &LintReport,
    named: Option<&str>,
) -> Option<CarrierFact> {
    if let Some(carrier) = named.and_then(|id| snapshot.named_carrier(id)) {
        return Some(state.directory.found(carrier));
    }
    let recipient = report.recipient()?;
    Some(state.directory.carrier_of(snapshot, &recipient).await)
}

fn view(report: &LintReport, judged: &ProvisionedVerdict, given: Option<&LintProvisioning>) -> LintView {
    let (verdict, decoded) = (&judged.verdict, report.lint.decoded.as_ref().ok());
    let refused = verdict.refused_with();
    let of_file = report.findings.iter().map(|finding| (finding, false));
    let of_provisioning = judged.findings.iter().map(|finding| (finding, true));
    let mut findings: Vec<_> = of_file.chain(of_provisioning).collect();
    findings.sort_by_key(|(finding, _)| (finding.place.offset, finding.row()));
    let findings = findings.into_iter().take(FINDINGS);
    let not_judged: Vec<&str> = match given {
        _ if !report.is_judged_as_submit() => Vec::new(),
        Some(_) => NOT_EVEN_PROVISIONED.to_vec(),
        None => NOT_JUDGED.iter().flat_map(|(_, names)| names.iter().copied()).collect(),
    };
    LintView {
        bytes: report.lint.raw.file.len() as u64,
        operation: decoded.and_then(|decoded| decoded.operation.as_deref()).map(str::to_owned),
        transaction_id: decoded
            .and_then(|decoded| decoded.transaction_id.as_ref())
            .map(|id| id.as_str().to_owned()),
        parts: report.lint.package.leaves().count() as u64,
        account: given.and_then(|given| given.account.as_ref()).map(|account| account.name.0.clone()),
        dialect: verdict.dialect.name.to_owned(),
        accepted: verdict.is_accepted(),
        code: refused.as_ref().map_or(1000, |status| status.code),
        text: refused.map_or_else(|| "Success".to_owned(), |status| status.text),
        codes: verdict.codes(),
        findings: findings
            .map(|(found, is_provisioned)| finding(found, is_provisioned, verdict.dialect))
            .collect(),
        not_judged: not_judged.into_iter().map(str::to_owned).collect(),
    }
}

fn finding(found: &JudgedFinding, provisioning: bool, dialect: &Dialect) -> LintFinding {
    let answer = found.answers().find(|(other, _)| other.name == dialect.name).and_then(|(_, answer)| answer);
    LintFinding {
        rule: found.name().to_owned(),
        row: found.row(),
        code: answer.map(|status| status.code),
        provisioning,
        what: found.what.clone(),
        byte: found.place.offset as u64,
        line: found.place.position.map(|position| position.line as u64),
        column: found.place.position.map(|position| position.column as u64),
        found: found.remedy.found.clone(),
        write: found.remedy.corrected.clone(),
        remedy: found.remedy.advice.clone(),
        clause: found.clause.to_owned(),
    }
}
