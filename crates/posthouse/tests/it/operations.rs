//! Operations in bulk, by the API and by `posthouse operations`, carried out by a gateway.

use std::{collections::BTreeMap, process::Command, time::Duration};

use posthouse_api::{
    ApiClient, ApiError, MessageQuery, OperationRequest, OperationView, ProblemCode, RerouteRequest,
    ResubmitRequest, StartRequest,
};
use posthouse_core::{
    Id,
    audit::AuditFilter,
    life::{retry::Backoff, state::State},
};
use posthouse_testing::{
    request::RawRequest,
    town::{Town, TownPlan, eventually},
};

use crate::process::client;

/// A town where 31003 has two connections, and messages that ended in a refusal.
async fn town(refused: usize) -> (Town, ApiClient, Vec<Id>) {
    let town = Town::planned(TownPlan::default()).await;
    let first = town.carrier("31003", "");
    let second = format!(
        "[[carrier.connection]]\nname = \"spare\"\npriority = 9\nurl = \"{}\"\nvaspid = \"posthouse\"\nvasid = \"gw\"\n",
        town.carriers["31002"].url()
    );
    let range = posthouse_testing::provisioning::range("1617", "31003");
    town.provision(&[town.account("acme", ""), first, second, range].concat()).await;
    let api = client(&town);
    let mut ids = Vec::new();
    for _ in 0..refused {
        // The simulated carrier refuses these for good: 4007.
        ids.push(town.submit(&RawRequest::to("16175554007")).await);
    }
    for id in &ids {
        town.ended(*id).await;
    }
    (town, api, ids)
}

