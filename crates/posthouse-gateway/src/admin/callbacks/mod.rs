//! Callbacks: looked up with their tries, and tried at once.

pub mod attempts;
pub mod get;
pub mod list;
pub mod resend;
mod views;

use posthouse_api::{ProblemCode, ProblemDetails};
use posthouse_core::Id;

/// Reads the id in a path.
///
/// # Errors
/// There can be no such callback.
fn id_of(text: &str) -> Result<Id, ProblemDetails> {
    text.parse().map_err(|_| unknown(text))
}

fn unknown(id: impl std::fmt::Display) -> ProblemDetails {
    ProblemDetails::new(ProblemCode::NotFound)
        .detail(format!("there is no callback {id} that is owed or has failed"))
        .remedy("what was delivered is on the timeline of its message")
}
