//! How callbacks are shown.

use jiff::Timestamp;
use posthouse_api::{CallbackTry, CallbackView};
use posthouse_core::{
    life::callback::{CallbackAttempt, CallbackRow},
    shown::masked,
    store::KeptCallback,
};

use super::super::unreadable::escaped;

/// A callback that is owed, or was kept as failed.
pub(super) fn callback(kept: &KeptCallback, now: Timestamp) -> CallbackView {
    let state = state(&kept.row, now);
    CallbackView {
        callback_id: kept.id.to_string(),
        message_id: kept.message.to_string(),
        says: kept.says.to_string(),
        account: kept.account.0.clone(),
        carrier: kept.carrier.0.clone(),
        owed_since: kept.at,
        state: state.to_owned(),
        next_try: kept.row.due.filter(|_| state == "waiting"),
        tries: kept.row.attempts,
        superseded: kept.superseded,
    }
}

fn state(row: &CallbackRow, now: Timestamp) -> &'static str {
    match row.due {
        _ if row.failed => "failed",
        None => "held",
        Some(due) if due <= now => "due",
        Some(_) if row.owner.is_some() => "in_hand",
        Some(_) => "waiting",
    }
}

/// What a stranger wrote: nothing of it is obeyed, and numbers in it are masked.
fn harmless(bytes: &[u8]) -> String {
    masked(&escaped(bytes)).into_owned()
}

/// A try, with what a stranger wrote made harmless.
pub(super) fn attempt(attempt: &CallbackAttempt) -> CallbackTry {
    CallbackTry {
        at: attempt.at,
        outcome: attempt.ended.as_str().to_owned(),
        http_status: attempt.said.http_status,
        said: harmless(attempt.said.words.as_bytes()),
        body: harmless(&attempt.said.body),
    }
}
