//! `GET /api/v1/codes/{code}`: one status code or delivery status, explained.

use axum::extract::Path;
use http::Uri;
use posthouse_api::{CodeView, ProblemCode, ProblemDetails};

use super::{
    super::{
        answer::{JsonAnswer, ProblemAnswer},
        listed,
        query::Parameters,
    },
    page_of,
};

/// One status code or delivery status, explained
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/codes/{code}", tag = "about", operation_id = "get_code",
    params(("code" = String, Path, description = "The code, such as 2513, or the status, such as Retrieved")),
    responses((status = 200, description = "What it means, what raises it, what to do", body = CodeView))
))]
pub(in super::super) async fn handle(
    Path(code): Path<String>,
    uri: Uri,
) -> Result<JsonAnswer<CodeView>, ProblemAnswer> {
    Parameters::of(&uri).finish()?;
    let unknown = || {
        ProblemDetails::new(ProblemCode::NotFound)
            .detail(format!("{code} is no status code or delivery status of the table"))
            .remedy(listed("codes", "codes"))
    };
    Ok(JsonAnswer(page_of(&code).ok_or_else(unknown)?))
}
