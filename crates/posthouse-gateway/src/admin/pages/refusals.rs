//! Refusals: which requests of VASPs were not taken, and what is wrong with each, byte and remedy.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, State},
    response::Response,
};
use http::Uri;
use posthouse_api::{PageOf, RefusalView};

use super::{
    PageState,
    ask::{query, segment},
    filters::{FilterForm, FilterSpec},
    frame::{Frame, html, ok},
    sessions::SignedIn,
    words::{self, Fact, precise},
};

const FILTERS: &[FilterSpec] = &[
    FilterSpec::text("account", "Account", "acme"),
    FilterSpec::text("code", "Code", "2513"),
    FilterSpec::text("peer", "From address", "198.51.100.7"),
    FilterSpec::text("transaction_id", "TransactionID", "order-7781"),
    FilterSpec::text("to", "Recipient", "+1 617 555 0100"),
    FilterSpec::text("since", "Since", "2026-11-29T02:00Z"),
    FilterSpec::text("until", "Before", "2026-11-29T02:20Z"),
];

#[derive(Template)]
#[template(path = "refusals.html")]
struct RefusalsPage {
    frame: Frame,
    filter: FilterForm,
    items: Vec<RefusalView>,
    next: Option<String>,
    nothing: String,
}

pub(super) async fn list(State(pages): State<Arc<PageState>>, by: SignedIn, uri: Uri) -> Response {
    let frame = Frame::of(&by.visitor, "/refusals");
    let mut filter = FilterForm::of("/refusals", FILTERS, &uri);
    let found = pages.api.get::<PageOf<RefusalView>>(&by.actor, &filter.api("/refusals")).await;
    match filter.listed(found) {
        Ok((status, items, next)) => {
            let nothing = filter.nothing("No request was refused.");
            html(status, &RefusalsPage { frame, filter, items, next, nothing })
        }
        Err(problem) => frame.trouble(&problem),
    }
}

#[derive(Template)]
#[template(path = "refusal.html")]
struct RefusalPage {
    frame: Frame,
    shown: RefusalView,
    sentence: String,
    facts: Vec<Fact>,
}

pub(super) async fn one(
    State(pages): State<Arc<PageState>>,
    by: SignedIn,
    Path(id): Path<String>,
) -> Response {
    let frame = Frame::of(&by.visitor, "/refusals");
    match pages.api.get::<RefusalView>(&by.actor, &format!("/refusals/{}", segment(&id))).await {
        Ok(shown) => {
            ok(&RefusalPage { frame, sentence: words::of_refusal(&shown), facts: facts(&shown), shown })
        }
        Err(problem) => frame.trouble(&problem),
    }
}

fn facts(shown: &RefusalView) -> Vec<Fact> {
    let filter = |name: &str, value: &str| Some(format!("/refusals?{}", query([(name, value)])));
    let linked = |name, label: &'static str, value: &Option<String>| match value {
        Some(value) => (label, value.clone(), filter(name, value)),
        None => (label, "could not be told".to_owned(), None),
    };
    let plain =
        |label, value: &Option<String>| (label, value.clone().unwrap_or_else(|| "none".to_owned()), None);
    let mut facts = vec![
        ("Code", format!("{} {}", shown.code, shown.text), Some(format!("/codes/{}", shown.code))),
        linked("account", "Account", &shown.account),
        ("From address", shown.peer.clone(), filter("peer", &shown.peer)),
        linked("transaction_id", "TransactionID", &shown.transaction_id),
        plain("VASID", &shown.vasid),
        plain("Sender", &shown.sender),
        plain("Recipient", &shown.recipient),
        ("Body", words::bytes(shown.bytes), None),
        ("Refused by", format!("row {} of the order of checks: {}", shown.row, shown.rule), None),
        ("At", precise(&shown.at), None),
    ];
    if shown.times > 1 {
        facts.push(("So far", format!("{} times, last at {}", shown.times, precise(&shown.last_at)), None));
    }
    facts
}

#[cfg(test)]
mod tests {
    use posthouse_api::FindingView;

    use super::*;

    #[test]
    fn a_refusal_is_told_in_a_sentence_and_a_finding_with_its_place() {
        let shown = RefusalView {
            account: Some("acme".to_owned()),
            code: 2513,
            text: "Unable to parse attachment".to_owned(),
            meaning: Some("An attachment cannot be read.".to_owned()),
            ..RefusalView::default()
        };
        assert_eq!(
            words::of_refusal(&shown),
            "A request of acme was refused with 2513 Unable to parse attachment. An attachment cannot be read. No message was made of it."
        );
        let finding = FindingView {
            byte: Some(912),
            line: Some(23),
            column: Some(4),
            part: Some(2),
            ..FindingView::default()
        };
        assert_eq!(words::place(&finding), "in part 2, at byte 912 of the body (line 23, column 4)");
        assert_eq!(words::place(&FindingView::default()), "in the HTTP head");
    }
}
