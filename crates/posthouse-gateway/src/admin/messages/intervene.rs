//! What requeue and expire have in common: which messages are meant, and a batch of them at a time.

use axum::extract::Request;
use jiff::Timestamp;
use posthouse_api::{
    InterveneRequest, Intervened, MAX_BATCH, MessageView, ProblemCode, ProblemDetails, ProblemError,
};
use posthouse_core::{
    Id,
    actor::Actor,
    life::intervention::{Intervention, LeftAlone},
    life::state::State,
    message::StoredMessage,
    operation::PAGE,
    store::{MessageFilter, Store},
};

use super::{
    super::{
        AdminState, VerbError,
        answer::{JsonAnswer, ProblemAnswer},
        body, patiently,
        query::at_pointer,
    },
    id_of, no_message, selection, views,
};

/// Every reason for leaving a message alone, in the order in which people are told of them.
pub const REASONS: [LeftAlone; 17] = [
    LeftAlone::Unknown,
    LeftAlone::Ended,
    LeftAlone::WithCarrier,
    LeftAlone::InHand,
    LeftAlone::Parked,
    LeftAlone::Due,
    LeftAlone::Overdue,
    LeftAlone::NotEnded,
    LeftAlone::Resubmitted,
    LeftAlone::MediaGone,
    LeftAlone::Blacklisted,
    LeftAlone::NotProvisioned,
    LeftAlone::NotReached,
    LeftAlone::NoConnection,
    LeftAlone::NothingReported,
    LeftAlone::SameCarrier,
    LeftAlone::NotTaken,
];

/// The messages that a batch is about.
enum Selected {
    /// These, in ascending order.
    Named(Vec<Id>),
    /// The next of those that match.
    Matching(Box<MessageFilter>),
}

/// What a request does to messages.
pub(super) type Meaning = fn(&InterveneRequest) -> Intervention;

/// Answers a request about many messages, a batch of them at a time.
pub(super) async fn answer_batch(
    state: &AdminState,
    by: &Actor,
    request: Request,
    meaning: Meaning,
) -> Result<JsonAnswer<Intervened>, ProblemAnswer> {
    let request: InterveneRequest = body::json(request).await?;
    if let Some(filter) = &request.filter {
        selection::all_provisioned(&state.snapshot.get(), filter)?;
    }
    let came_of_it = intervene(&*state.store, &request, meaning(&request), by, state.clock.now()).await?;
    state.bell.ring();
    Ok(JsonAnswer(came_of_it))
}

/// Answers a request about the message of this id.
pub(super) async fn answer_one(
    state: &AdminState,
    by: &Actor,
    id: &str,
    request: Request,
    meaning: Meaning,
) -> Result<JsonAnswer<MessageView>, ProblemAnswer> {
    let request: InterveneRequest = body::json(request).await?;
    let (id, now) = (id_of(id)?, state.clock.now());
    let intervention = meaning(&request);
    let message = intervene_in_one(&*state.store, id, request, intervention, by, now).await?;
    state.bell.ring();
    Ok(JsonAnswer(message))
}

/// Does it to a batch of messages, [so many](PAGE) in a transaction; or says what would be done.
///
/// # Errors
/// The request does not say which messages, or a named one is not there: nothing was changed then. Or what the store says: what was done in
/// transactions before stays done, and is left alone when the request is sent again.
pub async fn intervene(
    store: &dyn Store,
    request: &InterveneRequest,
    intervention: Intervention,
    by: &Actor,
    now: Timestamp,
) -> Result<Intervened, VerbError> {
    let (page, next) = page(store, selected(request)?).await?;
    let ids: Vec<Id> = page.iter().map(|message| message.id).collect();
    let judged = if request.dry_run {
        store.judge(&ids, intervention, now).await?
    } else {
        let mut judged = Vec::with_capacity(ids.len());
        for some in ids.chunks(PAGE) {
            judged.extend(patiently(|| store.intervene(some, intervention, by, now)).await?);
        }
        judged
    };
    let mut came_of_it = Intervened { looked_at: page.len(), next, ..Intervened::default() };
    let sends_again = matches!(intervention, Intervention::Requeue { .. });
    for (message, judged) in page.iter().zip(judged) {
        match judged {
            Err(reason) => *came_of_it.left_alone.entry(reason.as_str().to_owned()).or_default() += 1,
            Ok(()) => {
                came_of_it.parked += usize::from(sends_again && message.state == State::Parked);
                came_of_it.done.push(views::message(message, request.reveal));
            }
        }
    }
    Ok(came_of_it)
}

