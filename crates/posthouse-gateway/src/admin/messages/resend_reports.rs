//! `POST /api/v1/messages/resend-reports` and `…/{id}/resend-reports`: what a VASP did not take is due again.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, Request, State},
};
use jiff::Timestamp;
use posthouse_api::{MAX_BATCH, ProblemCode, ProblemDetails, ProblemError, ResendRequest, ResentBatch};
use posthouse_core::{
    Id,
    account::AccountName,
    actor::Actor,
    carrier::CarrierId,
    life::intervention::{CallbackKind, FailedFilter},
    operation::PAGE,
    store::Store,
};

use super::{
    super::{
        AdminState, VerbError,
        answer::{JsonAnswer, ProblemAnswer},
        body, patiently,
        query::at_pointer,
    },
    id_of, selection, views,
};

/// Makes failed reports due again
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/messages/resend-reports", tag = "messages", operation_id = "resend_reports",
    request_body = Option<ResendRequest>,
    responses((status = 200, description = "What came of the batch", body = ResentBatch))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Extension(by): Extension<Actor>,
    request: Request,
) -> Result<JsonAnswer<ResentBatch>, ProblemAnswer> {
    let request: ResendRequest = body::json(request).await?;
    answer(&state, &request, &by).await
}

/// Makes failed reports about one message due again
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/messages/{id}/resend-reports", tag = "messages", operation_id = "resend_reports_of_message",
    params(("id" = String, Path, description = "The MessageID, or the LinkedID of a message from a handset")),
    request_body = Option<ResendRequest>,
    responses((status = 200, description = "What came of it", body = ResentBatch))
))]
pub(in super::super) async fn handle_one(
    State(state): State<Arc<AdminState>>,
    Path(id): Path<String>,
    Extension(by): Extension<Actor>,
    request: Request,
) -> Result<JsonAnswer<ResentBatch>, ProblemAnswer> {
    let request: ResendRequest = body::json(request).await?;
    if !request.ids.is_empty() || request.all {
        let what = ("the path says which message", "leave ids and all out of the body");
        return Err(invalid(at_pointer("/ids", what)).into());
    }
    let own = by.account().map(|account| account.0.clone());
    let account = own.or_else(|| request.account.clone());
    let request = ResendRequest { ids: vec![id_of(&id)?.to_string()], account, ..request };
    answer(&state, &request, &by).await
}

async fn answer(
    state: &AdminState,
    request: &ResendRequest,
    by: &Actor,
) -> Result<JsonAnswer<ResentBatch>, ProblemAnswer> {
    if !request.unprovisioned {
        let (account, carrier) = (request.account.as_deref(), request.carrier.as_deref());
        selection::provisioned(&state.snapshot.get(), account, carrier)?;
    }
    let resent = resend_reports(&*state.store, request, by, state.clock.now()).await?;
    state.bell.ring();
    Ok(JsonAnswer(resent))
}

/// Makes a batch of failed reports due again, [so many](PAGE) in a transaction; or says which would be.
///
/// # Errors
/// The request does not say which: nothing was changed then. Or what the store says: what was done in transactions before stays done, and is
/// not among what failed any more when the request is sent again.
pub async fn resend_reports(
    store: &dyn Store,
    request: &ResendRequest,
    by: &Actor,
    now: Timestamp,
) -> Result<ResentBatch, VerbError> {
    let page = store.failed_callbacks(&filter(request)?, MAX_BATCH).await?;
    let is_full = page.len() == MAX_BATCH;
    let next = page.last().filter(|_| is_full).map(|last| last.id.to_string());
    let looked_at = page.len();
    let (superseded, owed): (Vec<_>, Vec<_>) = page.into_iter().partition(|one| one.superseded);
    let mut ids: Vec<Id> = owed.iter().map(|one| one.id).collect();
    if !request.dry_run {
        let mut resent = Vec::with_capacity(ids.len());
        for some in ids.chunks(PAGE) {
            resent.extend(patiently(|| store.resend(some, by, now)).await?);
        }
        ids = resent;
    }
    let done = owed.iter().filter(|one| ids.contains(&one.id)).map(views::failed_report).collect();
    Ok(ResentBatch { looked_at, done, superseded: superseded.len(), next })
}

fn filter(request: &ResendRequest) -> Result<FailedFilter, ProblemDetails> {
    let below = request.cursor.as_deref().map(selection::cursor).transpose();
    let filter = FailedFilter {
        messages: selection::ids(&request.ids, MAX_BATCH)?,
        since: request.since,
        before: request.until,
        below: None,
        account: request.account.clone().map(AccountName),
        carrier: request.carrier.clone().map(CarrierId),
        kind: kind(request.only.as_deref())?,
    };
    if filter == FailedFilter::default() && !request.all {
        return Err(ProblemDetails::new(ProblemCode::NothingSelected)
            .detail("nothing says which reports")
            .remedy("add ids, account, carrier, since, until, only, or \"all\": true"));
    }
    let below = below.map_err(|what| invalid(at_pointer("/cursor", what)))?;
    Ok(FailedFilter { below, ..filter })
}

fn kind(only: Option<&str>) -> Result<Option<CallbackKind>, ProblemDetails> {
    only.map(selection::kind).transpose().map_err(|what| invalid(at_pointer("/only", what)))
}

fn invalid(error: ProblemError) -> ProblemDetails {
    ProblemDetails::new(ProblemCode::InvalidParameter).error(error)
}
