//! How a carrier's connections are used, as its provisioning says (docs/carriers.md).

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use jiff::Timestamp;
use mm7::{Namespace, SeenNamespace};
use posthouse_core::{Id, message::EventKind, store::NextStep};
use posthouse_sim::{Submit, carrier::KeptMessage, http::Client, media, submit, wire::ReceivedMessage};
use tokio::task::JoinSet;

use posthouse_testing::{
    canned::{Canned, CannedReply, response},
    provisioning::range,
    request::RawRequest,
    town::{DEADLINE, Town, TownPlan, eventually},
};

fn edition(kept: &KeptMessage) -> (SeenNamespace, String) {
    let decoded = ReceivedMessage::read(&kept.headers, kept.body.clone()).unwrap().decoded;
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
    let town = Town::planned(TownPlan::default()).await;
    town.provision(&town.account("acme", "")).await;
    for (number, namespace) in Namespace::all().enumerate() {
        let edition_is = format!("namespace = {:?}\n", namespace.name());
        let only = [("only", town.carriers["31003"].url(), edition_is.as_str())];
        town.provision(&carrier(&only)).await;
        town.submit(&RawRequest::to("16175550100")).await;
        let kept = town.carriers["31003"].wait_until(|kept| kept.len() > number, DEADLINE).await.unwrap();
        let expected = (SeenNamespace::Known(namespace), namespace.default_version().to_string());
        assert_eq!(edition(&kept[number]), expected);
        assert_eq!(kept[number].finding, None, "{}", namespace.name());
    }
    town.close().await;
}

#[tokio::test]
async fn connections_share_messages_by_weight() {
    let town = Town::planned(TownPlan::default()).await;
    let url = |id: &str| town.carriers[id].url();
    let shared = carrier(&[("a", url("31002"), "weight = 3\n"), ("b", url("31003"), "")]);
    town.provision(&(town.account("acme", "") + &shared)).await;
    for _ in 0..20 {
        let id = town.submit(&RawRequest::to("16175550100")).await;
        town.event(id, EventKind::Forwarded).await;
    }
    assert_eq!((town.carriers["31002"].received(), town.carriers["31003"].received()), (15, 5));
    town.close().await;
}

#[tokio::test]
async fn a_connection_of_a_worse_priority_stands_by() {
    let town = Town::planned(TownPlan::default()).await;
    let canned = Canned::start(|_| CannedReply::http(503, "text/plain", "busy")).await;
    let (first, spare) = (canned.url("/"), town.carriers["31003"].url());
    let carrier = carrier(&[("spare", spare, "priority = 2\n"), ("first", first, "priority = 1\n")]);
    town.provision(&(town.account("acme", "") + &carrier)).await;
    let mut tried = Vec::new();
    for _ in 0..6 {
        let id = town.submit(&RawRequest::to("16175550100")).await;
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
    let town = Town::planned(TownPlan::default()).await;
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
            matches!(next, Some(NextStep::Attempt(_))).then_some(())
        })
        .await;
    }
    town.close().await;
}

/// One that was busy for a moment has a narrower window; what hangs in that takes no place from what does not.
#[tokio::test]
async fn requests_that_hang_do_not_stop_a_connection_that_was_busy() {
    let town = Town::planned(TownPlan::default()).await;
    let was_busy = AtomicBool::new(false);
    let hanging = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&hanging);
    let canned = Canned::start(move |seen| {
        let is_to = |number: &str| String::from_utf8_lossy(&seen.body).contains(number);
        if is_to("16175550503") && !was_busy.swap(true, Ordering::Relaxed) {
            return CannedReply::http(503, "text/plain", "busy");
        }
        if is_to("16175553500") {
            count.fetch_add(1, Ordering::Relaxed);
            return CannedReply::Silence;
        }
        CannedReply::http(200, "text/xml", &response("SubmitRsp", &seen.transaction_id, 1000))
    })
    .await;
    let only = [("only", canned.url("/"), "window = 4\ntimeout = \"10s\"\n")];
    town.provision(&(town.account("acme", "") + &carrier(&only))).await;
    let busy = town.submit(&RawRequest::to("16175550503")).await;
    town.event(busy, EventKind::Forwarded).await;
    let hung = [
        town.submit(&RawRequest::to("16175553500")).await,
        town.submit(&RawRequest::to("16175553500")).await,
    ];
    eventually("both are under way", async || (hanging.load(Ordering::Relaxed) == 2).then_some(())).await;
    for _ in 0..10 {
        let id = town.submit(&RawRequest::to("16175550100")).await;
        town.event(id, EventKind::Forwarded).await;
    }
    for id in hung {
        assert_eq!(town.message(id).await.state.as_str(), "Sending", "it hangs still");
    }
    town.close().await;
}
