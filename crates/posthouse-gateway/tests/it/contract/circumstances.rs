//! Rows of contract 4.1 whose cause is not in the request alone.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use mm7::StatusCode;
use posthouse_core::message::EventKind;
use posthouse_sim::{CarrierOptions, Credentials, http::exchange};

use super::{
    refusals::{Case, run_in, validate},
    table::{DIALECTS, Look, difference},
};
use posthouse_testing::{
    canned::{Canned, CannedReply, response},
    provisioning::range,
    request::{DeclaredLength, RawRequest},
    town::{DEADLINE, Town, TownPlan, eventually},
};

/// An account for each dialect, with these lines.
fn accounts(town: &Town, settings: &str) -> String {
    let account = |dialect| town.account(dialect, &format!("dialect = {dialect:?}\n{settings}"));
    DIALECTS.map(account).concat()
}

fn request_of(dialect: &str) -> RawRequest {
    RawRequest { vaspid: Some(format!("{dialect}-key")), ..RawRequest::to("16175550100") }
}

/// Posts a request of each dialect's account and compares the answers with a refusal by this row.
async fn assert_refused(town: &Town, row: u8, code: u32, change: impl Fn(&mut RawRequest)) {
    let mut answers = Vec::new();
    for dialect in DIALECTS {
        let mut request = request_of(dialect);
        change(&mut request);
        let answer = town.post(&request).await;
        let difference = difference(&answer, &Look::refusal(dialect, row, code, &request));
        assert_eq!(difference, None, "row {row}, {dialect}");
        answers.push((format!("row {row}, {dialect}"), answer));
    }
    validate(answers);
}

#[tokio::test]
async fn another_path_and_another_method_get_plain_http() {
    let town = Town::found().await;
    for (method, path, status) in [
        ("POST", "/mm7/v2", 404),
        ("POST", "/", 404),
        ("POST", "/mm7/v1//", 404),
        ("GET", "/mm7/v1/", 405),
        ("GET", "/mm7/v1", 405),
        ("PUT", "/mm7/v1", 405),
        ("DELETE", "/mm7/v1", 405),
    ] {
        let request =
            RawRequest { method: method.to_owned(), path: path.to_owned(), ..RawRequest::to("16175550100") };
        let answer = town.post(&request).await;
        assert_eq!((answer.http_status, answer.code()), (status, None), "{method} {path}");
        assert_eq!(answer.header("allow"), (status == 405).then_some("POST"), "{method} {path}");
    }
    town.close().await;
}

#[tokio::test]
async fn row_12_behind_a_proxy_that_is_ours() {
    let mut plan = TownPlan::default();
    plan.settings.mm7.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap(), "10.0.0.0/8".parse().unwrap()];
    let town = Town::planned(plan).await;
    let forwarded = |address: &'static str, protocol: &'static str| {
        move |request: &mut RawRequest| {
            request.header("X-Forwarded-For", address).header("X-Forwarded-Proto", protocol);
        }
    };
    let both = "allowed_ips = [\"192.0.2.0/24\"]\nrequire_tls = true\n";
    run_in(
        &town,
        12,
        vec![
            Case::new("from where it may", 1000, forwarded("192.0.2.7", "https")).account(both),
            Case::new("over two proxies of ours", 1000, forwarded("192.0.2.7, 10.1.2.3", "https"))
                .account(both),
            Case::new("from elsewhere", 2000, forwarded("198.51.100.7", "https")).account(both),
            Case::new("over a proxy of somebody else's", 2000, forwarded("192.0.2.7, 198.51.100.7", "https"))
                .account(both),
            Case::new("over HTTP", 2000, forwarded("192.0.2.7", "http")).account(both),
        ],
    )
    .await;
    town.close().await;
}

#[tokio::test]
async fn row_13_too_many_wrong_tries() {
    let town = Town::planned(TownPlan::default()).await;
    let auth = "basic_auth = { username = \"acme\", password = \"s3cret\" }\n";
    town.provision(&(accounts(&town, auth) + &town.usual_carriers())).await;
    // acme:s3cret and acme:wrong
    let shows = |value: &'static str| {
        move |request: &mut RawRequest| {
            request.header("Authorization", value);
        }
    };
    // acme:s3cret and acme:wrong
    let (right, wrong) = (shows("Basic YWNtZTpzM2NyZXQ="), shows("Basic YWNtZTp3cm9uZw=="));
    for dialect in DIALECTS {
        let mut request = request_of(dialect);
        right(&mut request);
        town.submit(&request).await;
    }
    for _ in 0..10 {
        assert_refused(&town, 13, 2568, wrong).await;
    }
    assert_refused(&town, 13, 2568, right).await;
    town.close().await;
}

#[tokio::test]
async fn row_15_throughput() {
    let town = Town::planned(TownPlan::default()).await;
    let slow = "throughput = { per_second = 1, burst = 1 }\n";
    town.provision(&(accounts(&town, slow) + &town.usual_carriers())).await;
    for dialect in DIALECTS {
        let [first, second] = [(); 2].map(|()| request_of(dialect));
        let answers = town.post_on_one_connection(&[first, second.clone()]).await;
        assert_eq!(answers[0].code(), Some(1000), "{dialect}");
        let expected = Look::refusal(dialect, 15, 3510, &second);
        assert_eq!(difference(&answers[1], &expected), None, "{dialect}");
        assert_eq!(answers[1].header("retry-after"), Some("1"), "{dialect}");
    }
    town.close().await;
}

