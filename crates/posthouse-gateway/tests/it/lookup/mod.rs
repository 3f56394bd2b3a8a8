//! Which carrier a message goes to, and what a VASP is told when nobody knows: over MM7, with a real lookup service.

mod service;

use std::{path::Path, sync::Arc, time::Instant};

use self::service::{LookupService, Reply, dns_server};
use posthouse_testing::{
    request::RawRequest,
    town::{Town, TownPlan, eventually},
};

const HEADER: &str = "X-Posthouse-Carrier-Id";

/// The usual account and carriers, with lines of `[lookup]`. No range has these tests' numbers, but for 1617….
async fn town(lookup: &str) -> Town {
    let town = Town::planned(TownPlan::default()).await;
    let carriers = town.carrier("31002", "aliases = [\"att\", \"mms.att.example\"]\n");
    let range = "[[range]]\nprefix = \"1617\"\ncarrier = \"31003\"\n";
    let account = town.account("acme", "");
    town.provision(&[&account, &carriers, &town.carrier("31003", ""), range, lookup].concat()).await;
    town
}

async fn code(town: &Town, number: &str) -> u32 {
    town.post(&RawRequest::to(number)).await.code().expect("a code")
}

/// Submits, and gives back the carrier that the message is for.
async fn carrier(town: &Town, number: &str) -> String {
    let id = town.submit(&RawRequest::to(number)).await;
    town.message(id).await.carrier.to_string()
}

#[tokio::test]
async fn each_reply_of_the_service_has_its_code() {
    let service = LookupService::start().await;
    let town = town(&service.toml("10s", "1h")).await;
    let names = |name: &str| Reply::carrier(name);
    let says = |status, body: &str| Reply::Http(status, body.to_owned());
    let long = format!("{{\"carrier\":\"31003\",\"x\":\"{}\"}}", "x".repeat(300 << 10));
    for (number, reply, expected) in [
        ("15550000001", names("31003"), 1000),
        ("15550000002", names("att"), 1000),
        ("15550000003", says(404, ""), 2570),
        ("15550000004", names("31009"), 2570),
        ("15550000005", says(500, "{\"carrier\":\"31003\"}"), 2569),
        ("15550000006", says(200, "<html>31003</html>"), 2569),
        ("15550000007", says(200, "{\"carrier\":31003}"), 2569),
        ("15550000008", says(302, ""), 2569),
        ("15550000009", names("31003"), 1000),
        ("15550000010", Reply::HangUp, 2569),
        ("15550000011", says(200, &long), 2569),
        // What a number's carrier is, ranges do not say here.
        ("16175550100", says(404, ""), 2570),
    ] {
        service.set(number, reply);
        assert_eq!(code(&town, number).await, expected, "{number}");
    }
    assert_eq!(service.asked().first().map(String::as_str), Some("/lookup/15550000001?key=k3y"));
    town.close().await;
}

#[tokio::test]
async fn what_the_service_said_decides_where_the_message_goes() {
    let service = LookupService::start().await;
    let town = town(&service.toml("10s", "1h")).await;
    service.set("15550000001", Reply::carrier("att"));
    let id = town.submit(&RawRequest::to("15550000001")).await;
    assert_eq!(town.ended(id).await.carrier.to_string(), "31002");
    assert_eq!(town.carriers["31002"].received(), 1);
    assert_eq!(town.carriers["31003"].received(), 0);
    town.close().await;
}

#[tokio::test]
async fn a_late_service_is_a_service_that_is_down() {
    let service = LookupService::start().await;
    let town = town(&service.toml("50ms", "1h")).await;
    service.shut();
    service.set("15550000001", Reply::carrier("31003"));
    assert_eq!(code(&town, "15550000001").await, 2569);
    service.open();
    eventually("the service is in time", async || (code(&town, "15550000001").await == 1000).then_some(()))
        .await;
    town.close().await;
}

