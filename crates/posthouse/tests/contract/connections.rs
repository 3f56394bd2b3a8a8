//! How a carrier's connections are used, as its provisioning says (docs/carriers.md).

use mm7::{Namespace, SeenNamespace};
use posthouse_core::message::EventKind;
use posthouse_sim::{carrier::KeptMessage, wire::Received};

use crate::support::{
    canned::{Canned, Reply},
    request::Request,
    town::{DEADLINE, Plan, Town, range},
};

fn edition(kept: &KeptMessage) -> (SeenNamespace, String) {
    let decoded = Received::read(&kept.headers, kept.body.clone()).unwrap().decoded;
    (decoded.namespace, decoded.version.unwrap().to_string())
}

/// A carrier `c` that has 1617… and connections of these names, URLs and settings.
fn carrier(connections: &[(&str, String, &str)]) -> String {
    let connection = |(name, url, settings): &(&str, String, &str)| {
        format!("[[carrier.connection]]\nname = {name:?}\nurl = {url:?}\n{settings}")
    };
    let connections: String = connections.iter().map(connection).collect();
    format!("[[carrier]]\nid = \"c\"\n{connections}{}", range("1617", "c"))
}

#[tokio::test]
async fn a_submit_req_is_in_the_edition_that_is_provisioned() {
    let town = Town::planned(Plan::default()).await;
    town.provision(&town.account("acme", "")).await;
    for (number, namespace) in Namespace::all().enumerate() {
        let edition_is = format!("namespace = {:?}\n", namespace.name());
        let only = [("only", town.carriers["31003"].url(), edition_is.as_str())];
        town.provision(&carrier(&only)).await;
        town.submit(&Request::to("16175550100")).await;
        let kept = town.carriers["31003"].wait_until(|kept| kept.len() > number, DEADLINE).await.unwrap();
        let expected = (SeenNamespace::Known(namespace), namespace.default_version().to_string());
        assert_eq!(edition(&kept[number]), expected);
        assert_eq!(kept[number].finding, None, "{}", namespace.name());
    }
    town.close().await;
}

#[tokio::test]
async fn connections_share_messages_by_weight() {
    let town = Town::planned(Plan::default()).await;
    let url = |id: &str| town.carriers[id].url();
    let shared = carrier(&[("a", url("31002"), "weight = 3\n"), ("b", url("31003"), "")]);
    town.provision(&(town.account("acme", "") + &shared)).await;
    for _ in 0..20 {
        let id = town.submit(&Request::to("16175550100")).await;
        town.event(id, EventKind::Forwarded).await;
    }
    assert_eq!((town.carriers["31002"].received(), town.carriers["31003"].received()), (15, 5));
    town.close().await;
}

#[tokio::test]
async fn a_connection_of_a_worse_priority_stands_by() {
    let town = Town::planned(Plan::default()).await;
    let canned = Canned::start(|_| Reply::http(503, "text/plain", "busy")).await;
    let (first, spare) = (canned.url("/"), town.carriers["31003"].url());
    let carrier = carrier(&[("spare", spare, "priority = 2\n"), ("first", first, "priority = 1\n")]);
    town.provision(&(town.account("acme", "") + &carrier)).await;
    let mut tried = Vec::new();
    for _ in 0..6 {
        let id = town.submit(&Request::to("16175550100")).await;
        town.event(id, EventKind::Forwarded).await;
        tried.push(town.events(id, EventKind::Sending).await.join(" "));
    }
    assert_eq!(tried[..5], ["first spare"; 5]);
    assert_eq!(tried[5], "spare", "what failed five times in a row is left alone");
    town.close().await;
}