#[tokio::test]
async fn row_15_and_32_a_store_that_breaks() {
    let town = Town::planned(TownPlan { fragile: true, ..TownPlan::default() }).await;
    town.provision(&(accounts(&town, "") + &town.usual_carriers())).await;
    for (what, row, code) in [("full", 15, 3510), ("busy", 15, 3510), ("broken", 32, 3000)] {
        let number = std::sync::atomic::AtomicU32::new(0);
        let fails = |request: &mut RawRequest| {
            let number = number.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            request.transaction_id(&format!("{what}-{number}"));
        };
        assert_refused(&town, row, code, fails).await;
    }
    town.submit(&request_of("posthouse")).await;
    town.close().await;
}

/// How many messages in a row a connection has to refuse our credentials for (docs/carriers.md).
const REFUSALS: usize = 5;

#[tokio::test]
async fn row_29_a_carrier_that_refuses_our_credentials() {
    let mut plan = TownPlan::default();
    plan.carriers[1].expects = Some(Credentials::new("posthouse", "right"));
    let town = Town::planned(plan).await;
    town.provision(&(accounts(&town, "") + &town.usual_carriers())).await;
    for number in 0..REFUSALS {
        // What met it before, however often, does not refuse another's.
        let id = town.submit(&request_of("posthouse")).await;
        let retrying = town.event(id, EventKind::Retrying).await;
        assert!(retrying.contains(&StatusCode::ProvisioningIssue.to_string()), "{number}: {retrying}");
    }
    assert_refused(&town, 29, 3520, |_| {}).await;
    // Another carrier is not concerned.
    let id = town
        .submit(&RawRequest { vaspid: Some("posthouse-key".to_owned()), ..RawRequest::to("15085550100") })
        .await;
    assert_eq!(town.ended(id).await.state.as_str(), "Retrieved");
    town.close().await;
}

/// 2001, 4001 and HTTP 401 may be about one message: it is tried again and again, and the others go on.
#[tokio::test]
async fn what_one_message_meets_never_refuses_another() {
    let town = Town::planned(TownPlan::default()).await;
    let met = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&met);
    let canned = Canned::start(move |seen| {
        let is_refused = String::from_utf8_lossy(&seen.body).contains("16175550666");
        if !is_refused {
            return CannedReply::http(200, "text/xml", &response("SubmitRsp", &seen.transaction_id, 1000));
        }
        match count.fetch_add(1, Ordering::Relaxed) % 3 {
            0 => CannedReply::http(200, "text/xml", &response("SubmitRsp", &seen.transaction_id, 2001)),
            1 => CannedReply::http(200, "text/xml", &response("SubmitRsp", &seen.transaction_id, 4001)),
            _ => CannedReply::http(401, "text/html", "<html>Unauthorized</html>"),
        }
    })
    .await;
    let carrier = format!(
        "[[carrier]]\nid = \"c\"\n[[carrier.connection]]\nname = \"only\"\nurl = {:?}\n{}",
        canned.url("/"),
        range("1617", "c")
    );
    town.provision(&(accounts(&town, "") + &carrier)).await;
    let to = |number: &str| RawRequest { vaspid: Some("posthouse-key".to_owned()), ..RawRequest::to(number) };
    town.submit(&to("16175550666")).await;
    eventually("it met that more often than would stop a connection", async || {
        (met.load(Ordering::Relaxed) > 2 * REFUSALS).then_some(())
    })
    .await;
    let id = town.submit(&to("16175550100")).await;
    town.event(id, EventKind::Forwarded).await;
    town.close().await;
}

#[tokio::test]
async fn a_changed_connection_is_tried_at_once() {
    let mut plan = TownPlan::default();
    plan.carriers[1].expects = Some(Credentials::new("posthouse", "right"));
    plan.carriers.push(CarrierOptions::new("31004"));
    let town = Town::planned(plan).await;
    town.provision(&(accounts(&town, "") + &town.usual_carriers())).await;
    let id = town.submit(&request_of("posthouse")).await;
    town.event(id, EventKind::Retrying).await;
    let right = "basic_auth = { username = \"posthouse\", password = \"right\" }\n";
    town.provision(&town.carrier_with("31003", "", right)).await;
    let second = eventually("the carrier takes messages again", async || {
        let answer = town.post(&request_of("posthouse")).await;
        answer.message_id().map(|id| id.parse().unwrap())
    })
    .await;
    for id in [id, second] {
        assert_eq!(town.ended(id).await.state.as_str(), "Retrieved");
    }
    town.close().await;
}

#[tokio::test]
async fn behind_a_request_without_an_end_nothing_is_taken_for_another() {
    let town = Town::found().await;
    let smuggled = RawRequest::to("16175550100").bytes();
    for length in [DeclaredLength::Missing, DeclaredLength::Says("abc".to_owned())] {
        let request = RawRequest {
            content_length: length,
            body: Some(smuggled.clone()),
            ..RawRequest::to("16175550100")
        };
        let answers = exchange(town.mm7_door(), &request.bytes(), DEADLINE).await.unwrap();
        let answers = String::from_utf8(answers).unwrap();
        assert_eq!(answers.matches("HTTP/1.1 ").count(), 1, "{answers}");
        assert!(answers.contains("2500") && answers.contains("\r\nConnection: close\r\n"), "{answers}");
    }
    assert_eq!(town.carriers["31003"].received(), 0);
    town.close().await;
}