/// Does it to one message.
///
/// # Errors
/// As [`intervene`]; or it is left alone, and why.
async fn intervene_in_one(
    store: &dyn Store,
    id: Id,
    request: InterveneRequest,
    intervention: Intervention,
    by: &Actor,
    now: Timestamp,
) -> Result<MessageView, VerbError> {
    if !request.ids.is_empty() || request.filter.is_some() || request.all || request.cursor.is_some() {
        let what =
            ("the path says which message", "leave all but parked, dry_run and reveal out of the body");
        return Err(ProblemDetails::new(ProblemCode::InvalidParameter).error(at_pointer("", what)).into());
    }
    let request = InterveneRequest { ids: vec![id.to_string()], ..request };
    let came_of_it = intervene(store, &request, intervention, by, now).await?;
    match came_of_it.done.into_iter().next() {
        Some(message) => Ok(message),
        None => Err(left_alone(came_of_it.left_alone.keys().next().map_or("", String::as_str)).into()),
    }
}

pub(super) fn left_alone(reason: &str) -> ProblemDetails {
    let known = REASONS.iter().find(|known| known.as_str() == reason);
    let words = known.map_or_else(|| reason.to_owned(), ToString::to_string);
    let problem = ProblemDetails::new(ProblemCode::LeftAlone).detail(format!("it is {words}"));
    match known {
        Some(known) => problem.remedy(known.remedy()),
        None => problem,
    }
}

fn selected(request: &InterveneRequest) -> Result<Selected, ProblemDetails> {
    let place = |name: &str, what| ProblemError::at_pointer(&format!("/filter/{name}"), what);
    let invalid = |errors| ProblemDetails::new(ProblemCode::InvalidParameter).with_errors(errors);
    let ways = [!request.ids.is_empty(), request.filter.is_some(), request.all];
    if ways.iter().filter(|given| **given).count() > 1 {
        return Err(invalid(vec![at_pointer(
            "",
            ("ids, filter and all exclude each other", "send one of them"),
        )]));
    }
    if !request.ids.is_empty() {
        return Ok(Selected::Named(selection::ids(&request.ids, MAX_BATCH)?));
    }
    let below = request.cursor.as_deref().map(selection::cursor).transpose();
    let below = below.map_err(|what| invalid(vec![at_pointer("/cursor", what)]))?;
    let query = request.filter.clone().unwrap_or_default();
    let filter = selection::filter(&query, below, place).map_err(invalid)?;
    let says_which = MessageFilter { below: None, ..filter.clone() } != MessageFilter::default();
    if !says_which && !request.all {
        return Err(ProblemDetails::new(ProblemCode::NothingSelected)
            .detail("nothing says which messages")
            .remedy("add ids, a filter such as {\"carrier\": \"31003\"}, or \"all\": true"));
    }
    Ok(Selected::Matching(Box::new(filter)))
}

/// The messages of a batch, the newest first, and where the next begins.
async fn page(
    store: &dyn Store,
    selected: Selected,
) -> Result<(Vec<StoredMessage>, Option<String>), VerbError> {
    let ids = match selected {
        Selected::Named(ids) => ids,
        Selected::Matching(filter) => {
            let page = store.messages(&filter, MAX_BATCH).await?;
            let is_full = page.len() == MAX_BATCH;
            let next = page.last().filter(|_| is_full).map(|last| last.id.to_string());
            return Ok((page, next));
        }
    };
    let mut page = Vec::with_capacity(ids.len());
    for id in ids.into_iter().rev() {
        page.push(store.message(id).await?.ok_or_else(|| no_message(id))?);
    }
    Ok((page, None))
}
