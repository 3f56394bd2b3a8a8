//! Queues and carriers: what waits where, and why it is not sent faster.

use std::sync::Arc;

use askama::Template;
use axum::{extract::State, response::Response};
use jiff::Timestamp;
use posthouse_api::{CarrierQueue, PageOf, ProblemDetails};
use posthouse_core::actor::Actor;

use super::{
    PageState,
    frame::{Frame, ok, written},
    sessions::SignedIn,
    words,
};

/// What is computed anew while somebody watches.
#[derive(Template)]
#[template(path = "queues_live.html")]
struct QueuesPart {
    queues: Vec<CarrierQueue>,
}

#[derive(Template)]
#[template(path = "queues.html")]
struct QueuesPage {
    frame: Frame,
    now: Timestamp,
    live: QueuesPart,
}

pub(super) async fn handle(State(pages): State<Arc<PageState>>, by: SignedIn) -> Response {
    let frame = Frame { stream: Some("/live/queues".to_owned()), ..Frame::of(&by.visitor, "/queues") };
    match gathered(&pages, &by.actor).await {
        Ok(live) => ok(&QueuesPage { frame, now: pages.admin.clock.now(), live }),
        Err(problem) => frame.trouble(&problem),
    }
}

/// The part that is live.
///
/// # Errors
/// What the API refuses it for.
pub(super) async fn part(pages: &PageState, by: &Actor) -> Result<String, ProblemDetails> {
    written(&gathered(pages, by).await?)
}

async fn gathered(pages: &PageState, by: &Actor) -> Result<QueuesPart, ProblemDetails> {
    Ok(QueuesPart { queues: pages.api.get::<PageOf<CarrierQueue>>(by, "/queues").await?.items })
}
