//! The blacklist.

pub mod add;
pub mod get;
pub mod remove;

use http::{HeaderMap, Uri};
use posthouse_api::ChangeMade;
use posthouse_core::{
    account::AccountName,
    actor::Actor,
    provisioning::{Blacklisted, verbs::ProvisioningVerb},
};

use super::{
    AdminState,
    answer::{JsonAnswer, ProblemAnswer},
    change::change,
    number_of,
    provisioning::if_match,
    query::Parameters,
};

/// Does something to the entry of a number that a request names: for an account, or for every account.
async fn changed(
    state: &AdminState,
    by: &Actor,
    number: &str,
    (headers, uri): (&HeaderMap, &Uri),
    verb: fn(Blacklisted) -> ProvisioningVerb,
) -> Result<JsonAnswer<ChangeMade>, ProblemAnswer> {
    let mut given = Parameters::of(uri);
    let account = given.one("account").map(AccountName);
    given.finish()?;
    let expected = if_match(headers)?;
    let verb = verb(Blacklisted { number: number_of(number)?, account });
    Ok(JsonAnswer(change(&*state.store, &verb, expected, by, state.clock.now()).await?))
}
