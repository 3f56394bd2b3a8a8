//! `GET /api/v1/queues`: how much waits where, by carrier or by account.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::Uri;
use jiff::Timestamp;
use posthouse_api::{AccountQueue, AccountShare, CarrierQueue, PageOf};
use posthouse_core::{
    account::AccountName,
    carrier::{Carrier, CarrierId},
    store::{CallbackDepth, QueueDepth, Queues, Store, StoreResult},
};

use super::{
    super::{
        AdminState,
        answer::{JsonAnswer, ProblemAnswer},
        messages::selection,
        query::Parameters,
    },
    connection, says,
};
use crate::carrier::board::LinkBoard;

/// By what queues are listed.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(rename_all = "lowercase"))]
#[expect(dead_code, reason = "it is an answer's documentation")]
enum QueuesBy {
    Carrier,
    Account,
}

/// What it is answered with.
#[derive(serde::Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged)]
#[expect(dead_code, reason = "it is an answer's documentation")]
enum QueuePage {
    Carriers(PageOf<CarrierQueue>),
    Accounts(PageOf<AccountQueue>),
}

/// How much waits where, by carrier or by account
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/queues", tag = "queues", operation_id = "list_queues",
    params(("by" = inline(Option<QueuesBy>), Query, description = "By what; by carrier when it does not say"), ("carrier" = Option<String>, Query, description = "Only this carrier's"), ("account" = Option<String>, Query, description = "Only this account's")),
    responses((status = 200, description = "All queues", body = QueuePage))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    uri: Uri,
) -> Result<Response, ProblemAnswer> {
    let by = |text: &str| match text {
        "carrier" => Ok(false),
        "account" => Ok(true),
        other => Err((format!("{other:?} is neither carrier nor account"), "write one of them")),
    };
    let mut given = Parameters::of(&uri);
    let by_account = given.read("by", by).unwrap_or(false);
    let (carrier, account) = (given.one("carrier"), given.one("account"));
    given.finish()?;
    let snapshot = state.snapshot.get();
    selection::provisioned(&snapshot, account.as_deref(), carrier.as_deref())?;
    let now = state.clock.now();
    let mut queues = state.store.queues(now).await?;
    only(&mut queues, carrier.as_deref(), account.as_deref());
    if by_account {
        let names = snapshot.accounts().map(|account| &account.name);
        let names = names.filter(|name| account.as_ref().is_none_or(|only| *only == name.0));
        return Ok(JsonAnswer(accounts(&queues, names, now)).into_response());
    }
    let known = snapshot.carriers().map(|carrier| &**carrier);
    let known = known.filter(|known| carrier.as_ref().is_none_or(|only| *only == known.id.0));
    Ok(JsonAnswer(carriers(&queues, known, Some(&state.board), now)).into_response())
}

/// Leaves what is asked for.
fn only(queues: &mut Queues, carrier: Option<&str>, account: Option<&str>) {
    queues.depths.retain(|depth| {
        carrier.is_none_or(|only| depth.carrier.0 == only)
            && account.is_none_or(|only| depth.account.0 == only)
    });
    queues.ages.retain(|age| carrier.is_none_or(|only| age.carrier.0 == only));
    queues.callbacks.retain(|owed| account.is_none_or(|only| owed.account.0 == only));
}

/// The queues of all carriers on a store that no gateway was asked about.
///
/// # Errors
/// What the store says.
pub async fn of_carriers(store: &dyn Store, now: Timestamp) -> StoreResult<PageOf<CarrierQueue>> {
    let provisioned = store.provisioning().await?.carriers;
    let queues = store.queues(now).await?;
    Ok(carriers(&queues, provisioned.iter(), None, now))
}

/// The same by account.
///
/// # Errors
/// What the store says.
pub async fn of_accounts(store: &dyn Store, now: Timestamp) -> StoreResult<PageOf<AccountQueue>> {
    let provisioned = store.provisioning().await?.accounts;
    let queues = store.queues(now).await?;
    Ok(accounts(&queues, provisioned.iter().map(|account| &account.name), now))
}

