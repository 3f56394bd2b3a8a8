//! Which messages are meant: filters as they are written, and whether what they name is there.

use posthouse_api::{MessageQuery, ProblemCode, ProblemDetails, ProblemError};
use posthouse_core::{
    Id,
    account::AccountName,
    address::typed,
    carrier::CarrierId,
    life::{intervention::CallbackKind, state::State},
    provisioning::Snapshot,
    store::MessageFilter,
};

/// A filter of the store's.
///
/// # Errors
/// The states that do not exist; `place` says where a member stands.
pub(super) fn filter(
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
    if !errors.is_empty() {
        return Err(errors);
    }
    Ok(MessageFilter {
        since: query.since,
        before: query.until,
        below,
        account: query.account.clone().map(AccountName),
        carrier: query.carrier.clone().map(CarrierId),
        recipient: query.to.as_deref().map(typed),
        transaction_id: query.transaction_id.clone(),
        states,
    })
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
pub(in super::super) fn kind(only: &str) -> Result<CallbackKind, String> {
    match only {
        "reports" => Ok(CallbackKind::Report),
        "mo" => Ok(CallbackKind::Mo),
        "read-replies" => Ok(CallbackKind::ReadReply),
        other => Err(format!("there is no kind {other:?}; write reports, mo or read-replies")),
    }
}

/// The MessageID in a cursor: messages below it are on the next page.
///
/// # Errors
/// It is none that we gave.
pub(in super::super) fn cursor(text: &str) -> Result<Id, String> {
    text.parse().map_err(|_| "it is no `next` of a page before".to_owned())
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
    let unknown = |what: &str, name: &str| {
        ProblemDetails::new(ProblemCode::NotProvisioned)
            .detail(format!("no {what} {name} is provisioned"))
            .remedy("correct the name; with unprovisioned=true it may name what was removed since")
    };
    if let Some(name) = account
        && snapshot.account(&AccountName(name.to_owned())).is_none()
    {
        return Err(unknown("account", name));
    }
    if let Some(id) = carrier
        && snapshot.carrier(&CarrierId(id.to_owned())).is_none()
    {
        return Err(unknown("carrier", id));
    }
    Ok(())
}

/// MessageIDs in a body, each once, in ascending order.
///
/// # Errors
/// One of them is none, or there are too many.
pub(super) fn ids(texts: &[String], most: usize) -> Result<Vec<Id>, ProblemDetails> {
    let wrong = |pointer: &str, what: String| {
        ProblemDetails::new(ProblemCode::InvalidParameter).error(ProblemError::at_pointer(pointer, what))
    };
    if texts.len() > most {
        return Err(wrong("/ids", format!("there are more than {most} of them")));
    }
    let read = |(index, text): (usize, &String)| {
        text.parse().map_err(|_| wrong(&format!("/ids/{index}"), format!("{text:?} is no MessageID")))
    };
    let mut ids = texts.iter().enumerate().map(read).collect::<Result<Vec<Id>, _>>()?;
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}
