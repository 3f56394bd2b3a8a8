//! `POST /api/v1/blacklist/import` and `…/ranges/import`: adds the numbers of a list, a batch at a time.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Request, State},
};
use jiff::Timestamp;
use posthouse_api::{NumbersImported, ProblemCode, ProblemDetails, ProblemError};
use posthouse_core::{
    actor::Actor,
    provisioning::csv::{LineMistake, NumberList},
    store::Store,
};

use super::{
    super::{
        AdminState, VerbError,
        answer::{JsonAnswer, ProblemAnswer},
        body,
        provisioning::mistake_at,
        query::Parameters,
    },
    CSV,
};
use crate::config::numbers::{self, ImportError};

/// The last line that can be told: the largest `int32` of OpenAPI.
const LAST_LINE: u32 = 0x7fff_ffff;

/// Blocks the numbers of a list
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/blacklist/import", tag = "numbers", operation_id = "import_blacklist",
    params(("dry_run" = Option<bool>, Query, description = "Only read it"), ("first_line" = Option<u32>, Query, minimum = 1, maximum = 2_147_483_647, description = "The number of its first line, for what is wrong; 1 when it does not say")),
    request_body(content = Option<String>, content_type = "text/csv", description = "Lines of number,account; the account may be left out; no body is a list of nothing"),
    responses(
        (status = 200, description = "What came of it", body = NumbersImported),
        (status = 422, description = "Lines are wrong; nothing of what was sent is changed"))
))]
pub(in super::super) async fn handle_blacklist(
    State(state): State<Arc<AdminState>>,
    Extension(by): Extension<Actor>,
    request: Request,
) -> Result<JsonAnswer<NumbersImported>, ProblemAnswer> {
    handle(&state, &by, request, NumberList::Blacklist).await
}

/// Adds the ranges of a list
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/ranges/import", tag = "numbers", operation_id = "import_ranges",
    params(("dry_run" = Option<bool>, Query, description = "Only read it"), ("first_line" = Option<u32>, Query, minimum = 1, maximum = 2_147_483_647, description = "The number of its first line, for what is wrong; 1 when it does not say")),
    request_body(content = Option<String>, content_type = "text/csv", description = "Lines of prefix,carrier; no body is a list of nothing"),
    responses(
        (status = 200, description = "What came of it", body = NumbersImported),
        (status = 422, description = "Lines are wrong; nothing of what was sent is changed"))
))]
pub(in super::super) async fn handle_ranges(
    State(state): State<Arc<AdminState>>,
    Extension(by): Extension<Actor>,
    request: Request,
) -> Result<JsonAnswer<NumbersImported>, ProblemAnswer> {
    handle(&state, &by, request, NumberList::Ranges).await
}

async fn handle(
    state: &AdminState,
    by: &Actor,
    request: Request,
    list: NumberList,
) -> Result<JsonAnswer<NumbersImported>, ProblemAnswer> {
    let (head, body) = request.into_parts();
    let line = |text: &str| {
        let line = text.parse::<u32>().ok().filter(|line| (1..=LAST_LINE).contains(line));
        line.ok_or_else(|| {
            (format!("{text:?} is no number of a line"), format!("write one from 1 to {LAST_LINE}"))
        })
    };
    let mut given = Parameters::of(&head.uri);
    let (dry_run, first) = (given.flag("dry_run"), given.read("first_line", line));
    given.finish()?;
    let bytes = body::bytes(body).await;
    // Nothing is a list of nothing, whatever its type.
    if !bytes.is_empty() && !body::is_of_type(&head.headers, CSV) {
        return Err(body::unsupported(CSV).into());
    }
    let text = String::from_utf8(bytes.into()).map_err(|_| {
        ProblemDetails::new(ProblemCode::Malformed).detail("the list is not UTF-8").remedy("save it as UTF-8")
    })?;
    let first = usize::try_from(first.unwrap_or(1)).unwrap_or(usize::MAX);
    let lines = (text.as_str(), first);
    Ok(JsonAnswer(import(&*state.store, list, lines, dry_run, by, state.clock.now()).await?))
}

/// Adds the numbers of a list whose first line has the number `first`; or, asked to, only reads them.
///
/// # Errors
/// The lines that are wrong, or what the store says.
pub async fn import(
    store: &dyn Store,
    list: NumberList,
    lines: (&str, usize),
    dry_run: bool,
    by: &Actor,
    now: Timestamp,
) -> Result<NumbersImported, VerbError> {
    match numbers::import(store, list, lines, dry_run, by, now).await {
        Ok(imported) => {
            Ok(NumbersImported { numbers: imported.numbers, revision: imported.revision, dry_run })
        }
        Err(ImportError::Store(error)) => Err(error.into()),
        Err(ImportError::Lines(mistakes)) => {
            let errors = mistakes.into_iter().map(told).collect();
            Err(ProblemDetails::new(ProblemCode::InvalidDocument).with_errors(errors).into())
        }
    }
}

fn told(mistake: LineMistake) -> ProblemError {
    let LineMistake { line, what } = mistake;
    mistake_at(Some(line), what)
}
