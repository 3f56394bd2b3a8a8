//! Messages for a carrier that is down are stored as put off, and go as soon as it is there again.

use std::{sync::Arc, time::Duration};

use posthouse_core::store::FirstAttempt;
use posthouse_sim::{CarrierOptions, CarrierSim};
use posthouse_testing::{
    away::StoreSwitch,
    request::RawRequest,
    town::{Town, TownPlan, address, eventually},
};
use tokio::time::sleep;

const TO: &str = "16175550100";

fn is_put_off(first: Option<FirstAttempt>, asked: bool) -> bool {
    matches!(first, Some(FirstAttempt::PutOff { nobody_there, .. }) if nobody_there == asked)
}

/// A town whose carrier 31003 stops, and whose gateway has noticed that nobody is there.
async fn without_carrier() -> (Town, Arc<StoreSwitch>, CarrierOptions) {
    let switch = Arc::<StoreSwitch>::default();
    let mut town = Town::planned(TownPlan { away: Some(Arc::clone(&switch)), ..TownPlan::default() }).await;
    town.provision(&[town.account("acme", ""), town.usual_carriers()].concat()).await;
    let carrier = town.carriers.remove("31003").unwrap();
    let listen = address(&carrier.url());
    carrier.stop().await;
    eventually("the gateway notices", async || {
        town.submit(&RawRequest::to(TO)).await;
        is_put_off(switch.first_attempts().last().copied(), true).then_some(())
    })
    .await;
    let reports = town.app.ready().carriers.replace("{carrier}", "31003");
    let again = CarrierOptions {
        listen,
        reports: Some(reports),
        report_delay: Duration::from_millis(1),
        ..CarrierOptions::new("31003")
    };
    (town, switch, again)
}

#[tokio::test]
async fn what_was_stored_as_put_off_goes_when_its_carrier_is_there_again() {
    let (mut town, switch, again) = without_carrier().await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(town.submit(&RawRequest::to(TO)).await);
        assert!(is_put_off(switch.first_attempts().last().copied(), true));
    }
    // One that is not its own is not concerned.
    town.submit(&RawRequest::to("15085550100")).await;
    assert!(matches!(switch.first_attempts().last(), Some(FirstAttempt::Leased(_))));
    town.carriers.insert("31003".to_owned(), CarrierSim::start(again).await.unwrap());
    for id in ids {
        assert_eq!(town.ended(id).await.state.as_str(), "Retrieved");
    }
    town.close().await;
}

/// The lane has looked at what was put off before the message is there.
#[tokio::test]
async fn what_is_stored_as_put_off_after_its_carrier_came_back_goes_as_well() {
    let (mut town, switch, again) = without_carrier().await;
    let first = town.submit(&RawRequest::to(TO)).await;
    switch.hold(true);
    let before = switch.first_attempts().len();
    let late = async { town.submit(&RawRequest::to(TO)).await };
    let comes_back = async {
        eventually("it is decided about", async || (switch.first_attempts().len() > before).then_some(()))
            .await;
        let carrier = CarrierSim::start(again).await.unwrap();
        eventually("what waited is sent", async || (carrier.received() >= before as u64).then_some(())).await;
        assert_eq!(town.ended(first).await.state.as_str(), "Retrieved");
        // The lane looks till nothing is left.
        sleep(Duration::from_millis(300)).await;
        switch.hold(false);
        carrier
    };
    let (late, carrier) = tokio::join!(late, comes_back);
    assert!(is_put_off(switch.first_attempts().get(before).copied(), true));
    assert_eq!(town.ended(late).await.state.as_str(), "Retrieved");
    town.carriers.insert("31003".to_owned(), carrier);
    town.close().await;
}
