//! `POST /api/v1/captures`: begins to keep what goes over the wire for an account or a carrier.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Request, State},
};
use jiff::{SignedDuration, Timestamp};
use posthouse_api::{CaptureRequest, CaptureView, ProblemCode, ProblemDetails, ProblemError};
use posthouse_core::{
    account::AccountName,
    actor::Actor,
    audit::{AuditEntry, AuditVerb},
    carrier::CarrierId,
};

use super::{
    super::{
        AdminState,
        answer::{JsonAnswer, ProblemAnswer},
        body,
        messages::selection,
    },
    target, view,
};
use crate::telemetry::captures::{Capture, CaptureOf, MOST_CAPTURES};

/// How long one may last.
const LONGEST: SignedDuration = SignedDuration::from_hours(1);
/// How long one lasts that does not say.
const USUAL: SignedDuration = SignedDuration::from_mins(10);
/// How many exchanges one may have, and has that does not say.
const MOST: u16 = 1000;
const USUALLY: u16 = 100;

/// Begins to keep requests and answers of an account or a carrier, without keys, passwords and content
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/captures", tag = "captures", operation_id = "begin_capture",
    request_body = CaptureRequest,
    responses(
        (status = 200, description = "The capture", body = CaptureView),
        (status = 409, description = "There are too many"))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Extension(by): Extension<Actor>,
    request: Request,
) -> Result<JsonAnswer<CaptureView>, ProblemAnswer> {
    let request: CaptureRequest = body::required(request).await?;
    let now = state.clock.now();
    let wanted = checked(&request, &by, now)?;
    let snapshot = state.snapshot.get();
    selection::provisioned(&snapshot, request.account.as_deref(), request.carrier.as_deref())?;
    let captures = state.metrics.captures();
    let Some(capture) = captures.begin(wanted, now) else {
        return Err(ProblemDetails::new(ProblemCode::LeftAlone)
            .detail(format!("this node has {MOST_CAPTURES} captures already"))
            .remedy("remove one that is not needed any more")
            .into());
    };
    let entry = AuditEntry::new(&by, AuditVerb::BeginCapture, target(&capture), now)
        .after(format!("until {:.0}, at most {}", capture.until, capture.max));
    if let Err(error) = state.store.record_audit(&entry).await {
        // What nobody would know of is not kept.
        captures.remove(capture.id);
        return Err(error.into());
    }
    tracing::warn!(capture = capture.id, by = %by.name, until = %capture.until, "requests and answers are kept for an operator");
    Ok(JsonAnswer(view(&capture, now)))
}

fn checked(request: &CaptureRequest, by: &Actor, now: Timestamp) -> Result<Capture, ProblemDetails> {
    let wrong = |pointer: &str, what: &str, remedy: &str| {
        let error = ProblemError::at_pointer(pointer, what).with_remedy(remedy);
        ProblemDetails::new(ProblemCode::InvalidParameter).error(error)
    };
    let of = match (&request.account, &request.carrier) {
        (Some(name), None) => CaptureOf::Account(AccountName(name.clone())),
        (None, Some(id)) => CaptureOf::Carrier(CarrierId(id.clone())),
        _ => return Err(wrong("/account", "it is of one account or of one carrier", "name one of them")),
    };
    let after = |time: SignedDuration| now.checked_add(time).unwrap_or(now);
    let until = request.until.unwrap_or_else(|| after(USUAL));
    if until <= now || until > after(LONGEST) {
        return Err(wrong(
            "/until",
            "it is not within an hour from now",
            "write a time within the next hour",
        ));
    }
    let max = request.max.unwrap_or(USUALLY);
    if !(1..=MOST).contains(&max) {
        return Err(wrong("/max", "it is not from 1 to 1000", "write a number from 1 to 1000"));
    }
    let by = by.name.clone();
    Ok(Capture { id: 0, of, by, begun_at: now, until, max, kept: 0, left_out: 0 })
}
