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
    ask::{query, segment},
    filters::{FilterForm, FilterSpec},
    frame::{Frame, html, ok},
    see_other,
    sessions::SignedIn,
    sign_in::field,
    words::{self, Fact, precise},
};

const FILTERS: &[FilterSpec] = &[
    FilterSpec::text("account", "Account", "acme"),
    FilterSpec::text("carrier", "Carrier", "31003"),
    FilterSpec::text("from", "From number", "+1 617 555 0100"),
    FilterSpec::text("since", "Since", "2026-11-29T02:00Z"),
    FilterSpec::text("until", "Before", "2026-11-29T02:20Z"),
];
const OF_NOBODY: &[FilterSpec] = &[FilterSpec::text("carrier", "Carrier", "31003")];
const OF_REPORTS: &[FilterSpec] = &[
    FilterSpec::text("carrier", "Carrier", "31003"),
    FilterSpec::text("carrier_message_id", "Carrier's MessageID", "m-4711"),
    FilterSpec::text("to", "Recipient", "+1 617 555 0100"),
    FilterSpec::text("since", "Since", "2026-11-29T02:00Z"),
    FilterSpec::text("until", "Before", "2026-11-29T02:20Z"),
];

#[derive(Template)]
#[template(path = "mo_list.html")]
struct MoPage {
    frame: Frame,
    filter: FilterForm,
    items: Vec<MoView>,
    next: Option<String>,
    nothing: String,
}

pub(super) async fn list(State(pages): State<Arc<PageState>>, by: SignedIn, uri: Uri) -> Response {
    let frame = Frame::of(&by.visitor, "/mo");
    let mut filter = FilterForm::of("/mo", FILTERS, &uri);
    let found = pages.api.get::<PageOf<MoView>>(&by.actor, &filter.api("/mo")).await;
    match filter.listed(found) {
        Ok((status, items, next)) => {
            let nothing = filter.nothing("No message came from a handset yet.");
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
    nothing: String,
}

pub(super) async fn for_nobody(State(pages): State<Arc<PageState>>, by: SignedIn, uri: Uri) -> Response {
    let frame = Frame::of(&by.visitor, "/mo");
    let mut filter = FilterForm::of("/mo/for-nobody", OF_NOBODY, &uri);
    let found = pages.api.get::<PageOf<ForNobodyView>>(&by.actor, &filter.api("/mo/for-nobody")).await;
    match filter.listed(found) {
        Ok((status, items, next)) => {
            let nothing =
                filter.nothing("Every message from a handset was for a service that is provisioned.");
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
    nothing: String,
}

pub(super) async fn unmatched(State(pages): State<Arc<PageState>>, by: SignedIn, uri: Uri) -> Response {
    let frame = Frame::of(&by.visitor, "/unmatched-reports");
    let mut filter = FilterForm::of("/unmatched-reports", OF_REPORTS, &uri);
    let found = pages.api.get::<PageOf<UnmatchedView>>(&by.actor, &filter.api("/unmatched-reports")).await;
    match filter.listed(found) {
        Ok((status, items, next)) => {
            let nothing = filter.nothing("Every report that came was about a message that is known.");
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
            facts: facts(&shown),
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

fn facts(shown: &MoView) -> Vec<Fact> {
    let mut facts = vec![
        ("Account", shown.account.clone(), Some(format!("/accounts/{}", segment(&shown.account)))),
        ("Service", shown.vasid.clone(), None),
        ("From", shown.sender.clone(), None),
        ("To", shown.recipients.join(", "), None),
        ("Carrier", shown.carrier.clone(), Some(format!("/mo?{}", query([("carrier", &*shown.carrier)])))),
        ("Carrier's TransactionID", shown.transaction_id.clone(), None),
        ("Carrier's LinkedID", shown.carrier_linked_id.clone().unwrap_or_else(|| "none".to_owned()), None),
        ("Came", precise(&shown.received_at), None),
    ];
    let callback = |id: &String| ("Callback", id.clone(), Some(format!("/callbacks/{}", segment(id))));
    facts.extend(shown.callback_id.as_ref().map(callback));
    if !shown.odd.is_empty() {
        facts.push(("Odd about it", shown.odd.clone(), None));
    }
    facts
}
