//! `GET /api/v1/lookups/{number}`: which rule says whose a number is, and what would be answered for it.

use std::sync::Arc;

use axum::extract::{Path, State};
use http::Uri;
use posthouse_api::LookupView;
use posthouse_core::{
    account::AccountName,
    address::Msisdn,
    provisioning::{Lookup, LookupProvider, Snapshot},
    submit::CarrierFact,
};

use super::super::{
    AdminState, VerbError,
    answer::{JsonAnswer, ProblemAnswer},
    not_provisioned, number_of,
    query::Parameters,
};
use crate::lookup::Directory;

/// Whose a number is, and why
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/lookups/{number}", tag = "numbers", operation_id = "get_lookup",
    params(("number" = String, Path, description = "The number, in any spelling", pattern = "^\\+?[1-9][0-9]{6,14}$"), ("account" = Option<String>, Query, description = "For messages of this account")),
    responses((status = 200, description = "What decides", body = LookupView))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Path(number): Path<String>,
    uri: Uri,
) -> Result<JsonAnswer<LookupView>, ProblemAnswer> {
    let mut given = Parameters::of(&uri);
    let account = given.one("account");
    given.finish()?;
    let (number, snapshot) = (number_of(&number)?, state.snapshot.get());
    Ok(JsonAnswer(explain(&state.directory, &snapshot, &number, account.as_deref()).await?))
}

/// Whose a number is, and why. It is looked up as for a message: a provider may be asked.
///
/// # Errors
/// There is no such account.
pub async fn explain(
    directory: &Directory,
    snapshot: &Snapshot,
    number: &Msisdn,
    account: Option<&str>,
) -> Result<LookupView, VerbError> {
    let of_account = match account {
        Some(name) => {
            let known = snapshot.account(&AccountName(name.to_owned()));
            Some(known.ok_or_else(|| not_provisioned("account", name))?)
        }
        None => None,
    };
    let (decided_by, fact) = directory.explain(snapshot, number).await;
    let prefix =
        snapshot.range_of(number).filter(|_| decided_by == "ranges").map(|(prefix, _)| prefix.to_string());
    let blacklisted = match of_account {
        Some(account) => snapshot.is_blacklisted(number, &account.name),
        None => snapshot.is_blocked(number),
    };
    let mut view = LookupView {
        number: number.to_string(),
        decided_by: decided_by.to_owned(),
        prefix,
        carrier: None,
        blacklisted,
        code: 1000,
        remedy: None,
    };
    let (code, remedy) = match fact {
        CarrierFact::LookupDown => {
            (2569, Some("what says whose numbers are did not answer; see `posthouse doctor`".to_owned()))
        }
        CarrierFact::Found { carrier, refuses_us } => {
            view.carrier = Some(carrier.id.to_string());
            let reaching = of_account.map(|account| {
                account.services.iter().any(|service| {
                    service.carriers.as_ref().is_none_or(|carriers| carriers.contains(&carrier.id))
                })
            });
            match reaching {
                Some(false) => (
                    2570,
                    Some(format!(
                        "add carrier {} to `carriers` of a service of the account, or leave them out",
                        carrier.id
                    )),
                ),
                _ if carrier.connections.is_empty() => {
                    (3520, Some(format!("give carrier {} a connection", carrier.id)))
                }
                _ if refuses_us => {
                    (3520, Some("each of its connections refuses our credentials; mend them".to_owned()))
                }
                _ => (1000, None),
            }
        }
        _ => (2570, Some(not_found(snapshot.lookup(), number))),
    };
    (view.code, view.remedy) = (code, remedy);
    if blacklisted {
        view.code = 3001;
        view.remedy =
            Some("take the number from the blacklist: `posthouse blacklist remove NUMBER`".to_owned());
    }
    Ok(view)
}

/// What would make a number pass that belongs to nobody.
fn not_found(lookup: &Lookup, number: &Msisdn) -> String {
    let prefix: String = number.as_str().chars().take(4).collect();
    match lookup.provider {
        LookupProvider::Ranges => format!(
            "no range has it: provision one, such as [[range]] prefix = \"{prefix}\" with a carrier; a request may also name its carrier by the carrier id header. A number has to begin with its country code"
        ),
        LookupProvider::Http | LookupProvider::Enum => {
            "what is asked knows no carrier of ours for it: give a carrier the id that it answers as `aliases`; a request may also name its carrier by the carrier id header".to_owned()
        }
    }
}