#[tokio::test]
async fn answers_are_remembered_and_so_is_that_nobody_has_a_number() {
    let service = LookupService::start().await;
    let town = town(&service.toml("10s", "1h")).await;
    service.set("15550000001", Reply::carrier("31003"));
    assert_eq!(code(&town, "15550000001").await, 1000);
    assert_eq!(code(&town, "15550000002").await, 2570);
    service.set("15550000001", Reply::carrier("31002"));
    service.set("15550000002", Reply::carrier("31002"));
    for _ in 0..3 {
        assert_eq!(carrier(&town, "15550000001").await, "31003");
        assert_eq!(code(&town, "15550000002").await, 2570);
    }
    assert_eq!(service.asked().len(), 2);
    // Another [lookup] knows nothing yet.
    town.provision(&service.toml("10s", "2h")).await;
    assert_eq!(carrier(&town, "15550000001").await, "31002");
    town.close().await;
}

#[tokio::test]
async fn a_carrier_that_is_provisioned_later_is_found_though_its_name_was_remembered() {
    let service = LookupService::start().await;
    let town = town(&service.toml("10s", "1h")).await;
    service.set("15550000001", Reply::carrier("tmo"));
    assert_eq!(code(&town, "15550000001").await, 2570);
    town.provision(&town.carrier("31003", "aliases = [\"tmo\"]\n")).await;
    assert_eq!(carrier(&town, "15550000001").await, "31003");
    assert_eq!(service.asked().len(), 1);
    town.close().await;
}

#[tokio::test]
async fn many_messages_to_one_number_are_one_question() {
    let service = LookupService::start().await;
    let town = Arc::new(town(&service.toml("10s", "1h")).await);
    service.set("15550000001", Reply::carrier("31003"));
    service.shut();
    let posts: Vec<_> = (0..20)
        .map(|_| {
            let town = Arc::clone(&town);
            tokio::spawn(async move { code(&town, "15550000001").await })
        })
        .collect();
    eventually("a question", async || (!service.asked().is_empty()).then_some(())).await;
    service.open();
    for post in posts {
        assert_eq!(post.await.unwrap(), 1000);
    }
    assert_eq!(service.asked().len(), 1);
    Arc::into_inner(town).unwrap().close().await;
}

#[tokio::test]
async fn while_the_service_is_down_it_is_not_asked_and_what_is_known_serves() {
    let service = LookupService::start().await;
    // Every answer is too old at once.
    let town = town(&service.toml("10s", "1ms")).await;
    service.set("15550000000", Reply::carrier("31002"));
    assert_eq!(carrier(&town, "15550000000").await, "31002");
    let down = || Reply::Http(503, String::new());
    service.set("15550000000", down());
    assert_eq!(carrier(&town, "15550000000").await, "31002", "stale");
    for last in 1..=40 {
        let number = format!("15550000{last:03}");
        service.set(&number, down());
        assert_eq!(code(&town, &number).await, 2569, "{number}");
    }
    // Five failures in a row; after that, a try in a second, two, four.
    let asked = service.asked().len();
    assert!((6..12).contains(&asked), "{asked}");
    assert_eq!(carrier(&town, "15550000000").await, "31002", "stale");
    service.set("15550000005", Reply::carrier("31003"));
    eventually("the service is asked again", async || {
        (code(&town, "15550000005").await == 1000).then_some(())
    })
    .await;
    town.close().await;
}

#[tokio::test]
async fn a_message_that_names_its_carrier_does_not_wait_for_a_service_that_hangs() {
    let service = LookupService::start().await;
    let town = Arc::new(town(&service.toml("10s", "1h")).await);
    service.shut();
    let waiting: Vec<_> = (0..10)
        .map(|last| {
            let number = format!("1555000010{last}");
            service.set(&number, Reply::carrier("31003"));
            let town = Arc::clone(&town);
            tokio::spawn(async move { code(&town, &number).await })
        })
        .collect();
    eventually("all hang", async || (service.asked().len() == 10).then_some(())).await;
    for name in ["31003", "att"] {
        for _ in 0..10 {
            town.submit(RawRequest::to("15550000001").header(HEADER, name)).await;
        }
    }
    assert!(waiting.iter().all(|post| !post.is_finished()));
    assert_eq!(service.asked().len(), 10);
    service.open();
    for post in waiting {
        assert_eq!(post.await.unwrap(), 1000);
    }
    Arc::into_inner(town).unwrap().close().await;
}

