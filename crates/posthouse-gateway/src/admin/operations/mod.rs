//! Operations in bulk: planned, started, cancelled, followed; and carried out by the gateway.

pub mod cancel;
pub mod get;
pub mod items;
pub mod list;
pub mod plan;
pub mod run;
pub mod start;
mod views;

use super::listed;
use posthouse_api::{ProblemCode, ProblemDetails};
use posthouse_core::{Id, counted::counted, operation::NotStarted};

/// Reads the id in a path.
///
/// # Errors
/// There can be no such operation.
fn id_of(text: &str) -> Result<Id, ProblemDetails> {
    text.parse().map_err(|_| unknown(text))
}

fn unknown(id: impl std::fmt::Display) -> ProblemDetails {
    ProblemDetails::new(ProblemCode::NotFound)
        .detail(format!("there is no operation {id}"))
        .remedy(listed("operations list", "operations"))
}

/// Why an operation was not started, or not cancelled.
fn refused(id: &str, why: NotStarted) -> ProblemDetails {
    let problem = ProblemDetails::new(ProblemCode::LeftAlone);
    match why {
        NotStarted::Unknown => unknown(id),
        NotStarted::State(state) => problem
            .detail(format!("it is {state}"))
            .remedy(format!("`posthouse operations show {id}` says how it stands")),
        NotStarted::Count(count) => problem
            .detail(format!("it is about {}", counted(count, "message")))
            .remedy("look at it again before it is started"),
        NotStarted::NoReason => problem
            .detail("it is about more than 10,000 messages")
            .remedy("say why, in the header X-Reason or by --reason"),
    }
}
