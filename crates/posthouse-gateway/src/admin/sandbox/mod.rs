//! The sandbox of an account: what its handset shows, messages from that handset, and an inbox that begins anew. Accounts of the status
//! `sandbox` send to a carrier inside of the gateway.

pub(super) mod clear;
pub(super) mod deliver;
pub(super) mod messages;

use std::sync::Arc;

use posthouse_api::{ProblemCode, ProblemDetails};
use posthouse_core::{
    account::{Account, AccountName, AccountStatus},
    actor::Actor,
};

use super::{AdminState, context::confined, not_provisioned};

/// The account whose sandbox is meant.
///
/// # Errors
/// None is named, it is not there for the caller, or is no sandbox.
fn account_of(
    state: &AdminState,
    by: &Actor,
    named: Option<String>,
    path: &str,
) -> Result<Arc<Account>, ProblemDetails> {
    let named = confined(by, named, path)?.ok_or_else(|| {
        ProblemDetails::new(ProblemCode::NothingSelected)
            .detail("nothing says whose sandbox is meant")
            .remedy("name the account")
    })?;
    let snapshot = state.snapshot.get();
    let account =
        snapshot.account(&AccountName(named.clone())).ok_or_else(|| not_provisioned("account", &named))?;
    match account.status {
        AccountStatus::Sandbox => Ok(Arc::clone(account)),
        status => Err(ProblemDetails::new(ProblemCode::LeftAlone)
            .detail(format!("account {named} is no sandbox: its status is {status}"))
            .remedy("ask the operator for an account with status = \"sandbox\"")),
    }
}
