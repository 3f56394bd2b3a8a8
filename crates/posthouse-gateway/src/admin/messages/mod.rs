//! Messages: looked up, and intervened in by hand.

pub(super) mod content;
pub mod count;
pub(super) mod exchanges;
pub mod expire;
pub mod get;
pub mod intervene;
pub mod list;
pub mod requeue;
pub mod reroute;
pub mod resend_reports;
pub mod resubmit;
pub mod selection;
pub mod summary;
pub(super) mod views;

pub use self::selection::provisioned_in;

use posthouse_api::{ProblemCode, ProblemDetails};
use posthouse_core::Id;

use super::{VerbError, listed};

/// Reads the MessageID in a path.
///
/// # Errors
/// There can be no such message.
fn id_of(text: &str) -> Result<Id, ProblemDetails> {
    text.parse().map_err(|_| unknown(text))
}

fn unknown(id: impl std::fmt::Display) -> ProblemDetails {
    ProblemDetails::new(ProblemCode::NotFound)
        .detail(format!("there is no message {id}"))
        .remedy(listed("messages list", "messages"))
}

fn no_message(id: Id) -> VerbError {
    unknown(id).into()
}