/// A measurement, worth something in release on a machine that does nothing else:
/// `cargo test --release -p posthouse --test it lookup -- --ignored --nocapture`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures, for which the machine has to be quiet"]
async fn a_service_that_hangs_costs_named_messages_no_speed() {
    const ROUNDS: usize = 21;
    let service = LookupService::start().await;
    let town = Arc::new(town(&service.toml("60s", "1h")).await);
    let mut named = RawRequest::to("16175550100");
    named.header(HEADER, "31003").element("DeliveryReport", "false");
    let batch = async |town: &Town| {
        let requests = vec![named.clone(); 100];
        let began = Instant::now();
        for answer in town.post_on_one_connection(&requests).await {
            assert_eq!(answer.code(), Some(1000));
        }
        began.elapsed()
    };
    batch(&town).await;
    let mut ratios = Vec::new();
    for round in 0..ROUNDS {
        let alone = batch(&town).await;
        service.shut();
        let hanging: Vec<_> = (0..50)
            .map(|last| {
                let number = format!("1555{:07}", round * 50 + last);
                let town = Arc::clone(&town);
                tokio::spawn(async move { code(&town, &number).await })
            })
            .collect();
        let asked = (round + 1) * 50;
        eventually("all hang", async || (service.asked().len() == asked).then_some(())).await;
        let beside = batch(&town).await;
        ratios.push(alone.as_secs_f64() / beside.as_secs_f64());
        assert!(hanging.iter().all(|post| !post.is_finished()));
        service.open();
        for post in hanging {
            assert_eq!(post.await.unwrap(), 2570);
        }
    }
    ratios.sort_by(f64::total_cmp);
    let ratio = ratios[ROUNDS / 2];
    println!("{ratio:.3} of the rate beside 50 lookups that hang");
    assert!(ratio >= 0.95, "{ratio:.3}");
    Arc::into_inner(town).unwrap().close().await;
}

#[tokio::test]
async fn enum_finds_the_carrier_in_the_dns() {
    let (server, asked) =
        dns_server("u", "E2U+mms:mailto", "!^.*$!mailto:+15550000001@MMS.att.example!").await;
    let lookup =
        format!("[lookup]\nprovider = \"enum\"\nurl = \"dns://{server}/e164.arpa\"\ntimeout = \"10s\"\n");
    let town = town(&lookup).await;
    assert_eq!(carrier(&town, "15550000001").await, "31002");
    assert_eq!(
        *asked.borrow(),
        b"\x011\x010\x010\x010\x010\x010\x010\x015\x015\x015\x011\x04e164\x04arpa\x00"
    );
    town.close().await;
}

fn ported(path: &Path) -> String {
    format!("ported = {path:?}\n")
}

#[tokio::test]
async fn ported_numbers_leave_their_range_and_a_new_file_counts_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ported.csv");
    std::fs::write(&path, "msisdn,carrier\n16175550101,att\n16175550102,31009\n").unwrap();
    let town = town(&format!("[lookup]\n{}", ported(&path))).await;
    eventually("the file is read", async || (code(&town, "16175550100").await != 2569).then_some(())).await;
    assert_eq!(carrier(&town, "16175550100").await, "31003");
    assert_eq!(carrier(&town, "16175550101").await, "31002");
    assert_eq!(code(&town, "16175550102").await, 2570, "gone to a carrier that is not provisioned");
    assert_eq!(code(&town, "15550000001").await, 2570);
    let new = folder.path().join("new.csv");
    std::fs::write(&new, "16175550100,31002\n").unwrap();
    std::fs::rename(&new, &path).unwrap();
    eventually("the new file counts", async || {
        (carrier(&town, "16175550100").await == "31002").then_some(())
    })
    .await;
    assert_eq!(carrier(&town, "16175550101").await, "31003");
    town.close().await;
}

#[tokio::test]
async fn ported_numbers_are_not_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ported.csv");
    std::fs::write(&path, "15550000001,31002\n").unwrap();
    let service = LookupService::start().await;
    let town = town(&(service.toml("10s", "1h") + &ported(&path))).await;
    eventually("the file is read", async || (code(&town, "15550000001").await == 1000).then_some(())).await;
    assert_eq!(carrier(&town, "15550000001").await, "31002");
    assert_eq!(service.asked().len(), 0);
    assert_eq!(code(&town, "15550000002").await, 2570);
    assert_eq!(service.asked().len(), 1);
    town.close().await;
}
