//! Who changed what.

use std::sync::Arc;

use askama::Template;
use axum::{extract::State, response::Response};
use http::Uri;
use posthouse_api::{AuditRow, PageOf};

use super::{
    PageState,
    ask::query,
    frame::{Frame, ok},
    sessions::SignedIn,
    sign_in::field,
    words,
};

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    frame: Frame,
    items: Vec<AuditRow>,
    next: Option<String>,
}

pub(super) async fn handle(State(pages): State<Arc<PageState>>, by: SignedIn, uri: Uri) -> Response {
    let frame = Frame::of(&by.visitor, "/audit");
    let cursor = field(uri.query().unwrap_or_default().as_bytes(), "cursor");
    let cursor =
        cursor.map(|cursor| format!("?{}", query([("cursor", cursor.as_str())]))).unwrap_or_default();
    match pages.api.get::<PageOf<AuditRow>>(&by.actor, &format!("/audit{cursor}")).await {
        Ok(page) => ok(&AuditPage { frame, items: page.items, next: page.next }),
        Err(problem) => frame.trouble(&problem),
    }
}