async fn over(api: &ApiClient, id: &str) -> OperationView {
    eventually("the operation is over", async || {
        let operation = api.operation(id).await.unwrap();
        (operation.state == "done").then_some(operation)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_is_sent_again_once_over_another_connection() {
    let (town, api, ids) = town(3).await;
    let before = town.carriers["31002"].messages().len();
    let request = OperationRequest {
        verb: "resubmit".to_owned(),
        filter: Some(MessageQuery { code: Some(4007), ..MessageQuery::default() }),
        via: Some("spare".to_owned()),
        ..OperationRequest::default()
    };
    let planned = api.plan_operation(&request).await.unwrap();
    assert_eq!((planned.state.as_str(), planned.count, planned.judged), ("planned", 3, 3));
    assert_eq!((planned.would_leave_alone.len(), planned.first.len()), (0, 3));
    let until = planned.filter.as_ref().unwrap().until;
    assert!(until.is_some(), "what comes later is not meant");

    let start = |count| StartRequest { expect_count: count };
    for (request, code) in
        [(start(None), ProblemCode::InvalidParameter), (start(Some(2)), ProblemCode::LeftAlone)]
    {
        let refused = api.start_operation(&planned.operation_id, &request).await;
        assert!(matches!(&refused, Err(ApiError::Refused(problem)) if problem.is(code)), "{refused:?}");
    }
    api.start_operation(&planned.operation_id, &start(Some(3))).await.unwrap();
    let done = over(&api, &planned.operation_id).await;
    assert_eq!((done.looked_at, done.done), (3, 3));
    let items = api.operation_items(&planned.operation_id, None, 9).await.unwrap().items;
    assert_eq!(items.len(), 3);
    for item in &items {
        let new: Id = item.new_message_id.as_ref().unwrap().parse().unwrap();
        eventually("it has ended", async || town.message(new).await.state.is_terminal().then_some(())).await;
        let message = town.message(new).await;
        assert_eq!(message.submission.resubmission.unwrap().of.to_string(), item.message_id);
        assert!(town.reports_on(new).is_empty(), "no report is wanted");
        let old: Id = item.message_id.parse().unwrap();
        assert!(ids.contains(&old) && town.message(old).await.state.is_terminal());
    }
    assert_eq!(town.carriers["31002"].messages().len() - before, 3, "each once, over the other connection");

    let again = api
        .plan_operation(&OperationRequest {
            ids: items.iter().map(|item| item.message_id.clone()).collect(),
            filter: None,
            ..request
        })
        .await
        .unwrap();
    api.start_operation(&again.operation_id, &start(Some(again.count))).await.unwrap();
    let none = over(&api, &again.operation_id).await;
    assert_eq!((none.done, none.left_alone), (0, BTreeMap::from([("resubmitted".to_owned(), 3)])));
    town.close().await;
}

/// One that waits for a carrier, and one that may have arrived there, go to another; a message whose account does not reach that is left alone.
#[tokio::test(flavor = "multi_thread")]
async fn what_waits_goes_to_another_carrier() {
    let mut plan = TownPlan::default();
    plan.parts.backoff = Backoff::new(Duration::from_secs(3_600_000), Duration::from_secs(3_600_000));
    let town = Town::planned(plan).await;
    let range = posthouse_testing::provisioning::range("1617", "31003");
    let carriers = [town.carrier("31003", ""), town.carrier("31002", ""), range].concat();
    town.provision(&[town.account("acme", ""), carriers.clone()].concat()).await;
    let api = client(&town);
    let (waits, parked) = (
        town.submit(&RawRequest::to("16175559012")).await,
        town.submit(&RawRequest::to("16175559015")).await,
    );
    for (id, state) in [(waits, State::Accepted), (parked, State::Parked)] {
        eventually("it was tried", async || {
            let message = town.message(id).await;
            (message.state == state && message.attempts == 1).then_some(())
        })
        .await;
    }
    let to =
        |carrier: &str| RerouteRequest { carrier: Some(carrier.to_owned()), ..RerouteRequest::default() };
    let refused = async |id: Id, request: &RerouteRequest| match api.reroute(&id.to_string(), request).await {
        Err(ApiError::Refused(problem)) => (problem.code.to_string(), problem.to_string()),
        other => panic!("{other:?}"),
    };
    let (code, said) = refused(waits, &RerouteRequest::default()).await;
    assert_eq!(code, "invalid_parameter");
    assert!(said.contains("nothing says where it is to go; name a carrier, or a connection"), "{said}");
    assert_eq!(refused(waits, &to("31009")).await.0, "not_provisioned");
    let (code, said) = refused(waits, &to("31003")).await;
    let expected = "it is for that carrier as it is; name another carrier, or one of its connections";
    assert_eq!((&*code, &*said), ("left_alone", expected));
    let nowhere = RerouteRequest { connection: Some("none".into()), ..RerouteRequest::default() };
    let expected = "it is for a carrier that has no such connection; `posthouse carriers show` has the connections of a carrier";
    assert_eq!(refused(waits, &nowhere).await.1, expected);

    let looked = RerouteRequest { dry_run: true, ..to("31002") };
    api.reroute(&waits.to_string(), &looked).await.unwrap();
    assert_eq!(town.message(waits).await.carrier.0, "31003", "it was only looked");
    let before = town.carriers["31002"].messages().len();
    let was = api.reroute(&waits.to_string(), &to("31002")).await.unwrap();
    assert_eq!((was.carrier.as_str(), was.state.as_str()), ("31003", "Accepted"));
    eventually("the other carrier has it", async || {
        (town.carriers["31002"].messages().len() == before + 1).then_some(())
    })
    .await;
    let audit = town.store().audit(&AuditFilter::default(), 1).await.unwrap().remove(0);
    assert_eq!(
        (&*audit.entry.verb, audit.entry.after.as_deref()),
        ("reroute", Some("Accepted, carrier 31002"))
    );

    let request = OperationRequest {
        verb: "reroute".to_owned(),
        ids: vec![parked.to_string()],
        carrier: Some("31002".to_owned()),
        parked: true,
        ..OperationRequest::default()
    };
    let confined = town.account_with("acme", "", "", "carriers = [\"31003\"]\n");
    town.provision(&[confined, carriers.clone()].concat()).await;
    let planned = api.plan_operation(&request).await.unwrap();
    assert_eq!(planned.would_leave_alone, BTreeMap::from([("not_reached".to_owned(), 1)]));
    town.provision(&[town.account("acme", ""), carriers].concat()).await;
    let planned = api.plan_operation(&request).await.unwrap();
    assert_eq!((planned.first, planned.carrier.as_deref()), (vec![parked.to_string()], Some("31002")));
    api.start_operation(&planned.operation_id, &StartRequest { expect_count: Some(1) }).await.unwrap();
    assert_eq!(over(&api, &planned.operation_id).await.done, 1);
    assert_eq!(town.message(parked).await.carrier.0, "31002");
    eventually("the other carrier has both", async || {
        (town.carriers["31002"].messages().len() == before + 2).then_some(())
    })
    .await;
    town.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_message_is_sent_again_with_reports() {
    let (town, api, ids) = town(1).await;
    let request = ResubmitRequest { via: Some("spare".to_owned()), reports: true };
    let made = api.resubmit(&ids[0].to_string(), &request).await.unwrap();
    assert_eq!(made.resubmit_of, ids[0].to_string());
    let new: Id = made.message_id.parse().unwrap();
    town.ended(new).await;
    let reports = town.reports_on(new);
    let of = reports.last().unwrap().headers["x-posthouse-resubmit-of"].to_str().unwrap().to_owned();
    assert_eq!(of, ids[0].to_string());
    let twice = api.resubmit(&ids[0].to_string(), &request).await;
    assert!(
        matches!(&twice, Err(ApiError::Refused(problem)) if problem.is(ProblemCode::LeftAlone)),
        "{twice:?}"
    );
    town.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_are_planned_and_started_by_commands() {
    let (town, api, ids) = town(1).await;
    let configuration = "[store]\nurl = \"sqlite://posthouse.db\"\n[media]\nurl = \"file://media\"\n";
    std::fs::write(town.folder().join("posthouse.toml"), configuration).unwrap();
    let posthouse = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_posthouse"));
        let output = command
            .current_dir(town.folder())
            .args(arguments)
            .args(["-c", "posthouse.toml"])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let id = ids[0].to_string();
    let before = town.message(ids[0]).await.state;
    let looked = posthouse(&["messages", "resubmit", "--code", "4007", "--dry-run"]);
    let expected = format!(
        "dry run        resubmit of 1 message\nwould do       1 of 1 that were looked at\nfirst          {id}\n\
         nothing was done and nothing is planned; without --dry-run it is planned, with --yes it is started\n"
    );
    assert_eq!(looked, expected);
    let told: serde_json::Value =
        serde_json::from_str(&posthouse(&["messages", "resubmit", &id, "--dry-run", "--json"])).unwrap();
    assert_eq!((&told["dry_run"], &told["count"]), (&true.into(), &1.into()), "{told}");
    assert_eq!(told.get("operation_id"), None, "there is none to start: {told}");
    posthouse(&["messages", "reroute", "--state", "Rejected", "--to-carrier", "31003", "--dry-run"]);
    assert_eq!(api.operations(None, 1).await.unwrap().items, [], "nothing is kept of a dry run");
    let planned = posthouse(&["messages", "resubmit", &id, "--via", "spare"]);
    assert!(planned.contains("resubmit of 1 message, planned"), "{planned}");
    assert!(
        planned.contains(&format!("first          {id}\nnothing was done; posthouse operations start ")),
        "{planned}"
    );
    assert_eq!(town.message(ids[0]).await.state, before, "a plan changes nothing");
    let operation = api.operations(None, 1).await.unwrap().items.remove(0);
    assert_eq!((operation.done, operation.state.as_str()), (0, "planned"));
    posthouse(&["operations", "start", &operation.operation_id, "--expect-count", "1"]);
    assert_eq!(over(&api, &operation.operation_id).await.done, 1);
    let shown = posthouse(&["operations", "show", &operation.operation_id, "--items"]);
    assert!(shown.contains(&format!("{id}   done as ")), "{shown}");
    assert_eq!(town.message(ids[0]).await.state, before, "the one state that it ended in stands");
    town.close().await;
}
