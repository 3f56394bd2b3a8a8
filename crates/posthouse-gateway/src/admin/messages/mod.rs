//! Messages: looked up, and intervened in by hand.

pub mod expire;
pub mod get;
pub mod intervene;
pub mod list;
pub mod requeue;
pub mod resend_reports;
pub(super) mod selection;
mod views;

use posthouse_api::{ProblemCode, ProblemDetails};
use posthouse_core::{
    Id,
    store::{StoreError, StoreResult},
};

use super::VerbError;

/// How many times a store that is busy is asked. Each time it is waited for by itself.
const TRIES: usize = 5;

/// Does it once more while the store is busy with what VASPs send.
async fn patiently<T, F: Future<Output = StoreResult<T>>>(work: impl Fn() -> F) -> StoreResult<T> {
    for _ in 1..TRIES {
        match work().await {
            Err(StoreError::Overloaded) => {}
            done => return done,
        }
    }
    work().await
}

/// Reads the MessageID in a path.
///
/// # Errors
/// There can be no such message.
fn id_of(text: &str) -> Result<Id, ProblemDetails> {
    text.parse().map_err(|_| unknown(text))
}

fn unknown(id: impl std::fmt::Display) -> ProblemDetails {
    ProblemDetails::new(ProblemCode::NotFound).detail(format!("there is no message {id}"))
}

fn no_message(id: Id) -> VerbError {
    unknown(id).into()
}
