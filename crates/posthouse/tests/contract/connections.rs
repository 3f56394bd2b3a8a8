//! How a carrier's connections are used, as its provisioning says (docs/carriers.md).

use jiff::Timestamp;
use mm7::{Namespace, SeenNamespace};
use posthouse_core::{Id, message::EventKind, store::Next};
use posthouse_sim::{Submit, carrier::KeptMessage, http::Client, media, submit, wire::Received};
use tokio::task::JoinSet;

use crate::support::{
    canned::{Canned, Reply},
    request::Request,
    town::{DEADLINE, Plan, Town, eventually, range},
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

/// They are leased a moment too early, found that nobody is there, and given back; and each must be free then, not kept for the
/// time of a lease by whoever took it up again at that moment.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn messages_for_a_carrier_that_is_down_are_in_nobodys_hands() {
    let town = Town::planned(Plan::default()).await;
    let carrier = carrier(&[("gone", "http://127.0.0.1:1/mm7".to_owned(), "")]);
    town.provision(&(town.account("acme", "") + &carrier)).await;
    let mut clients = JoinSet::new();
    for number in 0..8 {
        let url = town.app.ready().mm7.clone();
        clients.spawn(async move {
            let client = Client::new(DEADLINE);
            let mut ids = Vec::<Id>::new();
            for _ in 0..100 {
                let request = Submit {
                    vaspid: Some("acme-key".to_owned()),
                    vasid: Some("61295".to_owned()),
                    media: vec![media::part("hello.txt", b"Hello".to_vec())],
                    ..Submit::new(&url, "111122", format!("1617555010{number}"))
                };
                let answer = submit(&client, &request).await.unwrap();
                assert_eq!(answer.code(), Some(1000));
                ids.push(answer.message_id().unwrap().as_str().parse().unwrap());
            }
            ids
        });
    }
    for id in clients.join_all().await.concat() {
        eventually("it waits in the store", async || {
            let next = town.store().next(id, Timestamp::now()).await.unwrap();
            matches!(next, Some(Next::Attempt(_))).then_some(())
        })
        .await;
    }
    town.close().await;
}
