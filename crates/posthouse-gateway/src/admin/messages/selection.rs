//! Which messages are meant: filters as they are written, and whether what they name is there.

use mm7::StatusCode;
use posthouse_api::{MessageQuery, ProblemCode, ProblemDetails, ProblemError};
use posthouse_core::{
    Id,
    account::AccountName,
    address::typed,
    carrier::{Carrier, CarrierId},
    life::{intervention::CallbackKind, state::State},
    mistake::Mistake,
    moment,
    provisioning::Snapshot,
    store::{MessageFilter, Store},
};

use super::super::{
    VerbError,
    query::{NO_CURSOR, Parameters, time, unknown_code},
    verb_error::not_provisioned_now,
};

/// A filter of the store's.
///
/// # Errors
/// The states that do not exist; `place` says where a member stands.
pub(in super::super) fn filter(
    query: &MessageQuery,
    below: Option<Id>,
    place: impl Fn(&str, String) -> ProblemError,
) -> Result<MessageFilter, Vec<ProblemError>> {
    let (mut states, mut errors) = (Vec::new(), Vec::new());
    for name in &query.state {
        match state(name) {
            Some(state) => states.push(state),
            None => {
                errors.push(place("state", format!("there is no state {name:?}")).with_remedy(known_states()))
            }
        }
    }
    if query.failed {
        states.extend(State::failed());
    }
    let code = query.code.and_then(StatusCode::from_code);
    if let (Some(unknown), None) = (query.code, code) {
        let Mistake { problem, remedy } = unknown_code(unknown);
        errors.push(ProblemError { remedy, ..place("code", problem) });
    }
    if let Err(Mistake { problem, remedy }) = moment::in_order(query.since, query.until) {
        errors.push(ProblemError { remedy, ..place("until", problem) });
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    Ok(MessageFilter {
        since: query.since,
        before: query.until,
        below,
        above: None,
        account: query.account.clone().map(AccountName),
        carrier: query.carrier.clone().map(CarrierId),
        recipient: query.to.as_deref().map(typed),
        transaction_id: query.transaction_id.clone(),
        carrier_message_id: None,
        states,
        code,
        connection: query.connection.clone(),
    })
}

/// The parameters of a query that say which messages are meant.
pub(in super::super) fn query(given: &mut Parameters) -> MessageQuery {
    let code = |text: &str| {
        text.parse().map_err(|_| (format!("{text:?} is no code"), "write a number, such as 4006"))
    };
    MessageQuery {
        account: given.one("account"),
        carrier: given.one("carrier"),
        to: given.one("to"),
        transaction_id: given.one("transaction_id"),
        state: given.all("state"),
        failed: given.flag("failed"),
        code: given.read("code", code),
        connection: given.one("connection"),
        since: given.read("since", time),
        until: given.read("until", time),
        unprovisioned: given.flag("unprovisioned"),
    }
}

fn state(name: &str) -> Option<State> {
    State::all().find(|state| state.as_str().eq_ignore_ascii_case(name))
}

fn known_states() -> String {
    format!("write one of {}", State::all().map(State::as_str).collect::<Vec<_>>().join(", "))
}

/// Which callbacks a word means.
///
/// # Errors
/// None; which words there are.
pub(in super::super) fn kind(only: &str) -> Result<CallbackKind, Mistake> {
    match only {
        "reports" => Ok(CallbackKind::Report),
        "mo" => Ok(CallbackKind::Mo),
        "read-replies" => Ok(CallbackKind::ReadReply),
        other => Err((format!("there is no kind {other:?}"), "write reports, mo or read-replies").into()),
    }
}

/// The MessageID in a cursor: messages below it are on the next page.
///
/// # Errors
/// It is none that we gave.
pub fn cursor(text: &str) -> Result<Id, Mistake> {
    text.parse().map_err(|_| NO_CURSOR.into())
}

/// What a query names is provisioned, unless it may name what was removed since.
///
/// # Errors
/// As [`provisioned`].
pub(in super::super) fn all_provisioned(
    snapshot: &Snapshot,
    query: &MessageQuery,
) -> Result<(), ProblemDetails> {
    if query.unprovisioned {
        return Ok(());
    }
    provisioned(snapshot, query.account.as_deref(), query.carrier.as_deref())?;
    let Some(name) = &query.connection else { return Ok(()) };
    let is_meant = |carrier: &Carrier| query.carrier.as_ref().is_none_or(|id| carrier.id.as_str() == id);
    let mut connections =
        snapshot.carriers().filter(|carrier| is_meant(carrier)).flat_map(|carrier| &carrier.connections);
    match connections.any(|connection| connection.name == *name) {
        true => Ok(()),
        false => Err(not_provisioned_now("connection", name)),
    }
}

/// The same on the store alone, which is asked only where something is named.
///
/// # Errors
/// As [`provisioned`], or what the store says.
pub async fn provisioned_in(store: &dyn Store, query: &MessageQuery) -> Result<(), VerbError> {
    let names = [&query.account, &query.carrier, &query.connection];
    if query.unprovisioned || names.iter().all(|name| name.is_none()) {
        return Ok(());
    }
    Ok(all_provisioned(&Snapshot::new(store.provisioning().await?), query)?)
}

/// An account and a carrier that a filter names are provisioned.
///
/// # Errors
/// One is not: an empty list would look as if nothing had happened.
pub fn provisioned(
    snapshot: &Snapshot,
    account: Option<&str>,
    carrier: Option<&str>,
) -> Result<(), ProblemDetails> {
    if let Some(name) = account
        && snapshot.account(&AccountName(name.to_owned())).is_none()
    {
        return Err(not_provisioned_now("account", name));
    }
    if let Some(id) = carrier
        && snapshot.carrier(&CarrierId(id.to_owned())).is_none()
    {
        return Err(not_provisioned_now("carrier", id));
    }
    Ok(())
}

/// MessageIDs in a body, each once, in ascending order.
///
/// # Errors
/// One of them is none, or there are too many.
pub(in super::super) fn ids(texts: &[String], most: usize) -> Result<Vec<Id>, ProblemDetails> {
    let wrong = |pointer: &str, what: String, remedy: &str| {
        let error = ProblemError::at_pointer(pointer, what).with_remedy(remedy);
        ProblemDetails::new(ProblemCode::InvalidParameter).error(error)
    };
    if texts.len() > most {
        let remedy = "send them in several requests, or as an operation";
        return Err(wrong("/ids", format!("there are more than {most} of them"), remedy));
    }
    let read = |(index, text): (usize, &String)| {
        let remedy = "write a decimal number of up to 19 digits, in quotes";
        text.parse().map_err(|_| wrong(&format!("/ids/{index}"), format!("{text:?} is no MessageID"), remedy))
    };
    let mut ids = texts.iter().enumerate().map(read).collect::<Result<Vec<Id>, _>>()?;
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}
