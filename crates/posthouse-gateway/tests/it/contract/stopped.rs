//! The clock goes on while a peer is at work: its answer counts all the same. So it looks after a machine was suspended, or its clock set.

use std::time::Duration;

use posthouse_core::{message::EventKind, store::NextStep, time::Clock as _};
use posthouse_sim::{CarrierOptions, VaspOptions};

use posthouse_testing::{
    clock::ManualClock,
    provisioning::range,
    request::RawRequest,
    town::{Town, TownPlan, eventually},
};

/// How long the peers take: long enough for the scout, which looks each second, to find what it takes for over.
const AT_WORK: Duration = Duration::from_secs(4);
/// Longer than any lease.
const SUSPENDED: Duration = Duration::from_secs(600);

#[tokio::test]
async fn an_attempt_is_not_interrupted_while_it_is_under_way() {
    let clock = ManualClock::now_still();
    let mut plan = TownPlan {
        carriers: vec![CarrierOptions { latency: AT_WORK, ..CarrierOptions::new("31003") }],
        ..TownPlan::default()
    };
    plan.parts.clock = clock.clone();
    let town = Town::planned(plan).await;
    let carrier = town.carrier("31003", "on_unknown = \"resend\"\n");
    town.provision(&[town.account("acme", ""), carrier, range("1617", "31003")].concat()).await;
    let id = town.submit(&RawRequest::to("16175559008")).await;
    town.event(id, EventKind::Sending).await;
    clock.advance(SUSPENDED);
    eventually("the scout has found the lease that ended", async || {
        let next = town.store().next(id, clock.now()).await.unwrap();
        matches!(next, Some(NextStep::UnderWay(until)) if until > clock.now()).then_some(())
    })
    .await;
    town.event(id, EventKind::Forwarded).await;
    let kinds: Vec<_> = town.timeline(id).await.into_iter().map(|event| event.kind).collect();
    assert!(!kinds.contains(&EventKind::Retrying) && !kinds.contains(&EventKind::Parked), "{kinds:?}");
    assert_eq!(town.carriers["31003"].messages().len(), 1, "it went out once");
    town.close().await;
}

#[tokio::test]
async fn a_callback_is_not_delivered_twice_while_it_is_under_way() {
    let clock = ManualClock::now_still();
    let mut plan =
        TownPlan { vasp: VaspOptions { delay: AT_WORK, ..VaspOptions::default() }, ..TownPlan::default() };
    plan.parts.clock = clock.clone();
    let town = Town::planned(plan).await;
    town.provision(&[town.account("acme", ""), town.usual_carriers()].concat()).await;
    let id = town.submit(&RawRequest::to("16175559008")).await;
    eventually("the VASP has the report", async || (!town.reports_on(id).is_empty()).then_some(())).await;
    clock.advance(SUSPENDED);
    town.event(id, EventKind::Reported).await;
    assert_eq!(town.statuses_on(id), ["Forwarded"], "once");
    town.close().await;
}