/// By carrier: those that are provisioned, and those that have something left, by id.
fn carriers<'a>(
    queues: &'a Queues,
    provisioned: impl Iterator<Item = &'a Carrier>,
    board: Option<&LinkBoard>,
    now: Timestamp,
) -> PageOf<CarrierQueue> {
    let mut all: BTreeMap<&CarrierId, CarrierQueue> = BTreeMap::new();
    for Carrier { id, name, .. } in provisioned {
        all.entry(id).or_insert_with(|| CarrierQueue { name: Some(name.clone()), ..empty(id) });
    }
    for depth in &queues.depths {
        let queue = all.entry(&depth.carrier).or_insert_with(|| empty(&depth.carrier));
        queue.waiting += depth.waiting;
        queue.sending += depth.sending;
        queue.parked += depth.parked;
        queue.at_carrier += depth.at_carrier;
        queue.accounts.push(share(depth));
    }
    for age in &queues.ages {
        let queue = all.entry(&age.carrier).or_insert_with(|| empty(&age.carrier));
        queue.oldest_seconds = age.oldest.map(|since| seconds(since, now));
        (queue.due, queue.overdue, queue.unmatched_reports) = (age.due, age.overdue, age.unmatched);
    }
    for (id, queue) in &mut all {
        queue.accounts.sort_by(|one, other| one.account.cmp(&other.account));
        queue.connections =
            board.map(|board| board.of(id).iter().map(connection).collect()).unwrap_or_default();
        queue.says = says::says(queue);
    }
    PageOf { items: all.into_values().collect(), next: None }
}

fn empty(carrier: &CarrierId) -> CarrierQueue {
    CarrierQueue {
        carrier: carrier.0.clone(),
        name: None,
        waiting: 0,
        oldest_seconds: None,
        due: 0,
        sending: 0,
        parked: 0,
        at_carrier: 0,
        overdue: 0,
        unmatched_reports: 0,
        connections: Vec::new(),
        accounts: Vec::new(),
        says: None,
    }
}

fn share(depth: &QueueDepth) -> AccountShare {
    let QueueDepth { account, waiting, sending, parked, at_carrier, .. } = depth;
    let (waiting, sending, parked, at_carrier) = (*waiting, *sending, *parked, *at_carrier);
    AccountShare { account: account.0.clone(), waiting, sending, parked, at_carrier }
}

/// By account: those that are provisioned, and those that have something left, by name.
fn accounts<'a>(
    queues: &'a Queues,
    provisioned: impl Iterator<Item = &'a AccountName>,
    now: Timestamp,
) -> PageOf<AccountQueue> {
    let mut all: BTreeMap<&AccountName, AccountQueue> = BTreeMap::new();
    for name in provisioned {
        all.entry(name).or_insert_with(|| nothing_owed(name));
    }
    for depth in &queues.depths {
        let queue = all.entry(&depth.account).or_insert_with(|| nothing_owed(&depth.account));
        queue.waiting += depth.waiting;
        queue.sending += depth.sending;
        queue.parked += depth.parked;
        queue.at_carrier += depth.at_carrier;
    }
    for CallbackDepth { account, owed, failed, oldest } in &queues.callbacks {
        let queue = all.entry(account).or_insert_with(|| nothing_owed(account));
        (queue.callbacks_owed, queue.callbacks_failed) = (*owed, *failed);
        queue.callback_oldest_seconds = oldest.map(|since| seconds(since, now));
    }
    PageOf { items: all.into_values().collect(), next: None }
}

fn nothing_owed(account: &AccountName) -> AccountQueue {
    AccountQueue {
        account: account.0.clone(),
        waiting: 0,
        sending: 0,
        parked: 0,
        at_carrier: 0,
        callbacks_owed: 0,
        callbacks_failed: 0,
        callback_oldest_seconds: None,
    }
}

fn seconds(since: Timestamp, now: Timestamp) -> f64 {
    now.duration_since(since).as_secs_f64().max(0.0)
}
