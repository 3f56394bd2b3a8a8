//! The codes: what each means, what raises it, what to do. For everybody.

use askama::Template;
use axum::{extract::Path, response::Response};
use mm7::{MmStatus, StatusCode};
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
        None => frame.trouble(&words::no_code(&wanted)),
    }
}

fn of_code(frame: Frame, page: &'static Page) -> CodePage {
    let introduction = words::example(page);
    CodePage {
        related: frame.who.is_some(),
        frame,
        heading: page.code.to_string(),
        heading_code: page.code.code().to_string(),
        meaning: page.meaning,
        wire: words::code_on_the_wire(page),
        mapped: page
            .mapped()
            .into_iter()
            .map(|(dialect, code)| (dialect.name.to_owned(), code.to_string()))
            .collect(),
        developer: page.developer,
        operator: page.operator,
        retry: page.retry.words(),
        raised_title: words::RAISED_BY,
        raised: raised(page),
        example: Some(ShownExample { introduction, differences: page.example.differences() }),
    }
}

fn of_status(frame: Frame, page: &'static StatusPage) -> CodePage {
    CodePage {
        frame,
        heading: page.status.to_string(),
        heading_code: page.status.as_str().to_owned(),
        meaning: page.meaning,
        wire: words::status_on_the_wire(page),
        mapped: Vec::new(),
        developer: page.developer,
        operator: page.operator,
        retry: page.retry.words(),
        raised_title: words::COMES_WHEN,
        raised: page.origins().into_iter().map(|origin| origin.to_string()).collect(),
        example: None,
        related: false,
    }
}
