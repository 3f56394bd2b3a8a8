//! `POST /api/v1/operations`: plans an operation, and freezes what it is about. Nothing is done till it is started; of a dry run, nothing is
//! kept either.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Extension,
    extract::{Request, State},
};
use jiff::Timestamp;
use posthouse_api::{
    MessageQuery, OperationRequest, OperationView, ProblemCode, ProblemDetails, ProblemError,
};
use posthouse_core::{
    Id,
    actor::Actor,
    life::{
        intervention::{LeftAlone, Ruling},
        reroute::RerouteTarget,
        resubmission::{self, Resubmit},
    },
    message::StoredMessage,
    operation::{BulkOperation, JUDGED, NAMED, OperationSpec, OperationState, OperationVerb, PAGE},
    provisioning::Snapshot,
    store::{MessageFilter, Store},
};

use super::{
    super::{
        AdminState, VerbError,
        answer::{JsonAnswer, ProblemAnswer},
        body,
        messages::selection,
        not_provisioned, patiently,
    },
    views,
};

/// The most messages that may be named one by one.
const MOST_NAMED: usize = 10_000;

/// Plans an operation on many messages; nothing is done
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/operations", tag = "operations", operation_id = "plan_operation",
    request_body = OperationRequest,
    responses((status = 200, description = "What it is about", body = OperationView))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Extension(by): Extension<Actor>,
    request: Request,
) -> Result<JsonAnswer<OperationView>, ProblemAnswer> {
    let request: OperationRequest = body::json(request).await?;
    let (snapshot, now) = (state.snapshot.get(), state.clock.now());
    Ok(JsonAnswer(plan(&*state.store, &snapshot, &request, &by, now).await?))
}

/// Plans it; of a dry run, only says what it would be about.
///
/// # Errors
/// The request does not say what to do to what, names what is not provisioned, or what the store says.
pub async fn plan(
    store: &dyn Store,
    snapshot: &Snapshot,
    request: &OperationRequest,
    by: &Actor,
    now: Timestamp,
) -> Result<OperationView, VerbError> {
    let spec = spec(request, snapshot, now)?;
    let below = store.newest_id().await?.map_or(0, Id::number).saturating_add(1);
    let mut operation = BulkOperation {
        number: number(now),
        spec,
        state: OperationState::Planned,
        by: by.name.clone(),
        role: by.role.clone(),
        reason: by.reason.clone(),
        created_at: now,
        below,
        count: 0,
        judged: 0,
        first: Vec::new(),
        would_leave_alone: BTreeMap::new(),
        started_at: None,
        ended_at: None,
        cursor: None,
        looked_at: 0,
        done: 0,
        left_alone: BTreeMap::new(),
    };
    operation.count = count(store, &operation).await?;
    look(store, snapshot, &mut operation, now).await?;
    let view = views::operation(&operation);
    if request.dry_run {
        return Ok(OperationView { operation_id: String::new(), dry_run: true, ..view });
    }
    patiently(|| store.plan_operation(&operation)).await?;
    Ok(view)
}

/// A number that sorts by time; two in the same nanosecond are one too many, which the store refuses.
fn number(now: Timestamp) -> i64 {
    Id::first_at(now).number() + i64::from(now.subsec_nanosecond() % 1_000_000)
}

fn invalid(pointer: &str, what: impl Into<String>) -> ProblemDetails {
    ProblemDetails::new(ProblemCode::InvalidParameter).error(ProblemError::at_pointer(pointer, what.into()))
}

