//! Connections that are suspended, resumed, limited and probed: by the API, by `posthouse carriers`, and by what is written to the store.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use jiff::Timestamp;
use posthouse_api::{ApiClient, ApiError, AuditQuery, LimitRequest, ProblemCode, SuspendRequest};
use posthouse_core::{
    Id,
    account::AccountName,
    actor::Actor,
    carrier::CarrierId,
    life::state::State,
    overrides::{ConnectionOverride, OverrideSetting},
    store::KeptFilter,
    time::after,
};
use posthouse_testing::{
    request::RawRequest,
    town::{DEADLINE, Town, TownPlan, eventually},
};
use serde_json::Value;

use crate::process::{asked, client, configure, told};

/// The usual town, its account in this mode.
async fn town(mode: &str) -> (Town, ApiClient) {
    let town = Town::planned(TownPlan::default()).await;
    let account = town.account_with("acme", &format!("submit_mode = {mode:?}\n"), "", "");
    town.provision(&[account, town.usual_carriers()].concat()).await;
    configure(&town);
    let api = client(&town);
    (town, api.saying(Some("their maintenance"), Some("ann")))
}

fn suspended(until: Option<Timestamp>) -> ConnectionOverride {
    ConnectionOverride {
        carrier: CarrierId("31003".to_owned()),
        connection: "31003-1".to_owned(),
        setting: OverrideSetting::Suspended,
        since: Timestamp::now(),
        until,
        by: "bob".to_owned(),
        reason: String::new(),
    }
}

