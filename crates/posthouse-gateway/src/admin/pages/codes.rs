//! The codes: what each means, what raises it, what to do. For everybody.

use askama::Template;
use axum::{extract::Path, response::Response};
use mm7::{MmStatus, StatusCode};
use posthouse_api::{ProblemCode, ProblemDetails};
use posthouse_core::codes::{Difference, PAGES, Page, STATUS_PAGES, StatusPage};

use super::{
    super::codes::raised,
    frame::{Frame, ok},
    sessions::Visitor,
    words,
};

#[derive(Template)]
#[template(path = "codes.html")]
struct CodesPage {
    frame: Frame,
    codes: &'static [Page],
    statuses: &'static [StatusPage],
}

pub(super) async fn all(visitor: Visitor) -> Response {
    ok(&CodesPage { frame: Frame::of(&visitor, "/codes"), codes: PAGES, statuses: STATUS_PAGES })
}

struct ShownExample {
    introduction: String,
    differences: Vec<Difference>,
}

#[derive(Template)]
#[template(path = "code.html")]
struct CodePage {
    frame: Frame,
    heading: String,
    heading_code: String,
    meaning: &'static str,
    wire: String,
    mapped: Vec<(String, String)>,
    developer: &'static str,
    operator: &'static str,
    retry: &'static str,
    raised_title: &'static str,
    raised: Vec<String>,
    example: Option<ShownExample>,
    related: bool,
}

pub(super) async fn one(visitor: Visitor, Path(wanted): Path<String>) -> Response {
    let frame = Frame::of(&visitor, "/codes");
    let code = wanted.parse().ok().and_then(StatusCode::from_code).and_then(Page::of);
    if let Some(page) = code {
        return ok(&of_code(frame, page));
    }
    let status = MmStatus::ALL.iter().find(|status| status.as_str().eq_ignore_ascii_case(&wanted));
    match status.and_then(|status| StatusPage::of(*status)) {
        Some(page) => ok(&of_status(frame, page)),
        None => frame.trouble(
            &ProblemDetails::new(ProblemCode::NotFound)
                .detail(format!("{wanted} is no status code or delivery status of the table"))
                .remedy("/codes lists them all"),
        ),
    }
}

fn of_code(frame: Frame, page: &'static Page) -> CodePage {
    let wire = match page.code.details() {
        Some(details) => format!("StatusText {:?}, Details {details:?}", page.code.text()),
        None => format!("StatusText {:?}", page.code.text()),
    };
    let edits = page.example.edits.len();
    let request = match edits {
        0 => "The request of 1000".to_owned(),
        1 => "The request of 1000 with 1 change".to_owned(),
        _ => format!("The request of 1000 with {edits} changes"),
    };
    let introduction = match page.example.setup.words {
        "" => request,
        words => format!("{request}. It takes {words}"),
    };
    CodePage {
        related: frame.who.is_some(),
        frame,
        heading: page.code.to_string(),
        heading_code: page.code.code().to_string(),
        meaning: page.meaning,
        wire,
        mapped: page
            .mapped()
            .into_iter()
            .map(|(dialect, code)| (dialect.name.to_owned(), code.to_string()))
            .collect(),
        developer: page.developer,
        operator: page.operator,
        retry: page.retry.words(),
        raised_title: "Raised by",
        raised: raised(page),
        example: Some(ShownExample { introduction, differences: page.example.differences() }),
    }
}

fn of_status(frame: Frame, page: &'static StatusPage) -> CodePage {
    let end = if page.status.is_terminal() { "the message has ended" } else { "another report follows" };
    CodePage {
        frame,
        heading: page.status.to_string(),
        heading_code: page.status.as_str().to_owned(),
        meaning: page.meaning,
        wire: format!("MMStatus {:?}, StatusText {:?}; {end}", page.status.as_str(), page.status.text()),
        mapped: Vec::new(),
        developer: page.developer,
        operator: page.operator,
        retry: page.retry.words(),
        raised_title: "Comes when",
        raised: page.origins().into_iter().map(|origin| origin.to_string()).collect(),
        example: None,
        related: false,
    }
}
