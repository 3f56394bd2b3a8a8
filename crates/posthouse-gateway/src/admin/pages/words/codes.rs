//! What pages say around the texts of codes and delivery statuses, which are the code's own (`posthouse_core::codes`).

use posthouse_api::{ProblemCode, ProblemDetails};
use posthouse_core::{
    codes::{Page, StatusPage},
    counted::counted,
};

/// Above what raises a code.
pub(in super::super) const RAISED_BY: &str = "Raised by";
/// Above what makes a report of a status.
pub(in super::super) const COMES_WHEN: &str = "Comes when";

/// How an answer with this code is written.
pub(in super::super) fn code_on_the_wire(page: &Page) -> String {
    match page.code.details() {
        Some(details) => format!("StatusText {:?}, Details {details:?}", page.code.text()),
        None => format!("StatusText {:?}", page.code.text()),
    }
}

/// How a report of this status is written, and whether another follows.
pub(in super::super) fn status_on_the_wire(page: &StatusPage) -> String {
    let end = if page.status.is_terminal() { "the message has ended" } else { "another report follows" };
    format!("MMStatus {:?}, StatusText {:?}; {end}", page.status.as_str(), page.status.text())
}

/// What the request is that raises a code.
pub(in super::super) fn example(page: &Page) -> String {
    let request = match page.example.edits.len() {
        0 => "The request of 1000".to_owned(),
        edits => format!("The request of 1000 with {}", counted(edits, "change")),
    };
    match page.example.setup.words {
        "" => request,
        words => format!("{request}. It takes {words}"),
    }
}

/// That there is no such code or status.
pub(in super::super) fn no_code(wanted: &str) -> ProblemDetails {
    ProblemDetails::new(ProblemCode::NotFound)
        .detail(format!("{wanted} is no status code or delivery status of the table"))
        .remedy("/codes lists them all")
}
