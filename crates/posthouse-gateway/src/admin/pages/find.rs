//! The find box: everything that has an id or a number, whatever it is.

use std::sync::Arc;

use askama::Template;
use axum::{extract::State, response::Response};
use http::{StatusCode as HttpStatus, Uri};
use posthouse_api::{FoundView, ProblemDetails};

use super::{
    PageState,
    ask::{query, segment},
    frame::{Frame, html, ok},
    see_other,
    sessions::SignedIn,
    sign_in::field,
    words,
};

#[derive(Template)]
#[template(path = "find.html")]
struct FindPage {
    frame: Frame,
    found: Option<FoundView>,
    /// What is told instead of what was found.
    nothing: Option<String>,
    /// Of a number: where all of its messages are.
    all: Option<String>,
}

pub(super) async fn handle(State(pages): State<Arc<PageState>>, by: SignedIn, uri: Uri) -> Response {
    let q = field(uri.query().unwrap_or_default().as_bytes(), "q").unwrap_or_default();
    let q = q.trim();
    let frame = Frame { query: q.to_owned(), ..Frame::of(&by.visitor, "/find") };
    if q.is_empty() {
        let nothing = Some(words::NOTHING_ASKED.to_owned());
        return ok(&FindPage { frame, found: None, nothing, all: None });
    }
    match pages.api.get::<FoundView>(&by.actor, &format!("/find?{}", query([("q", q)]))).await {
        Ok(found) => match only_one(&found) {
            Some(place) => see_other(&place),
            None => {
                let nothing = found.is_empty().then(|| words::absent(&found));
                let all = is_number(q).then(|| format!("/messages?{}", query([("to", q)])));
                ok(&FindPage { frame, found: Some(found), nothing, all })
            }
        },
        Err(problem) if problem.status == 400 => {
            let nothing = Some(told(&problem));
            html(HttpStatus::BAD_REQUEST, &FindPage { frame, found: None, nothing, all: None })
        }
        Err(problem) => frame.trouble(&problem),
    }
}

/// Whether it may be a phone number: of those one looks for all there is.
fn is_number(q: &str) -> bool {
    let digits = q.chars().filter(char::is_ascii_digit).count();
    (3..17).contains(&digits) && q.chars().all(|c| c.is_ascii_digit() || "+-() .".contains(c))
}

/// Where the only thing is that an id leads to.
fn only_one(found: &FoundView) -> Option<String> {
    if is_number(&found.q) {
        return None;
    }
    let FoundView { messages, refusals, mo, unmatched_reports, .. } = found;
    match (&messages[..], &refusals[..], &mo[..], &unmatched_reports[..]) {
        ([one], [], [], []) => Some(format!("/messages/{}", segment(&one.message_id))),
        ([], [one], [], []) => Some(format!("/refusals/{}", segment(&one.refusal_id))),
        ([], [], [one], []) => Some(format!("/mo/{}", segment(&one.linked_id))),
        _ => None,
    }
}

fn told(problem: &ProblemDetails) -> String {
    let errors = problem.errors.iter().map(|error| match &error.remedy {
        Some(remedy) => format!("{}: {remedy}", error.detail),
        None => error.detail.to_string(),
    });
    let told = errors.collect::<Vec<_>>().join("; ");
    if told.is_empty() { problem.to_string() } else { told }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(absent: Option<&str>) -> FoundView {
        FoundView {
            q: "192687545069338624".to_owned(),
            messages: Vec::new(),
            refusals: Vec::new(),
            mo: Vec::new(),
            unmatched_reports: Vec::new(),
            incomplete: Vec::new(),
            absent: absent.map(str::to_owned),
            made_at: absent.map(|_| "2026-02-03T04:05:06Z".parse().unwrap()),
        }
    }

    #[test]
    fn what_is_not_there_is_told_apart_from_what_is_no_more() {
        assert!(
            words::absent(&found(Some("older_than_retention")))
                .contains("is an id of 2026-02-03 04:05:06, which is longer ago than messages are kept")
        );
        assert!(
            words::absent(&found(Some("never_accepted"))).contains("none of that id was ever accepted here")
        );
        assert!(words::absent(&found(None)).starts_with("Nothing has 192687545069338624: no MessageID"));
    }

    #[test]
    fn a_number_has_all_there_is_of_it_and_an_id_leads_on() {
        for number in ["+1 617 555 0100", "111122", "16175550100"] {
            assert!(is_number(number), "{number}");
        }
        for id in ["192687545069338624", "order-7781", "17", "a1617555"] {
            assert!(!is_number(id), "{id}");
        }
    }
}
