//! Callbacks: looked up with their tries, and tried at once.

pub mod attempts;
pub mod get;
pub mod list;
pub mod resend;
mod views;

use posthouse_api::{ProblemCode, ProblemDetails};
use posthouse_core::{Id, actor::Actor, store::Store};

use super::{VerbError, context::is_there};

/// Reads the id in a path.
///
/// # Errors
/// There can be no such callback.
fn id_of(text: &str) -> Result<Id, ProblemDetails> {
    text.parse().map_err(|_| unknown(text))
}

/// Whether a callback is there for the caller. Whose one was that is delivered and gone is not known: it is there for operators alone.
///
/// # Errors
/// It is not, or what the store says.
async fn own(store: &dyn Store, id: &str, by: &Actor) -> Result<(), VerbError> {
    if by.account().is_none() {
        return Ok(());
    }
    match store.kept_callback(id_of(id)?).await? {
        Some(kept) if is_there(by, &kept.account.0) => Ok(()),
        _ => Err(unknown(id).into()),
    }
}

fn unknown(id: impl std::fmt::Display) -> ProblemDetails {
    ProblemDetails::new(ProblemCode::NotFound)
        .detail(format!("there is no callback {id} that is owed or has failed"))
        .remedy("what was delivered is on the timeline of its message")
}
