//! The accounts' endpoints: how each does, paused, resumed and tested.

pub mod list;
pub mod pause;
pub mod resume;
pub mod test;

use posthouse_api::{ProblemCode, ProblemDetails};
use posthouse_core::{account::AccountName, provisioning::Snapshot, store::Store};

use super::{VerbError, listed};

/// The account of a path: one that is provisioned, or of which the store knows something still.
///
/// # Errors
/// There is no such account, or what the store says.
async fn account_of(store: &dyn Store, snapshot: &Snapshot, name: &str) -> Result<AccountName, VerbError> {
    let account = AccountName(name.to_owned());
    if snapshot.account(&account).is_some()
        || store.endpoints().await?.iter().any(|known| known.account == account)
    {
        return Ok(account);
    }
    Err(no_account(name).into())
}

fn no_account(name: &str) -> ProblemDetails {
    ProblemDetails::new(ProblemCode::NotFound)
        .detail(format!("no account {name} is provisioned"))
        .remedy(format!("correct the name; {}", listed("callbacks endpoints", "endpoints")))
}
