//! A carrier that is slow is seen: in the log, `queues` and `doctor`.

use std::time::Duration;

use posthouse_sim::{CarrierOptions, CarrierSim, Submit, http::Client, media, submit};
use posthouse_testing::provisioning::{AccountToml, CarrierToml, range};
use serde_json::Value;
use tokio::{task::block_in_place, time::sleep};

use crate::process::{DEADLINE, Gateway, folder, posthouse, provision};

const MESSAGES: u64 = 300;

async fn json(folder: &std::path::Path, arguments: &[&str]) -> Value {
    let output = block_in_place(|| posthouse(folder, arguments).output().unwrap());
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// Waits till a look finds something.
async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = std::time::Instant::now() + DEADLINE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(std::time::Instant::now() < deadline, "{what}: not within {DEADLINE:?}");
        sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_carrier_is_named_by_log_queues_and_doctor() {
    let folder = folder();
    let carrier = CarrierSim::start(CarrierOptions {
        latency: Duration::from_millis(2500),
        error_rate: 0.3,
        ..CarrierOptions::new("31003")
    });
    let carrier = carrier.await.unwrap();
    let gateway = block_in_place(|| Gateway::start(folder.path()));
    let account = AccountToml::new("acme").service("default = true\n");
    let connection = CarrierToml::new("31003").connection("vzw-1", &carrier.url(), "window = 16\n");
    let other = CarrierToml::new("31002").connection("att-1", "http://127.0.0.1:9/mm7", "");
    let file = format!("{account}{connection}{other}{}", range("1617", "31003"));
    block_in_place(|| provision(folder.path(), &file));
    let idle = json(folder.path(), &["queues", "-c", "posthouse.toml", "--json"]).await;
    assert_eq!(idle["queues"][0]["carrier"], "31002", "what is provisioned is there, with nothing: {idle}");
    assert_eq!(idle["queues"][1]["waiting"], 0, "{idle}");

    let client = Client::new(DEADLINE);
    for number in 0..MESSAGES {
        let request = Submit {
            vaspid: Some("acme-key".to_owned()),
            media: vec![media::part("text.txt", b"slow".to_vec())],
            ..Submit::new(gateway.mm7.clone(), "111122", format!("1617{}0100", number + 1000))
        };
        let answer = submit(&client, &request).await.unwrap();
        assert!(answer.is_success(), "{answer:?}");
    }
    let warned = block_in_place(|| gateway.program.said("a connection is used less"));
    for told in ["WARN", "carrier=31003", "connection=\"vzw-1\"", "window_limit=16"] {
        assert!(warned.contains(told), "{warned}");
    }
    let slow = eventually("the queue is told", async || {
        let queues = json(folder.path(), &["queues", "-c", "posthouse.toml", "--json"]).await;
        let slow = queues["queues"][1].clone();
        let all = ["waiting", "sending", "parked", "at_carrier"].map(|state| slow[state].as_u64().unwrap());
        assert!(all.iter().sum::<u64>() <= MESSAGES, "{slow}");
        (slow["connections"][0]["state"] == "throttled").then_some(slow)
    });
    let slow = slow.await;
    assert!(
        slow["waiting"].as_u64().unwrap() > 50 && slow["oldest_seconds"].as_f64().unwrap() > 0.0,
        "{slow}"
    );
    assert_eq!(slow["accounts"][0]["account"], "acme", "{slow}");
    assert!(slow["says"].as_str().unwrap().starts_with("31003 "), "{slow}");

    // By chance some answers in a row are none of its errors: it is used as before then, and less again with the next ones.
    let said = eventually("doctor tells it", async || {
        let report = json(folder.path(), &["doctor", "-c", "posthouse.toml", "--json"]).await;
        report["findings"].as_array().unwrap().iter().find(|finding| finding["check"] == "queue").cloned()
    });
    let said = said.await;
    assert!(said["verdict"] == "mend" && said["said"].as_str().unwrap().contains(" wait, oldest "), "{said}");

    let by_account =
        json(folder.path(), &["queues", "--by", "account", "-c", "posthouse.toml", "--json"]).await;
    assert_eq!(by_account["queues"][0]["account"], "acme", "{by_account}");
    assert!(by_account["queues"][0]["waiting"].as_u64().unwrap() > 50, "{by_account}");
    drop(gateway);
    let alone = json(folder.path(), &["queues", "-c", "posthouse.toml", "--json"]).await;
    assert!(alone["queues"][1]["waiting"].as_u64().unwrap() > 50, "counted without a gateway: {alone}");
    carrier.stop().await;
}

/// Nobody listens at one; the other takes requests and never answers.
#[tokio::test(flavor = "multi_thread")]
async fn dead_carriers_are_told_with_what_they_were_met_with() {
    let folder = folder();
    let mute = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mute_url = format!("http://{}/mm7", mute.local_addr().unwrap());
    let gateway = block_in_place(|| Gateway::start(folder.path()));
    let account = AccountToml::new("acme").service("default = true\n");
    let dead = CarrierToml::new("31002").connection("att-1", "http://127.0.0.1:9/mm7", "");
    let silent = CarrierToml::new("31003").connection("vzw-1", &mute_url, "timeout = \"1s\"\n");
    let file = format!("{account}{dead}{silent}{}{}", range("1508", "31002"), range("1617", "31003"));
    block_in_place(|| provision(folder.path(), &file));
    let client = Client::new(DEADLINE);
    for number in 0..5 {
        for range in ["1508", "1617"] {
            let request = Submit {
                vaspid: Some("acme-key".to_owned()),
                media: vec![media::part("text.txt", b"dead".to_vec())],
                ..Submit::new(gateway.mm7.clone(), "111122", format!("{range}555010{number}"))
            };
            assert!(submit(&client, &request).await.unwrap().is_success());
        }
    }
    let queues = eventually("both are told", async || {
        let queues =
            json(folder.path(), &["queues", "-c", "posthouse.toml", "--json"]).await["queues"].take();
        let is_told = |queue: &Value| !queue["connections"][0]["failed"].is_null();
        (is_told(&queues[0]) && is_told(&queues[1]) && queues[1]["parked"] == 5).then_some(queues)
    });
    let queues = queues.await;
    let says = [&queues[0]["says"], &queues[1]["says"]].map(|says| says.as_str().unwrap());
    let dead = "31002 is not used: no connection serves (att-1: no connection: ";
    assert!(says[0].starts_with(dead) && says[0].contains("), 5 wait, oldest "), "{says:?}");
    let silent = "31003 is not used: no connection serves (vzw-1: no answer: nothing within 1000 ms), nothing waits, 5 are parked";
    assert_eq!(says[1], silent);
    let report = json(folder.path(), &["doctor", "-c", "posthouse.toml", "--json"]).await;
    let findings = report["findings"].as_array().unwrap();
    let parked = "31003: 5 parked messages may have arrived; a report decides, or else an operator: \
                  `posthouse messages list --carrier 31003 --state Parked`";
    assert!(findings.iter().any(|one| one["verdict"] == "note" && one["said"] == parked), "{report}");
}
