//! Provisioning in force within a second, without a restart; throughput; and which carrier gets a message.

use std::{path::PathBuf, time::Duration};

use jiff::Timestamp;
use posthouse_core::{actor::Actor, message::EventKind};
use posthouse_gateway::config::{ConfigFile, apply};
use tokio::time::Instant;

use posthouse_testing::{
    provisioning::range,
    request::RawRequest,
    town::{Town, TownPlan, eventually},
};

/// Changes provisioning as another process would, and waits till a request is answered with this code.
async fn change(town: &Town, toml: &str, request: impl Fn() -> RawRequest, code: u32) {
    let document =
        ConfigFile { file: "change.toml".to_owned(), text: toml.to_owned(), folder: PathBuf::new() };
    apply(&**town.store(), &document, &|_| None, false, &Actor::gateway(), Timestamp::now()).await.unwrap();
    let began = Instant::now();
    eventually(&format!("the change to {code} is in force"), async || {
        (town.post(&request()).await.code() == Some(code)).then_some(())
    })
    .await;
    assert!(began.elapsed() < Duration::from_secs(1), "after {:?}", began.elapsed());
}

#[tokio::test]
async fn changes_are_in_force_within_a_second() {
    let town = Town::found().await;
    let to = |number: &'static str| move || RawRequest::to(number);
    let usual = to("16175550100");
    for (settings, code) in [
        ("status = \"disabled\"\n", 2550),
        ("", 1000),
        ("mm7 = false\n", 2551),
        ("require_tls = true\n", 2000),
        ("client_certs = [\"dns:mms.acme.example\"]\n", 2568),
        ("basic_auth = { username = \"acme\", password = \"s3cret\" }\n", 2568),
        ("require_carrier_id = true\n", 2567),
        ("max_message_bytes = 100\n", 2560),
        ("", 1000),
    ] {
        change(&town, &town.account("acme", settings), usual, code).await;
    }
    change(&town, "[[blacklist]]\nnumber = \"16175550100\"\naccount = \"acme\"\n", usual, 3001).await;
    let fresh = to("17005550100");
    change(&town, &range("1700", "31002"), fresh, 1000).await;
    change(&town, "[[carrier]]\nid = \"31002\"\n", fresh, 3520).await;
    let reach = town.account_with("acme", "", "", "carriers = [\"31003\"]\n");
    change(&town, &reach, to("15085550100"), 2570).await;
    change(&town, &town.account_with("acme", "", "", "").replace("61295", "777"), usual, 2562).await;
    town.close().await;
}

#[tokio::test]
async fn a_connection_that_changes_is_used_for_what_waits() {
    let town = Town::found().await;
    let carrier = town.carrier("31003", "");
    town.provision(&carrier.replace(&town.carriers["31003"].url(), "http://127.0.0.1:9/mm7")).await;
    let id = town.submit(&RawRequest::to("16175550100")).await;
    town.event(id, EventKind::Retrying).await;
    town.provision(&carrier).await;
    assert_eq!(town.ended(id).await.state.as_str(), "Retrieved");
    town.close().await;
}

#[tokio::test]
async fn a_burst_goes_in_and_what_is_over_it_is_refused() {
    let town = Town::planned(TownPlan::default()).await;
    let account = |name| town.account(name, "throughput = { per_second = 1, burst = 5 }\n");
    town.provision(&(account("acme") + &account("beta") + &town.usual_carriers())).await;
    let requests: Vec<_> = (0..7).map(|_| RawRequest::to("16175550100")).collect();
    let answers = town.post_on_one_connection(&requests).await;
    let codes: Vec<_> = answers.iter().filter_map(|answer| answer.code()).collect();
    assert_eq!(codes, [1000, 1000, 1000, 1000, 1000, 3510, 3510]);
    // One account's throughput is not another's, and a changed one counts at once.
    town.submit(&RawRequest { vaspid: Some("beta-key".to_owned()), ..RawRequest::to("16175550100") }).await;
    town.provision(&town.account("acme", "throughput = { per_second = 1000, burst = 1000 }\n")).await;
    for request in &requests {
        town.submit(&RawRequest { soap_header: RawRequest::to("").soap_header, ..request.clone() }).await;
    }
    town.close().await;
}

#[tokio::test]
async fn which_carrier_gets_a_message() {
    let town = Town::found().await;
    let carriers = [
        town.carrier("31002", "aliases = [\"0001890\", \"att\"]\n"),
        range("16175", "31002"),
        range("161755501", "31003"),
        range("1617555019", "31002"),
    ];
    town.provision(&carriers.concat()).await;
    for (number, named, carrier) in [
        ("16174440100", None, "31003"),
        ("16175990100", None, "31002"),
        ("16175550100", None, "31003"),
        ("16175550190", None, "31002"),
        ("15085550100", None, "31002"),
        ("15085550100", Some("31003"), "31003"),
        ("16174440100", Some("31002"), "31002"),
        ("16174440100", Some("0001890"), "31002"),
        ("16174440100", Some(" att "), "31002"),
        // What the request says needs no range.
        ("4915155550100", Some("31003"), "31003"),
    ] {
        let mut request = RawRequest::to(number);
        if let Some(named) = named {
            request.header("X-Posthouse-Carrier-Id", named);
        }
        let id = town.submit(&request).await;
        assert_eq!(town.message(id).await.carrier.as_str(), carrier, "{number} {named:?}");
    }
    for unknown in ["1890", "001890", "ATT", "31002 31003"] {
        let mut request = RawRequest::to("16174440100");
        request.header("X-Posthouse-Carrier-Id", unknown);
        assert_eq!(town.post(&request).await.code(), Some(2566), "{unknown:?}");
    }
    town.close().await;
}
