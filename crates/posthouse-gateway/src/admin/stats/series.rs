//! `GET /api/v1/stats/series`: a number of the gateway, or of a carrier's connections, over the last six hours.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::Uri;
use posthouse_api::{PageOf, ProblemCode, ProblemDetails, ProblemError, SeriesView};

use super::super::{
    AdminState,
    answer::{self, ProblemAnswer},
    messages::selection,
    query::Parameters,
};
use crate::telemetry::series::{SeriesKind, SeriesName};

/// How many seconds lie between two samples.
const SAMPLE: u32 = 10;
/// The mean of how many seconds a value is, where nothing says so.
const STEP: u32 = 60;
/// The longest.
const LONGEST_STEP: u32 = 3_600;
/// How far back it goes, in seconds.
const SPAN: u32 = 6 * 3_600;

/// A number of the gateway, or of connections, over the last six hours
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/stats/series", tag = "stats", operation_id = "list_series",
    params(
        ("name" = String, Query, description = "`accepted`, `forwarded`, `reported`, `window` or `answer`"),
        ("carrier" = Option<String>, Query, description = "Of this carrier's connections; without it, of the whole gateway"),
        ("step" = Option<u32>, Query, description = "The mean of how many seconds a value is: a multiple of 10 up to 3600; 60 when it does not say")),
    responses((status = 200, description = "The series", body = PageOf<SeriesView>))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    uri: Uri,
) -> Result<Response, ProblemAnswer> {
    let kind = |text: &str| {
        SeriesKind::of_word(text).ok_or_else(|| {
            let all: Vec<_> = SeriesKind::ALL.iter().map(|(_, word)| *word).collect();
            (format!("there is no series {text:?}"), format!("write one of {}", all.join(", ")))
        })
    };
    let step = |text: &str| {
        let step = text.parse().ok().filter(|step: &u32| step.is_multiple_of(SAMPLE));
        step.filter(|step| (SAMPLE..=LONGEST_STEP).contains(step)).ok_or_else(|| {
            (format!("{text:?} is no multiple of {SAMPLE} up to {LONGEST_STEP}"), "write one such as 60")
        })
    };
    let mut given = Parameters::of(&uri);
    let (kind, carrier) = (given.read("name", kind), given.one("carrier"));
    let step = given.read("step", step).unwrap_or(STEP);
    given.finish()?;
    let Some(kind) = kind else {
        let error = ProblemError::in_parameter("name", "it does not say which series")
            .with_remedy("add name=accepted, or another that docs/api.md lists");
        return Err(ProblemDetails::new(ProblemCode::InvalidParameter).error(error).into());
    };
    selection::provisioned(&state.snapshot.get(), None, carrier.as_deref())?;
    let wanted = |name: &SeriesName| {
        let of = name.link.as_ref().map(|(carrier, _)| carrier.as_str());
        name.kind == kind && of == carrier.as_deref()
    };
    let points = usize::try_from(SPAN / step).unwrap_or(usize::MAX);
    let by = usize::try_from(step / SAMPLE).unwrap_or(1);
    let (until, found) = state.series.look(wanted, by, points);
    let view = |(name, values): (SeriesName, Vec<Option<f64>>)| {
        let (carrier, connection) = name.link.unzip();
        SeriesView {
            name: name.kind.word().to_owned(),
            carrier: carrier.map(|carrier| carrier.0),
            connection,
            step_seconds: step,
            until,
            values,
        }
    };
    Ok(answer::page(PageOf { items: found.into_iter().map(view).collect(), next: None }, &uri))
}
