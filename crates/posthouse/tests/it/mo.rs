//! What came from carriers, looked up by the API and by `posthouse mo`.

use std::process::Command;

use mm7::MmStatus;
use posthouse_api::{MoQuery, UnmatchedQuery};
use posthouse_gateway::admin::run_token;
use posthouse_sim::carrier::{HandsetMessage, MoPart};
use posthouse_testing::{
    request::RawRequest,
    town::{DEADLINE, Town, TownPlan, eventually},
};

use crate::process::client;

fn hello(to: &str) -> HandsetMessage {
    let part = MoPart {
        content_type: "text/plain; charset=utf-8".to_owned(),
        text: Some("hello".to_owned()),
        base64: None,
        id: None,
        name: None,
    };
    HandsetMessage { from: "16175550100".to_owned(), to: to.to_owned(), subject: None, parts: vec![part] }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_from_handsets_are_listed_shown_and_sent_again() {
    let town = Town::planned(TownPlan::default()).await;
    let callbacks = format!("deliver_url = \"{}/deliver\"\n", town.vasp.url());
    let account = town.account_with("acme", "", &callbacks, "");
    town.provision(&[account, town.usual_carriers()].concat()).await;
    let token = run_token::read(&run_token::token_file(&town.folder().join("posthouse.db"))).unwrap();
    let api = client(&town);

    assert_eq!(town.carriers["31003"].deliver(&hello("111122")).await.unwrap().code(), Some(1000));
    let mo = eventually("it is delivered", async || {
        let items = api.mos(&MoQuery::default(), None, 9).await.unwrap().items;
        items.into_iter().find(|one| one.state == "settled")
    })
    .await;
    assert_eq!((mo.account.as_str(), mo.sender.as_str()), ("acme", "+1617•••0100"));
    assert_eq!((mo.recipients.as_slice(), mo.parts.len()), (&["111122".to_owned()][..], 1));
    assert_eq!(api.mo(&mo.linked_id, true).await.unwrap().sender, "16175550100");
    assert_eq!(api.resend_mo(&mo.linked_id).await.unwrap().state, "owed");
    let twice = |callbacks: &[_]| callbacks.len() == 2;
    assert!(town.vasp.wait_until(twice, DEADLINE).await.is_some());

    assert_eq!(town.carriers["31003"].deliver(&hello("999888")).await.unwrap().code(), Some(2002));
    let nobody = api.for_nobody(Some("31003"), None, 9).await.unwrap().items.remove(0);
    assert_eq!((nobody.recipients.as_str(), nobody.sender.as_deref()), ("999888", Some("+1617•••0100")));
    let listed = Command::new(env!("CARGO_BIN_EXE_posthouse"))
        .args(["mo", "for-nobody", "--url", &town.app.ready().admin, "--token", &token])
        .output()
        .unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.contains("carrier 31003  +1617•••0100 -> 999888\n"), "{listed}");
    town.close().await;
}

#[tokio::test]
async fn reports_whose_message_is_not_known_are_listed() {
    let town = Town::found().await;
    let api = client(&town);
    let id = town.submit(&RawRequest::to("16175550100")).await;
    town.ended(id).await;
    let report = posthouse_core::message::CarrierReport {
        carrier: posthouse_core::carrier::CarrierId("31003".to_owned()),
        carrier_message_id: "never-heard-of".to_owned(),
        recipient: posthouse_core::address::Msisdn::parse("16175550100", false),
        sender: None,
        status: MmStatus::Retrieved,
        said: "Retrieved".to_owned(),
        odd: String::new(),
        received_at: posthouse_core::Id::first_at(id.time()).time(),
    };
    town.store().record_report(report, None).await.unwrap();
    let query = UnmatchedQuery { to: Some("+1 617-555-0100".to_owned()), ..UnmatchedQuery::default() };
    let found = api.unmatched(&query, None, 9).await.unwrap().items.remove(0);
    assert_eq!((found.carrier_message_id.as_str(), found.status.as_str()), ("never-heard-of", "Retrieved"));
    assert_eq!(found.recipient.as_deref(), Some("+1617•••0100"));
    let whole = api.unmatched_report(found.number, true).await.unwrap();
    assert_eq!(whole.recipient.as_deref(), Some("16175550100"));
    town.close().await;
}
