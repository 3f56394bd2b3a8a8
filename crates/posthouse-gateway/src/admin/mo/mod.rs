//! Messages from handsets: looked up, sent again; and those that were for nobody.

pub mod for_nobody;
pub mod get;
pub mod list;
pub mod resend;
pub(super) mod views;

use super::listed;
use posthouse_api::{ProblemCode, ProblemDetails};
use posthouse_core::Id;

/// Reads the LinkedID in a path.
///
/// # Errors
/// There can be no such message.
fn id_of(text: &str) -> Result<Id, ProblemDetails> {
    text.parse().map_err(|_| unknown(text))
}

fn unknown(id: impl std::fmt::Display) -> ProblemDetails {
    ProblemDetails::new(ProblemCode::NotFound)
        .detail(format!("there is no message {id} from a handset"))
        .remedy(listed("mo list", "mo"))
}
