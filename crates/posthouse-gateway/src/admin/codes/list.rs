//! `GET /api/v1/codes`: every status code and delivery status, explained.

use http::Uri;
use posthouse_api::{CodeView, PageOf};
use posthouse_core::codes::{PAGES, STATUS_PAGES};

use super::{
    super::{
        answer::{JsonAnswer, ProblemAnswer},
        query::Parameters,
    },
    of_code, of_status,
};

/// Every status code and delivery status, explained
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/codes", tag = "about", operation_id = "list_codes",
    responses((status = 200, description = "All of them, codes first", body = PageOf<CodeView>))
))]
pub(in super::super) async fn handle(uri: Uri) -> Result<JsonAnswer<PageOf<CodeView>>, ProblemAnswer> {
    Parameters::of(&uri).finish()?;
    let items = PAGES.iter().map(of_code).chain(STATUS_PAGES.iter().map(of_status)).collect();
    Ok(JsonAnswer(PageOf { items, next: None }))
}
