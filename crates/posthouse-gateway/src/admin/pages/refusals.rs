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
    ask::segment,
    filters::FilterForm,
    frame::{Frame, html, ok},
    sessions::SignedIn,
    words::{self, Fact},
};

#[derive(Template)]
#[template(path = "refusals.html")]
struct RefusalsPage {
    frame: Frame,
    filter: FilterForm,
    items: Vec<RefusalView>,
    next: Option<String>,
    nothing: &'static str,
}

pub(super) async fn list(State(pages): State<Arc<PageState>>, by: SignedIn, uri: Uri) -> Response {
    let frame = Frame::of(&by.visitor, "/refusals");
    let mut filter =
        FilterForm::of("/refusals", words::OF_REFUSALS, &uri, pages.admin.clock.now()).of_own(&by.actor);
    let found = pages.api.get::<PageOf<RefusalView>>(&by.actor, &filter.api("/refusals")).await;
    match filter.listed(found) {
        Ok((status, items, next)) => {
            let nothing = filter.nothing();
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
        Ok(shown) => ok(&RefusalPage {
            frame,
            sentence: words::of_refusal(&shown),
            facts: words::facts_of_refusal(&shown),
            shown,
        }),
        Err(problem) => frame.trouble(&problem),
    }
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