async fn retrieved(town: &Town, id: Id) {
    eventually("it is retrieved", async || {
        (town.message(id).await.state.as_str() == "Retrieved").then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_wait_while_each_connection_is_suspended_and_go_when_it_is_resumed() {
    let (town, api) = town("queue").await;
    let status = api.suspend("31003", "31003-1", &SuspendRequest::default()).await.unwrap();
    assert_eq!(status.state.as_deref(), Some("suspended"), "in force when the answer is there");
    let by = status.suspended.unwrap();
    assert_eq!((by.by.as_str(), by.reason.as_str(), by.until), ("ann", "their maintenance", None));

    let id = town.submit(&RawRequest::to("16175550100")).await;
    let other = town.submit(&RawRequest::to("15085550100")).await;
    retrieved(&town, other).await;
    eventually("it waits in the store", async || {
        let queues = api.queues().await.unwrap().items;
        let queue = queues.into_iter().find(|queue| queue.carrier == "31003")?;
        (queue.waiting == 1 && queue.connections[0].state == "suspended").then_some(())
    })
    .await;
    assert_eq!((town.message(id).await.state, town.carriers["31003"].messages().len()), (State::Accepted, 0));

    let listed = told(town.folder(), &["queues"]);
    let says =
        "31003 is not used over 31003-1, suspended by ann (their maintenance): no connection serves, 1 waits";
    assert!(listed.contains("31003-1 suspended") && listed.contains(says), "{listed}");
    let doctor = asked(town.folder(), &["doctor"]);
    let doctor = String::from_utf8(doctor.stdout).unwrap();
    assert!(doctor.contains("`posthouse carriers resume 31003 31003-1` uses it again"), "{doctor}");
    let state = "posthouse_connection_state{carrier=\"31003\",connection=\"31003-1\",state=\"suspended\"} 1";
    let metrics = posthouse_sim::http::Client::new(DEADLINE);
    let request = http::Request::get(format!("{}/metrics", town.app.ready().admin));
    let scraped = metrics.send(request.body(bytes::Bytes::new()).unwrap()).await.unwrap().into_body();
    assert!(String::from_utf8_lossy(&scraped).contains(state));
    let shown = told(town.folder(), &["carriers", "show", "31003"]);
    assert!(
        shown.contains("    suspended since ") && shown.contains(" by ann: their maintenance"),
        "{shown}"
    );

    let resumed = told(town.folder(), &["carriers", "resume", "31003", "31003-1", "--json"]);
    let resumed: Value = serde_json::from_str(&resumed).unwrap();
    assert_eq!((&resumed["suspended"], &resumed["state"]), (&Value::Null, &"serving".into()));
    retrieved(&town, id).await;
    assert_eq!(town.carriers["31003"].messages().len(), 1);
    let rows = api.audit(&AuditQuery::default(), 10, false).await.unwrap().items;
    let verbs: Vec<_> = rows.iter().map(|row| row.verb.as_str()).collect();
    assert!(verbs.starts_with(&["resume-connection", "suspend-connection"]), "{verbs:?}");
    town.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vasp_in_relay_mode_is_told_3500_and_nothing_goes_out() {
    let (town, api) = town("relay").await;
    api.suspend("31003", "31003-1", &SuspendRequest::default()).await.unwrap();
    let answer = town.post(&RawRequest::to("16175550100")).await;
    assert_eq!(answer.code(), Some(3500));
    api.resume("31003", "31003-1").await.unwrap();
    let again = town.submit(&RawRequest::to("16175550101")).await;
    retrieved(&town, again).await;
    assert_eq!(town.carriers["31003"].messages().len(), 1, "what was answered 3500 never goes");
    town.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_to_the_store_reaches_a_gateway_that_runs_and_ends_by_itself() {
    let (town, api) = town("queue").await;
    let until = after(Timestamp::now(), Duration::from_secs(2));
    let by = Actor::at_the_files("bob");
    town.store().put_override(&suspended(Some(until)), &by, Timestamp::now()).await.unwrap();
    let state = async |wanted: &str| {
        eventually(wanted, async || {
            let found = api.connections("31003").await.unwrap().items.remove(0);
            (found.state.as_deref() == Some(wanted)).then_some(())
        })
        .await;
    };
    state("suspended").await;
    let id = town.submit(&RawRequest::to("16175550100")).await;
    retrieved(&town, id).await;
    assert!(Timestamp::now() >= until, "it went when that was over");
    state("serving").await;

    // So does a pause of callbacks: what is owed then is not handed on from memory.
    let acme = AccountName("acme".to_owned());
    town.store().pause(&acme, &by, Timestamp::now()).await.unwrap();
    let numbers = AtomicU64::new(16_175_550_200);
    eventually("a report is held back", async || {
        let number = numbers.fetch_add(1, Ordering::Relaxed);
        let id = town.submit(&RawRequest::to(&number.to_string())).await;
        retrieved(&town, id).await;
        let kept = town.store().kept_callbacks(&KeptFilter::default(), 100).await.unwrap();
        kept.iter().any(|one| one.message == id && one.row.owner.is_none()).then_some(())
    })
    .await;
    town.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_limited_for_a_while_and_probed() {
    let (town, api) = town("queue").await;
    let limited = told(
        town.folder(),
        &["carriers", "limit", "31003", "31003-1", "--window", "1", "--per-second", "2", "--until", "1h"],
    );
    assert!(limited.contains("connection 31003-1 of 31003 is serving"), "{limited}");
    assert!(
        limited.contains("    limited to window 1 2 a second since ") && limited.contains(" until "),
        "{limited}"
    );
    let queues = api.queues().await.unwrap().items;
    let pace = &queues.iter().find(|queue| queue.carrier == "31003").unwrap().connections[0];
    assert_eq!((pace.window, pace.window_limit, pace.per_second_limit), (1, 1, Some(2)));
    let lifted = LimitRequest { lift: true, ..LimitRequest::default() };
    let status = api.limit("31003", "31003-1", &lifted).await.unwrap();
    assert_eq!(status.limited, None);
    for (request, expected) in [
        (LimitRequest::default(), "/"),
        (LimitRequest { window: Some(0), ..LimitRequest::default() }, "/"),
        (LimitRequest { window: Some(1), lift: true, ..LimitRequest::default() }, "/lift"),
        (
            LimitRequest { window: Some(1), until: Some(Timestamp::UNIX_EPOCH), ..LimitRequest::default() },
            "/until",
        ),
    ] {
        let refused = api.limit("31003", "31003-1", &request).await;
        let Err(ApiError::Refused(problem)) = refused else { panic!("{refused:?}") };
        let error = &problem.errors[0];
        assert!(problem.is(ProblemCode::InvalidParameter) && error.remedy.is_some(), "{problem:?}");
        assert!(expected == "/" || error.pointer.as_deref() == Some(expected), "{problem:?}");
    }
    let missing = api.suspend("31003", "vzw", &SuspendRequest::default()).await;
    assert!(matches!(&missing, Err(ApiError::Refused(problem)) if problem.is(ProblemCode::NotFound)));

    let probed = told(town.folder(), &["carriers", "probe", "31003", "31003-1"]);
    assert!(probed.contains(": somebody is there, after ") && probed.contains("; it is serving"), "{probed}");
    let (folder, carriers, vasp) = town.without_gateway().await;
    for carrier in carriers.into_values() {
        carrier.stop().await;
    }
    let probed = asked(folder.path(), &["carriers", "probe", "31003", "31003-1"]);
    assert_eq!(probed.status.code(), Some(1), "{probed:?}");
    let suspended = told(folder.path(), &["carriers", "suspend", "31003", "31003-1", "--until", "2h"]);
    assert!(suspended.contains("    suspended since "), "without a gateway too: {suspended}");
    vasp.stop().await;
}