fn spec(
    request: &OperationRequest,
    snapshot: &Snapshot,
    now: Timestamp,
) -> Result<OperationSpec, ProblemDetails> {
    let verb: OperationVerb = request.verb.parse().map_err(|_| {
        invalid(
            "/verb",
            format!(
                "there is no operation {:?}; write requeue, expire, reroute, resubmit or resend-reports",
                request.verb
            ),
        )
    })?;
    let takes_via = matches!(verb, OperationVerb::Reroute | OperationVerb::Resubmit);
    if request.via.is_some() && !takes_via {
        return Err(invalid("/via", format!("{verb} takes none")));
    }
    if verb != OperationVerb::Reroute && request.carrier.is_some() {
        return Err(invalid("/carrier", format!("{verb} takes none")));
    }
    let to = match verb {
        OperationVerb::Reroute => {
            target(snapshot, request.carrier.as_deref(), request.via.as_deref(), "/via")?
        }
        _ => RerouteTarget { carrier: None, connection: request.via.clone() },
    };
    if let (Some(via), None) = (&to.connection, &to.carrier) {
        is_connection(snapshot, via)?;
    }
    let ways = [!request.ids.is_empty(), request.filter.is_some(), request.all];
    match ways.iter().filter(|given| **given).count() {
        1 => {}
        0 => {
            return Err(ProblemDetails::new(ProblemCode::NothingSelected)
                .detail("nothing says which messages")
                .remedy("add ids, a filter such as {\"carrier\": \"31003\"}, or \"all\": true"));
        }
        _ => return Err(invalid("", "ids, filter and all exclude each other")),
    }
    let query = request.filter.clone().unwrap_or_default();
    selection::all_provisioned(snapshot, &query)?;
    let until = query.until.map_or(now, |until| until.min(now));
    let frozen = MessageQuery { until: Some(until), ..query };
    filter_of(&frozen, None)?;
    let ids = selection::ids(&request.ids, MOST_NAMED)?;
    Ok(OperationSpec {
        verb,
        parked: request.parked,
        via: to.connection,
        carrier: to.carrier,
        reports: request.reports,
        // A query always can be written.
        selection: serde_json::to_string(&frozen).unwrap_or_default(),
        ids: ids.into_iter().map(Id::number).collect(),
    })
}

/// Where a reroute is to lead.
///
/// # Errors
/// Nothing says where, or what does is not provisioned.
pub(in super::super) fn target(
    snapshot: &Snapshot,
    carrier: Option<&str>,
    connection: Option<&str>,
    pointer: &str,
) -> Result<RerouteTarget, ProblemDetails> {
    if carrier.is_none() && connection.is_none() {
        let error = ProblemError::at_pointer(pointer, "nothing says where it is to go")
            .with_remedy("name a carrier, or a connection");
        return Err(ProblemDetails::new(ProblemCode::InvalidParameter).error(error));
    }
    let connection = connection.map(str::to_owned);
    let Some(named) = carrier else { return Ok(RerouteTarget { carrier: None, connection }) };
    let carrier = snapshot.named_carrier(named).ok_or_else(|| not_provisioned("carrier", named))?;
    if let Some(name) = &connection
        && !carrier.connections.iter().any(|known| known.name == *name)
    {
        return Err(not_provisioned("connection", &format!("{name} of carrier {}", carrier.id)));
    }
    Ok(RerouteTarget { carrier: Some(carrier.id.clone()), connection })
}

fn is_connection(snapshot: &Snapshot, name: &str) -> Result<(), ProblemDetails> {
    let mut connections = snapshot.carriers().flat_map(|carrier| &carrier.connections);
    match connections.any(|connection| connection.name == *name) {
        true => Ok(()),
        false => Err(not_provisioned("connection", name)),
    }
}

fn filter_of(query: &MessageQuery, below: Option<Id>) -> Result<MessageFilter, ProblemDetails> {
    let place = |name: &str, what| ProblemError::at_pointer(&format!("/filter/{name}"), what);
    let invalid = |errors| ProblemDetails::new(ProblemCode::InvalidParameter).with_errors(errors);
    selection::filter(query, below, place).map_err(invalid)
}

