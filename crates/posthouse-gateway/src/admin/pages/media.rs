//! The content of messages: one part, as the API gives it. What a browser would run is never among it.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::Response,
};

use super::{PageState, ask::segment, frame::Frame, sessions::SignedIn};

pub(super) async fn handle(
    State(pages): State<Arc<PageState>>,
    by: SignedIn,
    Path((id, number)): Path<(String, String)>,
) -> Response {
    let path = format!("/messages/{}/parts/{}", segment(&id), segment(&number));
    match pages.api.whole(&by.actor, &path).await {
        Ok(part) => part,
        Err(problem) => Frame::of(&by.visitor, "/messages").trouble(&problem),
    }
}
