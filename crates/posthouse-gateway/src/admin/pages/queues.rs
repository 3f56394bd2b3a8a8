//! Queues and carriers: what waits where, and why it is not sent faster.

use std::sync::Arc;

use askama::Template;
use axum::{extract::State, response::Response};
use posthouse_api::{CarrierQueue, PageOf};

use super::{
    PageState,
    frame::{Frame, ok},
    sessions::SignedIn,
    words,
};

#[derive(Template)]
#[template(path = "queues.html")]
struct QueuesPage {
    frame: Frame,
    queues: Vec<CarrierQueue>,
}

pub(super) async fn handle(State(pages): State<Arc<PageState>>, by: SignedIn) -> Response {
    let frame = Frame::of(&by.visitor, "/queues");
    match pages.api.get::<PageOf<CarrierQueue>>(&by.actor, "/queues").await {
        Ok(page) => ok(&QueuesPage { frame, queues: page.items }),
        Err(problem) => frame.trouble(&problem),
    }
}
