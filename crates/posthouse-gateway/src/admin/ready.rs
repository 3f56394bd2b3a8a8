//! `GET /readyz`: whether a message could be stored now, and with which provisioning the gateway works. `?door=mm7` and `?door=carriers`
//! ask about one of its doors.

use std::{sync::Arc, time::Duration};

use axum::{extract::State, response::Response};
use http::{StatusCode as HttpStatus, Uri};
use posthouse_core::{shown::in_json, store::StoreError};
use serde_json::json;
use tokio::time::timeout;

use super::{
    AdminState,
    answer::{JSON, text, written},
};

/// How long the store may take to show that it can be written to.
pub(super) const CHECK_TIME: Duration = Duration::from_secs(5);

/// Which door is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AskedDoor {
    /// All of them.
    All,
    /// Where VASPs submit.
    Mm7,
    /// Where carriers post: what they report is taken also on a disk that is too full for anything new, and while the node is drained.
    Carriers,
}

impl AskedDoor {
    fn of(uri: &Uri) -> Option<Self> {
        match uri.query() {
            None | Some("") => Some(Self::All),
            Some("door=mm7") => Some(Self::Mm7),
            Some("door=carriers") => Some(Self::Carriers),
            Some(_) => None,
        }
    }
}

pub(super) async fn handle(State(state): State<Arc<AdminState>>, uri: Uri) -> Response {
    let Some(door) = AskedDoor::of(&uri) else {
        return text(HttpStatus::BAD_REQUEST, "ask for /readyz, /readyz?door=mm7 or /readyz?door=carriers\n");
    };
    let revision = state.snapshot.get().revision();
    let error = not_ready(&state, door).await;
    let status = if error.is_none() { HttpStatus::OK } else { HttpStatus::SERVICE_UNAVAILABLE };
    let mut body = json!({"ready": error.is_none(), "revision": revision, "error": error});
    if let Some(doubt) = state.clock.doubt() {
        let (said, taken) = (doubt.said, doubt.taken);
        let note = format!(
            "the clock says {said:.0} and is not believed yet; it is taken to be {taken:.0} (if the clock is right: posthouse clock --confirm)"
        );
        body["note"] = note.into();
    }
    written(status, JSON, format!("{}\n", in_json(&body.to_string())))
}

/// Why nothing should be sent there now.
async fn not_ready(state: &AdminState, door: AskedDoor) -> Option<String> {
    if state.drain.is_stopping() {
        return Some("the gateway is about to stop".to_owned());
    }
    if door != AskedDoor::Carriers && state.drain.is_draining() {
        return Some("the node is drained; `posthouse undrain` has it take messages again".to_owned());
    }
    if let Some(fault) = state.node.fault() {
        return Some(fault);
    }
    match timeout(CHECK_TIME, state.store.check()).await {
        Ok(Err(StoreError::Full)) if door == AskedDoor::Carriers => None,
        Ok(checked) => checked.err().map(|error| error.to_string()),
        Err(_) => Some("the store does not answer".to_owned()),
    }
}
