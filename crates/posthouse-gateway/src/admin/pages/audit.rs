//! Who changed what.

use std::sync::Arc;

use askama::Template;
use axum::{extract::State, response::Response};
use http::Uri;
use posthouse_api::{AuditRow, PageOf};

use super::{
    PageState,
    filters::FilterForm,
    frame::{Frame, html},
    sessions::SignedIn,
    words,
};

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    frame: Frame,
    filter: FilterForm,
    items: Vec<AuditRow>,
    next: Option<String>,
    nothing: &'static str,
}

pub(super) async fn handle(State(pages): State<Arc<PageState>>, by: SignedIn, uri: Uri) -> Response {
    let frame = Frame::of(&by.visitor, "/audit");
    let mut filter = FilterForm::of("/audit", words::OF_AUDIT, &uri, pages.admin.clock.now());
    let found = pages.api.get::<PageOf<AuditRow>>(&by.actor, &filter.api("/audit")).await;
    match filter.listed(found) {
        Ok((status, items, next)) => {
            let nothing = filter.nothing();
            html(status, &AuditPage { frame, filter, items, next, nothing })
        }
        Err(problem) => frame.trouble(&problem),
    }
}
