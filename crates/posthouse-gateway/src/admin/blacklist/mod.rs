//! The blacklist.

pub mod add;
pub mod get;
pub mod list;
pub mod remove;

use posthouse_core::{
    account::AccountName,
    provisioning::{Blacklisted, verbs::ProvisioningVerb},
};

use super::{
    change::{ChangeAnswer, ChangeRequest},
    number_of,
};

/// Does something to the entry of a number that a request names: for an account, or for every account.
async fn changed(
    request: &ChangeRequest,
    number: &str,
    verb: fn(Blacklisted) -> ProvisioningVerb,
) -> ChangeAnswer {
    let mut given = request.parameters();
    let account = given.one("account").map(AccountName);
    given.finish()?;
    let expected = request.expected()?;
    let verb = verb(Blacklisted { number: number_of(number)?, account });
    request.carry_out_at(expected, &verb).await
}