/// The messages of a page of an operation: those below its cursor, newest first; those that are named though they are not there as
/// their ids alone.
pub(super) async fn page(
    store: &dyn Store,
    operation: &BulkOperation,
    cursor: Option<i64>,
) -> Result<Vec<(Id, Option<StoredMessage>)>, VerbError> {
    let spec = &operation.spec;
    let below = cursor.map_or(operation.below, |cursor| cursor.min(operation.below));
    if spec.ids.is_empty() {
        let query: MessageQuery = serde_json::from_str(&spec.selection)
            .map_err(|error| invalid("/filter", format!("what was kept of it cannot be read: {error}")))?;
        let filter = filter_of(&query, Id::from_number(below))?;
        let found = store.messages(&filter, PAGE).await?;
        return Ok(found.into_iter().map(|message| (message.id, Some(message))).collect());
    }
    let below = cursor.unwrap_or(i64::MAX);
    let mut page = Vec::new();
    let ids = spec.ids.iter().rev().filter(|id| **id < below).take(PAGE);
    for id in ids.filter_map(|id| Id::from_number(*id)) {
        page.push((id, store.message(id).await?));
    }
    Ok(page)
}

async fn count(store: &dyn Store, operation: &BulkOperation) -> Result<u64, VerbError> {
    if !operation.spec.ids.is_empty() {
        return Ok(operation.spec.ids.len() as u64);
    }
    let query: MessageQuery = serde_json::from_str(&operation.spec.selection).unwrap_or_default();
    let filter = filter_of(&query, Id::from_number(operation.below))?;
    Ok(store.count(&filter, &[], 1).await?.first().map_or(0, |counted| counted.messages))
}

/// Judges the first of them.
async fn look(
    store: &dyn Store,
    snapshot: &Snapshot,
    operation: &mut BulkOperation,
    now: Timestamp,
) -> Result<(), VerbError> {
    let mut cursor = None;
    loop {
        let page = page(store, operation, cursor).await?;
        for ((id, _), judged) in page.iter().zip(judge(store, snapshot, operation, &page, now).await?) {
            operation.judged += 1;
            match judged {
                Ok(()) if operation.first.len() < NAMED => operation.first.push(id.number()),
                Ok(()) => {}
                Err(why) => {
                    *operation.would_leave_alone.entry(why.as_str().to_owned()).or_default() += 1;
                }
            }
        }
        cursor = page.last().map(|(id, _)| id.number());
        if page.len() < PAGE || operation.judged >= JUDGED as u64 {
            return Ok(());
        }
    }
}

async fn judge(
    store: &dyn Store,
    snapshot: &Snapshot,
    operation: &BulkOperation,
    page: &[(Id, Option<StoredMessage>)],
    now: Timestamp,
) -> Result<Vec<Result<(), LeftAlone>>, VerbError> {
    if let Some(intervention) = operation.spec.intervention() {
        let ids: Vec<Id> = page.iter().map(|(id, _)| *id).collect();
        let rulings = store.judge(&ids, intervention, now).await?;
        let Some(to) = operation.spec.reroute() else { return Ok(rulings) };
        let both = |(ruling, (_, message)): (Ruling, &(Id, Option<StoredMessage>))| {
            ruling.and_then(|()| message.as_ref().map_or(Ok(()), |message| to.judge(message, snapshot)))
        };
        return Ok(rulings.into_iter().zip(page).map(both).collect());
    }
    if operation.spec.verb == OperationVerb::ResendReports {
        // What was told of each, only carrying it out looks at.
        return Ok(page
            .iter()
            .map(|(_, message)| message.as_ref().map(|_| ()).ok_or(LeftAlone::Unknown))
            .collect());
    }
    let how = how(operation);
    let judge = |(id, message): &(Id, Option<StoredMessage>)| match message {
        Some(message) => resubmission::plan(message, &how, snapshot, (*id, &operation.by), now).map(|_| ()),
        None => Err(LeftAlone::Unknown),
    };
    Ok(page.iter().map(judge).collect())
}

/// How an operation sends messages again.
pub(super) fn how(operation: &BulkOperation) -> Resubmit {
    Resubmit { via: operation.spec.via.clone(), reports: operation.spec.reports }
}
