//! `GET /readyz`: whether a message could be stored now, and with which provisioning the gateway works.

use std::{sync::Arc, time::Duration};

use axum::{extract::State, response::Response};
use http::StatusCode as HttpStatus;
use posthouse_core::shown::in_json;
use serde_json::json;
use tokio::time::timeout;

use super::{
    AdminState,
    answer::{JSON, written},
};

/// How long the store may take to show that it can be written to.
pub(super) const CHECK_TIME: Duration = Duration::from_secs(5);

pub(super) async fn handle(State(state): State<Arc<AdminState>>) -> Response {
    let revision = state.snapshot.get().revision();
    let checked = match timeout(CHECK_TIME, state.store.check()).await {
        Ok(checked) => checked.map_err(|error| error.to_string()),
        Err(_) => Err("the store does not answer".to_owned()),
    };
    let status = if checked.is_ok() { HttpStatus::OK } else { HttpStatus::SERVICE_UNAVAILABLE };
    let mut body = json!({"ready": checked.is_ok(), "revision": revision, "error": checked.err()});
    if let Some(doubt) = state.clock.doubt() {
        let (said, taken) = (doubt.said, doubt.taken);
        let note = format!(
            "the clock says {said:.0} and is not believed yet; it is taken to be {taken:.0} (if the clock is right: posthouse clock --confirm)"
        );
        body["note"] = note.into();
    }
    written(status, JSON, format!("{}\n", in_json(&body.to_string())))
}
