//! A store that is away for a while, and callbacks that go on without a look into it.

use std::{sync::Arc, time::Duration};

use posthouse_core::message::EventKind;
use posthouse_testing::{
    away::StoreSwitch,
    request::RawRequest,
    town::{Town, TownPlan, eventually},
};

/// The simulated carrier reports nothing on what goes to this number.
const QUIET: &str = "16175559008";

/// A DeliveryReportReq of the carrier.
fn report_of(message_id: &str, status: &str) -> RawRequest {
    let mut request = RawRequest::to("");
    request.operation = "DeliveryReportReq".to_owned();
    request.sender_identification = false;
    request.elements.clear();
    request.elements.push((
        "all",
        format!(
            "<MessageID>{message_id}</MessageID><Recipient><Number>{QUIET}</Number></Recipient>\
             <Sender><ShortCode>111122</ShortCode></Sender><Date>2026-01-01T00:00:00Z</Date>\
             <MMStatus>{status}</MMStatus>"
        ),
    ));
    request.content_type = Some("text/xml; charset=utf-8".to_owned());
    request.body = Some(request.envelope().into_bytes());
    request
}

/// The doors ask for another try, what the carrier said meanwhile is kept in hand, and nothing is parked.
#[tokio::test]
async fn a_store_that_is_away_loses_nothing_and_parks_nothing() {
    let switch = Arc::<StoreSwitch>::default();
    let mut plan = TownPlan { away: Some(Arc::clone(&switch)), ..TownPlan::default() };
    plan.carriers[1].latency = Duration::from_secs(2);
    let town = Town::planned(plan).await;
    town.provision(&[town.account("acme", ""), town.usual_carriers()].concat()).await;
    let id = town.submit(&RawRequest::to(QUIET)).await;
    // It is begun; the carrier answers in two seconds.
    town.event(id, EventKind::Sending).await;
    switch.set_away(true);

    let refused = town.post(&RawRequest::to(QUIET)).await;
    assert_eq!((refused.code(), refused.header("retry-after")), (Some(3510), Some("7")), "{}", refused.xml());
    let refused = town.post_as_carrier("31003", &report_of("31003-1", "Retrieved")).await;
    assert_eq!(refused.code(), Some(3000), "{}", refused.xml());
    eventually("what the carrier said is in hand", async || (switch.refused_settles() > 1).then_some(()))
        .await;
    assert_eq!(town.events(id, EventKind::Forwarded).await, Vec::<String>::new());

    switch.set_away(false);
    town.event(id, EventKind::Forwarded).await;
    assert_eq!(town.message(id).await.state.as_str(), "Forwarded");
    assert_eq!(town.events(id, EventKind::Parked).await, Vec::<String>::new());
    let carriers_id = town.message(id).await.carrier_message_id.unwrap();
    let report = town.post_as_carrier("31003", &report_of(&carriers_id, "Retrieved")).await;
    assert_eq!(report.code(), Some(1000), "{}", report.xml());
    assert_eq!(town.ended(id).await.state.as_str(), "Retrieved");
    let again = town.submit(&RawRequest::to("15085550100")).await;
    assert_eq!(town.ended(again).await.state.as_str(), "Retrieved");
    assert_eq!(town.carriers["31003"].received(), 1, "it was sent once");
    town.close().await;
}

/// What becomes due goes to its account's lane with the answer of the operation that it became due by.
#[tokio::test]
async fn callbacks_go_on_without_a_look_into_the_store() {
    let town = Town::found().await;
    let leases = || {
        let transactions = town.store().statistics().transactions;
        transactions.iter().find(|counted| counted.name == "lease_callbacks").unwrap().done
    };
    // The first finds no lane, and is looked for.
    let first = town.submit(&RawRequest::to("16175550100")).await;
    town.ended(first).await;
    eventually("the lane is open", async || (leases() > 0).then_some(())).await;
    let before = leases();
    for _ in 0..20 {
        let id = town.submit(&RawRequest::to("16175550100")).await;
        assert_eq!(town.ended(id).await.state.as_str(), "Retrieved");
        assert_eq!(town.statuses_on(id), ["Forwarded", "Retrieved"]);
    }
    let looks = leases() - before;
    assert!(looks < 10, "{looks} looks for 40 callbacks");
    town.close().await;
}
