//! What came from carriers: messages from handsets, those that were for nobody, and reports without a message.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, State},
    response::Response,
};
use http::{Method, Uri};
use posthouse_api::{ForNobodyView, MoView, PageOf, UnmatchedView};
use posthouse_core::actor::Right;

use super::{
    PageState,
    ask::segment,
    filters::FilterForm,
    frame::{Frame, html, ok},
    see_other,
    sessions::SignedIn,
    sign_in::field,
    words::{self, Fact},
};

#[derive(Template)]
#[template(path = "mo_list.html")]
struct MoPage {
    frame: Frame,
    filter: FilterForm,
    items: Vec<MoView>,
    next: Option<String>,
    nothing: &'static str,
}

pub(super) async fn list(State(pages): State<Arc<PageState>>, by: SignedIn, uri: Uri) -> Response {
    let frame = Frame::of(&by.visitor, "/mo");
    let mut filter = FilterForm::of("/mo", words::OF_MO, &uri, pages.admin.clock.now()).of_own(&by.actor);
    let found = pages.api.get::<PageOf<MoView>>(&by.actor, &filter.api("/mo")).await;
    match filter.listed(found) {
        Ok((status, items, next)) => {
            let nothing = filter.nothing();
            html(status, &MoPage { frame, filter, items, next, nothing })
        }
        Err(problem) => frame.trouble(&problem),
    }
}

#[derive(Template)]
#[template(path = "for_nobody.html")]
struct ForNobodyPage {
    frame: Frame,
    filter: FilterForm,
    items: Vec<ForNobodyView>,
    next: Option<String>,
    nothing: &'static str,
}

pub(super) async fn for_nobody(State(pages): State<Arc<PageState>>, by: SignedIn, uri: Uri) -> Response {
    let frame = Frame::of(&by.visitor, "/mo");
    let now = pages.admin.clock.now();
    let mut filter = FilterForm::of("/mo/for-nobody", words::OF_MO_FOR_NOBODY, &uri, now);
    let found = pages.api.get::<PageOf<ForNobodyView>>(&by.actor, &filter.api("/mo/for-nobody")).await;
    match filter.listed(found) {
        Ok((status, items, next)) => {
            let nothing = filter.nothing();
            html(status, &ForNobodyPage { frame, filter, items, next, nothing })
        }
        Err(problem) => frame.trouble(&problem),
    }
}

#[derive(Template)]
#[template(path = "unmatched.html")]
struct UnmatchedPage {
    frame: Frame,
    filter: FilterForm,
    items: Vec<UnmatchedView>,
    next: Option<String>,
    nothing: &'static str,
}

pub(super) async fn unmatched(State(pages): State<Arc<PageState>>, by: SignedIn, uri: Uri) -> Response {
    let frame = Frame::of(&by.visitor, "/unmatched-reports");
    let now = pages.admin.clock.now();
    let mut filter = FilterForm::of("/unmatched-reports", words::OF_UNMATCHED_REPORTS, &uri, now);
    let found = pages.api.get::<PageOf<UnmatchedView>>(&by.actor, &filter.api("/unmatched-reports")).await;
    match filter.listed(found) {
        Ok((status, items, next)) => {
            let nothing = filter.nothing();
            html(status, &UnmatchedPage { frame, filter, items, next, nothing })
        }
        Err(problem) => frame.trouble(&problem),
    }
}

#[derive(Template)]
#[template(path = "mo.html")]
struct OneMoPage {
    frame: Frame,
    shown: MoView,
    sentence: String,
    facts: Vec<Fact>,
    may_resend: bool,
    done: bool,
}

pub(super) async fn one(
    State(pages): State<Arc<PageState>>,
    by: SignedIn,
    Path(id): Path<String>,
    uri: Uri,
) -> Response {
    let frame = Frame::of(&by.visitor, "/mo");
    match pages.api.get::<MoView>(&by.actor, &format!("/mo/{}", segment(&id))).await {
        Ok(shown) => ok(&OneMoPage {
            frame,
            sentence: words::of_mo(&shown),
            facts: words::facts_of_mo(&shown),
            may_resend: by.actor.may(Right::Resend) && shown.state != "owed",
            done: field(uri.query().unwrap_or_default().as_bytes(), "done").is_some(),
            shown,
        }),
        Err(problem) => frame.trouble(&problem),
    }
}

/// Makes one due again.
pub(super) async fn resend(
    State(pages): State<Arc<PageState>>,
    by: SignedIn,
    Path(id): Path<String>,
) -> Response {
    let path = format!("/mo/{}", segment(&id));
    match pages.api.send::<MoView>(&by.actor, Method::POST, &format!("{path}/resend")).await {
        Ok(_) => see_other(&format!("{path}?done=resend")),
        Err(problem) => Frame::of(&by.visitor, "/mo").trouble(&problem),
    }
}
