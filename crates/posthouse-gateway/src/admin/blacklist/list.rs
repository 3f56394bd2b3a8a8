//! `GET /api/v1/blacklist`: the numbers that get nothing, a page at a time.

use std::sync::Arc;

use axum::{Extension, extract::State, response::Response};
use http::Uri;
use posthouse_api::{BlacklistEntry, PageOf, ProblemCode, ProblemDetails};
use posthouse_core::{
    account::AccountName,
    actor::Actor,
    audit::{AuditEntry, AuditVerb},
    provisioning::{
        Blacklisted,
        csv::{self, NumberEntry, NumberList},
    },
    store::NumberStore,
};

use super::{
    super::{
        AdminState, VerbError,
        answer::{self, ProblemAnswer},
        not_provisioned,
        parameters::{Limit, TextCursor},
        query::{NO_CURSOR, Parameters, in_parameter},
    },
    get::view,
};

/// How many entries are read at a time.
const PAGE: usize = 10_000;
/// How many entries are looked at for one answer: of a million, an account's own may be few.
const LOOKED_AT: usize = 100_000;

/// The numbers that get nothing, whole: the audit says that they were shown
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/blacklist", tag = "numbers", operation_id = "list_blacklist",
    params(("account" = Option<String>, Query, description = "Only the entries of this account; those for every account are left out"), TextCursor, Limit),
    responses((status = 200, description = "A page, by number; of an account's entries it may have fewer than `limit`, or none, though `next` leads on", body = PageOf<BlacklistEntry>))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Extension(by): Extension<Actor>,
    uri: Uri,
) -> Result<Response, ProblemAnswer> {
    let mut given = Parameters::of(&uri);
    let (account, cursor, limit) = (given.one("account"), given.one("cursor"), given.limit());
    given.finish()?;
    let page = list(&*state.store, account.as_deref(), cursor.as_deref(), limit).await?;
    let entry = AuditEntry::new(&by, AuditVerb::Reveal, uri.path(), state.clock.now());
    state.store.record_audit(&entry).await?;
    Ok(answer::page(page, &uri))
}

/// A page of the blacklist behind `cursor`; only an account's own entries, where that is asked for.
///
/// # Errors
/// There is no such account, the cursor is none, or what the store says.
pub async fn list<S: NumberStore + ?Sized>(
    store: &S,
    account: Option<&str>,
    cursor: Option<&str>,
    limit: usize,
) -> Result<PageOf<BlacklistEntry>, VerbError> {
    let account = account.map(|name| AccountName(name.to_owned()));
    if let Some(name) = &account
        && !store.without_numbers().await?.accounts.iter().any(|known| known.name == *name)
    {
        return Err(not_provisioned("account", &name.0).into());
    }
    let mut behind = cursor.map(entry_of).transpose()?;
    let is_meant = |entry: &Blacklisted| account.is_none() || entry.account == account;
    let (mut items, mut looked_at) = (Vec::new(), 0);
    loop {
        // One more than asked for tells whether there is a further page.
        let asked = if account.is_none() { limit + 1 } else { PAGE };
        let some = store.blacklist(behind.as_ref(), asked).await?;
        for entry in &some {
            if items.len() == limit {
                return Ok(PageOf { items, next: behind.as_ref().map(csv::blacklisted).map(as_cursor) });
            }
            if is_meant(entry) {
                items.push(view(entry, true));
            }
            behind = Some(entry.clone());
        }
        looked_at += some.len();
        if some.len() < asked {
            return Ok(PageOf { items, next: None });
        }
        if looked_at >= LOOKED_AT {
            return Ok(PageOf { items, next: behind.as_ref().map(csv::blacklisted).map(as_cursor) });
        }
    }
}

/// The entry that a page begins behind: a cursor is the line that an export has of it.
fn entry_of(cursor: &str) -> Result<Blacklisted, ProblemDetails> {
    match csv::cursor(NumberList::Blacklist, cursor) {
        Ok(NumberEntry::Blacklisted(entry)) => Ok(entry),
        _ => {
            let error = in_parameter("cursor", NO_CURSOR);
            Err(ProblemDetails::new(ProblemCode::InvalidParameter).error(error))
        }
    }
}

fn as_cursor(line: String) -> String {
    line.trim_end().to_owned()
}
