//! Pages as JSON.

use posthouse_core::codes::{Group, PAGES, Page, STATUS_PAGES, StatusPage};
use serde_json::{Map, Value, json};

/// Every page.
pub fn all() -> Value {
    let (codes, statuses) = (PAGES, STATUS_PAGES);
    json!({
        "status_codes": codes.iter().map(code).collect::<Vec<_>>(),
        "delivery_statuses": statuses.iter().map(status).collect::<Vec<_>>(),
    })
}

/// A code's page.
pub fn code(page: &Page) -> Value {
    let mapped: Map<String, Value> =
        page.mapped().into_iter().map(|(dialect, code)| (dialect.name.to_owned(), json!(code))).collect();
    json!({
        "code": page.code.code(),
        "text": page.code.text(),
        "details": page.code.details(),
        "meaning": page.meaning,
        "causes": page.groups().iter().map(cause).collect::<Vec<_>>(),
        "carrier_answers": page.carrier_answers(),
        "consequences": page.consequences(),
        "answered_otherwise": mapped,
        "developer": page.developer,
        "operator": page.operator,
        "retry": page.retry.as_str(),
        "retry_words": page.retry.words(),
        "example": String::from_utf8_lossy(&page.request()),
        "example_needs": Some(page.example.setup.words).filter(|words| !words.is_empty()),
    })
}

fn cause(group: &Group) -> Value {
    json!({
        "row": group.row,
        "check": group.check,
        "only_in": group.only_in,
        "meanings": group.meanings,
    })
}

/// A delivery status' page.
pub fn status(page: &StatusPage) -> Value {
    json!({
        "status": page.status.as_str(),
        "text": page.status.text(),
        "description": page.status.description(),
        "terminal": page.status.is_terminal(),
        "meaning": page.meaning,
        "origins": page.origins(),
        "developer": page.developer,
        "operator": page.operator,
        "retry": page.retry.as_str(),
        "retry_words": page.retry.words(),
        "simulated_by": page.number,
    })
}
